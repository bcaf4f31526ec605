//! SHA-256 in hex.

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};

pub(crate) fn hex_sha256(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}
