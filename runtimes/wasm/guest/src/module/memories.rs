//! Exported memories, which the host can read and write.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use libhyperlight_guest::{Error, Kind, Result, Value, ValueRef, bail, register};
use libhyperlight_wasm_contract::{code, memory};
use wasmtime::Memory;

use crate::state::Shared;

/// Publishes the functions that reach memories, if there are any.
pub(super) fn publish(shared: &Shared, memories: Vec<(String, Memory)>) -> Result<()> {
    if memories.is_empty() {
        return Ok(());
    }
    let memories = Rc::new(memories);
    let with = |run: fn(&mut [u8], &[ValueRef<'_>]) -> Result<Value>| {
        let (shared, memories) = (Rc::clone(shared), Rc::clone(&memories));
        move |arguments: &[ValueRef<'_>]| {
            let Some(ValueRef::String(name)) = arguments.first() else {
                bail!(code::MEMORY, "the first argument is the memory's name");
            };
            let Some((_, memory)) = memories.iter().find(|(found, _)| found == name) else {
                bail!(code::MEMORY, "the program exports no memory `{name}`");
            };
            run(memory.data_mut(&mut *shared.borrow_mut()), arguments)
        }
    };
    register(memory::SIZE, &[Kind::String], Kind::U64, with(|data, _| Ok(Value::U64(data.len() as u64))))?;
    register(memory::READ, &[Kind::String, Kind::U64, Kind::U64], Kind::Bytes, with(read))?;
    register(memory::WRITE, &[Kind::String, Kind::U64, Kind::Bytes], Kind::Void, with(write))
}

fn read(data: &mut [u8], arguments: &[ValueRef<'_>]) -> Result<Value> {
    let [_, ValueRef::U64(offset), ValueRef::U64(len)] = arguments else {
        bail!(code::MEMORY, "an offset and a length are needed");
    };
    let part = part(data, *offset, *len)?;
    let mut copy = Vec::new();
    if copy.try_reserve_exact(part.len()).is_err() {
        bail!(code::MEMORY, "{len} bytes do not fit the heap: raise the heap size or read less at once");
    }
    copy.extend_from_slice(part);
    Ok(Value::Bytes(copy))
}

fn write(data: &mut [u8], arguments: &[ValueRef<'_>]) -> Result<Value> {
    let [_, ValueRef::U64(offset), ValueRef::Bytes(bytes)] = arguments else {
        bail!(code::MEMORY, "an offset and bytes are needed");
    };
    part(data, *offset, bytes.len() as u64)?.copy_from_slice(bytes);
    Ok(Value::Void)
}

/// Part of a memory.
fn part(data: &mut [u8], offset: u64, len: u64) -> Result<&mut [u8]> {
    let size = data.len();
    let range =
        usize::try_from(offset).ok().zip(offset.checked_add(len).and_then(|end| usize::try_from(end).ok()));
    range.and_then(|(start, end)| data.get_mut(start..end)).ok_or_else(|| {
        let message = alloc::format!("the memory has {size} bytes, not {len} from {offset}");
        Error::new(code::MEMORY, message)
    })
}
