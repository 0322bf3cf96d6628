//! The start of a program: its first registers, and what it finds on its stack.

use alloc::vec::Vec;

use libhyperlight_linux_contract::index::Object;

use crate::errno::Errno;
use crate::files::Found;
use crate::frame::Frame;
use crate::kernel::Kernel;
use crate::platform::Platform;
use crate::user;

/// Bytes of arguments and environment together.
const MAX_STRINGS: usize = 2 << 20;

/// Arguments and variables.
const MAX_COUNT: usize = 1 << 16;

/// The share of the stack that they may take.
const SHARE: u64 = 4;

/// The auxiliary vector's numbers.
const HEADERS: u64 = 3;
const HEADER_LEN: u64 = 4;
const HEADER_COUNT: u64 = 5;
const PAGE_SIZE: u64 = 6;
const LOADER: u64 = 7;
const FLAGS: u64 = 8;
const ENTRY: u64 = 9;
const USER: u64 = 11;
const EFFECTIVE_USER: u64 = 12;
const GROUP: u64 = 13;
const EFFECTIVE_GROUP: u64 = 14;
const CAPABILITIES: u64 = 16;
const TICKS: u64 = 17;
const SECURE: u64 = 23;
const RANDOM: u64 = 25;
const CAPABILITIES_2: u64 = 26;
const FILE_NAME: u64 = 31;
const CLOCKS: u64 = 33;

/// A program, and all that it is started with.
#[derive(Clone, Debug)]
pub struct Start<'a> {
    /// Path of the program.
    pub program: &'a [u8],
    /// Its arguments, the first of which is its name.
    pub arguments: &'a [Vec<u8>],
    /// Its environment, as `NAME=value`.
    pub environment: &'a [Vec<u8>],
    /// The working folder.
    pub folder: &'a [u8],
    /// Address of the object with the clocks, 0 if there is none.
    pub clocks: u64,
    /// The first leaf of `cpuid`, `edx`.
    pub capabilities: u64,
}

impl<P: Platform> Kernel<P> {
    /// Prepares the program. Returns its first registers.
    pub fn start(&mut self, start: &Start<'_>) -> Result<Frame, Errno> {
        let path = self.files.resolve(b"/", start.program, true)?;
        let (number, object) = self.object_at(&path)?;
        self.files.program.clone_from(&path);
        self.files.working = self.files.resolve(b"/", start.folder, true)?;
        self.command_line =
            start.arguments.iter().flat_map(|argument| argument.iter().chain(&[0])).copied().collect();
        if let Some(name) = path.rsplit(|byte| *byte == b'/').next() {
            let mut short = [0; 16];
            short.iter_mut().zip(name.iter().take(15)).for_each(|(place, byte)| *place = *byte);
            self.threads.current().name = short;
        }
        self.memory.add_object(number, &object);
        let loader = match self.files.index.entry(object.interpreter) {
            Some(entry) => {
                let loader = self.files.index.object(&entry).ok_or(Errno::NOENT)?;
                self.memory.add_object(object.interpreter, &loader);
                Some(loader)
            }
            None => None,
        };
        let stack = self.stack(start, &path, &object, loader.as_ref())?;
        let entry = loader.map_or(object.entry, |loader| loader.entry);
        if entry == 0 {
            return Err(Errno::INVAL);
        }
        Ok(Frame { rip: entry, rsp: stack, ..Frame::default() })
    }

    fn object_at(&self, path: &[u8]) -> Result<(u32, Object), Errno> {
        match self.files.find(path) {
            Some(Found::Laid(number, entry)) => {
                self.files.index.object(&entry).map(|object| (number, object)).ok_or(Errno::INVAL)
            }
            _ => Err(Errno::NOENT),
        }
    }

    /// Writes the stack. Returns where it ends.
    fn stack(
        &mut self,
        start: &Start<'_>,
        path: &[u8],
        object: &Object,
        loader: Option<&Object>,
    ) -> Result<u64, Errno> {
        let (arguments, environment) = (start.arguments, start.environment);
        let (bottom, top) = self.memory.main_stack();
        let texts: Vec<&[u8]> =
            arguments.iter().chain(environment).map(|text| &**text).chain([path]).collect();
        let strings = texts.iter().fold(0_usize, |sum, text| sum.saturating_add(text.len() + 1));
        let needed = (strings + texts.len() * 8) as u64;
        if strings > MAX_STRINGS || texts.len() > MAX_COUNT || needed > (top - bottom) / SHARE {
            return Err(Errno::NOMEM);
        }
        // From the end: the strings, random bytes, then the words.
        let mut at = top - 16 - (strings as u64).next_multiple_of(16);
        let mut places = Vec::with_capacity(texts.len());
        let mut next = at;
        for text in &texts {
            places.push(next);
            let len = text.len() as u64;
            user::bytes_mut(next, len)?.copy_from_slice(text);
            user::write(next + len, 0_u8)?;
            next += len + 1;
        }
        at -= 16;
        let random = at;
        self.platform.random(user::bytes_mut(random, 16)?);
        let file_name = places.pop().unwrap_or(0);
        let mut words = Vec::with_capacity(places.len() + 64);
        words.push(arguments.len() as u64);
        let (of_arguments, of_environment) = places.split_at_checked(arguments.len()).unwrap_or_default();
        words.extend_from_slice(of_arguments);
        words.push(0);
        words.extend_from_slice(of_environment);
        words.push(0);
        let vector = [
            [HEADERS, object.headers],
            [HEADER_LEN, 56],
            [HEADER_COUNT, u64::from(object.header_count)],
            [PAGE_SIZE, crate::memory::PAGE],
            [LOADER, loader.map_or(0, |loader| loader.bias)],
            [FLAGS, 0],
            [ENTRY, object.entry],
            [USER, 0],
            [EFFECTIVE_USER, 0],
            [GROUP, 0],
            [EFFECTIVE_GROUP, 0],
            [CAPABILITIES, start.capabilities],
            [TICKS, 100],
            [SECURE, 0],
            [RANDOM, random],
            [CAPABILITIES_2, 0],
            [FILE_NAME, file_name],
        ];
        words.extend(vector.into_iter().flatten());
        if start.clocks != 0 {
            words.extend([CLOCKS, start.clocks]);
        }
        words.extend([0, 0]);
        at = (at - words.len() as u64 * 8) & !15;
        for (number, word) in (0_u64..).zip(&words) {
            user::write(at + number * 8, *word)?;
        }
        Ok(at)
    }
}
