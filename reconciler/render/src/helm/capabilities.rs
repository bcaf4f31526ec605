//! `.Capabilities`: what the cluster can do, as far as templates may know. Nobody is asked: it is what the render is told, and
//! what Helm assumes where it is told nothing.

use std::any::Any;

use super::fault::Fault;
use super::value::{Dict, DictKind, Host, List, ListKind, Value};

/// The Helm whose behaviour this is.
const HELM_VERSION: &str = "v4.3.2";
/// The Kubernetes that it assumes where nothing else is said.
const KUBE_VERSION: &str = "v1.37.0";
/// Its client, as it gives it.
const CLIENT_VERSION: &str = "v1.37";

/// A text that is no Kubernetes version.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no Kubernetes version; write one like 1.34 or v1.34.2")]
pub struct KubeVersionError(String);

/// A version of Kubernetes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KubeVersion {
    /// As it is given, with `v` in front.
    version: String,
    /// The numbers of it: what constraints of charts are checked with.
    numbers: String,
    major: String,
    minor: String,
    /// Whether it is the one of `.Capabilities`. A copy of it has none of its methods.
    original: bool,
}

impl KubeVersion {
    /// Reads `v1.34.2`, `1.34` and what vendors make of it (`1.34.2-gke.100`).
    pub(super) fn parse(text: &str) -> Result<Self, KubeVersionError> {
        let wrong = || KubeVersionError(text.to_owned());
        let plain = text.trim_start();
        let plain = plain.strip_prefix('v').unwrap_or(plain);
        let end = plain.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(plain.len());
        let numbers: Vec<&str> = plain[..end].split('.').take_while(|number| !number.is_empty()).collect();
        let [first, second, ..] = numbers.as_slice() else { return Err(wrong()) };
        if first.len() > 1 && first.starts_with('0') {
            return Err(wrong());
        }
        let plain: Vec<String> = numbers
            .iter()
            .map(|number| number.parse::<u64>().map(|number| number.to_string()))
            .collect::<Result<_, _>>()
            .map_err(|_| wrong())?;
        let number = |text: &str| text.parse::<u64>().map(|number| number.to_string()).map_err(|_| wrong());
        Ok(KubeVersion {
            version: if text.starts_with('v') { text.to_owned() } else { format!("v{text}") },
            numbers: format!("v{}", plain.join(".")),
            major: number(first)?,
            minor: number(second)?,
            original: true,
        })
    }

    /// What constraints are checked with.
    pub(super) fn numbers(&self) -> &str {
        &self.numbers
    }

    /// The version as it was given.
    pub(super) fn as_given(&self) -> &str {
        &self.version
    }
}

impl Default for KubeVersion {
    fn default() -> Self {
        let (version, major, minor) = (KUBE_VERSION.to_owned(), "1".to_owned(), "37".to_owned());
        KubeVersion { numbers: version.clone(), version, major, minor, original: true }
    }
}

impl Host for KubeVersion {
    fn type_name(&self) -> &'static str {
        "common.KubeVersion"
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(Value::text(match name {
            "Version" => self.version.as_str(),
            "Major" => self.major.as_str(),
            "Minor" => self.minor.as_str(),
            _ => return None,
        }))
    }

    fn call(&self, name: &str, _arguments: &[Value]) -> Option<Result<Value, Fault>> {
        match name {
            _ if !self.original => None,
            "GitVersion" => Some(Ok(Value::text(self.version.as_str()))),
            "String" => Some(Ok(Value::text(self.numbers.as_str()))),
            _ => None,
        }
    }

    fn display(&self) -> String {
        self.numbers.clone()
    }

    fn has_string_method(&self) -> bool {
        self.original
    }

    fn parts(&self) -> Option<Vec<(&'static str, Value)>> {
        let text = |text: &String| Value::text(text.as_str());
        Some(vec![
            ("Version", text(&self.version)),
            ("normalizedVersion", text(&self.numbers)),
            ("Major", text(&self.major)),
            ("Minor", text(&self.minor)),
        ])
    }

    fn copied(&self) -> Option<Value> {
        Some(Value::host(KubeVersion { original: false, ..self.clone() }))
    }

    fn members(&self) -> Option<Vec<(&'static str, Value)>> {
        Some(members(self, &["Version", "Major", "Minor"]))
    }

    fn encoded(&self) -> Value {
        encoded(self, &["Version", "Major", "Minor"])
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// The API versions that are served.
#[derive(Debug, Clone)]
struct VersionSet(Vec<String>);

impl Host for VersionSet {
    fn type_name(&self) -> &'static str {
        "common.VersionSet"
    }

    fn kind(&self) -> &'static str {
        "slice"
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, Fault>> {
        if name != "Has" {
            return None;
        }
        Some(match arguments {
            [Value::String(wanted)] => {
                Ok(Value::Bool(self.0.iter().any(|held| held.as_bytes() == wanted.as_bytes())))
            }
            [other] => {
                Err(Fault::wrong(format!("wrong type for value; expected string; got {}", other.type_name())))
            }
            _ => Err(Fault::wrong(format!("wrong number of args for Has: want 1 got {}", arguments.len()))),
        })
    }

    fn plain(&self) -> Option<Value> {
        let items = self.0.iter().map(|version| Value::text(version.as_str())).collect();
        Some(Value::List(List::new(ListKind::Strings, items)))
    }

    fn display(&self) -> String {
        format!("[{}]", self.0.join(" "))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Which Helm this is.
#[derive(Debug)]
struct BuildInfo;

impl Host for BuildInfo {
    fn type_name(&self) -> &'static str {
        "version.BuildInfo"
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(Value::text(match name {
            "Version" => HELM_VERSION,
            "KubeClientVersion" => CLIENT_VERSION,
            // This is no build of Helm: it has no commit and no Go.
            "GitCommit" | "GitTreeState" | "GoVersion" => "",
            _ => return None,
        }))
    }

    fn display(&self) -> String {
        format!("{{{HELM_VERSION}    {CLIENT_VERSION}}}")
    }

    fn encoded(&self) -> Value {
        Value::Dict(Dict::of([
            ("version", Value::from(HELM_VERSION)),
            ("kube_client_version", Value::from(CLIENT_VERSION)),
        ]))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// What Helm assumes of every cluster: everything its client library knows, in that library's order.
const ASSUMED: &[&str] = &[
    "v1",
    "admissionregistration.k8s.io/v1",
    "admissionregistration.k8s.io/v1alpha1",
    "admissionregistration.k8s.io/v1beta1",
    "internal.apiserver.k8s.io/v1alpha1",
    "apps/v1",
    "apps/v1beta1",
    "apps/v1beta2",
    "authentication.k8s.io/v1",
    "authentication.k8s.io/v1alpha1",
    "authentication.k8s.io/v1beta1",
    "authorization.k8s.io/v1",
    "authorization.k8s.io/v1beta1",
    "autoscaling/v1",
    "autoscaling/v2",
    "batch/v1",
    "batch/v1beta1",
    "certificates.k8s.io/v1",
    "certificates.k8s.io/v1beta1",
    "certificates.k8s.io/v1alpha1",
    "coordination.k8s.io/v1alpha2",
    "coordination.k8s.io/v1beta1",
    "coordination.k8s.io/v1",
    "discovery.k8s.io/v1",
    "discovery.k8s.io/v1beta1",
    "events.k8s.io/v1",
    "events.k8s.io/v1beta1",
    "extensions/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1",
    "flowcontrol.apiserver.k8s.io/v1beta1",
    "flowcontrol.apiserver.k8s.io/v1beta2",
    "flowcontrol.apiserver.k8s.io/v1beta3",
    "lifecycle.k8s.io/v1alpha1",
    "networking.k8s.io/v1",
    "networking.k8s.io/v1beta1",
    "node.k8s.io/v1",
    "node.k8s.io/v1alpha1",
    "node.k8s.io/v1beta1",
    "policy/v1",
    "policy/v1beta1",
    "rbac.authorization.k8s.io/v1",
    "rbac.authorization.k8s.io/v1beta1",
    "rbac.authorization.k8s.io/v1alpha1",
    "resource.k8s.io/v1",
    "resource.k8s.io/v1beta2",
    "resource.k8s.io/v1beta1",
    "resource.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1alpha3",
    "scheduling.k8s.io/v1beta1",
    "scheduling.k8s.io/v1",
    "storage.k8s.io/v1beta1",
    "storage.k8s.io/v1",
    "storage.k8s.io/v1alpha1",
    "storagemigration.k8s.io/v1",
    "storagemigration.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1beta1",
    "apiextensions.k8s.io/v1",
];

/// `.Capabilities`.
#[derive(Debug)]
pub(super) struct Capabilities {
    kube_version: KubeVersion,
    api_versions: VersionSet,
}

impl Capabilities {
    /// What is served beyond what Helm assumes of every cluster.
    pub(super) fn new(kube_version: KubeVersion, more: &[String]) -> Self {
        let assumed = ASSUMED.iter().map(|version| (*version).to_owned());
        Capabilities { kube_version, api_versions: VersionSet(assumed.chain(more.iter().cloned()).collect()) }
    }
}

impl Host for Capabilities {
    fn type_name(&self) -> &'static str {
        "*common.Capabilities"
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn field(&self, name: &str) -> Option<Value> {
        Some(match name {
            "KubeVersion" => Value::host(self.kube_version.clone()),
            "APIVersions" => Value::host(self.api_versions.clone()),
            "HelmVersion" => Value::host(BuildInfo),
            _ => return None,
        })
    }

    fn display(&self) -> String {
        let KubeVersion { version, numbers, major, minor, .. } = &self.kube_version;
        let (versions, helm) = (self.api_versions.display(), BuildInfo.display());
        format!("&{{{{{version} {numbers} {major} {minor}}} {versions} {helm}}}")
    }

    fn members(&self) -> Option<Vec<(&'static str, Value)>> {
        Some(members(self, &["KubeVersion", "APIVersions", "HelmVersion"]))
    }

    fn encoded(&self) -> Value {
        encoded(self, &["KubeVersion", "APIVersions", "HelmVersion"])
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn members(object: &dyn Host, fields: &[&'static str]) -> Vec<(&'static str, Value)> {
    fields.iter().filter_map(|name| Some((*name, object.field(name)?))).collect()
}

fn encoded(object: &dyn Host, fields: &[&'static str]) -> Value {
    let entries = members(object, fields).into_iter().map(|(name, value)| (name.into(), value));
    Value::Dict(Dict::from_entries(DictKind::Any, entries))
}
