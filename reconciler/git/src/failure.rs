//! Why a remote could not be asked, fetched from or pushed to.

use std::net::IpAddr;
use std::time::Duration;

/// What stood in the way. Every variant is a different thing for a person to do; none holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoteFailure {
    /// It wants to know who asks, and nothing was given.
    #[error("it asks for credentials, and none were given")]
    LoginWanted,
    /// It does not accept who asks.
    #[error("it refuses the credentials{}", detailed(said))]
    LoginRefused {
        /// What it said; may be empty.
        said: String,
    },
    /// It knows who asks, and does not allow this.
    #[error("these credentials have no right to do this{}", detailed(said))]
    Forbidden {
        /// What it said; may be empty.
        said: String,
    },
    /// There is no repository, or none that this login may see.
    #[error("there is no such repository, or these credentials may not see it")]
    Missing,
    /// It points elsewhere. Nobody follows: the other place would be shown the credentials.
    #[error(
        "it redirects to {to}, and credentials are never taken there; use that URL if it is the right one"
    )]
    Redirected {
        /// Where, without query and user.
        to: String,
    },
    /// Its certificate is not that of the host, or of no authority that is trusted.
    #[error("its certificate is not trusted: {detail}")]
    Certificate {
        /// Why.
        detail: String,
    },
    /// Its ssh host key is not among the known ones.
    #[error("its ssh host key is unknown")]
    HostKeyUnknown,
    /// It has another ssh host key than the known one.
    #[error(
        "its ssh host key is not the known one: the server was set up anew, or somebody stands in between"
    )]
    HostKeyChanged,
    /// What was given as a private key is none.
    #[error("the private key for ssh cannot be read{}", detailed(said))]
    BadIdentity {
        /// What ssh said.
        said: String,
    },
    /// What was given as certificates of authorities is none.
    #[error(
        "the certificates of authorities cannot be read; they are PEM blocks that begin with -----BEGIN CERTIFICATE-----"
    )]
    BadAuthorities,
    /// No connection.
    #[error("it cannot be reached: {detail}")]
    Unreachable {
        /// Why.
        detail: String,
    },
    /// It stopped talking.
    #[error("it has said nothing for {} s", patience.as_secs_f64())]
    Silent {
        /// How long it was waited for.
        patience: Duration,
    },
    /// An address that no repository lives at.
    #[error("its address {address} is {kind}, and connections there are not allowed")]
    Address {
        /// The address.
        address: IpAddr,
        /// Why it is refused.
        kind: &'static str,
    },
    /// It answers, but not as a git server does.
    #[error("it does not answer as a git server: {detail}")]
    NotGit {
        /// What is odd.
        detail: String,
    },
    /// It cannot serve this now.
    #[error("it answers with HTTP status {status}")]
    Status {
        /// The status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<Duration>,
    },
    /// It says no in its own words.
    #[error("it says: {said}")]
    Said {
        /// Its words.
        said: String,
    },
    /// A limit that protects memory and disk.
    #[error("{what} exceeds the limit of {limit}")]
    TooLarge {
        /// What.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// There is no ssh here.
    #[error("the program ssh cannot be started here: {detail}; install an OpenSSH client")]
    NoSsh {
        /// Why.
        detail: String,
    },
    /// Something on this machine.
    #[error("{detail}")]
    Here {
        /// What.
        detail: String,
    },
}

fn detailed(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(" ({said})") }
}

impl std::error::Error for Carried {}

/// A failure on its way through libraries that know only their own error types.
#[derive(Debug, Clone)]
pub(crate) struct Carried(pub(crate) RemoteFailure);

impl std::fmt::Display for Carried {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}
