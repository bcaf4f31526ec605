//! A git server over ssh: the real sshd, on the loopback interface, with keys that the test makes.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::harness::{Skip, eventually};
use crate::kube::free_port;
use crate::kube::leash::Leashed;

/// How long an sshd may take to listen, on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(30);

/// What a key may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Everything.
    Write,
    /// Fetch only; the refusal is worded as forges do.
    Read,
    /// Log in; then nothing happens.
    Hang,
}

/// A running sshd, ended on drop.
pub struct Sshd {
    directory: PathBuf,
    root: PathBuf,
    port: u16,
    user: String,
    _process: Leashed,
}

impl Sshd {
    /// Serves the repositories below `root` to the holders of keys; one per right is made.
    pub fn serve(root: &Path) -> Result<Self> {
        let program = program()?;
        let directory = root.join("sshd");
        std::fs::create_dir_all(&directory)?;
        for name in ["host", "write", "read", "hang", "stranger"] {
            let file = directory.join(name);
            run(
                "ssh-keygen",
                &["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", &file.display().to_string()],
            )?;
        }
        std::fs::write(directory.join("authorized_keys"), authorized_keys(&directory)?)?;
        let port = free_port()?;
        std::fs::write(directory.join("config"), configuration(&directory, port))?;
        // The server separates privileges into a directory that its package makes at boot, which containers never do.
        let _made = std::fs::create_dir_all("/run/sshd");
        let arguments: Vec<String> = ["-D", "-e", "-f"]
            .into_iter()
            .map(str::to_owned)
            .chain([directory.join("config").display().to_string()])
            .collect();
        let mut process = Leashed::start(&program, &arguments, &directory.join("log"))?;
        eventually("sshd listens", START_LIMIT, || {
            process.still_runs().with_context(|| process.last_words())?;
            Ok(std::net::TcpStream::connect(("127.0.0.1", port)).ok())
        })?;
        let user = run("id", &["-un"])?.trim().to_owned();
        Ok(Self { directory, root: root.to_owned(), port, user, _process: process })
    }

    /// The URL of a repository.
    pub fn url(&self, repository: &str) -> String {
        format!("ssh://{}@127.0.0.1:{}{}/{repository}", self.user, self.port, self.root.display())
    }

    /// The private key that has a right.
    pub fn identity(&self, right: Right) -> Result<String> {
        let name = match right {
            Right::Write => "write",
            Right::Read => "read",
            Right::Hang => "hang",
        };
        Ok(std::fs::read_to_string(self.directory.join(name))?)
    }

    /// A private key that nobody knows.
    pub fn stranger(&self) -> Result<String> {
        Ok(std::fs::read_to_string(self.directory.join("stranger"))?)
    }

    /// What a `known_hosts` file says of it.
    pub fn known_hosts(&self) -> Result<String> {
        self.known_as("host")
    }

    /// The same with another key than it has.
    pub fn changed_known_hosts(&self) -> Result<String> {
        self.known_as("stranger")
    }

    fn known_as(&self, key: &str) -> Result<String> {
        let key = std::fs::read_to_string(self.directory.join(format!("{key}.pub")))?;
        Ok(format!("[127.0.0.1]:{} {key}", self.port))
    }
}

/// sshd wants to be started by its full path. Where there is none, the trial is skipped; in CI that is a failure.
fn program() -> Result<PathBuf> {
    let found = ["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/usr/bin/sshd"]
        .iter()
        .map(PathBuf::from)
        .find(|p| p.is_file());
    found.ok_or_else(|| {
        let reason = "there is no sshd; install an OpenSSH server (Debian: openssh-server)";
        match std::env::var("CI").as_deref() {
            Ok("true") => anyhow!("{reason} (a failure, as CI is set)"),
            _ => Skip(reason.to_owned()).into(),
        }
    })
}

fn authorized_keys(directory: &Path) -> Result<String> {
    let scripts = [
        ("write", "exec sh -c \"$SSH_ORIGINAL_COMMAND\""),
        (
            "read",
            "case \"$SSH_ORIGINAL_COMMAND\" in git-upload-pack*) exec sh -c \"$SSH_ORIGINAL_COMMAND\";; esac\n\
             echo 'ERROR: The key you are authenticating with has been marked as read only.' >&2; exit 1",
        ),
        // It reads and never answers, and ends with the connection.
        ("hang", "exec cat >/dev/null"),
    ];
    let mut text = String::new();
    for (name, script) in scripts {
        let file = directory.join(format!("{name}.sh"));
        std::fs::write(
            &file,
            format!("#!/bin/sh\nexport GIT_CONFIG_NOSYSTEM=1 HOME=/nonexistent\n{script}\n"),
        )?;
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755))?;
        let key = std::fs::read_to_string(directory.join(format!("{name}.pub")))?;
        write!(text, "restrict,command=\"{}\" {key}", file.display())?;
    }
    Ok(text)
}

fn configuration(directory: &Path, port: u16) -> String {
    let directory = directory.display();
    format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {directory}/host\nAuthorizedKeysFile {directory}/authorized_keys\n\
         StrictModes no\nPidFile none\nUsePAM no\nPasswordAuthentication no\nKbdInteractiveAuthentication no\n\
         PermitRootLogin yes\nAcceptEnv GIT_PROTOCOL\nMaxStartups 100\nMaxSessions 100\nUseDNS no\n"
    )
}

fn run(program: &str, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new(program).args(arguments).output().with_context(|| format!("starting {program}"))?;
    ensure!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8(output.stdout)?)
}
