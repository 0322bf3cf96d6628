//! The structures of a description, made of a program's types.

use std::ptr;

use libhyperlight_values::types::{Float, Integer, Type};
use libhyperlight_values::{Description, Function};

use crate::value::hl_bytes;
use crate::wasm::*;

/// A description with all data behind it.
#[repr(C)]
pub(crate) struct Described {
    /// First, so that a pointer to it is also one to the whole.
    description: hl_wasm_description,
    parts: Parts,
    exports: Vec<hl_wasm_function>,
    imports: Vec<hl_wasm_function>,
    memories: Vec<hl_bytes>,
}

/// The data behind the pointers; it never moves.
#[derive(Default)]
struct Parts {
    texts: Vec<Box<str>>,
    members: Vec<Box<[hl_wasm_member]>>,
    #[expect(clippy::vec_box, reason = "others point to it, so it stays where it is")]
    types: Vec<Box<hl_wasm_type>>,
}

impl Described {
    pub fn new(described: &Description) -> Box<Self> {
        let mut parts = Parts::default();
        let mut functions =
            |from: &[Function]| from.iter().map(|function| parts.function(function)).collect::<Vec<_>>();
        let (exports, imports) = (functions(&described.exports), functions(&described.imports));
        let memories: Vec<_> = described.memories.iter().map(|name| parts.text(name)).collect();
        let description = hl_wasm_description {
            is_component: described.is_component.into(),
            reserved: 0,
            exports: exports.as_ptr(),
            export_count: exports.len(),
            imports: imports.as_ptr(),
            import_count: imports.len(),
            memories: memories.as_ptr(),
            memory_count: memories.len(),
        };
        Box::new(Self { description, parts, exports, imports, memories })
    }

    pub fn into_raw(self: Box<Self>) -> *mut hl_wasm_description {
        Box::into_raw(self).cast()
    }

    /// # Safety
    ///
    /// The pointer came from [`Self::into_raw`], and is taken back once.
    pub unsafe fn from_raw(description: *mut hl_wasm_description) -> Box<Self> {
        // SAFETY: the caller's promise; the description stands first.
        unsafe { Box::from_raw(description.cast()) }
    }
}

impl Parts {
    fn function(&mut self, from: &Function) -> hl_wasm_function {
        let parameters = from.parameters().map(|(name, ty)| self.member(name, Some(ty))).collect();
        let (parameters, parameter_count) = self.members(parameters);
        let result = from.result().map_or(ptr::null(), |ty| self.ty(ty));
        hl_wasm_function { name: self.text(from.name()), parameters, parameter_count, result }
    }

    /// A description's types have a maximum depth, and so has this recursion.
    fn ty(&mut self, from: &Type) -> *const hl_wasm_type {
        let (shape, members) = match from {
            Type::Bool => (HL_WASM_BOOL, Vec::new()),
            Type::Char => (HL_WASM_CHAR, Vec::new()),
            Type::Enum(names) => (HL_WASM_ENUM, self.named(names.iter().map(|(name, ())| (name, None)))),
            Type::Flags(names) => (HL_WASM_FLAGS, self.named(names.iter().map(|(name, ())| (name, None)))),
            Type::Float(Float::F32) => (HL_WASM_F32, Vec::new()),
            Type::Float(Float::F64) => (HL_WASM_F64, Vec::new()),
            Type::Integer(integer) => (shape_of(*integer), Vec::new()),
            Type::List(list) => {
                let shape = if list.length.is_some() { HL_WASM_FIXED_LIST } else { HL_WASM_LIST };
                (shape, self.unnamed([&list.item]))
            }
            Type::Map(map) => (HL_WASM_MAP, self.unnamed([&map.key, &map.value])),
            Type::Option(inner) => (HL_WASM_OPTION, self.unnamed([&**inner])),
            Type::Record(record) => {
                (HL_WASM_RECORD, self.named(record.fields().iter().map(|(name, ty)| (name, Some(ty)))))
            }
            Type::Result(cases) => {
                (HL_WASM_RESULT, self.named(cases.iter().map(|(_, ty)| ("", ty.as_ref()))))
            }
            Type::Results(types) => (HL_WASM_RESULTS, self.unnamed(types.iter())),
            Type::String => (HL_WASM_STRING, Vec::new()),
            Type::Tuple(types) => (HL_WASM_TUPLE, self.unnamed(types.iter())),
            Type::Variant(cases) => {
                (HL_WASM_VARIANT, self.named(cases.iter().map(|(name, ty)| (name, ty.as_ref()))))
            }
        };
        let (members, member_count) = self.members(members);
        let ty = Box::new(hl_wasm_type {
            shape,
            kind: from.wire().code(),
            is_json: from.kind().is_none().into(),
            length: match from {
                Type::List(list) => list.length.unwrap_or_default(),
                _ => 0,
            },
            members,
            member_count,
        });
        let place: *const hl_wasm_type = &raw const *ty;
        self.types.push(ty);
        place
    }

    fn unnamed<'t>(&mut self, types: impl IntoIterator<Item = &'t Type>) -> Vec<hl_wasm_member> {
        types.into_iter().map(|ty| self.member("", Some(ty))).collect()
    }

    fn named<'t>(
        &mut self,
        members: impl IntoIterator<Item = (&'t str, Option<&'t Type>)>,
    ) -> Vec<hl_wasm_member> {
        members.into_iter().map(|(name, ty)| self.member(name, ty)).collect()
    }

    fn member(&mut self, name: &str, ty: Option<&Type>) -> hl_wasm_member {
        hl_wasm_member { name: self.text(name), r#type: ty.map_or(ptr::null(), |ty| self.ty(ty)) }
    }

    fn members(&mut self, members: Vec<hl_wasm_member>) -> (*const hl_wasm_member, usize) {
        if members.is_empty() {
            return (ptr::null(), 0);
        }
        let members = members.into_boxed_slice();
        let place = (members.as_ptr(), members.len());
        self.members.push(members);
        place
    }

    fn text(&mut self, text: &str) -> hl_bytes {
        if text.is_empty() {
            return hl_bytes::EMPTY;
        }
        let text = Box::<str>::from(text);
        let view = hl_bytes::of(text.as_bytes());
        self.texts.push(text);
        view
    }
}

fn shape_of(integer: Integer) -> u32 {
    match integer {
        Integer::I32 => HL_WASM_I32,
        Integer::I64 => HL_WASM_I64,
        Integer::S8 => HL_WASM_S8,
        Integer::S16 => HL_WASM_S16,
        Integer::S32 => HL_WASM_S32,
        Integer::S64 => HL_WASM_S64,
        Integer::U8 => HL_WASM_U8,
        Integer::U16 => HL_WASM_U16,
        Integer::U32 => HL_WASM_U32,
        Integer::U64 => HL_WASM_U64,
    }
}

#[cfg(test)]
mod tests {
    use std::slice;

    use super::*;

    /// The referent of a pointer of a description.
    fn at<'a, T>(place: *const T) -> Option<&'a T> {
        // SAFETY: the test keeps the description until it has read it.
        unsafe { place.as_ref() }
    }

    fn text(bytes: hl_bytes) -> String {
        // SAFETY: as above.
        String::from_utf8(unsafe { bytes.as_slice() }.unwrap().to_vec()).unwrap()
    }

    /// A type read back out of its structures, as `libhyperlight-values` prints it.
    fn printed(ty: &hl_wasm_type) -> String {
        let members: &[hl_wasm_member] = match at(ty.members) {
            // SAFETY: as above.
            Some(first) => unsafe { slice::from_raw_parts(first, ty.member_count) },
            None => &[],
        };
        let inner = |member: &hl_wasm_member| at(member.r#type).map(printed);
        let types = || members.iter().map(|member| inner(member).unwrap()).collect::<Vec<_>>().join(", ");
        let named = |open: &str, close: &str| {
            let of = |member: &hl_wasm_member| match inner(member) {
                Some(ty) => format!("{}{open}{ty}{close}", text(member.name)),
                None => text(member.name),
            };
            members.iter().map(of).collect::<Vec<_>>().join(", ")
        };
        let word = match ty.shape {
            HL_WASM_BOOL => "bool",
            HL_WASM_S8 => "s8",
            HL_WASM_U8 => "u8",
            HL_WASM_S16 => "s16",
            HL_WASM_U16 => "u16",
            HL_WASM_S32 => "s32",
            HL_WASM_U32 => "u32",
            HL_WASM_S64 => "s64",
            HL_WASM_U64 => "u64",
            HL_WASM_F32 => "f32",
            HL_WASM_F64 => "f64",
            HL_WASM_CHAR => "char",
            HL_WASM_STRING => "string",
            HL_WASM_I32 => "i32",
            HL_WASM_I64 => "i64",
            HL_WASM_LIST => return format!("list<{}>", types()),
            HL_WASM_FIXED_LIST => return format!("list<{}, {}>", types(), ty.length),
            HL_WASM_MAP => return format!("map<{}>", types()),
            HL_WASM_TUPLE => return format!("tuple<{}>", types()),
            HL_WASM_OPTION => return format!("option<{}>", types()),
            HL_WASM_RESULTS => return format!("({})", types()),
            HL_WASM_RECORD => return format!("record {{ {} }}", named(": ", "")),
            HL_WASM_VARIANT => return format!("variant {{ {} }}", named("(", ")")),
            HL_WASM_FLAGS => return format!("flags {{ {} }}", named("", "")),
            HL_WASM_ENUM => return format!("enum {{ {} }}", named("", "")),
            HL_WASM_RESULT => {
                return match (inner(&members[0]), inner(&members[1])) {
                    (None, None) => "result".to_owned(),
                    (Some(ok), None) => format!("result<{ok}>"),
                    (None, Some(err)) => format!("result<_, {err}>"),
                    (Some(ok), Some(err)) => format!("result<{ok}, {err}>"),
                };
            }
            shape => panic!("there is no shape {shape}"),
        };
        assert!(members.is_empty());
        word.to_owned()
    }

    #[test]
    fn structures_say_what_the_types_say() {
        for wanted in [
            "bool",
            "s8",
            "u8",
            "s16",
            "u16",
            "s32",
            "u32",
            "s64",
            "u64",
            "f32",
            "f64",
            "char",
            "string",
            "i32",
            "i64",
            "list<u8>",
            "list<u8, 3>",
            "map<string, list<f64>>",
            "tuple<u8, char>",
            "option<option<bool>>",
            "(i32, i64)",
            "record { a: u8, b-c: string }",
            "variant { a, b(list<string>) }",
            "flags { r, w }",
            "enum { low, high }",
            "result",
            "result<u8>",
            "result<_, string>",
            "result<u8, string>",
        ] {
            let ty: Type = wanted.parse().unwrap();
            let (kind, is_json) = (ty.wire().code(), u32::from(ty.kind().is_none()));
            let function = Function::new("f".to_owned(), vec![("p".to_owned(), ty.clone())], Some(ty));
            let memories = vec!["m".to_owned()];
            let described = Description { exports: vec![function], memories, ..Description::default() };
            let raw = Described::new(&described).into_raw();
            let described = at(raw).unwrap();
            assert_eq!((described.is_component, described.export_count, described.import_count), (0, 1, 0));
            assert_eq!(text(*at(described.memories).unwrap()), "m");
            let function = at(described.exports).unwrap();
            let parameter = at(function.parameters).unwrap();
            assert_eq!((text(function.name), text(parameter.name)), ("f".to_owned(), "p".to_owned()));
            for ty in [function.result, parameter.r#type].map(at) {
                let ty = ty.unwrap();
                assert_eq!((printed(ty), ty.kind, ty.is_json), (wanted.to_owned(), kind, is_json));
            }
            // SAFETY: it was just made, and nothing of it is kept.
            drop(unsafe { Described::from_raw(raw) });
        }
    }
}
