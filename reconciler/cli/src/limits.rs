//! `--limit`, of every command that renders.

use anyhow::Context as _;
use hub::declare;
use render::RenderOptions;

/// What a unit may use up.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct LimitArgs {
    /// Limit of what one unit may use up, as NAME=NUMBER (docs/reference/limits.md); may be repeated
    #[arg(long, value_name = "NAME=NUMBER")]
    limit: Vec<String>,
}

impl LimitArgs {
    /// The options of a render with these limits, the default ones where nothing is said.
    pub fn options(&self) -> anyhow::Result<RenderOptions> {
        let mut options = declare::limited();
        self.limit.iter().try_for_each(|text| options.set_limit(text)).context("--limit")?;
        Ok(options)
    }
}
