//! What a program exports and imports, as structures that are read and never changed.

use crate::bytes::Bytes;

/// What a program exports and imports.
#[derive(Debug)]
#[repr(C)]
pub struct Description {
    /// Whether it is a component, 1, or a module, 0.
    pub is_component: u32,
    /// Unused, 0.
    pub reserved: u32,
    /// Functions that it exports.
    pub exports: *const Function,
    /// How many.
    pub export_count: usize,
    /// Functions that it imports.
    pub imports: *const Function,
    /// How many.
    pub import_count: usize,
    /// The names of the memories that it exports.
    pub memories: *const Bytes,
    /// How many.
    pub memory_count: usize,
}

/// A function, by the name that the guest or the host knows it by.
#[derive(Debug)]
#[repr(C)]
pub struct Function {
    /// Its name, UTF-8.
    pub name: Bytes,
    /// Its parameters. Those of modules have no names.
    pub parameters: *const Member,
    /// How many.
    pub parameter_count: usize,
    /// The type of its result; null without.
    pub result: *const Type,
}

/// A parameter, or a part of a type: a field, a case, an element.
#[derive(Debug)]
#[repr(C)]
pub struct Member {
    /// Its name, UTF-8; empty where there is none.
    pub name: Bytes,
    /// Its type; null where there is none.
    pub ty: *const Type,
}

/// A type.
#[derive(Debug)]
#[repr(C)]
pub struct Type {
    /// A [`Shape`].
    pub shape: u32,
    /// The kind of the value that crosses the wall, by its number.
    pub kind: u32,
    /// Whether that is a string that holds JSON, 0 or 1.
    pub is_json: u32,
    /// Elements of a list of fixed length; else 0.
    pub length: u32,
    /// What it is made of.
    pub members: *const Member,
    /// How many.
    pub member_count: usize,
}

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// What a type is. The numbers are those of saved programs, and of the C interface.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[repr(u32)]
        pub enum Shape {
            $($(#[$doc])* $name = $number,)*
        }

        impl Shape {
            /// The shape of that number.
            pub const fn from_number(number: u32) -> Option<Self> {
                match number {
                    $($number => Some(Self::$name),)*
                    _ => None,
                }
            }
        }
    };
}

shapes! {
    /// `bool`
    Bool = 1,
    /// `s8`
    S8 = 2,
    /// `u8`
    U8 = 3,
    /// `s16`
    S16 = 4,
    /// `u16`
    U16 = 5,
    /// `s32`
    S32 = 6,
    /// `u32`
    U32 = 7,
    /// `s64`
    S64 = 8,
    /// `u64`
    U64 = 9,
    /// `f32`, of modules too.
    F32 = 10,
    /// `f64`, of modules too.
    F64 = 11,
    /// `char`
    Char = 12,
    /// `string`
    String = 13,
    /// `list<T>`: one member, the elements' type.
    List = 14,
    /// `list<T, N>`: the same, with a length.
    FixedList = 15,
    /// `map<K, V>`: two members.
    Map = 16,
    /// A record: a member with a name for each field.
    Record = 17,
    /// A variant: a member with a name for each case, with a type or without.
    Variant = 18,
    /// `tuple<…>`: a member for each element.
    Tuple = 19,
    /// Flags: a member with a name for each, without type.
    Flags = 20,
    /// An enum: a member with a name for each case, without type.
    Enum = 21,
    /// `option<T>`: one member.
    Option = 22,
    /// `result<T, E>`: two members, each with a type or without.
    Result = 23,
    /// `i32` of modules.
    I32 = 24,
    /// `i64` of modules.
    I64 = 25,
    /// Several results of a module's function: a member for each.
    Results = 26,
}
