//! The header of a snapshot file.
//!
//! ```text
//! magic 8 bytes, format u32, header length u32, header, zeros up to a multiple of 4096,
//! the pages, as the header lists them; SHA-256 of everything before, 32 bytes
//! ```
//!
//! All numbers are little-endian. The header describes the layout of the memory and not the page tables: those, the
//! stubs and all control registers are made anew from the checked layout. Every number is hostile.
//!
//! The file lists the guest's pages that are not zero, each once and in order; all others are zero. A stored page of
//! zeros, which is how a hole reads, is refused. So the cost of reading is bounded by the stored size.

use std::ops::Range;

use libhyperlight_abi::limits::{BUFFER_OVERHEAD, MAX_PAYLOADS};

use crate::SandboxOptions;
use crate::bounds::{FileBounds, Sizes};
use crate::error::{Error, ErrorCode, Message, Opt, Result, Size, Text};
use crate::guest::Fingerprint;
use crate::guest::elf::ABI_ACCEPTED;
use crate::guest::program::{PROGRAM_WINDOW, Program, Segment};
use crate::image::layout::{Layout, MAX_PAYLOAD_BYTES, PayloadShape, Region};
use crate::int::to_usize;
use crate::pages::PAGE;
use crate::vm::arch::{Features, Registers};

pub(super) const MAGIC: [u8; 8] = *b"HLSNAP\r\n";
/// Raised by every change that an older library cannot read.
///
/// Format 1 had the library's guest ABI in the place of the guest's own, page ranges in bytes, and pages of zeros.
pub(super) const FORMAT: u32 = 2;
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

/// Writes a header with its prefix and the zeros behind it. `None` if it exceeds the maximum length.
pub(super) fn encode(header: &Header) -> Option<Vec<u8>> {
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
    file.extend(FORMAT.to_le_bytes());
    file.extend(len.to_le_bytes());
    file.append(&mut out.0);
    file.resize(file.len().next_multiple_of(to_usize(PAGE)), 0);
    Some(file)
}

/// The header's length, from the file's first bytes.
pub(super) fn header_len(prefix: &[u8; PREFIX]) -> Result<usize> {
    let word = |at: usize| u32::from_le_bytes([prefix[at], prefix[at + 1], prefix[at + 2], prefix[at + 3]]);
    if prefix[..8] != MAGIC {
        return Err(bad("it does not start with the magic number of a snapshot"));
    }
    if word(8) != FORMAT {
        let (by, mends) = if word(8) < FORMAT {
            ("an earlier version of the library", "save it anew")
        } else {
            ("a later version of the library", "load it with that")
        };
        let format = word(8);
        return Err(bad(&format!("its format is {format}, that of {by}; expected {FORMAT}; {mends}")));
    }
    if word(12) > MAX_HEADER {
        return Err(bad("its header is impossibly long"));
    }
    Ok(word(12) as usize)
}

/// Reads a header and checks all of it.
pub(super) fn decode(bytes: &[u8], bounds: FileBounds) -> Result<Header> {
    let mut input = Reader(bytes);
    let abi = abi(&mut input)?;
    let features = Features::from_words(input.words()?)
        .ok_or_else(|| bad("its list of processor features is malformed"))?;
    let fingerprint = input.array()?;
    let sizes = sizes(&mut input, bounds)?;
    let (entry, bias) = (input.u64()?, input.u64()?);
    let program = program(&mut input, entry, bias, abi)?;
    let payloads = payloads(&mut input)?;
    let memory = program.segments.iter().map(|segment| segment.size);
    let memory = memory.chain(payloads.iter().map(|payload| payload.len)).sum::<u64>();
    memory_within("the memory of its guest's program and payloads", memory, bounds)?;

    let registers =
        Registers::from_words(input.words()?).ok_or_else(|| bad("a segment base is not an address"))?;
    let sent = input.u64()?;
    let functions = input.bytes()?.to_vec();
    let required = input.bytes()?.to_vec();
    let extended_state = input.bytes()?.to_vec();
    let layout = Layout::new(&program, &payloads, None, &sizes);
    let pages = pages(&mut input, &layout, bounds)?;
    if !input.0.is_empty() {
        return Err(bad("something follows the header's last field"));
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
    u32::try_from(abi)
        .ok()
        .filter(|abi| ABI_ACCEPTED.contains(abi))
        .ok_or_else(|| bad(&format!("its guest has ABI {abi}, this library accepts {low} to {high}")))
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
    Error::new(ErrorCode::SnapshotFile, format!("the snapshot file cannot be used: {reason}"))
}
