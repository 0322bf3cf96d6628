//! The error codes of C, Python and TypeScript, from the table in `core/src/error/code.rs`.
//!
//! Two files are written as a whole; the others between two marks.

use std::error::Error;
use std::path::Path;

use libhyperlight::{CodeRow, ErrorCode};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A file, and the function from its old to its new text.
type Output = (&'static str, fn(&str) -> Result<String>);

const OUTPUTS: [Output; 4] = [
    ("capi/src/codes.rs", |_| Ok(c())),
    ("bindings/python/python/libhyperlight/_errors.py", |_| Ok(python())),
    ("bindings/node/index.d.ts", |old| between("/* codes */", "/* end of codes */", &typescript(), old)),
    ("docs/errors.md", |old| between("<!-- codes -->", "<!-- end of codes -->", &markdown(), old)),
];

const BY: &str = "Written by `cargo xtask generate` from core/src/error/code.rs; not edited by hand.";

/// Writes the files.
pub(crate) fn write() -> Result<String> {
    let mut written = Vec::new();
    for (path, made) in made()? {
        std::fs::write(root().join(path), made)?;
        written.push(path);
    }
    Ok(format!("wrote {}", written.join(", ")))
}

/// Checks that the files are up to date.
pub(crate) fn verify() -> Result<String> {
    for (path, made) in made()? {
        if std::fs::read_to_string(root().join(path))? != made {
            return Err(format!("{path} is stale; write it by: cargo xtask generate").into());
        }
    }
    Ok("the error codes are up to date".to_owned())
}

fn made() -> Result<Vec<(&'static str, String)>> {
    let one = |(path, make): Output| -> Result<_> {
        let old = std::fs::read_to_string(root().join(path)).unwrap_or_default();
        Ok((path, make(&old).map_err(|error| format!("{path}: {error}"))?))
    };
    OUTPUTS.into_iter().map(one).collect()
}

/// Writes the constants of C, which the header is generated from.
fn c() -> String {
    let mut out = format!("//! The error codes in C. {BY}\n\n/// Success.\npub const HL_OK: i32 = 0;\n");
    for row in ErrorCode::table() {
        let (name, number) = (row.code.name(), row.code.number());
        for line in wrapped(format!("{} {}", sentences(row), row.in_c).trim_end(), 116) {
            out.push_str(&format!("/// {line}\n"));
        }
        out.push_str(&format!("pub const {name}: i32 = {number};\n"));
    }
    out
}

/// Writes the exceptions of Python.
fn python() -> String {
    let rows = || ErrorCode::table().iter().filter(|row| row.python != BASE);
    let mut names: Vec<_> = rows().map(|row| row.python).chain([BASE]).collect();
    names.sort_unstable();
    let mut imported: Vec<_> = rows().flat_map(|row| row.bases.split(", ")).collect();
    imported.retain(|base| *base == BASE || base.ends_with("Fields"));
    imported.sort_unstable();
    imported.dedup();
    let mut out = format!(
        "\"\"\"The exceptions: one class for each code of the engine's error table.\n\n{}\n\"\"\"\n\n\
         from __future__ import annotations\n\n\
         from ._error_fields import {}\n\n__all__ = [\n",
        wrapped(BY, 118).join("\n"),
        imported.join(", ")
    );
    for name in names {
        out.push_str(&format!("    \"{name}\",\n"));
    }
    out.push_str("]\n");
    for row in rows() {
        let doc = wrapped(&format!("\"\"\"{}\"\"\"", sentences(row)), 114).join("\n    ");
        out.push_str(&format!(
            "\n\nclass {}({}):\n    {doc}\n\n    code = {}\n",
            row.python,
            row.bases,
            row.code.number()
        ));
    }
    out
}

/// The class of errors without a class of their own.
const BASE: &str = "HyperlightError";

/// Writes the union of TypeScript.
fn typescript() -> String {
    let mut out = String::from("export type ErrorCode =\n");
    for row in ErrorCode::table() {
        for (index, line) in wrapped(&sentences(row), 118).iter().enumerate() {
            out.push_str(if index == 0 { "  /** " } else { "\n   * " });
            out.push_str(line);
        }
        out.push_str(&format!(" */\n  | '{}'\n", in_node(row)));
    }
    out
}

/// Writes the table of the documentation.
fn markdown() -> String {
    let mut out = "| number | Rust | C | Python | Node | when |\n|---|---|---|---|---|---|\n".to_owned();
    for row in ErrorCode::table() {
        out.push_str(&format!(
            "| {} | `{:?}` | `{}` | `{}` | `{}` | {} |\n",
            row.code.number(),
            row.code,
            row.code.name(),
            row.python,
            in_node(row),
            sentences(row)
        ));
    }
    out
}

fn in_node(row: &CodeRow) -> String {
    row.code.name().replacen("HL_ERR_", "ERR_HL_", 1)
}

fn sentences(row: &CodeRow) -> String {
    format!("{} {}", row.when, row.then).trim_end().to_owned()
}

/// Wraps `text` into lines of at most `width` characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// Replaces the text between two marks in `old` by `new`; each mark is a line of its own.
fn between(from: &str, to: &str, new: &str, old: &str) -> Result<String> {
    let (head, rest) = old.split_once(&format!("{from}\n")).ok_or("the first mark is missing")?;
    let (_, tail) = rest.split_once(&format!("{to}\n")).ok_or("the last mark is missing")?;
    Ok(format!("{head}{from}\n{new}{to}\n{tail}"))
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
