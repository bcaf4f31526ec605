//! The reference, in one process for many charts: `tests/kube/helm/driver`.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Result;
use serde::Deserialize;

use crate::driver::Driver;

/// What a template came to: the text it printed, or the message it failed with.
pub type Outcome = std::result::Result<String, String>;

/// A running driver.
pub struct Reference(Driver);

#[derive(Deserialize)]
struct Answer {
    text: String,
    error: Option<String>,
}

impl Reference {
    pub fn start(program: &Path) -> Result<Self> {
        Driver::start(program, &[("TZ", "UTC")]).map(Self)
    }

    /// What `templates/case.yaml` of a chart prints. Go dies of a value that holds itself, which is a refusal, too.
    pub fn render(&mut self, files: &BTreeMap<&str, String>) -> Result<Outcome> {
        let line = self.0.ask(&serde_json::to_string(files)?)?;
        if line.is_empty() {
            self.0.restart()?;
            return Ok(Err("the reference ended".to_owned()));
        }
        let answer: Answer = serde_json::from_str(&line)?;
        Ok(answer.error.map_or(Ok(answer.text), Err))
    }
}
