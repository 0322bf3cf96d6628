//! The expected end of a step.

use wast::WastRet;
use wast::core::{NanPattern, V128Pattern, WastRetCore};

/// The step succeeded.
pub(crate) fn done(answer: &str) -> Result<(), String> {
    if answer.starts_with("ok ") { Ok(()) } else { Err(answer.to_owned()) }
}

/// The step ended with that error.
pub(crate) fn error(answer: &str, message: &str) -> Result<(), String> {
    let Some(found) = answer.strip_prefix("error ") else {
        return Err(format!("came to {answer:?}, not to the error {message:?}"));
    };
    // The scripts' wording, and the engine's where it differs.
    let same = match message {
        "out of bounds table access" => &["out of bounds table", "undefined element"][..],
        "undefined element" => &["undefined element", "out of bounds table"],
        "uninitialized element" => &["uninitialized element", "null reference"],
        "indirect call type mismatch" => &["indirect call type mismatch", "null reference"],
        "null function reference" | "null reference" => &["null reference"],
        "call stack exhausted" => &["call stack exhausted"],
        _ => &[],
    };
    // Some name the element.
    let base = message.trim_end_matches(|character: char| character.is_ascii_digit()).trim_end();
    if found.contains(base) || same.iter().any(|text| found.contains(text)) {
        return Ok(());
    }
    Err(format!("ended with {found:?}, not {message:?}"))
}

/// The step returned these values.
pub(crate) fn values(answer: &str, expected: &[WastRet<'_>]) -> Result<(), String> {
    let Some(found) = answer.strip_prefix("ok ") else {
        return Err(answer.to_owned());
    };
    let found: Vec<_> = found.split_whitespace().collect();
    let matches = found.len() == expected.len()
        && found.iter().zip(expected).all(|(found, expected)| match expected {
            WastRet::Core(expected) => value(found, expected),
            _ => false,
        });
    if matches { Ok(()) } else { Err(format!("gave {found:?}, not {expected:?}")) }
}

fn value(found: &str, expected: &WastRetCore<'_>) -> bool {
    let (ty, text) = found.split_once(':').unwrap_or((found, ""));
    let bits = u128::from_str_radix(text, 16).ok();
    match (expected, ty, bits) {
        (WastRetCore::I32(value), "i32", Some(bits)) => u128::from(value.cast_unsigned()) == bits,
        (WastRetCore::I64(value), "i64", Some(bits)) => u128::from(value.cast_unsigned()) == bits,
        (WastRetCore::F32(pattern), "f32", Some(bits)) => f32_matches(pattern, low32(bits)),
        (WastRetCore::F64(pattern), "f64", Some(bits)) => f64_matches(pattern, low64(bits)),
        (WastRetCore::V128(pattern), "v128", Some(bits)) => vector(pattern, bits),
        (WastRetCore::RefNull(_), "null", _) | (WastRetCore::RefFunc(_), "func", _) => true,
        (WastRetCore::Either(choices), _, _) => choices.iter().any(|choice| value(found, choice)),
        _ => false,
    }
}

fn vector(pattern: &V128Pattern, bits: u128) -> bool {
    let bytes = bits.to_le_bytes();
    let words32 = || bytes.chunks_exact(4).map(|lane| lane.try_into().map_or(0, u32::from_le_bytes));
    let words64 = || bytes.chunks_exact(8).map(|lane| lane.try_into().map_or(0, u64::from_le_bytes));
    match pattern {
        V128Pattern::I8x16(lanes) => lanes.iter().map(|lane| lane.cast_unsigned()).eq(bytes),
        V128Pattern::I16x8(lanes) => {
            let found = bytes.chunks_exact(2).map(|lane| lane.try_into().map_or(0, i16::from_le_bytes));
            lanes.iter().copied().eq(found)
        }
        V128Pattern::I32x4(lanes) => lanes.iter().map(|lane| lane.cast_unsigned()).eq(words32()),
        V128Pattern::I64x2(lanes) => lanes.iter().map(|lane| lane.cast_unsigned()).eq(words64()),
        V128Pattern::F32x4(lanes) => {
            lanes.iter().zip(words32()).all(|(lane, found)| f32_matches(lane, found))
        }
        V128Pattern::F64x2(lanes) => {
            lanes.iter().zip(words64()).all(|(lane, found)| f64_matches(lane, found))
        }
    }
}

fn f32_matches(pattern: &NanPattern<wast::token::F32>, bits: u32) -> bool {
    match pattern {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff == 0x7fc0_0000,
        NanPattern::ArithmeticNan => bits & 0x7fc0_0000 == 0x7fc0_0000,
        NanPattern::Value(value) => value.bits == bits,
    }
}

fn f64_matches(pattern: &NanPattern<wast::token::F64>, bits: u64) -> bool {
    match pattern {
        NanPattern::CanonicalNan => bits & 0x7fff_ffff_ffff_ffff == 0x7ff8_0000_0000_0000,
        NanPattern::ArithmeticNan => bits & 0x7ff8_0000_0000_0000 == 0x7ff8_0000_0000_0000,
        NanPattern::Value(value) => value.bits == bits,
    }
}

fn low32(bits: u128) -> u32 {
    u32::try_from(bits & u128::from(u32::MAX)).unwrap_or_default()
}

fn low64(bits: u128) -> u64 {
    u64::try_from(bits & u128::from(u64::MAX)).unwrap_or_default()
}
