//! `gitstellar hub`: the controllers, on API servers that exist.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use ::hub::{Settings, World};
use anyhow::Context as _;
use apimachinery::SystemClock;
use runtime::{Connection, Shutdown};

use crate::rendering::RenderingArgs;

/// Arguments of `hub`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Kubeconfig of the workload description space; without it and without a context, in-cluster configuration
    #[arg(long, value_name = "FILE")]
    wds_kubeconfig: Option<PathBuf>,
    /// Context of the workload description space
    #[arg(long, value_name = "CONTEXT")]
    wds_context: Option<String>,
    /// Kubeconfig of the inventory and transport space; without it that of the WDS
    #[arg(long, value_name = "FILE")]
    its_kubeconfig: Option<PathBuf>,
    /// Context of the inventory and transport space
    #[arg(long, value_name = "CONTEXT")]
    its_context: Option<String>,
    /// Name of the WDS in ManifestWorks
    #[arg(long, default_value = "wds1")]
    wds_name: String,
    /// Let a GitSource name a path on this machine, or a server on it
    #[arg(long)]
    allow_local_sources: bool,
    /// Host that a GitSource may name, several between commas; without it any
    #[arg(long, value_name = "HOST", value_delimiter = ',')]
    git_host: Vec<String>,
    /// Take the WDS name over from another hub
    #[arg(long)]
    take_over: bool,
    /// Where mirrors of repositories are kept
    #[arg(long, value_name = "DIR", default_value = "/var/lib/gitstellar/mirrors")]
    mirrors: PathBuf,
    #[command(flatten)]
    rendering: RenderingArgs,
}

/// Runs until a signal.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let wds = connect("wds", args.wds_kubeconfig.as_ref(), args.wds_context.as_deref()).await?;
    let its_file = args.its_kubeconfig.as_ref().or(args.wds_kubeconfig.as_ref());
    let its = connect("its", its_file, args.its_context.as_deref()).await?;
    let rendering = args.rendering.options_with(&args.mirrors)?;
    let mut settings = Settings::new(&args.wds_name, args.mirrors);
    settings.render = rendering;
    settings.allow_local_sources = args.allow_local_sources;
    settings.take_over = args.take_over;
    settings.git_hosts = args.git_host;
    settings.git_silence = args.rendering.git_timeout;
    let shutdown = Shutdown::new();
    cancel_on_signal(shutdown.clone());
    let world = World::new(wds, its, settings, Arc::new(SystemClock::default()), shutdown);
    ::hub::run(Arc::new(world)).await.context("the hub cannot start")?;
    Ok(ExitCode::SUCCESS)
}

/// By kubeconfig where one is given, else as a pod.
pub(crate) async fn connect(
    name: &str,
    file: Option<&PathBuf>,
    context: Option<&str>,
) -> anyhow::Result<Connection> {
    let default = std::env::var_os("KUBECONFIG").map(PathBuf::from).filter(|_| context.is_some());
    Ok(match file.or(default.as_ref()) {
        Some(file) => Connection::from_kubeconfig(name, file, context).await?,
        None => Connection::in_cluster(name)?,
    })
}

/// SIGINT and SIGTERM end the program cleanly; a second one at once.
pub(crate) fn cancel_on_signal(shutdown: Shutdown) {
    tokio::spawn(async move {
        wait_for_signal().await;
        shutdown.cancel();
        wait_for_signal().await;
        std::process::exit(130);
    });
}

async fn wait_for_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = terminate.recv() => {}
        },
        Err(_) => drop(tokio::signal::ctrl_c().await),
    }
}
