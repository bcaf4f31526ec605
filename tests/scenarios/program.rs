//! The program itself, started as a person starts it, and ended as nobody should.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, ensure};

use super::stage::LIMIT;
use crate::harness::eventually;
use crate::kube::leash::Leashed;

/// Where cargo has put it.
pub const GITSTELLAR: &str = env!("CARGO_BIN_EXE_gitstellar");

/// A running `gitstellar`. Dropping it is `kill -9`.
pub struct Program {
    process: Leashed,
    log: PathBuf,
}

impl Program {
    /// Starts it; what it says goes to the file `log`.
    pub fn start(log: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        Ok(Self { process: Leashed::start(Path::new(GITSTELLAR), &arguments, log)?, log: log.to_owned() })
    }

    /// The same, with more of these variables in its environment.
    pub fn start_in(environment: &[(&str, &Path)], log: &Path, arguments: &[&str]) -> anyhow::Result<Self> {
        let variables = environment.iter().map(|(name, value)| format!("{name}={}", value.display()));
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        let all: Vec<String> = variables.chain([GITSTELLAR.to_owned()]).chain(arguments).collect();
        Ok(Self { process: Leashed::start(Path::new("/usr/bin/env"), &all, log)?, log: log.to_owned() })
    }

    /// Everything it has said.
    pub fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Waits until it has said all of these words, after the first `skipped` bytes; returns how much it has said by then.
    pub fn until_it_says(&mut self, words: &[&str], skipped: usize) -> anyhow::Result<usize> {
        let outcome = eventually(&format!("it says {words:?}"), LIMIT, || {
            self.process.still_runs()?;
            let said = self.said();
            let heard = words.iter().all(|word| said.get(skipped..).is_some_and(|new| new.contains(word)));
            Ok(heard.then_some(said.len()))
        });
        outcome.with_context(|| format!("it said:\n{}", self.said()))
    }

    /// It has not ended.
    pub fn still_runs(&mut self) -> anyhow::Result<()> {
        self.process.still_runs().with_context(|| self.said())
    }
}

/// Runs it to its end: whether it was content, and what it printed, the error stream last.
pub fn run(arguments: &[&str]) -> anyhow::Result<(bool, String)> {
    run_as(Command::new(GITSTELLAR).args(arguments))
}

/// The same, with a command that somebody else has prepared.
pub fn run_as(command: &mut Command) -> anyhow::Result<(bool, String)> {
    let output = command.env_remove("KUBECONFIG").output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

/// Fails unless a command fails and says all of these words.
pub fn refused(arguments: &[&str], words: &[&str]) -> anyhow::Result<()> {
    let (content, said) = run(arguments)?;
    ensure!(!content, "gitstellar {arguments:?} is content: {said}");
    for word in words {
        ensure!(said.contains(word), "gitstellar {arguments:?} does not say {word:?}: {said}");
    }
    Ok(())
}
