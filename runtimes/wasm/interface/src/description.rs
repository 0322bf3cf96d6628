//! Exports and imports of a program, as structures that are read and never changed.

use crate::bytes::Bytes;

/// The exports and imports of a program.
#[derive(Debug)]
#[repr(C)]
pub struct Description {
    /// 1 for a component, 0 for a module.
    pub is_component: u32,
    /// Always 0.
    pub reserved: u32,
    /// The exported functions.
    pub exports: *const Function,
    /// Number of elements.
    pub export_count: usize,
    /// The imported functions.
    pub imports: *const Function,
    /// Number of elements.
    pub import_count: usize,
    /// The names of the exported memories.
    pub memories: *const Bytes,
    /// Number of elements.
    pub memory_count: usize,
}

/// A function, under the name that the guest or the host uses.
#[derive(Debug)]
#[repr(C)]
pub struct Function {
    /// Its name, UTF-8.
    pub name: Bytes,
    /// Its parameters. Those of modules have no names.
    pub parameters: *const Member,
    /// Number of elements.
    pub parameter_count: usize,
    /// The type of its result, or null.
    pub result: *const Type,
}

/// A parameter, or a part of a type: a field, a case, an element.
#[derive(Debug)]
#[repr(C)]
pub struct Member {
    /// Its name, UTF-8; empty if it has none.
    pub name: Bytes,
    /// Its type, or null.
    pub ty: *const Type,
}

/// A type.
#[derive(Debug)]
#[repr(C)]
pub struct Type {
    /// A [`Shape`].
    pub shape: u32,
    /// The kind on the wire, as a number.
    pub kind: u32,
    /// 1 if that kind is a string that holds JSON, else 0.
    pub is_json: u32,
    /// Number of elements of a list of fixed length, else 0.
    pub length: u32,
    /// The parts of the type.
    pub members: *const Member,
    /// Number of elements.
    pub member_count: usize,
}

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident = $number:literal,)*) => {
        /// The shape of a type. The numbers are used in saved programs and in the C interface.
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        #[repr(u32)]
        pub enum Shape {
            $($(#[$doc])* $name = $number,)*
        }

        impl Shape {
            /// Returns the shape with this number.
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
    /// A variant: a member with a name for each case, with or without a type.
    Variant = 18,
    /// `tuple<…>`: a member for each element.
    Tuple = 19,
    /// Flags: a member with a name for each, without a type.
    Flags = 20,
    /// An enum: a member with a name for each case, without a type.
    Enum = 21,
    /// `option<T>`: one member.
    Option = 22,
    /// `result<T, E>`: two members, each with or without a type.
    Result = 23,
    /// `i32` of modules.
    I32 = 24,
    /// `i64` of modules.
    I64 = 25,
    /// Several results of a module's function: a member for each.
    Results = 26,
}
