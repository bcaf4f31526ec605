//! From the JSON of a CRD's `openAPIV3Schema` to a [`Schema`].
//!
//! Total: what is of the wrong JSON type counts as absent. Whether the schema is one that an API server accepts, [`super::check_structural`] says.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::pattern::Pattern;
use super::{Additional, Limits, Link, ListType, MapType, Rule, Scalar, Schema, Slot, ValueType};
use crate::kinds;

impl Schema {
    /// The schema of a custom kind from `spec.versions[].schema.openAPIV3Schema`. Every object has `apiVersion`, `kind` and `metadata`, which are added; what the CRD
    /// says of metadata (constraints on name and generateName are all it may say) is kept.
    pub fn from_crd(raw: &Value) -> Self {
        let mut schema = Self::parse(raw);
        for name in ["apiVersion", "kind"] {
            schema
                .properties
                .entry(name.into())
                .or_insert_with(|| Slot::from(Self { value_type: ValueType::String, ..Self::default() }));
        }
        let declared = schema.properties.remove("metadata");
        if let Some(link) = object_meta(declared.as_ref()) {
            schema.properties.insert("metadata".into(), Slot::new(link));
        }
        schema
    }

    /// One node of a structural schema.
    pub fn parse(raw: &Value) -> Self {
        raw.as_object().map(parse_node).unwrap_or_default()
    }
}

/// `ObjectMeta`, with the limits that a CRD sets on names.
fn object_meta(declared: Option<&Slot>) -> Option<Link> {
    let built_in = kinds::definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta")?;
    let Some(declared) = declared.map(Slot::schema) else { return Some(built_in) };
    let restricted: Vec<(&str, &Slot)> = ["name", "generateName"]
        .into_iter()
        .filter_map(|name| Some((name, declared.properties.get(name)?)))
        .filter(|(_, slot)| slot.schema().limits.is_some())
        .collect();
    if restricted.is_empty() && declared.rules.is_empty() {
        return Some(built_in);
    }
    let mut own = built_in.schema().clone();
    own.rules.clone_from(&declared.rules);
    for (name, slot) in restricted {
        own.properties.insert(name.into(), slot.clone());
    }
    Some(Link::new(own))
}

fn parse_node(raw: &Map<String, Value>) -> Schema {
    let int_or_string = flag(raw, "x-kubernetes-int-or-string");
    Schema {
        value_type: match text(raw, "type") {
            Some("object") => ValueType::Object,
            Some("array") => ValueType::Array,
            Some("string") => ValueType::String,
            Some("integer") => ValueType::Integer,
            Some("number") => ValueType::Number,
            Some("boolean") => ValueType::Boolean,
            _ => ValueType::Any,
        },
        format: text(raw, "format").filter(|format| !format.is_empty()).map(Into::into),
        scalar: int_or_string.then_some(Scalar::IntOrString),
        properties: parse_properties(raw),
        additional: parse_additional(raw),
        items: raw.get("items").filter(|items| items.is_object()).map(|items| Box::new(parse_slot(items))),
        required: texts(raw, "required"),
        list_type: match text(raw, "x-kubernetes-list-type") {
            Some("set") => ListType::Set,
            Some("map") => ListType::Map(texts(raw, "x-kubernetes-list-map-keys")),
            _ => ListType::Atomic,
        },
        map_type: match text(raw, "x-kubernetes-map-type") {
            Some("atomic") => MapType::Atomic,
            _ => MapType::Granular,
        },
        preserve_unknown: flag(raw, "x-kubernetes-preserve-unknown-fields"),
        embedded: flag(raw, "x-kubernetes-embedded-resource"),
        limits: parse_limits(raw),
        rules: list(raw, "x-kubernetes-validations").iter().filter_map(parse_rule).collect(),
    }
}

fn parse_slot(raw: &Value) -> Slot {
    let slot = Slot::from(Schema::parse(raw));
    Slot {
        default: raw.get("default").filter(|default| !default.is_null()).cloned(),
        nullable: raw.get("nullable") == Some(&Value::Bool(true)),
        ..slot
    }
}

fn parse_properties(raw: &Map<String, Value>) -> BTreeMap<Box<str>, Slot> {
    let Some(Value::Object(properties)) = raw.get("properties") else { return BTreeMap::new() };
    properties.iter().map(|(name, child)| (name.as_str().into(), parse_slot(child))).collect()
}

fn parse_additional(raw: &Map<String, Value>) -> Additional {
    match raw.get("additionalProperties") {
        Some(schema @ Value::Object(_)) => Additional::Values(Box::new(parse_slot(schema))),
        // Also where it is false: what must not be there is refused, not pruned.
        Some(Value::Bool(_)) => {
            Additional::Values(Box::new(Slot { nullable: true, ..Slot::from(Schema::default()) }))
        }
        _ => Additional::None,
    }
}

fn parse_limits(raw: &Map<String, Value>) -> Option<Box<Limits>> {
    const KEYWORDS: [&str; 16] = [
        "enum",
        "minimum",
        "maximum",
        "multipleOf",
        "minLength",
        "maxLength",
        "pattern",
        "minItems",
        "maxItems",
        "minProperties",
        "maxProperties",
        "allOf",
        "anyOf",
        "oneOf",
        "not",
        "additionalProperties",
    ];
    if !KEYWORDS.iter().any(|keyword| raw.contains_key(*keyword)) {
        return None;
    }
    let number = |key: &str| raw.get(key).and_then(Value::as_number).cloned();
    let count = |key: &str| raw.get(key).and_then(Value::as_u64);
    let schemas = |key: &str| list(raw, key).iter().map(Schema::parse).collect();
    Some(Box::new(Limits {
        allowed: list(raw, "enum").to_vec(),
        minimum: number("minimum"),
        maximum: number("maximum"),
        exclusive_minimum: flag(raw, "exclusiveMinimum"),
        exclusive_maximum: flag(raw, "exclusiveMaximum"),
        multiple_of: number("multipleOf"),
        min_length: count("minLength"),
        max_length: count("maxLength"),
        pattern: text(raw, "pattern").filter(|p| !p.is_empty()).and_then(|p| Pattern::parse(p).ok()),
        min_items: count("minItems"),
        max_items: count("maxItems"),
        min_properties: count("minProperties"),
        max_properties: count("maxProperties"),
        all_of: schemas("allOf"),
        any_of: schemas("anyOf"),
        one_of: schemas("oneOf"),
        not: raw.get("not").map(|not| Box::new(Schema::parse(not))),
        no_additional: raw.get("additionalProperties") == Some(&Value::Bool(false)),
    }))
}

fn parse_rule(raw: &Value) -> Option<Rule> {
    let raw = raw.as_object()?;
    let optional = |key: &str| text(raw, key).filter(|text| !text.is_empty()).map(Into::into);
    Some(Rule {
        rule: text(raw, "rule")?.into(),
        message: optional("message"),
        message_expression: optional("messageExpression"),
        reason: optional("reason"),
        field_path: optional("fieldPath"),
        optional_old_self: flag(raw, "optionalOldSelf"),
    })
}

fn text<'a>(raw: &'a Map<String, Value>, key: &str) -> Option<&'a str> {
    raw.get(key).and_then(Value::as_str)
}

fn flag(raw: &Map<String, Value>, key: &str) -> bool {
    raw.get(key) == Some(&Value::Bool(true))
}

fn list<'a>(raw: &'a Map<String, Value>, key: &str) -> &'a [Value] {
    raw.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn texts(raw: &Map<String, Value>, key: &str) -> Vec<Box<str>> {
    list(raw, key).iter().filter_map(Value::as_str).map(Into::into).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_crd_schema_is_read_whole() {
        let schema = Schema::from_crd(&json!({
            "type": "object",
            "properties": {
                "metadata": {"type": "object", "properties": {"name": {"type": "string", "maxLength": 8}}},
                "spec": {
                    "type": "object",
                    "required": ["port"],
                    "x-kubernetes-validations": [{"rule": "self.port > 0", "message": "positive"}],
                    "properties": {
                        "port": {"x-kubernetes-int-or-string": true, "default": 80},
                        "hosts": {
                            "type": "array", "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
                            "items": {"type": "object", "properties": {"name": {"type": "string", "nullable": true}}}
                        },
                        "labels": {"type": "object", "additionalProperties": {"type": "string"}, "x-kubernetes-map-type": "atomic"}
                    }
                }
            }
        }));
        let spec = schema.slot("spec").unwrap().schema();
        assert_eq!(spec.required, vec!["port".into()]);
        assert_eq!(spec.rules[0].message.as_deref(), Some("positive"));
        let port = spec.slot("port").unwrap();
        assert_eq!(
            (port.default.clone(), port.schema().scalar),
            (Some(json!(80)), Some(Scalar::IntOrString))
        );
        let hosts = spec.slot("hosts").unwrap().schema();
        assert_eq!(hosts.list_type, ListType::Map(vec!["name".into()]));
        assert!(hosts.item_slot().unwrap().schema().slot("name").unwrap().nullable);
        let labels = spec.slot("labels").unwrap();
        assert_eq!(labels.map_type(), MapType::Atomic);
        assert_eq!(labels.schema().slot("any").unwrap().schema().value_type, ValueType::String);
        let metadata = schema.slot("metadata").unwrap().schema();
        assert!(metadata.slot("labels").is_some());
        assert_eq!(metadata.slot("name").unwrap().schema().limits.as_ref().unwrap().max_length, Some(8));
    }

    #[test]
    fn nonsense_counts_as_absent() {
        let schema = Schema::parse(
            &json!({"type": 5, "properties": [], "items": "x", "required": [1], "pattern": "("}),
        );
        assert_eq!(schema.value_type, ValueType::Any);
        assert!(schema.properties.is_empty() && schema.items.is_none() && schema.required.is_empty());
    }
}
