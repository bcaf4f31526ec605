//! What whoever starts a command says of its renders: limits, hosts to fetch from and how patiently, a helm binary. Nothing in a repository says any of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use apimachinery::SystemClock;
use hub::{BaseMirrors, ChartArchives, HelmBinary, Hosts, declare};
use render::{Charts, Program, Remotes, RenderOptions};

use crate::repository;

/// Flags of every command that renders.
#[derive(clap::Args, Clone, Debug)]
#[command(next_help_heading = "Rendering")]
pub struct RenderingArgs {
    /// Limit of what one unit may use up, as NAME=NUMBER (docs/reference/limits.md); may be repeated
    #[arg(long, value_name = "NAME=NUMBER")]
    limit: Vec<String>,
    /// Fetch from this host, without a login, bases of kustomizations that name a commit and charts that gitstellar.lock pins; may be repeated
    #[arg(long, value_name = "HOST[:PORT]")]
    allow_remote: Vec<String>,
    /// How long the server of a repository may say nothing
    #[arg(long, default_value = "60s", value_parser = crate::up::parse_duration)]
    pub git_timeout: Duration,
    /// Helm binary that renders the charts of units which say `engine: cli`; without one they are refused
    #[arg(long, value_name = "FILE")]
    helm_binary: Option<PathBuf>,
}

impl RenderingArgs {
    /// The options of a render. What is fetched is kept in the user's cache.
    pub fn options(&self) -> anyhow::Result<RenderOptions> {
        let cache = if self.allow_remote.is_empty() { PathBuf::new() } else { repository::cache_dir()? };
        self.options_with(&cache)
    }

    /// The same; what is fetched is kept below a directory.
    pub fn options_with(&self, cache: &Path) -> anyhow::Result<RenderOptions> {
        let mut options = declare::limited();
        self.limit.iter().try_for_each(|text| options.set_limit(text)).context("--limit")?;
        options.helm.program = self.helm_binary.clone().map(|path| Program::new(HelmBinary::new(path)));
        if !self.allow_remote.is_empty() {
            let clock = Arc::new(SystemClock::default());
            let bases = BaseMirrors::new(cache.join("bases"), self.git_timeout, clock.clone());
            options.kustomize.remotes = Some(Remotes::new(&self.allow_remote, bases));
            let hosts = Hosts::Only(self.allow_remote.clone());
            let charts = ChartArchives::new(cache.join("charts"), hosts, self.git_timeout, clock);
            options.helm.remote = Some(Charts::new(Arc::new(charts)));
        }
        Ok(options)
    }
}
