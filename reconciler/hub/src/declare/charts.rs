//! How `gitstellar.yaml` says that a unit's charts are released.

use render::{ChartNeed, Engine, HelmOptions, Origin, RepoPath};
use serde::Deserialize;

use super::repository::FILE_NAME;

/// The `helm` section of a unit. Its names are those that people know from Argo CD and Flux.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChartSettings {
    /// A chart of a repository, in place of one in the unit's directory.
    #[serde(default)]
    pub chart: Option<ChartSource>,
    /// The name of the release; absent is the name of the unit.
    #[serde(default)]
    pub release_name: Option<String>,
    /// Values files of the repository, relative to the chart, later ones over earlier ones.
    #[serde(default, alias = "valueFiles")]
    pub values_files: Vec<String>,
    /// Values over those of the files.
    #[serde(default)]
    pub values: serde_json::Map<String, serde_json::Value>,
    /// The Kubernetes version that templates see.
    #[serde(default)]
    pub kube_version: Option<String>,
    /// API versions that templates see, beyond those that Helm assumes of every cluster.
    #[serde(default)]
    pub api_versions: Vec<String>,
    /// Leave out `crds/`.
    #[serde(default)]
    pub skip_crds: bool,
    /// Leave out hooks that test.
    #[serde(default)]
    pub skip_tests: bool,
    /// Take values that break the charts' schemas.
    #[serde(default)]
    pub skip_schema_validation: bool,
    /// Who renders the chart.
    #[serde(default)]
    pub engine: EngineName,
}

/// A chart of a repository or registry. Which archive it is stands in `gitstellar.lock`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct ChartSource {
    /// `https://HOST/PATH` or `oci://HOST/PATH`.
    pub repository: String,
    /// The chart.
    pub name: String,
    /// The versions that will do; absent: any.
    #[serde(default)]
    pub version: String,
}

/// Who renders a chart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum EngineName {
    /// The engine of this program.
    #[default]
    InProcess,
    /// A helm binary, where the hub's operator configured one.
    Cli,
}

impl ChartSettings {
    /// The options of a render. `name` is the unit's, `namespace` that of its objects which have none; limits and the helm binary are the operator's.
    pub(super) fn options(&self, name: &str, namespace: &str, operator: &HelmOptions) -> HelmOptions {
        // The lock lies beside the file that says all this.
        let file = operator.lock.parent().unwrap_or_else(RepoPath::root).child(FILE_NAME);
        let at = Origin::new(&file, 1);
        let from = |chart: &ChartSource| ChartNeed::new(&at, &chart.repository, &chart.name, &chart.version);
        HelmOptions {
            from: self.chart.as_ref().map(from),
            release_name: Some(self.release_name.clone().unwrap_or_else(|| name.to_owned())),
            namespace: namespace.to_owned(),
            values_files: self.values_files.clone(),
            values: self.values.clone(),
            kube_version: self.kube_version.clone(),
            api_versions: self.api_versions.clone(),
            skip_crds: self.skip_crds,
            skip_tests: self.skip_tests,
            skip_schema_validation: self.skip_schema_validation,
            engine: match self.engine {
                EngineName::InProcess => Engine::InProcess,
                EngineName::Cli => Engine::Cli,
            },
            program: operator.program.clone().filter(|_| self.engine == EngineName::Cli),
            ..operator.clone()
        }
    }
}
