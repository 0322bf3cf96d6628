use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use proptest::prelude::*;

use super::*;
use crate::samples;

const NONE: [u64; 0] = [];

/// Folders of libraries.
const FOLDERS: [&str; 1] = ["/usr/lib/x86_64-linux-gnu"];

/// An object of one executable segment from address 4096 on, which is all code of one function.
fn object_of(code: &[u8]) -> (Elf, Vec<u8>) {
    let mut file = vec![0; 4096];
    file.extend(code);
    let size = code.len() as u64;
    let segment = crate::elf::Segment {
        address: 4096,
        size,
        file: 4096..4096 + size,
        writable: false,
        executable: true,
    };
    let elf = Elf {
        is_fixed: false,
        segments: vec![segment],
        align: 4096,
        entry: 4096,
        headers: 64,
        header_count: 0,
        interpreter: None,
        needed: Vec::new(),
        rpath: None,
        runpath: None,
        unwind: None,
    };
    (elf, file)
}

/// The addresses that are rewritten if the code is decoded from its start.
fn found_in(code: &[u8]) -> Vec<u64> {
    let (elf, file) = object_of(code);
    let bytes = slice(&file, elf.segments[0].file.clone()).unwrap();
    let mut candidates: Vec<_> = matches(bytes)
        .map(|(at, number)| Candidate {
            site: Site { address: 4096 + at, number },
            is_reached: false,
            is_entered: false,
        })
        .collect();
    decode(bytes, 4096, true, &mut candidates);
    candidates
        .iter()
        .filter(|site| site.is_reached && !site.is_entered)
        .map(|site| site.site.address - 4096)
        .collect()
}

#[test]
fn a_call_is_found_where_a_decode_reaches_it() {
    // mov $1, %eax; syscall; ret
    assert_eq!(found_in(&[0xb8, 1, 0, 0, 0, 0x0f, 5, 0xc3]), [0]);
    // nop before it
    assert_eq!(found_in(&[0x90, 0xb8, 1, 0, 0, 0, 0x0f, 5, 0xc3]), [1]);
}

#[test]
fn the_bytes_of_another_instruction_are_no_call() {
    // mov $1, %r8d; syscall
    assert_eq!(found_in(&[0x41, 0xb8, 1, 0, 0, 0, 0x0f, 5]), NONE);
    // movabs $…, %rax, with all seven bytes in its constant
    assert_eq!(found_in(&[0x48, 0xb9, 0xb8, 1, 0, 0, 0, 0x0f, 5, 0x90]), NONE);
}

#[test]
fn numbers_that_are_none_and_the_restorer_are_left() {
    assert_eq!(found_in(&[0xb8, 0, 2, 0, 0, 0x0f, 5]), NONE);
    assert_eq!(found_in(&[0xb8, 15, 0, 0, 0, 0x0f, 5]), NONE);
}

#[test]
fn a_branch_into_the_mov_forbids_it_and_one_to_its_ends_does_not() {
    for (to, expected) in [(0_u8, &[2_u64][..]), (1, &[]), (2, &[]), (3, &[]), (4, &[]), (5, &[2])] {
        // jmp to the mov plus `to`; mov $1, %eax; syscall
        assert_eq!(found_in(&[0xeb, to, 0xb8, 1, 0, 0, 0, 0x0f, 5]), expected, "{to}");
    }
}

#[test]
fn code_from_elsewhere_than_a_start_forbids_and_does_not_allow() {
    let code = [&[0xb8, 39, 0, 0, 0, 0x0f, 5][..], &[0xeb, 0xf9]].concat();
    for (code, is_start, expected) in [
        (&code[..7], true, (true, false)),
        (&code[..7], false, (false, false)),
        (&code, false, (false, true)),
    ] {
        let site = Site { address: 4096, number: 39 };
        let mut candidates = [Candidate { site, is_reached: false, is_entered: false }];
        assert_eq!(decode(code, 4096, is_start, &mut candidates), 4096 + code.len() as u64);
        assert_eq!((candidates[0].is_reached, candidates[0].is_entered), expected);
    }
}

#[test]
fn a_stub_does_what_the_mov_did_and_returns_behind_the_call() {
    let site = Site { address: 0x1234, number: 39 };
    let rewritten = rewrite(&[site], 0x7000_0000, 0x7010_0000, 0x3000_0040);
    let (address, jump) = rewritten.jumps[0];
    assert_eq!(address, 0x7000_1234);
    let mut decoder = Decoder::with_ip(64, &jump, address, DecoderOptions::NONE);
    assert_eq!(decoder.decode().near_branch_target(), 0x7010_0000 + STUBS_HEADER);
    assert_eq!(&rewritten.stubs[..8], 0x3000_0040_u64.to_le_bytes());
    let code = &rewritten.stubs[STUBS_HEADER as usize..];
    let mut decoder = Decoder::with_ip(64, code, 0x7010_0000 + STUBS_HEADER, DecoderOptions::NONE);
    let (mov, lea, jmp) = (decoder.decode(), decoder.decode(), decoder.decode());
    assert_eq!((mov.code(), mov.immediate32()), (Code::Mov_r32_imm32, 39));
    assert_eq!((lea.code(), lea.memory_displacement64()), (Code::Lea_r64_m, 0x7000_1234 + 7));
    assert_eq!((jmp.code(), jmp.memory_displacement64()), (Code::Jmp_rm64, 0x7010_0000));
    assert_eq!(stubs_len(1), rewritten.stubs.len() as u64);
}

/// The calls of a file by the system's own disassembler: the address of each `mov $n, %eax` with a `syscall` behind it.
fn disassembled(path: &Path) -> Option<BTreeMap<u64, String>> {
    let output = Command::new("objdump").args(["-d", "--no-show-raw-insn", "-w"]).arg(path).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut calls = BTreeMap::new();
    let mut last: Option<(u64, String)> = None;
    for line in text.lines() {
        let Some((address, instruction)) = line.split_once(":\t") else {
            last = None;
            continue;
        };
        let Ok(address) = u64::from_str_radix(address.trim(), 16) else {
            continue;
        };
        if instruction.starts_with("syscall")
            && let Some((place, mov)) = last.take()
            && mov.starts_with("mov")
            && mov.contains(",%eax")
            && place + 5 == address
        {
            calls.insert(place, mov);
        }
        last = Some((address, instruction.to_owned()));
    }
    Some(calls)
}

/// Every place that is rewritten in the system's libraries is an instruction to another disassembler, too.
#[test]
fn what_is_rewritten_in_the_systems_files_is_what_a_disassembler_finds() {
    let mut files = samples::with_system_calls();
    for folder in FOLDERS {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        files.extend(entries.map(|entry| entry.path()).filter(|path| path.is_file() && !path.is_symlink()));
    }
    let (mut objects, mut total) = (0, 0);
    for path in files {
        // The largest ones take minutes to disassemble.
        let Ok(file) = fs::read(&path) else { continue };
        if !crate::elf::is_object(&file) || file.len() > 16 << 20 {
            continue;
        }
        let Ok(elf) = crate::elf::read(&file, false) else { continue };
        objects += 1;
        let sites = sites(&elf, &file, usize::MAX);
        if sites.is_empty() {
            continue;
        }
        let Some(calls) = disassembled(&path) else {
            panic!("objdump is needed to check what was rewritten");
        };
        for site in &sites {
            let found = calls.get(&site.address);
            assert!(found.is_some(), "{}: {:#x} is rewritten, and is no call", path.display(), site.address);
        }
        total += sites.len();
    }
    assert!(objects > 2 && total > 100, "{objects} objects, {total} calls");
}

#[test]
fn most_calls_of_the_c_library_are_rewritten() {
    for path in samples::with_system_calls() {
        let file = fs::read(&path).unwrap();
        let elf = crate::elf::read(&file, false).unwrap();
        let sites = sites(&elf, &file, usize::MAX);
        assert!(sites.len() > 20, "{}: {} calls", path.display(), sites.len());
        assert_eq!(super::sites(&elf, &file, 5), sites[..5]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// A place that is found is decoded as the two instructions, and no branch leads into it, whatever the bytes are.
    #[test]
    fn arbitrary_code_is_rewritten_only_where_it_may_be(
        parts in prop::collection::vec(prop_oneof![
            Just(vec![0xb8, 1, 0, 0, 0, 0x0f, 5]),
            Just(vec![0x0f, 5]),
            prop::collection::vec(any::<u8>(), 1..4),
            (0_u8..0x30).prop_map(|to| vec![0xeb, to]),
            (0x80_u8..=0xff).prop_map(|to| vec![0x74, to]),
        ], 1..40),
    ) {
        let code = parts.concat();
        let found = found_in(&code);
        let mut decoder = Decoder::with_ip(64, &code, 4096, DecoderOptions::NONE);
        let mut starts = Vec::new();
        let mut targets = Vec::new();
        while decoder.can_decode() {
            let instruction = decoder.decode();
            if instruction.is_invalid() {
                break;
            }
            starts.push((instruction.ip() - 4096, instruction.code()));
            if instruction.op0_kind() == OpKind::NearBranch64 {
                targets.push(instruction.near_branch_target().wrapping_sub(4096));
            }
        }
        for place in found {
            prop_assert!(starts.contains(&(place, Code::Mov_r32_imm32)));
            prop_assert!(starts.contains(&(place + 5, Code::Syscall)));
            prop_assert!(!targets.iter().any(|target| (place + 1..place + 5).contains(target)));
        }
    }
}
