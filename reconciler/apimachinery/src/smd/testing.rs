//! Schemas in a few words, and random schemas with values that fit them, for the tests of this module.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::schema::{Additional, ListType, MapType, Schema, Slot, ValueType};
use crate::smd::FieldSet;

pub(super) fn text() -> Schema {
    Schema { value_type: ValueType::String, ..Schema::default() }
}

pub(super) fn number() -> Schema {
    Schema { value_type: ValueType::Integer, ..Schema::default() }
}

pub(super) fn boolean() -> Schema {
    Schema { value_type: ValueType::Boolean, ..Schema::default() }
}

/// An object with these fields and no others.
pub(super) fn object<const N: usize>(fields: [(&str, Schema); N]) -> Schema {
    let properties = fields.into_iter().map(|(name, schema)| (name.into(), Slot::from(schema))).collect();
    Schema { value_type: ValueType::Object, properties, ..Schema::default() }
}

/// A map from texts.
pub(super) fn map(values: Schema) -> Schema {
    let additional = Additional::Values(Box::new(Slot::from(values)));
    Schema { value_type: ValueType::Object, additional, ..Schema::default() }
}

/// An object of which nothing is said.
pub(super) fn open() -> Schema {
    Schema { value_type: ValueType::Object, preserve_unknown: true, ..Schema::default() }
}

/// The same object or map, owned as a whole.
pub(super) fn whole(schema: Schema) -> Schema {
    Schema { map_type: MapType::Atomic, ..schema }
}

/// A list that is owned as a whole.
pub(super) fn list(items: Schema) -> Schema {
    Schema { value_type: ValueType::Array, items: Some(Box::new(Slot::from(items))), ..Schema::default() }
}

pub(super) fn set(items: Schema) -> Schema {
    Schema { list_type: ListType::Set, ..list(items) }
}

pub(super) fn keyed<const N: usize>(keys: [&str; N], items: Schema) -> Schema {
    Schema { list_type: ListType::Map(keys.map(Into::into).to_vec()), ..list(items) }
}

/// With a default for one field.
pub(super) fn with_default(mut schema: Schema, field: &str, default: Value) -> Schema {
    if let Some(slot) = schema.properties.get_mut(field) {
        slot.default = Some(default);
    }
    schema
}

/// The part of a Deployment that the stories need.
pub(super) fn deployment() -> Schema {
    let port = object([("containerPort", number()), ("protocol", text()), ("name", text())]);
    let container = object([
        ("name", text()),
        ("image", text()),
        ("args", list(text())),
        ("env", keyed(["name"], object([("name", text()), ("value", text())]))),
        ("ports", keyed(["containerPort", "protocol"], with_default(port, "protocol", json!("TCP")))),
    ]);
    let pod = object([("containers", keyed(["name"], container)), ("nodeSelector", whole(map(text())))]);
    let spec = object([
        ("replicas", number()),
        ("paused", boolean()),
        ("selector", whole(open())),
        ("template", object([("spec", pod)])),
    ]);
    object([("spec", spec), ("status", object([("replicas", number())]))])
}

/// A set of fields from its `fieldsV1`.
#[track_caller]
pub(super) fn fields(value: &Value) -> FieldSet {
    FieldSet::from_fields_v1(value).unwrap()
}

/// A schema of a value, without scalars of more than one type.
fn any_schema() -> impl Strategy<Value = Schema> {
    let leaf = prop_oneof![Just(text()), Just(number()), Just(boolean())];
    leaf.prop_recursive(3, 20, 3, |inner| {
        let fields = proptest::collection::btree_map("[a-c]", inner.clone(), 1..4);
        let object = fields.prop_map(|fields| {
            let properties = fields.into_iter().map(|(n, s)| (n.into(), Slot::from(s))).collect();
            Schema { value_type: ValueType::Object, properties, ..Schema::default() }
        });
        let item = object.clone().prop_map(|mut item| {
            item.properties.insert("name".into(), Slot::from(text()));
            item.properties.insert("proto".into(), Slot::from(text()));
            with_default(item, "proto", json!("TCP"))
        });
        prop_oneof![
            3 => object.clone(),
            1 => object.prop_map(whole),
            1 => inner.clone().prop_map(map),
            1 => inner.clone().prop_map(|values| whole(map(values))),
            1 => inner.prop_map(list),
            1 => Just(set(text())),
            3 => item.prop_map(|item| keyed(["name", "proto"], item)),
        ]
    })
}

/// A value that fits. Lists that are owned item by item are not empty: those leave no trace in a field set.
fn fitting(schema: &Schema) -> BoxedStrategy<Value> {
    match schema.value_type {
        ValueType::String => "[a-c]{0,2}".prop_map(Value::from).boxed(),
        ValueType::Boolean => any::<bool>().prop_map(Value::from).boxed(),
        ValueType::Integer => (-2..3i64).prop_map(Value::from).boxed(),
        ValueType::Array => fitting_list(schema),
        ValueType::Object | ValueType::Any | ValueType::Number => fitting_object(schema),
    }
}

fn fitting_object(schema: &Schema) -> BoxedStrategy<Value> {
    if let Additional::Values(slot) = &schema.additional {
        let entries = proptest::collection::btree_map("[k-m]", fitting(slot.schema()), 0..3);
        return entries.prop_map(|entries| Value::Object(entries.into_iter().collect())).boxed();
    }
    let fields: Vec<_> = schema
        .properties
        .iter()
        .map(|(name, slot)| {
            let value = proptest::option::of(fitting(slot.schema()));
            (Just(name.to_string()), value)
        })
        .collect();
    fields
        .prop_map(|fields| {
            let present = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
            Value::Object(present.collect::<Map<_, _>>())
        })
        .boxed()
}

fn fitting_list(schema: &Schema) -> BoxedStrategy<Value> {
    let item = schema.items.as_ref().map_or_else(text, |slot| slot.schema().clone());
    let items = proptest::collection::vec(fitting(&item), 1..4);
    match schema.list_type {
        ListType::Atomic => items.prop_map(Value::from).boxed(),
        ListType::Set => items
            .prop_map(|items| {
                let unique: std::collections::BTreeSet<String> =
                    items.iter().filter_map(Value::as_str).map(str::to_owned).collect();
                unique.into_iter().collect::<Vec<_>>().into()
            })
            .boxed(),
        ListType::Map(_) => (items, proptest::sample::subsequence(KEYS.to_vec(), 3))
            .prop_map(|(items, keys)| {
                let keyed = items.into_iter().zip(keys).map(|(mut item, (name, proto))| {
                    if let Some(fields) = item.as_object_mut() {
                        fields.insert("name".to_owned(), json!(name));
                        fields.remove("proto");
                        fields.extend(proto.map(|proto| ("proto".to_owned(), json!(proto))));
                    }
                    item
                });
                Value::Array(keyed.collect())
            })
            .boxed(),
    }
}

/// Key fields of items that all differ; a protocol that is left out is TCP.
const KEYS: [(&str, Option<&str>); 5] =
    [("x", None), ("x", Some("UDP")), ("y", Some("TCP")), ("z", None), ("z", Some("UDP"))];

/// A schema of an object.
pub(super) fn object_schema() -> impl Strategy<Value = Schema> {
    proptest::collection::btree_map("f[0-4]", any_schema(), 1..5).prop_map(|fields| {
        let properties = fields.into_iter().map(|(n, s)| (n.into(), Slot::from(s))).collect();
        Schema { value_type: ValueType::Object, properties, ..Schema::default() }
    })
}

fn named(value: Value) -> Value {
    let mut object = json!({"apiVersion": "g/v1", "kind": "K", "metadata": {"name": "x"}});
    if let (Some(object), Value::Object(fields)) = (object.as_object_mut(), value) {
        object.extend(fields);
    }
    object
}

/// A schema and two objects of it.
pub(super) fn schema_and_objects() -> impl Strategy<Value = (Schema, Value, Value)> {
    object_schema().prop_flat_map(|schema| {
        let object = fitting(&schema).prop_map(named);
        (Just(schema), object.clone(), object)
    })
}

fn any_scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-2..3i64).prop_map(Value::from),
        Just(json!(1.5)),
        "[a-c]{0,2}".prop_map(Value::from),
    ]
}

/// Any JSON at all.
pub(super) fn any_json() -> impl Strategy<Value = Value> {
    any_scalar().prop_recursive(4, 24, 4, |inner| {
        let name = prop_oneof!["[a-c]", "f[0-4]", Just("name".to_owned()), Just("proto".to_owned())];
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map(name, inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

/// Any set of fields.
pub(super) fn any_fields() -> impl Strategy<Value = FieldSet> {
    use crate::smd::{FieldPath, PathElement};
    let element = prop_oneof![
        4 => "[a-c]".prop_map(|name| PathElement::field(&name)),
        2 => ("[a-c]{0,2}", -1..2i64).prop_map(|(name, port)| PathElement::key([("name", json!(name)), ("port", json!(port))])),
        1 => any_scalar().prop_map(PathElement::value),
        1 => (0..3i64).prop_map(PathElement::Index),
    ];
    let path = proptest::collection::vec(element, 1..4).prop_map(FieldPath);
    proptest::collection::vec(path, 0..8).prop_map(|paths| paths.into_iter().collect())
}
