//! What goes wrong with `gitstellar up` in the first hour, with the program itself.

use std::fs::Permissions;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::ensure;
use libtest_mimic::Trial;
use serde_json::Value;

use super::bad_input::plain;
use super::program::{self, Program};
use crate::harness::{Outcome, eventually, same, trial, write_file};
use crate::remotes::origin::git;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("scenarios::up_tells_bad_input_as_it_comes_and_goes_on", tells),
        trial("scenarios::up_waits_for_the_first_commit_of_an_empty_repository", empty),
        trial("scenarios::up_goes_on_while_its_repository_is_away", away),
        trial("scenarios::up_says_what_is_in_the_way_when_it_cannot_start", in_the_way),
    ]
}

/// A place for one person: a repository and a data directory.
pub struct Desk {
    directory: tempfile::TempDir,
}

impl Desk {
    /// An empty repository.
    pub fn new() -> anyhow::Result<Self> {
        let desk = Self { directory: tempfile::tempdir()? };
        std::fs::create_dir_all(desk.repository())?;
        desk.git(&["init", "--quiet", "--initial-branch=main", "."])?;
        Ok(desk)
    }

    /// A repository with one cluster and settings for it, not committed yet.
    fn with_settings() -> anyhow::Result<Self> {
        let desk = Self::new()?;
        desk.write(
            "clusters/cluster1.yaml",
            "apiVersion: cluster.open-cluster-management.io/v1\nkind: ManagedCluster\nmetadata: { name: cluster1, labels: { tier: production } }\n",
        )?;
        desk.write(
            "policies/everything.yaml",
            "apiVersion: control.kubestellar.io/v1alpha1\nkind: BindingPolicy\nmetadata: { name: everything }\nspec:\n  clusterSelectors: [{}]\n  downsync: [{ objectSelectors: [{ matchExpressions: [{ key: gitstellar.io/unit, operator: Exists }] }] }]\n",
        )?;
        desk.settings(1)?;
        Ok(desk)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn repository(&self) -> PathBuf {
        self.path("repository")
    }

    pub fn write(&self, path: &str, text: &str) -> Outcome {
        write_file(&self.repository().join(path), text)
    }

    fn settings(&self, number: u32) -> Outcome {
        self.write(
            "apps/web/settings.yaml",
            &format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: settings }}\ndata: {{ number: \"{number}\" }}\n"),
        )
    }

    pub fn git(&self, arguments: &[&str]) -> anyhow::Result<String> {
        git(&self.repository(), arguments)
    }

    pub fn commit(&self, message: &str) -> Outcome {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", message])?;
        Ok(())
    }

    /// `up REPOSITORY --data-dir DATA` and more.
    pub fn arguments(&self, more: &[&str]) -> Vec<String> {
        let (repository, data) = (self.repository(), self.path("data"));
        let all = ["up".to_owned(), text(&repository), "--data-dir".to_owned(), text(&data)];
        all.into_iter().chain(more.iter().map(|&more| more.to_owned())).collect()
    }

    /// Starts it; it runs until it is dropped.
    pub fn up(&self) -> anyhow::Result<Program> {
        Program::start(&self.path("up.log"), &borrowed(&self.arguments(&[])))
    }

    /// Runs it until everything is in sync; returns what it prints for scripts.
    pub fn until_synced(&self) -> anyhow::Result<Value> {
        let arguments = self.arguments(&["--until-synced", "-o", "json"]);
        let (content, said) = program::run(&borrowed(&arguments))?;
        ensure!(content, "{said}");
        Ok(serde_json::from_str(said.lines().next().unwrap_or_default())?)
    }
}

pub fn text(path: &Path) -> String {
    path.display().to_string()
}

pub fn borrowed(arguments: &[String]) -> Vec<&str> {
    arguments.iter().map(String::as_str).collect()
}

/// What is committed, and what the terminal and the status branch say of it.
const BAD: [(&str, &str, &[&str]); 5] = [
    (
        "apps/yaml/broken.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: broken\n",
        &["unit yaml", "apps/yaml/broken.yaml:"],
    ),
    (
        "apps/missing/kustomization.yaml",
        "kind: Kustomization\nresources: [not-there.yaml]\n",
        &["unit missing", "apps/missing/kustomization.yaml:2", "not-there.yaml"],
    ),
    (
        "apps/again/settings.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings }\n",
        &["ConfigMap default/settings", "apps/again/settings.yaml:1", "apps/web/settings.yaml:1"],
    ),
    (
        "apps/kind/toast.yaml",
        "apiVersion: example.com/v1\nkind: Toast\nmetadata: { name: golden }\n",
        &["Toast.example.com default/golden", "apps/kind/toast.yaml:1", "CustomResourceDefinition"],
    ),
    (
        "apps/tls/secret.yaml",
        "apiVersion: v1\nkind: Secret\ntype: kubernetes.io/tls\nmetadata: { name: cert }\nstringData: { tls.crt: hunter2 }\n",
        &["Secret default/cert", "apps/tls/secret.yaml:1", "data[tls.key]"],
    ),
];

fn tells() -> Outcome {
    let desk = Desk::with_settings()?;
    desk.commit("Settings")?;
    let mut up = desk.up()?;
    let mut heard = up.until_it_says(&["Everything is in sync"], 0)?;
    for (number, (path, content, words)) in (2..).zip(BAD) {
        desk.write(path, content)?;
        desk.settings(number)?;
        desk.commit(path)?;
        up.until_it_says(words, heard)?;
        eventually("the status branch says so", super::stage::LIMIT, || {
            let readme = plain(&desk.git(&["show", "gitstellar/status:README.md"])?);
            Ok(words.iter().all(|word| readme.contains(word.trim_start_matches("unit "))).then_some(()))
        })?;
        std::fs::remove_file(desk.repository().join(path))?;
        desk.commit("Repaired")?;
        heard = up.until_it_says(&["Everything is in sync"], heard)?;
    }
    ensure!(!up.said().contains("hunter2"), "a Secret is told");
    let now = desk.git(&["show", "gitstellar/status:README.md"])?;
    ensure!(now.contains("1 of 1 unit ready"), "{now}");
    Ok(())
}

fn empty() -> Outcome {
    let desk = Desk::with_settings()?;
    let mut up = desk.up()?;
    let heard = up.until_it_says(&["is empty: it has no commit yet"], 0)?;
    desk.commit("Settings")?;
    up.until_it_says(&["Everything is in sync"], heard)?;
    Ok(())
}

fn away() -> Outcome {
    let desk = Desk::with_settings()?;
    desk.commit("Settings")?;
    let mut up = desk.up()?;
    let heard = up.until_it_says(&["Everything is in sync"], 0)?;
    std::fs::rename(desk.repository(), desk.path("away"))?;
    let heard = up.until_it_says(&["is not there; restore it", "what runs keeps running"], heard)?;
    std::fs::rename(desk.path("away"), desk.repository())?;
    desk.settings(2)?;
    desk.commit("Back again")?;
    up.until_it_says(&["Everything is in sync"], heard)?;
    Ok(())
}

fn in_the_way() -> Outcome {
    let desk = Desk::with_settings()?;
    desk.commit("Settings")?;
    let repository = text(&desk.repository());
    // A second one on the same data directory; the first goes on.
    let mut up = desk.up()?;
    let heard = up.until_it_says(&["Everything is in sync"], 0)?;
    let data = text(&desk.path("data"));
    program::refused(&borrowed(&desk.arguments(&["--until-synced"])), &["cannot start", &data, "in use"])?;
    desk.settings(2)?;
    desk.commit("It goes on")?;
    up.until_it_says(&["Everything is in sync"], heard)?;
    drop(up);
    // A port that somebody else has.
    let somebody = TcpListener::bind("127.0.0.1:0")?;
    let port = somebody.local_addr()?.port().to_string();
    let other = text(&desk.path("other"));
    let words = [&format!("port {port}") as &str, "taken", "choose another port"];
    program::refused(&["up", &repository, "--data-dir", &other, "--port", &port], &words)?;
    // What is no directory, and what is none of a person's business.
    let file = desk.path("file");
    std::fs::write(&file, "")?;
    let below = text(&file.join("data"));
    program::refused(&["up", &repository, "--data-dir", &below], &["data directory", &below, "--data-dir"])?;
    program::refused(&["up", &text(&desk.path("nowhere"))], &["nowhere", "is not there"])?;
    read_only(&desk)
}

/// A data directory of the last time that cannot be written any more.
fn read_only(desk: &Desk) -> Outcome {
    let data = desk.path("data");
    for path in [data.clone(), data.join("spaces")] {
        std::fs::set_permissions(&path, Permissions::from_mode(0o555))?;
    }
    for file in std::fs::read_dir(data.join("spaces"))? {
        std::fs::set_permissions(file?.path(), Permissions::from_mode(0o444))?;
    }
    let mut command = match std::fs::metadata("/proc/self")?.uid() {
        // The superuser may write everywhere, unless that is taken away.
        0 => {
            let mut command = Command::new("setpriv");
            command.args([
                "--bounding-set",
                "-dac_override",
                "--inh-caps",
                "-dac_override",
                program::GITSTELLAR,
            ]);
            command
        }
        _ => Command::new(program::GITSTELLAR),
    };
    let (content, said) = program::run_as(command.args(desk.arguments(&["--until-synced"])))?;
    for path in [data.clone(), data.join("spaces")] {
        std::fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    }
    same("content", content, false)?;
    for word in [&text(&data) as &str, "Permission denied", "--data-dir"] {
        ensure!(said.contains(word), "it does not say {word:?}: {said}");
    }
    Ok(())
}
