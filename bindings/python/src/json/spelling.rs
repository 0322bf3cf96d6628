//! Names of things in messages, for Python.

use libhyperlight_values::error::{Json, Spelling, Wanted, shown};

pub struct Python;

impl Spelling for Python {
    fn wanted(&self, wanted: Wanted<'_>) -> String {
        match wanted {
            Wanted::Bool => "bool".to_owned(),
            Wanted::Bytes => "bytes, bytearray or memoryview".to_owned(),
            Wanted::Cases(names) => format!("one of {names}"),
            Wanted::Flags(names) => format!("a set or list of {names}"),
            Wanted::Float(float) => format!("float ({})", float.name()),
            Wanted::Integer(integer) => format!("int ({})", integer.name()),
            Wanted::Map | Wanted::Record => "a dict".to_owned(),
            Wanted::Option => "None or a dict from `some` to the value".to_owned(),
            Wanted::Pair => "a list of two".to_owned(),
            Wanted::Text => "str".to_owned(),
            Wanted::Tuple(count) => format!("a tuple of {count}"),
            _ => "a list".to_owned(),
        }
    }

    fn json(&self, found: Json) -> &'static str {
        match found {
            Json::Array => "list",
            Json::Bool => "bool",
            Json::Float => "float",
            Json::Integer => "int",
            Json::Null => "None",
            Json::Object => "dict",
            Json::String => "str",
        }
    }

    fn case(&self, name: &str) -> String {
        format!("a dict from `{name}` to its value")
    }

    fn field(&self, name: &str) -> String {
        format!("[{}]", shown(name))
    }
}
