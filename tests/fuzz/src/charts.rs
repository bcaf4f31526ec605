//! Charts: archives, values, templates and what templates can call.

use std::io::Write as _;

use hub::charts::index::releases;
use render::helm::{Way, check_address};
use render::{ChartLock, LOCK_FILE, MemTree, RenderOptions, RepoPath};
use serde_json::Value;

use super::bundle;
use super::render_laws::{options, rendered};

const CHART: &str = "apiVersion: v2\nname: web\nversion: 0.1.0\nappVersion: 1.2.3\n";

/// Prints what templates see as values.
const SHOW_VALUES: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: values}\ndata:\n  values: {{ toJson .Values | quote }}\n";

/// As the bytes are, and as the tar inside a well-formed gzip stream: few mutations keep a checksum.
pub fn archive(bytes: &[u8]) {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(bytes).unwrap();
    let packed = packed.finish().unwrap();
    let tree = MemTree::of(&[
        ("web/Chart.yaml", CHART),
        (
            "app/kustomization.yaml",
            "helmCharts:\n- {name: part, releaseName: r}\nhelmGlobals: {chartHome: home}\n",
        ),
    ]);
    for archive in [bytes, &packed] {
        let tree = tree.clone().with("web/charts/part-1.0.0.tgz", archive).with("app/home/part.tgz", archive);
        let _ = rendered(&tree, "web", &options());
    }
}

fn shown(tree: &MemTree, options: &RenderOptions) -> Option<String> {
    rendered(tree, "web", options).ok()?.printed
}

/// Defaults of the chart, then two values files, each a part; a subchart has defaults and is asked for by a condition. To give a file twice is to give it once.
pub fn values(bytes: &[u8]) {
    let part = |at: usize| bundle::parts(bytes).get(at).map(|(_, part)| part.to_vec()).unwrap_or_default();
    let chart = format!(
        "{CHART}dependencies:\n- {{name: part, version: 1.0.0, condition: part.enabled, alias: p, import-values: [data]}}\n"
    );
    let tree = MemTree::of(&[
        ("web/Chart.yaml", &chart),
        ("web/templates/values.yaml", SHOW_VALUES),
        ("web/charts/part/Chart.yaml", "apiVersion: v2\nname: part\nversion: 1.0.0\n"),
        ("web/charts/part/templates/values.yaml", SHOW_VALUES),
    ]);
    let tree = tree
        .with("web/values.yaml", &part(0))
        .with("web/one.yaml", &part(1))
        .with("web/two.yaml", &part(2))
        .with("web/charts/part/values.yaml", &part(3));
    let with = |files: &[&str]| {
        let mut options = options();
        options.helm.values_files = files.iter().map(|file| (*file).to_owned()).collect();
        shown(&tree, &options)
    };
    assert_eq!(with(&["one.yaml", "two.yaml"]), with(&["one.yaml", "two.yaml", "two.yaml"]));
}

/// One template, with a partial and values to use.
pub fn go_template(bytes: &[u8]) {
    let (template, more) = bundle::pair(bytes);
    let tree = MemTree::of(&[
        ("web/Chart.yaml", CHART),
        (
            "web/values.yaml",
            "s: text\nn: 3\nf: 1.5\nb: true\nl: [1, two, {three: 3}]\nm: {a: 1, b: {c: d}}\nnone: null\n",
        ),
        ("web/templates/_parts.tpl", "{{ define \"name\" }}{{ .Chart.Name }}-{{ .Release.Name }}{{ end }}"),
        ("web/files/a.txt", "one\ntwo\n"),
    ]);
    let tree = tree.with("web/templates/a.yaml", template).with("web/templates/_more.tpl", more);
    let _ = shown(&tree, &options());
}

/// A function and its arguments: the first line names it, the rest is a YAML list. What it gives is piped on, so that every printer sees it.
pub fn sprig(bytes: &[u8]) {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let name = String::from_utf8_lossy(&bytes[..end]).into_owned();
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric()) {
        return;
    }
    let Some(Value::Array(arguments)) = bundle::json(&bytes[end..]) else { return };
    let called = (0..arguments.len()).map(|at| format!(" (index .Values.args {at})")).collect::<String>();
    let template = format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: f}}\ndata:\n  {{{{- $v := {name}{called} }}}}\n  json: {{{{ toJson $v | quote }}}}\n  yaml: {{{{ toYaml $v | quote }}}}\n  go: {{{{ printf \"%v %+v %q\" $v $v $v | quote }}}}\n"
    );
    let values = serde_json::json!({ "args": arguments }).to_string();
    let tree = MemTree::of(&[
        ("web/Chart.yaml", CHART),
        ("web/values.yaml", &values),
        ("web/templates/a.yaml", &template),
    ]);
    let _ = shown(&tree, &options());
}

/// `gitstellar.lock`: what is read is written as it was read.
pub fn lock(bytes: &[u8]) {
    let Ok(file) = RepoPath::parse(LOCK_FILE) else { return };
    let Ok(lock) = ChartLock::parse(&file, bytes) else { return };
    let text = lock.to_yaml();
    let again = ChartLock::parse(&file, text.as_bytes());
    assert!(again.as_ref().is_ok_and(|again| *again == lock), "{text}: {:?}", again.err());
}

/// `index.yaml` of a chart repository: an archive that it names is fetched by https, without a login.
pub fn index(bytes: &[u8]) {
    let Ok(releases) = releases(bytes, "web") else { return };
    for release in releases {
        let _ = release.digest();
        if let Ok(url) = release.url("https://charts.example.com/stable") {
            assert!(matches!(check_address(&url), Ok(Way::Https)), "{url:?}");
            assert!(!url.contains(['?', '#']), "{url:?}");
            let host = url.split('/').nth(2).unwrap_or_default();
            assert!(!host.is_empty() && !host.contains('@'), "{url:?}");
        }
    }
}
