//! The pinned kubectl, without anything of the user's.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use super::assets;

/// Runs kubectl against the server of a kubeconfig, with nothing on its standard input.
pub fn kubectl(kubeconfig: &Path, arguments: &[&str]) -> Result<Output> {
    kubectl_with_input(kubeconfig, arguments, "")
}

/// Runs kubectl with text on its standard input, for `apply -f -`.
pub fn kubectl_with_input(kubeconfig: &Path, arguments: &[&str], input: &str) -> Result<Output> {
    let mut child = Command::new(assets::program("kubectl")?)
        .args(arguments)
        .env_clear()
        .env("HOME", home()?.path())
        .env("KUBECONFIG", kubeconfig)
        .env("KUBECTL_KUBERC", "false")
        .env("PATH", "/usr/bin:/bin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut pipe = child.stdin.take().context("a pipe was asked for")?;
    // kubectl may end without reading; what it says then is the result.
    let _ = pipe.write_all(input.as_bytes());
    drop(pipe);
    Ok(child.wait_with_output()?)
}

/// Runs kubectl and returns its standard output; an error with its standard error unless it exits with 0.
pub fn kubectl_ok(kubeconfig: &Path, arguments: &[&str]) -> Result<String> {
    let output = kubectl(kubeconfig, arguments)?;
    let complaint = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "kubectl {}: {}: {complaint}", arguments.join(" "), output.status);
    Ok(String::from_utf8(output.stdout)?)
}

/// One empty home per test process: kubectl keeps its discovery cache there, per server.
static HOME: Mutex<Option<Arc<TempDir>>> = Mutex::new(None);

fn home() -> Result<Arc<TempDir>> {
    let mut home = HOME.lock().unwrap_or_else(PoisonError::into_inner);
    if home.is_none() {
        *home = Some(Arc::new(tempfile::Builder::new().prefix("gitstellar-home-").tempdir()?));
    }
    home.clone().context("just made")
}

/// Removes what kubectl has cached.
pub fn stop() {
    HOME.lock().unwrap_or_else(PoisonError::into_inner).take();
}
