//! A description as structures that other languages read.

use libhyperlight_wasm_compiler::types::{Description as From, Function as FromFunction, Type as FromType};
use libhyperlight_wasm_interface::{Bytes, Description, Function, Member, Type};

/// A description with all data behind it.
#[repr(C)]
pub(crate) struct Types {
    /// First, so that a pointer to it is also one to the whole.
    description: Description,
    parts: Parts,
    exports: Vec<Function>,
    imports: Vec<Function>,
    memories: Vec<Bytes>,
}

/// The data behind the pointers; it never moves.
#[derive(Default)]
struct Parts {
    texts: Vec<Box<str>>,
    members: Vec<Box<[Member]>>,
    #[expect(clippy::vec_box, reason = "others point to it, so it stays where it is")]
    types: Vec<Box<Type>>,
}

impl Types {
    pub fn of(is_component: bool, described: &From) -> Box<Self> {
        let mut parts = Parts::default();
        let mut functions =
            |from: &[FromFunction]| from.iter().map(|function| parts.function(function)).collect::<Vec<_>>();
        let (exports, imports) = (functions(&described.exports), functions(&described.imports));
        let memories: Vec<_> = described.memories.iter().map(|name| parts.text(name)).collect();
        let description = Description {
            is_component: is_component.into(),
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

    pub fn into_raw(self: Box<Self>) -> *mut Description {
        Box::into_raw(self).cast()
    }

    /// # Safety
    ///
    /// The pointer came from [`Self::into_raw`].
    pub unsafe fn from_raw(description: *mut Description) -> Box<Self> {
        // SAFETY: the caller's promise; the description stands first.
        unsafe { Box::from_raw(description.cast()) }
    }
}

impl Parts {
    fn function(&mut self, from: &FromFunction) -> Function {
        let parameters = from
            .parameters
            .iter()
            .map(|(name, ty)| Member { name: self.text(name), ty: self.ty(ty) })
            .collect();
        let (parameters, parameter_count) = self.members(parameters);
        let result = from.result.as_ref().map_or(std::ptr::null(), |ty| self.ty(ty));
        Function { name: self.text(&from.name), parameters, parameter_count, result }
    }

    /// A type's levels are bounded, and so is this one's recursion.
    fn ty(&mut self, from: &FromType) -> *const Type {
        let members = from
            .members()
            .iter()
            .map(|member| Member {
                name: self.text(&member.name),
                ty: member.ty.as_ref().map_or(std::ptr::null(), |ty| self.ty(ty)),
            })
            .collect();
        let (members, member_count) = self.members(members);
        let kind = from.kind();
        let ty = Box::new(Type {
            shape: from.shape() as u32,
            kind: kind.unwrap_or(FromType::JSON).code(),
            is_json: kind.is_none().into(),
            length: from.length(),
            members,
            member_count,
        });
        let place: *const Type = &raw const *ty;
        self.types.push(ty);
        place
    }

    fn members(&mut self, members: Vec<Member>) -> (*const Member, usize) {
        if members.is_empty() {
            return (std::ptr::null(), 0);
        }
        let members = members.into_boxed_slice();
        let place = (members.as_ptr(), members.len());
        self.members.push(members);
        place
    }

    fn text(&mut self, text: &str) -> Bytes {
        if text.is_empty() {
            return Bytes::NONE;
        }
        let text = Box::<str>::from(text);
        let view = Bytes::of(text.as_bytes());
        self.texts.push(text);
        view
    }
}
