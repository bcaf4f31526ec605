//! A reference that answers many questions in one process: a program of `tests/kube` that reads a line for each.

use std::io::{self, BufRead as _, BufReader, Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use anyhow::{Context as _, Result};

/// How long an answer may take, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running program.
pub struct Driver {
    program: PathBuf,
    environment: &'static [(&'static str, &'static str)],
    process: Child,
    requests: ChildStdin,
    answers: BufReader<Patient>,
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
        let answers =
            BufReader::new(Patient::reading(process.stdout.take().context("a driver has an output")?));
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

/// Reads for so long and no longer: what does not answer is an error, and not the end of all tests.
struct Patient {
    chunks: Receiver<Vec<u8>>,
    unread: Vec<u8>,
}

impl Patient {
    fn reading(mut output: ChildStdout) -> Self {
        let (sender, chunks) = mpsc::channel();
        std::thread::spawn(move || {
            let mut chunk = vec![0; 1 << 16];
            while let Ok(read @ 1..) = output.read(&mut chunk) {
                if sender.send(chunk[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { chunks, unread: Vec::new() }
    }
}

impl Read for Patient {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unread.is_empty() {
            self.unread = match self.chunks.recv_timeout(PATIENCE) {
                Ok(chunk) => chunk,
                Err(RecvTimeoutError::Disconnected) => return Ok(0),
                Err(RecvTimeoutError::Timeout) => {
                    let message = format!("the reference has not answered for {} s", PATIENCE.as_secs());
                    return Err(io::Error::new(io::ErrorKind::TimedOut, message));
                }
            };
        }
        let read = self.unread.len().min(buffer.len());
        buffer[..read].copy_from_slice(&self.unread[..read]);
        self.unread.drain(..read);
        Ok(read)
    }
}
