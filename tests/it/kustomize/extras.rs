//! Generated parts of a kustomization that few have: generators and validators as documents, schemas, definitions of custom kinds.

use proptest::prelude::*;

use super::changes::generator;
use super::text::{S, Y, either, may, must, raw, record, text};

/// One of them.
#[derive(Debug, Clone)]
pub enum Extra {
    /// An entry of a generator field, as a document of its own: the kind it makes, and the entry.
    Generator(&'static str, Y),
    Validator(Y),
    /// `openapi.path`.
    Schema,
    /// `crds`.
    Definitions,
}

pub fn extra() -> impl Strategy<Value = Extra> {
    let kind = prop::sample::select(vec!["ConfigMap", "Secret"]);
    prop_oneof![
        3 => (kind, generator()).prop_map(|(kind, entry)| Extra::Generator(kind, entry)),
        2 => validator().prop_map(Extra::Validator),
        2 => Just(Extra::Schema),
        2 => Just(Extra::Definitions),
    ]
}

/// A transformer that changes what only a few objects have. It is forgiven one label.
fn validator() -> S {
    let of = |kind, member| {
        record(vec![
            must("apiVersion", text("builtin")),
            must("kind", text(kind)),
            must("metadata", record(vec![must("name", text("v"))])),
            member,
            must("fieldSpecs", raw(&["[{path: metadata/labels, create: true, kind: Widget}]"])),
        ])
    };
    let labels = must("labels", raw(&["{v: \"1\"}"]));
    let annotations = may(0.9, "annotations", raw(&["{v: \"1\"}"]));
    either(vec![(1, of("LabelTransformer", labels)), (1, of("AnnotationsTransformer", annotations))])
}

/// The document of a generator.
pub fn generator_document(kind: &str, entry: &Y) -> Y {
    let mut document = Y::map([
        ("apiVersion", Y::text("builtin")),
        ("kind", Y::text(format!("{kind}Generator"))),
        ("metadata", Y::map([("name", Y::text(entry.text_at(&["name"])))])),
    ]);
    if let Y::Map(members) = entry {
        members
            .iter()
            .filter(|(key, _)| key != "name")
            .for_each(|(key, value)| document.set(key, value.clone()));
    }
    document
}

/// A schema with which the items of a Widget and the containers of its template have a key. It needs nothing of the built-in schema,
/// which the reference reads beside it or not, as other objects have it.
pub const SCHEMA: &str = r##"{"definitions": {
  "com.example.v1.Widget": {"type": "object",
    "properties": {"spec": {"type": "object", "properties": {
      "items": {"type": "array", "items": {"type": "object"}, "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge"},
      "template": {"$ref": "#/definitions/com.example.v1.Template"}}}},
    "x-kubernetes-group-version-kind": [{"group": "example.com", "kind": "Widget", "version": "v1"}]},
  "com.example.v1.Template": {"type": "object", "properties": {"spec": {"type": "object", "properties": {
    "containers": {"type": "array", "items": {"$ref": "#/definitions/com.example.v1.Box"},
      "x-kubernetes-patch-merge-key": "name", "x-kubernetes-patch-strategy": "merge"}}}}},
  "com.example.v1.Box": {"type": "object", "properties": {
    "ports": {"type": "array", "items": {"type": "object"},
      "x-kubernetes-list-map-keys": ["containerPort", "protocol"], "x-kubernetes-list-type": "map",
      "x-kubernetes-patch-merge-key": "containerPort", "x-kubernetes-patch-strategy": "merge"},
    "args": {"type": "array", "items": {"type": "string"}, "x-kubernetes-patch-strategy": "merge"}}}}}
"##;

/// Definitions that say which fields of a Widget hold names, labels and annotations.
pub const DEFINITIONS: &str = r#"{
  "example.com/v1.Widget": {"Schema": {"properties": {
    "apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"$ref": "meta"},
    "spec": {"$ref": "example.com/v1.WidgetSpec"}}}},
  "example.com/v1.WidgetSpec": {"Schema": {"properties": {
    "widgetRef": {"x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "Secret"},
    "size": {"x-kubernetes-identity": ""},
    "selector": {"x-kubernetes-label-selector": ""},
    "notes": {"x-kubernetes-annotation": ""}}}}}
"#;
