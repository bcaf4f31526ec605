//! Our annotations on objects of a source, and the digest of what was declared.

use apimachinery::{Digest, Object, ObjectId};
use serde_json::{Map, Value};

use super::{DECLARED_ANNOTATION, LAST_APPLIED_ANNOTATION};
use crate::SourceName;
use crate::names::{FIELD_MANAGER_PREFIX, INTENT_ANNOTATION, SELF_ANNOTATION};

/// The hub's own field manager starts like a source's. It writes labels for status return; it declares nothing.
pub(crate) const HUB_MANAGER: &str = "gitstellar-hub";

/// A normal form with the annotations that make it this source's: what sync applies.
pub fn marked(normal: &Object, source: &SourceName) -> Object {
    let mut value = normal.to_value();
    annotate(&mut value, SELF_ANNOTATION, self_annotation(source, &normal.id()));
    let digest = digest_of(value.clone());
    annotate(&mut value, INTENT_ANNOTATION, digest.to_string());
    // Two more annotations cannot make an object malformed.
    Object::from_value(&value).unwrap_or_else(|_| normal.clone())
}

/// `<source>/<group>/<kind>/<namespace>/<name>`: the value of `gitstellar.io/object`. Group and namespace may be empty.
pub fn self_annotation(source: &SourceName, id: &ObjectId) -> String {
    let namespace = id.namespace.as_ref().map(apimachinery::Namespace::as_str).unwrap_or_default();
    format!("{source}/{}/{}/{namespace}/{}", id.group, id.kind, id.name)
}

/// The source that an object belongs to: named by its annotation `gitstellar.io/object`, if that names this object (a copy of an object carries the
/// original's), else by a field manager of ours.
pub fn source_of(stored: &Object) -> Option<SourceName> {
    let header = stored.header();
    let named = header.annotation(SELF_ANNOTATION).and_then(|text| {
        let source = SourceName::new(text.split('/').next()?);
        (self_annotation(&source, &stored.id()) == text).then_some(source)
    });
    named.or_else(|| {
        let managers = apimachinery::smd::Managers::of(&stored.to_value()).ok()?;
        let ours = managers.iter().map(|(id, _)| id).find(|id| {
            id.operation == apimachinery::smd::Operation::Apply
                && id.subresource.is_empty()
                && id.manager != HUB_MANAGER
                && id.manager.starts_with(FIELD_MANAGER_PREFIX)
        })?;
        ours.manager.strip_prefix(FIELD_MANAGER_PREFIX).map(SourceName::new)
    })
}

/// The digest of a normal form; the annotations that carry digests, and kubectl's memory, are left out.
pub fn intent_digest(normal: &Object) -> Digest {
    digest_of(normal.to_value())
}

pub(super) fn digest_of(mut value: Value) -> Digest {
    if let Some(annotations) = value.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut) {
        for key in [INTENT_ANNOTATION, DECLARED_ANNOTATION, LAST_APPLIED_ANNOTATION] {
            annotations.remove(key);
        }
    }
    super::cleaning::drop_empty(&mut value, "annotations");
    Digest::of(value.to_string().as_bytes())
}

pub(crate) fn annotate(value: &mut Value, key: &str, text: String) {
    let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    let annotations = metadata.entry("annotations").or_insert_with(|| Value::Object(Map::new()));
    if !annotations.is_object() {
        *annotations = Value::Object(Map::new());
    }
    if let Some(annotations) = annotations.as_object_mut() {
        annotations.insert(key.to_owned(), text.into());
    }
}
