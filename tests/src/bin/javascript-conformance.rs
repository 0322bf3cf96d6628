//! Runs test262 through the JavaScript guest: `javascript-conformance FOLDER [LIST]`. FOLDER is `js/src/tests/test262`
//! of a release of Firefox. Prints counts by folder and by reason, and writes what failed into LIST.
//!
//! Each test runs in a guest that was restored to the moment when the harness had been loaded. A test in sloppy and in
//! strict mode is two tests; in that form they come.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program: it prints what it finds, and stops at what it did not expect"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use libhyperlight::{Result, Sandbox, SandboxOptions, Snapshot, State};
use libhyperlight_tests::javascript;

/// The parts of ECMA-262. `intl402` is another standard, `staging` holds what is not reviewed.
const FOLDERS: [&str; 4] = ["annexB", "built-ins", "harness", "language"];

/// Features that the engine does not claim; all of them are proposals.
const PROPOSALS: [&str; 9] = [
    "Atomics.waitAsync",
    "ShadowRealm",
    "Temporal",
    "await-dictionary",
    "decorators",
    "import-defer",
    "legacy-regexp",
    "source-phase-imports",
    "source-phase-imports-module-source",
];

/// Features that the guest lacks, by the word in a test that asks for them.
const ABSENT: [(&str, &str); 7] = [
    ("$262.createRealm", "no second realm"),
    ("$262.agent", "no second agent"),
    ("$262.evalScript", "no way to run a script from a script"),
    ("$262.AbstractModuleSource", "no sources of modules"),
    ("$262.IsHTMLDDA", "no document.all"),
    ("CanBlockIsTrue", "no blocking: nobody could wake the guest"),
    ("tail-call-optimization", "no proper tail calls"),
];

/// Instead of the harness's own host object.
const HOST: &str = r#"
var $async;
function $DONE(error) {
  $async = $async !== undefined ? 'called twice' : error ? `${error.name}: ${error.message ?? error}` : 'passed';
}
function reportCompare() {}
function print() {}
var $262 = {
  __proto__: null,
  global: globalThis,
  gc() {},
  agent: new Proxy({}, { get: () => function () { throw new Error('there is one agent') } }),
  detachArrayBuffer: ((transfer) => (buffer) => void Reflect.apply(transfer, buffer, []))(ArrayBuffer.prototype.transfer),
};
function $parse(source) { (0, eval)(source); }
"#;

/// The result of `$DONE` on success, as JSON.
const PASSED: &str = "\"passed\"";

/// The outcome of one test.
enum Outcome {
    Passed,
    Failed(String),
    Skipped(String),
}

/// Counts of one folder, or of all.
#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let root = PathBuf::from(arguments.next().expect("javascript-conformance FOLDER [LIST]"));
    let list = arguments.next();
    let mut tests = Vec::new();
    for folder in FOLDERS {
        collect(&root.join(folder), &mut tests);
    }
    tests.sort_unstable();

    let next = AtomicUsize::new(0);
    let outcomes = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                let mut runner = Runner::new(&root);
                while let Some(test) = tests.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = runner.run(test);
                    let name = test.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                    outcomes.lock().unwrap().insert(name, outcome);
                }
            });
        }
    });
    report(&outcomes.into_inner().unwrap(), list.as_deref());
}

/// Every test below a folder.
fn collect(folder: &Path, tests: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() {
            collect(&path, tests);
        } else if name.ends_with(".js")
            && !name.contains("_FIXTURE")
            && !matches!(&*name, "shell.js" | "browser.js")
        {
            tests.push(path);
        }
    }
}

fn report(outcomes: &BTreeMap<String, Outcome>, list: Option<&str>) {
    let (mut all, mut folders) = (Counts::default(), BTreeMap::<String, Counts>::new());
    let mut reasons = BTreeMap::<&str, usize>::new();
    let mut failures = String::new();
    for (name, outcome) in outcomes {
        let folder = folders.entry(name.split('/').take(2).collect::<Vec<_>>().join("/")).or_default();
        for counts in [&mut all, folder] {
            match outcome {
                Outcome::Passed => counts.passed += 1,
                Outcome::Failed(_) => counts.failed += 1,
                Outcome::Skipped(_) => counts.skipped += 1,
            }
        }
        match outcome {
            Outcome::Passed => {}
            Outcome::Failed(why) => failures += &format!("{name}: {why}\n"),
            Outcome::Skipped(why) => *reasons.entry(why).or_default() += 1,
        }
    }
    for (name, Counts { passed, failed, skipped }) in &folders {
        if *failed > 0 {
            println!("{name}: {passed} passed, {failed} failed, {skipped} skipped");
        }
    }
    for (reason, count) in reasons {
        println!("skipped, {reason}: {count}");
    }
    if let Some(list) = list {
        fs::write(list, failures).unwrap();
    }
    println!("{} passed, {} failed, {} skipped", all.passed, all.failed, all.skipped);
}

/// A sandbox, and the moments to which it goes back.
struct Runner<'a> {
    root: &'a Path,
    sandbox: Sandbox,
    harnessed: Snapshot,
}

impl<'a> Runner<'a> {
    fn new(root: &'a Path) -> Self {
        let options = SandboxOptions::new().heap_size(256 << 20).timeout(Duration::from_secs(60));
        let mut sandbox = javascript::engine_with(options);
        let harness = fs::read_to_string(root.join("shell.js")).unwrap();
        // Its last part is for another engine.
        let (harness, _) = harness.split_once("// file: test262-host.js").unwrap();
        sandbox.call::<()>("load", ("harness", harness)).unwrap();
        sandbox.call::<()>("load", ("host", HOST)).unwrap();
        let harnessed = sandbox.snapshot().unwrap();
        Self { root, sandbox, harnessed }
    }

    fn run(&mut self, path: &Path) -> Outcome {
        let Ok(source) = fs::read_to_string(path) else {
            return Outcome::Skipped("the file is no UTF-8".into());
        };
        let test = Test::parse(&source);
        if let Some(why) = test.skipped(&source) {
            return Outcome::Skipped(why);
        }
        self.sandbox.restore(&self.harnessed).unwrap();
        let result = self.prepare(path, &source, &test).and_then(|()| self.start(path, &source, &test));
        if self.sandbox.state() == State::Poisoned {
            return Outcome::Failed(format!("ended the guest: {}", result.unwrap_err()));
        }
        let said = result.map(|()| if test.has("async") { self.said() } else { PASSED.into() });
        match (said, &test.negative) {
            (Ok(said), None) if said == PASSED => Outcome::Passed,
            (Ok(said), None) => Outcome::Failed(format!("$DONE: {said}")),
            (Ok(_), Some((_, kind))) => Outcome::Failed(format!("did not throw {kind}")),
            (Err(error), Some((_, kind))) if error.message().contains(kind.as_str()) => Outcome::Passed,
            (Err(error), _) => Outcome::Failed(error.message().chars().take(200).collect()),
        }
    }

    /// Loads the parts of the harness for the test's folder, and what it may import.
    fn prepare(&mut self, path: &Path, source: &str, test: &Test) -> Result<()> {
        let inside = path.strip_prefix(self.root).unwrap();
        if !test.has("raw") {
            let folders: Vec<_> =
                inside.ancestors().skip(1).filter(|folder| *folder != Path::new("")).collect();
            for folder in folders.into_iter().rev() {
                if let Ok(shell) = fs::read_to_string(self.root.join(folder).join("shell.js")) {
                    self.sandbox.call::<()>("load", ("shell.js", shell))?;
                }
            }
        }
        let mut known = BTreeSet::new();
        if test.has("module") {
            known.insert(inside.to_path_buf());
        }
        let mut pending = vec![(inside.to_path_buf(), source.to_owned())];
        while let Some((from, source)) = pending.pop() {
            for import in imports(&source) {
                let target = join(from.parent().unwrap(), &import);
                let file = fs::read_to_string(self.root.join(&target));
                let (Ok(text), true) = (file, known.insert(target.clone())) else {
                    continue;
                };
                self.sandbox.call::<()>("module", (&*target.to_string_lossy(), &*text))?;
                pending.push((target, text));
            }
        }
        Ok(())
    }

    fn start(&mut self, path: &Path, source: &str, test: &Test) -> Result<()> {
        let name = path.strip_prefix(self.root).unwrap().to_string_lossy();
        let is_early = test.negative.as_ref().is_some_and(|(phase, _)| phase == "parse");
        if test.has("module") {
            self.sandbox.call::<()>("module", (&*name, source))?;
            self.sandbox.call::<()>("load", ("main", format!("import './{name}'")))?;
        } else if is_early {
            // The guest would take a script for a module that only a module can be.
            let arguments = format!("[{}]", quoted(source));
            self.sandbox.call::<String>("call", ("$parse", arguments))?;
        } else {
            self.sandbox.call::<()>("load", (&*name, source))?;
        }
        Ok(())
    }

    /// The result that a test has passed to `$DONE`.
    fn said(&mut self) -> String {
        self.sandbox.call("eval", ("String($async)",)).unwrap_or_else(|error| error.to_string())
    }
}

/// The metadata of a test.
struct Test {
    flags: Vec<String>,
    features: Vec<String>,
    /// Phase and type of the error that must come.
    negative: Option<(String, String)>,
}

impl Test {
    fn parse(source: &str) -> Self {
        let about = source.split_once("/*---").and_then(|(_, rest)| rest.split_once("---*/"));
        let about = about.map_or("", |(about, _)| about);
        let value = |key: &str| {
            let line = about.lines().find_map(|line| line.trim().strip_prefix(key)?.strip_prefix(':'));
            line.map(|value| value.trim().to_owned())
        };
        let negative = about
            .split_once("negative:")
            .map(|_| (value("phase").unwrap_or_default(), value("type").unwrap_or_default()));
        Self { flags: sequence(about, "flags"), features: sequence(about, "features"), negative }
    }

    fn has(&self, flag: &str) -> bool {
        self.flags.iter().any(|found| found == flag)
    }

    fn skipped(&self, source: &str) -> Option<String> {
        let proposal = self.features.iter().find(|feature| PROPOSALS.contains(&feature.as_str()));
        if let Some(feature) = proposal {
            return Some(format!("proposal {feature}"));
        }
        let absent = ABSENT.iter().find(|(word, _)| source.contains(word));
        absent.map(|(_, why)| (*why).to_owned())
    }
}

/// A list in either of the two forms that it has.
fn sequence(about: &str, key: &str) -> Vec<String> {
    let Some((_, rest)) = about.split_once(&format!("{key}:")) else {
        return Vec::new();
    };
    if let Some(inline) = rest.trim_start().strip_prefix('[') {
        let items = inline.split(']').next().unwrap_or_default();
        return items.split(',').map(|item| item.trim().to_owned()).collect();
    }
    let lines = rest.lines().skip(1).map_while(|line| line.trim().strip_prefix("- "));
    lines.map(|item| item.trim().to_owned()).collect()
}

/// The relative paths in a source that could be imports.
fn imports(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for quote in ['\'', '"'] {
        for part in source.split(quote) {
            if (part.starts_with("./") || part.starts_with("../")) && !part.contains(['\n', ' ']) {
                found.push(part.to_owned());
            }
        }
    }
    found
}

/// A path from a folder, without dots.
fn join(folder: &Path, path: &str) -> PathBuf {
    let mut joined = folder.to_path_buf();
    for part in path.split('/') {
        match part {
            "." => {}
            ".." => {
                joined.pop();
            }
            part => joined.push(part),
        }
    }
    joined
}

/// A text as JSON.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => out += &format!("\\u{:04x}", u32::from(c)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
