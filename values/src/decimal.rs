//! Whole numbers as decimal text, without arithmetic.

use std::sync::OnceLock;

use crate::limits::{MAX_BITS, MAX_DIGITS};

/// Returns the significant digits, after a minus and zeros. `None` if the text is not a whole number in decimal.
pub(crate) fn digits(text: &str) -> Option<&str> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let counting = digits.trim_start_matches('0');
    Some(if counting.is_empty() { "0" } else { counting })
}

/// Returns true if the magnitude of these digits is below 2 to the power of [`MAX_BITS`].
pub(crate) fn is_in_bounds(digits: &str) -> bool {
    match digits.len().cmp(&MAX_DIGITS) {
        std::cmp::Ordering::Less => true,
        std::cmp::Ordering::Equal => digits < above(),
        std::cmp::Ordering::Greater => false,
    }
}

/// Returns the digits of the first number out of bounds.
fn above() -> &'static str {
    const PIECE: u128 = 1_000_000_000_000_000_000;
    const STEP: usize = 32;
    static ABOVE: OnceLock<String> = OnceLock::new();
    ABOVE.get_or_init(|| {
        // From the lowest 18 digits to the highest.
        let mut pieces = vec![1_u128];
        for _ in 0..MAX_BITS / STEP {
            let mut carry = 0;
            for piece in &mut pieces {
                let found = (*piece << STEP) + carry;
                (*piece, carry) = (found % PIECE, found / PIECE);
            }
            if carry > 0 {
                pieces.push(carry);
            }
        }
        let mut pieces = pieces.iter().rev();
        let first = pieces.next().map(u128::to_string).unwrap_or_default();
        pieces.fold(first, |text, piece| text + &format!("{piece:018}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bound_has_as_many_digits_as_is_said() {
        assert_eq!(above().len(), MAX_DIGITS);
        assert!(above().starts_with("20035299304068464649790723515602557504478254755697"));
        assert!(above().ends_with("45587895905719156736"));
        assert!(!is_in_bounds(above()));
        assert!(is_in_bounds(&above().replace("719156736", "719156735")));
    }

    #[test]
    fn zeros_in_front_do_not_count() {
        for (text, counting) in [
            ("0", Some("0")),
            ("-000", Some("0")),
            ("-0012", Some("12")),
            ("", None),
            ("-", None),
            ("+1", None),
        ] {
            assert_eq!(digits(text), counting);
        }
    }
}
