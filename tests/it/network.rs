//! A render has no network: where there is none at all, it says the same.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::Context as _;
use libtest_mimic::Trial;

use crate::harness::{Outcome, Skip, same, trial};

pub fn trials() -> Vec<Trial> {
    vec![trial("network::r_3_a_render_in_an_empty_network_namespace_is_the_same", empty_namespace)]
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Exit code, output and errors of a command.
fn said(mut command: Command) -> anyhow::Result<(Option<i32>, String, String)> {
    let Output { status, stdout, stderr } = command.output()?;
    Ok((status.code(), String::from_utf8(stdout)?, String::from_utf8(stderr)?))
}

fn empty_namespace() -> Outcome {
    let alone = |program: &str| {
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--net", program]);
        command
    };
    if !alone("true").output().is_ok_and(|output| output.status.success()) {
        return Err(Skip("unshare(1) cannot make a network namespace here".to_owned()).into());
    }
    let remote = tempfile::tempdir()?;
    let asks = "resources: ['https://example.com/a.yaml']\nhelmCharts: [{name: a, repo: 'https://example.com', version: 1.0.0}]\n";
    std::fs::write(remote.path().join("kustomization.yaml"), asks)?;
    let program = env!("CARGO_BIN_EXE_gitstellar");
    let mut units: Vec<PathBuf> = std::fs::read_dir(root().join("examples/repo-layout/apps"))?
        .map(|entry| Ok(entry?.path()))
        .collect::<anyhow::Result<_>>()?;
    units.sort();
    units.extend([root().join("tests/charts/shop/chart"), root().join("tests/kustomized-charts/everyday")]);
    units.push(remote.path().to_owned());
    for unit in &units {
        let (mut with, mut without) = (Command::new(program), alone(program));
        with.arg("render").arg(unit);
        without.arg("render").arg(unit);
        let with = said(with)?;
        let rendered = with.0 == Some(0);
        anyhow::ensure!(rendered != unit.starts_with(remote.path()), "{}: {}", unit.display(), with.2);
        same("a render without network", said(without)?, with).with_context(|| unit.display().to_string())?;
    }
    Ok(())
}
