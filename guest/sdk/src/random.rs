//! Random numbers: a ChaCha20 generator, seeded by the host's operating system.
//!
//! A restored or cloned guest would repeat the numbers of its image. Therefore the host sends fresh entropy with
//! the first call of each generation, and the generator starts anew from it.

use core::cell::RefCell;

use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::context;
use crate::single::Single;

static GENERATOR: Single<RefCell<Source>> = Single::new(RefCell::new(Source::Unseeded));

/// Where the next bytes come from. Most calls need none, so a seed is kept until somebody asks.
#[expect(clippy::large_enum_variant, reason = "there is one, and it is a static")]
enum Source {
    Unseeded,
    Seed([u8; 32]),
    Generator(ChaCha20Rng),
}

/// Fills `bytes` with random numbers that are fit for keys.
pub fn fill(bytes: &mut [u8]) {
    // While the guest initialises, this asks the host for a context, which brings entropy.
    context::current();
    let mut source = GENERATOR.borrow_mut();
    if let Source::Seed(seed) = *source {
        *source = Source::Generator(ChaCha20Rng::from_seed(seed));
    }
    match &mut *source {
        Source::Generator(generator) => generator.fill_bytes(bytes),
        Source::Unseeded | Source::Seed(_) => crate::abort(crate::code::PROTOCOL, "the host sent no entropy"),
    }
}

/// Starts anew from the entropy of a new generation.
pub(crate) fn reseed(seed: [u8; 32]) {
    *GENERATOR.borrow_mut() = Source::Seed(seed);
}
