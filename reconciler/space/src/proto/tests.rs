use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::decode;

/// Go writes null for an absent list that has no `omitempty`, and an empty list reads back as an absent one; all that is the same to the server.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, v)| !v.is_null() && *v != json!([]))
                .map(|(k, v)| (k, without_nulls(v)))
                .collect(),
        ),
        Value::Array(list) => Value::Array(list.into_iter().map(without_nulls).collect()),
        other => other,
    }
}

#[test]
fn every_kind_reads_as_go_writes_it() {
    for line in include_str!("examples.txt").lines() {
        let (body, expected) = line.split_once(' ').unwrap();
        let seen = decode(&STANDARD.decode(body).unwrap()).unwrap();
        let expected: Value = serde_json::from_str(expected).unwrap();
        assert_eq!(without_nulls(seen), without_nulls(expected));
    }
}

/// `kubectl create namespace a` sends all strings of the metadata, empty ones too.
#[test]
fn empty_fields_are_left_out() {
    let body = b"k8s\0\n\x0f\n\x02v1\x12\tNamespace\x12\x0d\n\x07\n\x01a\x12\0\x1a\0\x12\0\x1a\0\x1a\0\"\0";
    assert_eq!(
        decode(body).unwrap(),
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "a"}, "spec": {}, "status": {}})
    );
}

#[track_caller]
fn check_refused(body: &[u8], code: u16) {
    assert_eq!(decode(body).unwrap_err().code(), code);
}

#[test]
fn other_bodies_are_refused() {
    check_refused(b"{}", 400);
    check_refused(b"k8s\0\n\x0f\n\x02v1\x12\tWidgetabc", 415);
    check_refused(b"k8s\0\n\xff", 400);
    check_refused(b"k8s\0\n\x0f\n\x02v1\x12\tNamespace\x12\x02\n\x09", 400);
}

mod laws {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut body = b"k8s\0\n\x16\n\x07apps/v1\x12\x0bDeployment\x12".to_vec();
            body.push(u8::try_from(bytes.len() & 0x7f).unwrap());
            body.extend(&bytes);
            drop(super::decode(&body));
            drop(super::decode(&[b"k8s\0", bytes.as_slice()].concat()));
        }
    }
}
