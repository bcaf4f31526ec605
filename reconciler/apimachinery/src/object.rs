//! An object as canonical JSON bytes plus a parsed header.
//!
//! A JSON tree of a typical Deployment holds fourteen times the bytes of its text, so nothing that keeps many objects
//! keeps trees: it keeps these, and parses on demand. Canonical means keys sorted and no insignificant white space, which is also
//! what Go's encoder gives, so digests of equal objects are equal.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value;

use crate::{Digest, GroupVersion, GroupVersionKind, Kind, Name, Namespace, ObjectId};

/// Why bytes are not an object.
#[derive(Debug, thiserror::Error)]
pub enum ObjectError {
    /// Not JSON, or a header field of the wrong type.
    #[error("not a Kubernetes object: {detail}")]
    Malformed {
        /// What the parser says; header fields only, never the payload.
        detail: String,
    },
    /// A field without which it has no identity.
    #[error("not a Kubernetes object: {field} is missing")]
    Missing {
        /// Its path.
        field: &'static str,
    },
}

/// The part of an object that decisions look at without parsing the rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Kind and the version the object is written in.
    pub gvk: GroupVersionKind,
    /// `None` where `metadata.namespace` is absent or empty.
    pub namespace: Option<Namespace>,
    /// `metadata.name`; empty only while `generateName` has not been resolved.
    pub name: Name,
    /// `metadata.uid`, absent in what has not been stored yet.
    pub uid: Option<Arc<str>>,
    /// `metadata.resourceVersion`.
    pub resource_version: Option<Arc<str>>,
    /// `metadata.generation`.
    pub generation: Option<i64>,
    /// `metadata.labels`.
    pub labels: Arc<BTreeMap<String, String>>,
    /// `metadata.annotations`.
    pub annotations: Arc<BTreeMap<String, String>>,
    /// Whether `metadata.deletionTimestamp` is set.
    pub deleting: bool,
}

impl Header {
    /// The identity, with the namespace as it stands in the object.
    pub fn id(&self) -> ObjectId {
        ObjectId {
            group: self.gvk.group.clone(),
            kind: self.gvk.kind.clone(),
            namespace: self.namespace.clone(),
            name: self.name.clone(),
        }
    }

    /// A label's value.
    pub fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(String::as_str)
    }

    /// An annotation's value.
    pub fn annotation(&self, key: &str) -> Option<&str> {
        self.annotations.get(key).map(String::as_str)
    }
}

/// One Kubernetes object, immutable. Cloning shares the bytes.
#[derive(Clone)]
pub struct Object {
    header: Header,
    bytes: Arc<[u8]>,
}

impl Object {
    /// From a JSON tree.
    ///
    /// # Errors
    /// When kind, apiVersion or name are absent, or metadata has the wrong types.
    pub fn from_value(value: &Value) -> Result<Self, ObjectError> {
        // A map of serde_json is sorted, so its text is canonical.
        let bytes =
            serde_json::to_vec(value).map_err(|e| ObjectError::Malformed { detail: e.to_string() })?;
        Self::from_canonical(bytes)
    }

    /// From JSON text in any order and spacing.
    ///
    /// # Errors
    /// As [`Object::from_value`], and when the text is not JSON.
    pub fn from_json(text: &[u8]) -> Result<Self, ObjectError> {
        let value: Value =
            serde_json::from_slice(text).map_err(|e| ObjectError::Malformed { detail: e.to_string() })?;
        Self::from_value(&value)
    }

    /// From bytes that are already canonical, as stored ones are. Only the header is parsed.
    ///
    /// # Errors
    /// As [`Object::from_value`].
    pub fn from_canonical(bytes: impl Into<Arc<[u8]>>) -> Result<Self, ObjectError> {
        let bytes = bytes.into();
        let header = parse_header(&bytes)?;
        Ok(Self { header, bytes })
    }

    /// The parsed header.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The identity.
    pub fn id(&self) -> ObjectId {
        self.header.id()
    }

    /// The canonical JSON.
    pub fn bytes(&self) -> &Arc<[u8]> {
        &self.bytes
    }

    /// The whole object as a tree, parsed anew at each call.
    pub fn to_value(&self) -> Value {
        // The bytes were checked or written by serde_json, so the fallback is unreachable.
        serde_json::from_slice(&self.bytes).unwrap_or_default()
    }

    /// SHA-256 of the canonical JSON.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.bytes)
    }
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Object {}

impl std::fmt::Debug for Object {
    /// The identity only: a Secret's payload must not reach a log by accident.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Object({})", self.id())
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawObject {
    api_version: Option<String>,
    kind: Option<String>,
    metadata: Option<RawMetadata>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct RawMetadata {
    name: Option<String>,
    generate_name: Option<String>,
    namespace: Option<String>,
    uid: Option<Arc<str>>,
    resource_version: Option<Arc<str>>,
    generation: Option<i64>,
    labels: Option<BTreeMap<String, String>>,
    annotations: Option<BTreeMap<String, String>>,
    deletion_timestamp: Option<serde::de::IgnoredAny>,
}

fn parse_header(bytes: &[u8]) -> Result<Header, ObjectError> {
    let raw: RawObject =
        serde_json::from_slice(bytes).map_err(|e| ObjectError::Malformed { detail: e.to_string() })?;
    let api_version =
        raw.api_version.filter(|v| !v.is_empty()).ok_or(ObjectError::Missing { field: "apiVersion" })?;
    let kind = raw.kind.filter(|k| !k.is_empty()).ok_or(ObjectError::Missing { field: "kind" })?;
    let metadata = raw.metadata.unwrap_or_default();
    let named = |text: &Option<String>| text.as_ref().is_some_and(|t| !t.is_empty());
    if !named(&metadata.name) && !named(&metadata.generate_name) {
        return Err(ObjectError::Missing { field: "metadata.name" });
    }
    let GroupVersion { group, version } = GroupVersion::parse(&api_version);
    Ok(Header {
        gvk: GroupVersionKind { group, version, kind: Kind::from(kind) },
        namespace: metadata.namespace.filter(|n| !n.is_empty()).map(Namespace::from),
        name: Name::from(metadata.name.unwrap_or_default()),
        uid: metadata.uid,
        resource_version: metadata.resource_version,
        generation: metadata.generation,
        labels: Arc::new(metadata.labels.unwrap_or_default()),
        annotations: Arc::new(metadata.annotations.unwrap_or_default()),
        deleting: metadata.deletion_timestamp.is_some(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_as_they_were_however_long_they_are() {
        let digits = "4".repeat(99);
        let text = format!(r#"{{"apiVersion":"v1","kind":"X","metadata":{{"name":"x"}},"spec":{digits}}}"#);
        let object = Object::from_json(text.as_bytes()).unwrap();
        let again = Object::from_value(&object.to_value()).unwrap();
        assert_eq!(again.digest(), object.digest());
    }

    #[test]
    fn an_object_keeps_canonical_bytes_and_a_header() {
        let text = br#"{"kind":"Deployment", "metadata":{"name":"cart","namespace":"shop","labels":{"a":"b"}},"apiVersion":"apps/v1"}"#;
        let object = Object::from_json(text).unwrap();
        assert_eq!(object.id().to_string(), "Deployment.apps shop/cart");
        assert_eq!(object.header().label("a"), Some("b"));
        assert!(object.bytes().starts_with(br#"{"apiVersion":"apps/v1","kind""#));
        assert_eq!(object, Object::from_value(&object.to_value()).unwrap());
    }

    #[test]
    fn what_has_no_identity_is_refused_by_name_of_the_field() {
        let error = Object::from_json(br#"{"kind":"Pod","apiVersion":"v1","metadata":{}}"#).unwrap_err();
        assert_eq!(error.to_string(), "not a Kubernetes object: metadata.name is missing");
    }

    #[test]
    fn an_empty_namespace_is_none() {
        let object =
            Object::from_json(br#"{"kind":"Node","apiVersion":"v1","metadata":{"name":"n","namespace":""}}"#);
        assert_eq!(object.unwrap().header().namespace, None);
    }
}
