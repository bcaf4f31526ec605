//! `gitstellar lock [REPO]`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use ::render::helm::host_of;
use ::render::{ChartLock, Charts, Directory, LOCK_FILE, LockedChart, RepoPath};
use anyhow::Context as _;
use apimachinery::SystemClock;
use apimachinery::kinds::KindTable;
use hub::{ChartArchives, Hosts, LockWriter, Update, declare};

use crate::rendering::RenderingArgs;
use crate::repository;

/// Arguments of `lock`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Directory of the source: where gitstellar.yaml is, or would be. Its files count as they are, committed or not
    #[arg(default_value = ".")]
    repository: PathBuf,
    /// Write nothing; fail when gitstellar.lock is not what would be written
    #[arg(long)]
    check: bool,
    /// Take the newest version that will do, also where the locked one would: of all charts, or of this one; may be repeated
    #[arg(
        long,
        value_name = "CHART",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = ALL
    )]
    update: Vec<String>,
    #[command(flatten)]
    rendering: RenderingArgs,
}

/// What `--update` without a chart stands for; no chart has this name.
const ALL: &str = "*";

/// Resolves every chart that a unit names and the repository does not hold, and writes `gitstellar.lock`.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let root = repository::root_of(&args.repository)?;
    let path = args.repository.canonicalize()?;
    let below = path.strip_prefix(&root)?.to_string_lossy().into_owned();
    let file = path.join(LOCK_FILE);
    let before = read(&file)?;
    let writer = Arc::new(LockWriter::new(args.archives()?, args.wanted_update()));
    let mut options = args.rendering.options()?;
    options.helm.remote = Some(Charts::new(writer.clone()));
    let tree = Directory::open(&root)?;
    let declared = declare::declare(&tree, &below, KindTable::built_in(), &options)?;
    let failures: Vec<_> =
        declared.declaration.units.iter().filter_map(|unit| unit.failure.as_ref()).collect();
    for failure in &failures {
        eprintln!("{}", failure.message);
    }
    if !failures.is_empty() {
        // A unit that cannot be rendered may have had more to ask for, or be given what it cannot use.
        eprintln!("{LOCK_FILE} is left as it is, for it is that of all units");
        return Ok(ExitCode::FAILURE);
    }
    let held = before.clone().unwrap_or_default();
    let lock = writer.lock();
    let is_written = before.as_ref() == Some(&lock) || (before.is_none() && lock.charts().is_empty());
    tell(&held, &lock, &writer.asked());
    if !is_written && !args.check {
        std::fs::write(&file, lock.to_yaml()).with_context(|| format!("writing {}", file.display()))?;
    }
    if !is_written && args.check {
        eprintln!("{LOCK_FILE} is not up to date; run gitstellar lock and commit it");
    }
    Ok(if is_written || !args.check { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

impl Args {
    fn archives(&self) -> anyhow::Result<ChartArchives> {
        let clock = Arc::new(SystemClock::default());
        let directory = repository::cache_dir()?.join("charts");
        Ok(ChartArchives::new(directory, Hosts::Any, self.rendering.git_timeout, clock))
    }

    fn wanted_update(&self) -> Update {
        match self.update.as_slice() {
            [] => Update::Nothing,
            names if names.iter().any(|name| name == ALL) => Update::All,
            names => Update::Only(names.to_vec()),
        }
    }
}

fn read(file: &Path) -> anyhow::Result<Option<ChartLock>> {
    match std::fs::read(file) {
        Ok(bytes) => Ok(Some(ChartLock::parse(&RepoPath::root().child(LOCK_FILE), &bytes)?)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("reading {}", file.display())),
    }
}

/// What changes, who was asked, and whom whoever renders this has to allow.
fn tell(before: &ChartLock, after: &ChartLock, asked: &[String]) {
    let line = |mark: &str, chart: &LockedChart| {
        println!("{mark} {} {} of {}", chart.name, chart.version, chart.repository);
    };
    let missing = |from: &ChartLock, chart: &LockedChart| !from.charts().contains(chart);
    before.charts().iter().filter(|chart| missing(after, chart)).for_each(|chart| line("-", chart));
    after.charts().iter().filter(|chart| missing(before, chart)).for_each(|chart| line("+", chart));
    println!("locked charts of repositories: {}", after.charts().len());
    if !asked.is_empty() {
        eprintln!("asked: {}", asked.join(", "));
    }
    let hosts = hosts_of(after, asked);
    if !hosts.is_empty() {
        let flags: Vec<String> = hosts.iter().map(|host| format!("--allow-remote {host}")).collect();
        eprintln!("whoever renders this allows: {}", flags.join(" "));
    }
}

/// The hosts that a render asks: where archives are, and where those hosts pointed to. Indexes are only read here.
fn hosts_of(lock: &ChartLock, asked: &[String]) -> BTreeSet<String> {
    let with_index = lock.charts().iter().filter(|chart| chart.url.is_some());
    let indexes: BTreeSet<String> = with_index.map(|chart| host_of(&chart.repository)).collect();
    let archives = lock.charts().iter().map(LockedChart::host);
    let beyond = asked.iter().filter(|asked| !indexes.contains(*asked)).cloned();
    if lock.charts().is_empty() { BTreeSet::new() } else { archives.chain(beyond).collect() }
}
