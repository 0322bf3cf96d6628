//! Sections that are read as a whole, by the validator and again by the compiler, without checking the clock: all but
//! code and data.

use std::time::Duration;

use wasmparser::Payload;

/// Bytes for each second of the time limit. The worst known cases take most of that second: lists of imports in types
/// of modules, types that refer to types, enumerations, empty sections.
const PER_SECOND: u64 = 1 << 20;
/// Bytes that a program may always have.
const MIN: u64 = 1 << 20;

/// Bytes that a section counts besides its own.
const SECTION: u64 = 4;
/// Factor for a byte of a component's own sections: names there are put into tables, several times.
const COMPONENT: u64 = 4;
/// Bytes of sections for other tools, such as names of functions, that count as one.
const CUSTOM: u64 = 4;

/// Maximum bytes of a program that is compiled within that time.
pub(super) fn most(time: Duration) -> u64 {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    (millis.saturating_mul(PER_SECOND) / 1000).max(MIN)
}

/// The bytes that a part of a program counts. Parts inside it count for themselves.
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
