//! Remote repositories, for real: smart HTTPS and ssh against servers that run here.
//!
//! | file | knows |
//! |---|---|
//! | `origin` | a bare repository and its author |
//! | `https` | `git http-backend` behind TLS, and what such a server can do wrong |
//! | `sshd` | the real sshd, with keys made here |
//! | `talk` | trials of one conversation that both ways of speaking share |
//! | `refusals` | trials of what only one of them can refuse |
//! | `person` | a person at a machine of their own, and gitstellar as they call it |
//! | `up` | trials of `gitstellar up URL` |
//! | `bases` | trials of kustomizations that name a base there |
//! | `depot` | a chart repository and a registry behind TLS, and what such servers can do wrong |
//! | `charts` | trials of charts from there |
//! | `locks` | trials of `gitstellar lock` |

mod bases;
mod charts;
mod depot;
pub mod https;
mod locks;
pub mod origin;
mod person;
mod refusals;
pub mod sshd;
mod talk;
mod up;

use std::time::Duration;

use anyhow::{Result, ensure};
use git::{Credentials, GitError, HttpsLogin, Limits, Remote, RemoteFailure, SshLogin, Url, Withheld};
use libtest_mimic::Trial;

use https::Https;
use sshd::{Right, Sshd};

pub fn trials() -> Vec<Trial> {
    [talk::trials(), refusals::trials(), up::trials(), bases::trials(), charts::trials(), locks::trials()]
        .into_iter()
        .flatten()
        .collect()
}

/// A password that must never be seen anywhere.
pub const CANARY: &str = "canary-5up3r-s3cret";

/// What the tests allow: servers are on this machine, and nothing takes long.
const LIMITS: Limits = Limits { silence: Duration::from_secs(60), loopback: true };

/// A way to reach the repositories of a directory.
enum Way {
    Https(Https),
    Ssh(Sshd),
}

impl Way {
    /// A remote whose credentials allow everything.
    fn remote(&self, repository: &str) -> Result<Remote> {
        match self {
            Self::Https(server) => https_remote(server, repository, CANARY),
            Self::Ssh(server) => ssh_remote(server, repository, server.identity(Right::Write)?),
        }
    }
}

/// A remote that logs in as `ann`.
fn https_remote(server: &Https, repository: &str, password: &str) -> Result<Remote> {
    let login = HttpsLogin::Basic { user: "ann".to_owned(), password: Withheld::new(password) };
    let credentials =
        Credentials { https: Some(login), authorities: Some(server.authority().to_owned()), ssh: None };
    Ok(Remote { url: Url::parse(&server.url(repository))?, credentials, limits: LIMITS })
}

/// A remote with a key.
fn ssh_remote(server: &Sshd, repository: &str, identity: String) -> Result<Remote> {
    let login = SshLogin { identity: Withheld::new(identity), known_hosts: server.known_hosts()? };
    let credentials = Credentials { ssh: Some(login), ..Credentials::default() };
    Ok(Remote { url: Url::parse(&server.url(repository))?, credentials, limits: LIMITS })
}

/// What stood in the way of something that had to fail.
fn failure<T: std::fmt::Debug>(outcome: Result<T, GitError>) -> Result<RemoteFailure> {
    match outcome {
        Err(GitError::Remote { source, .. }) => Ok(source),
        other => anyhow::bail!("no failure of the remote, but {other:?}"),
    }
}

/// Whatever an error prints, in whatever way, holds no secret.
fn holds_no_secret(error: &GitError) -> crate::harness::Outcome {
    let text = format!("{error} {error:?} {}", runtime::drive::chain(error));
    ensure!(!text.contains(CANARY), "a secret is told: {text}");
    Ok(())
}
