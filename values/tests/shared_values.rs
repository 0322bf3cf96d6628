//! The cases of `tests/values`, which all languages replay: what a guest may send, and what comes of it.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use libhyperlight_values::error::Reason;
use libhyperlight_values::{BigInt, Error, Type, Value};
use serde_json::Value as Json;

/// Unoptimised code, beside other tests, may take so many times as long as the second that a case may take.
const PATIENCE: u32 = 10;

/// The parts of messages for each word of the corpus.
const SAYS: [(&str, &[&str]); 9] = [
    ("syntax", &["is expected at byte"]),
    ("kind", &["must be", "cannot be"]),
    ("range", &["does not fit"]),
    ("char", &["one character", "surrogate"]),
    ("name", &["found", "has no", "twice"]),
    ("arity", &["must have", "lacks", "needs"]),
    ("escape", &["$bytes:", "$bigint:", "$number:"]),
    ("depth", &["the limit is 512"]),
    ("large", &["the limit is 65536 bits", "the limit is 1024 pairs"]),
];

#[test]
fn what_components_send() {
    replay("components.json", |case, wire| {
        let ty = Type::parse(case["type"].as_str().unwrap()).unwrap();
        assert_eq!(ty, ty.to_string().parse().unwrap());
        Value::lift(&ty, wire, "it")
    });
}

#[test]
fn what_scripts_send() {
    replay("scripts.json", |_, wire| Value::of_script(wire, "it"));
}

/// Only where the keys' hashes could be chosen with them is the number of pairs bounded.
#[test]
fn maps_have_as_many_pairs_as_their_keys_allow() {
    for (key, one, most) in [
        ("f64", "0.5", 1024),
        ("f32", "0.5", 1024),
        ("tuple<f64, u8>", "[0.5,1]", 1024),
        ("list<u8>", "[1]", 1024),
        ("option<string>", "null", 1024),
        ("string", "\"x\"", usize::MAX),
        ("char", "\"x\"", usize::MAX),
        ("enum { x }", "\"x\"", usize::MAX),
        ("bool", "true", usize::MAX),
        ("u64", "1", usize::MAX),
    ] {
        let ty = Type::parse(&format!("map<{key}, u8>")).unwrap();
        for count in [1024, 1025, 5000] {
            let wire = format!("[{}]", vec![format!("[{one},1]"); count].join(","));
            match Value::lift(&ty, &wire, "it") {
                Ok(Value::Map(pairs)) => assert!(pairs.len() == count && count <= most, "{key}, {count}"),
                Ok(value) => panic!("{value:?}"),
                Err(error) => {
                    assert!(count > most, "{key}, {count}: {error}");
                    assert_eq!(error.reason(), Reason::TooLarge);
                }
            }
        }
    }
}

/// A value that came out goes in again, and means the same.
#[test]
fn values_come_back() {
    for case in cases("components.json") {
        let ty = Type::parse(case["type"].as_str().unwrap()).unwrap();
        if let Ok(value) = Value::lift(&ty, &text(&case["wire"]), "it") {
            let again = Value::lift(&ty, &value.lower(&ty, "it").unwrap(), "it").unwrap();
            assert!(is_same(&again, &value), "{}", case["about"]);
        }
    }
    for case in cases("scripts.json") {
        if let Ok(value) = Value::of_script(&text(&case["wire"]), "it") {
            let again = Value::of_script(&value.to_script("it").unwrap(), "it").unwrap();
            assert!(is_same(&again, &value), "{}", case["about"]);
        }
    }
}

fn replay(file: &str, decode: impl Fn(&Json, &str) -> Result<Value, Error>) {
    for case in cases(file) {
        let about = &case["about"];
        let wire = text(&case["wire"]);
        let began = Instant::now();
        let found = decode(&case, &wire);
        assert!(began.elapsed() < Duration::from_secs(1) * PATIENCE, "{about}");
        match (found, case["error"].as_str()) {
            (Ok(found), None) => {
                let wanted = value(&case["expect"]);
                assert!(is_same(&found, &wanted), "{about}");
            }
            (Err(error), Some(word)) => {
                let is_too_large = word == "depth" || word == "large";
                let reason = if is_too_large { Reason::TooLarge } else { Reason::Protocol };
                let message = error.message();
                assert_eq!(error.reason(), reason, "{about}: {message}");
                let says = SAYS.iter().find(|(said, _)| *said == word).unwrap().1;
                assert!(says.iter().any(|says| message.contains(says)), "{about}: {message}");
                assert!(
                    message.len() < 500 && !message.contains(|sign: char| sign.is_control()),
                    "{message}"
                );
                assert!(message.starts_with("it"), "{message}");
            }
            (Ok(_), Some(_)) => panic!("{about}: taken"),
            (Err(error), None) => panic!("{about}: refused: {error}"),
        }
    }
}

fn cases(file: &str) -> Vec<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/values").join(file);
    // Halves of surrogate pairs are no text of Rust's, but are JSON.
    let text = fs::read_to_string(path)
        .unwrap()
        .replace("\\ud800\", \"a\\udc00b\", \"\\ude00\\ud83d", "@1\", \"@2\", \"@3");
    serde_json::from_str(&text).unwrap()
}

/// A text, or parts of one.
fn text(parts: &Json) -> String {
    match parts {
        Json::String(text) => text.clone(),
        parts => parts.as_array().unwrap().iter().map(part).collect(),
    }
}

fn part(part: &Json) -> String {
    match part.as_str() {
        Some(text) => text.to_owned(),
        None => {
            let count = part["repeat"]["count"].as_u64().unwrap();
            part["repeat"]["text"].as_str().unwrap().repeat(usize::try_from(count).unwrap())
        }
    }
}

/// The Rust value of a form of the corpus.
fn value(form: &Json) -> Value {
    let values = |form: &Json| form.as_array().unwrap().iter().map(value).collect::<Vec<_>>();
    match form {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Bool(*value),
        Json::String(text) => match &**text {
            "@1" => Value::Utf16(vec![0xd800]),
            "@2" => Value::Utf16(vec![0x61, 0xdc00, 0x62]),
            "@3" => Value::Utf16(vec![0xde00, 0xd83d]),
            text => Value::Text(text.to_owned()),
        },
        Json::Object(form) => {
            let (kind, said) = form.iter().next().unwrap();
            match &**kind {
                "text" => Value::Text(text(said)),
                "int" => Value::BigInt(BigInt::parse(&text(said)).unwrap()),
                "float" => {
                    Value::Float(said.as_f64().unwrap_or_else(|| said.as_str().unwrap().parse().unwrap()))
                }
                "bytes" => {
                    let digits = text(said);
                    let byte = |at: usize| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
                    Value::Bytes((0..digits.len()).step_by(2).map(byte).collect())
                }
                "list" => Value::List(values(said)),
                "tuple" => Value::Tuple(values(said)),
                "map" => {
                    let pair = |pair: &Json| (value(&pair[0]), value(&pair[1]));
                    Value::Map(said.as_array().unwrap().iter().map(pair).collect())
                }
                "object" => {
                    let member = |member: &Json| (member[0].as_str().unwrap().to_owned(), value(&member[1]));
                    Value::Object(said.as_array().unwrap().iter().map(member).collect())
                }
                "flags" => Value::Flags(
                    said.as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect(),
                ),
                "case" => {
                    let inside = said.get(1).map(value).map(Box::new);
                    Value::Case(said[0].as_str().unwrap().to_owned(), inside)
                }
                "some" => Value::Some(Box::new(value(said))),
                "nested" => {
                    (0..said[0].as_u64().unwrap()).fold(value(&said[1]), |inner, _| Value::List(vec![inner]))
                }
                "undefined" => Value::Undefined,
                kind => panic!("the format has no {kind}"),
            }
        }
        form => panic!("{form}"),
    }
}

/// Equal, also in kind, and NaN to NaN.
fn is_same(found: &Value, wanted: &Value) -> bool {
    let all = |found: &[Value], wanted: &[Value]| {
        found.len() == wanted.len() && found.iter().zip(wanted).all(|(found, wanted)| is_same(found, wanted))
    };
    match (found, wanted) {
        (Value::Float(found), Value::Float(wanted)) => {
            found.to_bits() == wanted.to_bits() || (found.is_nan() && wanted.is_nan())
        }
        // The corpus does not tell them apart, nor a text of one character from a char.
        (Value::Integer(found), Value::BigInt(wanted)) => found.to_string() == wanted.as_str(),
        (Value::Char(found), Value::Text(wanted)) => found.to_string() == *wanted,
        (Value::Case(found, None), Value::Case(wanted, None)) => found == wanted,
        (Value::Case(found, Some(one)), Value::Case(wanted, Some(other))) => {
            found == wanted && is_same(one, other)
        }
        (Value::List(found), Value::List(wanted)) | (Value::Tuple(found), Value::Tuple(wanted)) => {
            all(found, wanted)
        }
        (Value::Map(found), Value::Map(wanted)) => {
            let same = |((key, value), (other_key, other)): (&(Value, Value), &(Value, Value))| {
                is_same(key, other_key) && is_same(value, other)
            };
            found.len() == wanted.len() && found.iter().zip(wanted).all(same)
        }
        (found @ Value::Object(members), Value::Object(wanted)) => {
            let same =
                |(name, other): &(String, Value)| found.get(name).is_some_and(|value| is_same(value, other));
            members.len() == wanted.len() && wanted.iter().all(same)
        }
        (Value::Flags(found), Value::Flags(wanted)) => {
            found.len() == wanted.len() && found.iter().all(|name| wanted.contains(name))
        }
        (Value::Some(found), Value::Some(wanted)) => is_same(found, wanted),
        (found, wanted) => found == wanted,
    }
}
