//! The header of a snapshot file.
//!
//! ```text
//! magic 8 bytes, format u32, header length u32, header, zeros up to a multiple of 4096,
//! the pages of the fixed part that the file carries, if it does; the pages, both as the header lists them;
//! SHA-256 of everything before, 32 bytes
//! ```
//!
//! All numbers are little-endian. The header describes the layout of the memory and not the page tables: those, the
//! stubs and all control registers are made anew from the checked layout. Every number is hostile.
//!
//! The file lists the guest's pages that are not zero, each once and in order; all others are zero. A stored page of
//! zeros, which is how a hole reads, is refused. So the cost of reading is bounded by the stored size.

use std::ops::Range;
use std::sync::Arc;

use libhyperlight_abi::limits::{BUFFER_OVERHEAD, MAX_FIXED_BYTES, MAX_PAYLOADS, MAX_REGIONS};

use crate::SandboxOptions;
use crate::bounds::{FileBounds, Sizes};
use crate::error::{Count, Error, Message, Opt, Result, Size, Text};
use crate::guest::Fingerprint;
use crate::guest::elf::ABI_ACCEPTED;
use crate::guest::program::{PROGRAM_WINDOW, Program, Segment};
use crate::image::layout::{Layout, MAX_PAYLOAD_BYTES, PayloadShape, Region};
use crate::int::to_usize;
use crate::pages::PAGE;
use crate::placement::{FixedPart, Place, RegionAccess, Shape};
use crate::vm::arch::{Features, Registers};

pub(super) const MAGIC: [u8; 8] = *b"HLSNAP\r\n";
/// Raised by every change that an older library cannot read.
///
/// Format 1 had the library's guest ABI in the place of the guest's own, page ranges in bytes, and pages of zeros.
const FORMAT: u32 = 2;
/// The format of guests that serve system calls or have placed memory; all others keep to [`FORMAT`].
const FORMAT_PLACED: u32 = 3;
/// Maximum length of a header: room for the functions of a large guest, and for every second page of a large heap.
pub(super) const MAX_HEADER: u32 = 32 << 20;
/// Magic, format, length.
pub(super) const PREFIX: usize = 16;

const MAX_SEGMENTS: u64 = 64;

/// The contents of a header.
pub(super) struct Header {
    /// The guest ABI that the guest was built for.
    pub abi: u32,
    pub features: Features,
    pub fingerprint: Fingerprint,
    pub sizes: Sizes,
    pub entry: u64,
    pub layout: Layout,
    pub registers: Registers,
    pub sent: u64,
    /// `Ready` frames: the guest's functions, and the host functions that it needs.
    pub functions: Vec<u8>,
    pub required: Vec<u8>,
    pub extended_state: Vec<u8>,
    /// The pages that follow, by their guest physical addresses.
    pub pages: Vec<Range<u64>>,
}

/// A fixed part as a header names it.
pub(super) struct Named {
    pub fingerprint: [u8; 32],
    pub len: u64,
    /// The pages of it that are in the file, if it is.
    pub carried: Option<Vec<Range<u64>>>,
}

/// Writes a header with its prefix and the zeros behind it. `None` if it exceeds the maximum length.
pub(super) fn encode(header: &Header, is_whole: bool) -> Option<Vec<u8>> {
    let mut out = Writer(Vec::new());
    out.u64(u64::from(header.abi));
    out.words(header.features.to_words());
    out.0.extend(header.fingerprint);
    let Sizes { heap, stack, input, output } = header.sizes;
    out.words([heap, stack, input, output, header.entry, header.layout.boot.load_bias]);
    out.u64(header.layout.program.len() as u64);
    for region in &header.layout.program {
        out.u64(region.virt);
        out.u64(region.size);
        out.u64(u64::from(region.permissions.write) | u64::from(region.permissions.execute) << 1);
    }
    out.u64(header.layout.payloads.len() as u64);
    for payload in header.layout.boot.payloads.iter().take(header.layout.payloads.len()) {
        out.u64(payload.span.size);
        out.u64(u64::from(payload.executable));
    }
    let is_placed = header.layout.system_call.is_some() || header.layout.placement.is_some();
    if is_placed {
        encode_placement(&mut out, &header.layout, is_whole)?;
    }
    out.words(header.registers.to_words());
    out.u64(header.sent);
    for bytes in [&header.functions, &header.required, &header.extended_state] {
        out.u64(bytes.len() as u64);
        out.0.extend(bytes);
    }
    out.u64(header.pages.len() as u64);
    for range in &header.pages {
        out.page_number(range.start)?;
        out.page_number(range.end - range.start)?;
    }

    let len = u32::try_from(out.0.len()).ok().filter(|len| *len <= MAX_HEADER)?;
    let mut file = MAGIC.to_vec();
    file.extend(if is_placed { FORMAT_PLACED } else { FORMAT }.to_le_bytes());
    file.extend(len.to_le_bytes());
    file.append(&mut out.0);
    file.resize(file.len().next_multiple_of(to_usize(PAGE)), 0);
    Some(file)
}

/// Writes the fields that only headers of [`FORMAT_PLACED`] have.
fn encode_placement(out: &mut Writer, layout: &Layout, is_whole: bool) -> Option<()> {
    out.u64(layout.system_call.unwrap_or(0));
    let Some(shape) = layout.placement.as_deref() else {
        out.u64(0);
        return Some(());
    };
    out.u64(1);
    let Shape { fixed, places, arena, stacks, stack_size, jit } = shape;
    out.0.extend(fixed.fingerprint());
    out.words([fixed.len(), u64::from(is_whole)]);
    if is_whole {
        out.u64(fixed.present().iter().count() as u64);
        for range in fixed.present().iter() {
            out.page_number(range.start)?;
            out.page_number(range.end - range.start)?;
        }
    }
    out.words([*arena, *stacks, *stack_size, u64::from(*jit), places.len() as u64]);
    for Place { address, size, fixed, access } in places {
        let source = fixed.map_or([0, 0], |offset| [1, offset]);
        out.words([*address, *size, source[0], source[1], *access as u64]);
    }
    Some(())
}

/// True if the header has a placement, and its length, from the file's first bytes.
pub(super) fn prefix(prefix: &[u8; PREFIX]) -> Result<(bool, usize)> {
    let word = |at: usize| u32::from_le_bytes([prefix[at], prefix[at + 1], prefix[at + 2], prefix[at + 3]]);
    if prefix[..8] != MAGIC {
        return Err(bad("it does not start with the magic number of a snapshot"));
    }
    if !(FORMAT..=FORMAT_PLACED).contains(&word(8)) {
        let (by, mends) = if word(8) < FORMAT {
            ("an earlier version of the library", "save it anew")
        } else {
            ("a later version of the library", "load it with that")
        };
        let (found, expected) = (Count(word(8).into()), Count(FORMAT.into()));
        let (placed, by, mends) = (Count(FORMAT_PLACED.into()), Text(by.to_owned()), Text(mends.to_owned()));
        return Err(Message::OtherFormat { found, by, expected, placed, mends }.into());
    }
    if word(12) > MAX_HEADER {
        return Err(bad("its header is impossibly long"));
    }
    Ok((word(8) == FORMAT_PLACED, word(12) as usize))
}

/// Reads a header and checks all of it. `part` gets the fixed part that the header names.
pub(super) fn decode<E: From<Error>>(
    bytes: &[u8],
    is_placed: bool,
    bounds: FileBounds,
    part: impl FnOnce(&Named) -> Result<FixedPart, E>,
) -> Result<Header, E> {
    let mut input = Reader(bytes);
    let abi = abi(&mut input)?;
    let features = Features::from_words(input.words()?)
        .ok_or_else(|| bad("its list of processor features is malformed"))?;
    let fingerprint = input.array()?;
    let sizes = sizes(&mut input, bounds)?;
    let (entry, bias) = (input.u64()?, input.u64()?);
    let mut program = program(&mut input, entry, bias, abi)?;
    let payloads = payloads(&mut input)?;
    let memory = program.segments.iter().map(|segment| segment.size);
    let memory = memory.chain(payloads.iter().map(|payload| payload.len)).sum::<u64>();
    memory_within("the memory of its guest's program and payloads", memory, bounds)?;

    let mut shape = None;
    if is_placed {
        program.system_call = Some(input.u64()?).filter(|handler| *handler != 0);
        if program.system_call.is_some_and(|handler| !program.has_code_at(handler)) {
            return Err(bad("its handler of system calls is not code of its program").into());
        }
        shape = placement(&mut input, &program, bounds, part)?;
    }

    let registers =
        Registers::from_words(input.words()?).ok_or_else(|| bad("a segment base is not an address"))?;
    let sent = input.u64()?;
    let functions = input.bytes()?.to_vec();
    let required = input.bytes()?.to_vec();
    let extended_state = input.bytes()?.to_vec();
    let layout = Layout::new(&program, &payloads, shape.as_ref(), &sizes);
    let pages = pages(&mut input, &layout, bounds)?;
    if !input.0.is_empty() {
        return Err(bad("something follows the header's last field").into());
    }
    Ok(Header {
        abi,
        features,
        fingerprint,
        sizes,
        entry,
        layout,
        registers,
        sent,
        functions,
        required,
        extended_state,
        pages,
    })
}

fn abi(input: &mut Reader<'_>) -> Result<u32> {
    let abi = input.u64()?;
    let (low, high) = ABI_ACCEPTED.into_inner();
    u32::try_from(abi).ok().filter(|abi| ABI_ACCEPTED.contains(abi)).ok_or_else(|| {
        let (low, high) = (Count(low.into()), Count(high.into()));
        Message::FileOfOtherAbi { found: Count(abi), low, high }.into()
    })
}

/// Fails if memory is beyond an option of the load.
fn memory_within(what: &str, bytes: u64, bounds: FileBounds) -> Result<()> {
    if bytes <= bounds.size {
        return Ok(());
    }
    let (what, found, bound) = (Text(what.to_owned()), Size(bytes), Size(bounds.size));
    Err(Message::FileMemoryTooLarge { what, found, bound }.into())
}

fn sizes(input: &mut Reader<'_>, bounds: FileBounds) -> Result<Sizes> {
    let [heap, stack, with_input, with_output] = [input.u64()?, input.u64()?, input.u64()?, input.u64()?];
    let without = |size: u64| size.checked_sub(BUFFER_OVERHEAD).filter(|size| *size > 0);
    let (Some(input_size), Some(output_size)) = (without(with_input), without(with_output)) else {
        return Err(bad("a size is impossible"));
    };
    let options = SandboxOptions::new()
        .heap_size(heap)
        .stack_size(stack)
        .input_size(input_size)
        .output_size(output_size);
    let found = Sizes { heap, stack, input: with_input, output: with_output };
    // The options round accepted sizes: a size that they leave alone is one that a sandbox can have.
    let sizes =
        options.sizes().ok().filter(|sizes| *sizes == found).ok_or_else(|| bad("a size is impossible"))?;
    for (option, size) in sizes.by_option() {
        if size > bounds.each {
            let (option, found, bound) = (Opt(option), Size(size), Size(bounds.each));
            return Err(Message::FileSizeTooLarge { option, found, bound }.into());
        }
    }
    Ok(sizes)
}

fn program(input: &mut Reader<'_>, entry: u64, bias: u64, abi: u32) -> Result<Program> {
    let wrong = || bad("a segment of its program is impossible");
    let count = input.u64()?;
    if count == 0 || count > MAX_SEGMENTS {
        return Err(wrong());
    }
    let mut segments: Vec<Segment> = Vec::new();
    for _ in 0..count {
        let (address, size, access) = (input.u64()?, input.u64()?, input.u64()?);
        let end = address.checked_add(size).ok_or_else(wrong)?;
        let follows = segments.last().is_none_or(|last| last.address + last.size <= address);
        let is_inside = address >= PROGRAM_WINDOW.start && end <= PROGRAM_WINDOW.end && size > 0;
        if !follows || !is_inside || address % PAGE != 0 || size % PAGE != 0 || access > 2 {
            return Err(wrong());
        }
        let (writable, executable) = (access == 1, access == 2);
        segments.push(Segment { address, size, source: 0..0, writable, executable });
    }
    Ok(Program { segments, entry, bias, abi, system_call: None })
}

fn payloads(input: &mut Reader<'_>) -> Result<Vec<PayloadShape>> {
    let wrong = || bad("a payload is impossible");
    let count = input.u64()?;
    if count > MAX_PAYLOADS as u64 {
        return Err(wrong());
    }
    let (mut payloads, mut total) = (Vec::new(), 0_u64);
    for _ in 0..count {
        let (len, executable) = (input.u64()?, input.u64()?);
        total = total.checked_add(len).filter(|total| *total <= MAX_PAYLOAD_BYTES).ok_or_else(wrong)?;
        if executable > 1 {
            return Err(wrong());
        }
        payloads.push(PayloadShape { len, executable: executable == 1 });
    }
    Ok(payloads)
}

/// The shape of placed memory, if the header has one.
fn placement<E: From<Error>>(
    input: &mut Reader<'_>,
    program: &Program,
    bounds: FileBounds,
    part: impl FnOnce(&Named) -> Result<FixedPart, E>,
) -> Result<Option<Arc<Shape>>, E> {
    let wrong = || bad("its placed memory is impossible");
    match input.u64()? {
        0 => return Ok(None),
        1 => {}
        _ => return Err(wrong().into()),
    }
    let (fingerprint, [len, is_whole]) = (input.array()?, input.words()?);
    if len > MAX_FIXED_BYTES || is_whole > 1 {
        return Err(wrong().into());
    }
    memory_within("the memory of its fixed part", len, bounds)?;
    let carried = if is_whole == 1 { Some(carried(input, len)?) } else { None };

    let [arena, stacks, stack_size, jit, count] = input.words()?;
    if jit > 1 || count > MAX_REGIONS as u64 {
        return Err(wrong().into());
    }
    let mut places = Vec::new();
    for _ in 0..count {
        let [address, size, is_fixed, offset, access] = input.words()?;
        let fixed = match (is_fixed, offset) {
            (0, 0) => None,
            (1, offset) => Some(offset),
            _ => return Err(wrong().into()),
        };
        let access = RegionAccess::from_number(access).ok_or_else(wrong)?;
        places.push(Place { address, size, fixed, access });
    }
    let fixed = part(&Named { fingerprint, len, carried })?;
    let shape = Shape { fixed, places, arena, stacks, stack_size, jit: jit == 1 };
    let pages: Vec<_> = program.segments.iter().map(Segment::pages).collect();
    shape.check(&pages).map_err(|reason| bad(&reason))?;
    memory_within("the memory that is placed beside its program", shape.own(), bounds)?;
    if shape.room() > bounds.each {
        let (found, bound) = (Size(shape.room()), Size(bounds.each));
        return Err(Error::from(Message::FilePlacedTooLarge { found, bound }).into());
    }
    Ok(Some(Arc::new(shape)))
}

/// The pages of a fixed part that are in the file, each once, in order.
fn carried(input: &mut Reader<'_>, len: u64) -> Result<Vec<Range<u64>>> {
    let size = len.next_multiple_of(PAGE);
    let count = input.u64()?;
    let (mut pages, mut end) = (Vec::new(), 0);
    for _ in 0..count {
        let (start, len) = (input.page_number()?, input.page_number()?);
        let range = start..start + len;
        if range.is_empty() || range.start < end || range.end > size {
            return Err(bad("a page is not one of its fixed part"));
        }
        end = range.end;
        pages.push(range);
    }
    Ok(pages)
}

/// Pages that belong to the guest, each once, in order.
fn pages(input: &mut Reader<'_>, layout: &Layout, bounds: FileBounds) -> Result<Vec<Range<u64>>> {
    let wrong = || bad("a page is not one of the guest's own");
    let mut own = guest_regions(layout).into_iter();
    let mut region = own.next().ok_or_else(wrong)?;
    let count = input.u64()?;
    let (mut pages, mut end, mut total) = (Vec::new(), 0, 0);
    for _ in 0..count {
        let (start, len) = (input.page_number()?, input.page_number()?);
        // Neither has more than 32 bits of pages.
        let range = start..start + len;
        // Both lists ascend, and are walked together.
        while region.end <= range.start {
            region = own.next().ok_or_else(wrong)?;
        }
        if range.is_empty() || range.start < end || range.start < region.start || range.end > region.end {
            return Err(wrong());
        }
        // Below the size of the guest's memory, because each page occurs once.
        total += len;
        memory_within("the memory in it", total, bounds)?;
        end = range.end;
        pages.push(range);
    }
    Ok(pages)
}

/// The guest physical memory whose contents a file may provide, in ascending order.
pub(super) fn guest_regions(layout: &Layout) -> Vec<Range<u64>> {
    let regions = [&layout.thread, &layout.stack, &layout.heap].into_iter();
    let regions = regions.chain(&layout.program).chain(&layout.payloads).chain(&layout.placed);
    // The fixed part lies behind the image, and is not in the file.
    let mut regions: Vec<_> = regions.map(Region::pages).filter(|pages| pages.end <= layout.size).collect();
    regions.sort_unstable_by_key(|region| region.start);
    regions
}

struct Writer(Vec<u8>);

impl Writer {
    fn u64(&mut self, word: u64) {
        self.0.extend(word.to_le_bytes());
    }

    /// Bytes as pages.
    fn page_number(&mut self, bytes: u64) -> Option<()> {
        self.0.extend(u32::try_from(bytes / PAGE).ok()?.to_le_bytes());
        Some(())
    }

    fn words<const N: usize>(&mut self, words: [u64; N]) {
        self.0.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }
}

struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn u64(&mut self) -> Result<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Pages as bytes.
    fn page_number(&mut self) -> Result<u64> {
        self.array().map(|pages| u64::from(u32::from_le_bytes(pages)) * PAGE)
    }

    fn words<const N: usize>(&mut self) -> Result<[u64; N]> {
        let mut words = [0; N];
        for word in &mut words {
            *word = self.u64()?;
        }
        Ok(words)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let (array, rest) =
            self.0.split_first_chunk::<N>().ok_or_else(|| bad("its header ends too early"))?;
        self.0 = rest;
        Ok(*array)
    }

    fn bytes(&mut self) -> Result<&'b [u8]> {
        let len = self.u64()?;
        let (bytes, rest) = usize::try_from(len)
            .ok()
            .and_then(|len| self.0.split_at_checked(len))
            .ok_or_else(|| bad("its header ends too early"))?;
        self.0 = rest;
        Ok(bytes)
    }
}

pub(super) fn bad(reason: &str) -> Error {
    Message::UnusableFile { reason: Text(reason.to_owned()) }.into()
}
