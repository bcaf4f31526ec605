//! Reads a BindingPolicy. Total: what cannot be understood is reported and selects nothing.
//!
//! The API server's schema refuses most malformed policies; an offline review sees them first, so it must say the same.

use std::collections::BTreeSet;

use apimachinery::selector::Selector;
use serde_json::{Map, Value};

use super::{CONTROL_GROUP, Clause, Match, Modulation, ObjectTest, Policy};
use crate::{Origin, PolicyName};

/// The six tests; a clause without any of them is refused by KubeStellar's schema.
const TESTS: [&str; 6] =
    ["apiGroup", "resources", "namespaces", "namespaceSelectors", "objectSelectors", "objectNames"];

impl Policy {
    /// Reads a BindingPolicy of group `control.kubestellar.io`, any version; `None` for any other object.
    /// What it cannot understand is in [`Policy::problems`].
    pub fn parse(object: &Value, origin: Option<Origin>) -> Option<Self> {
        let api_version = object.get("apiVersion")?.as_str()?;
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        if group != CONTROL_GROUP || object.get("kind")?.as_str()? != "BindingPolicy" {
            return None;
        }
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let mut reader = Reader::default();
        let cluster_selectors =
            reader.selectors("spec.clusterSelectors", object.pointer("/spec/clusterSelectors")).valid;
        let clauses = reader.clauses(object.pointer("/spec/downsync"));
        Some(Self {
            name: PolicyName::from(name),
            cluster_selectors,
            clauses,
            problems: reader.problems,
            origin,
        })
    }
}

#[derive(Default)]
struct Reader {
    problems: Vec<String>,
}

/// The selectors of one list that could be read, and whether the list held any at all.
struct SelectorList {
    valid: Vec<Selector>,
    /// All entries of a list that is not empty are malformed: passing everything would be the opposite of what was meant.
    nothing_left: bool,
}

impl Reader {
    fn problem(&mut self, path: &str, what: impl std::fmt::Display) {
        self.problems.push(format!("{path}: {what}"));
    }

    /// The entries of a list; null and absence are an empty one.
    fn list<'v>(&mut self, path: &str, value: Option<&'v Value>) -> Option<&'v [Value]> {
        match value {
            None | Some(Value::Null) => Some(&[]),
            Some(Value::Array(entries)) => Some(entries),
            Some(_) => {
                self.problem(path, "must be a list");
                None
            }
        }
    }

    fn selectors(&mut self, path: &str, value: Option<&Value>) -> SelectorList {
        let Some(entries) = self.list(path, value) else {
            return SelectorList { valid: Vec::new(), nothing_left: true };
        };
        let mut valid = Vec::with_capacity(entries.len());
        for (i, entry) in entries.iter().enumerate() {
            match Selector::from_label_selector(entry) {
                Ok(selector) => valid.push(selector),
                Err(error) => self.problem(&format!("{path}[{i}]"), error),
            }
        }
        let nothing_left = valid.is_empty() && !entries.is_empty();
        SelectorList { valid, nothing_left }
    }

    fn clauses(&mut self, value: Option<&Value>) -> Vec<Clause> {
        let Some(entries) = self.list("spec.downsync", value) else { return Vec::new() };
        entries
            .iter()
            .enumerate()
            .map(|(i, entry)| self.clause(&format!("spec.downsync[{i}]"), entry))
            .collect()
    }

    /// One clause. A broken one keeps its place, so that messages can number clauses as the author does, and matches nothing.
    fn clause(&mut self, path: &str, value: &Value) -> Clause {
        let known = self.problems.len();
        let empty = Map::new();
        let fields = value.as_object().unwrap_or(&empty);
        if !value.is_object() {
            self.problem(path, "must be an object");
        } else if !TESTS.iter().any(|test| fields.contains_key(*test)) {
            self.problem(
                path,
                format!("has none of {}; an API server refuses such a clause", TESTS.join(", ")),
            );
        }
        let refused = self.problems.len() > known;
        let namespace_selectors =
            self.selectors(&format!("{path}.namespaceSelectors"), fields.get("namespaceSelectors"));
        let object_selectors =
            self.selectors(&format!("{path}.objectSelectors"), fields.get("objectSelectors"));
        let mut dead = refused || namespace_selectors.nothing_left || object_selectors.nothing_left;
        let mut test = ObjectTest {
            group: self.group(path, fields, &mut dead),
            resources: self.names(path, "resources", fields, &mut dead),
            namespaces: self.names(path, "namespaces", fields, &mut dead),
            namespace_selectors: namespace_selectors.valid,
            object_selectors: object_selectors.valid,
            names: self.names(path, "objectNames", fields, &mut dead),
        };
        if dead {
            test.names = Match::OneOf(BTreeSet::new());
        }
        Clause { test, modulation: self.modulation(path, fields) }
    }

    fn group(
        &mut self,
        path: &str,
        fields: &Map<String, Value>,
        dead: &mut bool,
    ) -> Option<apimachinery::Group> {
        match fields.get("apiGroup") {
            None | Some(Value::Null) => None,
            Some(Value::String(group)) => Some(group.as_str().into()),
            Some(_) => {
                self.problem(&format!("{path}.apiGroup"), "must be a string");
                *dead = true;
                None
            }
        }
    }

    fn names<T: Ord + for<'t> From<&'t str>>(
        &mut self,
        path: &str,
        field: &str,
        fields: &Map<String, Value>,
        dead: &mut bool,
    ) -> Match<T> {
        let path = format!("{path}.{field}");
        let Some(entries) = self.list(&path, fields.get(field)) else {
            *dead = true;
            return Match::Any;
        };
        let mut names = BTreeSet::new();
        let mut wildcard = entries.is_empty();
        for (i, entry) in entries.iter().enumerate() {
            match entry.as_str() {
                Some("*") => wildcard = true,
                Some(name) => drop(names.insert(T::from(name))),
                None => self.problem(&format!("{path}[{i}]"), "must be a string"),
            }
        }
        if wildcard { Match::Any } else { Match::OneOf(names) }
    }

    fn modulation(&mut self, path: &str, fields: &Map<String, Value>) -> Modulation {
        let mut flag = |field: &str| match fields.get(field) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(on)) => *on,
            Some(_) => {
                self.problem(&format!("{path}.{field}"), "must be true or false");
                false
            }
        };
        let create_only = flag("createOnly");
        let want_singleton = flag("wantSingletonReportedState");
        let want_multi = flag("wantMultiWECReportedState");
        let collectors_path = format!("{path}.statusCollectors");
        let collectors = self.list(&collectors_path, fields.get("statusCollectors")).unwrap_or_default();
        let status_collectors = collectors.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        Modulation { create_only, status_collectors, want_singleton, want_multi }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{Match, Policy};

    fn policy(spec: &Value) -> Policy {
        let object = json!({
            "apiVersion": "control.kubestellar.io/v1alpha1", "kind": "BindingPolicy",
            "metadata": {"name": "p"}, "spec": spec,
        });
        Policy::parse(&object, None).unwrap()
    }

    #[test]
    fn other_objects_are_not_policies() {
        for object in [
            json!({"apiVersion": "v1", "kind": "BindingPolicy", "metadata": {"name": "p"}}),
            json!({"apiVersion": "control.kubestellar.io/v1alpha1", "kind": "Binding"}),
            json!(null),
        ] {
            assert!(Policy::parse(&object, None).is_none(), "{object}");
        }
    }

    #[test]
    fn wildcards_and_empty_lists_pass_everything() {
        let policy = policy(&json!({
            "clusterSelectors": [{}],
            "downsync": [{"resources": [], "namespaces": ["*", "a"], "objectNames": ["x"], "apiGroup": null}],
        }));
        let test = &policy.clauses[0].test;
        assert_eq!(test.resources, Match::Any);
        assert_eq!(test.namespaces, Match::Any);
        assert!(test.names.admits("x") && !test.names.admits("y"));
        assert_eq!(test.group, None);
        assert_eq!(policy.problems, Vec::<String>::new());
    }

    #[test]
    fn modulation_is_read() {
        let policy = policy(&json!({"downsync": [{
            "apiGroup": "", "createOnly": true, "statusCollectors": ["b", "a"],
            "wantSingletonReportedState": true, "wantMultiWECReportedState": true,
        }]}));
        let modulation = &policy.clauses[0].modulation;
        assert!(modulation.create_only && modulation.want_singleton && modulation.want_multi);
        assert_eq!(modulation.status_collectors.iter().collect::<Vec<_>>(), ["a", "b"]);
    }

    #[test]
    fn what_is_malformed_is_reported_and_selects_nothing() {
        fn check(spec: &Value, path: &str, clauses: usize) {
            let policy = policy(spec);
            assert_eq!(policy.clauses.len(), clauses, "{spec}");
            assert!(policy.problems.iter().any(|p| p.starts_with(path)), "{:?}", policy.problems);
            for clause in &policy.clauses {
                assert_eq!(clause.test.names, Match::OneOf([].into()), "{spec}");
            }
        }
        let bad = json!({"matchExpressions": [{"key": "a", "operator": "Near"}]});
        check(&json!({"clusterSelectors": [bad]}), "spec.clusterSelectors[0]: ", 0);
        check(&json!({"downsync": [{"objectSelectors": [bad]}]}), "spec.downsync[0].objectSelectors[0]: ", 1);
        check(
            &json!({"downsync": [{"namespaceSelectors": [bad]}]}),
            "spec.downsync[0].namespaceSelectors[0]",
            1,
        );
        check(&json!({"downsync": [{"createOnly": true}]}), "spec.downsync[0]: has none of", 1);
        check(&json!({"downsync": ["x"]}), "spec.downsync[0]: must be an object", 1);
        check(&json!({"downsync": {"resources": []}}), "spec.downsync: must be a list", 0);
        check(&json!({"downsync": [{"resources": "pods"}]}), "spec.downsync[0].resources: must be a list", 1);
        check(&json!({"downsync": [{"apiGroup": 1}]}), "spec.downsync[0].apiGroup: must be a string", 1);
    }

    #[test]
    fn one_malformed_selector_of_several_leaves_the_others() {
        let policy = policy(&json!({"downsync": [{"objectSelectors": [
            {"matchExpressions": [{"key": "a", "operator": "Near"}]}, {"matchLabels": {"a": "b"}},
        ]}]}));
        assert_eq!(policy.problems.len(), 1);
        assert_eq!(policy.clauses[0].test.object_selectors.len(), 1);
        assert_eq!(policy.clauses[0].test.names, Match::Any);
    }
}
