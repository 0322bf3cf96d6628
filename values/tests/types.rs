//! Types and descriptions as they are written and read: each comes back, and what is no type is refused, in time.

use std::time::{Duration, Instant};

use libhyperlight_values::description::DescriptionError;
use libhyperlight_values::types::Full;
use libhyperlight_values::{Description, Function, ParseError, Type, is_json, script};

/// One of each sort, and some inside others.
const TYPES: [&str; 36] = [
    "bool",
    "char",
    "string",
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
    "i32",
    "i64",
    "(i32, i64)",
    "(i64, f32, f64, i32)",
    "list<u8>",
    "list<u8, 0>",
    "list<list<string>, 4294967295>",
    "map<string, list<f64>>",
    "tuple<u8>",
    "tuple<u8, tuple<char, bool>>",
    "option<option<bool>>",
    "record { a: u8, b-c: record { B2-d: string } }",
    "variant { a, b(list<string>), c(variant { d }) }",
    "flags { read, write }",
    "enum { low, HIGH-2nd }",
    "result",
    "result<u8>",
    "result<_, string>",
    "result<u8, string>",
    "result<result, result<_, result>>",
    "list<record { name: string, price: option<f64> }>",
    "record { record: enum { record }, list: flags { list } }",
    "record { f32: u8, tuple: char }",
];

fn nested(levels: usize) -> String {
    "option<".repeat(levels) + "u8" + &">".repeat(levels)
}

fn names(count: usize) -> String {
    (0..count).map(|at| format!("n{at}")).collect::<Vec<_>>().join(", ")
}

#[test]
fn types_come_back_from_their_text() {
    for text in TYPES {
        let ty: Type = text.parse().unwrap();
        assert_eq!(ty.to_string(), text);
        assert_eq!(ty.to_string().parse(), Ok(ty));
    }
    for (text, printed) in [
        (" list <\tu8 , 3 >\n", "list<u8, 3>"),
        ("record{a:u8,}", "record { a: u8 }"),
        ("result<_,_>", "result"),
        ("result<u8, _>", "result<u8>"),
        ("(i32,i32)", "(i32, i32)"),
    ] {
        assert_eq!(Type::parse(text).unwrap().to_string(), printed);
    }
}

#[test]
fn a_text_is_no_type_until_it_is_whole() {
    for text in TYPES {
        for end in 0..text.len() {
            // What is left of one may be another: `u8`, `i32`.
            if let Ok(ty) = Type::parse(&text[..end]) {
                assert_eq!(ty.to_string(), text[..end].trim_end(), "{text}");
            }
        }
        for more in [",", ")", ">", "}", " u8", "\0", "_"] {
            assert!(Type::parse(&format!("{text}{more}")).is_err(), "{text}{more}");
        }
    }
}

#[test]
fn what_no_program_has_is_no_type() {
    for text in [
        "",
        " ",
        "(",
        "()",
        "(i32)",
        "(i32,)",
        "(,)",
        "_",
        "3",
        "u7",
        "own<resource>",
        "stream<u8>",
        "list",
        "list<>",
        "list<u8, -1>",
        "list<u8, 4294967296>",
        "list<u8, u8>",
        "list<u8, 1, 1>",
        "list<_>",
        "map<u8>",
        "map<u8, u8, u8>",
        "option",
        "option<u8, u8>",
        "tuple",
        "tuple<>",
        "tuple<_>",
        "tuple<u8, 3>",
        "result<1>",
        "result<u8, u8, u8>",
        "record { }",
        "record { a }",
        "record { a u8 }",
        "record { a: u8 b: u8 }",
        "record { a: u8, A: u8 }",
        "record { a: u8, a: u8 }",
        "record { __proto__: u8 }",
        "record { a-: u8 }",
        "record { -a: u8 }",
        "record { 1a: u8 }",
        "record { aB: u8 }",
        "record { ä: u8 }",
        "variant { }",
        "variant { a() }",
        "variant { a(u8 }",
        "enum { }",
        "enum { a, a }",
        "enum { a(u8) }",
        "flags { }",
        "flags",
        "bool<u8>",
        "u8 u8",
        "record<u8>",
    ] {
        assert!(matches!(Type::parse(text), Err(ParseError::Unexpected { .. })), "{text:?}");
    }
    assert!(Type::parse(&format!("flags {{ {} }}", names(32))).is_ok());
    assert!(Type::parse(&format!("flags {{ {} }}", names(33))).is_err());
}

/// The size and the depth of a text are its writer's choice.
#[test]
fn hostile_texts_are_refused_within_the_limits_and_in_time() {
    const HUGE: usize = 15 << 20;
    let of = |part: &str| part.repeat(HUGE / part.len());
    let began = Instant::now();
    for (about, text, wanted) in [
        ("opened and never closed", of("list<"), ParseError::TooDeep),
        ("results in results", of("("), ParseError::TooDeep),
        ("records in records", of("record { a: "), ParseError::TooDeep),
        ("variants in variants", of("variant { a("), ParseError::TooDeep),
        ("many parts", format!("tuple<{}u8>", of("u8,")), ParseError::TooLarge),
        ("many names", format!("enum {{ {} }}", names(1 << 18)), ParseError::TooLarge),
        ("longer than any type", " ".repeat((16 << 20) + 1), ParseError::TooLarge),
    ] {
        assert_eq!(Type::parse(&text), Err(wanted), "{about}");
    }
    for text in [
        of(" "),
        of(","),
        of("a"),
        of("ä"),
        of("1"),
        format!("u8{}x", of("\n")),
        of("u8 "),
        format!("enum {{ {}", of("a")),
    ] {
        assert!(matches!(Type::parse(&text), Err(ParseError::Unexpected { .. })));
    }
    // The most that there may be, twice as much of which is too much, takes no more time than in proportion.
    assert!(Type::parse(&format!("tuple<{}u8>", "u8,".repeat((1 << 18) - 2))).is_ok());
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
}

#[test]
fn descriptions_come_back_from_their_bytes() {
    let parameters = |is_component: bool| {
        let name = move |at: usize| if is_component { format!("p{at}") } else { String::new() };
        let of = move |text: &&str| text.starts_with(['(', 'i']) != is_component && !text.starts_with('(');
        TYPES.into_iter().filter(of).enumerate().map(move |(at, text)| (name(at), text.parse().unwrap()))
    };
    for description in [
        Description::default(),
        Description {
            is_component: false,
            exports: vec![
                Function::new("f\"\n\0".to_owned(), parameters(false).collect(), "(i32, i64)".parse().ok()),
                Function::new("n".repeat(1024), Vec::new(), None),
            ],
            // The same may be imported twice.
            imports: vec![Function::new("m.i".to_owned(), Vec::new(), "f32".parse().ok()); 2],
            memories: vec![String::new(), "memory".to_owned()],
        },
        Description {
            is_component: true,
            exports: parameters(true)
                .map(|(name, ty)| Function::new(name, vec![("p".to_owned(), ty.clone())], Some(ty)))
                .collect(),
            imports: vec![Function::new(
                "a:b/c#f".to_owned(),
                vec![("p".to_owned(), nested(110).parse().unwrap())],
                None,
            )],
            memories: Vec::new(),
        },
    ] {
        let bytes = description.to_bytes().unwrap();
        assert_eq!(Description::from_bytes(&bytes), Ok(description));
        for end in 0..bytes.len() {
            assert_eq!(Description::from_bytes(&bytes[..end]), Err(DescriptionError::Damaged), "{end}");
        }
        assert!(Description::from_bytes(&[&*bytes, &[0]].concat()).is_err());
    }
}

/// Descriptions that the compiler accepts, which counts the same, are read again.
#[test]
fn descriptions_of_the_largest_programs_come_back() {
    // As many as there may be, each with the bytes of its name and 64 more, and 64 of each number.
    let of = |name: String| {
        let parameters = vec![(String::new(), "i32".parse().unwrap()); 2];
        Function::new(name, parameters, "i32".parse().ok())
    };
    let largest =
        Description { exports: (0..61_000).map(|at| of(at.to_string())).collect(), ..Description::default() };
    assert_eq!(Description::from_bytes(&largest.to_bytes().unwrap()).as_ref(), Ok(&largest));
}

#[test]
fn descriptions_of_no_program_are_refused() {
    let of = |is_component: bool, parameter: &str, ty: &str, result: &str| Description {
        is_component,
        exports: vec![Function::new(
            "f".to_owned(),
            vec![(parameter.to_owned(), ty.parse().unwrap())],
            result.parse().ok(),
        )],
        ..Description::default()
    };
    let functions = |names: &[&str]| -> Vec<_> {
        names.iter().map(|name| Function::new((*name).to_owned(), Vec::new(), None)).collect()
    };
    let exporting = |names: &[&str]| Description { exports: functions(names), ..Description::default() };
    let many = vec![(String::new(), "i32".parse().unwrap()); 33];
    for (about, description) in [
        ("a named parameter of a module", of(false, "p", "i32", "")),
        ("a component's type in a module", of(false, "", "u8", "")),
        ("a component's result in a module", of(false, "", "i32", "string")),
        ("results in a parameter", of(false, "", "(i32, i32)", "")),
        ("results that no module has", of(false, "", "i32", "(i32, (i32, i32))")),
        ("a module's type in a component", of(true, "p", "i32", "")),
        ("a module's type inside a component's", of(true, "p", "list<tuple<u8, i64>>", "")),
        ("a parameter without a name", of(true, "", "u8", "")),
        ("a parameter of no name", of(true, "a, b", "u8", "")),
        ("too deep", of(true, "p", &nested(111), "")),
        ("no name", exporting(&[""])),
        ("a long name", exporting(&["n".repeat(1025).as_str()])),
        ("the same twice", exporting(&["f", "f"])),
        ("a memory like a function", Description { memories: vec!["f".to_owned()], ..exporting(&["f"]) }),
        (
            "a memory of a component",
            Description { is_component: true, memories: vec!["m".to_owned()], ..Description::default() },
        ),
        (
            "too many parameters",
            Description {
                imports: vec![Function::new("f".to_owned(), many, None)],
                ..Description::default()
            },
        ),
    ] {
        let bytes = description.to_bytes().unwrap();
        assert_eq!(Description::from_bytes(&bytes), Err(DescriptionError::Damaged), "{about}");
    }
    let large = format!("tuple<{}u8>", "u8,".repeat(1 << 17));
    let twice = Description { imports: of(true, "p", &large, "").exports, ..of(true, "p", &large, "") };
    assert_eq!(Description::from_bytes(&twice.to_bytes().unwrap()), Err(DescriptionError::Full(Full)));
    // Counts that the bytes do not bear out allocate nothing.
    for word in [2, 0xffff, u32::MAX] {
        let bytes = word.to_le_bytes().repeat(4);
        assert_eq!(Description::from_bytes(&bytes), Err(DescriptionError::Damaged), "{word}");
    }
}

#[test]
fn signatures_are_written_as_in_the_program() {
    let ty = |text: &str| text.parse::<Type>().unwrap();
    let older = Function::new(
        "older".to_owned(),
        vec![("who".to_owned(), ty("record { name: string, age: u32 }")), ("by".to_owned(), ty("u32"))],
        Some(ty("u32")),
    );
    assert_eq!(older.to_string(), "older(who: record { name: string, age: u32 }, by: u32) -> u32");
    let swap = Function::new("swap".to_owned(), vec![(String::new(), ty("i32"))], Some(ty("(i32, i64)")));
    assert_eq!(swap.signature(), "(i32) -> (i32, i64)");
    assert_eq!(Function::new("f".to_owned(), Vec::new(), None).to_string(), "f()");
}

/// `JSON.parse` of JavaScript is all that is needed where it is said.
#[test]
fn texts_that_json_says_as_they_are_are_told_from_others() {
    for (ty, text, is) in [
        ("list<s32>", "[1,-2, 0]", true),
        ("list<s32>", "[-0]", false),
        ("list<s32>", "[1.0]", false),
        ("list<s32>", "[2147483648]", false),
        ("list<s32>", "[1", false),
        ("list<f64>", "[1e300,-0.1,0.1e-05]", true),
        ("list<f64>", "[\"NaN\"]", false),
        ("option<option<bool>>", "{\"some\":null}", true),
        ("record { a: char, b: enum { x } }", "{\"b\":\"x\",\"a\":\"\\u00e4\"}", true),
        ("record { a: char, b: enum { x } }", "{\"b\":\"x\"}", false),
        ("result<u8>", "{\"ok\":1}", true),
        ("result<u8>", "{\"err\":null}", false),
        ("variant { a, b(u8) }", "\"a\"", true),
        ("flags { r, w }", "[\"w\",\"r\"]", true),
        ("(i32, f64)", "[1,2]", true),
    ] {
        let ty: Type = ty.parse().unwrap();
        assert!(ty.can_be_json());
        assert_eq!(is_json(&ty, text), is, "{ty} {text}");
    }
    for ty in [
        "list<u8>",
        "list<list<u8>>",
        "tuple<u64>",
        "option<s64>",
        "(i32, i64)",
        "map<u8, u8>",
        "record { a: f32 }",
    ] {
        assert!(!ty.parse::<Type>().unwrap().can_be_json(), "{ty}");
    }
    let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
    for (text, is_all, is) in [
        (nested(512), false, true),
        (nested(513), false, false),
        (nested(513), true, true),
        (nested(514), true, false),
        (format!("[\"{}\\\"[\",{}]", nested(600), nested(511)), false, true),
        ("{}".repeat(600), false, true),
        ("\"\\\\\",\"[\\\"{[\"".to_owned() + &nested(512), false, true),
        ("{\"a\":\"x$bytes\",\"\\u0025\":1}".to_owned(), false, true),
        ("\"open and never closed".to_owned(), false, true),
        ("{\"$bytes\":\"\"}".to_owned(), false, false),
        ("{\"\\u0024bytes\":\"\"}".to_owned(), false, false),
    ] {
        let units: Vec<u16> = text.encode_utf16().collect();
        assert_eq!(script::is_plain(&units, is_all), is, "{text}");
    }
}
