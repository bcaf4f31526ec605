//! Names that a cluster invents.

use apimachinery::Digest;
use serde_json::Value;

/// Letters and digits that spell nothing (`k8s.io/apimachinery/pkg/util/rand`).
const ALPHABET: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Most characters of a name.
const NAME_LENGTH: usize = 253;

/// `length` characters that follow from some texts.
pub(crate) fn suffix(parts: &[&str], length: usize) -> String {
    let digest = Digest::of_parts(parts.iter().map(|part| part.as_bytes())).to_string();
    let pairs = digest.as_bytes().chunks_exact(2).take(length);
    let letter = |pair: &[u8]| {
        let number = pair.iter().fold(0, |sum, digit| sum * 16 + hexadecimal(*digit));
        // The alphabet is longer than any remainder.
        ALPHABET.get(number % ALPHABET.len()).copied().unwrap_or(b'b')
    };
    pairs.map(|pair| char::from(letter(pair))).collect()
}

fn hexadecimal(digit: u8) -> usize {
    char::from(digit).to_digit(16).and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
}

/// The label value that tells pods of one template from those of another; `collisions` makes another one where two templates share it.
pub(crate) fn template_hash(template: &Value, collisions: i64) -> String {
    suffix(&[&template.to_string(), &collisions.to_string()], 10)
}

/// `base` and a suffix; a base that is too long is cut, as `generateName` does.
pub(crate) fn generated(base: &str, suffix: &str) -> String {
    let room = NAME_LENGTH.saturating_sub(suffix.len() + 1);
    let base: String = base.chars().take(room).collect();
    format!("{base}-{suffix}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_follow_from_what_they_are_made_of() {
        assert_eq!(suffix(&["a"], 5), suffix(&["a"], 5));
        assert_ne!(suffix(&["a"], 5), suffix(&["b"], 5));
        assert!(suffix(&["a"], 10).bytes().all(|letter| ALPHABET.contains(&letter)));
        assert_ne!(template_hash(&json!({}), 0), template_hash(&json!({}), 1));
        assert_eq!(generated(&"x".repeat(300), "abc").len(), 253);
    }
}
