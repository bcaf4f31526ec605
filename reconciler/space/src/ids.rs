//! Randomness as a constructor argument: uids, name suffixes, tokens.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use apimachinery::Digest;

/// Where random bytes come from.
pub trait Ids: Send + Sync {
    /// Fills the buffer.
    fn fill(&self, bytes: &mut [u8]);
}

/// The operating system's randomness.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemIds;

impl Ids for SystemIds {
    fn fill(&self, bytes: &mut [u8]) {
        // It fails only where the system has no entropy source at all; a uid of zeros is then noticed at the second create, and a
        // token is never made of it, see `token`.
        if rustls::crypto::ring::default_provider().secure_random.fill(bytes).is_err() {
            bytes.fill(0);
        }
    }
}

/// The same bytes in every run, different at each call. For tests only: tokens made of it are not secret.
#[derive(Debug)]
pub struct SeededIds {
    seed: u64,
    calls: AtomicU64,
}

impl SeededIds {
    /// A sequence of its own per seed.
    pub fn new(seed: u64) -> Self {
        Self { seed, calls: AtomicU64::new(0) }
    }
}

impl Ids for SeededIds {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let call = self.calls.fetch_add(1, Ordering::Relaxed);
            let digest =
                Digest::of_parts([self.seed.to_be_bytes().as_slice(), &call.to_be_bytes()]).to_string();
            for (byte, text) in chunk.iter_mut().zip(digest.as_bytes().chunks(2)) {
                let text = std::str::from_utf8(text).unwrap_or("00");
                *byte = u8::from_str_radix(text, 16).unwrap_or(0);
            }
        }
    }
}

/// A random UUID (version 4).
pub(crate) fn uid(ids: &dyn Ids) -> String {
    let mut bytes = [0_u8; 16];
    ids.fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let mut text = String::with_capacity(36);
    for (index, byte) in bytes.iter().enumerate() {
        if matches!(index, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

/// The five characters that `generateName` gets: no vowels, no digits that look like letters, as in `k8s.io/apimachinery/pkg/util/rand`.
pub(crate) fn name_suffix(ids: &dyn Ids) -> String {
    const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";
    let mut bytes = [0_u8; 5];
    ids.fill(&mut bytes);
    bytes.iter().map(|&byte| char::from(ALPHABET[usize::from(byte) % ALPHABET.len()])).collect()
}

/// A bearer token of 256 bits; `None` without a source of randomness.
pub(crate) fn token(ids: &dyn Ids) -> Option<String> {
    let mut bytes = [0_u8; 32];
    ids.fill(&mut bytes);
    if bytes == [0; 32] {
        return None;
    }
    Some(bytes.iter().fold(String::new(), |mut text, byte| {
        let _infallible = write!(text, "{byte:02x}");
        text
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_form_of_kubernetes() {
        let ids = SeededIds::new(1);
        let uid = uid(&ids);
        assert_eq!((uid.len(), &uid[14..15], uid.matches('-').count()), (36, "4", 4));
        assert_eq!(name_suffix(&ids).len(), 5);
        assert_ne!(token(&ids), token(&ids));
        assert_eq!(token(&SeededIds::new(7)), token(&SeededIds::new(7)));
        assert!(token(&SystemIds).is_some());
    }
}
