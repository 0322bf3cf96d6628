use proptest::prelude::*;

use super::*;
use crate::samples;

const HANDLER: u64 = 0x3000_0040;

/// Fails unless an object was placed as every one must be, whatever its file says.
fn check(placed: &Placed, file: &[u8], jit: bool) {
    let mut pieces: Vec<_> = placed.pieces.iter().collect();
    pieces.sort_unstable_by_key(|piece| piece.address);
    for pair in pieces.windows(2) {
        assert!(pair[0].address + pair[0].size <= pair[1].address, "two pieces overlap");
    }
    let files_len = (file.len() as u64).next_multiple_of(PAGE);
    for piece in pieces {
        assert!(piece.address % PAGE == 0 && piece.size % PAGE == 0 && piece.size != 0);
        let window = if placed.object.bias == 0 { EXECUTABLE } else { OBJECTS };
        assert!(window.contains(&piece.address) && piece.address + piece.size <= window.end);
        assert!(jit || piece.access != Access::WriteExecute);
        match &piece.contents {
            Contents::Files(offset) => {
                assert!(
                    matches!(piece.access, Access::Read | Access::Execute),
                    "the files' own pages are not writable"
                );
                assert!(offset % PAGE == 0 && offset + piece.size <= files_len);
            }
            Contents::Own(bytes) => assert!(bytes.len() as u64 <= piece.size),
        }
    }
}

fn place(file: &[u8], jit: bool) -> Result<(Elf, Placed), String> {
    let elf = elf::read(file, jit)?;
    let placed = Placer::new(Some(HANDLER)).place(&elf, file, 0)?;
    Ok((elf, placed))
}

/// The byte that the guest finds at an address.
fn byte_at(placed: &Placed, file: &[u8], address: u64) -> Option<u8> {
    let piece =
        placed.pieces.iter().find(|piece| (piece.address..piece.address + piece.size).contains(&address))?;
    let at = (address - piece.address) as usize;
    Some(match &piece.contents {
        Contents::Files(offset) => file.get(*offset as usize + at).copied().unwrap_or(0),
        Contents::Own(bytes) => bytes.get(at).copied().unwrap_or(0),
    })
}

#[test]
fn the_systems_objects_are_placed_with_every_byte_but_the_rewritten_ones() {
    for path in samples::loaded() {
        let file = std::fs::read(&path).unwrap();
        let (elf, placed) = place(&file, false).unwrap();
        check(&placed, &file, false);
        let mut different = 0;
        for segment in &elf.segments {
            for at in 0..segment.size {
                let expected = file.get((segment.file.start + at) as usize).copied();
                let expected = expected.filter(|_| segment.file.start + at < segment.file.end).unwrap_or(0);
                let found = byte_at(&placed, &file, segment.address + placed.object.bias + at).unwrap();
                // What is behind a segment's bytes in its last page is the file's, as under Linux, if it is not
                // writable.
                different += usize::from(found != expected);
            }
        }
        assert!(different <= placed.rewritten * 5, "{}: {different} bytes differ", path.display());
    }
}

#[test]
fn a_file_that_ends_anywhere_is_placed_or_refused() {
    let file = samples::short();
    let lens = (0..file.len().min(1024)).chain((1024..file.len()).step_by(4099));
    for len in lens {
        let file = &file[..len];
        let jit = len % 2 == 0;
        if let Ok((_, placed)) = place(file, jit) {
            check(&placed, file, jit);
        }
    }
}

#[test]
fn writable_code_is_refused_without_jit() {
    let mut file = samples::short();
    let headers = u64::from_le_bytes(file[32..40].try_into().unwrap()) as usize;
    let count = u16::from_le_bytes(file[56..58].try_into().unwrap()) as usize;
    for number in 0..count {
        let header = headers + number * 56;
        if file[header] == 1 {
            // Flags: read, write, execute.
            file[header + 4] = 7;
        }
    }
    let error = place(&file, false).unwrap_err();
    assert!(error.contains("jit"), "{error}");
    let (_, placed) = place(&file, true).unwrap();
    assert!(placed.pieces.iter().all(|piece| matches!(piece.contents, Contents::Own(_))));
}

#[test]
fn a_small_file_is_not_mapped_again_and_again() {
    let mut file = samples::short();
    let headers = u64::from_le_bytes(file[32..40].try_into().unwrap()) as usize;
    let count = u16::from_le_bytes(file[56..58].try_into().unwrap()) as usize;
    // Every segment is loadable, writable, and all of the file.
    let len = file.len() as u64;
    for number in 0..count {
        let words = [1 | 6 << 32, 0, (number as u64) << 30, 0, len, len, PAGE];
        for (word, at) in words.into_iter().zip((headers + number * 56..).step_by(8)) {
            file[at..at + 8].copy_from_slice(&word.to_le_bytes());
        }
    }
    let error = place(&file, false).unwrap_err();
    assert!(error.contains("more bytes of the file"), "{error}");
}

#[test]
fn objects_have_their_own_addresses_and_a_gap_between() {
    let file = samples::short();
    let elf = elf::read(&file, false).unwrap();
    let mut placer = Placer::new(None);
    let mut last = 0;
    for _ in 0..10 {
        let placed = placer.place(&elf, &file, 0).unwrap();
        assert!(placed.object.start >= last + PAGE);
        assert_eq!(placed.object.start % elf.align, elf.span().start % elf.align);
        last = placed.object.end;
    }
}

#[test]
fn rewritten_calls_are_bounded_over_all_objects() {
    let path = samples::with_system_calls().remove(0);
    let file = std::fs::read(path).unwrap();
    let elf = elf::read(&file, false).unwrap();
    let mut placer = Placer::new(Some(HANDLER));
    let mut total = 0;
    for _ in 0..200 {
        total += placer.place(&elf, &file, 0).unwrap().rewritten;
    }
    assert!(total <= MAX_SITES);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    /// Headers that lie, in the parts of a file that are read.
    #[test]
    fn a_file_with_changed_bytes_is_placed_or_refused(
        changes in prop::collection::vec((0_usize..1200, any::<u8>()), 1..8),
        words in prop::collection::vec((0_usize..150, prop_oneof![
            Just(0_u64), Just(u64::MAX), Just(1 << 63), Just(4095), any::<u64>(), 0_u64..1 << 24,
        ]), 0..4),
        jit in any::<bool>(),
    ) {
        thread_local!(static FILE: Vec<u8> = samples::short());
        FILE.with(|original| {
            // The beginning, in front of which nothing is read, is enough for most of it.
            let mut file = original.clone();
            for (at, byte) in changes {
                file[at] = byte;
            }
            for (number, word) in words {
                file[number * 8..][..8].copy_from_slice(&word.to_le_bytes());
            }
            if elf::is_object(&file) && let Ok((_, placed)) = place(&file, jit) {
                check(&placed, &file, jit);
            }
        });
    }
}
