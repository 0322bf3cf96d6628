//! Programs in their binary form, for those that no text could hold.

pub fn number(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    loop {
        let [byte, ..] = (value & 0x7f).to_le_bytes();
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return out;
        }
        out.push(byte | 0x80);
    }
}

pub fn name(text: &str) -> Vec<u8> {
    [number(text.len() as u64), text.as_bytes().to_vec()].concat()
}

/// A list of items: their number, and they themselves.
pub fn list(items: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Vec<u8> {
    let (mut count, mut out) = (0, Vec::new());
    for item in items {
        count += 1;
        out.extend_from_slice(item.as_ref());
    }
    [number(count), out].concat()
}

pub fn section(id: u8, body: impl AsRef<[u8]>) -> Vec<u8> {
    [vec![id], number(body.as_ref().len() as u64), body.as_ref().to_vec()].concat()
}

pub fn module(sections: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    sections.into_iter().fold(b"\0asm\x01\0\0\0".to_vec(), |mut out, section| {
        out.extend(section);
        out
    })
}

pub fn component(sections: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    sections.into_iter().fold(b"\0asm\x0d\0\x01\0".to_vec(), |mut out, section| {
        out.extend(section);
        out
    })
}

/// Parts, one behind the other.
pub fn bytes<const N: usize>(parts: [&[u8]; N]) -> Vec<u8> {
    parts.concat()
}

/// A type of functions of a module.
pub fn function_type(params: &[u8], results: &[u8]) -> Vec<u8> {
    bytes([&[0x60], &list(params.iter().map(|ty| [*ty])), &list(results.iter().map(|ty| [*ty]))])
}

/// The code of a function, with so many local variables of i64.
pub fn body(locals: u64, code: &[u8]) -> Vec<u8> {
    let declared = if locals == 0 { vec![0] } else { bytes([&[1], &number(locals), &[0x7e]]) };
    let body = bytes([&declared, code, &[0x0b]]);
    bytes([&number(body.len() as u64), &body])
}

/// A module of functions of one type, and what comes before their code.
pub fn functions(ty: &[u8], between: Vec<u8>, bodies: &[Vec<u8>]) -> Vec<u8> {
    module([
        section(1, list([ty])),
        section(3, list(bodies.iter().map(|_| [0]))),
        between,
        section(10, list(bodies)),
    ])
}
