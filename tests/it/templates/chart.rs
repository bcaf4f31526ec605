//! The chart around a template.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use base64::Engine as _;

/// What the template is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sees {
    /// What every template is given.
    Everything,
    /// The same, with what Helm keeps behind a pointer unwrapped: Go prints where such a thing is in memory.
    NoPointers,
}

const METADATA: &str = "apiVersion: v2\nname: chart\nversion: 0.1.0+b\nappVersion: \"1.0\"\nkeywords: [k, \"\"]\n\
                        annotations: {a: x, b: \"y\"}\nmaintainers:\n- name: m\n";

/// What the template prints need be no YAML, nor even UTF-8, so it travels as base64, in an object that Kubernetes would take.
const DRIVER: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: case}\n\
                      text: {{ include (print .Template.BasePath \"/_case.tpl\") . | b64enc | quote }}\n";

const UNWRAPPED: &str = "{{- $kube := dict \"Minor\" .Capabilities.KubeVersion.Minor -}}\n\
                         {{- $capabilities := dict \"KubeVersion\" $kube \"APIVersions\" .Capabilities.APIVersions -}}\n\
                         {{- $_ := set . \"Capabilities\" $capabilities -}}\n";

/// The files of the chart.
pub fn around(values: &str, template: &str, sees: Sees) -> BTreeMap<&'static str, String> {
    let before = if sees == Sees::NoPointers { UNWRAPPED } else { "" };
    let files = [
        ("Chart.yaml", METADATA),
        ("values.yaml", values),
        ("templates/_case.tpl", template),
        ("templates/case.yaml", &format!("{before}{DRIVER}")),
        ("files/a.txt", "one\ntwo\r\n\nétrange"),
        ("files/b.json", "{\"a\": [1]}\n"),
    ];
    files.map(|(name, text)| (name, text.to_owned())).into()
}

/// What the template printed, of what its chart printed.
pub fn printed(chart: &str) -> Result<Vec<u8>> {
    let encoded =
        chart.lines().find_map(|line| line.strip_prefix("text: ")).context("the driver printed nothing")?;
    Ok(base64::engine::general_purpose::STANDARD.decode(encoded.trim_matches('"'))?)
}
