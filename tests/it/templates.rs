//! The templates of the room `render` with what Helm prints for them: the expectations beside the code, tried on Helm itself.
//!
//! `UPDATE_EXPECT=1` writes what Helm does into the files. Their form is described in `reconciler/render/src/helm/cases.rs`.
//! Beside them there are generated templates: `PROPTEST_CASES` of them with the seed `PROPTEST_RNG_SEED`, or a modest number with a fixed seed.

mod chart;
mod expressions;
mod forms;
mod functions;
mod generated;
mod literals;
mod reference;
mod statements;
mod values;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;

use self::reference::Reference;
use crate::harness::{Outcome, trial};
use crate::kube::assets;

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
    let mut helm = Reference::start(&assets::program("helm-driver")?)?;
    let path = cases_of(name);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let mut parts = text.strip_suffix('\n').unwrap_or(&text).split("\n=== ");
    let values = parts.next().unwrap_or_default();
    let (mut written, mut different) = (values.to_owned(), Vec::new());
    for part in parts {
        let (head, expected) =
            part.rsplit_once("\n--- ").with_context(|| format!("a case without outcome: {part}"))?;
        let (_, template) = head.split_once("\n--- template\n").context("a case without template")?;
        let outcome = outcome(&mut helm, values, template)?;
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
fn outcome(helm: &mut Reference, values: &str, template: &str) -> Result<String> {
    let files = chart::around(values, template, chart::Sees::Everything);
    Ok(match helm.render(&files)? {
        // Helm removes these at the very end.
        Ok(printed) => {
            format!("prints\n{}", String::from_utf8(chart::printed(&printed)?)?.replace("<no value>", ""))
        }
        Err(_) => "fails".to_owned(),
    })
}
