//! The templates of the room `render` with what Helm prints for them: the expectations beside the code, tried on Helm itself.
//!
//! `UPDATE_EXPECT=1` writes what Helm does into the files. Their form is described in `reconciler/render/src/helm/cases.rs`.
//! Beside them there are generated templates: `PROPTEST_CASES` of them with the seed `PROPTEST_RNG_SEED`, or a modest number with a fixed seed.

mod expressions;
mod functions;
mod generated;
mod literals;
mod reference;
mod statements;
mod values;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use libtest_mimic::Trial;

use crate::harness::{Outcome, trial};
use crate::kube;

const FILES: [&str; 5] = ["data", "documents", "language", "strings", "times"];

pub fn trials() -> Vec<Trial> {
    let committed =
        FILES.iter().map(|name| trial(format!("templates::helm_does_what_{name}_expects"), || compare(name)));
    let mut trials: Vec<Trial> = committed.collect();
    trials.push(trial(
        "templates::generated_templates_print_what_helm_prints_or_both_refuse",
        generated::generated,
    ));
    trials
}

fn cases_of(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../render/src/helm/cases/{name}.txt"))
}

fn compare(name: &str) -> Outcome {
    let helm = kube::assets::program("helm")?;
    let path = cases_of(name);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut parts = text.strip_suffix('\n').unwrap_or(&text).split("\n=== ");
    let values = parts.next().unwrap_or_default();
    let (mut written, mut different) = (values.to_owned(), Vec::new());
    for part in parts {
        let (head, expected) =
            part.rsplit_once("\n--- ").with_context(|| format!("a case without outcome: {part}"))?;
        let (_, template) = head.split_once("\n--- template\n").context("a case without template")?;
        let outcome = outcome(&helm, values, template)?;
        if outcome != expected {
            different.push(format!("{head}\n  expected {expected:?}\n  Helm     {outcome:?}"));
        }
        written += &format!("\n=== {head}\n--- {outcome}");
    }
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, written + "\n")?;
        return Ok(());
    }
    ensure!(different.is_empty(), "{} cases differ:\n{}", different.len(), different.join("\n"));
    Ok(())
}

/// `prints` with the text, or `fails`.
///
/// Helm prints documents, and takes them apart before; so the case is a partial, and what it prints travels as base64.
fn outcome(helm: &Path, values: &str, template: &str) -> Result<String> {
    let directory = tempfile::tempdir()?;
    let chart = directory.path().join("chart");
    let templates = chart.join("templates");
    fs::create_dir_all(&templates)?;
    fs::write(chart.join("Chart.yaml"), "apiVersion: v2\nname: chart\nversion: 0.1.0\n")?;
    fs::write(chart.join("values.yaml"), values)?;
    fs::write(templates.join("_case.tpl"), template)?;
    let driver = "text: {{ include (print .Template.BasePath \"/_case.tpl\") . | b64enc | quote }}";
    fs::write(templates.join("case.yaml"), driver)?;
    let output = Command::new(helm)
        .args(["template", "release", "chart", "--namespace", "space"])
        .current_dir(directory.path())
        .env_clear()
        .env("HOME", directory.path())
        .env("TZ", "UTC")
        .output()?;
    if !output.status.success() {
        return Ok("fails".to_owned());
    }
    let printed = String::from_utf8(output.stdout)?;
    let encoded =
        printed.lines().find_map(|line| line.strip_prefix("text: ")).context("the driver printed nothing")?;
    let text = base64::engine::general_purpose::STANDARD.decode(encoded.trim_matches('"'))?;
    // Helm removes these at the very end.
    Ok(format!("prints\n{}", String::from_utf8(text)?.replace("<no value>", "")))
}
