//! A server process that never outlives the tests.
//!
//! The kernel's parent-death signal needs unsafe code here, and fires when the *thread* that started the process ends. So each server starts
//! under a shell that becomes it (`exec`) after leaving a watcher behind. The watcher reads from a pipe whose other end only this process
//! holds: a line sends it home, the end of the pipe, which comes however this process dies, makes it kill the server.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

/// In the watcher, `$$` is still the process id of the shell, and so of the server it becomes. Background jobs of a shell read from
/// /dev/null, which is why the pipe moves to descriptor 3 first.
const BECOME: &str = r#"exec 3<&0; (read -r _ <&3 || kill -KILL $$) & exec 3<&-; exec "$@" </dev/null"#;

/// A running server process, killed on drop and when this process dies.
pub struct Leashed {
    child: Child,
    log: PathBuf,
}

impl Leashed {
    /// Starts a program; what it prints goes to the file `log`.
    pub fn start(program: &Path, arguments: &[String], log: &Path) -> Result<Self> {
        let output = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let child = Command::new("sh")
            .args(["-c", BECOME, "leash"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("starting {}", program.display()))?;
        Ok(Self { child, log: log.to_owned() })
    }

    /// An error if the process is gone.
    pub fn still_runs(&mut self) -> Result<()> {
        let Some(status) = self.child.try_wait()? else { return Ok(()) };
        bail!("the process ended with {status}");
    }

    /// Closes the pipe as the end of this process would.
    pub fn let_go(&mut self) {
        self.child.stdin.take();
    }

    /// The end of its log, for the context of an error.
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        format!("the end of the log was:\n{}\n", lines[lines.len().saturating_sub(10)..].join("\n"))
    }

    /// Its resident memory in MiB (Linux only, else 0).
    pub fn memory_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = resident.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
        kib.unwrap_or(0) / 1024
    }
}

impl Drop for Leashed {
    fn drop(&mut self) {
        // The watcher goes first: once the process is reaped, its id may belong to somebody else.
        if let Some(mut pipe) = self.child.stdin.take() {
            let _ = pipe.write_all(b"done\n");
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
