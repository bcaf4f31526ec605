//! A repository that others fetch from: bare, as a server has it, with a work tree beside it for its author.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::bail;

use crate::harness::Outcome;

/// A bare repository and its author's clone.
pub struct Origin {
    bare: PathBuf,
    work: PathBuf,
}

impl Origin {
    /// Makes an empty repository `<root>/<name>`; nothing is in it.
    pub fn empty(root: &Path, name: &str) -> anyhow::Result<Self> {
        let (bare, work) = (root.join(name), root.join(format!("{name}-author")));
        for directory in [&bare, &work] {
            std::fs::create_dir_all(directory)?;
        }
        git(&bare, &["init", "--quiet", "--bare", "--initial-branch=main", "."])?;
        git(&work, &["init", "--quiet", "--initial-branch=main", "."])?;
        Ok(Self { bare, work })
    }

    /// Makes a repository with one commit on `main`; returns it, too.
    pub fn new(root: &Path, name: &str) -> anyhow::Result<(Self, String)> {
        let origin = Self::empty(root, name)?;
        let commit = origin.publish("main", "first")?;
        Ok((origin, commit))
    }

    /// Where it is on this machine.
    pub fn path(&self) -> &Path {
        &self.bare
    }

    /// The author's work tree.
    pub fn work_tree(&self) -> &Path {
        &self.work
    }

    /// Commits everything in the work tree, and pushes it to a branch, wherever that was before.
    pub fn publish(&self, branch: &str, message: &str) -> anyhow::Result<String> {
        self.author(&["add", "--all"])?;
        self.author(&["commit", "--quiet", "--allow-empty", "--message", message])?;
        let bare = self.bare.display().to_string();
        self.author(&["push", "--quiet", "--force", &bare, &format!("HEAD:refs/heads/{branch}")])?;
        Ok(self.author(&["rev-parse", "HEAD"])?.trim().to_owned())
    }

    /// Runs git in the work tree.
    pub fn author(&self, arguments: &[&str]) -> anyhow::Result<String> {
        git(&self.work, arguments)
    }

    /// Runs git in the bare repository.
    pub fn git(&self, arguments: &[&str]) -> anyhow::Result<String> {
        git(&self.bare, arguments)
    }

    /// The tip of a branch, as git itself sees it.
    pub fn tip(&self, branch: &str) -> anyhow::Result<String> {
        Ok(self.git(&["rev-parse", &format!("refs/heads/{branch}")])?.trim().to_owned())
    }

    /// Installs a hook of the server.
    pub fn hook(&self, name: &str, script: &str) -> Outcome {
        let file = self.bare.join("hooks").join(name);
        std::fs::create_dir_all(self.bare.join("hooks"))?;
        std::fs::write(&file, format!("#!/bin/sh\n{script}\n"))?;
        Ok(std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o755))?)
    }
}

/// Runs git as somebody without a configuration of their own.
pub fn git(directory: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("HOME", "/nonexistent"),
        ])
        .envs([
            ("GIT_AUTHOR_NAME", "A. Person"),
            ("GIT_AUTHOR_EMAIL", "a@example.com"),
            ("GIT_COMMITTER_NAME", "A. Person"),
            ("GIT_COMMITTER_EMAIL", "a@example.com"),
            // Equal contents are equal commits, so that two runs can be compared.
            ("GIT_AUTHOR_DATE", "2026-11-20T12:00:00Z"),
            ("GIT_COMMITTER_DATE", "2026-11-20T12:00:00Z"),
        ])
        .output()?;
    if !output.status.success() {
        bail!("git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(String::from_utf8(output.stdout)?)
}
