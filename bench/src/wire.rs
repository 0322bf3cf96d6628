//! Encoding and decoding a call with a string of 26 bytes and an `i32`.

use libhyperlight_abi::frame::{Frame, FrameKind};
use libhyperlight_abi::{ValueRef, message};

use crate::stats::{Samples, in_turns};
use crate::table::Row;

const BATCH: u32 = 1000;

pub fn rows() -> Vec<Row> {
    let values = [ValueRef::String("abcdefghijklmnopqrstuvwxyz"), ValueRef::I32(-7)];
    let mut buffer = [0; 256];
    let [encode, decode] = in_turns(2000, |[encode, decode]| {
        encode.time_many(BATCH, || {
            let values = std::hint::black_box(&values);
            let len = message::encode(buffer.as_mut_slice(), FrameKind::Result, &[], values).unwrap();
            std::hint::black_box(len);
        });
        let len = message::encode(buffer.as_mut_slice(), FrameKind::Result, &[], &values).unwrap();
        decode.time_many(BATCH, || {
            let mut items = Frame::decode(std::hint::black_box(&buffer[..len])).unwrap().items();
            let found = (items.string().unwrap(), items.i32().unwrap());
            items.finish().unwrap();
            std::hint::black_box(found);
        });
    });
    let row = |metric, ours, must_ns| Row {
        metric,
        floor_name: "–",
        ours,
        floor: Samples::default(),
        must: None,
        want: None,
        must_ns: Some(must_ns),
        must_p99: None,
    };
    vec![
        row("frame encode (string of 26 bytes, i32)", encode, 15.0),
        row("frame decode and check", decode, 30.0),
    ]
}
