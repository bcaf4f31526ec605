//! The charts beside this file, and how each is released: `settings.yaml` has the members of a unit's `helm` section, a namespace, and
//! the name of another case whose chart is meant.
//!
//! `expected.yaml` is what the reference prints; `refused.txt` holds lines that our refusal says where the reference refuses, too.

use std::fs;
use std::path::{Path, PathBuf};

use render::yaml::{Loader, Node, Profile};
use render::{Directory, HelmOptions, RenderOptions, Rendered, RepoPath, render_unit};

/// One chart and how it is released.
pub struct Case {
    pub name: String,
    pub directory: PathBuf,
    pub chart: PathBuf,
    pub options: HelmOptions,
}

/// All cases, sorted by name. `root` is this directory.
pub fn all(root: &Path) -> Vec<Case> {
    let mut names: Vec<String> = fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names.iter().map(|name| case(root, name)).collect()
}

fn case(root: &Path, name: &str) -> Case {
    let directory = root.join(name);
    let text = fs::read(directory.join("settings.yaml")).unwrap_or_default();
    let settings =
        Loader::new(Profile::Kubectl).load(name, &text).unwrap().into_iter().next().unwrap_or_else(Node::map);
    let known = [
        "chart",
        "releaseName",
        "namespace",
        "valuesFiles",
        "values",
        "kubeVersion",
        "apiVersions",
        "skipCrds",
        "skipTests",
        "skipSchemaValidation",
    ];
    let unknown = settings.as_map().unwrap().keys().find(|key| !known.contains(key)).map(str::to_owned);
    assert_eq!(unknown, None, "{name}/settings.yaml");
    let text = |key: &str| settings.str_at(&[key]).map(str::to_owned);
    let texts = |key: &str| -> Vec<String> {
        let items = settings.get(key).and_then(Node::as_seq).unwrap_or_default();
        items.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
    };
    let flag = |key: &str| settings.get(key).is_some_and(|node| node.to_json() == true);
    let values = settings.get("values").map(Node::to_json).unwrap_or_default();
    let options = HelmOptions {
        release_name: Some(text("releaseName").unwrap_or_else(|| name.to_owned())),
        namespace: text("namespace").unwrap_or_else(|| "default".to_owned()),
        values_files: texts("valuesFiles"),
        values: values.as_object().cloned().unwrap_or_default(),
        kube_version: settings.get("kubeVersion").and_then(Node::scalar_text),
        api_versions: texts("apiVersions"),
        skip_crds: flag("skipCrds"),
        skip_tests: flag("skipTests"),
        skip_schema_validation: flag("skipSchemaValidation"),
        ..HelmOptions::default()
    };
    let chart = root.join(text("chart").unwrap_or_else(|| name.to_owned())).join("chart");
    Case { name: name.to_owned(), directory, chart, options }
}

/// Renders the chart, or whatever it is, in a directory.
pub fn render(chart: &Path, options: &HelmOptions) -> Result<Rendered, String> {
    let tree = Directory::open(chart.parent().unwrap()).unwrap();
    let path = RepoPath::parse(&chart.file_name().unwrap().to_string_lossy()).unwrap();
    let options = RenderOptions { helm: options.clone(), ..RenderOptions::default() };
    render_unit(&tree, &path, &options).map_err(|error| {
        let mut text = error.to_string();
        let mut source = std::error::Error::source(&error);
        while let Some(cause) = source {
            text += &format!(": {cause}");
            source = cause.source();
        }
        text
    })
}
