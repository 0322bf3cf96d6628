//! Rust's own types as values, both ways, by serde.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::collections::{BTreeMap, HashMap};
use std::fmt::Debug;

use libhyperlight_values::error::Reason;
use libhyperlight_values::{BigInt, Type, Value, from_value, to_value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Order {
    order_id: u64,
    items: Vec<Item>,
    paid: bool,
    note: Option<String>,
    nested: Option<Option<u8>>,
    data: Vec<u8>,
    place: (f64, f32),
    kind: Kind,
    prices: BTreeMap<String, f64>,
    grid: Vec<(u32, String)>,
    flags: Vec<String>,
    outcome: Result<u32, String>,
    done: Result<(), ()>,
    letter: char,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Item(String);

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Kind {
    Plain,
    Sized(u16),
    Pair(u8, String),
    WithName { name: String },
}

const ORDER: &str = "record { order-id: u64, items: list<string>, paid: bool, note: option<string>, \
    nested: option<option<u8>>, data: list<u8>, place: tuple<f64, f32>, \
    kind: variant { plain, sized(u16), pair(tuple<u8, string>), with-name(record { name: string }) }, \
    prices: map<string, f64>, grid: list<tuple<u32, string>>, flags: flags { cold, hot }, \
    outcome: result<u32, string>, done: result, letter: char }";

fn order(kind: Kind, nested: Option<Option<u8>>) -> Order {
    Order {
        order_id: u64::MAX,
        items: vec![Item("tea".to_owned()), Item("c\u{e4}ke".to_owned())],
        paid: true,
        note: (nested.is_some()).then(|| "now".to_owned()),
        nested,
        data: vec![0, 255],
        place: (0.5, -0.25),
        kind,
        prices: BTreeMap::from([("tea".to_owned(), 1.5)]),
        grid: vec![(1, "one".to_owned())],
        flags: vec!["hot".to_owned()],
        outcome: Err("late".to_owned()),
        done: Ok(()),
        letter: '\u{1f600}',
    }
}

/// Through the text that crosses, of a type.
fn through_type<T: Debug + DeserializeOwned + PartialEq + Serialize>(ty: &str, value: &T) {
    let ty: Type = ty.parse().unwrap();
    let text = to_value(value).unwrap().lower(&ty, "it").unwrap();
    assert_eq!(from_value::<T>(Value::lift(&ty, &text, "it").unwrap()).unwrap(), *value, "{text}");
}

/// Through the text that crosses to a script.
fn through_script<T: Debug + DeserializeOwned + PartialEq + Serialize>(value: &T) {
    let text = to_value(value).unwrap().to_script("it").unwrap();
    assert_eq!(from_value::<T>(Value::of_script(&text, "it").unwrap()).unwrap(), *value, "{text}");
}

#[test]
fn a_structure_goes_to_a_component_and_comes_back() {
    let kinds = [
        Kind::Plain,
        Kind::Sized(7),
        Kind::Pair(1, "x".to_owned()),
        Kind::WithName { name: "Ada".to_owned() },
    ];
    for (kind, nested) in kinds.into_iter().zip([None, Some(None), Some(Some(3)), None]) {
        through_type(ORDER, &order(kind, nested));
    }
}

#[test]
fn a_structure_goes_to_a_script_and_comes_back() {
    through_script(&order(Kind::Plain, None));
    through_script(&order(Kind::Sized(7), Some(Some(3))));
    through_script(&order(Kind::WithName { name: "Ada".to_owned() }, None));
    let text = to_value(&order(Kind::Sized(7), Some(Some(3)))).unwrap().to_script("it").unwrap();
    for part in [
        "\"note\":\"now\"",
        "\"nested\":3",
        "\"data\":[0,255]",
        "\"kind\":{\"sized\":7}",
        "\"order-id\":{\"$bigint\":\"18446744073709551615\"}",
        "\"prices\":{\"tea\":1.5}",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn each_shape_of_the_data_model_comes_back() {
    through_script(&());
    through_script(&i128::from(i64::MIN));
    through_script(&u128::from(u64::MAX));
    through_script(&vec![Some(1_u8), None]);
    through_script(&HashMap::from([("a".to_owned(), vec![-1_i8])]));
    through_script(&f64::NEG_INFINITY);
    through_type("list<tuple<u8, u8>>", &vec![(1_u8, 2_u8)]);
    through_type("map<u32, string>", &BTreeMap::from([(7_u32, "seven".to_owned())]));
    through_type("map<string, u32>", &BTreeMap::from([("seven".to_owned(), 7_u32)]));
    through_type("option<option<option<bool>>>", &Some(Some(Some(true))));
    through_type("list<u8>", &Vec::<u8>::new());
    through_type("list<u8, 2>", &[1_u8, 2]);
}

#[test]
fn large_numbers_are_big_integers() {
    assert_eq!(to_value(&u128::MAX).unwrap(), Value::BigInt(BigInt::parse(&u128::MAX.to_string()).unwrap()));
    through_script(&u128::MAX);
    through_script(&i128::MIN);
    // A script's whole numbers are read as any number.
    assert_eq!(from_value::<f32>(Value::Integer(2)).unwrap(), 2.0);
    assert_eq!(from_value::<u16>(Value::Integer(65_535)).unwrap(), 65_535);
}

#[test]
fn what_a_guest_sends_is_held_to_the_type() {
    let sent = |text: &str| Value::of_script(text, "it").unwrap();
    for (error, says) in [
        (from_value::<u8>(sent("256")).unwrap_err(), "256"),
        (from_value::<u8>(sent("0.5")).unwrap_err(), "floating point"),
        (from_value::<String>(sent("null")).unwrap_err(), "a string"),
        (from_value::<Item>(sent("[1]")).unwrap_err(), "a string"),
        (from_value::<(u8, u8)>(sent("[1]")).unwrap_err(), "length 1"),
        (from_value::<(u8, u8)>(sent("[1,2,3]")).unwrap_err(), "length 3"),
        (from_value::<Kind>(sent("\"other\"")).unwrap_err(), "unknown variant `other`"),
        (from_value::<Kind>(sent("{\"plain\":1}")).unwrap_err(), "a case without a value"),
        (from_value::<Kind>(sent("{\"plain\":null,\"sized\":1}")).unwrap_err(), "an object"),
        (from_value::<Order>(sent("{}")).unwrap_err(), "missing field `order-id`"),
        (from_value::<String>(sent("\"\\ud800\"")).unwrap_err(), "surrogate"),
        (from_value::<Kind>(sent("\"a\\nb\"")).unwrap_err(), "unknown variant"),
    ] {
        assert_eq!(error.reason(), Reason::Kind);
        assert!(error.message().contains(says), "{error}");
        assert!(!error.message().contains('\n'), "{error}");
    }
}

#[test]
fn values_are_no_deeper_than_the_limit() {
    #[derive(Serialize)]
    struct Chain(Vec<Self>);
    let chain = |depth| (1..depth).fold(Chain(Vec::new()), |inner, _| Chain(vec![inner]));
    assert!(to_value(&chain(512)).unwrap().to_script("it").is_ok());
    assert_eq!(to_value(&chain(513)).unwrap_err().reason(), Reason::TooLarge);
}

#[test]
fn an_option_is_no_level_but_around_another_one() {
    #[derive(Debug, Deserialize, PartialEq, Serialize)]
    struct Link {
        next: Option<Box<Self>>,
    }
    let links = |depth| (1..depth).fold(Link { next: None }, |inner, _| Link { next: Some(Box::new(inner)) });
    through_script(&links(512));
    assert_eq!(to_value(&links(513)).unwrap_err().reason(), Reason::TooLarge);

    #[derive(Serialize)]
    struct Options(Option<Box<Self>>);
    let options = |depth| (0..depth).fold(Options(None), |inner, _| Options(Some(Box::new(inner))));
    assert!(to_value(&options(513)).is_ok());
    assert_eq!(to_value(&options(514)).unwrap_err().reason(), Reason::TooLarge);
}
