//! The API servers of a running fleet.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow};
use runtime::Connection;

use crate::repository;

/// Where the workload description space is.
#[derive(clap::Args, Debug, Clone)]
pub struct WdsArgs {
    /// Kubeconfig file; without it $KUBECONFIG, then that of `gitstellar up` for the repository here
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Context of the workload description space
    #[arg(long, default_value = "wds1")]
    pub wds_context: String,
}

impl WdsArgs {
    /// Connects to the workload description space.
    pub async fn connect(&self) -> anyhow::Result<Connection> {
        self.connect_to(&self.wds_context).await
    }

    /// Connects to another context of the same kubeconfig.
    pub async fn connect_to(&self, context: &str) -> anyhow::Result<Connection> {
        let file = self.file()?;
        let hint = || {
            format!("no fleet at {}; start one with gitstellar up, or name its kubeconfig", file.display())
        };
        Connection::from_kubeconfig(context, &file, Some(context)).await.with_context(hint)
    }

    fn file(&self) -> anyhow::Result<PathBuf> {
        if let Some(file) = &self.kubeconfig {
            return Ok(file.clone());
        }
        if let Some(list) = std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
            return std::env::split_paths(&list).next().ok_or_else(|| anyhow!("KUBECONFIG names no file"));
        }
        let here = std::env::current_dir()?;
        Ok(repository::data_dir(&repository::root_of(&here)?)?.join("kubeconfig"))
    }
}
