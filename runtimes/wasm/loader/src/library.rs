//! The compiler's shared library: search and version check.
//!
//! It lies beside the library that this code is part of, wherever that is. Where this code is part of a program, whose
//! folder is no place for libraries and known by what its caller says, the dynamic linker looks for it as for any
//! other. It is never unloaded.

use std::ffi::{CStr, CString, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use libhyperlight::Result;
use libhyperlight_wasm_interface::{ENTRY, Entry, FILE, Interface, NUMBER, RELEASE};

use crate::error::unavailable;

/// The file name where only one version is installed.
const PLAIN: &str = "libhyperlight_wasm.so";

/// Returns the table of the library's functions, loaded at first use. No lock is held meanwhile, which a forked child
/// might inherit. Two threads that come first both load it, and find the same one.
pub(crate) fn load() -> Result<&'static Interface> {
    static LOADED: AtomicPtr<Interface> = AtomicPtr::new(ptr::null_mut());
    // SAFETY: null, or a table that was found below, which lives as long as the library: for ever.
    if let Some(interface) = unsafe { LOADED.load(Ordering::Acquire).as_ref() } {
        return Ok(interface);
    }
    let interface = checked(open()?)?;
    LOADED.store(ptr::from_ref(interface).cast_mut(), Ordering::Release);
    Ok(interface)
}

/// An open library.
struct Library {
    handle: *mut c_void,
    /// Its place, for messages.
    place: String,
}

fn open() -> Result<Library> {
    // Packages of other languages contain it without its version.
    let beside = folder().map(|folder| {
        let plain = folder.join(PLAIN);
        if !folder.join(FILE).exists() && plain.exists() { plain } else { folder.join(FILE) }
    });
    let failed = |place: &str, why: String| {
        Err(unavailable(format!(
            "the WebAssembly compiler {place} cannot be loaded: {why}; install libhyperlight again, with its compiler"
        )))
    };
    if let Some(path) = beside.as_deref().filter(|path| path.exists()) {
        let place = path.display().to_string();
        return match dlopen(path.as_os_str()) {
            Ok(handle) => Ok(Library { handle, place }),
            Err(why) => failed(&place, why),
        };
    }
    match dlopen(OsStr::new(FILE)) {
        Ok(handle) => Ok(Library { handle, place: FILE.to_owned() }),
        Err(why) => {
            let place = beside.map_or_else(|| FILE.to_owned(), |path| path.display().to_string());
            failed(&place, why)
        }
    }
}

/// The beginning of what `<link.h>` calls `struct link_map`.
#[repr(C)]
struct LinkMap {
    address: usize,
    /// The path of the file, empty for the program.
    name: *const c_char,
}

/// For `dladdr1`: the link map, please.
const RTLD_DL_LINKMAP: c_int = 2;

/// The folder of the library that this code is part of, if that is known for sure. A program has none: what `dladdr`
/// would call its file is `argv[0]`, which whoever starts it chooses.
fn folder() -> Option<PathBuf> {
    // SAFETY: a structure of pointers, which may be null.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    let mut map: *mut LinkMap = ptr::null_mut();
    let here = folder as fn() -> Option<PathBuf>;
    // SAFETY: the address is one of code; the structure and the pointer are filled in.
    let is_found = unsafe {
        libc::dladdr1(here as *const c_void, &raw mut info, (&raw mut map).cast(), RTLD_DL_LINKMAP)
    } != 0;
    // SAFETY: null, or the dynamic linker's own, which lives as long as what this code is part of.
    let map = unsafe { map.as_ref() }.filter(|map| is_found && !map.name.is_null())?;
    // SAFETY: a text of the dynamic linker's, which lives as long.
    let name = unsafe { CStr::from_ptr(map.name) };
    let path = Path::new(OsStr::from_bytes(name.to_bytes()));
    // What is relative was so to a folder that may be another one by now.
    path.is_absolute().then(|| path.parent().map(Path::to_path_buf))?
}

fn dlopen(name: &OsStr) -> Result<*mut c_void, String> {
    let name = CString::new(name.as_bytes()).map_err(|error| error.to_string())?;
    // SAFETY: a C string; the library is one of ours, whose initialisation does nothing.
    let handle =
        unsafe { libc::dlopen(name.as_ptr(), libc::RTLD_NOW | libc::RTLD_LOCAL | libc::RTLD_NODELETE) };
    if handle.is_null() { Err(last_error()) } else { Ok(handle) }
}

/// Returns the table of a library, if it is the one that this code was made for.
fn checked(library: Library) -> Result<&'static Interface> {
    let Library { handle, place } = library;
    let other = |found: &str| {
        Err(unavailable(format!(
            "the WebAssembly compiler {place} is of another version: found {found}, expected {RELEASE}; install libhyperlight \
             again, with its compiler"
        )))
    };
    // SAFETY: a handle that `dlopen` gave, and a C string.
    let entry = unsafe { libc::dlsym(handle, ENTRY.as_ptr()) };
    if entry.is_null() {
        return other("no interface");
    }
    // SAFETY: the function has had this type since it exists.
    let entry = unsafe { std::mem::transmute::<*mut c_void, Entry>(entry) };
    // SAFETY: it takes nothing and gives a table that lives as long as the library.
    let interface = unsafe { entry() };
    // SAFETY: the number and the release stand first in every version.
    let (number, release) = unsafe { ((*interface).number, (*interface).release.as_slice()) };
    if release != RELEASE.as_bytes() {
        return other(&String::from_utf8_lossy(release));
    }
    if number != NUMBER {
        return other(&format!("interface {number}"));
    }
    // SAFETY: so the table is of this version.
    Ok(unsafe { &*interface })
}

fn last_error() -> String {
    // SAFETY: a text of this thread's, or null; it is copied before anything else is asked.
    unsafe {
        let text = libc::dlerror();
        if text.is_null() {
            return "for an unknown reason".to_owned();
        }
        CStr::from_ptr(text).to_string_lossy().into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::folder;

    /// cargo starts tests by their path, which is in `argv[0]`.
    #[test]
    fn the_folder_of_a_program_is_not_looked_at() {
        assert!(std::env::args_os().next().is_some_and(|name| std::path::Path::new(&name).is_absolute()));
        assert_eq!(folder(), None);
    }
}
