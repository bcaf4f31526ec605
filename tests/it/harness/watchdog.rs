//! No trial runs for ever: one that takes ten minutes ends the whole run, and is named with everything that runs beside it.
//!
//! Rust cannot stop a thread, so the process ends; its children end with it (`kube::leash`).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What no trial needs, even on a machine with much else to do. The longest takes a minute and a half on a quiet one.
const LIMIT_SECONDS: u32 = 600;

/// How long each trial has run.
static RUNNING: Mutex<BTreeMap<String, u32>> = Mutex::new(BTreeMap::new());
/// How many hold the clock back.
static UNHURRIED: AtomicUsize = AtomicUsize::new(0);

fn running() -> MutexGuard<'static, BTreeMap<String, u32>> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A trial is watched as long as this lives.
pub struct Watched(String);

pub fn watch(trial: &str) -> Watched {
    running().insert(trial.to_owned(), 0);
    Watched(trial.to_owned())
}

impl Drop for Watched {
    fn drop(&mut self) {
        running().remove(&self.0);
    }
}

/// As long as this lives no trial gets older: something is built that takes as long as it takes.
pub struct Unhurried(());

pub fn unhurried() -> Unhurried {
    UNHURRIED.fetch_add(1, Ordering::Relaxed);
    Unhurried(())
}

impl Drop for Unhurried {
    fn drop(&mut self) {
        UNHURRIED.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Begins to watch.
pub fn start() {
    std::thread::spawn(|| {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            if UNHURRIED.load(Ordering::Relaxed) == 0 {
                tick();
            }
        }
    });
}

fn tick() {
    let mut trials = running();
    trials.values_mut().for_each(|seconds| *seconds += 1);
    if trials.values().all(|seconds| *seconds < LIMIT_SECONDS) {
        return;
    }
    println!("\na trial ran for {LIMIT_SECONDS} s and did not end:");
    for (trial, seconds) in trials.iter() {
        println!("  {seconds} s  {trial}");
    }
    println!("children of this process, its threads, and where in the kernel they wait:");
    for line in children().into_iter().chain(tasks_of("/proc/self/task")) {
        println!("  {line}");
    }
    std::process::exit(101);
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).unwrap_or_default()
}

/// The command lines of the processes that this one started, each with its threads; none where there is no `/proc`.
fn children() -> Vec<String> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let parent = format!("PPid:\t{}", std::process::id());
    let ours = processes.flatten().map(|process| process.path());
    let ours = ours.filter(|process| read(process.join("status")).lines().any(|line| line == parent));
    ours.flat_map(|process| {
        let command = read(process.join("cmdline")).replace('\0', " ");
        let tasks = tasks_of(process.join("task"));
        std::iter::once(command).chain(tasks.into_iter().map(|task| format!("  {task}")))
    })
    .collect()
}

/// Name, state and place of every thread.
fn tasks_of(directory: impl AsRef<Path>) -> Vec<String> {
    let Ok(tasks) = fs::read_dir(directory) else { return Vec::new() };
    tasks
        .flatten()
        .map(|task| {
            let status = read(task.path().join("status"));
            let state = status.lines().find(|line| line.starts_with("State:")).unwrap_or_default();
            format!("{} {state} {}", read(task.path().join("comm")).trim(), read(task.path().join("wchan")))
        })
        .collect()
}
