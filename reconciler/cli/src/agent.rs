//! `gitstellar agent`: the agent of one cluster.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use apimachinery::SystemClock;
use runtime::Shutdown;

use crate::hub::{cancel_on_signal, connect};

/// Arguments of `agent`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Kubeconfig of the inventory and transport space
    #[arg(long, value_name = "FILE")]
    its_kubeconfig: Option<PathBuf>,
    /// Context of the inventory and transport space
    #[arg(long, value_name = "CONTEXT")]
    its_context: Option<String>,
    /// Kubeconfig of the cluster; without it and without a context, in-cluster configuration
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the cluster
    #[arg(long, value_name = "CONTEXT")]
    context: Option<String>,
    /// Name of the cluster: of its ManagedCluster and of its mailbox
    #[arg(long)]
    cluster: String,
}

/// Runs until a signal.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let shutdown = Shutdown::new();
    cancel_on_signal(shutdown.clone());
    let settings = ::agent::Settings {
        cluster: args.cluster.as_str().into(),
        its: connect("its", args.its_kubeconfig.as_ref(), args.its_context.as_deref()).await?,
        wec: connect(&args.cluster, args.kubeconfig.as_ref(), args.context.as_deref()).await?,
        clock: Arc::new(SystemClock::default()),
        shutdown,
    };
    ::agent::run(settings).await;
    Ok(ExitCode::SUCCESS)
}
