//! A person at a machine of their own: a home, a server whose authority they trust, a token that nobody is to see, and gitstellar as they call it.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context as _, ensure};

use super::{CANARY, Https};
use crate::harness::{Outcome, write_file};
use crate::scenarios::program::{GITSTELLAR, Program};

pub(super) struct Person {
    directory: PathBuf,
}

impl Person {
    /// With everything of theirs below a directory.
    pub(super) fn trusting(server: &Https, directory: &Path) -> anyhow::Result<Self> {
        let person = Self { directory: directory.to_owned() };
        write_file(&person.authority(), server.authority())?;
        Ok(person)
    }

    pub(super) fn home(&self) -> PathBuf {
        self.directory.join("home")
    }

    fn authority(&self) -> PathBuf {
        self.directory.join("authority.pem")
    }

    /// Runs a command to its end.
    pub(super) fn gitstellar(&self, arguments: &[impl AsRef<OsStr>]) -> anyhow::Result<Output> {
        Command::new(GITSTELLAR)
            .args(arguments)
            .current_dir(&self.directory)
            .env_clear()
            .env("HOME", self.home())
            .env("SSL_CERT_FILE", self.authority())
            .env("GITSTELLAR_TOKEN", CANARY)
            .output()
            .context("running gitstellar")
    }

    /// What `plan` says of the head of a repository, in JSON.
    pub(super) fn plan(&self, repository: &str, more: &[&str]) -> anyhow::Result<String> {
        Ok(said(&self.gitstellar(&[&["plan", "--repo", repository, "-o", "json"], more].concat())?))
    }

    /// Starts `up` with what it may fetch from a host.
    pub(super) fn up(&self, repository: &str, host: &str) -> anyhow::Result<Program> {
        let (home, authority, data) = (self.home(), self.authority(), self.directory.join("data"));
        let data = data.display().to_string();
        Program::start_in(
            &[("HOME", &home), ("SSL_CERT_FILE", &authority)],
            &self.directory.join("log"),
            &["up", repository, "--data-dir", &data, "--allow-remote", host],
        )
    }
}

/// Everything that a command printed.
pub(super) fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.clone(), output.stderr.clone()].concat()).into_owned()
}

/// Fails unless a command failed and said all of these.
pub(super) fn fails(output: &Output, parts: &[&str]) -> Outcome {
    let said = said(output);
    ensure!(!output.status.success(), "succeeds, and should fail: {said}");
    for part in parts {
        ensure!(said.contains(part), "does not say {part:?}: {said}");
    }
    Ok(())
}
