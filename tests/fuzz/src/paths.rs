//! JSON paths.

use apimachinery::jsonpath::{JsonPath, MAX_VISITED};

use super::bundle;

/// A template, and a document to try it on.
pub fn jsonpath(bytes: &[u8]) {
    let (template, document) = bundle::pair(bytes);
    let Ok(template) = std::str::from_utf8(template) else { return };
    let template = template.trim_end_matches('\n');
    let document = bundle::json(document).unwrap_or_default();
    for path in [JsonPath::parse(template), JsonPath::parse_relaxed(template)].into_iter().flatten() {
        let found = path.values(&document);
        assert_eq!(found, path.values(&document));
        if let Ok(found) = found {
            assert!(found.len() <= MAX_VISITED);
            assert!(path.render(&document).is_ok(), "found, but not printed");
        }
        // Where nothing is missing, it makes no difference whether that would be an error.
        let strict = path.clone().requiring_keys();
        if let Ok(found) = strict.values(&document) {
            assert_eq!(Ok(found), path.values(&document));
        }
    }
}
