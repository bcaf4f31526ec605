//! How a trial is named, run, skipped and counted.
//!
//! A trial is a function that returns [`Outcome`]: `Ok` passes, [`Skip`] skips with its reason, any other error fails and is printed with
//! its whole chain of causes. Trials run concurrently (`--test-threads`); whoever needs something exclusive takes a lock on it.
//! A trial that does not end ends the run, with its name.

mod watchdog;

use std::fmt::Debug;
use std::future::Future;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use libtest_mimic::{Arguments, Completion, Trial};

pub use watchdog::unhurried;

/// What a trial returns.
pub type Outcome = anyhow::Result<()>;

/// The error that skips a trial; it says why, and what would make the trial run.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Skip(pub String);

/// Names and reasons of what was skipped, in the order of skipping.
static SKIPPED: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());

/// A trial with a name like `area::what_is_true`.
pub fn trial(name: impl Into<String>, body: impl FnOnce() -> Outcome + Send + 'static) -> Trial {
    let name = name.into();
    let skipped_name = name.clone();
    Trial::ignorable_test(name, move || {
        let _watched = watchdog::watch(&skipped_name);
        let Err(error) = body() else { return Ok(Completion::Completed) };
        let Some(skip) = error.downcast_ref::<Skip>() else { return Err(format!("{error:#}").into()) };
        SKIPPED.lock().unwrap_or_else(PoisonError::into_inner).push((skipped_name, skip.0.clone()));
        Ok(Completion::ignored_with(&skip.0))
    })
}

/// A trial whose body is asynchronous. All of them share one runtime.
pub fn async_trial<F>(name: impl Into<String>, body: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = Outcome>,
{
    trial(name, move || block_on(body()))
}

/// Runs a future to its end on the runtime that all trials share.
pub fn block_on<F: Future>(future: F) -> F::Output {
    runtime().block_on(future)
}

/// Starts a task on that runtime.
pub fn spawn(future: impl Future<Output = ()> + Send + 'static) -> tokio::task::JoinHandle<()> {
    runtime().spawn(future)
}

fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Runtime::new().unwrap())
}

/// Runs what the command line asks for and prints the counts, and the reason of every skip, as the last thing.
pub fn run(trials: Vec<Trial>) -> ExitCode {
    let arguments = Arguments::from_args();
    let listing = arguments.list;
    watchdog::start();
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !listing {
        for (name, reason) in SKIPPED.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            println!("skipped {name}: {reason}");
        }
        let ran = conclusion.num_passed + conclusion.num_failed;
        println!("{ran} ran, {} were filtered out", conclusion.num_filtered_out);
        println!(
            "{} passed, {} failed, {} skipped",
            conclusion.num_passed, conclusion.num_failed, conclusion.num_ignored
        );
    }
    conclusion.exit_code()
}

/// How long to wait between two looks.
const PAUSE: Duration = Duration::from_millis(50);

/// Looks again and again until `look` returns something, for at most `limit`. An error of `look` ends the wait, `Ok(None)` goes on.
///
/// This is the only place of the tests that may pause, and it never stands for "by then it will have happened".
pub fn eventually<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> anyhow::Result<Option<T>>,
) -> anyhow::Result<T> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(found) = look().with_context(|| format!("while waiting until {what}"))? {
            return Ok(found);
        }
        ensure!(Instant::now() < deadline, "waited {} s in vain until {what}", limit.as_secs());
        std::thread::sleep(PAUSE);
    }
}

/// Writes a file, and makes the directories above it.
pub fn write_file(file: &Path, content: impl AsRef<[u8]>) -> Outcome {
    std::fs::create_dir_all(file.parent().context("a file is in a directory")?)?;
    Ok(std::fs::write(file, content)?)
}

/// Fails with both values unless they are equal.
#[expect(
    clippy::needless_pass_by_value,
    reason = "a comparison reads better with values than with references to them"
)]
pub fn same<T: PartialEq + Debug>(what: &str, seen: T, expected: T) -> Outcome {
    ensure!(seen == expected, "{what}: expected {expected:?}, saw {seen:?}");
    Ok(())
}

/// Fails unless we print what the reference called `name` prints, or both refuse.
pub fn as_printed(name: &str, ours: &Result<String, String>, theirs: &Result<String, String>) -> Outcome {
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) if ours == theirs => Ok(()),
        (Err(_), Err(_)) => Ok(()),
        (Ok(ours), Ok(theirs)) => {
            let diff = similar::TextDiff::from_lines(theirs.as_str(), ours.as_str());
            let diff = diff.unified_diff().context_radius(2).header(name, "ours").to_string();
            bail!("the texts differ:\n{}", diff.lines().take(40).collect::<Vec<_>>().join("\n"))
        }
        (Err(ours), Ok(_)) => bail!("only we refuse: {ours}"),
        (Ok(_), Err(theirs)) => bail!("only {name} refuses: {theirs}"),
    }
}
