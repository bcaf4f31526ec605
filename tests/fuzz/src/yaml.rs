//! The loader and the emitter.

use render::yaml::{Limits, Loader, Node, Profile, Value, emit};

/// Low enough for a fuzzer to reach.
const LIMITS: Limits = Limits { file_bytes: 4096, nodes: 500, depth: 12, documents: 8 };

/// Every profile reads the same bytes the same way, within its limits; lower limits only ever take away; what is emitted reads back.
pub fn yaml(bytes: &[u8]) {
    for profile in [Profile::Kustomize, Profile::Kubectl] {
        let loader = Loader::new(profile);
        let loaded = loader.load("input", bytes);
        assert_eq!(loaded, loader.load("input", bytes), "two readings differ");
        let limited = Loader { profile, limits: LIMITS }.load("input", bytes);
        match &limited {
            Ok(documents) => {
                assert_eq!(loaded.as_ref(), Ok(documents), "lower limits change what is read");
                within(documents);
            }
            Err(error) => {
                assert!(!error.message.is_empty() && error.pos.line > 0, "{error:?}");
                let lines = bytes.iter().filter(|byte| **byte == b'\n' || **byte == b'\r').count();
                assert!(error.pos.line as usize <= lines + 2, "{error:?} of {lines} lines");
            }
        }
        for document in loaded.iter().flatten() {
            comes_back(document);
        }
    }
}

fn within(documents: &[Node]) {
    assert!(documents.len() <= LIMITS.documents);
    let mut nodes = 0;
    let mut open: Vec<(&Node, usize)> = documents.iter().map(|node| (node, 1)).collect();
    while let Some((node, depth)) = open.pop() {
        nodes += 1;
        assert!(depth <= LIMITS.depth + 1, "deeper than {}", LIMITS.depth);
        match &node.value {
            Value::Seq(items) => open.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Map(map) => open.extend(map.iter().map(|(_, item)| (item, depth + 1))),
            _ => {}
        }
    }
    assert!(nodes <= LIMITS.nodes, "{nodes} nodes");
}

/// As kustomize prints it, it is the same value, and printing that again gives the same text.
fn comes_back(document: &Node) {
    let text = emit(document);
    let again = Loader::new(Profile::Kustomize).load("emitted", text.as_bytes());
    assert!(again.is_ok(), "{again:?}\n{text}");
    let again = again.unwrap();
    if document.is_null() {
        return;
    }
    assert_eq!(again.len(), 1, "{text}");
    assert_eq!(again[0].to_json(), document.to_json(), "{text}");
    assert_eq!(emit(&again[0]), text);
    assert_eq!(emit(&Node::from_json(&document.to_json())), text);
}
