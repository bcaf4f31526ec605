//! The kinds that bring status back, and CustomTransform.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A query over the reported states of one object in all its clusters.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "control.kubestellar.io",
    version = "v1alpha1",
    kind = "StatusCollector",
    plural = "statuscollectors",
    shortname = "sc",
    status = "StatusCollectorStatus",
    doc = "A query over the reported states of an object in its clusters."
)]
#[serde(rename_all = "camelCase")]
pub struct StatusCollectorSpec {
    /// CEL; absent keeps every row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filter: Option<String>,
    /// Columns to group by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub group_by: Vec<NamedExpression>,
    /// Aggregates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub combined_fields: Vec<NamedAggregator>,
    /// Plain projection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<NamedExpression>,
    /// At most this many rows.
    pub limit: i64,
}

/// A column and the expression that gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedExpression {
    /// Column name.
    pub name: String,
    /// CEL.
    pub def: String,
}

/// A column and the aggregate that gives it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NamedAggregator {
    /// Column name.
    pub name: String,
    /// What is aggregated; CEL; absent for COUNT.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<String>,
    /// COUNT, SUM, AVG, MIN, MAX.
    #[serde(rename = "type")]
    pub type_: String,
}

/// What is wrong with a StatusCollector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusCollectorStatus {
    /// The generation this speaks of.
    pub observed_generation: i64,
    /// Problems, for people.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

/// Fields to remove from objects of one resource on their way to the clusters.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "control.kubestellar.io",
    version = "v1alpha1",
    kind = "CustomTransform",
    plural = "customtransforms",
    shortname = "ct",
    category = "all",
    status = "CustomTransformStatus",
    doc = "Fields to remove from objects of one resource on their way to the clusters.",
    printcolumn(name = "SUBJECT_GROUP", type_ = "string", json_path = ".spec.apiGroup"),
    printcolumn(name = "SUBJECT_RESOURCE", type_ = "string", json_path = ".spec.resource")
)]
#[serde(rename_all = "camelCase")]
pub struct CustomTransformSpec {
    /// Group, empty for core.
    pub api_group: String,
    /// Lowercase plural.
    pub resource: String,
    /// Restricted JSONPaths.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<String>,
}

/// What is wrong with a CustomTransform.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomTransformStatus {
    /// The generation this speaks of.
    pub observed_generation: i64,
    /// Paths that do not parse.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
    /// Several transforms for one resource.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}

/// The answers of the StatusCollectors of one policy about one object. It has no `spec`; its fields stand at the top.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "control.kubestellar.io",
    version = "v1alpha1",
    kind = "CombinedStatus",
    plural = "combinedstatuses",
    shortname = "cs",
    namespaced,
    no_spec,
    doc = "The answers of the StatusCollectors of one policy about one object.",
    printcolumn(
        name = "SUBJECT_GROUP",
        type_ = "string",
        json_path = ".metadata.labels.status\\.kubestellar\\.io/api-group"
    ),
    printcolumn(
        name = "SUBJECT_RSC",
        type_ = "string",
        json_path = ".metadata.labels.status\\.kubestellar\\.io/resource"
    ),
    printcolumn(
        name = "SUBJECT_NS",
        type_ = "string",
        json_path = ".metadata.labels.status\\.kubestellar\\.io/namespace"
    ),
    printcolumn(
        name = "SUBJECT_NAME",
        type_ = "string",
        json_path = ".metadata.labels.status\\.kubestellar\\.io/name"
    ),
    printcolumn(
        name = "BINDINGPOLICY",
        type_ = "string",
        json_path = ".metadata.labels.status\\.kubestellar\\.io/binding-policy"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct CombinedStatusFields {
    /// One per StatusCollector that exists and is valid.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<NamedStatusCombination>,
}

/// The answer of one StatusCollector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamedStatusCombination {
    /// Its name.
    pub name: String,
    /// Column names, in order.
    pub column_names: Vec<String>,
    /// Rows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rows: Vec<StatusCombinationRow>,
}

/// One row, in the order of the column names.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusCombinationRow {
    /// Cells.
    pub columns: Vec<CombinedValue>,
}

/// One cell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CombinedValue {
    /// String, Number, Bool, Null, Object, Array.
    #[serde(rename = "type")]
    pub type_: String,
    /// For String.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub string: Option<String>,
    /// For Number, as text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub float: Option<String>,
    /// For Bool.
    #[serde(default, rename = "bool", skip_serializing_if = "Option::is_none")]
    pub boolean: Option<bool>,
    /// For Object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "crate::crds::any_value")]
    pub object: Option<Value>,
}

/// The reported state of one object in one cluster; lives in the mailbox. `statusDetails` stands beside `status`, a shape
/// that the derive cannot express, so its definition is written out in [`crate::crds`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct WorkStatus {
    /// `control.kubestellar.io/v1alpha1`.
    pub api_version: String,
    /// `WorkStatus`.
    pub kind: String,
    /// Names, labels, the owning ManifestWork.
    pub metadata: k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta,
    /// Which object.
    pub spec: WorkStatusSpec,
    /// Verbatim copy of the object's `.status` in the cluster.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Value>,
    /// How current it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_details: Option<StatusDetails>,
}

/// Which object a WorkStatus speaks of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WorkStatusSpec {
    /// Its identity.
    pub source_ref: SourceRef,
}

/// The identity of an object in a WorkStatus.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SourceRef {
    /// Group, may be empty.
    pub group: String,
    /// Version.
    #[serde(default)]
    pub version: String,
    /// Lowercase plural.
    #[serde(default)]
    pub resource: String,
    /// Kind.
    #[serde(default)]
    pub kind: String,
    /// Namespace, may be empty.
    pub namespace: String,
    /// Name.
    #[serde(default)]
    pub name: String,
}

/// How current a WorkStatus is. KubeStellar's agent never fills it; ours does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusDetails {
    /// The object's generation in the cluster when this was read.
    pub last_generation: i64,
    /// Whether that generation is the one our last apply made.
    pub last_generation_is_applied: bool,
    /// When this was written; RFC 3339.
    #[schemars(extend("format" = "date-time"))]
    pub last_currency_update_time: String,
}
