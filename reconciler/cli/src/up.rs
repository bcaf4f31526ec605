//! `gitstellar up [REPO]`: everything in one process, for a repository on this machine or elsewhere.
//!
//! | module | knows |
//! |---|---|
//! | [`place`] | which repository, which data directory, what is imported, what is not committed |
//! | [`login`] | what a repository elsewhere is shown |
//! | [`fleet`] | the spaces, and per cluster a simulation and an agent; a cluster file that appears starts one |
//! | [`convergence`] | whether everything placed is applied and healthy, and what lags |
//! | [`screen`] | what is printed |

mod convergence;
mod fleet;
mod login;
mod place;
mod screen;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use apimachinery::SystemClock;
use hub::{Settings, World};
use runtime::{Connection, Shutdown};
use space::OpenError;

use crate::hub::cancel_on_signal;
use crate::rendering::RenderingArgs;

/// How long whatever runs may take to end.
const END_WAIT: Duration = Duration::from_secs(10);

/// Arguments of `up`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The repository: a directory, an https:// or an ssh:// URL; a plain directory is imported
    #[arg(default_value = ".")]
    repo: String,
    /// Where everything is kept; without it the user's data directory, keyed by the repository's path or URL
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    #[command(flatten)]
    following: Following,
    #[command(flatten)]
    login: login::LoginArgs,
    /// Exit once everything placed is applied and healthy, and the status commit is written
    #[arg(long)]
    until_synced: bool,
    /// With --until-synced: give up after this time
    #[arg(long, default_value = "120s", value_parser = parse_duration)]
    timeout: Duration,
    /// Port on the loopback interface; without it that of the last time
    #[arg(long)]
    port: Option<u16>,
    /// How to print the final state
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    rendering: RenderingArgs,
}

/// How the repository is followed. What is given here is written into the GitSource; what is not stays as it is there.
#[derive(clap::Args, Clone, Debug)]
struct Following {
    /// Branch to follow; without it the one that is checked out at the first start, or the default branch of a URL
    #[arg(long = "ref", value_name = "BRANCH")]
    branch: Option<String>,
    /// How often a URL is asked for new commits; without it once a minute
    #[arg(long, value_parser = parse_duration)]
    interval: Option<Duration>,
    /// Write no status commits
    #[arg(long)]
    no_status: bool,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Table,
    Json,
}

/// Names of the spaces that are no clusters.
pub(crate) const WDS: &str = "wds1";
pub(crate) const ITS: &str = "its1";
/// The source that `up` creates.
pub(crate) const SOURCE: &str = "main";

/// Whether a space is part of the flow and no cluster.
pub(crate) fn is_flow_space(name: &str) -> bool {
    name == WDS || name == ITS
}

pub(crate) fn parse_duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = number.parse().map_err(|_| format!("{text} is no duration; write 90s, 5m or 1h"))?;
    match unit {
        "s" | "" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        "h" => Ok(Duration::from_secs(number * 3600)),
        "ms" => Ok(Duration::from_millis(number)),
        _ => Err(format!("{text} is no duration; write 90s, 5m or 1h")),
    }
}

/// Starts everything and runs until Ctrl-C, or with `--until-synced` until it is converged or the time is over.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let clock = Arc::new(SystemClock::default());
    let place = place::find(&args.repo, args.data_dir.as_deref(), jiff::Timestamp::now().as_second())?;
    let own_login = login::login(&args.login, &place.repository)?;
    let screen = screen::Screen::new(args.output == Format::Json);
    screen.place(&place);
    let server = open_server(&args, &place).await?;
    let shutdown = Shutdown::new();
    cancel_on_signal(shutdown.clone());
    let mut settings = Settings::new(WDS, place.data_dir.join("mirrors"));
    settings.allow_local_sources = true;
    settings.own_login = own_login;
    settings.login_advice = login::advice(&place.repository);
    settings.git_silence = args.rendering.git_timeout;
    settings.render = args.rendering.options_with(&settings.mirrors)?;
    // One person watches one repository: a status commit at once is what they wait for, and nobody is flooded.
    settings.pacing.change_ms = 1_000;
    let outcome = drive(&args, &place, &screen, (&server, clock, &shutdown, settings)).await;
    shutdown.cancel();
    match Arc::try_unwrap(server) {
        Ok(server) => {
            if tokio::time::timeout(END_WAIT, server.shutdown()).await.is_err() {
                tracing::warn!("the server did not end within {} s and is left", END_WAIT.as_secs());
            }
        }
        // A task that is still ending holds it; every acknowledged write is on the disk already.
        Err(_) => tracing::debug!("the server is still in use at the end"),
    }
    outcome
}

async fn open_server(args: &Args, place: &place::Place) -> anyhow::Result<Arc<space::Server>> {
    let mut options = space::Options::in_directory(place.data_dir.join("spaces"));
    options.listen.set_port(args.port.unwrap_or(0));
    let server = space::Server::open(options).await.map_err(|error| {
        let data_dir = place.data_dir.display();
        let advice = match &error {
            OpenError::File { .. } => "; make it writable, or name another directory with --data-dir",
            OpenError::InUse { .. } => {
                "; end the gitstellar that runs there, or name another directory with --data-dir"
            }
            _ => "",
        };
        anyhow::Error::new(error).context(format!("cannot start in {data_dir}{advice}"))
    })?;
    for space in [WDS, ITS] {
        server.create_space(space).await?;
    }
    Ok(Arc::new(server))
}

type Parts<'a> = (&'a Arc<space::Server>, Arc<SystemClock>, &'a Shutdown, Settings);

async fn drive(
    args: &Args,
    place: &place::Place,
    screen: &screen::Screen,
    parts: Parts<'_>,
) -> anyhow::Result<ExitCode> {
    let (server, clock, shutdown, settings) = parts;
    let wds = Connection::over(WDS, server.admin_service(WDS)?);
    let its = Connection::over(ITS, server.admin_service(ITS)?);
    let world = Arc::new(World::new(wds.clone(), its.clone(), settings, clock.clone(), shutdown.clone()));
    let fleet = fleet::Fleet::new(Arc::clone(server), its, clock, shutdown.clone(), place);
    let followed = fleet.prepare(&wds, &args.following).await?;
    screen.follows(place, followed.as_deref());
    let hub = tokio::spawn(hub::run(Arc::clone(&world)));
    let follow = tokio::spawn(fleet.follow(Arc::clone(&world)));
    screen.spaces(server, place);
    let outcome = if args.until_synced {
        convergence::wait(&world, screen, args.timeout, shutdown).await
    } else {
        convergence::tell_forever(&world, screen, place, shutdown).await
    };
    shutdown.cancel();
    let ended = async {
        hub.await.context("the hub died")??;
        follow.await.context("the fleet died")?
    };
    match tokio::time::timeout(END_WAIT, ended).await {
        Ok(ended) => ended?,
        // Whoever asked for the end gets it: everything here may be killed at any moment.
        Err(_) => tracing::warn!("some controllers did not end within {} s and are left", END_WAIT.as_secs()),
    }
    outcome
}
