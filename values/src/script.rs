//! Any value as text for guests that run scripts: JSON, with escapes for values that JSON does not have.
//!
//! | value | text |
//! |---|---|
//! | bytes | `{"$bytes": "<base64>"}` |
//! | a big integer | `{"$bigint": "<decimal>"}` |
//! | a number that JSON does not have | `{"$number": "NaN"}`, or `Infinity`, `-Infinity`, `-0` |
//! | an object whose only key begins with `$` | the same with one more `$` in front of the key |
//! | nothing at all: `undefined` | the empty text |
//!
//! Whole numbers from 2^53 on are big integers, if a language does not distinguish the two. Texts may have unpaired
//! surrogates, as JavaScript's may. Both directions take time and memory in proportion to the text, and neither
//! recurses.

mod check;
mod decode;
mod encode;

pub use check::{check, is_plain};
pub use decode::{decode, decode_all};
pub use encode::{encode, encode_all};

const BYTES: &str = "$bytes";
const BIGINT: &str = "$bigint";
const NUMBER: &str = "$number";
