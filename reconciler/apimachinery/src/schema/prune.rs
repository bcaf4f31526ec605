//! Pruning: an API server does not keep what a schema does not know.

use serde_json::{Map, Value};

use super::{Additional, Schema, Slot};
use crate::kinds;

/// The fields that every object has, whatever its schema says.
const META_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

impl Schema {
    /// Drops the fields of a custom object that the schema does not know and returns their paths, sorted (`spec.ports[0].nmae`).
    /// The value is a whole object: apiVersion, kind and the known fields of metadata stay, also in embedded objects.
    ///
    /// Source: apiextensions' structural pruning and its coercing of metadata.
    pub fn prune(&self, value: &mut Value) -> Vec<String> {
        let mut unknown = Vec::new();
        prune(Some(self), value, true, &Cursor::Root, &mut unknown);
        unknown.sort_unstable();
        unknown
    }

    /// The paths of the fields that the schema does not know, sorted: for built-in kinds what Go's decoder does not know, for custom kinds what would be pruned
    /// and the unknown fields of metadata.
    pub fn unknown_fields(&self, value: &Value) -> Vec<String> {
        let mut unknown = Vec::new();
        prune(Some(self), &mut value.clone(), false, &Cursor::Root, &mut unknown);
        unknown.sort_unstable();
        unknown.dedup();
        unknown
    }
}

/// Where the walk is; turned into text only for what is unknown.
enum Cursor<'a> {
    Root,
    Field(&'a Cursor<'a>, &'a str),
    Item(&'a Cursor<'a>, usize),
}

impl Cursor<'_> {
    fn is_root(&self) -> bool {
        matches!(self, Self::Root)
    }

    fn path(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Field(Self::Root, name) => (*name).to_owned(),
            Self::Field(parent, name) => format!("{}.{name}", parent.path()),
            Self::Item(parent, index) => format!("{}[{index}]", parent.path()),
        }
    }
}

/// `keeps_meta`: the value is a whole object, whose metadata is that of every object, whatever the schema says.
fn prune(
    schema: Option<&Schema>,
    value: &mut Value,
    keeps_meta: bool,
    at: &Cursor,
    unknown: &mut Vec<String>,
) {
    match value {
        Value::Object(fields) => prune_fields(schema, fields, keeps_meta, at, unknown),
        Value::Array(items) => {
            let slot = schema.and_then(Schema::item_slot);
            if slot.is_none() && schema.is_some_and(keeps_all) {
                return;
            }
            for (index, item) in items.iter_mut().enumerate() {
                descend(slot, item, &Cursor::Item(at, index), unknown);
            }
        }
        _ => {}
    }
}

fn prune_fields(
    schema: Option<&Schema>,
    fields: &mut Map<String, Value>,
    keeps_meta: bool,
    at: &Cursor,
    unknown: &mut Vec<String>,
) {
    let keeps_all = schema.is_some_and(keeps_all);
    let object_meta =
        kinds::definition("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").filter(|_| keeps_meta);
    fields.retain(|name, field| {
        let is_meta = META_FIELDS.contains(&name.as_str());
        if keeps_meta && is_meta {
            if let Some(meta) = object_meta.as_ref().filter(|_| name == "metadata") {
                prune(Some(meta.schema()), field, false, &Cursor::Field(at, name), unknown);
            }
            return true;
        }
        let slot = schema.and_then(|schema| schema.slot(name));
        let here = Cursor::Field(at, name);
        if slot.is_some() {
            descend(slot, field, &here, unknown);
            return true;
        }
        let is_implied = is_meta && at.is_root();
        if !keeps_all && !is_implied {
            unknown.push(here.path());
        }
        keeps_all
    });
}

fn descend(slot: Option<&Slot>, value: &mut Value, at: &Cursor, unknown: &mut Vec<String>) {
    let schema = slot.map(Slot::schema);
    let embedded = schema.is_some_and(|schema| schema.embedded);
    prune(schema, value, embedded, at, unknown);
}

fn keeps_all(schema: &Schema) -> bool {
    schema.preserve_unknown || matches!(schema.additional, Additional::Any)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::GroupVersionKind;
    use crate::kinds::KindTable;
    use serde_json::json;

    #[track_caller]
    fn check(schema: &Value, mut value: Value, expected: &Value, unknown: &[&str]) {
        assert_eq!(Schema::from_crd(schema).prune(&mut value), unknown);
        assert_eq!(&value, expected);
    }

    #[test]
    fn what_is_unknown_is_dropped_and_named() {
        let schema = json!({"type": "object", "properties": {"spec": {"type": "object", "properties": {
            "a": {"type": "string"},
            "l": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "string"}}}},
            "m": {"type": "object", "additionalProperties": {"type": "object", "properties": {"v": {"type": "string"}}}}
        }}}});
        check(
            &schema,
            json!({"kind": "X", "metadata": {"odd": 1}, "spec": {"a": "1", "b": 2, "l": [{"n": "1", "o": 2}], "m": {"k": {"w": 1}}}, "x": 1}),
            &json!({"kind": "X", "metadata": {}, "spec": {"a": "1", "l": [{"n": "1"}], "m": {"k": {}}}}),
            &["metadata.odd", "spec.b", "spec.l[0].o", "spec.m.k.w", "x"],
        );
    }

    #[test]
    fn preserved_parts_keep_everything_but_what_is_declared_below() {
        let schema = json!({"type": "object", "properties": {"spec": {
            "type": "object", "x-kubernetes-preserve-unknown-fields": true,
            "properties": {"known": {"type": "object", "properties": {"a": {"type": "string"}}}}
        }}});
        check(
            &schema,
            json!({"spec": {"free": {"x": {"y": 1}}, "list": [{"z": 1}], "known": {"a": "1", "b": 2}}}),
            &json!({"spec": {"free": {"x": {"y": 1}}, "list": [{"z": 1}], "known": {"a": "1"}}}),
            &["spec.known.b"],
        );
    }

    #[test]
    fn embedded_objects_keep_their_metadata() {
        let schema = json!({"type": "object", "properties": {"template": {
            "type": "object", "x-kubernetes-embedded-resource": true, "properties": {"spec": {"type": "object"}}
        }}});
        check(
            &schema,
            json!({"template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "odd": 1}, "spec": {"x": 1}, "y": 1}}),
            &json!({"template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {}}}),
            &["template.metadata.odd", "template.spec.x", "template.y"],
        );
    }

    #[test]
    fn built_in_kinds_know_their_fields() {
        let table = KindTable::built_in();
        let schema = table.schema(&GroupVersionKind::new("apps", "v1", "Deployment")).unwrap();
        let value = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "lables": {}}, "spec": {
            "replica": 1,
            "template": {"metadata": {"labels": {"any": "x"}}, "spec": {"containers": [{"name": "c", "imag": "x"}]}}
        }});
        assert_eq!(
            schema.unknown_fields(&value),
            ["metadata.lables", "spec.replica", "spec.template.spec.containers[0].imag"]
        );
    }

    #[test]
    fn any_json_is_not_looked_into() {
        let table = KindTable::built_in();
        let schema = table.schema(&GroupVersionKind::new("apps", "v1", "ControllerRevision")).unwrap();
        assert!(schema.unknown_fields(&json!({"data": {"spec": [{"x": 1}]}, "revision": 1})).is_empty());
    }
}
