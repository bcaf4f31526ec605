//! `gitstellar.io/v1alpha1`: our own kinds that live in the WDS. `Repository` lives in git only.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The group.
pub const GROUP: &str = "gitstellar.io";
/// The version.
pub const VERSION: &str = "v1alpha1";

/// One git repository and ref that is synced into the WDS.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "gitstellar.io",
    version = "v1alpha1",
    kind = "GitSource",
    plural = "gitsources",
    shortname = "gs",
    status = "GitSourceStatus",
    doc = "One git repository and ref that is synced into this workload description space.",
    printcolumn(
        name = "READY",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "COMMIT", type_ = "string", json_path = ".status.settled"),
    printcolumn(
        name = "MESSAGE",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    ),
    printcolumn(name = "AGE", type_ = "date", json_path = ".metadata.creationTimestamp")
)]
#[serde(rename_all = "camelCase")]
pub struct GitSourceSpec {
    /// `https://…`, `ssh://…`, or a path on the hub's machine where the hub allows local sources.
    #[schemars(length(min = 1, max = 2048))]
    pub url: String,
    /// Branch that is synced, `main` or `refs/heads/main`; absent is the remote's default branch. It may not be the report's.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<String>,
    /// Directory inside the repository; absent is its root.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How often a remote is polled, `30s`, `5m`; absent is one minute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// Secret in `gitstellar-system` that holds what the remote is shown: `username` and `password`, or `bearerToken`, and `ca.crt` for https;
    /// `identity` and `known_hosts` for ssh. Its annotation `gitstellar.io/git-url` binds it to URLs below that one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_ref: Option<SecretRef>,
    /// Stop syncing; what runs keeps running.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspend: bool,
    /// What a force-push does: `Accept` (the default) or `Hold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(schema_with = "rewrites_schema")]
    pub rewrites: Option<String>,
    /// What the source may write and where it may place it; absent is everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allow: Option<AllowSpec>,
    /// Where and how status is written back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportSpec>,
}

fn rewrites_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": "string", "enum": ["Accept", "Hold"] })
}

/// A Secret in `gitstellar-system`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretRef {
    /// Its name.
    pub name: String,
}

/// What a source may write and where it may place it. In every entry, `*` stands for any characters; an absent list allows everything, an empty one nothing. The
/// policies of a source with any limit place its own objects only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AllowSpec {
    /// Clusters that its objects may go to, whoever's policy places them, and whose labels and properties it may declare.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clusters: Option<Vec<String>>,
    /// Namespaces that it may write into and declare. Other objects outside namespaces, but for its policies, must then be named in `kinds`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespaces: Option<Vec<String>>,
    /// Kinds that it may write, `Deployment.apps`, `ConfigMap`, `*.networking.k8s.io`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kinds: Option<Vec<String>>,
}

impl From<&AllowSpec> for plan::Allow {
    fn from(spec: &AllowSpec) -> Self {
        let patterns = |list: &Option<Vec<String>>| {
            list.as_ref().map(|list| list.iter().map(|text| plan::allow::Pattern::new(text)).collect())
        };
        Self {
            clusters: patterns(&spec.clusters),
            namespaces: patterns(&spec.namespaces),
            kinds: patterns(&spec.kinds),
        }
    }
}

/// Where and how status is written back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportSpec {
    /// Branch for status commits; absent is `gitstellar/status`, the empty text turns them off.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub git_ref: Option<String>,
    /// At least this long between two status commits that only tell progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_interval: Option<String>,
}

/// How far a source has got.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GitSourceStatus {
    /// The generation this speaks of.
    #[serde(default)]
    pub observed_generation: i64,
    /// The commit that was last read and rendered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched: Option<String>,
    /// The repository and the branch that `fetched` is of, `https://git.example.com/fleet.git main`. A commit of another one is no successor of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fetched_from: Option<String>,
    /// The commit that is being written to the WDS; while it is set, nothing that this source owns is removed downstream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applying: Option<String>,
    /// The last commit of which every write was attempted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled: Option<String>,
    /// Removals that wait for an approval.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub held: Vec<HeldRemovals>,
    /// Objects that could not be applied, or wait for their kind; each with a reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// Findings of the last rendered commit, most severe first; at most fifty.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<ReportedFinding>,
    /// Ready; Reconciling, Stalled and ReportFailed (the status commit cannot be written) only while true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::crds::conditions")]
    pub conditions: Vec<Condition>,
}

/// A list of removals that waits for an approval.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HeldRemovals {
    /// What `gitstellar approve` takes.
    pub hash: String,
    /// `sync` or `transport`: which of the two waits.
    pub by: String,
    /// Why it is held.
    pub reason: String,
    /// How many (object, cluster) pairs would go.
    pub count: i64,
    /// The first hundred of them, `object on cluster`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pairs: Vec<String>,
}

/// Something that did not work.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// The object, `Deployment.apps shop/cart`; absent when the whole unit or source is concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// The cluster, when one is concerned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Where it is declared, `file:line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// What is the matter and what to do.
    pub message: String,
}

/// A finding, as it stands in a status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReportedFinding {
    /// Stable id.
    pub id: String,
    /// `blocker`, `warning`, `note`.
    pub severity: String,
    /// `file:line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// What is the matter.
    pub message: String,
}

/// One unit of a source as it is in the fleet; written by the hub, named `<source>.<unit>`.
#[derive(CustomResource, Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "gitstellar.io",
    version = "v1alpha1",
    kind = "Unit",
    plural = "units",
    status = "UnitStatus",
    doc = "One unit of a source as it is in the fleet; written by gitstellar.",
    printcolumn(
        name = "READY",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "OBJECTS", type_ = "integer", json_path = ".status.objects"),
    printcolumn(name = "CLUSTERS", type_ = "integer", json_path = ".status.clusters"),
    printcolumn(name = "COMMIT", type_ = "string", json_path = ".status.commit"),
    printcolumn(
        name = "MESSAGE",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].message"
    )
)]
#[serde(rename_all = "camelCase")]
pub struct UnitSpec {
    /// Its source.
    pub source: String,
    /// Its name inside the source.
    pub unit: String,
    /// Its path in the repository.
    pub path: String,
}

/// How a unit is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UnitStatus {
    /// The commit this speaks of.
    #[serde(default)]
    pub commit: String,
    /// Objects it declares.
    #[serde(default)]
    pub objects: i64,
    /// Clusters that any of them is placed on.
    #[serde(default)]
    pub clusters: i64,
    /// (object, cluster) pairs.
    #[serde(default)]
    pub placed: i64,
    /// Pairs that are applied and healthy.
    #[serde(default)]
    pub ready: i64,
    /// The first ten failures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<Failure>,
    /// Ready; Reconciling and Stalled only while true.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(schema_with = "crate::crds::conditions")]
    pub conditions: Vec<Condition>,
}
