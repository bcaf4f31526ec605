//! What a hub is told at start.

use std::path::PathBuf;
use std::time::Duration;

use git::{Limits as RemoteLimits, Url, Withheld};
use plan::WdsName;
use plan::report::Pacing;
use plan::work::Limits;
use render::RenderOptions;

/// What a hub is told at start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the WDS in works and leases.
    pub wds: WdsName,
    /// Whether a GitSource may name a path on this machine.
    pub allow_local_sources: bool,
    /// Hosts that a GitSource may name; empty is any.
    pub git_hosts: Vec<String>,
    /// How long a remote may say nothing, at any point of a conversation.
    pub git_silence: Duration,
    /// A login that whoever started the hub brought along.
    pub own_login: Option<OwnLogin>,
    /// How that person gives or corrects a login; without it the advice is a Secret.
    pub login_advice: Option<&'static str>,
    /// Where mirrors of remote repositories are kept; they may be deleted at any time.
    pub mirrors: PathBuf,
    /// Take a WDS name over from another hub.
    pub take_over: bool,
    /// How ManifestWorks are cut.
    pub limits: Limits,
    /// How often the status ref may be written.
    pub pacing: Pacing,
    /// Author of status commits: name, e-mail.
    pub author: (String, String),
    /// What a unit may use up, and the helm binary for units that say `engine: cli`; without one they are refused.
    pub render: RenderOptions,
}

impl Settings {
    /// The defaults for a WDS of this name.
    pub fn new(wds: &str, mirrors: PathBuf) -> Self {
        Self {
            wds: wds.into(),
            allow_local_sources: false,
            git_hosts: Vec::new(),
            git_silence: RemoteLimits::default().silence,
            own_login: None,
            login_advice: None,
            mirrors,
            take_over: false,
            limits: Limits::default(),
            pacing: Pacing::default(),
            author: ("gitstellar".to_owned(), "gitstellar@localhost".to_owned()),
            render: crate::declare::limited(),
        }
    }

    /// What bounds conversations with remotes.
    pub fn remote_limits(&self) -> RemoteLimits {
        RemoteLimits { silence: self.git_silence, loopback: self.allow_local_sources }
    }
}

/// A login for one URL that stands in no Secret. It is shown to that URL and to no other, whatever a GitSource says later.
#[derive(Clone, Debug)]
pub struct OwnLogin {
    /// The repository it is for.
    pub url: Url,
    /// User name.
    pub user: String,
    /// Password or token.
    pub token: Token,
}

/// Where a token comes from.
#[derive(Clone, Debug)]
pub enum Token {
    /// It was given at start.
    Given(Withheld),
    /// A file, read again each time, so that a rotated token counts at once.
    File(PathBuf),
}
