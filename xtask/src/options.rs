//! The files of C, Python and Node generated from the table of options, `core/src/options`, and the page about them.
//!
//! They are committed, because compilers, type checkers and people read them. The rows of the table decide their
//! content.

use std::error::Error;
use std::fmt::Write;
use std::path::Path;

use libhyperlight::options::face::Face;
use libhyperlight::options::table::{Info, Options, Unit};
use libhyperlight::options::{CallOptions, CompileOptions, LoadOptions, PoolOptions, SandboxOptions};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Writes the files.
pub(crate) fn write() -> Result<String> {
    for (path, text) in files() {
        std::fs::write(root().join(path), text)?;
    }
    Ok(files().map(|(path, _)| format!("wrote {path}")).join("\n"))
}

/// Checks that the files are up to date.
pub(crate) fn verify() -> Result<String> {
    let is_stale = |(path, text): &(&str, String)| {
        std::fs::read_to_string(root().join(path)).map_or(true, |found| found != *text)
    };
    match files().iter().find(|file| is_stale(file)) {
        Some((path, _)) => Err(format!("{path} is stale; write it by: cargo xtask generate").into()),
        None => Ok("the files of the table of options are up to date".to_owned()),
    }
}

fn files() -> [(&'static str, String); 4] {
    [
        ("capi/src/structures.rs", structures()),
        ("bindings/python/python/libhyperlight/_options.py", typed_dicts()),
        ("bindings/node/options.d.ts", interfaces()),
        ("docs/options.md", page()),
    ]
}

/// A structure of the C interface.
struct Structure {
    name: &'static str,
    rows: Vec<&'static Info>,
    doc: &'static str,
}

impl Structure {
    fn all() -> [Self; 4] {
        [
            Self {
                name: "hl_sandbox_options",
                rows: SandboxOptions::rows().into(),
                doc: "Sizes and limits of a sandbox. 0 is always the default. Start from `HL_SANDBOX_OPTIONS_INIT`.\n\n\
                      Sizes are in bytes, rounded up to whole pages of 4 KiB; above their maximum they are \
                      `HL_ERR_INVALID_ARGUMENT`. Memory that a guest never touches costs nothing.",
            },
            Self {
                name: "hl_call_options",
                rows: CallOptions::rows().into(),
                doc: "Limits of one call, or of the start. Start from `HL_CALL_OPTIONS_INIT`.",
            },
            Self {
                name: "hl_load_options",
                rows: LoadOptions::rows().into(),
                doc: "Bounds of what a snapshot file may bring, in bytes. 0 is always the default, `UINT64_MAX` no limit. Start from \
                      `HL_LOAD_OPTIONS_INIT`.",
            },
            Self {
                name: "hl_pool_options",
                rows: PoolOptions::rows().into(),
                doc: "Sizes of a pool, the longest wait for a member, and the limits of each member. 0 is always the default. \
                      Start from `HL_POOL_OPTIONS_INIT`.",
            },
        ]
    }

    fn init(&self) -> String {
        format!("{}_INIT", self.name.to_uppercase())
    }

    fn size(&self) -> usize {
        8 * (1 + self.rows.len())
    }
}

/// Writes the header's macros that initialise structures of options.
pub(crate) fn inits() -> String {
    let init = |of: &Structure| {
        let zeros = ", 0".repeat(of.rows.len());
        format!(
            "/** An `{0}` with its size, and nothing set. */\n#define {1} {{sizeof({0}){zeros}}}",
            of.name,
            of.init()
        )
    };
    Structure::all().iter().map(init).join("\n")
}

/// Writes the header's assertions about structures of options.
pub(crate) fn assertions() -> String {
    let same = |of: &Structure| {
        let short = of.name.trim_start_matches("hl_");
        let last = of.rows.last().map_or_else(|| "size".into(), |row| Face::C.name(row));
        format!(
            "HL_SAME({short}, sizeof({0}) == {1});\nHL_SAME({short}_last, offsetof({0}, {last}) == {2});",
            of.name,
            of.size(),
            of.size() - 8
        )
    };
    Structure::all().iter().map(same).join("\n")
}

fn structures() -> String {
    let mut out = String::from(
        "//! The structures of options. Written by `cargo xtask generate`: do not edit.\n\
         //!\n\
         //! They are made of the table of options, `core/src/options`.\n",
    );
    for of in Structure::all() {
        let _ = writeln!(out, "\n{}", wrapped("/// ", of.doc));
        let _ =
            writeln!(out, "#[derive(Clone, Copy, Debug, Default)]\n#[repr(C)]\npub struct {} {{", of.name);
        let _ = writeln!(out, "    /// `sizeof({})`.\n    pub size: usize,", of.name);
        for row in &of.rows {
            let is_elsewhere = row.is_limit && of.name != "hl_sandbox_options";
            let paragraphs = row.paragraphs().take(if is_elsewhere { 1 } else { usize::MAX });
            let text = paragraphs.map(|text| for_c(&text)).join(" ");
            let _ = writeln!(out, "{}", wrapped("    /// ", &format!("{text} {}", numbers(Face::C, row))));
            let _ = writeln!(out, "    pub {}: u64,", Face::C.name(row));
        }
        out.push_str("}\n");
    }
    out.push_str("\nconst _: () = {\n");
    for of in Structure::all() {
        let _ = writeln!(out, "    assert!(size_of::<{}>() == {});", of.name, of.size());
    }
    out.push_str("};\n");
    out
}

fn typed_dicts() -> String {
    let mut out = String::from(
        "\"\"\"The options, for type checkers. Written by ``cargo xtask generate``: do not edit.\n\
         \n\
         They are made of the table of options, ``core/src/options``. None is the same as an option that is left out.\n\
         \"\"\"\n\
         \n\
         from __future__ import annotations\n\
         \n\
         from typing import TypedDict\n",
    );
    let mut class = |name: &str, base: &str, doc: &str, rows: &[&Info]| {
        let _ = writeln!(out, "\n\nclass {name}({base}, total=False):\n    \"\"\"{doc}\n\n    Args:");
        for row in rows {
            let text =
                format!("{}: {} {}", Face::Python.name(row), row.summary(), numbers(Face::Python, row));
            let text = wrapped("            ", &text);
            let _ = writeln!(out, "        {}", text.trim_start());
        }
        out.push_str("    \"\"\"\n\n");
        for row in rows {
            let kind = if row.unit == Unit::Time { "float" } else { "int" };
            let _ = writeln!(out, "    {}: {kind} | None", Face::Python.name(row));
        }
    };
    let sandbox = SandboxOptions::rows();
    let (limits, sizes): (Vec<_>, Vec<_>) = sandbox.iter().partition(|row| row.is_limit);
    let own: Vec<_> = PoolOptions::rows().iter().copied().filter(|row| !row.is_limit).collect();
    class("Limits", "TypedDict", "Limits of each call, and those of time for the start, too.", &limits);
    class("SandboxOptions", "Limits", "Sizes of a sandbox, and its Limits.", &sizes);
    class("PoolOptions", "Limits", "The size of a pool, and the Limits of its members.", &own);
    class("LoadOptions", "TypedDict", "Bounds of what a snapshot file may bring.", &LoadOptions::rows());
    class(
        "CompileOptions",
        "TypedDict",
        "What a WebAssembly program may ask of its compiler.",
        &CompileOptions::rows(),
    );
    out
}

fn interfaces() -> String {
    let mut out = String::from(
        "// The options that are numbers. Written by `cargo xtask generate`: do not edit.\n\
         // They are made of the table of options, core/src/options.\n",
    );
    let mut interface = |name: &str, doc: &str, rows: &[&Info]| {
        let _ = writeln!(out, "\n/** {doc} */\nexport interface {name} {{");
        for row in rows {
            let text = format!("{} {}", row.summary(), numbers(Face::JavaScript, row));
            let text = wrapped("   * ", &text);
            match text.contains('\n') {
                false => writeln!(out, "  /** {} */", text.trim_start_matches("   * ")),
                true => writeln!(out, "  /**\n{text}\n   */"),
            }
            .unwrap_or_default();
            let _ = writeln!(out, "  {}?: number", Face::JavaScript.name(row));
        }
        out.push_str("}\n");
    };
    let sandbox = SandboxOptions::rows();
    let (limits, sizes): (Vec<_>, Vec<_>) = sandbox.iter().partition(|row| row.is_limit);
    let own: Vec<_> = PoolOptions::rows().iter().copied().filter(|row| !row.is_limit).collect();
    interface("Limits", "Limits of evolve and of each call. 0 is the default.", &limits);
    interface("Sizes", "Sizes of a sandbox, rounded up to whole pages of 4 KiB. 0 is the default.", &sizes);
    interface(
        "CallLimits",
        "Limits of one call, the start that it makes included. 0 is the default.",
        &CallOptions::rows(),
    );
    interface("PoolSizes", "Sizes of a pool, and the longest wait for a member.", &own);
    interface(
        "LoadBounds",
        "Bounds of what a snapshot file may bring. 0 is the default.",
        &LoadOptions::rows(),
    );
    interface(
        "CompileBounds",
        "What a program may ask of its compiler. 0 is the default.",
        &CompileOptions::rows(),
    );
    out
}

fn page() -> String {
    let mut out = String::from(include_str!("options.md"));
    let mut table = |title: &str, rows: &[&Info]| {
        let _ = writeln!(
            out,
            "\n## {title}\n\n| Rust | C | Python | Node | default | |\n|---|---|---|---|---|---|"
        );
        for row in rows {
            let names = [Face::Rust, Face::C, Face::Python, Face::JavaScript];
            let names = names.map(|face| format!("`{}`", face.name(row))).join(" | ");
            let bounds = match row.unit {
                Unit::Memory => format!(" {}.", capitalised(&bounds(row))),
                _ => String::new(),
            };
            let _ = writeln!(out, "| {names} | {} | {}{bounds} |", row.default_text, row.summary());
        }
    };
    let own: Vec<_> = PoolOptions::rows().iter().copied().filter(|row| !row.is_limit).collect();
    table("Sandboxes", &SandboxOptions::rows());
    table("Calls, and the start", &CallOptions::rows());
    table("Pools", &own);
    table("Snapshot files", &LoadOptions::rows());
    table("Compiling WebAssembly", &CompileOptions::rows());
    out
}

/// Writes the unit of an option, its default and its bounds, as a sentence.
fn numbers(face: Face, row: &Info) -> String {
    let unit = match row.unit {
        Unit::Time => Some(face.time_unit().0),
        Unit::Bytes | Unit::Memory if !row.doc.trim_start().starts_with("Bytes") => Some("bytes"),
        _ => None,
    };
    let forever = match face {
        Face::C => "`UINT64_MAX`",
        Face::JavaScript => "`Infinity`",
        _ => "math.inf",
    };
    let mut text = format!("{} by default", row.default_text);
    match (row.unit, row.default) {
        (Unit::Time, u64::MAX) => text.push_str(&format!(", and with {forever}")),
        (Unit::Time, _) => text.push_str(&format!(", unlimited with {forever}")),
        (Unit::Memory, _) => text.push_str(&format!(", {}", bounds(row))),
        _ => (),
    }
    if row.is_wait && face != Face::C {
        text.push_str(", not at all with 0");
    }
    match unit {
        Some(unit) => format!("In {unit}: {text}."),
        None => format!("{}.", capitalised(&text)),
    }
}

/// Writes the minimum and the maximum of a size.
fn bounds(row: &Info) -> String {
    format!("at least {}, at most {}", amount(row.least), amount(row.most))
}

fn capitalised(text: &str) -> String {
    let (first, rest) = text.split_at(text.len().min(1));
    format!("{}{rest}", first.to_uppercase())
}

/// Writes a number of bytes in the largest unit that divides it.
fn amount(bytes: u64) -> String {
    let unit = [("GiB", 30), ("MiB", 20), ("KiB", 10)]
        .into_iter()
        .find(|(_, shift)| bytes.is_multiple_of(1 << shift));
    unit.map_or_else(|| format!("{bytes} bytes"), |(name, shift)| format!("{} {name}", bytes >> shift))
}

/// Replaces error names by C's in a paragraph.
fn for_c(text: &str) -> String {
    let mut parts = text.split("[`crate::ErrorCode::");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("`]").unwrap_or((part, ""));
        out.push_str("`HL_ERR");
        for letter in name.chars() {
            if letter.is_uppercase() {
                out.push('_');
            }
            out.extend(letter.to_uppercase());
        }
        let _ = write!(out, "`{rest}");
    }
    out
}

/// Wraps paragraphs, with a mark before each line.
fn wrapped(mark: &str, text: &str) -> String {
    const WIDTH: usize = 110;
    let mut lines = Vec::new();
    for paragraph in text.split("\n\n") {
        if !lines.is_empty() {
            lines.push(mark.trim_end().to_owned());
        }
        let mut line = mark.to_owned();
        for word in paragraph.split_whitespace() {
            if line.len() + word.len() > WIDTH && line.len() > mark.len() {
                lines.push(line.trim_end().to_owned());
                line = mark.to_owned();
            }
            line.push_str(word);
            line.push(' ');
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.join("\n")
}

/// `[T]::join` for iterators.
trait Join: Iterator<Item = String> + Sized {
    fn join(self, separator: &str) -> String {
        self.collect::<Vec<_>>().join(separator)
    }
}

impl<I: Iterator<Item = String>> Join for I {}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
