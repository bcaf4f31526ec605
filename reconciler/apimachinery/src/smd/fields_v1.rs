//! The form of a field set in `metadata.managedFields[].fieldsV1`.
//!
//! A tree of objects: `f:name`, `k:{"name":"web"}`, `v:"x"`, `i:0` name a child, `.` says that the place itself is a member, and so does an empty object.

use serde_json::{Map, Value};

use super::path::PathElement;
use super::set::{FieldSet, Mark};
use crate::goprint;

/// Why a `fieldsV1` cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("fieldsV1: {detail}, at key {key:?}")]
pub struct FieldsV1Error {
    key: String,
    detail: &'static str,
}

impl FieldSet {
    /// Reads a `fieldsV1`. Null is the empty set; keys of an unknown kind (`x:`) are left out, as a later version may know them.
    ///
    /// # Errors
    /// For keys that are not `kind:content`, and for content that is not what its kind demands.
    pub fn from_fields_v1(fields: &Value) -> Result<Self, FieldsV1Error> {
        match fields {
            Value::Null => Ok(Self::new()),
            Value::Object(map) => read(map),
            _ => Err(error("", "expected an object")),
        }
    }

    /// As a tree. Its keys are sorted as texts, as everywhere in this crate; [`to_fields_v1_json`](Self::to_fields_v1_json) has the server's order.
    pub fn to_fields_v1(&self) -> Value {
        let fields = self.nodes.iter().map(|node| (element_key(&node.element), mark_value(&node.mark)));
        Value::Object(fields.collect())
    }

    /// As the text that kube-apiserver writes for built-in kinds, byte for byte: the order is that of the path elements (ports 80, 443).
    pub fn to_fields_v1_json(&self) -> String {
        let mut out = String::new();
        write_set(self, false, &mut out);
        out
    }
}

fn mark_value(mark: &Mark) -> Value {
    let mut map = match mark.below.to_fields_v1() {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    if mark.member && !map.is_empty() {
        map.insert(".".to_owned(), Value::Object(Map::new()));
    }
    Value::Object(map)
}

fn write_set(set: &FieldSet, with_self: bool, out: &mut String) {
    out.push('{');
    if with_self && !set.is_empty() {
        out.push_str("\".\":{}");
    }
    for (i, node) in set.nodes.iter().enumerate() {
        if i > 0 || with_self {
            out.push(',');
        }
        // The outer text is written without Go's escapes for HTML; those inside a key's values are part of the key.
        out.push_str(&Value::String(element_key(&node.element)).to_string());
        out.push(':');
        write_set(&node.mark.below, node.mark.member, out);
    }
    out.push('}');
}

fn element_key(element: &PathElement) -> String {
    match element {
        PathElement::Field(name) => format!("f:{name}"),
        PathElement::Key(fields) => {
            let mut out = "k:{".to_owned();
            for (i, (name, value)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                goprint::write_json_string(name, &mut out);
                out.push(':');
                goprint::write_json(value, &mut out);
            }
            out.push('}');
            out
        }
        PathElement::Value(value) => format!("v:{}", goprint::json(value)),
        PathElement::Index(index) => format!("i:{index}"),
    }
}

fn read(map: &Map<String, Value>) -> Result<FieldSet, FieldsV1Error> {
    let mut marks = Vec::with_capacity(map.len());
    for (key, value) in map {
        if key == "." {
            continue;
        }
        if let Some(element) = read_element(key)? {
            marks.push((element, read_mark(value)?));
        }
    }
    Ok(FieldSet::from_marks(marks))
}

fn read_mark(value: &Value) -> Result<Mark, FieldsV1Error> {
    let below = FieldSet::from_fields_v1(value)?;
    // A place with nothing below it is listed for its own sake.
    let member = below.is_empty() || value.get(".").is_some();
    Ok(Mark { member, below })
}

fn read_element(key: &str) -> Result<Option<PathElement>, FieldsV1Error> {
    let (kind, content) = match (key.get(..1), key.get(1..2), key.get(2..)) {
        (Some(kind), Some(":"), Some(content)) => (kind, content),
        (None, ..) | (_, None, _) if key.len() < 2 => return Err(error(key, "shorter than two characters")),
        _ => return Err(error(key, "missing colon")),
    };
    let element = match kind {
        "f" => PathElement::field(content),
        "v" => {
            PathElement::value(serde_json::from_str(content).map_err(|_| error(key, "value is not JSON"))?)
        }
        "k" => read_key(key, content)?,
        "i" => PathElement::Index(content.parse().map_err(|_| error(key, "index is not a number"))?),
        _ => return Ok(None),
    };
    Ok(Some(element))
}

fn read_key(key: &str, content: &str) -> Result<PathElement, FieldsV1Error> {
    let fields: Map<String, Value> =
        serde_json::from_str(content).map_err(|_| error(key, "list key is not a JSON object"))?;
    Ok(PathElement::key(fields.iter().map(|(name, value)| (name.as_str(), value.clone()))))
}

fn error(key: &str, detail: &'static str) -> FieldsV1Error {
    FieldsV1Error { key: key.to_owned(), detail }
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tables of json!() read better without ampersands")]
mod tests {
    use serde_json::json;

    use super::*;

    /// What kube-apiserver writes comes back byte for byte.
    #[track_caller]
    fn check_text(text: &str) {
        let set = FieldSet::from_fields_v1(&serde_json::from_str(text).unwrap()).unwrap();
        assert_eq!(set.to_fields_v1_json(), text);
        assert_eq!(FieldSet::from_fields_v1(&set.to_fields_v1()).unwrap(), set);
    }

    #[test]
    fn the_servers_text_comes_back() {
        check_text("{}");
        check_text(r#"{"f:spec":{"f:replicas":{}}}"#);
        check_text(r#"{"f:metadata":{"f:labels":{".":{},"f:app":{}}},"f:spec":{"f:selector":{}}}"#);
        check_text(
            r#"{"f:ports":{".":{},"k:{\"containerPort\":80,\"protocol\":\"TCP\"}":{".":{},"f:containerPort":{}},"k:{\"containerPort\":443,\"protocol\":\"TCP\"}":{}}}"#,
        );
        check_text(r#"{"f:finalizers":{".":{},"v:\"a\\u003cb\"":{},"v:\"b\"":{}}}"#);
        check_text(r#"{"f:a/b.c~d \"e\"":{},"f:é":{}}"#);
        check_text(r#"{"i:0":{},"i:10":{"f:x":{}}}"#);
        check_text(r#"{"v:1":{},"v:1.5":{},"v:\"1\"":{},"v:true":{},"v:null":{}}"#);
    }

    #[test]
    fn a_member_is_a_dot_or_an_empty_object() {
        let set = FieldSet::from_fields_v1(&json!({"f:a": {".": {}}, "f:b": {"f:c": null}})).unwrap();
        assert_eq!(set.to_string(), ".a\n.b.c");
    }

    #[test]
    fn unknown_kinds_of_keys_are_left_out() {
        let set = FieldSet::from_fields_v1(&json!({"f:a": {}, "x:y": {"f:b": {}}})).unwrap();
        assert_eq!(set.to_fields_v1_json(), r#"{"f:a":{}}"#);
    }

    #[test]
    fn what_is_no_fields_v1_is_an_error_that_names_the_key() {
        #[track_caller]
        fn check(fields: Value, expected: &str) {
            let error = FieldSet::from_fields_v1(&fields).unwrap_err();
            assert_eq!(error.to_string(), format!("fieldsV1: {expected}"));
        }
        check(json!([]), r#"expected an object, at key """#);
        check(json!({"f": {}}), r#"shorter than two characters, at key "f""#);
        check(json!({"name": {}}), r#"missing colon, at key "name""#);
        check(json!({"éa": {}}), r#"missing colon, at key "éa""#);
        check(json!({"k:name": {}}), r#"list key is not a JSON object, at key "k:name""#);
        check(json!({"v:": {}}), r#"value is not JSON, at key "v:""#);
        check(json!({"i:x": {}}), r#"index is not a number, at key "i:x""#);
    }
}
