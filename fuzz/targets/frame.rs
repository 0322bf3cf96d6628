//! The decoders of everything that crosses the wall: any bytes are a message or a refusal, and a message that is encoded
//! again is the same bytes.
#![no_main]

use hyperlight_abi::message::{self, LogRecord};
use hyperlight_abi::{Frame, FrameKind, ToGuest, ToHost, ValueRef};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let _ = ToGuest::decode(bytes);
    let _ = LogRecord::decode(bytes);
    match ToHost::decode(bytes) {
        Ok(ToHost::Ready(ready)) => {
            let _ = ready.read(|_, _| (), |_, _| ());
        }
        Ok(ToHost::Result(value)) => same(bytes, FrameKind::Result, &[value]),
        Ok(ToHost::HostCall { name, arguments }) => {
            let mut items = vec![ValueRef::String(name)];
            items.extend(arguments.as_slice());
            same(bytes, FrameKind::HostCall, &items);
        }
        _ => {}
    }
});

fn same(bytes: &[u8], kind: FrameKind, items: &[ValueRef<'_>]) {
    let mut again = vec![0; bytes.len()];
    let len = message::encode(again.as_mut_slice(), kind, &[], items).expect("it came from as many bytes");
    assert_eq!(&again[..len], bytes);
    assert!(Frame::decode(&again).is_ok());
}
