//! `include/hyperlight.h` and the header of values that it shares with guests, from the sources of the crate `capi`.
//!
//! The headers are committed, because people read them and compile against them without building anything. Their content
//! is decided in `capi`. Parts that Rust cannot express are in the C files beside this one.

use std::error::Error;
use std::path::Path;

use cbindgen::{Builder, Config, DocumentationStyle, Language, RenameRule, SortKey, Style};

use crate::options;

const HEADER: &str = "include/hyperlight.h";
/// The header that hyperlight_guest.h includes, too.
const VALUES: &str = "include/hyperlight_value.h";

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// Writes the headers.
pub(crate) fn write() -> Result<String> {
    for (name, text) in generate()? {
        std::fs::write(root().join(name), text)?;
    }
    Ok(format!("wrote {HEADER} and {VALUES}"))
}

/// Checks that the headers are up to date.
pub(crate) fn verify() -> Result<String> {
    for (name, text) in generate()? {
        if std::fs::read(root().join(name))? != text.as_bytes() {
            return Err(format!("{name} is stale; write it by: cargo xtask header").into());
        }
    }
    Ok(format!("{HEADER} and {VALUES} are up to date"))
}

fn generate() -> Result<[(&'static str, String); 2]> {
    let mut config = Config {
        language: Language::C,
        cpp_compat: true,
        style: Style::Both,
        usize_is_size_t: true,
        no_includes: true,
        header: Some(include_str!("rules.h").trim_end().into()),
        after_includes: Some(prologue()),
        trailer: Some(epilogue()),
        documentation_style: DocumentationStyle::Doxy,
        line_length: 110,
        tab_width: 4,
        ..Config::default()
    };
    config.function.prefix = Some("HL_API".into());
    config.function.must_use = Some("HL_MUST_USE".into());
    config.function.sort_by = Some(SortKey::None);
    config.constant.sort_by = Some(SortKey::None);
    config.structure.rename_fields = RenameRule::None;

    let bindings = Builder::new().with_crate(root().join("capi")).with_config(config).generate()?;
    let mut header = Vec::new();
    bindings.write(&mut header);
    let (header, values) = split(&polish(&String::from_utf8(header)?));
    let values = [include_str!("value_prologue.h"), &values, include_str!("value_epilogue.h")].join("\n");
    Ok([(HEADER, header), (VALUES, values)])
}

/// Takes the values out of the header.
fn split(header: &str) -> (String, String) {
    const KINDS: [&str; 10] = ["VOID", "BOOL", "I32", "U32", "I64", "U64", "F32", "F64", "STRING", "BYTES"];
    const TYPES: [&str; 3] = ["} hl_bytes;", "} hl_value_as;", "} hl_value;"];
    let is_value = |item: &str| {
        let last = item.trim_end().lines().next_back().unwrap_or_default();
        let kind = last.strip_prefix("#define HL_").and_then(|rest| rest.split(' ').next());
        TYPES.contains(&last) || kind.is_some_and(|kind| KINDS.contains(&kind))
    };
    let (values, rest): (Vec<_>, Vec<_>) = header.split("\n\n").partition(|item| is_value(item));
    (rest.join("\n\n"), values.join("\n\n") + "\n")
}

/// Makes the header as short as a handwritten one: one line for a comment of one line, type names without their tags.
fn polish(header: &str) -> String {
    let lines: Vec<_> = header.lines().collect();
    let mut out = String::with_capacity(header.len());
    let mut rest = lines.as_slice();
    while let [line, after @ ..] = rest {
        rest = after;
        let indent = line.len() - line.trim_start().len();
        if let ("/**", [text, end, after @ ..]) = (line.trim(), rest)
            && let (Some(text), "*/") = (text.trim_start().strip_prefix("* "), end.trim())
        {
            out.push_str(&format!("{:indent$}/** {text} */\n", ""));
            rest = after;
            continue;
        }
        let is_definition = line.starts_with("typedef struct") || line.starts_with("typedef union");
        let is_comment = line.trim_start().starts_with('*');
        match is_definition || is_comment {
            true => out.push_str(line),
            false => out.push_str(&without_tags(line, &out)),
        }
        out.push('\n');
    }
    out
}

/// Removes the tags of types that have a typedef by then; types that refer to each other keep one.
fn without_tags(line: &str, before: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = ["struct hl_", "union hl_"].iter().filter_map(|tag| rest.find(tag)).min() {
        let (head, tagged) = rest.split_at(at);
        let (tag, name_on) = tagged.split_at(tagged.find("hl_").unwrap_or_default());
        let is_in_name = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
        let name = name_on.split(|sign| !is_in_name(sign)).next().unwrap_or_default();
        let has_name =
            before.contains(&format!("}} {name};")) || before.contains(&format!(" {name} {name};"));
        out.push_str(head);
        out.push_str(if has_name { "" } else { tag });
        out.push_str(name);
        rest = name_on.get(name.len()..).unwrap_or_default();
    }
    out + rest
}

/// Returns the text before the first type: includes, the version, macros.
fn prologue() -> String {
    let version = [
        ("MAJOR", env!("CARGO_PKG_VERSION_MAJOR"), "first"),
        ("MINOR", env!("CARGO_PKG_VERSION_MINOR"), "second"),
        ("PATCH", env!("CARGO_PKG_VERSION_PATCH"), "third"),
    ]
    .map(|(part, number, which)| {
        format!("/** The {which} number of this header's version. */\n#define HL_VERSION_{part} {number}\n")
    })
    .concat();
    include_str!("prologue.h").replace("@VERSION@\n", &version).trim_end().into()
}

/// Returns the text after the last function.
fn epilogue() -> String {
    let text = include_str!("epilogue.h").trim_end();
    text.replace("@OPTIONS@", &options::inits()).replace("@SAME_OPTIONS@", &options::assertions())
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}
