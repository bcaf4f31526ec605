//! A schema as an OpenAPI v3 node, for whoever serves `/openapi/v3`.

use serde_json::{Map, Value, json};

use super::{Additional, Limits, ListType, MapType, Scalar, Schema, Slot, ValueType};

/// What stands before a definition's name in a `$ref`.
pub const OPENAPI_REFERENCE_PREFIX: &str = "#/components/schemas/";

/// The OpenAPI v3 form of a schema of a built-in kind, without descriptions; definitions it refers to stay references. (A CRD's schema is published as its author wrote it.)
pub fn to_openapi(schema: &Schema) -> Value {
    Value::Object(node(schema))
}

fn node(schema: &Schema) -> Map<String, Value> {
    let mut node = Map::new();
    match schema.scalar {
        Some(Scalar::Quantity) => return map(json!({"oneOf": [{"type": "string"}, {"type": "number"}]})),
        Some(Scalar::IntOrString) => {
            let either =
                json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]});
            return map(either);
        }
        Some(Scalar::Time | Scalar::MicroTime) | None => {}
    }
    let mut set = |key: &str, value: Value| node.insert(key.to_owned(), value);
    if let Some(name) = type_name(schema.value_type) {
        set("type", name.into());
    }
    if let Some(format) = &schema.format {
        set("format", format.to_string().into());
    }
    if !schema.properties.is_empty() {
        let properties = schema.properties.iter().map(|(name, child)| (name.to_string(), slot(child)));
        set("properties", Value::Object(properties.collect()));
    }
    if let Additional::Values(values) = &schema.additional {
        set("additionalProperties", slot(values));
    }
    if let Some(items) = &schema.items {
        set("items", slot(items));
    }
    if !schema.required.is_empty() {
        set("required", texts(&schema.required));
    }
    match &schema.list_type {
        ListType::Atomic => {}
        ListType::Set => drop(set("x-kubernetes-list-type", "set".into())),
        ListType::Map(keys) => {
            set("x-kubernetes-list-type", "map".into());
            set("x-kubernetes-list-map-keys", texts(keys));
        }
    }
    if schema.map_type == MapType::Atomic {
        set("x-kubernetes-map-type", "atomic".into());
    }
    if schema.preserve_unknown {
        set("x-kubernetes-preserve-unknown-fields", true.into());
    }
    if let Some(limits) = &schema.limits {
        node.extend(limit_keywords(limits));
    }
    node
}

/// The constraints that clients look at; those under `allOf` and its like are for the server.
fn limit_keywords(limits: &Limits) -> Map<String, Value> {
    let counts = [
        ("minLength", limits.min_length),
        ("maxLength", limits.max_length),
        ("minItems", limits.min_items),
        ("maxItems", limits.max_items),
        ("minProperties", limits.min_properties),
        ("maxProperties", limits.max_properties),
    ];
    let mut keywords: Map<String, Value> =
        counts.into_iter().filter_map(|(key, count)| Some((key.to_owned(), count?.into()))).collect();
    for (key, bound) in [("minimum", &limits.minimum), ("maximum", &limits.maximum)] {
        if let Some(bound) = bound {
            keywords.insert(key.to_owned(), Value::Number(bound.clone()));
        }
    }
    if let Some(pattern) = &limits.pattern {
        keywords.insert("pattern".to_owned(), pattern.as_str().into());
    }
    if !limits.allowed.is_empty() {
        keywords.insert("enum".to_owned(), limits.allowed.clone().into());
    }
    keywords
}

fn slot(slot: &Slot) -> Value {
    let mut said = Map::new();
    if let Some(default) = &slot.default {
        said.insert("default".to_owned(), default.clone());
    }
    if slot.nullable {
        said.insert("nullable".to_owned(), true.into());
    }
    if let Some(strategy) = strategy(slot) {
        said.insert("x-kubernetes-patch-strategy".to_owned(), strategy.into());
    }
    if let Some(key) = &slot.patch.key {
        said.insert("x-kubernetes-patch-merge-key".to_owned(), key.to_string().into());
    }
    let Some(definition) = slot.link().definition() else {
        said.extend(node(slot.schema()));
        return Value::Object(said);
    };
    if slot.map_type == Some(MapType::Atomic) {
        said.insert("x-kubernetes-map-type".to_owned(), "atomic".into());
    }
    let reference = json!({"$ref": format!("{OPENAPI_REFERENCE_PREFIX}{definition}")});
    if said.is_empty() {
        return reference;
    }
    // OpenAPI ignores what stands beside a reference.
    said.insert("allOf".to_owned(), json!([reference]));
    Value::Object(said)
}

fn strategy(slot: &Slot) -> Option<String> {
    let words = [
        ("merge", slot.patch.merge),
        ("retainKeys", slot.patch.retain_keys),
        ("replace", slot.patch.replace),
    ];
    let said: Vec<&str> = words.into_iter().filter(|(_, said)| *said).map(|(word, _)| word).collect();
    (!said.is_empty()).then(|| said.join(","))
}

fn type_name(value_type: ValueType) -> Option<&'static str> {
    match value_type {
        ValueType::Any => None,
        ValueType::Object => Some("object"),
        ValueType::Array => Some("array"),
        ValueType::String => Some("string"),
        ValueType::Integer => Some("integer"),
        ValueType::Number => Some("number"),
        ValueType::Boolean => Some("boolean"),
    }
}

fn texts(list: &[Box<str>]) -> Value {
    list.iter().map(ToString::to_string).collect::<Vec<_>>().into()
}

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds;

    #[test]
    fn references_keep_what_stands_beside_them() {
        let spec = kinds::definition("io.k8s.api.apps.v1.DeploymentSpec").unwrap();
        let openapi = to_openapi(spec.schema());
        assert_eq!(
            openapi["properties"]["strategy"],
            json!({
                "allOf": [{"$ref": "#/components/schemas/io.k8s.api.apps.v1.DeploymentStrategy"}],
                "default": {}, "x-kubernetes-patch-strategy": "retainKeys"
            })
        );
        assert_eq!(openapi["properties"]["replicas"], json!({"type": "integer", "format": "int32"}));
        assert_eq!(openapi["required"], json!(["selector", "template"]));
    }

    #[test]
    fn lists_keep_their_keys() {
        let container = kinds::definition("io.k8s.api.core.v1.Container").unwrap();
        let ports = &to_openapi(container.schema())["properties"]["ports"];
        assert_eq!(ports["x-kubernetes-list-map-keys"], json!(["containerPort", "protocol"]));
        assert_eq!(ports["x-kubernetes-patch-merge-key"], "containerPort");
    }
}
