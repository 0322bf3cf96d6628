//! Somebody else's JavaScript: it calls a function of this program, is given a time limit, and every request meets the
//! script as it was when it was loaded.
//!
//! `cargo run --release --bin javascript`

use std::time::Duration;

use libhyperlight::{Pool, PoolOptions, SandboxOptions, UninitializedSandbox};

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
    sandbox.call::<()>("load", ("handler.js", SOURCE))?;

    // Sandboxes in which the script is loaded, one for each request, whoever makes it.
    let limit = Duration::from_millis(100);
    let pool = Pool::new(
        &sandbox.snapshot()?,
        PoolOptions::new().max(4).sandbox(SandboxOptions::new().timeout(limit)),
    )?;
    pool.register("greeting", greeting)?;
    for (path, user) in [("/", "Ada"), ("/loop", "Eve"), ("/", "Grace")] {
        let arguments = format!(r#"[{{"path": "{path}", "user": "{user}"}}]"#);
        match pool.acquire()?.call::<String>("call", ("handler", &*arguments)) {
            Ok(response) => println!("{response}"),
            Err(error) => println!("{:?}: {error}", error.code()),
        }
    }
    Ok(())
}
