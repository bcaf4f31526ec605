//! The reference, in one process for many builds: `tests/kube/kustomize/driver`.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// What a build came to: the text it printed, or the message it failed with.
pub type Outcome = std::result::Result<String, String>;

/// A running driver.
pub struct Reference {
    program: PathBuf,
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Reference {
    pub fn start(program: &Path) -> Result<Self> {
        // It has no git to fetch with, and no environment to take values from.
        let mut process = Command::new(program)
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let requests = process.stdin.take().context("a driver has an input")?;
        let answers = BufReader::new(process.stdout.take().context("a driver has an output")?);
        Ok(Reference { program: program.to_owned(), process, requests, answers })
    }

    /// Begins anew. What a schema of a build's own means depends on what the process has read before it, and a real build is the first of its
    /// process.
    pub fn restart(&mut self) -> Result<()> {
        *self = Self::start(&self.program)?;
        Ok(())
    }

    /// Builds a directory. An error means that the driver itself ended.
    pub fn build(&mut self, dir: &Path, unordered: bool) -> Result<Outcome> {
        let order = if unordered { "none" } else { "legacy" };
        writeln!(self.requests, "{}\t{order}\troot", dir.display())?;
        let mut head = String::new();
        self.answers.read_line(&mut head)?;
        let Some((verdict, length)) = head.trim_end().split_once(' ') else {
            bail!("the reference ended");
        };
        let mut text = vec![0; length.parse()?];
        self.answers.read_exact(&mut text)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(if verdict == "ok" { Ok(text) } else { Err(text) })
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
