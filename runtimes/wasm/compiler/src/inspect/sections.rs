//! Sections that are read at once, by the validator and again by the compiler, without a look at the clock: all but code and data.

use std::time::Duration;

use wasmparser::Payload;

/// Bytes for each second that compiling may take. The worst that are known take most of that second: lists of imports in types of
/// modules, types that refer to types, enumerations, empty sections.
const PER_SECOND: u64 = 1 << 20;
/// Bytes that a program may have in any time.
const MIN: u64 = 1 << 20;

/// What a section counts beside its bytes.
const SECTION: u64 = 4;
/// What a byte of a component's own sections counts: names there are put into tables, several times.
const COMPONENT: u64 = 4;
/// Bytes of sections for other tools, such as names of functions, that count as one.
const CUSTOM: u64 = 4;

/// Bytes that a program may have which is compiled in that time.
pub(super) fn most(time: Duration) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    (millis.saturating_mul(PER_SECOND) / 1000).max(MIN)
}

/// What a part of a program counts. What is inside a part is a part itself.
pub(super) fn bytes(payload: &Payload<'_>) -> u64 {
    let len = match payload {
        // Weighed as functions.
        Payload::CodeSectionStart { .. } | Payload::CodeSectionEntry(_) => return 0,
        // Copied.
        Payload::DataSection(_) => 0,
        Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => 0,
        Payload::CustomSection(section) => section.range().len() as u64 / CUSTOM,
        Payload::ComponentTypeSection(section) => section.range().len() as u64 * COMPONENT,
        Payload::ComponentImportSection(section) => section.range().len() as u64 * COMPONENT,
        Payload::ComponentExportSection(section) => section.range().len() as u64 * COMPONENT,
        Payload::ComponentInstanceSection(section) => section.range().len() as u64 * COMPONENT,
        Payload::ComponentAliasSection(section) => section.range().len() as u64 * COMPONENT,
        payload => payload.as_section().map_or(0, |(_, range)| range.len() as u64),
    };
    len.saturating_add(SECTION)
}
