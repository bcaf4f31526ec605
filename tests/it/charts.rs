//! Charts: what we print is what the real helm prints, byte for byte, or both refuse.
//!
//! Three sources of charts: those of `tests/charts`, whose `expected.yaml` is written by the reference (`UPDATE_EXPECT=1`); those of
//! people, where `../shared/input` holds some; and both with values changed at random.

#[path = "../charts/cases.rs"]
mod cases;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, bail, ensure};
use libtest_mimic::Trial;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use render::HelmOptions;
use serde_json::{Map, Value, json};

use crate::differential;
use crate::harness::{Outcome, Skip, as_printed, trial};
use crate::kube::assets;

pub fn trials() -> Vec<Trial> {
    let committed = cases::all(&directory()).into_iter().map(|case| {
        let name = format!("charts::prints_what_helm_prints_{}", case.name.replace('-', "_"));
        trial(name, move || compare(&case))
    });
    let mut trials: Vec<Trial> = committed.collect();
    trials.push(trial("charts::charts_of_people_print_what_helm_prints", people));
    trials.push(trial("charts::random_values_print_what_helm_prints_or_both_refuse", random));
    trials
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/charts")
}

/// The reference with a home of its own.
struct Reference {
    program: PathBuf,
    home: tempfile::TempDir,
}

impl Reference {
    fn new() -> anyhow::Result<Self> {
        Ok(Self { program: assets::program("helm")?, home: tempfile::tempdir()? })
    }

    /// A new file of its home.
    fn file(&self) -> PathBuf {
        static FILES: AtomicUsize = AtomicUsize::new(0);
        self.home.path().join(format!("values-{}.yaml", FILES.fetch_add(1, Ordering::Relaxed)))
    }

    /// What it prints, or its complaint.
    fn run(&self, arguments: &[String]) -> anyhow::Result<Result<String, String>> {
        let mut command = Command::new(&self.program);
        command.args(arguments).env_clear().env("HOME", self.home.path());
        let output = command.output().context("running helm")?;
        Ok(match output.status.success() {
            true => Ok(String::from_utf8(output.stdout)?),
            false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
        })
    }
}

/// The case against the reference, and what is committed of it.
fn compare(case: &cases::Case) -> Outcome {
    let reference = Reference::new()?;
    let theirs = reference.run(&arguments_of(case, &reference.file()))?;
    let committed = case.directory.join("expected.yaml");
    let refused = case.directory.join("refused.txt").exists();
    ensure!(theirs.is_err() == refused, "the reference says otherwise: {theirs:?}");
    if let Ok(printed) = &theirs {
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&committed, printed)?;
        }
        let expected = fs::read_to_string(&committed).context("UPDATE_EXPECT=1 writes what is expected")?;
        ensure!(
            *printed == expected,
            "expected.yaml is not what the reference prints (UPDATE_EXPECT=1 accepts it)"
        );
    }
    as_printed("helm", &ours(&case.chart, &case.options), &theirs)
}

fn ours(chart: &Path, options: &HelmOptions) -> Result<String, String> {
    cases::render(chart, options).map(|rendered| rendered.to_yaml())
}

/// Charts below `../shared/input`, each with its own values and with each other values file that it brings.
fn people() -> Outcome {
    let input = directory().join("../../../shared/input");
    if !input.is_dir() {
        bail!(Skip("there is no ../shared/input beside the repository".to_owned()));
    }
    let reference = Reference::new()?;
    let (mut compared, mut refused, mut wrong) = (0, 0, Vec::new());
    for chart in charts_below(&input)? {
        let mut values_files = vec![None];
        values_files.extend(other_values(&chart)?.into_iter().map(Some));
        for file in values_files {
            let options = HelmOptions {
                release_name: Some("people".to_owned()),
                values_files: file.iter().cloned().collect(),
                ..HelmOptions::default()
            };
            let inline = reference.file();
            fs::write(&inline, "{}")?;
            let theirs = reference.run(&arguments(&chart, &options, &inline))?;
            compared += 1;
            refused += usize::from(theirs.is_err());
            if let Err(error) = as_printed("helm", &ours(&chart, &options), &theirs) {
                let file = file.unwrap_or_default();
                wrong.push(format!("{} {file}: {error}", chart.strip_prefix(&input)?.display()));
            }
        }
    }
    println!("{compared} releases of charts of people compared, {refused} of them refused by both");
    ensure!(wrong.is_empty(), "{} of {compared}:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

fn charts_below(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut charts = Vec::new();
    let mut open = vec![directory.to_owned()];
    while let Some(directory) = open.pop() {
        if directory.join("Chart.yaml").is_file() {
            charts.push(directory);
            continue;
        }
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    charts.sort();
    Ok(charts)
}

/// `values-prod.yaml` and the like.
fn other_values(chart: &Path) -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(chart)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name.starts_with("values") && name.ends_with(".yaml") && name != "values.yaml" {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// One change of values: where, counted through all places there are, and what is put there. Nothing takes the member away.
type Change = (usize, Option<Value>);

fn odd_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        Just(json!(0)),
        Just(json!(-0.5)),
        Just(json!(1e21)),
        Just(json!(9007199254740993_i64)),
        Just(json!(123456789.125)),
        "[ -~]{0,12}".prop_map(Value::from),
        prop_oneof![
            Just(""),
            Just("true"),
            Just("007"),
            Just("a: b"),
            Just("x\ny\n"),
            Just("{{ .Values }}"),
            Just("~")
        ]
        .prop_map(Value::from),
    ];
    scalar.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::vec(("[a-c]{1,2}", inner), 0..3)
                .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn changes() -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec((any::<usize>(), prop::option::weighted(0.9, odd_value())), 1..4)
}

/// The paths of all members of maps.
fn places(value: &Value, above: &[String], found: &mut Vec<Vec<String>>) {
    for (key, member) in value.as_object().into_iter().flatten() {
        let path: Vec<String> = above.iter().chain([key]).cloned().collect();
        places(member, &path, found);
        found.push(path);
    }
}

fn changed(defaults: &Value, changes: &[Change]) -> Map<String, Value> {
    let mut found = Vec::new();
    places(defaults, &[], &mut found);
    let mut values = Value::Object(Map::new());
    for (at, new) in changes {
        let path = &found[at % found.len()];
        let mut holder = &mut values;
        for key in &path[..path.len() - 1] {
            if !holder.is_object() {
                *holder = json!({});
            }
            holder = &mut holder[key];
        }
        if !holder.is_object() {
            *holder = json!({});
        }
        // To take a default away is to give null for it.
        holder[&path[path.len() - 1]] = new.clone().unwrap_or(Value::Null);
    }
    values.as_object().cloned().unwrap_or_default()
}

/// How often each chart is released with changed values, unless `PROPTEST_CASES` says otherwise; with the same values each time, unless
/// `PROPTEST_RNG_SEED` does.
const CASES: u32 = 24;

fn random() -> Outcome {
    let reference = Reference::new()?;
    let (texts, refusals, mut wrong) = (AtomicUsize::new(0), AtomicUsize::new(0), Vec::new());
    for name in ["shop", "family", "kinds"] {
        let chart = directory().join(name).join("chart");
        let defaults = render::yaml::Loader::new(render::yaml::Profile::Kubectl)
            .load(name, &fs::read(chart.join("values.yaml"))?)?;
        let defaults = defaults.first().context("no values")?.to_json();
        let config = differential::config(CASES, name.bytes().map(u64::from).sum());
        let outcome = TestRunner::new(config).run(&changes(), |changes| {
            let options = HelmOptions {
                release_name: Some(name.to_owned()),
                values: changed(&defaults, &changes),
                ..HelmOptions::default()
            };
            let inline = reference.file();
            let fail = |error: anyhow::Error| TestCaseError::fail(error.to_string());
            fs::write(&inline, serde_json::to_string(&options.values).unwrap()).unwrap();
            let theirs = reference.run(&arguments(&chart, &options, &inline)).map_err(fail)?;
            let judged = as_printed("helm", &ours(&chart, &options), &theirs);
            (if theirs.is_ok() { &texts } else { &refusals }).fetch_add(1, Ordering::Relaxed);
            judged.map_err(|error| {
                TestCaseError::fail(format!("{}: {error}", serde_json::to_string(&options.values).unwrap()))
            })
        });
        wrong.extend(outcome.err().map(|error| format!("{name}: {error}")));
    }
    let (texts, refusals) = (texts.into_inner(), refusals.into_inner());
    println!("{texts} releases with random values compared, {refusals} more that the reference refuses");
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What the reference is called with for the same release. The inline values are in a file of their own.
fn arguments_of(case: &cases::Case, inline: &Path) -> Vec<String> {
    fs::write(inline, serde_json::to_string(&case.options.values).unwrap()).unwrap();
    arguments(&case.chart, &case.options, inline)
}

/// `helm template` with these options; the values of `inline` over all others.
fn arguments(chart: &Path, options: &HelmOptions, inline: &Path) -> Vec<String> {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let mut arguments = vec!["template".to_owned(), options.release_name.clone().unwrap(), path(chart)];
    let mut flag = |name: &str, value: &str| arguments.extend([name.to_owned(), value.to_owned()]);
    flag("--namespace", &options.namespace);
    options.values_files.iter().for_each(|file| flag("--values", &path(&chart.join(file))));
    flag("--values", &path(inline));
    options.kube_version.iter().for_each(|version| flag("--kube-version", version));
    options.api_versions.iter().for_each(|version| flag("--api-versions", version));
    for (wanted, name) in [
        (!options.skip_crds, "--include-crds"),
        (options.skip_tests, "--skip-tests"),
        (options.skip_schema_validation, "--skip-schema-validation"),
    ] {
        arguments.extend(wanted.then(|| name.to_owned()));
    }
    arguments
}
