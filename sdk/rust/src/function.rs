//! The functions of this guest, and the host functions that it needs.
//!
//! There are two ways to add functions: attributes place an [`Item`] into a section of the program, and a main hook may
//! [`register`] functions at run time. [`seal`] sorts both; after that nothing changes.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::{OnceCell, RefCell};
use core::{fmt, mem, slice};

use libhyperlight_abi::limits::{MAX_FUNCTIONS, MAX_NAME_LEN};
use libhyperlight_abi::{Kind, SignatureRef, Value, ValueRef};

use crate::error::{Error, Result, code};
use crate::incoming::Arguments;
use crate::single::Single;

/// An item that an attribute places into the program.
#[derive(Debug)]
pub enum Item {
    /// Placeholder, for programs that have nothing else in the section.
    Anchor,
    /// A function that the host may call.
    GuestFunction(Function),
    /// A host function that the guest declares.
    HostFunction(Declaration),
    /// A hook that runs once, before the guest is ready.
    Main(fn() -> Result<()>),
}

/// A function that the host may call.
#[derive(Debug)]
pub struct Function {
    pub(crate) declaration: Declaration,
    pub(crate) call: Call,
}

impl Function {
    /// Makes an item from an attribute.
    pub const fn new(declaration: Declaration, shim: Shim) -> Self {
        Self { declaration, call: Call::Shim(shim) }
    }
}

/// The code of a function.
pub(crate) enum Call {
    /// A shim, which copies its arguments from the input buffer before it calls any other code.
    Shim(Shim),
    /// A function from a main hook. It may read its arguments even after calls of host functions.
    Dynamic(Single<DynamicCall>),
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shim(_) => "Shim",
            Self::Dynamic(_) => "Dynamic",
        })
    }
}

/// Decodes the arguments of a call and calls a function.
pub type Shim = fn(Arguments<'_>) -> Result<Value>;

pub(crate) type DynamicCall = Box<dyn Fn(&[ValueRef<'_>]) -> Result<Value>>;

/// A name, and a signature in the wire form.
#[derive(Debug)]
pub struct Declaration {
    name: Cow<'static, str>,
    signature: Cow<'static, [u8]>,
}

impl Declaration {
    /// Makes an item from an attribute.
    pub const fn new(name: &'static str, signature: &'static [u8]) -> Self {
        Self { name: Cow::Borrowed(name), signature: Cow::Borrowed(signature) }
    }

    /// Makes an item from a main hook.
    fn checked(name: String, params: &[Kind], returns: Kind) -> Result<Self> {
        if name.is_empty() || name.len() > MAX_NAME_LEN {
            let message =
                format!("a function's name must have 1 to {MAX_NAME_LEN} bytes, not {}", name.len());
            return Err(Error::new(code::INVALID_ARGUMENT, message));
        }
        let kinds = [returns].into_iter().chain(params.iter().copied());
        let bytes: Vec<u8> = kinds.flat_map(|kind| signature([kind])).collect();
        if SignatureRef::decode(&bytes).is_err() {
            let message = format!("the signature of `{name}` has a void parameter or too many");
            return Err(Error::new(code::INVALID_ARGUMENT, message));
        }
        Ok(Self { name: Cow::Owned(name), signature: Cow::Owned(bytes) })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn signature(&self) -> &[u8] {
        &self.signature
    }
}

/// Everything that is published when the guest is ready, each list sorted by name.
#[derive(Default)]
pub(crate) struct Published {
    pub(crate) guest: Vec<Named>,
    pub(crate) host: Vec<&'static Declaration>,
}

/// A function with the first bytes of its name. A search that compares these touches a page or two. The names
/// themselves are spread over the program, and each page that the first call of a fresh clone touches costs a page
/// fault.
pub(crate) struct Named {
    prefix: u64,
    pub(crate) function: &'static Function,
}

impl Named {
    fn new(function: &'static Function) -> Self {
        Self { prefix: prefix(function.declaration.name()), function }
    }

    fn name(&self) -> &'static str {
        self.function.declaration.name()
    }
}

/// The functions that main hooks have added so far.
static ADDED: Single<RefCell<Published>> =
    Single::new(RefCell::new(Published { guest: Vec::new(), host: Vec::new() }));

static PUBLISHED: Single<OnceCell<Published>> = Single::new(OnceCell::new());

#[used]
#[unsafe(link_section = "hyperlight_items")]
static ANCHOR: Item = Item::Anchor;

/// Publishes a function under a name that is known only at run time. Only a main hook can do this: once the guest is
/// ready, its functions are fixed.
///
/// The closure receives arguments that match `params`, and must return a value of the kind `returns`.
pub fn register(
    name: impl Into<String>,
    params: &[Kind],
    returns: Kind,
    call: impl Fn(&[ValueRef<'_>]) -> Result<Value> + 'static,
) -> Result<()> {
    let declaration = Declaration::checked(name.into(), params, returns)?;
    // Functions are never removed.
    let function =
        Box::leak(Box::new(Function { declaration, call: Call::Dynamic(Single::new(Box::new(call))) }));
    add(|added| added.guest.push(Named::new(function)))
}

/// Declares that the guest needs a host function, so that the host can say early that it is missing. Only a main
/// hook can. Calling an undeclared one is allowed.
pub fn declare_host_function(name: impl Into<String>, params: &[Kind], returns: Kind) -> Result<()> {
    let declaration = Box::leak(Box::new(Declaration::checked(name.into(), params, returns)?));
    add(|added| added.host.push(declaration))
}

/// Encodes a signature for the wire: `kinds` holds the result's kind, then those of the parameters.
pub const fn signature<const N: usize>(kinds: [Kind; N]) -> [u8; N] {
    let mut bytes = [0; N];
    let mut at = 0;
    while at < N {
        [bytes[at], _, _, _] = kinds[at].code().to_le_bytes();
        at += 1;
    }
    bytes
}

/// Finds a function by name, once the guest is ready.
pub(crate) fn find(name: &str) -> Option<&'static Function> {
    let functions = &PUBLISHED.get()?.guest;
    let prefix = prefix(name);
    let order = |other: &Named| other.prefix.cmp(&prefix).then_with(|| other.name().cmp(name));
    let index = functions.binary_search_by(order).ok()?;
    functions.get(index).map(|named| named.function)
}

/// Returns the first bytes of a name, as a number that sorts as names do.
fn prefix(name: &str) -> u64 {
    let mut bytes = [0; 8];
    bytes.iter_mut().zip(name.bytes()).for_each(|(to, from)| *to = from);
    u64::from_be_bytes(bytes)
}

/// Lists the main hooks in link order.
pub(crate) fn mains() -> impl Iterator<Item = fn() -> Result<()>> {
    items().iter().filter_map(|item| if let Item::Main(main) = item { Some(*main) } else { None })
}

/// Ends registration: sorts the functions and refuses contradictions.
pub(crate) fn seal() -> Result<&'static Published> {
    let Published { mut guest, mut host } = mem::take(&mut *ADDED.borrow_mut());
    // Each heap page has a cost, so the lists do not grow step by step.
    guest.reserve_exact(items().len());
    for item in items() {
        match item {
            Item::GuestFunction(function) => guest.push(Named::new(function)),
            Item::HostFunction(declaration) => host.push(declaration),
            Item::Anchor | Item::Main(_) => {}
        }
    }
    guest.sort_unstable_by(|a, b| a.name().cmp(b.name()));
    // Several parts of a guest may declare the same host function, but with the same signature.
    host.sort_unstable_by(|a, b| (&a.name, &a.signature).cmp(&(&b.name, &b.signature)));
    host.dedup_by(|a, b| a.name == b.name && a.signature == b.signature);
    if let Some(name) = duplicate(guest.iter().map(|named| &named.function.declaration)) {
        return Err(Error::new(code::INVALID_ARGUMENT, format!("two guest functions are named `{name}`")));
    }
    if let Some(name) = duplicate(host.iter().copied()) {
        let message = format!("the host function `{name}` is declared with two signatures");
        return Err(Error::new(code::INVALID_ARGUMENT, message));
    }
    if guest.len().max(host.len()) > MAX_FUNCTIONS {
        let message = format!("more than {MAX_FUNCTIONS} functions are published or declared");
        return Err(Error::new(code::INVALID_ARGUMENT, message));
    }
    Ok(PUBLISHED.get_or_init(|| Published { guest, host }))
}

/// Finds the first name that occurs twice in a sorted list.
fn duplicate(mut sorted: impl Iterator<Item = &'static Declaration>) -> Option<&'static str> {
    let mut last = sorted.next()?.name();
    sorted.map(Declaration::name).find(|name| *name == mem::replace(&mut last, name))
}

/// Adds to the functions of main hooks.
fn add(change: impl FnOnce(&mut Published)) -> Result<()> {
    if PUBLISHED.get().is_some() {
        return Err(Error::new(code::STATE, "functions can be registered only before the guest is ready"));
    }
    change(&mut ADDED.borrow_mut());
    Ok(())
}

/// Returns all items that attributes have placed into the program.
fn items() -> &'static [Item] {
    unsafe extern "C" {
        #[link_name = "__start_hyperlight_items"]
        static START: [u8; 0];
        #[link_name = "__stop_hyperlight_items"]
        static STOP: [u8; 0];
    }
    let (start, stop) = ((&raw const START).cast::<Item>(), (&raw const STOP).cast::<Item>());
    // SAFETY: the linker defines both symbols around the section, which exists because of `ANCHOR`. Nothing but
    // statics of the type `Item` is placed there, so they lie side by side, and none is ever written.
    unsafe { slice::from_raw_parts(start, stop.offset_from_unsigned(start)) }
}
