//! The annotation `gitstellar.io/cluster-selector`: an object that exists only for some clusters.
//!
//! It takes away, it never adds: a policy must select the object, and the cluster, anyway. `render` writes it for identities that only some
//! overlays of a unit have; people may write it, too.

use std::collections::BTreeMap;
use std::sync::Arc;

use apimachinery::selector::Selector;
use serde_json::Value;

/// The clusters that an object is narrowed to. Two are equal when their text is.
#[derive(Clone, Debug)]
pub struct Narrowing {
    text: Arc<str>,
    selectors: Vec<Selector>,
    problem: Option<String>,
}

impl Narrowing {
    /// Reads the annotation: a LabelSelector or a list of them (ORed) as JSON, or a selector as kubectl writes it, `env in (prod),!edge`.
    /// Total: what cannot be understood admits no cluster and is [`Narrowing::problem`].
    pub fn parse(text: &str) -> Self {
        let (selectors, problem) = match read(text.trim()) {
            Ok(selectors) => (selectors, None),
            Err(problem) => (Vec::new(), Some(problem)),
        };
        Self { text: text.into(), selectors, problem }
    }

    /// The annotation as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// ORed; none admits no cluster.
    pub fn selectors(&self) -> &[Selector] {
        &self.selectors
    }

    /// Why the text could not be understood.
    pub fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    /// Whether the object may go to a cluster with these labels.
    pub fn admits(&self, labels: &BTreeMap<String, String>) -> bool {
        self.selectors.iter().any(|selector| selector.matches(labels))
    }
}

impl PartialEq for Narrowing {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Narrowing {}

fn read(text: &str) -> Result<Vec<Selector>, String> {
    if !text.starts_with(['{', '[']) {
        return Selector::parse(text).map(|selector| vec![selector]).map_err(|e| e.to_string());
    }
    let value: Value = serde_json::from_str(text).map_err(|e| format!("not JSON: {e}"))?;
    let entries = match value {
        Value::Array(entries) => entries,
        one => vec![one],
    };
    entries.iter().map(|entry| Selector::from_label_selector(entry).map_err(|e| e.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::Narrowing;

    fn check(text: &str, labels: &[(&str, &str)], admitted: bool) {
        let narrowing = Narrowing::parse(text);
        assert_eq!(narrowing.problem(), None, "{text}");
        let labels = labels.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        assert_eq!(narrowing.admits(&labels), admitted, "{text}");
    }

    #[test]
    fn json_lists_are_ored_and_text_is_kubectls() {
        check(r#"{"matchLabels":{"env":"prod"}}"#, &[("env", "prod")], true);
        check(r#"{"matchLabels":{"env":"prod"}}"#, &[("env", "dev")], false);
        check(r#"[{"matchLabels":{"env":"prod"}},{"matchLabels":{"edge":"x"}}]"#, &[("edge", "x")], true);
        check("[]", &[("env", "prod")], false);
        check("{}", &[], true);
        check("env=prod,!edge", &[("env", "prod")], true);
        check("env=prod,!edge", &[("env", "prod"), ("edge", "")], false);
        check("env in (prod,test)", &[("env", "test")], true);
    }

    #[test]
    fn what_cannot_be_read_admits_nothing() {
        for text in ["{", r#"[{"matchExpressions":[{"key":"a","operator":"Near"}]}]"#, "a in", "[1]"] {
            let narrowing = Narrowing::parse(text);
            assert!(narrowing.problem().is_some(), "{text}");
            assert!(!narrowing.admits(&[("a".to_owned(), "b".to_owned())].into()), "{text}");
        }
    }
}
