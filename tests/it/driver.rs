//! A reference that answers many questions in one process: a program of `tests/kube` that reads a line for each.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context as _, Result};

/// A running program.
pub struct Driver {
    program: PathBuf,
    environment: &'static [(&'static str, &'static str)],
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Driver {
    /// Starts it with this environment and no other.
    pub fn start(program: &Path, environment: &'static [(&'static str, &'static str)]) -> Result<Self> {
        let mut process = Command::new(program)
            .env_clear()
            .envs(environment.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        let requests = process.stdin.take().context("a driver has an input")?;
        let answers = BufReader::new(process.stdout.take().context("a driver has an output")?);
        Ok(Self { program: program.to_owned(), environment, process, requests, answers })
    }

    /// Begins anew, with nothing of what it has seen.
    pub fn restart(&mut self) -> Result<()> {
        *self = Self::start(&self.program, self.environment)?;
        Ok(())
    }

    /// The line that it answers to a line; empty when it ended.
    pub fn ask(&mut self, question: &str) -> Result<String> {
        writeln!(self.requests, "{question}").context("the reference ended")?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line)
    }

    /// So many bytes more of its answer.
    pub fn more(&mut self, bytes: usize) -> Result<Vec<u8>> {
        let mut answer = vec![0; bytes];
        self.answers.read_exact(&mut answer)?;
        Ok(answer)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
