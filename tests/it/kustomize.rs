//! Kustomizations: what we print is what Kustomize 5.8.1 prints, byte for byte, or both refuse.
//!
//! Four sources of kustomizations: upstream's own cases and those of people, where `../shared` holds them, trees written by hand, and generated trees:
//! `PROPTEST_CASES` of them with the seed `PROPTEST_RNG_SEED`, or a modest number with a fixed seed.

mod changes;
mod extras;
mod objects;
mod reference;
mod replacements;
pub mod text;
mod transformers;
mod trees;
mod written;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use libtest_mimic::Trial;
use proptest::test_runner::Config;
use render::yaml::{Loader, Profile};
use render::{Directory, Order, RenderOptions, RepoPath, render_unit};
use serde_json::Value;

use self::reference::Reference;
use self::trees::Case;
use crate::differential;
use crate::harness::{Outcome, Skip, as_printed, trial};
use crate::kube::assets;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("kustomize::cases_of_upstream_print_what_they_should", upstream),
        trial("kustomize::kustomizations_of_people_print_what_kustomize_prints", people),
        trial("kustomize::written_trees_print_what_kustomize_prints_or_both_refuse", written),
        trial("kustomize::generated_trees_print_what_kustomize_prints_or_both_refuse", generated),
    ]
}

/// A directory beside the repository; what needs it is skipped without it.
fn shared(name: &str) -> anyhow::Result<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(name);
    ensure!(directory.is_dir(), Skip(format!("there is no ../shared/{name} beside the repository")));
    Ok(directory)
}

/// What we print for a directory below `root`, or why we refuse.
fn ours(root: &Path, build: &str, order: Order, restricted: bool) -> Result<String, String> {
    let mut options = RenderOptions::default();
    options.kustomize.order = order;
    options.kustomize.own_directory_only = restricted;
    let rendered = Directory::open(root).map_err(|error| error.to_string()).and_then(|tree| {
        let path = RepoPath::parse(build).map_err(|error| error.to_string())?;
        render_unit(&tree, &path, &options).map_err(|error| error.to_string())
    });
    rendered.map(|rendered| rendered.to_yaml())
}

/// The cases of upstream's own tests: each a directory with `in/`, `case.json`, and what is expected.
fn upstream() -> Outcome {
    let (mut total, mut wrong) = (0, Vec::new());
    for entry in fs::read_dir(shared("conformance/kustomize")?)? {
        let case = entry?.path();
        let Ok(settings) = fs::read(case.join("case.json")) else { continue };
        total += 1;
        if let Err(error) = upstream_case(&case, &serde_json::from_slice(&settings)?) {
            wrong.push(format!("{}: {error:#}", case.display()));
        }
    }
    println!("{total} cases of upstream");
    ensure!(total > 0, "there is no case");
    ensure!(wrong.is_empty(), "{} of {total}:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

fn upstream_case(case: &Path, settings: &Value) -> Outcome {
    let text = |pointer: &str| settings.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let order = if text("/options/reorder") == "none" { Order::Input } else { Order::Legacy };
    let restricted = text("/options/loadRestrictor") != "none";
    let ours = ours(&case.join("in"), text("/path").trim_start_matches("./"), order, restricted);
    if text("/kind") == "error" {
        ensure!(ours.is_err(), "is rendered, and should be refused");
        return Ok(());
    }
    let theirs = fs::read_to_string(case.join("expected.yaml")).context("what is expected")?;
    if text("/compare") == "semantic" {
        let meaning = |text: &str| Loader::new(Profile::Kustomize).load("", text.as_bytes());
        let ours = ours.map_err(anyhow::Error::msg)?;
        ensure!(meaning(&ours)? == meaning(&theirs)?, "the meaning differs");
        return Ok(());
    }
    as_printed("kustomize", &ours, &Ok(theirs))
}

/// Kustomizations below `../shared/input`, but for those with charts: the reference was not allowed to run Helm.
fn people() -> Outcome {
    let input = shared("input")?;
    let mut reference = Reference::start(&assets::program("kustomize-driver")?)?;
    let (mut texts, mut refused, mut charts, mut wrong) = (0, 0, 0, Vec::new());
    for directory in kustomizations_below(&input)? {
        let name = directory.strip_prefix(&input)?.display().to_string();
        let theirs = reference.build(&directory, false)?;
        if theirs.as_ref().is_err_and(|theirs| theirs.contains("must specify --enable-helm")) {
            charts += 1;
            continue;
        }
        let ours = ours(&input, &name, Order::Legacy, true);
        *if ours.is_err() && theirs.is_err() { &mut refused } else { &mut texts } += 1;
        wrong.extend(as_printed("kustomize", &ours, &theirs).err().map(|error| format!("{name}: {error}")));
    }
    println!(
        "{texts} kustomizations of people compared, {refused} more that both refuse, {charts} that need Helm"
    );
    ensure!(texts > 0, "nothing was compared");
    ensure!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
    Ok(())
}

fn kustomizations_below(directory: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let (mut found, mut open) = (Vec::new(), vec![directory.to_owned()]);
    while let Some(directory) = open.pop() {
        if render::kustomize::FILE_NAMES.iter().any(|name| directory.join(name).is_file()) {
            found.push(directory.clone());
        }
        for entry in fs::read_dir(&directory)? {
            let entry = entry?;
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Trees written by hand. One that only the reference refuses, or only we, does not belong there: such differences are in SHORTCOMINGS.
fn written() -> Outcome {
    let mut reference = Reference::start(&assets::program("kustomize-driver")?)?;
    let trees = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/it/kustomize/trees");
    let (mut printed, mut wrong, trees) = (0, Vec::new(), written::all(&trees)?);
    for tree in &trees {
        match compare(&tree.case, &mut reference) {
            Ok(both) => printed += usize::from(both),
            Err(error) => wrong.push(format!("{}: {error:#}", tree.about)),
        }
    }
    println!(
        "{printed} texts of written trees compared, {} more that both refuse",
        trees.len() - printed - wrong.len()
    );
    ensure!(printed > 0, "nothing was compared");
    ensure!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), trees.len(), wrong.join("\n"));
    Ok(())
}

/// How many trees are compared, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 100;
/// The seed, unless `PROPTEST_RNG_SEED` says otherwise.
const SEED: u64 = 5801;

fn generated() -> Outcome {
    let mut reference = Reference::start(&assets::program("kustomize-driver")?)?;
    let config = Config { max_shrink_iters: 1_500, ..differential::config(CASES, SEED) };
    differential::run(("trees", config), trees::case(), |case| compare(case, &mut reference), shown)
}

/// Where a replacement makes a text of a number we refuse at once. The reference writes a number that is none, which fails later if
/// nothing makes a text of the field before.
const WRONG_TYPE: &str = ", and what shall replace it is not ";

/// A key that a step of the reference writes has no type: one like `0` or `true` is then no text, and it cannot print what it made.
/// Here it is a text.
const KEY_WITHOUT_TYPE: &str = "json: unsupported type: map[interface {}]interface {}";

/// So does a text over an annotation that is written like a number, once something reads the object anew. Here it is the text.
const ANNOTATION_OF_A_TYPE: &str = "yaml: cannot decode !!";

/// A text with its names and namespaces that are numbers or booleans in quotes, as ours are.
fn with_quoted_names(text: &str) -> String {
    let quoted = |line: &str| {
        let named = line.split_once(": ").filter(|(key, value)| {
            let is_no_text = value.parse::<f64>().is_ok() || matches!(*value, "true" | "false");
            matches!(key.trim_start(), "name" | "namespace") && is_no_text
        });
        named.map_or_else(|| line.to_owned(), |(key, value)| format!("{key}: \"{value}\""))
    };
    text.lines().map(|line| quoted(line) + "\n").collect()
}

/// Whether both printed a text; an error says how they differ.
fn compare(case: &Case, reference: &mut Reference) -> anyhow::Result<bool> {
    let directory = tempfile::tempdir()?;
    for (name, bytes) in &case.files {
        let file = directory.path().join(name);
        fs::create_dir_all(file.parent().context("a file is in a directory")?)?;
        fs::write(file, bytes)?;
    }
    if case.files.values().any(|bytes| String::from_utf8_lossy(bytes).contains("openapi:")) {
        reference.restart()?;
    }
    let theirs = reference.build(&directory.path().join(case.build), case.unordered)?;
    let order = if case.unordered { Order::Input } else { Order::Legacy };
    let ours = ours(directory.path(), case.build, order, true);
    let broken = theirs.as_ref().is_err_and(|message| {
        message.starts_with("the reference panicked")
            || message.ends_with(KEY_WITHOUT_TYPE)
            || message.starts_with(ANNOTATION_OF_A_TYPE)
    });
    if broken || ours.as_ref().is_err_and(|message| message.contains(WRONG_TYPE)) {
        return Ok(false);
    }
    if ours == theirs.as_deref().map(with_quoted_names).map_err(String::clone) {
        return Ok(ours.is_ok());
    }
    as_printed("kustomize", &ours, &theirs)?;
    Ok(ours.is_ok())
}

/// The files of a case, to read and to copy.
fn shown(case: &Case) -> String {
    let file = |(name, bytes): (&String, &Vec<u8>)| format!("--- {name}\n{}", String::from_utf8_lossy(bytes));
    let order = if case.unordered { "none" } else { "legacy" };
    let files: Vec<String> = case.files.iter().map(file).collect();
    format!("built: {} with --reorder {order}\n{}", case.build, files.join("\n"))
}
