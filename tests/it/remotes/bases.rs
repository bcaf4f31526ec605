//! Bases of other repositories: `gitstellar render --allow-remote HOST`, as a person calls it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, ensure};
use libtest_mimic::Trial;

use super::origin::Origin;
use super::{CANARY, Https};
use crate::harness::{Outcome, same, trial};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("remotes::a_pinned_base_of_an_allowed_host_is_fetched_once_and_without_a_login", pinned),
        trial("remotes::a_commit_that_the_server_gives_out_by_branch_only_is_found", by_branch),
        trial("remotes::what_is_not_allowed_or_not_pinned_is_refused_without_a_connection", refused),
        trial("remotes::nothing_leads_out_of_a_base", jailed),
    ]
}

const BASE: [(&str, &str); 5] = [
    ("web/overlay/kustomization.yaml", "resources: [../base]\nnamePrefix: a-\n"),
    ("web/base/kustomization.yaml", "resources: [map.yaml]\n"),
    (
        "web/base/map.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\ndata: { colour: blue }\n",
    ),
    ("leak/kustomization.yaml", "resources: [../../../../mine]\n"),
    ("link/kustomization.yaml", "resources: [map.yaml]\n"),
];

const PRINTED: &str = "apiVersion: v1\ndata:\n  colour: blue\nkind: ConfigMap\nmetadata:\n  name: a-settings\n  namespace: shop\n";

/// A server with a repository of bases, and a directory with a kustomization that names one.
struct Scene {
    directory: tempfile::TempDir,
    server: Https,
    origin: Origin,
    commit: String,
}

impl Scene {
    fn set() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let root = directory.path().join("served");
        let origin = Origin::empty(&root, "bases.git")?;
        for (path, text) in BASE {
            write(&origin.work_tree().join(path), text)?;
        }
        std::os::unix::fs::symlink("../../../../mine/map.yaml", origin.work_tree().join("link/map.yaml"))?;
        let commit = origin.publish("main", "Bases")?;
        let server = Https::serve(&root)?;
        let scene = Self { directory, server, origin, commit };
        write(&scene.path("authority.pem"), scene.server.authority())?;
        write(&scene.path("mine/kustomization.yaml"), "resources: [map.yaml]\n")?;
        write(&scene.path("mine/map.yaml"), BASE[2].1)?;
        Ok(scene)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn host(&self) -> String {
        self.server.address().to_string()
    }

    /// Renders a kustomization that names a directory of the bases at a revision.
    fn render(&self, below: &str, revision: &str, allowed: &[&str]) -> anyhow::Result<Output> {
        let address = format!("{}//{below}?ref={revision}", self.server.url("bases.git"));
        write(&self.path("app/kustomization.yaml"), &format!("namespace: shop\nresources: ['{address}']\n"))?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_gitstellar"));
        command.arg("render").arg(self.path("app"));
        command.args(allowed.iter().flat_map(|host| ["--allow-remote", host]));
        command
            .env_clear()
            .env("HOME", self.path("home"))
            .env("SSL_CERT_FILE", self.path("authority.pem"))
            .env("GITSTELLAR_TOKEN", CANARY)
            .output()
            .context("running gitstellar")
    }

    fn prints(&self, output: &Output) -> Outcome {
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{said}");
        same("the text", String::from_utf8_lossy(&output.stdout).as_ref(), PRINTED)?;
        let logins = self.server.seen().iter().filter(|seen| seen.authorization.is_some()).count();
        ensure!(logins == 0, "the server was shown a login");
        Ok(())
    }
}

fn write(file: &Path, text: &str) -> Outcome {
    fs::create_dir_all(file.parent().context("a file is in a directory")?)?;
    Ok(fs::write(file, text)?)
}

fn fails(output: &Output, parts: &[&str]) -> Outcome {
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "is rendered, and should be refused");
    for part in parts {
        ensure!(said.contains(part), "does not say {part:?}: {said}");
    }
    Ok(())
}

fn pinned() -> Outcome {
    let scene = Scene::set()?;
    scene.origin.git(&["config", "uploadpack.allowReachableSHA1InWant", "true"])?;
    write(&scene.origin.work_tree().join("web/base/map.yaml"), "later: it is something else\n")?;
    scene.origin.publish("main", "Later")?;
    scene.prints(&scene.render("web/overlay", &scene.commit, &[&scene.host()])?)?;
    let connections = scene.server.connections();
    scene.prints(&scene.render("web/overlay", &scene.commit, &["example.com", &scene.host()])?)?;
    ensure!(scene.server.connections() == connections, "a commit that is there was asked for again");
    Ok(())
}

fn by_branch() -> Outcome {
    let scene = Scene::set()?;
    scene.prints(&scene.render("web/overlay", &scene.commit, &[&scene.host()])?)?;
    let unknown = "0123456789abcdef0123456789abcdef01234567";
    fails(&scene.render("web/overlay", unknown, &[&scene.host()])?, &["cannot be fetched", "bases.git"])
}

fn refused() -> Outcome {
    let scene = Scene::set()?;
    let host = scene.host();
    fails(
        &scene.render("web/overlay", &scene.commit, &[])?,
        &["app/kustomization.yaml:2", "--allow-remote HOST"],
    )?;
    let other = scene.render("web/overlay", &scene.commit, &["example.com"])?;
    fails(&other, &["its host is none of those that are allowed"])?;
    fails(&scene.render("web/overlay", "main", &[&host])?, &["pinned to a commit"])?;
    fails(&scene.render("web/overlay", &scene.commit[..12], &[&host])?, &["pinned to a commit"])?;
    ensure!(scene.server.connections() == 0, "somebody was asked who was not to be asked");
    Ok(())
}

fn jailed() -> Outcome {
    let scene = Scene::set()?;
    let host = scene.host();
    fails(&scene.render("leak", &scene.commit, &[&host])?, &["leads out of the repository"])?;
    fails(&scene.render("link", &scene.commit, &[&host])?, &["the symlink leads out of the repository"])?;
    fails(&scene.render("web/../../x", &scene.commit, &[&host])?, &["leads out of its repository"])
}
