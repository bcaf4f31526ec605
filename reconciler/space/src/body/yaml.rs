//! YAML bodies, as Kubernetes reads YAML: the 1.1 forms of booleans and octals, merge keys, no tags with a meaning of their own.

use serde_json::Value;
use serde_saphyr::options::DuplicateKeyPolicy;

use super::Decoded;
use crate::status::{Answer, ApiError};

/// Reads one document.
///
/// # Errors
/// 400 for what is no YAML, is no UTF-8, or expands beyond the parser's budget.
pub(super) fn decode(bytes: &[u8]) -> Answer<Decoded> {
    match parse(bytes, DuplicateKeyPolicy::Error) {
        Ok(value) => Ok(Decoded { value, duplicates: Vec::new() }),
        // What is fine with the last of two equal keys winning was only at fault for having two.
        Err(strict) => match parse(bytes, DuplicateKeyPolicy::LastWins) {
            Ok(value) => Ok(Decoded { value, duplicates: vec![strict] }),
            Err(error) => Err(ApiError::bad_request(format!("error converting YAML to JSON: {error}"))),
        },
    }
}

fn parse(bytes: &[u8], duplicate_keys: DuplicateKeyPolicy) -> Result<Value, String> {
    let options = serde_saphyr::options! {
        duplicate_keys: duplicate_keys,
        legacy_octal_numbers: true,
        strict_booleans: false,
    };
    // The first line of the message: the rest shows the document, which may be a Secret.
    let first_line =
        |error: serde_saphyr::Error| error.to_string().lines().next().unwrap_or("malformed").to_owned();
    serde_saphyr::from_slice_with_options(bytes, options).map_err(first_line)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn yaml_is_read_and_duplicates_are_told() {
        let fine = decode(b"a: 1\nb: {c: [x, 'yes']}\nd: \"1\"\n").unwrap();
        assert_eq!(fine.value, json!({"a": 1, "b": {"c": ["x", "yes"]}, "d": "1"}));
        assert!(fine.duplicates.is_empty());
        let twice = decode(b"a: 1\na: 2\n").unwrap();
        assert_eq!((twice.value, twice.duplicates.len()), (json!({"a": 2}), 1));
        assert_eq!(decode(b"a: [").unwrap_err().code(), 400);
        assert_eq!(decode(b"{\"a\": \"b\"}").unwrap().value, json!({"a": "b"}));
    }
}
