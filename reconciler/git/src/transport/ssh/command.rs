//! The command line of ssh.

use std::net::{IpAddr, ToSocketAddrs as _};
use std::process::{Command, Stdio};

use super::files::Files;
use crate::failure::RemoteFailure;
use crate::{Remote, Url, egress};

const SSH_PORT: u16 = 22;

/// The command that connects to a remote and runs `program` on its repository there.
pub(super) fn command(
    remote: &Remote,
    files: Option<&Files>,
    program: &str,
) -> Result<Command, RemoteFailure> {
    let url = &remote.url;
    let mut command = Command::new("ssh");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let patience_s = remote.limits.silence.as_secs().clamp(1, 15);
    for option in ["BatchMode=yes", "StrictHostKeyChecking=yes", "RemoteCommand=none", "SendEnv=GIT_PROTOCOL"]
    {
        command.arg("-o").arg(option);
    }
    command.arg("-o").arg(format!("ConnectTimeout={patience_s}")).args(["-T", "-x", "-a"]);
    if let Some(files) = files {
        isolate(&mut command, files);
        let address = address_of(url, remote.limits.loopback)?;
        command
            .arg("-o")
            .arg(format!("HostName={address}"))
            .arg("-o")
            .arg(format!("HostKeyAlias={}", known_as(url)));
    }
    if let Some(port) = url.port() {
        command.arg("-p").arg(port.to_string());
    }
    if let Some(user) = url.user() {
        command.arg("-l").arg(user);
    }
    // `Url::parse` has refused hosts, users and paths that begin with a dash; `--` stops ssh from reading options all the same.
    command.arg("--").arg(url.host()).arg(format!("{program} {}", quoted(&url.remote_path())));
    Ok(command)
}

/// Nothing of this machine counts but the given files.
fn isolate(command: &mut Command, files: &Files) {
    command.env_clear();
    for name in ["PATH", "HOME", "TMPDIR"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    command.args(["-F", "none"]).arg("-i").arg(files.identity());
    for option in [
        "IdentitiesOnly=yes",
        "IdentityAgent=none",
        "GlobalKnownHostsFile=none",
        "UpdateHostKeys=no",
        "CheckHostIP=no",
        "PreferredAuthentications=publickey",
    ] {
        command.arg("-o").arg(option);
    }
    command.arg("-o").arg(format!("UserKnownHostsFile=\"{}\"", files.known_hosts().display()));
}

/// The address that ssh is told to connect to: the one that was judged, whatever the name resolves to a moment later.
fn address_of(url: &Url, loopback: bool) -> Result<IpAddr, RemoteFailure> {
    let unknown = || RemoteFailure::Unreachable { detail: "there is no host of this name".to_owned() };
    let found = (url.host(), url.port().unwrap_or(SSH_PORT)).to_socket_addrs().map_err(|_| unknown())?;
    let mut first = None;
    for address in found {
        egress::check(address.ip(), loopback)?;
        first = first.or(Some(address.ip()));
    }
    first.ok_or_else(unknown)
}

/// The name under which the host's key is looked up: what ssh itself would take.
fn known_as(url: &Url) -> String {
    match url.port() {
        Some(port) if port != SSH_PORT => format!("[{}]:{port}", url.host()),
        _ => url.host().to_owned(),
    }
}

/// A word for the remote's POSIX shell.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Credentials, Limits, SshLogin, Withheld};

    fn remote(url: &str) -> Remote {
        let limits = Limits { loopback: true, ..Limits::default() };
        Remote { url: Url::parse(url).unwrap(), credentials: Credentials::default(), limits }
    }

    fn files() -> Files {
        Files::write(&SshLogin { identity: Withheld::new("KEY"), known_hosts: String::new() }).unwrap()
    }

    fn words(command: &Command) -> Vec<String> {
        command.get_args().map(|word| word.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_path_cannot_leave_its_quotes() {
        assert_eq!(quoted("/a'; rm -rf /; '"), r"'/a'\''; rm -rf /; '\'''");
    }

    #[test]
    fn atk_11_host_keys_are_always_checked() {
        let machine = words(&command(&remote("ssh://git@[::1]:2222/a"), None, "git-upload-pack").unwrap());
        assert!(machine.contains(&"StrictHostKeyChecking=yes".to_owned()), "{machine:?}");
        assert_eq!(machine[machine.len() - 3..], ["--", "::1", "git-upload-pack '/a'"]);
        let own =
            words(&command(&remote("ssh://127.0.0.1:2222/a"), Some(&files()), "git-upload-pack").unwrap());
        for wanted in
            ["StrictHostKeyChecking=yes", "GlobalKnownHostsFile=none", "HostKeyAlias=[127.0.0.1]:2222"]
        {
            assert!(own.contains(&wanted.to_owned()), "{wanted}: {own:?}");
        }
    }

    #[test]
    fn atk_12_ssh_with_a_login_of_its_own_connects_to_a_judged_address() {
        let mut remote = remote("ssh://git@localhost/a");
        remote.limits.loopback = false;
        let refused = command(&remote, Some(&files()), "git-upload-pack").unwrap_err();
        assert!(matches!(refused, RemoteFailure::Address { .. }), "{refused}");
    }
}
