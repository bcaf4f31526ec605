//! The reference, in one process for many builds: `tests/kube/kustomize/driver`.

use std::path::Path;

use anyhow::{Result, bail};

use crate::driver::Driver;

/// What a build came to: the text it printed, or the message it failed with.
pub type Outcome = std::result::Result<String, String>;

/// A running driver.
pub struct Reference(Driver);

impl Reference {
    pub fn start(program: &Path) -> Result<Self> {
        // It has no git to fetch with, and no environment to take values from.
        Driver::start(program, &[]).map(Self)
    }

    /// Begins anew. What a schema of a build's own means depends on what the process has read before it, and a real build is the first of its
    /// process.
    pub fn restart(&mut self) -> Result<()> {
        self.0.restart()
    }

    /// Builds a directory. An error means that the driver itself ended.
    pub fn build(&mut self, dir: &Path, unordered: bool) -> Result<Outcome> {
        let order = if unordered { "none" } else { "legacy" };
        let head = self.0.ask(&format!("{}\t{order}\troot", dir.display()))?;
        let Some((verdict, length)) = head.trim_end().split_once(' ') else {
            bail!("the reference ended");
        };
        let text = self.0.more(length.parse()?)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(if verdict == "ok" { Ok(text) } else { Err(text) })
    }
}
