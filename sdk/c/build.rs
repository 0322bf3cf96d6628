//! Compiles what only C can say: functions with a variable number of arguments.

#[path = "../libc/compile.rs"]
mod compile;

fn main() {
    compile::compile(&["src/messages.c", "../libc/printf.c"], "hyperlight_messages");
}
