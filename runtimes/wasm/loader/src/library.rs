//! The compiler's shared library: search and version check.
//!
//! It is in the folder of the library that contains this code. If this code is linked into a program, whose folder is
//! no place for libraries, the dynamic linker searches for it as usual. It is never unloaded.

use std::ffi::{CStr, CString, OsStr, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use libhyperlight_wasm_interface::{ENTRY, Entry, FILE, Interface, NUMBER, RELEASE};

use crate::error::Error;

/// The file name where only one version is installed.
const PLAIN: &str = "libhyperlight_wasm.so";

/// Returns the table of the library's functions, loaded at first use. No lock is held meanwhile, which a forked child
/// might inherit. Two threads that come first both load it, and find the same one.
pub(crate) fn load() -> Result<&'static Interface, Error> {
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

fn open() -> Result<Library, Error> {
    // Packages of other languages contain it without its version.
    let beside = folder().map(|folder| {
        let plain = folder.join(PLAIN);
        if !folder.join(FILE).exists() && plain.exists() { plain } else { folder.join(FILE) }
    });
    let failed = |place: &str, why: String| {
        Err(Error::unavailable(format!(
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

/// Returns the folder of the library or program that contains this code, if that is known for sure.
fn folder() -> Option<PathBuf> {
    // SAFETY: a structure of pointers, which may be null.
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    let here = folder as fn() -> Option<PathBuf>;
    // SAFETY: the address is one of code; the structure is filled in.
    let is_found = unsafe { libc::dladdr(here as *const c_void, &raw mut info) } != 0;
    if !is_found || info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: a text of the dynamic linker's, which lives as long as what this code is part of.
    let name = unsafe { CStr::from_ptr(info.dli_fname) };
    let path = Path::new(OsStr::from_bytes(name.to_bytes()));
    // A relative path may refer to an earlier working directory; for a program, its caller chose the path.
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
fn checked(library: Library) -> Result<&'static Interface, Error> {
    let Library { handle, place } = library;
    let other = |found: &str| {
        Err(Error::unavailable(format!(
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
