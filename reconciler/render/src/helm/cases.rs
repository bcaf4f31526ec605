//! Templates with what the reference prints for them: `cases/*.txt`.
//!
//! A file holds cases like this one. Texts end before the line break in front of the next mark.
//!
//! ```text
//! === what the case is about
//! a: values        (optional)
//! --- partial _name.tpl      (optional, any number of them)
//! {{ define "x" }}…
//! --- template
//! {{ .Values.a }}
//! --- prints                 (or: fails)
//! values
//! ```
//!
//! What stands under `prints` was written by the reference, never by hand: `tests/it/helm` compares it again, or writes it when
//! `UPDATE_EXPECT` is set. `GITSTELLAR_CASES` names another directory of such files, for differential runs.

use std::path::{Path, PathBuf};

use super::engine::{EngineOptions, TemplateFile, render};
use super::value::{Dict, DictKind, Value};
use crate::yaml::{Loader, Profile};

#[derive(Debug, Default)]
struct Case {
    name: String,
    values: String,
    partials: Vec<(String, String)>,
    template: String,
    prints: Option<String>,
}

fn cases(text: &str) -> Vec<Case> {
    let text = format!("\n{}", text.strip_suffix('\n').unwrap_or(text));
    text.split("\n=== ")
        .skip(1)
        .map(|case| {
            let (name, rest) = case.split_once('\n').unwrap_or((case, ""));
            let mut case = Case { name: name.to_owned(), ..Case::default() };
            for (at, part) in format!("\n{rest}").split("\n--- ").enumerate() {
                let (head, body) = part.split_once('\n').unwrap_or((part, ""));
                match head {
                    _ if at == 0 => case.values = part.to_owned(),
                    "template" => case.template = body.to_owned(),
                    "prints" => case.prints = Some(body.to_owned()),
                    "fails" => case.prints = None,
                    head => {
                        let name = head.strip_prefix("partial ").expect(head);
                        case.partials.push((name.to_owned(), body.to_owned()));
                    }
                }
            }
            case
        })
        .collect()
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
    Dict::of([("Values", values.into()), ("Chart", chart.into()), ("Release", release.into())])
        .as_kind(DictKind::Values)
}

/// What the engine makes of a case: the text, or the error.
fn rendered(case: &Case) -> Result<String, String> {
    let context = context(&case.values);
    let partials: Vec<(String, &str)> =
        case.partials.iter().map(|(name, text)| (format!("chart/templates/{name}"), text.as_str())).collect();
    let base = "chart/templates";
    let mut files = vec![TemplateFile {
        name: "chart/templates/case.yaml",
        text: case.template.as_bytes(),
        context: context.clone(),
        base_path: base,
        rendered: true,
    }];
    files.extend(partials.iter().map(|(name, text)| TemplateFile {
        name,
        text: text.as_bytes(),
        context: context.clone(),
        base_path: base,
        rendered: false,
    }));
    let rendered = render(&files, &EngineOptions::default()).map_err(|e| e.to_string())?;
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
        for case in cases(&text) {
            tried += 1;
            let place = format!("{} in {}: {}", case.name, file.display(), case.template);
            match (rendered(&case), &case.prints) {
                (Ok(printed), Some(expected)) if printed == *expected => {}
                (Err(_), None) => {}
                (Ok(printed), Some(expected)) => {
                    different.push(format!("{place}\n  expected {expected:?}\n  printed  {printed:?}"));
                }
                (Err(error), Some(expected)) => {
                    different.push(format!("{place}\n  expected {expected:?}\n  failed   {error}"));
                }
                (Ok(printed), None) => {
                    different.push(format!("{place}\n  expected to fail\n  printed  {printed:?}"))
                }
            }
        }
    }
    println!("{tried} cases");
    assert!(tried > 0, "no cases");
    assert!(different.is_empty(), "{} of {tried} differ\n{}", different.len(), different.join("\n"));
}
