//! The values of a generated chart: a member for every kind of value that expressions ask for.

use proptest::prelude::*;

use super::literals::any_text;
use crate::kustomize::text::{S, Y, either, list, must, raw, record, set_of};

/// Keys of maps. A field can only be asked for where the key is a name.
pub const KEYS: &[&str] = &["a", "b", "c", "name", "A", "a-b", "a.b", "1", "true", "ключ", "_x", ""];

fn text() -> S {
    any_text()
        .prop_filter("YAML has no place for it", |text| !text.contains(['\u{0}', '\u{feff}']))
        .prop_map(Y::text)
        .boxed()
}

fn number() -> S {
    raw(&[
        "1",
        "0",
        "-1",
        "2",
        "3",
        "10",
        "0.5",
        "-2.75",
        "1e21",
        "1e-7",
        "9007199254740993",
        "123456789.125",
        "1.0",
        "100000",
        "10000000",
        "-0.0",
        "0x1F",
        "0o17",
        "1_000",
        "2147483648",
        "1e3",
        "65",
    ])
}

fn scalar() -> S {
    either(vec![
        (4, text()),
        (4, number()),
        (2, raw(&["true", "false"])),
        (
            1,
            raw(&[
                "null",
                "~",
                "yes",
                "2024-02-29",
                "2001-12-14t21:59:43.10-05:00",
                "0777",
                "1:30",
                ".5",
                "+1",
            ]),
        ),
    ])
}

fn map_of(values: S, most: usize) -> S {
    prop::collection::vec((prop::sample::select(KEYS), values), 0..=most)
        .prop_map(|members| {
            let mut map = Y::Map(Vec::new());
            members.into_iter().for_each(|(key, value)| map.set(key, value));
            map
        })
        .boxed()
}

fn anything() -> S {
    let nested =
        |inner: S| either(vec![(3, inner.clone()), (1, list(inner.clone(), 0..=3)), (1, map_of(inner, 3))]);
    nested(nested(scalar()))
}

/// The values file as a tree.
pub fn values() -> S {
    record(vec![
        must("s", text()),
        must("t", text()),
        must("n", number()),
        must("m", number()),
        must("b", raw(&["true", "false"])),
        must("l", list(anything(), 0..=4)),
        must("w", list(text(), 0..=4)),
        must("u", set_of(number(), 0..=4)),
        must("d", map_of(anything(), 4)),
        must("e", map_of(map_of(scalar(), 3), 3)),
        must("x", anything()),
        must("z", raw(&["null"])),
    ])
}
