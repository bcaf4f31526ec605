//! `gitstellar lock`, as a person calls it.

use std::fs;

use anyhow::ensure;
use libtest_mimic::Trial;

use super::charts::Scene;
use super::depot::packed;
use super::person::{fails, said};
use crate::harness::{Outcome, same, trial, write_file};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("remotes::a_lock_is_stable_and_moves_only_when_it_is_told_or_has_to", stable),
        trial("remotes::a_lock_serves_every_range_with_the_newest_version_that_any_needs", ranges),
        trial("remotes::while_a_unit_cannot_be_rendered_the_lock_stays_as_it_is", failing),
        trial("remotes::a_hostile_index_is_refused", hostile),
    ]
}

fn lock_of(scene: &Scene) -> anyhow::Result<String> {
    Ok(fs::read_to_string(scene.path("fleet/gitstellar.lock"))?)
}

fn stable() -> Outcome {
    let scene = Scene::set()?;
    let nothing = scene.gitstellar(&["lock", "fleet"]);
    ensure!(nothing.is_ok_and(|output| !output.status.success()), "a directory that is not there is locked");
    scene.needs(&scene.depot.repository(), ">=1.0.0 <2.0.0")?;
    fails(&scene.gitstellar(&["lock", "fleet", "--check"])?, &["not up to date"])?;
    ensure!(lock_of(&scene).is_err(), "--check wrote a file");
    let first = scene.gitstellar(&["lock", "fleet"])?;
    let host = scene.depot.host();
    for part in ["+ db 1.1.0 of https://", &format!("asked: {host}"), &format!("--allow-remote {host}")] {
        ensure!(said(&first).contains(part), "{part}: {}", said(&first));
    }
    let lock = lock_of(&scene)?;
    let digest = apimachinery::Digest::of(&packed("db", "1.1.0")?);
    let repository = scene.depot.repository();
    same(
        "the lock",
        lock.as_str(),
        &format!(
            "# Written by `gitstellar lock`. Commit it; nobody has to edit it.\napiVersion: gitstellar.io/v1alpha1\nkind: Lock\ncharts:\n- digest: sha256:{digest}\n  name: db\n  repository: {repository}\n  url: {repository}/db-1.1.0.tgz\n  version: 1.1.0\n"
        ),
    )?;
    // A newer version does not move it, nor does it take a connection to see that.
    let (new, old) = (packed("db", "1.2.0")?, packed("db", "1.1.0")?);
    scene.depot.publish("db", &[("1.1.0", &old), ("1.2.0", &new)]);
    let connections = scene.depot.server.connections();
    for arguments in
        [&["lock", "fleet", "--check"][..], &["lock", "fleet"], &["lock", "fleet", "--update=web"]]
    {
        let output = scene.gitstellar(arguments)?;
        ensure!(output.status.success(), "{}", said(&output));
        same("the lock", lock_of(&scene)?, lock.clone())?;
    }
    ensure!(scene.depot.server.connections() == connections, "what is locked and kept was asked for again");
    let updated = scene.gitstellar(&["lock", "fleet", "--update=db"])?;
    ensure!(
        said(&updated).contains("- db 1.1.0") && said(&updated).contains("+ db 1.2.0"),
        "{}",
        said(&updated)
    );
    // A range that the locked version is not in moves it as well.
    scene.needs(&repository, "<1.2.0")?;
    scene.lock()?;
    same("the lock", lock_of(&scene)?, lock.clone())?;
    // What nobody needs any more goes.
    fs::remove_dir_all(scene.path("fleet/apps/web"))?;
    write_file(
        &scene.path("fleet/apps/x/a.yaml"),
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: a }\n",
    )?;
    scene.lock()?;
    ensure!(lock_of(&scene)?.ends_with("charts: []\n"), "{}", lock_of(&scene)?);
    Ok(())
}

fn ranges() -> Outcome {
    let scene = Scene::set()?;
    scene.needs(&scene.depot.repository(), "1.0.0")?;
    let chart = |release: &str, range: &str| {
        format!(
            "helmCharts: [{{ name: db, releaseName: {release}, repo: '{}', version: '{range}' }}]\n",
            scene.depot.repository()
        )
    };
    write_file(&scene.path("fleet/apps/k/kustomization.yaml"), chart("k", "^1"))?;
    write_file(&scene.path("fleet/apps/l/kustomization.yaml"), chart("l", ""))?;
    scene.lock()?;
    let lock = lock_of(&scene)?;
    ensure!(lock.matches("name: db").count() == 2, "{lock}");
    ensure!(lock.contains("version: 1.0.0") && lock.contains("version: 1.1.0"), "{lock}");
    // The lock is that of a source, also where the source is a directory of a repository.
    fs::create_dir_all(scene.path(".git"))?;
    let host = scene.depot.host();
    for arguments in [&["lock", "fleet", "--check"][..], &["validate", "fleet", "--allow-remote", &host]] {
        let output = scene.gitstellar(arguments)?;
        ensure!(output.status.success(), "{}", said(&output));
    }
    Ok(())
}

fn failing() -> Outcome {
    let scene = Scene::set()?;
    scene.needs(&scene.depot.repository(), "^1")?;
    scene.lock()?;
    let lock = lock_of(&scene)?;
    let chart = scene.path("fleet/apps/web/Chart.yaml");
    let text = fs::read_to_string(&chart)?;
    fs::write(&chart, "name: [")?;
    fails(&scene.gitstellar(&["lock", "fleet"])?, &["unit web cannot be rendered", "Chart.yaml"])?;
    same("the lock", lock_of(&scene)?, lock.clone())?;
    fs::write(&chart, text.replace("^1", "^3"))?;
    fails(&scene.gitstellar(&["lock", "fleet"])?, &["no version of 'db' in '^3'", "1.1.0"])?;
    same("the lock", lock_of(&scene)?, lock.clone())
}

fn hostile() -> Outcome {
    let scene = Scene::set()?;
    scene.needs(&scene.depot.repository(), "^1")?;
    let index =
        |url: &str, more: &str| format!("entries:\n  db:\n  - {{ version: 1.0.0, urls: ['{url}']{more} }}\n");
    let check = |index: String, expected: &str| -> Outcome {
        scene.depot.put("/charts/index.yaml", index);
        fails(&scene.gitstellar(&["lock", "fleet"])?, &["apps/web/Chart.yaml:5", expected])?;
        ensure!(lock_of(&scene).is_err(), "a lock was written");
        Ok(())
    };
    for url in
        ["file:///etc/passwd", "http://127.0.0.1/db.tgz", "../../home/db.tgz", "https://u:p@127.0.0.1/x"]
    {
        check(index(url, ""), "does not come by https")?;
    }
    check(index("oci://127.0.0.1/charts/db:1.0.0", ""), "name the registry as the repository")?;
    check(index("https://169.254.169.254/latest/db.tgz", ""), "a metadata service")?;
    check(index("db-1.0.0.tgz", &format!(", digest: {}", "0".repeat(64))), "not the one that the index")?;
    check("entries: { db: 7 }\n".to_owned(), "index.yaml cannot be read")?;
    check(format!("entries: {}", "[".repeat(200_000)), "index.yaml cannot be read")?;
    check("entries: {}\n".to_owned(), "has no chart 'db'")?;
    check(" ".repeat(65 << 20), "exceeds the limit")?;
    // An archive that is no chart, and one that leads out of its chart, are refused as if they were vendored.
    scene.depot.put("/charts/db-1.0.0.tgz", "no archive");
    check(index("db-1.0.0.tgz", ""), "is no gzipped archive")
}
