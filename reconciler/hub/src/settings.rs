//! What a hub is told at start.

use std::path::PathBuf;

use plan::WdsName;
use plan::report::Pacing;
use plan::work::Limits;

/// What a hub is told at start.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The name of the WDS in works and leases.
    pub wds: WdsName,
    /// Whether a GitSource may name a path on this machine.
    pub allow_local_sources: bool,
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
    /// The helm binary for units that say `engine: cli`; None refuses them.
    pub helm: Option<render::Program>,
}

impl Settings {
    /// The defaults for a WDS of this name.
    pub fn new(wds: &str, mirrors: PathBuf) -> Self {
        Self {
            wds: wds.into(),
            allow_local_sources: false,
            mirrors,
            take_over: false,
            limits: Limits::default(),
            pacing: Pacing::default(),
            author: ("gitstellar".to_owned(), "gitstellar@localhost".to_owned()),
            helm: None,
        }
    }
}
