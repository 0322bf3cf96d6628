//! Random numbers: a ChaCha20 generator, seeded by the host's operating system.
//!
//! A restored or cloned guest would repeat the numbers of its image. Therefore the host sends fresh entropy with the
//! first call of each generation, which reseeds the generator.

use core::cell::RefCell;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::context;
use crate::single::Single;

static GENERATOR: Single<RefCell<Option<ChaCha20Rng>>> = Single::new(RefCell::new(None));

/// Fills `bytes` with random numbers that are fit for cryptographic keys.
pub fn fill(bytes: &mut [u8]) {
    let mut generator = GENERATOR.borrow_mut();
    // Most calls need no random numbers, so the entropy is used only on demand.
    if let Some(seed) = context::take_entropy() {
        *generator = Some(ChaCha20Rng::from_seed(seed));
    }
    match &mut *generator {
        Some(generator) => generator.fill_bytes(bytes),
        None => crate::abort(crate::code::PROTOCOL, "the host sent no entropy"),
    }
}
