//! Every chart of `tests/charts` prints what is committed beside it, which is what the reference prints (`tests/it/charts.rs`).
#![expect(clippy::unwrap_used, reason = "a test may stop at the first thing that is wrong")]

#[path = "../../../tests/charts/cases.rs"]
mod cases;

use std::fs;
use std::path::Path;

#[test]
fn every_chart_prints_what_the_reference_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/charts");
    let cases = cases::all(&root);
    assert!(cases.len() > 10, "the charts are not where they should be");
    let wrong: Vec<String> = cases.iter().filter_map(|case| judge(case).err()).collect();
    assert!(wrong.is_empty(), "{} of {} charts:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// Kustomizations with charts, against what `kustomize build --enable-helm` of 5.8.1 prints with this Helm.
#[test]
fn charts_in_kustomizations_print_what_the_reference_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/kustomized-charts");
    let mut cases: Vec<_> = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(cases.len() > 4, "the kustomizations are not where they should be");
    let mut wrong = Vec::new();
    for case in &cases {
        let expected = fs::read_to_string(case.join("expected.yaml")).unwrap();
        match cases::render(case, &render::HelmOptions::default()).map(|rendered| rendered.to_yaml()) {
            Ok(printed) if printed == expected => {}
            Ok(printed) => {
                wrong.push(format!("== {}\n{}", case.display(), first_difference(&printed, &expected)));
            }
            Err(message) => wrong.push(format!("== {}\n{message}", case.display())),
        }
    }
    assert!(wrong.is_empty(), "{} of {} kustomizations:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

fn judge(case: &cases::Case) -> Result<(), String> {
    let outcome = cases::render(&case.chart, &case.options).map(|rendered| rendered.to_yaml());
    let said = |what: &str| Err(format!("== {}\n{what}", case.name));
    if let Ok(refusal) = fs::read_to_string(case.directory.join("refused.txt")) {
        return match outcome {
            Ok(_) => said("is rendered, and should be refused"),
            Err(message) => match refusal.lines().find(|line| !message.contains(line)) {
                None => Ok(()),
                Some(line) => said(&format!("does not say '{line}': {message}")),
            },
        };
    }
    let expected =
        fs::read_to_string(case.directory.join("expected.yaml")).map_err(|error| error.to_string())?;
    match outcome {
        Err(message) => said(&message),
        Ok(printed) if printed == expected => Ok(()),
        Ok(printed) => said(&first_difference(&printed, &expected)),
    }
}

fn first_difference(printed: &str, expected: &str) -> String {
    let at = printed.lines().zip(expected.lines()).take_while(|(a, b)| a == b).count();
    let line = |text: &str| text.lines().nth(at).unwrap_or("<end>").to_owned();
    format!("line {}: printed  {}\nline {0}: expected {}", at + 1, line(printed), line(expected))
}
