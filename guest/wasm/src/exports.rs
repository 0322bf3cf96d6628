//! Which exports become guest functions.

use hyperlight_guest::limits::{MAX_NAME_LEN, MAX_PARAMETERS};

/// Whether a guest function can have that name and so many parameters. What cannot stays inside, as what has values that cannot
/// leave does; the compiler's description of the program decides the same.
pub(crate) fn can_be_published(name: &str, parameters: usize) -> bool {
    (1..=MAX_NAME_LEN).contains(&name.len()) && parameters <= MAX_PARAMETERS
}
