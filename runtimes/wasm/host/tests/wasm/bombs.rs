//! Programs made to take time and memory of the compiler, which runs outside of any sandbox. Each ends within twice the
//! time limit, measured in processor time and in a process of its own.
#![expect(clippy::print_stdout, reason = "the process of a bomb's own says how it went")]

use std::num::NonZeroUsize;
use std::process::Command;
use std::time::Duration;
use std::{env, fs};

use libhyperlight_wasm::{CompileError, Options, precompile};

use crate::encode::{body, function_type, functions};
use crate::heavy;

/// The compiler's time limit; it may take twice that.
const TIMEOUT: Duration = Duration::from_secs(2);
const PROCESSOR: Duration = Duration::from_secs(4);
const MEMORY: u64 = 1 << 30;

/// The time within which the cases of the generator are refused.
const REFUSED: Duration = Duration::from_secs(1);
const REFUSED_MEMORY: u64 = 256 << 20;

/// The variable that marks the bomb's own process.
const LIT: &str = "HYPERLIGHT_TEST_BOMB";

macro_rules! bombs {
    ($($(#[doc = $doc:literal])* $name:ident within($processor:expr, $memory:expr) $program:expr;)*) => {
        $(
            $(#[doc = $doc])*
            #[test]
            fn $name() {
                try_out(concat!("bombs::", stringify!($name)), || $program, $processor, $memory);
            }
        )*
    };
}

bombs! {
    /// An instance type of many exports, instantiated many times.
    instances within(REFUSED, REFUSED_MEMORY) heavy::instances(50_000, 500, 1);
    instances_in_components within(REFUSED, REFUSED_MEMORY) heavy::instances(30_000, 700, 2);
    instances_in_many_components within(REFUSED, REFUSED_MEMORY) heavy::instances(90_000, 990, 990);
    /// Each type is twice the one before.
    types_of_types within(PROCESSOR, MEMORY) heavy::types_of_types();
    /// Each declaration holds the next one: a reader that calls itself uses up the stack.
    types_inside_types within(PROCESSOR, MEMORY) heavy::types_inside_types();
    types_of_instances_of_types within(PROCESSOR, MEMORY) heavy::types_of_instances_of_types();
    types_that_import_a_large_one within(PROCESSOR, MEMORY) heavy::types_that_import_a_large_one();
    types_of_a_million_in_a_group within(PROCESSOR, MEMORY) heavy::types_of_a_million_in_a_group();
    types_of_functions_with_many_parameters within(PROCESSOR, MEMORY) heavy::types_of_functions(60_000);
    types_of_enumerations within(PROCESSOR, MEMORY) heavy::types_of_enumerations(9000, 400);
    types_of_enumerations_accepted within(PROCESSOR, MEMORY) heavy::types_of_enumerations(9000, 9);
    types_of_modules within(PROCESSOR, MEMORY) heavy::types_of_modules(30_000, 30);
    sections_that_are_empty within(PROCESSOR, MEMORY) heavy::sections_that_are_empty(6_000_000);
    sections_that_are_empty_of_a_component within(PROCESSOR, MEMORY) heavy::sections_that_are_empty_of_a_component(6_000_000);
    elements_of_no_table within(PROCESSOR, MEMORY) heavy::elements_of_no_table(6, 9_900_000);
    elements_of_no_table_accepted within(PROCESSOR, MEMORY) heavy::elements_of_no_table(1, 60_000);
    elements_put_by_code within(PROCESSOR, MEMORY) heavy::elements_put_by_code(400_000);
    elements_put_by_code_accepted within(PROCESSOR, MEMORY) heavy::elements_put_by_code(16_000);
    names_that_are_empty within(PROCESSOR, MEMORY) heavy::names_that_are_empty(20_000_000);
    variants_of_variants within(PROCESSOR, MEMORY) heavy::variants_of_variants();
    aliases_of_a_large_type within(PROCESSOR, MEMORY) heavy::aliases_of_a_large_type();
    aliases_across_levels within(PROCESSOR, MEMORY) heavy::aliases_across_levels();
    aliases_that_capture_components within(PROCESSOR, MEMORY) heavy::aliases_that_capture_components();
    names_of_functions within(PROCESSOR, MEMORY) heavy::names_of_functions(500_000);
    names_of_exports within(PROCESSOR, MEMORY) heavy::names_of_exports();
    names_that_are_instantiated within(PROCESSOR, MEMORY) heavy::names_that_are_instantiated();
    functions_without_code within(PROCESSOR, MEMORY) functions(&function_type(&[], &[]), vec![], &vec![body(0, &[]); 260_000]);
    functions_more_than_can_be within(PROCESSOR, MEMORY) functions(&function_type(&[], &[]), vec![], &vec![body(0, &[]); 1_000_000]);
    functions_that_are_as_heavy_as_can_be within(PROCESSOR, MEMORY) heavy::function_of_loads(16_300);
    functions_of_more_loads_than_can_be within(PROCESSOR, MEMORY) heavy::function_of_loads(1_000_000);
    functions_of_many_that_are_heavy within(PROCESSOR, MEMORY) heavy::many_functions_of_loads(40, 16_000);
    functions_of_calls_with_many_values within(PROCESSOR, MEMORY) heavy::function_of_calls(62);
    functions_of_calls_refused within(PROCESSOR, MEMORY) heavy::function_of_calls(1_000_000);
    functions_of_locals_and_loops within(PROCESSOR, MEMORY) heavy::function_of_loops(900, 20_000);
    functions_of_blocks_in_blocks within(PROCESSOR, MEMORY) heavy::function_of_blocks(14_500);
    functions_of_tables_of_branches within(PROCESSOR, MEMORY) heavy::function_of_branches();
    data_of_many_segments within(PROCESSOR, MEMORY) heavy::data_of_many_segments(18_000);
    data_of_too_many_segments within(PROCESSOR, MEMORY) heavy::data_of_many_segments(100_000);
    elements_of_many_segments within(PROCESSOR, MEMORY) heavy::elements_of_many_segments(18_000);
    elements_of_many_expressions within(PROCESSOR, MEMORY) heavy::elements_of_expressions(900_000);
    elements_of_expressions within(PROCESSOR, MEMORY) heavy::elements_of_expressions(120_000);
    elements_of_as_many_expressions_as_can_be within(PROCESSOR, MEMORY) heavy::elements_of_expressions(8000);
    tables_of_a_million within(PROCESSOR, MEMORY) heavy::tables_of_a_million(4);
    tables_of_many_millions within(PROCESSOR, MEMORY) heavy::tables_of_a_million(100);
    globals_of_longer_expressions within(PROCESSOR, MEMORY) heavy::globals_of_long_expressions(30_000);
    globals_of_long_expressions within(PROCESSOR, MEMORY) heavy::globals_of_long_expressions(4000);
    canonical_lifts_of_records within(PROCESSOR, MEMORY) heavy::canonical_lifts_of_records(9999, 20_000);
    canonical_lowers_of_records within(PROCESSOR, MEMORY) heavy::canonical_lowers_of_records(10_000, 20_000);
    canonical_lowers_accepted within(PROCESSOR, MEMORY) heavy::canonical_lowers_of_records(1, 90_000);
    adapters_between_components within(PROCESSOR, MEMORY) heavy::adapters(800, 100);
    adapters_of_large_types within(PROCESSOR, MEMORY) heavy::adapters(30, 3000);
    resources_of_instances within(PROCESSOR, MEMORY) heavy::resources_of_instances(1000, 990);
    resources_of_fewer_instances within(PROCESSOR, MEMORY) heavy::resources_of_instances(90, 900);
    modules_without_end within(PROCESSOR, MEMORY) heavy::modules(100, 1000);
    modules_of_many_imports within(PROCESSOR, MEMORY) heavy::modules_of_many_imports(90_000, 990);
    modules_of_some_imports within(PROCESSOR, MEMORY) heavy::modules_of_many_imports(900, 990);
    arguments_of_many_exports within(PROCESSOR, MEMORY) heavy::arguments_of_many_exports();
}

/// Case 38: no more programs are compiled at once than there are processors, so that twenty take little more than one.
#[test]
fn twenty_at_once_take_the_memory_of_a_few() {
    let own = "bombs::twenty_at_once_take_the_memory_of_a_few";
    let peak_of = |count: usize| {
        let output = Command::new(env::current_exe().unwrap())
            .args(["--exact", own, "--nocapture"])
            .env(LIT, count.to_string())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        text.lines().find_map(|line| line.strip_prefix("peak: ")?.parse::<u64>().ok()).expect(&text)
    };
    if let Ok(count) = env::var(LIT) {
        let programs: Vec<_> = (0..count.parse::<u8>().unwrap())
            .map(|number| {
                functions(
                    &function_type(&[], &[]),
                    vec![],
                    &vec![body(0, &[0x41, number, 0x1a].repeat(300)); 800],
                )
            })
            .collect();
        std::thread::scope(|scope| {
            for program in &programs {
                scope.spawn(move || {
                    precompile(program, &Options::new().compile_timeout(Duration::from_secs(600))).unwrap();
                });
            }
        });
        println!("\npeak: {}", peak());
        return;
    }
    let (one, twenty) = (peak_of(1), peak_of(20));
    // The programs themselves, and what is kept of them.
    let kept = 20 * (4 << 20);
    let processors = std::thread::available_parallelism().unwrap().get() as u64;
    assert!(twenty < one * (processors + 1) + kept, "{one} bytes for one, {twenty} for twenty");
}

/// Compiles a program in a process of its own.
#[track_caller]
fn try_out(own: &str, program: impl Fn() -> Vec<u8>, processor: Duration, memory: u64) {
    if env::var_os(LIT).is_some() {
        let program = program();
        let (before, used) = (peak(), processor_time());
        let options = Options::new().compile_threads(NonZeroUsize::MIN);
        // What is refused is refused in any time.
        let is_refused = processor == REFUSED;
        let options = if is_refused { options } else { options.compile_timeout(TIMEOUT) };
        let outcome = precompile(&program, &options).map(|_| ());
        println!("\nbytes: {}, outcome: {outcome:?}", program.len());
        assert!(!is_refused || matches!(outcome, Err(CompileError::Program(_) | CompileError::Heavy(_))));
        println!("took: {} {}", (processor_time() - used).as_millis(), peak().saturating_sub(before));
        return;
    }
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", own, "--nocapture"])
        .env(LIT, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {text}{errors}", output.status);
    let took = text.lines().find_map(|line| line.strip_prefix("took: ")).expect(&text);
    let (milliseconds, bytes) = took.split_once(' ').unwrap();
    println!("{text}");
    assert!(Duration::from_millis(milliseconds.parse().unwrap()) <= processor, "{text}");
    assert!(bytes.parse::<u64>().unwrap() <= memory, "{text}");
}

/// Time of processors that this process has used.
fn processor_time() -> Duration {
    // SAFETY: the structure is filled in.
    let usage = unsafe {
        let mut usage = std::mem::zeroed::<libc::rusage>();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    [usage.ru_utime, usage.ru_stime]
        .map(|time| {
            let micros = time.tv_sec * 1_000_000 + time.tv_usec;
            Duration::from_micros(micros.unsigned_abs())
        })
        .iter()
        .sum()
}

/// Peak memory of this process, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}
