//! Custom kinds, read from their CRDs.

use serde_json::Value;

use super::{Resource, Scope, Subresource, version_priority};
use crate::field_error::{FieldError, FieldPath};
use crate::schema::{Link, Schema, check_structural};
use crate::{Group, GroupResource, GroupVersionKind, Kind, Plural, Version};

/// Why a value is no CRD.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CrdError {
    /// Of another kind.
    #[error("not a CustomResourceDefinition of apiextensions.k8s.io/v1 but {found}")]
    WrongKind {
        /// What it says it is.
        found: String,
    },
    /// A field without which there is no kind.
    #[error("the CustomResourceDefinition {name} is incomplete: {field} is missing")]
    Missing {
        /// The CRD's name.
        name: String,
        /// The path of the field.
        field: &'static str,
    },
}

/// A custom kind in all its versions.
#[derive(Clone, Debug)]
pub struct CustomKind {
    /// `spec.group`.
    pub group: Group,
    /// `spec.names.kind`.
    pub kind: Kind,
    /// `spec.names.plural`.
    pub plural: Plural,
    /// `spec.names.singular`, by default the lowercase kind.
    pub singular: Box<str>,
    /// `spec.names.listKind`, by default the kind and `List`.
    pub list_kind: Kind,
    /// `spec.names.shortNames`.
    pub short_names: Vec<Box<str>>,
    /// `spec.names.categories`.
    pub categories: Vec<Box<str>>,
    /// `spec.scope`.
    pub scope: Scope,
    /// All versions, served or not, the preferred one first.
    pub versions: Vec<CustomVersion>,
}

/// One version of a custom kind.
#[derive(Clone, Debug)]
pub struct CustomVersion {
    /// `v1`.
    pub name: Version,
    /// Whether the API server offers it.
    pub served: bool,
    /// Whether objects are stored in it.
    pub storage: bool,
    /// The warning for whoever uses it, when it is deprecated; may be empty.
    pub deprecation: Option<Box<str>>,
    /// The schema; `None` where there is none.
    pub schema: Option<Link>,
    /// Why an API server would refuse the schema.
    pub faults: Vec<FieldError>,
    /// Whether it has the status subresource.
    pub status: bool,
    /// The scale subresource.
    pub scale: Option<ScalePaths>,
    /// `additionalPrinterColumns`.
    pub columns: Vec<PrinterColumn>,
    /// The JSON paths of `selectableFields`, `.spec.color`.
    pub selectable_fields: Vec<Box<str>>,
}

/// Where the scale subresource finds its numbers, as JSON paths.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScalePaths {
    /// `.spec.replicas`.
    pub spec_replicas: Box<str>,
    /// `.status.replicas`.
    pub status_replicas: Box<str>,
    /// `.status.selector`.
    pub label_selector: Option<Box<str>>,
}

/// A column of `kubectl get`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrinterColumn {
    /// The heading.
    pub name: Box<str>,
    /// `string`, `integer`, `number`, `boolean` or `date`.
    pub column_type: Box<str>,
    /// The format of the type, may be empty.
    pub format: Box<str>,
    /// May be empty.
    pub description: Box<str>,
    /// Columns above 0 show with `-o wide` only.
    pub priority: i64,
    /// The path of the cell, `.spec.replicas`.
    pub json_path: Box<str>,
}

impl CustomKind {
    /// Reads a CRD. Names that are absent get the defaults of the API server.
    ///
    /// # Errors
    /// When the value is no CRD, or says no group, kind, plural or versions. A schema that is not structural is no error: see [`CustomVersion::faults`].
    pub fn from_crd(crd: &Value) -> Result<Self, CrdError> {
        let (api_version, kind) = (text(crd, "/apiVersion"), text(crd, "/kind"));
        if api_version != "apiextensions.k8s.io/v1" || kind != "CustomResourceDefinition" {
            return Err(CrdError::WrongKind { found: format!("{kind} of {api_version}") });
        }
        let needed = |pointer: &str, field: &'static str| match text(crd, pointer) {
            "" => Err(CrdError::Missing { name: text(crd, "/metadata/name").to_owned(), field }),
            found => Ok(found),
        };
        let kind = needed("/spec/names/kind", "spec.names.kind")?;
        let group = needed("/spec/group", "spec.group")?;
        let plural = needed("/spec/names/plural", "spec.names.plural")?;
        let or = |found: &str, otherwise: String| if found.is_empty() { otherwise } else { found.to_owned() };
        let mut versions: Vec<CustomVersion> = list(crd, "/spec/versions").map(parse_version).collect();
        if versions.is_empty() {
            needed("/spec/versions/0/name", "spec.versions")?;
        }
        versions.sort_by_key(|version| version_priority(version.name.as_str()));
        Ok(Self {
            group: group.into(),
            kind: kind.into(),
            plural: plural.into(),
            singular: or(text(crd, "/spec/names/singular"), kind.to_lowercase()).into(),
            list_kind: or(text(crd, "/spec/names/listKind"), format!("{kind}List")).into(),
            short_names: texts(crd, "/spec/names/shortNames"),
            categories: texts(crd, "/spec/names/categories"),
            scope: if text(crd, "/spec/scope") == "Namespaced" { Scope::Namespaced } else { Scope::Cluster },
            versions,
        })
    }

    /// Group and plural, which is also the name of the CRD.
    pub fn group_resource(&self) -> GroupResource {
        GroupResource { group: self.group.clone(), plural: self.plural.clone() }
    }

    /// The version of that name.
    pub fn version(&self, name: &str) -> Option<&CustomVersion> {
        self.versions.iter().find(|version| version.name == *name)
    }

    /// The version that objects are stored in.
    pub fn storage_version(&self) -> Option<&CustomVersion> {
        self.versions.iter().find(|version| version.storage)
    }

    /// What discovery says: one resource per served version, the preferred one first.
    pub fn resources(&self) -> impl Iterator<Item = Resource> {
        self.versions.iter().filter(|version| version.served).map(|version| self.resource(version))
    }

    fn resource(&self, version: &CustomVersion) -> Resource {
        const VERBS: [&str; 8] =
            ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
        let gvk = GroupVersionKind {
            group: self.group.clone(),
            version: version.name.clone(),
            kind: self.kind.clone(),
        };
        Resource {
            plural: self.plural.clone(),
            singular: self.singular.clone(),
            list_kind: self.list_kind.clone(),
            scope: self.scope,
            short_names: self.short_names.clone(),
            categories: self.categories.clone(),
            verbs: VERBS.into_iter().map(Into::into).collect(),
            subresources: subresources(&gvk, version),
            custom: true,
            schema: version.schema.clone(),
            gvk,
        }
    }
}

fn subresources(gvk: &GroupVersionKind, version: &CustomVersion) -> Vec<Subresource> {
    let subresource = |name: &str, gvk: GroupVersionKind| Subresource {
        name: name.into(),
        gvk,
        verbs: ["get", "patch", "update"].into_iter().map(Into::into).collect(),
    };
    let scale = version
        .scale
        .as_ref()
        .map(|_| subresource("scale", GroupVersionKind::new("autoscaling", "v1", "Scale")));
    let status = version.status.then(|| subresource("status", gvk.clone()));
    scale.into_iter().chain(status).collect()
}

fn parse_version((index, raw): (usize, &Value)) -> CustomVersion {
    let path = FieldPath::new("spec.versions").index(index).child("schema").child("openAPIV3Schema");
    let status = raw.pointer("/subresources/status").is_some_and(|status| !status.is_null());
    let schema = raw.pointer("/schema/openAPIV3Schema");
    let deprecated = raw.pointer("/deprecated") == Some(&Value::Bool(true));
    CustomVersion {
        name: text(raw, "/name").into(),
        served: raw.pointer("/served") == Some(&Value::Bool(true)),
        storage: raw.pointer("/storage") == Some(&Value::Bool(true)),
        deprecation: deprecated.then(|| text(raw, "/deprecationWarning").into()),
        schema: schema.map(|schema| Link::new(Schema::from_crd(schema))),
        faults: check_structural(schema.unwrap_or(&Value::Null), &path, status),
        status,
        scale: raw.pointer("/subresources/scale").filter(|scale| scale.is_object()).map(parse_scale),
        columns: list(raw, "/additionalPrinterColumns").map(|(_, column)| parse_column(column)).collect(),
        selectable_fields: list(raw, "/selectableFields")
            .map(|(_, field)| text(field, "/jsonPath").into())
            .collect(),
    }
}

fn parse_scale(raw: &Value) -> ScalePaths {
    let selector = text(raw, "/labelSelectorPath");
    ScalePaths {
        spec_replicas: text(raw, "/specReplicasPath").into(),
        status_replicas: text(raw, "/statusReplicasPath").into(),
        label_selector: (!selector.is_empty()).then(|| selector.into()),
    }
}

fn parse_column(raw: &Value) -> PrinterColumn {
    PrinterColumn {
        name: text(raw, "/name").into(),
        column_type: text(raw, "/type").into(),
        format: text(raw, "/format").into(),
        description: text(raw, "/description").into(),
        priority: raw.pointer("/priority").and_then(Value::as_i64).unwrap_or_default(),
        json_path: text(raw, "/jsonPath").into(),
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn texts(value: &Value, pointer: &str) -> Vec<Box<str>> {
    list(value, pointer).filter_map(|(_, item)| Some(item.as_str()?.into())).collect()
}

fn list<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    value.pointer(pointer).and_then(Value::as_array).into_iter().flatten().enumerate()
}
