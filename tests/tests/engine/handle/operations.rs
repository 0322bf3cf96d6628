//! The table of `tests/values/operations.txt`, which every language replays, played by the engine's own handle.
#![expect(clippy::unwrap_used, reason = "a test stops at what it did not expect")]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use libhyperlight::handle::{Handle, Operation};
use libhyperlight::{
    CallOptions, Guest, InterruptHandle, Kind, PayloadAccess, Pool, PoolOptions, Result, SandboxOptions,
    Signature, Snapshot, UninitializedSandbox, Value,
};
use libhyperlight_javascript::{self as javascript, CallScript};
use libhyperlight_tests::{demo, need_hypervisor};

const TABLE: &str = include_str!("../../../values/operations.txt");

/// The source `script`.
const SCRIPT: &[u8] = b"let count = 0;
globalThis.add = (a, b) => a + b; globalThis.next = () => count += 1; globalThis.spin = () => { for (;;) {} }";

/// One line: the operation, and its expected answer.
#[derive(Clone, Debug)]
struct Step {
    number: usize,
    words: Vec<String>,
    answer: String,
    says: String,
    /// The steps inside the host function that this step calls.
    inside: Vec<Self>,
}

fn scripts() -> Vec<(String, Vec<Step>)> {
    let mut scripts: Vec<(String, Vec<Step>)> = Vec::new();
    for (number, line) in TABLE.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if let Some(name) = line.strip_prefix("script ") {
            scripts.push((name.to_owned(), Vec::new()));
            continue;
        }
        let steps = &mut scripts.last_mut().unwrap().1;
        let (line, steps) = match line.strip_prefix("| ") {
            Some(line) => (line, &mut steps.last_mut().unwrap().inside),
            None => (line, steps),
        };
        let (done, expected) = line.split_once(" -> ").unwrap_or((line, "ok"));
        let (answer, says) = expected.split_once(": ").unwrap_or((expected, ""));
        steps.push(Step {
            number: number + 1,
            words: done.split(' ').map(str::to_owned).collect(),
            answer: answer.to_owned(),
            says: says.to_owned(),
            inside: Vec::new(),
        });
    }
    scripts
}

/// The state of a script's run.
#[derive(Clone, Default)]
struct Player {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    handle: Option<Handle>,
    is_script: bool,
    /// Kept as long as its member.
    pool: Option<Pool>,
    snapshots: HashMap<String, Snapshot>,
    /// The steps of the next host function.
    inside: Vec<Step>,
}

impl Player {
    fn play(&self, steps: &[Step]) {
        for step in steps {
            self.shared.lock().unwrap().inside.clone_from(&step.inside);
            let done = self.done(step);
            let (answer, text) = match done {
                Ok(answer) => (answer, String::new()),
                Err(error) => {
                    let code = error.code().name().trim_start_matches("HL_ERR_").to_owned();
                    (code, error.message().to_owned())
                }
            };
            assert_eq!(answer, step.answer, "line {}: {:?}: {text}", step.number, step.words);
            assert!(text.contains(&step.says), "line {}: {:?}: {text}", step.number, step.words);
            assert!(self.shared.lock().unwrap().inside.is_empty(), "line {}: never inside", step.number);
        }
    }

    fn done(&self, step: &Step) -> Result<String> {
        let words: Vec<&str> = step.words.iter().map(String::as_str).collect();
        let ok = || "ok".to_owned();
        match *words {
            ["new", source] => {
                self.make(source);
                Ok(ok())
            }
            ["state"] => Ok(self.handle().state().name().to_owned()),
            ["interrupt"] => {
                let handle = self.handle();
                Ok(handle.interrupt_handle().is_some_and(InterruptHandle::interrupt).to_string())
            }
            ["close"] => {
                drop(self.handle().close());
                Ok(ok())
            }
            ["functions"] => self
                .handle()
                .check(Operation::Inspect)
                .or_else(|error| {
                    // In a language that keeps them they are known all the time.
                    if self.handle().state().name() == "running" { Ok(()) } else { Err(error) }
                })
                .map(|()| ok()),
            ["evolve"] => {
                self.handle().enter(Operation::Evolve)?.evolve(&CallOptions::new(), &mut ())?;
                Ok(ok())
            }
            ["register", name] => {
                let mut inside = self.handle().enter(Operation::Register)?;
                self.register(inside.uninitialized()?, name)?;
                Ok(ok())
            }
            ["unregister", name] => {
                let mut inside = self.handle().enter(Operation::Register)?;
                Ok(inside.uninitialized()?.unregister(name)?.to_string())
            }
            ["snapshot", name] => {
                let snapshot = self.handle().enter(Operation::Snapshot)?.sandbox()?.snapshot()?;
                self.shared.lock().unwrap().snapshots.insert(name.to_owned(), snapshot);
                Ok(ok())
            }
            ["restore", name] => {
                let snapshot = self.shared.lock().unwrap().snapshots.get(name).cloned();
                let snapshot = snapshot.unwrap_or_else(demo_snapshot);
                self.handle().enter(Operation::Restore)?.sandbox()?.restore(&snapshot)?;
                Ok(ok())
            }
            ["call", function, ref arguments @ ..] => self.call(&CallOptions::new(), function, arguments),
            ["call_for", time, function, ref arguments @ ..] => {
                let limits = CallOptions::new().timeout(Duration::from_millis(time.parse().unwrap()));
                self.call(&limits, function, arguments)
            }
            _ => panic!("line {}: there is no {:?}", step.number, step.words),
        }
    }

    fn call(&self, limits: &CallOptions, function: &str, arguments: &[&str]) -> Result<String> {
        let arguments: Vec<_> = arguments.iter().map(|text| value(text)).collect();
        if self.shared.lock().unwrap().is_script {
            return self.call_script(limits, function, &arguments);
        }
        let arguments: Vec<_> = arguments.iter().map(Value::borrow).collect();
        let mut inside = self.handle().enter(Operation::Call)?;
        let called = inside.sandbox()?.call_ref_with(limits, function, &arguments)?;
        Ok(match Value::from(called) {
            Value::Void => "ok".to_owned(),
            Value::String(text) => text,
            Value::I32(number) => number.to_string(),
            Value::U32(number) => number.to_string(),
            other => panic!("{function} returned {other:?}"),
        })
    }

    fn call_script(&self, limits: &CallOptions, function: &str, arguments: &[Value]) -> Result<String> {
        let arguments: Vec<_> = arguments.iter().map(|value| number(value).into()).collect();
        let mut inside = self.handle().enter(Operation::Call)?;
        Ok(match inside.sandbox()?.call_script_with(limits, function, &arguments)? {
            javascript::Value::Integer(number) => number.to_string(),
            javascript::Value::Float(number) => number.to_string(),
            other => panic!("{function} returned {other:?}"),
        })
    }

    fn register(&self, sandbox: &mut UninitializedSandbox, name: &str) -> Result<()> {
        let player = Self { shared: Arc::clone(&self.shared) };
        sandbox.register_dynamic(name, Signature::new(&[], Kind::Void)?, move |_| {
            let inside = std::mem::take(&mut player.shared.lock().unwrap().inside);
            player.play(&inside);
            Ok(Value::Void)
        })
    }

    fn make(&self, source: &str) {
        let new = |guest: &Guest| UninitializedSandbox::new(guest, SandboxOptions::new()).unwrap();
        let javascript = |source: &[u8]| {
            let guest = libhyperlight_builtin::by_name("javascript").unwrap();
            Handle::new(new(&guest.with_payload(source, PayloadAccess::Read).unwrap()))
        };
        let mut pool = None;
        let handle = match source {
            "demo" => Handle::new(new(&demo())),
            "broken" => javascript(b"throw new Error('no')"),
            "script" => javascript(SCRIPT),
            "clone" => {
                let mut source = new(&demo());
                source.register("Look", || ()).unwrap();
                let snapshot = source.evolve().unwrap().snapshot().unwrap();
                let clone = UninitializedSandbox::from_snapshot(&snapshot, SandboxOptions::new());
                Handle::new(clone.unwrap())
            }
            "member" => {
                let made = Pool::new(&demo_snapshot(), PoolOptions::new().max(1)).unwrap();
                Handle::pooled(pool.insert(made).acquire().unwrap())
            }
            _ => panic!("there is no source {source}"),
        };
        let mut shared = self.shared.lock().unwrap();
        (shared.handle, shared.pool, shared.is_script) = (Some(handle), pool, source == "script");
    }

    fn handle(&self) -> Handle {
        self.shared.lock().unwrap().handle.clone().unwrap()
    }
}

fn demo_snapshot() -> Snapshot {
    let sandbox = UninitializedSandbox::new(&demo(), SandboxOptions::new()).unwrap();
    sandbox.evolve().unwrap().snapshot().unwrap()
}

fn value(text: &str) -> Value {
    match text.split_once(':') {
        Some(("i32", number)) => Value::I32(number.parse().unwrap()),
        Some(("u32", number)) => Value::U32(number.parse().unwrap()),
        _ => Value::String(text.into()),
    }
}

fn number(value: &Value) -> i32 {
    match value {
        Value::I32(number) => *number,
        other => panic!("scripts are called with numbers, not {other:?}"),
    }
}

#[test]
fn every_script_is_answered_as_the_table_says() {
    need_hypervisor();
    let scripts = scripts();
    assert!(scripts.len() > 10);
    for (name, steps) in scripts {
        let play = || Player::default().play(&steps);
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(play)) {
            eprintln!("this was the script: {name}");
            std::panic::resume_unwind(panic);
        }
    }
}
