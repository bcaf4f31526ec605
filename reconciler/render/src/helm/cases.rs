//! Templates with what the reference prints for them: `cases/*.txt`.
//!
//! A file begins with the values of its cases. Texts end before the line break in front of the next mark.
//!
//! ```text
//! a: value
//! === what the case is about
//! --- template
//! {{ .Values.a }}
//! --- prints                 (or: fails)
//! value
//! ```
//!
//! What stands below the template is what the reference does, never written by hand: `tests/it/templates.rs` tries all of them
//! again, and writes them when `UPDATE_EXPECT` is set. `GITSTELLAR_CASES` names another directory of such files, for
//! differential runs.

use std::path::{Path, PathBuf};

use super::capabilities::{Capabilities, KubeVersion};
use super::engine::{EngineOptions, TemplateFile, render};
use super::value::{Dict, DictKind, Value};
use crate::yaml::{Loader, Profile};

struct Case<'t> {
    name: &'t str,
    template: &'t str,
    prints: Option<&'t str>,
}

/// The values of a file and its cases.
fn cases(text: &str) -> (&str, Vec<Case<'_>>) {
    let mut parts = text.strip_suffix('\n').unwrap_or(text).split("\n=== ");
    let values = parts.next().unwrap();
    let case = |part| -> Option<Case<'_>> {
        let (name, rest) = str::split_once(part, "\n--- template\n")?;
        let (template, outcome) = rest.split_once("\n--- ")?;
        Some(Case { name, template, prints: outcome.strip_prefix("prints\n") })
    };
    (values, parts.map(|part| case(part).expect(part)).collect())
}

fn context(values: &str) -> Dict {
    let documents = Loader::new(Profile::Kubectl).load("values.yaml", values.as_bytes()).unwrap();
    let values = match documents.first().map(|node| &node.value) {
        Some(crate::yaml::Value::Map(map)) => Dict::from_document(map, DictKind::Values),
        _ => Dict::new(DictKind::Values),
    };
    let chart = Dict::of([("Name", "chart".into()), ("Version", "0.1.0".into()), ("IsRoot", true.into())]);
    let release = Dict::of([
        ("Name", "release".into()),
        ("Namespace", "space".into()),
        ("IsUpgrade", false.into()),
        ("IsInstall", true.into()),
        ("Revision", Value::int(1)),
        ("Service", "Helm".into()),
    ]);
    let capabilities = Value::host(Capabilities::new(KubeVersion::default(), &[]));
    let entries = [
        ("Values", values.into()),
        ("Chart", chart.into()),
        ("Release", release.into()),
        ("Capabilities", capabilities),
    ];
    Dict::of(entries).as_kind(DictKind::Values)
}

/// What the engine makes of a case: the text, or the error.
fn rendered(case: &Case<'_>, values: &str) -> Result<String, String> {
    let file = TemplateFile {
        name: "chart/templates/case.yaml",
        text: case.template.as_bytes(),
        context: context(values),
        base_path: "chart/templates",
        rendered: true,
    };
    let rendered = render(&[file], &EngineOptions::default(), None).map_err(|e| e.to_string())?;
    Ok(rendered.into_iter().next().map(|template| template.text).unwrap_or_default())
}

fn directory() -> PathBuf {
    match std::env::var_os("GITSTELLAR_CASES") {
        Some(directory) => directory.into(),
        None => Path::new(env!("CARGO_MANIFEST_DIR")).join("src/helm/cases"),
    }
}

#[test]
fn templates_print_what_the_reference_prints() {
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(directory()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let (mut tried, mut different) = (0, Vec::new());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let (values, cases) = cases(&text);
        for case in cases {
            tried += 1;
            let place = format!("{} in {}: {}", case.name, file.display(), case.template);
            match (rendered(&case, values), case.prints) {
                (Ok(printed), Some(expected)) if printed == expected => {}
                (Err(_), None) => {}
                (Ok(printed), Some(expected)) => {
                    different.push(format!("{place}\n  expected {expected:?}\n  printed  {printed:?}"));
                }
                (Err(error), Some(expected)) => {
                    different.push(format!("{place}\n  expected {expected:?}\n  failed   {error}"));
                }
                (Ok(printed), None) => {
                    different.push(format!("{place}\n  expected to fail\n  printed  {printed:?}"));
                }
            }
        }
    }
    println!("{tried} cases");
    assert!(tried > 0, "no cases");
    assert!(different.is_empty(), "{} of {tried} differ\n{}", different.len(), different.join("\n"));
}
