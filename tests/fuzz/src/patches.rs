//! The patches of an API server.

use apimachinery::kinds::KindTable;
use apimachinery::patch::{json, merge, strategic};
use apimachinery::{GroupVersionKind, smd};
use serde_json::Value;

use super::bundle;

fn size(value: &Value) -> usize {
    value.to_string().len()
}

/// A document, and a JSON patch. What one document differs by from another takes it there.
pub fn json_patch(bytes: &[u8]) {
    let (document, patch) = bundle::pair(bytes);
    let (Some(document), Some(patch)) = (bundle::json(document), bundle::json(patch)) else { return };
    let applied = json::apply(&document, &patch);
    assert_eq!(applied, json::apply(&document, &patch));
    match applied {
        Ok(after) => {
            let most = size(&document) + 2 * size(&patch) + json::MAX_COPIED_BYTES;
            assert!(size(&after) <= most, "{} bytes of {most}", size(&after));
            let there = json::apply(&document, &json::diff(&document, &after));
            assert_eq!(there.as_ref().ok(), Some(&after), "{there:?}");
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    // A merge patch, too: any JSON is one.
    let merged = merge::apply(document.clone(), &patch);
    assert_eq!(merge::apply(merged.clone(), &patch), merged, "a merge patch twice is not a merge patch once");
}

/// An object of a built-in kind, and a strategic merge patch. The empty patch changes nothing.
pub fn strategic_merge(bytes: &[u8]) {
    let (object, patch) = bundle::pair(bytes);
    let (Some(object), Some(patch)) = (bundle::json(object), bundle::json(patch)) else { return };
    let text = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default();
    let (api_version, kind) = (text("apiVersion"), text("kind"));
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let gvk = GroupVersionKind::new(group, version, kind);
    let Some(schema) = KindTable::built_in().schema(&gvk) else { return };
    let nothing = strategic::apply(&object, &serde_json::json!({}), schema);
    assert_eq!(nothing.as_ref().ok(), Some(&object), "{nothing:?}");
    let applied = strategic::apply(&object, &patch, schema);
    assert_eq!(applied, strategic::apply(&object, &patch, schema));
    if let Ok(after) = &applied {
        assert!(size(after) <= size(&object) + 2 * size(&patch), "{after}");
        let _ = smd::find_duplicate_list_keys(after, smd::Shape::of_object(schema));
    }
}
