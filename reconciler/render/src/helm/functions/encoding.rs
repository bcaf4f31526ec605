//! Sprig's encodings and checksums of texts.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use super::Param::Text as AText;
use super::{Function, fixed, text};
use crate::helm::value::Value;

pub(super) const TABLE: &[Function] = &[
    fixed("b64enc", &[AText], |_, arguments| Ok(Value::text(STANDARD.encode(text(arguments, 0).as_bytes())))),
    fixed("b64dec", &[AText], |_, arguments| Ok(decoded("base64", &BASE64, text(arguments, 0).as_bytes()))),
    fixed("b32enc", &[AText], |_, arguments| Ok(Value::text(base32(text(arguments, 0).as_bytes())))),
    fixed("b32dec", &[AText], |_, arguments| {
        // Go counts without the line breaks here, and with them in base64.
        let mut bytes = text(arguments, 0).as_bytes().to_vec();
        bytes.retain(|byte| !matches!(byte, b'\r' | b'\n'));
        Ok(decoded("base32", &BASE32, &bytes))
    }),
    fixed("sha1sum", &[AText], |_, arguments| {
        Ok(Value::text(hex(&Sha1::digest(text(arguments, 0).as_bytes()))))
    }),
    fixed("sha256sum", &[AText], |_, arguments| {
        Ok(Value::text(hex(&Sha256::digest(text(arguments, 0).as_bytes()))))
    }),
    fixed("sha512sum", &[AText], |_, arguments| {
        Ok(Value::text(hex(&Sha512::digest(text(arguments, 0).as_bytes()))))
    }),
    fixed("adler32sum", &[AText], |_, arguments| {
        Ok(Value::text(adler32(text(arguments, 0).as_bytes()).to_string()))
    }),
];

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// RFC 1950.
fn adler32(bytes: &[u8]) -> u32 {
    const MODULUS: u32 = 65521;
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % MODULUS;
        (a, (b + a) % MODULUS)
    });
    b << 16 | a
}

/// An encoding that puts so many bits into a character and so many characters into a group.
struct Alphabet {
    characters: &'static [u8],
    bits: u32,
    group: usize,
    /// How many characters a padded group may have.
    lengths: &'static [usize],
    /// Whether less than a group may follow the padding. It is not looked at.
    tail: bool,
}

const BASE64: Alphabet = Alphabet {
    characters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    bits: 6,
    group: 4,
    lengths: &[2, 3],
    tail: false,
};

const BASE32: Alphabet = Alphabet {
    characters: b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567",
    bits: 5,
    group: 8,
    lengths: &[2, 4, 5, 7],
    tail: true,
};

fn base32(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 8 / 5 + 8);
    for group in bytes.chunks(5) {
        let padded =
            group.iter().chain(&[0; 5]).take(5).fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let used = (group.len() * 8).div_ceil(5);
        for at in 0..8 {
            let five = usize::try_from(padded >> (35 - 5 * at) & 31).unwrap_or(0);
            let c = if at < used { BASE32.characters.get(five).copied().unwrap_or(b'=') } else { b'=' };
            out.push(char::from(c));
        }
    }
    out
}

/// The decoded bytes, or the text of Go's error: templates print it where the argument is no such encoding.
fn decoded(name: &str, alphabet: &Alphabet, bytes: &[u8]) -> Value {
    match decode(alphabet, bytes) {
        Ok(bytes) => Value::text(bytes),
        Err(at) => Value::text(format!("illegal {name} data at input byte {at}")),
    }
}

/// Line breaks do not count, padding must be right, bits that are left over are not looked at. The error is Go's place of it.
fn decode(alphabet: &Alphabet, bytes: &[u8]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.iter().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n'));
    loop {
        let (mut bits, mut count) = (0_u64, 0);
        let mut padding = None;
        while count < alphabet.group {
            match rest.next() {
                None if count == 0 => return Ok(out),
                None => return Err(bytes.len() - count),
                Some((at, b'=')) => {
                    padding = Some(at);
                    break;
                }
                Some((at, byte)) => {
                    let value = alphabet.characters.iter().position(|c| c == byte).ok_or(at)?;
                    bits = bits << alphabet.bits | value as u64;
                    count += 1;
                }
            }
        }
        let whole = count as u32 * alphabet.bits / 8;
        let surplus = count as u32 * alphabet.bits - whole * 8;
        bits >>= surplus;
        if let Some(at) = padding {
            let follow = rest.clone().count();
            let no_padding = if alphabet.tail {
                count < 2 || follow >= alphabet.group
            } else {
                !alphabet.lengths.contains(&count)
            };
            if no_padding {
                return Err(at);
            }
            if alphabet.tail && follow + count + 1 < alphabet.group {
                return Err(bytes.len());
            }
            for _ in count + 1..alphabet.group {
                match rest.next() {
                    Some((_, b'=')) => {}
                    // Go names the place before.
                    Some((at, _)) => return Err(at - 1),
                    None => return Err(bytes.len()),
                }
            }
            match rest.next() {
                Some((at, _)) if !alphabet.tail => return Err(at),
                _ if !alphabet.lengths.contains(&count) => return Err(at),
                _ => {}
            }
        }
        out.extend((0..whole).rev().map(|at| (bits >> (8 * at) & 0xff) as u8));
        if padding.is_some() {
            return Ok(out);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_and_encodings_are_the_known_ones() {
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
        assert_eq!(base32(b"foobar"), "MZXW6YTBOI======");
        assert_eq!(decode(&BASE32, b"MZXW6YTBOI======"), Ok(b"foobar".to_vec()));
        assert_eq!(decode(&BASE64, b"Zm9v\nYg=="), Ok(b"foob".to_vec()));
        assert_eq!(decode(&BASE64, b"Zm9v!"), Err(4));
        assert_eq!(decode(&BASE64, b"Zg==Zg=="), Err(4));
    }
}
