//! The entries that the macros of `hyperlight_guest.h` place into the program, and their calls.

use core::ffi::{c_char, c_void};

use sdk::__private::Item;
use sdk::limits::MAX_PARAMETERS;
use sdk::{Error, Kind, Result, Value, ValueRef, code};

use crate::libc::stdio;
use crate::libc::text::bytes;
use crate::value::HlValue;
use crate::{arena, constructors, failure, host};

/// `hl_guest_fn`
type Handler = unsafe extern "C" fn(*const HlValue, usize, *mut HlValue) -> i32;

/// `struct hl_guest_entry`: a guest function, a main hook or a host function, depending on the functions that it has.
#[repr(C)]
struct Entry {
    /// The name; NULL for a main hook.
    name: *const c_char,
    /// The code of a guest function.
    handler: Option<Handler>,
    /// The code of a main hook.
    main: Option<unsafe extern "C" fn() -> i32>,
    /// The kinds of the result, then of the parameters.
    kinds: *const u8,
    count: usize,
}

// SAFETY: entries are constants, and point to such.
unsafe impl Sync for Entry {}

/// Creates the section in programs that have nothing else in it.
#[used]
#[unsafe(link_section = "hl_guest_entries")]
static ANCHOR: Entry =
    Entry { name: core::ptr::null(), handler: None, main: None, kinds: core::ptr::null(), count: 0 };

/// Makes the SDK run [`main`].
#[used]
#[unsafe(link_section = "hyperlight_items")]
static MAIN: Item = Item::Main(main);

/// The symbol that every program with `hyperlight_guest.h` refers to. It makes the linker include the program's entry
/// point, and everything that is found only by its section's name. Its number is the version of the layout of
/// [`Entry`].
#[repr(C)]
struct Library {
    start: unsafe extern "C" fn(*const c_void),
    main: &'static Item,
    anchor: &'static Entry,
}

// SAFETY: constants.
unsafe impl Sync for Library {}

unsafe extern "C" {
    fn _start(boot_info: *const c_void);
}

#[unsafe(no_mangle)]
static hl_guest_library_1: Library = Library { start: _start, main: &MAIN, anchor: &ANCHOR };

/// Publishes the program's functions and runs its main hooks.
fn main() -> Result<()> {
    constructors::run();
    for entry in entries() {
        entry.publish()?;
    }
    for main in entries().iter().filter_map(|entry| entry.main) {
        // SAFETY: the header's macro has checked its type.
        let status = unsafe { main() };
        finish(|| failure::outcome(status))?;
    }
    Ok(())
}

impl Entry {
    fn publish(&self) -> Result<()> {
        if self.name.is_null() {
            return Ok(());
        }
        // SAFETY: the header's macros give a string, and an array of so many kinds.
        let (name, kinds) =
            unsafe { (bytes(self.name), core::slice::from_raw_parts(self.kinds, self.count)) };
        let invalid =
            || Error::new(code::INVALID_ARGUMENT, "the name or a kind of a declared function is wrong");
        let name = core::str::from_utf8(name).map_err(|_| invalid())?;
        let mut known = [Kind::Void; 1 + MAX_PARAMETERS];
        for (place, code) in known.get_mut(..kinds.len()).ok_or_else(invalid)?.iter_mut().zip(kinds) {
            *place = Kind::from_code((*code).into()).ok_or_else(invalid)?;
        }
        let (returns, params) =
            known.get(..kinds.len()).and_then(|known| known.split_first()).ok_or_else(invalid)?;
        match self.handler {
            Some(handler) => sdk::register(name, params, *returns, move |arguments| call(handler, arguments)),
            None => sdk::declare_host_function(name, params, *returns),
        }
    }
}

/// Calls a guest function. The SDK has checked the arguments, and will check the result's kind.
fn call(handler: Handler, arguments: &[ValueRef<'_>]) -> Result<Value> {
    let mut values = [HlValue::VOID; MAX_PARAMETERS];
    for (place, argument) in values.iter_mut().zip(arguments) {
        *place = HlValue::lend(*argument);
    }
    let mut result = HlValue::VOID;
    // SAFETY: the header's macro has checked its type; there are as many values.
    let status = unsafe { handler(values.as_ptr(), arguments.len(), &mut result) };
    finish(|| {
        failure::outcome(status)?;
        // SAFETY: C code was told that its result must be readable until it was sent.
        Ok(Value::from(unsafe { result.read()? }))
    })
}

/// Converts the outcome of C code that has returned, and frees everything that lives as long as its call.
fn finish<T>(outcome: impl FnOnce() -> Result<T>) -> Result<T> {
    let outcome = outcome();
    stdio::flush();
    host::forget_error();
    arena::release();
    outcome
}

/// Returns all entries that the macros have placed into the program.
fn entries() -> &'static [Entry] {
    unsafe extern "C" {
        #[link_name = "__start_hl_guest_entries"]
        static START: [Entry; 0];
        #[link_name = "__stop_hl_guest_entries"]
        static STOP: [Entry; 0];
    }
    let (start, stop) = ((&raw const START).cast::<Entry>(), (&raw const STOP).cast::<Entry>());
    // SAFETY: the linker defines both symbols around the section, which exists because of `ANCHOR`. Nothing but
    // entries is placed there, so they lie side by side, and none is ever written.
    unsafe { core::slice::from_raw_parts(start, stop.offset_from_unsigned(start)) }
}
