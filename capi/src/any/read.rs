//! Values of the caller's, read where they are.

use std::borrow::Cow;
use std::slice;

use libhyperlight_values::BigInt;
use libhyperlight_values::error::{Spelling, Wanted, shown};
use libhyperlight_values::host::{Read, View};

use crate::any::*;
use crate::error::{HL_ERR_TOO_LARGE, hl_error};
use crate::value::hl_bytes;

/// Maximum number of bytes and values that are read for one call: no call buffer has room for more. Structures may
/// point to the same value many times, and a small number of them would become a text of any size.
const MAX_READ: usize = 256 << 20;

/// A value, or the name of one.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Handle {
    Name(hl_bytes),
    Value(*const hl_any),
    /// The value of a case that has none.
    Nothing,
    /// `ok` or `err`.
    Outcome(&'static str),
}

/// Reads values of the caller's, which errors call `what`.
#[derive(Debug)]
pub(crate) struct Reader {
    what: String,
    is_for_script: bool,
    left: usize,
}

impl Reader {
    /// Makes a reader of values that stay as they are, by the header's rules, as long as it is used.
    pub fn new(what: String) -> Self {
        Self { what, is_for_script: false, left: MAX_READ }
    }

    /// Makes a reader of a script's values.
    pub fn for_script(what: String) -> Self {
        Self { is_for_script: true, ..Self::new(what) }
    }

    /// The name of the values for errors.
    pub fn what(&self) -> &str {
        &self.what
    }

    /// The handles of the elements of an array.
    ///
    /// # Safety
    ///
    /// The values can be read as long as the handles are used.
    pub unsafe fn items(&mut self, data: *const hl_any, count: usize) -> Result<Vec<Handle>, hl_error> {
        // SAFETY: the caller's promise.
        let items = unsafe { self.array(data, count) }?;
        Ok(items.iter().map(|item| Handle::Value(item)).collect())
    }

    fn spend(&mut self, count: usize) -> Result<(), hl_error> {
        let left = self.left.checked_sub(count).ok_or_else(|| {
            let text =
                format!("{} has more than {MAX_READ} bytes and elements; the limit is {MAX_READ}", self.what);
            hl_error::new(HL_ERR_TOO_LARGE, text)
        })?;
        self.left = left;
        Ok(())
    }

    /// Borrows an array of the caller's.
    unsafe fn array<'a, T>(&mut self, data: *const T, count: usize) -> Result<&'a [T], hl_error> {
        if count == 0 {
            return Ok(&[]);
        }
        if data.is_null() {
            return Err(self.invalid(format_args!("has {count} elements at NULL")));
        }
        // Before the slice is made: a count that is not true is hardly one that is within the limit.
        self.spend(count)?;
        // SAFETY: not NULL, so, by the header's rules, so many values that nobody changes during the call. They are no
        // more than the limit, so their size is far from the largest possible one.
        Ok(unsafe { slice::from_raw_parts(data, count) })
    }

    unsafe fn bytes<'a>(&mut self, bytes: hl_bytes) -> Result<&'a [u8], hl_error> {
        // SAFETY: passed on.
        unsafe { self.array(bytes.data, bytes.len) }
    }

    unsafe fn text<'a>(&mut self, bytes: hl_bytes) -> Result<View<'a, Handle>, hl_error> {
        // SAFETY: passed on.
        match str::from_utf8(unsafe { self.bytes(bytes) }?) {
            Ok(text) => Ok(View::Text(Cow::Borrowed(text))),
            Err(_) => Err(self.invalid(format_args!("is a string that is not UTF-8"))),
        }
    }

    fn utf16(&mut self, bytes: &[u8]) -> Result<View<'static, Handle>, hl_error> {
        let (units, []) = bytes.as_chunks::<2>() else {
            let len = bytes.len();
            return Err(self.invalid(format_args!("is UTF-16 of {len} bytes; expected an even number")));
        };
        let units: Vec<_> = units.iter().map(|unit| u16::from_ne_bytes(*unit)).collect();
        // Where all surrogates are paired, it is a text like any other.
        Ok(match String::from_utf16(&units) {
            Ok(text) => View::Text(Cow::Owned(text)),
            Err(_) => View::Utf16(units),
        })
    }

    /// # Safety
    ///
    /// The value can be read.
    unsafe fn value<'a>(&mut self, any: *const hl_any) -> Result<View<'a, Handle>, hl_error> {
        self.spend(1)?;
        // SAFETY: the caller's promise. Only the kind and the member that it names are read, here and below: nothing
        // else need be initialised. What a member points to is as the header's rules say.
        unsafe {
            let (kind, r#as) = ((*any).kind, &raw const (*any).r#as);
            Ok(match kind {
                // Scripts have no types that say how these are written.
                HL_ANY_MAP..=HL_ANY_RESULT if self.is_for_script => View::Other,
                HL_ANY_NULL => View::Null,
                HL_ANY_UNDEFINED => View::Undefined,
                // A Rust `bool` may not even be looked at while it can be something else than 0 or 1.
                HL_ANY_BOOL => match r#as.cast::<u8>().read() {
                    0 => View::Bool(false),
                    1 => View::Bool(true),
                    other => {
                        return Err(
                            self.invalid(format_args!("is a bool with the byte {other}; expected 0 or 1"))
                        );
                    }
                },
                HL_ANY_S8 => View::Integer((*r#as).s8.into()),
                HL_ANY_U8 => View::Integer((*r#as).u8.into()),
                HL_ANY_S16 => View::Integer((*r#as).s16.into()),
                HL_ANY_U16 => View::Integer((*r#as).u16.into()),
                HL_ANY_S32 => View::Integer((*r#as).s32.into()),
                HL_ANY_U32 => View::Integer((*r#as).u32.into()),
                HL_ANY_S64 => View::Integer((*r#as).s64.into()),
                HL_ANY_U64 => View::Integer((*r#as).u64.into()),
                HL_ANY_F32 => View::Float((*r#as).f32.into()),
                HL_ANY_F64 => View::Float((*r#as).f64),
                HL_ANY_BIGINT => match self.text((*r#as).bytes)? {
                    View::Text(digits) => match BigInt::parse(&digits) {
                        Some(digits) => View::BigInt(Cow::Owned(digits.as_str().to_owned())),
                        None => {
                            return Err(
                                self.invalid(format_args!("is a big integer that is no decimal number"))
                            );
                        }
                    },
                    other => other,
                },
                HL_ANY_CHAR => match char::from_u32((*r#as).character) {
                    Some(character) => View::Text(Cow::Owned(character.into())),
                    None => {
                        let code = (*r#as).character;
                        return Err(self.invalid(format_args!(
                            "is a char with the number {code:#x}, which no char has"
                        )));
                    }
                },
                HL_ANY_STRING | HL_ANY_ENUM => self.text((*r#as).bytes)?,
                HL_ANY_UTF16 => {
                    let bytes = self.bytes((*r#as).bytes)?;
                    self.utf16(bytes)?
                }
                HL_ANY_BYTES => View::Bytes(Cow::Borrowed(self.bytes((*r#as).bytes)?)),
                HL_ANY_LIST | HL_ANY_TUPLE => {
                    let items = (*r#as).items;
                    View::List(self.items(items.data, items.count)?)
                }
                HL_ANY_RECORD => {
                    let members = (*r#as).members;
                    let members: &[hl_any_member] = self.array(members.data, members.count)?;
                    let handles = |member: &hl_any_member| {
                        (Handle::Name(member.name), Handle::Value(&raw const member.value))
                    };
                    View::Object(members.iter().map(handles).collect())
                }
                HL_ANY_MAP => {
                    let pairs = (*r#as).pairs;
                    let pairs: &[hl_any_pair] = self.array(pairs.data, pairs.count)?;
                    let handles = |pair: &hl_any_pair| {
                        (Handle::Value(&raw const pair.key), Handle::Value(&raw const pair.value))
                    };
                    View::Map(pairs.iter().map(handles).collect())
                }
                HL_ANY_VARIANT => {
                    let hl_any_case { name, value } = (*r#as).variant;
                    match value.is_null() {
                        true => self.text(name)?,
                        false => View::Object(vec![(Handle::Name(name), Handle::Value(value))]),
                    }
                }
                HL_ANY_FLAGS => {
                    let names = (*r#as).names;
                    let names: &[hl_bytes] = self.array(names.data, names.count)?;
                    View::List(names.iter().copied().map(Handle::Name).collect())
                }
                HL_ANY_OPTION => View::Other,
                HL_ANY_RESULT => {
                    let name = match (*r#as).result.is_ok {
                        0 => "err",
                        1 => "ok",
                        other => {
                            return Err(self.invalid(format_args!(
                                "is a result whose `is_ok` is {other}; expected 0 or 1"
                            )));
                        }
                    };
                    let value = (*r#as).result.value;
                    let value = if value.is_null() { Handle::Nothing } else { Handle::Value(value) };
                    View::Object(vec![(Handle::Outcome(name), value)])
                }
                kind => return Err(self.invalid(format_args!("has the unknown kind {kind}"))),
            })
        }
    }

    #[cold]
    fn invalid(&self, what: fmt::Arguments<'_>) -> hl_error {
        hl_error::invalid(format!("{} {what}", self.what))
    }
}

impl Read for Reader {
    type Value = Handle;
    type Error = hl_error;

    fn view<'v>(&mut self, value: &'v Handle) -> Result<View<'v, Handle>, hl_error> {
        match *value {
            // SAFETY: by the header's rules everything that an argument points to can be read during the call.
            Handle::Name(name) => unsafe { self.text(name) },
            // SAFETY: as above.
            Handle::Value(any) => unsafe { self.value(any) },
            Handle::Nothing => Ok(View::Null),
            Handle::Outcome(name) => Ok(View::Text(Cow::Borrowed(name))),
        }
    }

    fn is_nothing(&mut self, value: &Handle) -> bool {
        match *value {
            // SAFETY: as above.
            Handle::Value(any) => match unsafe { (*any).kind } {
                HL_ANY_NULL | HL_ANY_UNDEFINED => true,
                // SAFETY: as above; the kind says which member was set.
                HL_ANY_OPTION => unsafe { (*any).r#as.option }.is_null(),
                _ => false,
            },
            Handle::Nothing => true,
            Handle::Name(_) | Handle::Outcome(_) => false,
        }
    }

    fn is_left_out(&mut self, value: &Handle) -> bool {
        // SAFETY: as above.
        matches!(*value, Handle::Value(any) if unsafe { (*any).kind } == HL_ANY_UNDEFINED)
    }

    fn inside(&mut self, value: &Handle) -> Option<Handle> {
        match *value {
            // SAFETY: as above.
            Handle::Value(any) if unsafe { (*any).kind } == HL_ANY_OPTION => {
                // SAFETY: as above; the kind says which member was set.
                let option = unsafe { (*any).r#as.option };
                (!option.is_null()).then_some(Handle::Value(option))
            }
            _ => None,
        }
    }

    fn set(&mut self, value: &Handle) -> Result<Option<Vec<Handle>>, hl_error> {
        // A list of strings is one, too.
        Ok(match self.view(value)? {
            View::List(names) => Some(names),
            _ => None,
        })
    }

    fn describe(&mut self, value: &Handle) -> String {
        let Handle::Value(any) = *value else {
            return "a string".to_owned();
        };
        // SAFETY: as above.
        match unsafe { (*any).kind } {
            HL_ANY_NULL => "null",
            HL_ANY_UNDEFINED => "undefined",
            HL_ANY_BOOL => "a bool",
            HL_ANY_S8..=HL_ANY_U64 => "a whole number",
            HL_ANY_F32 | HL_ANY_F64 => "a floating point number",
            HL_ANY_BIGINT => "a big integer",
            HL_ANY_CHAR => "a char",
            HL_ANY_STRING | HL_ANY_UTF16 => "a string",
            HL_ANY_BYTES => "bytes",
            HL_ANY_LIST => "a list",
            HL_ANY_TUPLE => "a tuple",
            HL_ANY_RECORD => "a record",
            HL_ANY_MAP => "a map",
            HL_ANY_VARIANT => "a variant",
            HL_ANY_ENUM => "an enum",
            HL_ANY_FLAGS => "flags",
            HL_ANY_OPTION => "an option",
            HL_ANY_RESULT => "a result",
            _ => "an unknown kind",
        }
        .to_owned()
    }

    fn show(&mut self, value: &Handle) -> String {
        match self.view(value) {
            Ok(View::Text(text)) => shown(&text),
            Ok(View::Integer(number)) => number.to_string(),
            _ => self.describe(value),
        }
    }

    fn is_same(&self, one: &Handle, other: &Handle) -> bool {
        matches!((*one, *other), (Handle::Value(one), Handle::Value(other)) if one == other)
    }

    fn spelling(&self) -> &dyn Spelling {
        &C
    }
}

/// The words for C.
#[derive(Clone, Copy, Debug)]
struct C;

impl Spelling for C {
    fn wanted(&self, wanted: Wanted<'_>) -> String {
        match wanted {
            Wanted::Flags(names) => format!("flags, of {names}"),
            Wanted::Option => "an option".to_owned(),
            wanted => libhyperlight_values::error::Rust.wanted(wanted),
        }
    }
}

#[cfg(test)]
mod tests {
    use libhyperlight_values::script;

    use super::*;

    fn list(items: &[hl_any]) -> hl_any {
        let mut any = hl_any::UNDEFINED;
        any.kind = HL_ANY_LIST;
        any.r#as.items = hl_any_items { data: items.as_ptr(), count: items.len() };
        any
    }

    #[test]
    fn a_structure_that_doubles_at_each_level_is_read_up_to_the_limit() {
        let mut levels = vec![Box::new([hl_any::UNDEFINED; 2])];
        for at in 0..100 {
            let inner = list(&levels[at][..]);
            levels.push(Box::new([inner; 2]));
        }
        let mut reader = Reader { left: 1000, ..Reader::for_script("it".to_owned()) };
        let text = script::encode(Handle::Value(&levels[100][0]), "it", &mut reader);
        assert_eq!(text.unwrap_err().status(), HL_ERR_TOO_LARGE);
        let mut reader = Reader { left: 1000, ..Reader::for_script("it".to_owned()) };
        let text = script::encode(Handle::Value(&levels[3][0]), "it", &mut reader);
        assert_eq!(text.unwrap_or_default(), "[[[null,null],[null,null]],[[null,null],[null,null]]]");
    }
    #[test]
    fn a_text_counts_once_towards_the_limit() {
        let text = [b'x'; 8];
        let mut any = hl_any::UNDEFINED;
        any.kind = HL_ANY_STRING;
        any.r#as.bytes = hl_bytes::of(&text);
        let encode = |left| {
            let mut reader = Reader { left, ..Reader::for_script("it".to_owned()) };
            script::encode(Handle::Value(&raw const any), "it", &mut reader)
        };
        assert_eq!(encode(9).unwrap_or_default(), "\"xxxxxxxx\"");
        assert_eq!(encode(8).unwrap_err().status(), HL_ERR_TOO_LARGE);
    }
}
