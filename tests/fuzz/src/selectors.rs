//! Label and field selectors.

use std::collections::BTreeMap;

use apimachinery::field_selector::FieldSelector;
use apimachinery::selector::Selector;

use super::bundle;

/// As the text of a query, and as a LabelSelector in JSON or YAML; the second part is a map of labels.
pub fn selectors(bytes: &[u8]) {
    let (selector, labels) = bundle::pair(bytes);
    let labels: BTreeMap<String, String> = bundle::json(labels)
        .and_then(|labels| serde_json::from_value(labels).ok())
        .unwrap_or_else(|| BTreeMap::from([("app".to_owned(), "web".to_owned())]));
    if let Ok(text) = std::str::from_utf8(selector) {
        let text = text.trim_end_matches('\n');
        Selector::parse(text).iter().for_each(|selector| comes_back(selector, &labels));
        if let Ok(fields) = FieldSelector::parse(text) {
            // Terms are in the order of their texts, and `==` is written as `=`: from the second time on they stay where they are.
            let again = FieldSelector::parse(&fields.to_string()).unwrap();
            let once_more = FieldSelector::parse(&again.to_string());
            assert_eq!(once_more.as_ref().ok(), Some(&again), "{fields}");
        }
    }
    if let Some(structured) = bundle::json(selector) {
        Selector::from_label_selector(&structured).iter().for_each(|selector| comes_back(selector, &labels));
    }
}

fn comes_back(selector: &Selector, labels: &BTreeMap<String, String>) {
    if selector.is_nothing() {
        assert!(!selector.matches(labels));
        return;
    }
    let again = Selector::parse(&selector.to_string());
    assert!(again.is_ok(), "{selector}: {again:?}");
    let again = again.unwrap();
    assert_eq!(&again, selector, "{selector}");
    assert_eq!(again.matches(labels), selector.matches(labels));
    for requirement in selector.requirements() {
        assert!(!selector.matches(labels) || requirement.matches(labels));
    }
}
