//! Untrusted JavaScript: it calls a function of this program and has a time limit, and every request gets the script as
//! it was when it was loaded.
//!
//! `cargo run --release --bin javascript`

use std::time::Duration;

use libhyperlight::{Pool, PoolOptions, SandboxOptions, UninitializedSandbox};
use libhyperlight_javascript::{CallScript, Value};

const SOURCE: &str = "
    let served = 0;
    function handler(request) {
        served += 1;
        if (request.path === '/loop') for (;;) {}
        return { status: 200, body: `${host.greeting(request.user)} You are number ${served}.` };
    }
";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let greeting = |name: String| format!("Good morning, {name}!");
    let mut host = UninitializedSandbox::new(&libhyperlight_builtin::javascript()?, SandboxOptions::new())?;
    host.register("greeting", greeting)?;
    let mut sandbox = host.evolve()?;
    sandbox.load_script("handler.js", SOURCE)?;

    // Sandboxes in which the script is loaded, one for each request.
    let limit = Duration::from_millis(100);
    let pool = Pool::new(
        &sandbox.snapshot()?,
        PoolOptions::new().max(4).sandbox(SandboxOptions::new().timeout(limit)),
    )?;
    pool.register("greeting", greeting)?;
    for (path, user) in [("/", "Ada"), ("/loop", "Eve"), ("/", "Grace")] {
        let request = Value::object([("path", path.into()), ("user", user.into())]);
        match pool.acquire()?.call_script("handler", &[request]) {
            Ok(response) => println!("{}", response.get("body").and_then(Value::as_str).unwrap_or_default()),
            Err(error) => println!("{:?}: {error}", error.code()),
        }
    }
    Ok(())
}
