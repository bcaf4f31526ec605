//! Bases of other repositories: `--allow-remote HOST` of `render`, `plan` and `up`, as a person calls them.

use std::fs;
use std::path::PathBuf;
use std::process::Output;

use anyhow::ensure;
use libtest_mimic::Trial;

use super::Https;
use super::origin::Origin;
use super::person::{Person, fails};
use super::up::FLEET;
use crate::harness::{Outcome, same, trial, write_file};

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("remotes::a_pinned_base_of_an_allowed_host_is_fetched_once_and_without_a_login", pinned),
        trial("remotes::a_commit_that_the_server_gives_out_by_branch_only_is_found", by_branch),
        trial("remotes::what_is_not_allowed_or_not_pinned_is_refused_without_a_connection", refused),
        trial("remotes::nothing_leads_out_of_a_base", jailed),
        trial("remotes::the_origin_of_an_object_of_a_base_is_its_repository_and_commit", origins),
        trial("remotes::up_tries_a_base_again_that_cannot_be_fetched_and_places_it_then", later),
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
    person: Person,
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
            write_file(&origin.work_tree().join(path), text)?;
        }
        std::os::unix::fs::symlink("../../../../mine/map.yaml", origin.work_tree().join("link/map.yaml"))?;
        let commit = origin.publish("main", "Bases")?;
        let server = Https::serve(&root)?;
        let person = Person::trusting(&server, directory.path())?;
        let scene = Self { directory, person, server, origin, commit };
        write_file(&scene.path("mine/kustomization.yaml"), "resources: [map.yaml]\n")?;
        write_file(&scene.path("mine/map.yaml"), BASE[2].1)?;
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
        self.name("app", below, revision)?;
        let mut arguments = vec!["render", "app"];
        arguments.extend(allowed.iter().flat_map(|host| ["--allow-remote", host]));
        self.person.gitstellar(&arguments)
    }

    /// Writes a kustomization that names a directory of the bases at a revision.
    fn name(&self, app: &str, below: &str, revision: &str) -> Outcome {
        let address = format!("{}//{below}?ref={revision}", self.server.url("bases.git"));
        write_file(
            &self.path(app).join("kustomization.yaml"),
            format!("namespace: shop\nresources: ['{address}']\n"),
        )
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

fn pinned() -> Outcome {
    let scene = Scene::set()?;
    scene.origin.git(&["config", "uploadpack.allowReachableSHA1InWant", "true"])?;
    write_file(&scene.origin.work_tree().join("web/base/map.yaml"), "later: it is something else\n")?;
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

fn origins() -> Outcome {
    let scene = Scene::set()?;
    scene.name("app", "web/overlay", &scene.commit)?;
    let file = scene.path("app/kustomization.yaml");
    write_file(&file, &(fs::read_to_string(&file)? + "buildMetadata: [originAnnotations]\n"))?;
    let output = scene.person.gitstellar(&["render", "app", "--allow-remote", &scene.host()])?;
    let expected = format!(
        "    config.kubernetes.io/origin: |\n      path: web/base/map.yaml\n      repo: {}\n      ref: {}\n",
        scene.server.url("bases.git"),
        scene.commit
    );
    let printed = String::from_utf8_lossy(&output.stdout);
    ensure!(printed.contains(&expected), "{printed}{}", String::from_utf8_lossy(&output.stderr));
    Ok(())
}

const NAMESPACE: (&str, &str) =
    ("namespaces/shop.yaml", "apiVersion: v1\nkind: Namespace\nmetadata: { name: shop }\n");

fn later() -> Outcome {
    let scene = Scene::set()?;
    let fleet = Origin::empty(&scene.path("fleets"), "fleet.git")?;
    for (path, text) in FLEET.into_iter().chain([NAMESPACE]) {
        write_file(&fleet.work_tree().join(path), text)?;
    }
    scene.name("web", "web/overlay", &scene.commit)?;
    write_file(
        &fleet.work_tree().join("apps/web/kustomization.yaml"),
        &fs::read_to_string(scene.path("web/kustomization.yaml"))?,
    )?;
    fleet.publish("main", "A fleet")?;
    let repository = fleet.work_tree().display().to_string();
    let host = scene.host();
    let plan = |more: &[&str]| scene.person.plan(&repository, more);
    let refused = plan(&[])?;
    ensure!(refused.contains("unit-refused") && refused.contains("--allow-remote HOST"), "{refused}");
    // The repository is not there yet.
    let (served, away) = (scene.path("served/bases.git"), scene.path("away"));
    fs::rename(&served, &away)?;
    let unreachable = plan(&["--allow-remote", &host])?;
    ensure!(unreachable.contains("unit-fetch-failed"), "{unreachable}");
    let asked = scene.server.connections();
    let mut up = scene.person.up(&repository, &host)?;
    up.until_it_says(&["cannot be fetched"], 0)?;
    ensure!(scene.server.connections() > asked, "up says so without having asked");
    fs::rename(&away, &served)?;
    up.until_it_says(&["Everything is in sync"], 0)?;
    let planned = plan(&["--allow-remote", &host])?;
    ensure!(planned.contains("\"a-settings\"") && planned.contains("cluster1"), "{planned}");
    Ok(())
}
