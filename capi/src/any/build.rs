//! Values from a guest, built in the form that C reads.
//!
//! A value and everything behind it is one [`Tree`], which frees all of it at once: depth costs nothing then.

use std::alloc::{self, Layout};
use std::{ptr, slice};

use libhyperlight_values::error::{Rust, Spelling};
use libhyperlight_values::host::Build;
use libhyperlight_values::types::{Float, Integer};

use crate::any::*;
use crate::error::hl_error;
use crate::value::hl_bytes;

/// A value that owns everything behind it.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Tree {
    /// First, so that a pointer to it is also one to the whole.
    root: hl_any,
    parts: Parts,
}

/// Makes values. What they point to is in here, and must live as long.
#[derive(Debug, Default)]
pub(crate) struct Builder(Parts);

/// Memory that does not move until all of it is freed.
#[derive(Debug, Default)]
struct Parts(Vec<(*mut u8, Layout)>);

impl Tree {
    /// The value that a builder has made, which the caller owns.
    pub fn into_raw(root: hl_any, builder: Builder) -> *mut hl_any {
        Box::into_raw(Box::new(Self { root, parts: builder.0 })).cast()
    }

    /// Takes back what [`Self::into_raw`] gave.
    ///
    /// # Safety
    ///
    /// The pointer came from there, and is taken back once.
    pub unsafe fn from_raw(root: *mut hl_any) -> Box<Self> {
        // SAFETY: the caller's promise; the value stands first in its tree.
        unsafe { Box::from_raw(root.cast()) }
    }
}

impl Parts {
    /// Keeps values that need not be dropped. They do not move any more.
    fn keep<T: Copy>(&mut self, items: Vec<T>) -> (*const T, usize) {
        let count = items.len();
        if count == 0 || size_of::<T>() == 0 {
            return (ptr::null(), count);
        }
        let items = items.into_boxed_slice();
        let layout = Layout::for_value(&*items);
        let start = Box::into_raw(items).cast::<T>();
        self.0.push((start.cast(), layout));
        (start, count)
    }

    /// Keeps a text, with a NUL behind it that its length does not count.
    fn text(&mut self, text: &str) -> hl_bytes {
        let mut bytes = Vec::with_capacity(text.len() + 1);
        bytes.extend_from_slice(text.as_bytes());
        bytes.push(0);
        hl_bytes { data: self.keep(bytes).0, len: text.len() }
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        for (start, layout) in self.0.drain(..) {
            // SAFETY: `keep` took it from a box of this layout, which is not empty, and it is freed once.
            unsafe { alloc::dealloc(start, layout) };
        }
    }
}

impl Builder {
    /// The items of a list that this builder has made; `None` if the value is none.
    pub fn items_of(&self, list: &hl_any) -> Option<&[hl_any]> {
        if list.kind != HL_ANY_LIST {
            return None;
        }
        // SAFETY: the kind says which member was set, and the items are in `self`, which keeps them as they are.
        unsafe {
            let hl_any_items { data, count } = list.r#as.items;
            Some(if count == 0 { &[] } else { slice::from_raw_parts(data, count) })
        }
    }

    fn value(&mut self, value: hl_any) -> *const hl_any {
        self.0.keep(vec![value]).0
    }

    fn optional(&mut self, value: Option<hl_any>) -> *const hl_any {
        value.map_or(ptr::null(), |value| self.value(value))
    }

    fn items(&mut self, kind: u32, items: Vec<hl_any>) -> hl_any {
        let (data, count) = self.0.keep(items);
        hl_any::with(kind, |r#as| r#as.items = hl_any_items { data, count })
    }

    fn bytes(kind: u32, bytes: hl_bytes) -> hl_any {
        hl_any::with(kind, |r#as| r#as.bytes = bytes)
    }
}

impl hl_any {
    /// A value of that kind, whose content is set in zeroed memory.
    fn with(kind: u32, set: impl FnOnce(&mut hl_any_as)) -> Self {
        let mut any = Self::new(kind);
        set(&mut any.r#as);
        any
    }
}

impl Build for Builder {
    type Value = hl_any;
    type Key = hl_bytes;
    type Error = hl_error;

    fn null(&mut self) -> Result<hl_any, hl_error> {
        Ok(hl_any::new(HL_ANY_NULL))
    }

    fn bool(&mut self, value: bool) -> Result<hl_any, hl_error> {
        Ok(hl_any::with(HL_ANY_BOOL, |r#as| r#as.boolean = value))
    }

    fn integer(&mut self, ty: Integer, value: i128) -> Result<hl_any, hl_error> {
        let kind = match ty {
            Integer::S8 => HL_ANY_S8,
            Integer::U8 => HL_ANY_U8,
            Integer::S16 => HL_ANY_S16,
            Integer::U16 => HL_ANY_U16,
            Integer::I32 | Integer::S32 => HL_ANY_S32,
            Integer::U32 => HL_ANY_U32,
            Integer::U64 => HL_ANY_U64,
            // `I64`, `S64`; no other type is larger.
            _ => HL_ANY_S64,
        };
        // The number is in the range of the type. On this processor the smaller members are the beginning of the word.
        Ok(hl_any::with(kind, |r#as| match i64::try_from(value) {
            Ok(value) => r#as.s64 = value,
            Err(_) => r#as.u64 = u64::try_from(value).unwrap_or_default(),
        }))
    }

    fn float(&mut self, ty: Float, value: f64) -> Result<hl_any, hl_error> {
        Ok(match ty {
            #[expect(clippy::cast_possible_truncation, reason = "it is a value of that type")]
            Float::F32 => hl_any::with(HL_ANY_F32, |r#as| r#as.f32 = value as f32),
            Float::F64 => hl_any::with(HL_ANY_F64, |r#as| r#as.f64 = value),
        })
    }

    fn number(&mut self, value: f64) -> Result<hl_any, hl_error> {
        self.float(Float::F64, value)
    }

    fn whole(&mut self, value: i64) -> Result<hl_any, hl_error> {
        #[expect(clippy::cast_precision_loss, reason = "it is one of those that are exact")]
        self.number(value as f64)
    }

    fn bigint(&mut self, digits: &str) -> Result<hl_any, hl_error> {
        Ok(Self::bytes(HL_ANY_BIGINT, self.0.text(digits)))
    }

    fn char(&mut self, value: char) -> Result<hl_any, hl_error> {
        Ok(hl_any::with(HL_ANY_CHAR, |r#as| r#as.character = value.into()))
    }

    fn text(&mut self, text: &str) -> Result<hl_any, hl_error> {
        Ok(Self::bytes(HL_ANY_STRING, self.0.text(text)))
    }

    fn utf16(&mut self, text: &[u16]) -> Result<hl_any, hl_error> {
        let (data, count) = self.0.keep(text.to_vec());
        Ok(Self::bytes(HL_ANY_UTF16, hl_bytes { data: data.cast(), len: 2 * count }))
    }

    fn bytes(&mut self, bytes: Vec<u8>) -> Result<hl_any, hl_error> {
        let (data, len) = self.0.keep(bytes);
        Ok(Self::bytes(HL_ANY_BYTES, hl_bytes { data, len }))
    }

    fn list(&mut self, items: Vec<hl_any>) -> Result<hl_any, hl_error> {
        Ok(self.items(HL_ANY_LIST, items))
    }

    fn tuple(&mut self, items: Vec<hl_any>) -> Result<hl_any, hl_error> {
        Ok(self.items(HL_ANY_TUPLE, items))
    }

    fn map(&mut self, pairs: Vec<(hl_any, hl_any)>) -> Result<hl_any, hl_error> {
        let pairs = pairs.into_iter().map(|(key, value)| hl_any_pair { key, value }).collect();
        let (data, count) = self.0.keep(pairs);
        Ok(hl_any::with(HL_ANY_MAP, |r#as| r#as.pairs = hl_any_pairs { data, count }))
    }

    fn key(&mut self, name: &str) -> Result<hl_bytes, hl_error> {
        Ok(self.0.text(name))
    }

    fn utf16_key(&mut self, name: &[u16]) -> Result<hl_bytes, hl_error> {
        // Names are UTF-8: what is not Unicode becomes U+FFFD.
        Ok(self.0.text(&String::from_utf16_lossy(name)))
    }

    fn object(&mut self, members: Vec<(hl_bytes, hl_any)>) -> Result<hl_any, hl_error> {
        let members = members.into_iter().map(|(name, value)| hl_any_member { name, value }).collect();
        let (data, count) = self.0.keep(members);
        Ok(hl_any::with(HL_ANY_RECORD, |r#as| r#as.members = hl_any_members { data, count }))
    }

    fn name(&mut self, name: &str) -> Result<hl_any, hl_error> {
        Ok(Self::bytes(HL_ANY_ENUM, self.0.text(name)))
    }

    fn case(&mut self, name: &str, value: Option<hl_any>) -> Result<hl_any, hl_error> {
        let variant = hl_any_case { name: self.0.text(name), value: self.optional(value) };
        Ok(hl_any::with(HL_ANY_VARIANT, |r#as| r#as.variant = variant))
    }

    fn result(&mut self, is_ok: bool, value: Option<hl_any>) -> Result<hl_any, hl_error> {
        let result = hl_any_outcome { value: self.optional(value), is_ok: is_ok.into() };
        Ok(hl_any::with(HL_ANY_RESULT, |r#as| r#as.result = result))
    }

    fn flags(&mut self, names: Vec<&str>) -> Result<hl_any, hl_error> {
        let names = names.into_iter().map(|name| self.0.text(name)).collect();
        let (data, count) = self.0.keep(names);
        Ok(hl_any::with(HL_ANY_FLAGS, |r#as| r#as.names = hl_any_names { data, count }))
    }

    fn none(&mut self) -> Result<hl_any, hl_error> {
        Ok(hl_any::new(HL_ANY_OPTION))
    }

    fn some(&mut self, value: hl_any, _: bool) -> Result<hl_any, hl_error> {
        let option = self.value(value);
        Ok(hl_any::with(HL_ANY_OPTION, |r#as| r#as.option = option))
    }

    fn spelling(&self) -> &dyn Spelling {
        &Rust
    }
}
