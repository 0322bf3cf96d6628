//! Values of Rust's in scripts, both ways, in real virtual machines.
#![expect(clippy::unwrap_used, reason = "a test may stop at what it did not expect")]

use std::error::Error;
use std::time::Duration;

use libhyperlight::{
    CallOptions, ErrorCode, HostError, Pool, PoolOptions, Result, Sandbox, SandboxOptions, State,
    UninitializedSandbox,
};
use libhyperlight_javascript::{BigInt, CallScript, RegisterForScripts, Value};
use libhyperlight_values::error::Reason;

fn host() -> UninitializedSandbox {
    UninitializedSandbox::new(&libhyperlight_builtin::javascript().unwrap(), SandboxOptions::new()).unwrap()
}

fn script(source: &str) -> Sandbox {
    let mut sandbox = host().evolve().unwrap();
    sandbox.load_script("main", source).unwrap();
    sandbox
}

#[test]
fn values_come_back_as_they_were() {
    let mut echo = script("function echo(value) { return value }");
    for value in [
        Value::Null,
        true.into(),
        5.into(),
        BigInt::parse("123456789012345678901234567890").unwrap().into(),
        0.5.into(),
        Value::Float(-0.0),
        "Grüße, 世界 🎉 \0".into(),
        Value::Utf16(vec![0xd800]),
        Value::from(&[0_u8, 255][..]),
        vec![1.into(), vec![].into()].into(),
        Value::object([("a", 1.into()), ("", Value::Null)]),
        Value::object([("$bytes", "AAAA".into())]),
    ] {
        assert_eq!(echo.call_script("echo", std::slice::from_ref(&value)).unwrap(), value);
    }
    assert_eq!(echo.eval_script("undefined").unwrap(), Value::Undefined);
    assert!(f64::try_from(echo.eval_script("0 / 0").unwrap()).unwrap().is_nan());
    assert_eq!(echo.eval_script("2n ** 64n").unwrap().as_integer(), Some(1 << 64));
}

#[test]
fn host_functions_take_and_return_any_values() {
    let mut host = host();
    host.register_for_scripts("pair", 2, |values| Ok(Value::List(values.to_vec()))).unwrap();
    host.register_for_scripts("fail", 0, |_| Err(HostError::new("no"))).unwrap();
    let mut sandbox = host.evolve().unwrap();
    sandbox.load_script("main", "function ask(...values) { return host.pair(...values) }").unwrap();
    let pair = sandbox.call_script("ask", &[Value::object([("a", 1.into())])]).unwrap();
    assert_eq!(pair, vec![Value::object([("a", 1.into())]), Value::Null].into());
    let error = sandbox.call_script("ask", &[1.into(), 2.into(), 3.into()]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::HostFunction);
    assert!(error.to_string().contains("`pair` takes at most 2 arguments, the guest gave 3"), "{error}");
    assert_eq!(sandbox.eval_script("host.fail()").unwrap_err().code(), ErrorCode::HostFunction);
}

#[test]
fn what_cannot_cross_is_refused_before_anything_is_called() {
    let mut echo = script("function echo(value) { return value }");
    let deep = (0..513).fold(Value::Null, |inner, _| Value::List(vec![inner]));
    let error = echo.call_script("echo", &[deep]).unwrap_err();
    assert_eq!(error.code(), ErrorCode::TooLarge);
    assert_eq!(
        error.to_string(),
        "an argument of `echo` is nested more than 512 levels deep; the limit is 512"
    );
    let map = Value::Map(vec![]);
    assert_eq!(echo.call_script("echo", &[map]).unwrap_err().code(), ErrorCode::InvalidArgument);
    assert_eq!(echo.call_script("gone", &[]).unwrap_err().code(), ErrorCode::FunctionNotFound);
}

#[test]
fn the_error_of_a_value_has_its_reason_as_its_source() {
    let mut echo = script("function echo(value) { return value }");
    let error = echo.call_script("echo", &[Value::Map(vec![])]).unwrap_err();
    let source = error.source().unwrap().downcast_ref::<libhyperlight_values::Error>().unwrap();
    assert_eq!((source.reason(), source.message()), (Reason::NoValue, error.message()));
    // A host function's, too, whichever way it takes.
    let mut host = host();
    host.register_for_scripts("map", 0, |_| Ok(Value::Map(vec![]))).unwrap();
    let error = host.evolve().unwrap().eval_script("host.map()").unwrap_err();
    assert_eq!(error.code(), ErrorCode::HostFunction);
    assert!(error.source().unwrap().is::<libhyperlight_values::Error>(), "{error:?}");
}

#[test]
fn a_call_has_limits_of_its_own() {
    let mut sandbox = script("function spin() { for (;;) {} } function add(a, b) { return a + b }");
    let start = sandbox.snapshot().unwrap();
    let briefly = CallOptions::new().timeout(Duration::from_millis(50));
    let cheaply = CallOptions::new().cpu_time(Duration::from_millis(50));
    let ways: [fn(&mut Sandbox, &CallOptions) -> Result<()>; 3] = [
        |sandbox, options| sandbox.call_script_with(options, "spin", &[]).map(drop),
        |sandbox, options| sandbox.eval_script_with(options, "for (;;) {}").map(drop),
        |sandbox, options| sandbox.load_script_with(options, "spin.js", "for (;;) {}"),
    ];
    for way in ways {
        for (options, name) in [(&briefly, "timeout"), (&cheaply, "cpu_time")] {
            let error = way(&mut sandbox, options).unwrap_err();
            assert_eq!(error.code(), ErrorCode::Timeout, "{error}");
            assert!(error.message().contains(name), "{error}");
            assert_eq!(sandbox.state(), State::Poisoned);
            sandbox.restore(&start).unwrap();
        }
    }
    let amply = CallOptions::new().timeout(Duration::from_secs(60));
    assert_eq!(sandbox.call_script_with(&amply, "add", &[2.into(), 3.into()]).unwrap(), 5.into());
}

#[test]
fn members_of_a_pool_are_called_the_same() {
    let twice = |values: &[Value]| Ok(Value::from(2 * values[0].as_integer().unwrap_or_default()));
    let mut host = host();
    host.register_for_scripts("twice", 1, twice).unwrap();
    let mut sandbox = host.evolve().unwrap();
    sandbox.load_script("main", "function four(n) { return host.twice(host.twice(n)) }").unwrap();
    let mut pool = Pool::new(&sandbox.snapshot().unwrap(), PoolOptions::new().max(1)).unwrap();
    pool.register_for_scripts("twice", 1, twice).unwrap();
    assert_eq!(pool.acquire().unwrap().call_script("four", &[3.into()]).unwrap(), 12.into());
}
