//! Laws of the loader and the emitter, on generated values.

use proptest::prelude::*;

use super::{Float, Loader, Map, Node, Profile, Value, emit};

/// Texts that tempt an emitter: words, numbers, indicators, breaks, blanks, wide characters. U+2028 is left out: go-yaml, whose
/// bytes we write, takes it for a line break, YAML 1.2 and our loader do not.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z]{1,12}",
        Just(" ".to_owned()),
        Just("\n".to_owned()),
        Just(": ".to_owned()),
        Just(" #".to_owned()),
        Just("- ".to_owned()),
        "[0-9._:+-]{1,8}",
        prop::sample::select(vec![
            "yes", "null", "~", "<<", "'", "\"", "\\", "{", "]", "\t", "é", "😀", "---", "%", "\r"
        ])
        .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

fn value() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (i64::MAX as u64 + 1..).prop_map(Value::Uint),
        (-1e9..1e9_f64)
            .prop_filter("integral floats come back as integers", |f| f.fract() != 0.0)
            .prop_map(|number| Value::Float(Box::new(Float { number, text: number.to_string() }))),
        text().prop_map(Value::String),
    ];
    let leaf = leaf.prop_map(Node::from);
    leaf.prop_recursive(4, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| Node::from(Value::Seq(items))),
            prop::collection::btree_map(text(), inner, 0..6).prop_map(|entries| {
                let entries = entries.into_iter().map(|(key, node)| (Box::from(key), node)).collect();
                Node::from(Value::Map(Map::from_entries(entries)))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_emitted_loads_as_the_same_value(node in value()) {
        let mut top = Map::new();
        top.insert("top", node);
        let top = Node::from(Value::Map(top));
        let text = emit(&top);
        let loaded = Loader::new(Profile::Kustomize).load("f", text.as_bytes());
        let loaded = loaded.map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        prop_assert_eq!(loaded.len(), 1, "{}", text);
        prop_assert_eq!(loaded[0].to_json(), top.to_json(), "{}", text);
        // Emitting is a fixed point.
        prop_assert_eq!(emit(&loaded[0]), text);
    }

    #[test]
    fn no_text_makes_the_loader_panic(text in "[ -~\n\t\u{1f600}]{0,200}") {
        for profile in [Profile::Kustomize, Profile::Kubectl] {
            let _ = Loader::new(profile).load("f", text.as_bytes());
        }
    }
}
