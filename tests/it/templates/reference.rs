//! The reference, in one process for many charts: `tests/kube/helm/driver`.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// What a template came to: the text it printed, or the message it failed with.
pub type Outcome = std::result::Result<String, String>;

/// A running driver.
pub struct Reference {
    program: PathBuf,
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

#[derive(Deserialize)]
struct Answer {
    text: String,
    error: Option<String>,
}

impl Reference {
    pub fn start(program: &Path) -> Result<Self> {
        let mut process = Command::new(program)
            .env_clear()
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let requests = process.stdin.take().context("a driver has an input")?;
        let answers = BufReader::new(process.stdout.take().context("a driver has an output")?);
        Ok(Reference { program: program.to_owned(), process, requests, answers })
    }

    /// What `templates/case.yaml` of a chart prints. Go dies of a value that holds itself, which is a refusal, too.
    pub fn render(&mut self, files: &BTreeMap<&str, String>) -> Result<Outcome> {
        let request = serde_json::to_string(files)?;
        writeln!(self.requests, "{request}").context("the reference ended")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.is_empty() {
            *self = Self::start(&self.program)?;
            return Ok(Err("the reference ended".to_owned()));
        }
        let answer: Answer = serde_json::from_str(&line)?;
        Ok(answer.error.map_or(Ok(answer.text), Err))
    }
}

impl Drop for Reference {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
