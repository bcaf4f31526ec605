//! Git over the `ssh` program: its configuration, agents and known hosts work, and no second implementation of ssh is linked in.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};

use super::git_error;
use crate::Credentials;

pub(super) struct Ssh {
    credentials: Credentials,
    running: Arc<Mutex<Option<Child>>>,
}

impl Ssh {
    pub(super) fn new(credentials: Credentials) -> Self {
        Self { credentials, running: Arc::default() }
    }

    fn command(&self, url: &str, program: &str) -> Result<Command, git2::Error> {
        // `Url::parse` has refused hosts, users and paths that begin with a dash; `--` stops ssh from reading options all the same.
        let rest = url.strip_prefix("ssh://").ok_or_else(|| git_error("not an ssh URL"))?;
        let (authority, path) = rest.split_once('/').ok_or_else(|| git_error("the ssh URL has no path"))?;
        let (destination, port) = match authority.rsplit_once(':') {
            Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) => (host, Some(port)),
            _ => (authority, None),
        };
        let mut command = Command::new("ssh");
        command.args(["-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=yes", "-o", "ConnectTimeout=15"]);
        if let Some(file) = &self.credentials.ssh_identity_file {
            command.arg("-o").arg("IdentitiesOnly=yes").arg("-i").arg(file);
        }
        if let Some(file) = &self.credentials.ssh_known_hosts_file {
            command.arg("-o").arg(format!("UserKnownHostsFile={}", file.display()));
        }
        if let Some(port) = port {
            command.args(["-p", port]);
        }
        command.arg("--").arg(destination).arg(format!("{program} {}", quoted(&format!("/{path}"))));
        Ok(command)
    }
}

/// A word for the remote's POSIX shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

impl SmartSubtransport for Ssh {
    fn action(&self, url: &str, action: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let program = match action {
            Service::UploadPackLs | Service::UploadPack => "git-upload-pack",
            Service::ReceivePackLs | Service::ReceivePack => "git-receive-pack",
        };
        let mut child = self
            .command(url, program)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| git_error(format!("cannot start ssh: {error}")))?;
        let (Some(input), Some(output)) = (child.stdin.take(), child.stdout.take()) else {
            return Err(git_error("ssh has no pipes"));
        };
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = Some(child);
        Ok(Box::new(Pipes { input, output }))
    }

    fn close(&self) -> Result<(), git2::Error> {
        let child = self.running.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut child) = child {
            // It ends by itself when its input closes; a refusal is in libgit2's own error already.
            let _ = child.kill();
            let _ = child.wait();
        }
        Ok(())
    }
}

struct Pipes {
    input: ChildStdin,
    output: ChildStdout,
}

impl Read for Pipes {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.output.read(buffer)
    }
}

impl Write for Pipes {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.input.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.input.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn a_path_cannot_leave_its_quotes() {
        assert_eq!(quoted("/a'; rm -rf /; '"), r"'/a'\''; rm -rf /; '\'''");
    }
}
