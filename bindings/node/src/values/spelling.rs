//! Names of things in messages, for JavaScript.

use libhyperlight_values::error::{Json, Spelling, Wanted};

pub(super) struct JavaScript;

impl Spelling for JavaScript {
    fn wanted(&self, wanted: Wanted<'_>) -> String {
        match wanted {
            Wanted::Bool => "a boolean".to_owned(),
            Wanted::Bytes => "a Uint8Array or an array".to_owned(),
            Wanted::Cases(names) => format!("one of {names}"),
            Wanted::Flags(names) => format!("an array or Set of {names}"),
            Wanted::Float(float) => format!("a number ({})", float.name()),
            Wanted::Integer(integer) if integer.is_wide() => format!("a bigint ({})", integer.name()),
            Wanted::Integer(integer) => format!("a whole number ({})", integer.name()),
            Wanted::Map => "a Map".to_owned(),
            Wanted::Option => "null or an object { some }".to_owned(),
            Wanted::Pair => "an array of two".to_owned(),
            Wanted::Record => "an object".to_owned(),
            Wanted::Text => "a string".to_owned(),
            Wanted::Tuple(count) => format!("an array of {count}"),
            _ => "an array".to_owned(),
        }
    }

    fn json(&self, found: Json) -> &'static str {
        match found {
            Json::Array => "an array",
            Json::Bool => "a boolean",
            Json::Float | Json::Integer => "a number",
            Json::Null => "null",
            Json::Object => "an object",
            Json::String => "a string",
        }
    }

    fn case(&self, name: &str) -> String {
        format!("an object {{ {name} }} with its value")
    }
}
