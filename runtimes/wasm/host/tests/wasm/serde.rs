//! Rust's own types as arguments and results of components, by serde.

use std::collections::BTreeSet;

use libhyperlight::{Sandbox, SandboxOptions, UninitializedSandbox};
use libhyperlight_wasm::{Options, Program, Value, from_value, to_value};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Pair {
    x: i32,
    y: f64,
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Size {
    Small,
    Big(u32),
}

#[derive(Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Mode {
    Read,
    Write,
    Exec,
}

fn started() -> (Program, Sandbox) {
    let wasm = wat::parse_str(include_str!("component.wat")).unwrap();
    let program = Program::compile(&wasm, &Options::new()).unwrap();
    let mut sandbox = UninitializedSandbox::new(program.guest(), SandboxOptions::new()).unwrap();
    program.register(&mut sandbox, "log", |_| Ok(Value::Undefined)).unwrap();
    let scale = |arguments: &[Value]| {
        let pair: Pair = from_value(arguments[0].clone())?;
        assert_eq!(pair, Pair { x: -3, y: 0.5 });
        to_value(&(pair.y * 2.0, 7_u32)).map_err(Into::into)
    };
    program.register(&mut sandbox, "test:demo/math#scale", scale).unwrap();
    (program, sandbox.evolve().unwrap())
}

#[test]
fn structures_enums_and_results_cross_as_rust_has_them() {
    let (program, mut sandbox) = started();
    let mut call = |name: &str, argument: Value| program.call(&mut sandbox, name, &[argument]).unwrap();
    fn back<T: DeserializeOwned>(value: Value) -> T {
        from_value(value).unwrap()
    }
    assert_eq!(back::<(f64, i32)>(call("swap", to_value(&Pair { x: -3, y: 0.5 }).unwrap())), (0.5, -3));
    for bytes in [vec![], vec![0_u8, 255]] {
        assert_eq!(back::<Vec<u8>>(call("bytes", to_value(&bytes).unwrap())), bytes);
    }
    for list in [vec![], vec![Some(1_u32), None]] {
        assert_eq!(back::<Vec<Option<u32>>>(call("list", to_value(&list).unwrap())), list);
    }
    let modes = BTreeSet::from([Mode::Read, Mode::Exec]);
    assert_eq!(back::<BTreeSet<Mode>>(call("modes", to_value(&modes).unwrap())), modes);
    let mut check = |size| back::<Result<String, Size>>(call("check", to_value(&size).unwrap()));
    assert_eq!(check(Size::Small), Ok("small".to_owned()));
    assert_eq!(check(Size::Big(70_000)), Err(Size::Big(70_000)));
}

#[test]
fn host_functions_take_and_return_them() {
    let (program, mut sandbox) = started();
    let result = program.call(&mut sandbox, "test:demo/run#run", &[to_value(&2.0).unwrap()]).unwrap();
    assert_eq!(from_value::<f64>(result).unwrap(), 8.0);
}
