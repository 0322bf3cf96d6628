//! The guest's entry point and main loop.

use alloc::format;

use libhyperlight_abi::boot::BootInfo;
use libhyperlight_abi::note::AbiNote;
use libhyperlight_abi::{ABI_VERSION, AbortReason, FrameKind, FrameWriter, Full, ValueRef};

use crate::error::{Error, Result, code};
use crate::function::{self, Declaration};
use crate::incoming::Incoming;
use crate::panic::give_up;
use crate::{boot, channel, context, dispatch, heap, logger};

/// Names the version of the wire contract that this program was built for.
#[used]
#[unsafe(link_section = ".note.hyperlight")]
static NOTE: AbiNote = AbiNote::new(ABI_VERSION);

/// The entry point of every guest program.
///
/// # Safety
///
/// Only the engine may call it, once, as `libhyperlight_abi::boot` describes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn _start(boot_info: *const [u8; BootInfo::LEN]) -> ! {
    // SAFETY: the engine hands over the address of a readable boot information.
    let Some(boot) = BootInfo::from_bytes(unsafe { &*boot_info }) else {
        // Without boot information there is no doorbell. The fault tells the host where this happened.
        crate::mem::trap();
    };
    boot::install(boot);
    heap::install();
    logger::install();
    if let Err(error) = initialise() {
        give_up(AbortReason::Abort, error.code, &error.message);
    }
    loop {
        let outcome = channel::exchange(|message| match message {
            Incoming::Call { context, name, arguments } => {
                context::arrived(context);
                dispatch::run(name, arguments)
            }
            _ => give_up(AbortReason::Abort, code::PROTOCOL, "the host sent something else than a call"),
        });
        dispatch::reply(&outcome);
    }
}

/// Runs the main hooks and publishes the functions.
fn initialise() -> Result<()> {
    for main in function::mains() {
        main()?;
    }
    let published = function::seal()?;
    channel::post_with(FrameKind::Ready, |frame| {
        list(frame, published.guest.iter().map(|named| &named.function.declaration))?;
        list(frame, published.host.iter().copied())
    })
    .map_err(|Full { needed, capacity }| {
        let message = format!(
            "the list of functions takes at least {needed} bytes of {capacity}: raise the output size"
        );
        Error::too_large(message)
    })
}

/// Writes the number of functions, then each function.
fn list(
    frame: &mut FrameWriter<'_, [u8]>,
    declarations: impl ExactSizeIterator<Item = &'static Declaration>,
) -> core::result::Result<(), Full> {
    // `seal` has limited the number.
    frame.push(ValueRef::U32(u32::try_from(declarations.len()).unwrap_or(u32::MAX)))?;
    for declaration in declarations {
        frame.push(ValueRef::String(declaration.name()))?;
        frame.push(ValueRef::Bytes(declaration.signature()))?;
    }
    Ok(())
}
