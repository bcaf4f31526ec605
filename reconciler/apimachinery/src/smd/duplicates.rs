//! Items that are in a list twice although the list is keyed, or a set. An API server stores them, but server-side apply refuses them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::path::{FieldPath, PathElement};
use super::shape::Shape;
use super::typed::{self, Duplicates, Problem};

/// The lists with repeated items and what is repeated in them: `.spec.template.spec.containers[name="c"].env` and `[name="A"]`. Each pair once, in the order of the object.
pub fn find_duplicate_list_keys(object: &Value, shape: Shape<'_>) -> Vec<(FieldPath, PathElement)> {
    let Err(errors) = typed::validate(object, shape, Duplicates::Refused) else { return Vec::new() };
    let mut seen = BTreeSet::new();
    errors
        .0
        .into_iter()
        .filter_map(|error| match error.problem {
            Problem::Duplicate { key } => Some((error.path, key)),
            _ => None,
        })
        .filter(|pair| seen.insert(pair.clone()))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::smd::testing::{deployment, object, set, text};

    #[track_caller]
    fn check(schema: &crate::schema::Schema, value: &Value, expected: &[(&str, &str)]) {
        let found = find_duplicate_list_keys(value, Shape::of_object(schema));
        let found: Vec<_> = found.iter().map(|(path, key)| (path.to_string(), key.to_string())).collect();
        let expected: Vec<_> = expected.iter().map(|(p, k)| ((*p).to_owned(), (*k).to_owned())).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn repeated_keys_are_found_once_each() {
        let env = json!([{"name": "A"}, {"name": "B"}, {"name": "A"}, {"name": "A"}]);
        let ports =
            json!([{"containerPort": 80}, {"containerPort": 80, "protocol": "UDP"}, {"containerPort": 80}]);
        let containers = json!([{"name": "c", "env": env, "ports": ports, "args": ["x", "x"]}]);
        check(
            &deployment(),
            &json!({"spec": {"template": {"spec": {"containers": containers}}}}),
            &[
                (r#".spec.template.spec.containers[name="c"].env"#, r#"[name="A"]"#),
                (r#".spec.template.spec.containers[name="c"].ports"#, r#"[containerPort=80,protocol="TCP"]"#),
            ],
        );
        check(&object([("s", set(text()))]), &json!({"s": ["a", "b", "a"]}), &[(".s", r#"[="a"]"#)]);
    }

    #[test]
    fn objects_without_repeated_keys_have_none() {
        check(&deployment(), &json!({"spec": {"replicas": 1, "unknown": 1}}), &[]);
        assert!(find_duplicate_list_keys(&json!({"l": [1, 1]}), Shape::deduced()).is_empty());
    }
}
