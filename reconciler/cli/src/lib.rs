//! The command line: composition, terminal, exit codes. What can be tested below it is not here.
//!
//! | module | command |
//! |---|---|
//! | [`up`] | everything in one process on embedded spaces |
//! | [`hub`], [`agent`] | the long-running parts, on real API servers |
//! | [`plan`], [`render`], [`validate`], [`explain`] | offline, from a repository |
//! | [`lock`] | charts of repositories, pinned |
//! | [`get`], [`approve`] | a running fleet |
//!
//! [`repository`] finds repositories and trees, [`rendering`] reads what is said of renders, [`spaces`] finds a running fleet's API servers. Exit codes: 0 fine, 1 error; `plan` has 2 for blockers.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "the terminal is this room's business")]

pub mod agent;
pub mod approve;
pub mod explain;
pub mod get;
pub mod hub;
pub mod lock;
pub mod plan;
pub mod render;
pub mod rendering;
pub mod repository;
pub mod spaces;
pub mod up;
pub mod validate;

use std::process::ExitCode;
use std::time::Duration;

use clap::{CommandFactory as _, Parser, Subcommand};

/// GitOps for KubeStellar-style fleets: push manifests and policies, review where they go, see the result in git.
#[derive(Parser, Debug)]
#[command(name = "gitstellar", version, about, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Start everything in one process: embedded spaces, simulated clusters, all controllers
    Up(up::Args),
    /// Run the controllers on existing API servers
    Hub(hub::Args),
    /// Run the agent of one cluster
    Agent(agent::Args),
    /// Review where objects go, between two commits, offline
    Plan(plan::Args),
    /// Print the manifests of a unit or kustomization
    Render(render::Args),
    /// Check a repository
    Validate(validate::Args),
    /// Pin the charts that units take from repositories and registries in gitstellar.lock
    Lock(lock::Args),
    /// Tell why an object is, or is not, on a cluster
    Explain(explain::Args),
    /// Show units, clusters or placement of a running fleet
    Get(get::Args),
    /// Release one held list of removals
    Approve(approve::Args),
}

/// Parses the command line, runs the command, and turns its outcome into an exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(&cli.command);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let code = match runtime.block_on(run(cli.command)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    };
    // A thread that waits for a server somewhere must not hold up the end.
    runtime.shutdown_timeout(LAST_WAIT);
    code
}

/// How long threads that still work may take at the end.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// The reference of all commands, as Markdown: what `--help` says.
pub fn reference() -> String {
    let mut text = "# Commands\n\nGenerated from the program.\n".to_owned();
    let mut cli = Cli::command();
    cli.build();
    for command in cli.get_subcommands_mut().filter(|command| command.get_name() != "help") {
        let help = command.render_long_help().to_string();
        let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
        text.push_str(&format!("\n## {}\n\n```\n{}\n```\n", command.get_name(), lines.join("\n").trim_end()));
    }
    text
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Up(args) => up::run(args).await,
        Command::Hub(args) => hub::run(args).await,
        Command::Agent(args) => agent::run(args).await,
        Command::Plan(args) => plan::run(&args),
        Command::Render(args) => render::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Lock(args) => lock::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Get(args) => get::run(args).await,
        Command::Approve(args) => approve::run(args).await,
    }
}

/// `RUST_LOG` decides; without it, `up` shows warnings on its screen, the long-running parts tell what they do, and the rest is silent.
fn start_logging(command: &Command) {
    let default = match command {
        Command::Hub(_) | Command::Agent(_) => "info",
        // What sources and reports have to say stands on the screen already.
        Command::Up(_) => "warn,hub::source=error,hub::report=error,kube_runtime=error,kube_client=off",
        _ => "error",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| default.into());
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_target(false).init();
}
