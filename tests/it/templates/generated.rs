//! Generated templates: what we print is what Helm prints, or both refuse.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use render::{HelmOptions, MemTree, RenderOptions, RepoPath, render_unit};

use super::reference::{self, Reference};
use super::{statements, values};
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
const CASES: u32 = 400;
/// The seed, unless `PROPTEST_RNG_SEED` says otherwise.
const SEED: u64 = 4032;

pub fn generated() -> Outcome {
    let reference = RefCell::new(Reference::start(&assets::program("helm-driver")?)?);
    let seed = match Config::default().rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => SEED,
    };
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { Config::default().cases } else { CASES };
    println!("{cases} generated templates with PROPTEST_RNG_SEED={seed}");
    let config = Config {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(seed),
        max_shrink_iters: 3_000,
        ..Config::default()
    };
    let (texts, refusals) = (Cell::new(0_u32), Cell::new(0_u32));
    let outcome = TestRunner::new(config).run(&case(), |case| {
        let compared = compare(&case, &mut reference.borrow_mut());
        let printed =
            compared.map_err(|error| TestCaseError::fail(format!("{error:#}\n{}", shown(&case))))?;
        let count = if printed { &texts } else { &refusals };
        count.set(count.get() + 1);
        Ok(())
    });
    println!("{} texts compared, {} more templates that both refuse", texts.get(), refusals.get());
    outcome.map_err(|error| match error {
        proptest::test_runner::TestError::Fail(reason, _) => anyhow::anyhow!("{reason}"),
        error @ proptest::test_runner::TestError::Abort(_) => anyhow::anyhow!("{error}"),
    })?;
    ensure!(texts.get() > refusals.get(), "most templates are refused: the generator is no good any more");
    Ok(())
}

/// The chart around a case. What the template prints need be no YAML, nor even UTF-8, so it travels as base64. What Helm keeps behind a
/// pointer is unwrapped before, for Go prints where such a thing is in memory.
fn chart(case: &Case) -> BTreeMap<&'static str, String> {
    let metadata = "apiVersion: v2\nname: chart\nversion: 0.1.0+b\nappVersion: \"1.0\"\nkeywords: [k, \"\"]\n\
                    annotations: {a: x, b: \"y\"}\nmaintainers:\n- name: m\n";
    let driver = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: case}\n\
                  {{- $kube := dict \"Minor\" .Capabilities.KubeVersion.Minor }}\n\
                  {{- $_ := dict \"KubeVersion\" $kube \"APIVersions\" .Capabilities.APIVersions | set . \"Capabilities\" }}\n\
                  text: {{ include (print .Template.BasePath \"/_case.tpl\") . | b64enc | quote }}\n";
    BTreeMap::from([
        ("Chart.yaml", metadata.to_owned()),
        ("values.yaml", case.values.clone()),
        ("templates/_case.tpl", case.template.clone()),
        ("templates/case.yaml", driver.to_owned()),
        ("files/a.txt", "one\ntwo\r\n\nétrange".to_owned()),
        ("files/b.json", "{\"a\": [1]}\n".to_owned()),
    ])
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

/// What the template printed, of what its chart printed.
fn decoded(printed: &str) -> Result<String> {
    let encoded =
        printed.lines().find_map(|line| line.strip_prefix("text: ")).context("the driver printed nothing")?;
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim_matches('"'))?;
    Ok(String::from_utf8(bytes).unwrap_or_else(|error| format!("{:?}", error.into_bytes())))
}

/// Go lets a slice go on beyond the length of a list, to a capacity that its allocator chooses. Here that is an error.
const BEYOND_ITS_LENGTH: &str = "slice bounds out of range";

/// Whether both printed a text; an error says how they differ.
fn compare(case: &Case, reference: &mut Reference) -> Result<bool> {
    let files = chart(case);
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
    as_printed("helm", &ours, &theirs)?;
    Ok(ours.is_ok())
}

/// The files of a case, to read and to copy.
fn shown(case: &Case) -> String {
    format!("--- values.yaml\n{}--- templates/_case.tpl\n{}", case.values, case.template)
}
