//! Values on their way to a guest: what fits, what is refused and how that is said, and what the limits are.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::time::{Duration, Instant};

use libhyperlight_values::error::Reason;
use libhyperlight_values::{BigInt, ParseError, Type, Value};

fn ty(text: &str) -> Type {
    text.parse().unwrap()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Value {
    Value::Object(members.map(|(name, value)| (name.to_owned(), value)).to_vec())
}

fn nested(levels: usize, inner: Value) -> Value {
    (0..levels).fold(inner, |inner, _| Value::List(vec![inner]))
}

#[test]
fn what_fits_a_type_is_written_as_guests_read_it() {
    for (of, value, wire) in [
        (
            "list<u64>",
            Value::List(vec![Value::Integer(1), Value::Integer(u64::MAX.into())]),
            "[1,18446744073709551615]",
        ),
        ("list<u64>", Value::List(vec![Value::BigInt(7.into())]), "[7]"),
        ("list<u8>", Value::Bytes(vec![0, 255]), "[0,255]"),
        ("f64", Value::Float(f64::NEG_INFINITY), "\"-Infinity\""),
        ("f64", Value::Float(-0.0), "-0.0"),
        ("char", Value::Char('ß'), "\"ß\""),
        ("string", text("\"\n\u{1}"), "\"\\\"\\n\\u0001\""),
        ("record { x: s32, y: option<f64> }", object([("x", Value::Integer(1))]), "{\"x\":1}"),
        ("option<u8>", Value::Some(Box::new(Value::Integer(1))), "1"),
        ("option<option<u8>>", Value::Some(Box::new(Value::Null)), "{\"some\":null}"),
        ("result", Value::Case("ok".to_owned(), Some(Box::new(Value::Null))), "{\"ok\":null}"),
        ("map<string, u8>", Value::Map(vec![(text("a"), Value::Integer(1))]), "[[\"a\",1]]"),
        // A list may stand for bytes, and an object for a map.
        ("list<u8>", Value::List(vec![Value::Integer(7)]), "[7]"),
        ("map<string, u8>", object([("a", Value::Integer(1))]), "[[\"a\",1]]"),
        ("flags { r, w }", Value::Flags(vec!["w".to_owned(), "w".to_owned()]), "[\"w\"]"),
    ] {
        assert_eq!(value.lower(&ty(of), "it").unwrap(), wire);
    }
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    for (of, value, reason, message) in [
        (
            "list<s8>",
            Value::List(vec![Value::Integer(0), Value::Integer(128)]),
            Reason::Range,
            "it[1] does not fit s8",
        ),
        ("list<u8>", Value::List(vec![Value::Integer(256)]), Reason::Range, "it[0] does not fit u8"),
        ("list<u8>", text("x"), Reason::Kind, "it must be bytes, not a string"),
        ("list<f32>", Value::List(vec![Value::Float(3.5e38)]), Reason::Range, "it[0] does not fit f32"),
        ("list<u32, 3>", Value::List(vec![]), Reason::Kind, "it must have 3 members, found 0"),
        ("char", text("ab"), Reason::Name, "it must be one character, found 2"),
        (
            "string",
            Value::Utf16(vec![0xd800]),
            Reason::Unicode,
            "it is not Unicode text: it has half of a surrogate pair",
        ),
        ("tuple<u8>", Value::Tuple(vec![]), Reason::Kind, "it must be a tuple of 1, not a tuple"),
        ("record { x: s32 }", object([]), Reason::Kind, "it lacks the field `x`"),
        (
            "record { x: s32 }",
            object([("x", Value::Null)]),
            Reason::Kind,
            "it.x must be a whole number (s32), not nothing",
        ),
        (
            "record { x: u8 }",
            object([("x", Value::Integer(1)), ("x", Value::Integer(2))]),
            Reason::Kind,
            "it has `x` twice",
        ),
        (
            "record { x: u8 }",
            object([("\u{1b}", Value::Integer(1))]),
            Reason::Kind,
            "it has no field '\\u{1b}'; it has `x`",
        ),
        ("enum { a }", text("b"), Reason::Name, "it must be one of `a`, found 'b'"),
        ("variant { a(s32), b }", text("a"), Reason::Kind, "it must be `a` with its value"),
        (
            "variant { a(s32), b }",
            object([("b", Value::Integer(1))]),
            Reason::Kind,
            "it must be `b` without a value",
        ),
        ("flags { a }", Value::Flags(vec!["q".to_owned()]), Reason::Name, "it may have `a`, found 'q'"),
        (
            "map<string, u8>",
            Value::Map(vec![(text("a"), Value::Integer(256))]),
            Reason::Range,
            "it['a'] does not fit u8",
        ),
        (
            "map<u8, u8>",
            Value::Map(vec![(text("a"), Value::Integer(1))]),
            Reason::Kind,
            "it (the key 'a') must be a whole number (u8), not a string",
        ),
    ] {
        let error = value.lower(&ty(of), "it").unwrap_err();
        assert_eq!((error.reason(), error.message()), (reason, message));
    }
}

#[test]
fn values_are_as_deep_as_may_be_both_ways_and_no_deeper() {
    let deepest = nested(512, Value::Integer(7));
    let wire = "[".repeat(512) + "7" + &"]".repeat(512);
    assert_eq!(deepest.to_script("it").unwrap(), wire);
    assert_eq!(Value::of_script(&wire, "it").unwrap(), deepest);
    let of = ty(&("list<".repeat(600) + "u16" + &">".repeat(600)));
    let arguments = [nested(512, Value::Integer(7))];
    assert!(Value::all_to_script(&arguments, "it").is_ok());
    for error in [
        nested(513, Value::Integer(7)).to_script("it").unwrap_err(),
        Value::all_to_script(&[nested(513, Value::Null)], "it").unwrap_err(),
        nested(600, Value::Integer(7)).lower(&of, "it").unwrap_err(),
        Value::lift(&of, &("[".repeat(600) + "7" + &"]".repeat(600)), "it").unwrap_err(),
    ] {
        assert_eq!(error.reason(), Reason::TooLarge);
        assert_eq!(error.message(), "it is nested more than 512 levels deep; the limit is 512");
    }
}

#[test]
fn whole_numbers_are_sent_up_to_the_limit() {
    let safe = (1 << 53) - 1;
    for (value, wire) in [
        (Value::Integer(safe), "9007199254740991"),
        (Value::Integer(safe + 1), "{\"$bigint\":\"9007199254740992\"}"),
        (Value::Integer(-safe - 1), "{\"$bigint\":\"-9007199254740992\"}"),
        (Value::BigInt(5.into()), "{\"$bigint\":\"5\"}"),
        (Value::Float(-0.0), "{\"$number\":\"-0\"}"),
        (object([("$a", Value::Undefined), ("$b", Value::Null)]), "{\"$$b\":null}"),
        (Value::Undefined, ""),
    ] {
        assert_eq!(value.to_script("it").unwrap(), wire);
    }
    let digits = "9".repeat(19_729);
    let error = Value::BigInt(BigInt::parse(&digits).unwrap()).to_script("it").unwrap_err();
    assert_eq!(error.reason(), Reason::TooLarge);
    assert!(Value::BigInt(BigInt::parse(&digits[1..]).unwrap()).to_script("it").is_ok());
}

#[test]
fn types_are_read_as_deep_as_they_may_be() {
    assert_eq!(Type::parse(&"list<".repeat(100_000)), Err(ParseError::TooDeep));
    assert!(Type::parse(&("list<".repeat(1024) + "u8" + &">".repeat(1024))).is_ok());
    for text in [
        "",
        "list<",
        "list<u8",
        "list<u8>>",
        "record { a u8 }",
        "record { a: u8, a: u8 }",
        "map<u8>",
        "list<_>",
        "result<1>",
        "enum { a",
    ] {
        assert!(matches!(Type::parse(text), Err(ParseError::Unexpected { .. })), "{text}");
    }
}

/// A program has many cases and fields, and a value few of them: neither is multiplied.
#[test]
fn many_names_and_many_values_take_the_sum_of_their_times() {
    let names = |of: &str| (0..20_000).map(|at| format!("c{at}{of}")).collect::<Vec<_>>().join(", ");
    let cases = ty(&format!("list<variant {{ {}, last(u8) }}>", names("")));
    let fields = ty(&format!("list<record {{ {}, last: u8 }}>", names(": option<u8>")));
    let values = Value::List(vec![object([("last", Value::Integer(1))]); 20_000]);
    let began = Instant::now();
    let wire = cases.to_string().len();
    assert!(wire > 100_000);
    let text = values.lower(&cases, "it").unwrap();
    assert_eq!(values.lower(&fields, "it").unwrap(), text);
    Value::lift(&cases, &text, "it").unwrap();
    assert!(began.elapsed() < Duration::from_secs(10));
}
