//! Generated templates: what we print is what Helm prints, or both refuse.

use std::collections::BTreeMap;

use anyhow::Result;
use proptest::prelude::*;
use proptest::test_runner::Config;
use render::{HelmOptions, MemTree, RenderOptions, RepoPath, render_unit};

use super::reference::{self, Reference};
use super::{chart, statements, values};
use crate::differential;
use crate::harness::{Outcome, as_printed};
use crate::kube::assets;

/// A template and the values it sees.
#[derive(Debug, Clone)]
struct Case {
    values: String,
    template: String,
}

fn case() -> impl Strategy<Value = Case> {
    (values::values(), statements::template())
        .prop_map(|(values, template)| Case { values: values.document(), template })
}

/// How many templates are compared, unless `PROPTEST_CASES` says otherwise.
const CASES: u32 = 300;
/// The seed, unless `PROPTEST_RNG_SEED` says otherwise.
const SEED: u64 = 4032;

pub fn generated() -> Outcome {
    let mut reference = Reference::start(&assets::program("helm-driver")?)?;
    let config = Config { max_shrink_iters: 3_000, ..differential::config(CASES, SEED) };
    differential::run(("templates", config), case(), |case| compare(case, &mut reference), shown)
}

fn ours(files: &BTreeMap<&str, String>) -> reference::Outcome {
    let tree = files
        .iter()
        .fold(MemTree::new(), |tree, (name, text)| tree.with(&format!("chart/{name}"), text.as_bytes()));
    let helm = HelmOptions {
        release_name: Some("release".to_owned()),
        namespace: "space".to_owned(),
        ..HelmOptions::default()
    };
    let options = RenderOptions { helm, ..RenderOptions::default() };
    let path = RepoPath::parse("chart").map_err(|error| error.to_string())?;
    let rendered = render_unit(&tree, &path, &options).map_err(|error| error.to_string())?;
    Ok(rendered.to_yaml())
}

/// A text to compare. What is no UTF-8 is shown as its bytes.
fn decoded(printed: &str) -> Result<String> {
    Ok(String::from_utf8(chart::printed(printed)?)
        .unwrap_or_else(|error| format!("{:?}", error.into_bytes())))
}

/// What makes a text that is no UTF-8.
const BYTES: [&str; 5] = ["\\xff", "\\xe6", "b64dec", "b32dec", "trunc"];

/// Whether a template may print another text, and is left so: a version within a list that is printed as a number (Go prints where it is in
/// memory), and words, TOML or readable YAML of bytes that are no UTF-8.
fn may_differ(template: &str) -> bool {
    let holds = |words: &[&str]| words.iter().any(|word| template.contains(word));
    (holds(&["semver"]) && holds(&["printf"])) || (holds(&["case ", "toYamlPretty", "Toml"]) && holds(&BYTES))
}

/// Go lets a slice go on beyond the length of a list, to a capacity that its allocator chooses. Here that is an error.
const BEYOND_ITS_LENGTH: &str = "slice to beyond the length of the list";

/// Whether both printed a text that can be compared; an error says how they differ.
fn compare(case: &Case, reference: &mut Reference) -> Result<bool> {
    let files = chart::around(&case.values, &case.template, chart::Sees::NoPointers);
    let theirs = reference.render(&files)?;
    let ours = ours(&files);
    let text = |printed: reference::Outcome| -> Result<reference::Outcome> {
        Ok(match printed {
            Ok(printed) => Ok(decoded(&printed)?),
            Err(message) => Err(message),
        })
    };
    let (ours, theirs) = (text(ours)?, text(theirs)?);
    if ours.as_ref().is_err_and(|message| message.contains(BEYOND_ITS_LENGTH)) {
        return Ok(false);
    }
    let both_complain =
        |of: &str| [&ours, &theirs].iter().all(|it| it.as_ref().is_ok_and(|text| text.contains(of)));
    // What is wrong with YAML and TOML each reader says in its own words.
    let both_print = ours.is_ok() && theirs.is_ok();
    let is_left = may_differ(&case.template) || both_complain("toml: ") || both_complain("yaml: ");
    if both_print && ours != theirs && is_left {
        return Ok(false);
    }
    as_printed("helm", &ours, &theirs)?;
    Ok(ours.is_ok())
}

/// The files of a case, to read and to copy.
fn shown(case: &Case) -> String {
    format!("--- values.yaml\n{}--- templates/_case.tpl\n{}", case.values, case.template)
}
