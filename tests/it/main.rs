//! The one integration-test binary of the workspace, and the list of what it tries.
//!
//! `cargo test -p cli --test it -- FILTER` runs the trials whose names contain FILTER. Each area is a module with `pub fn trials()`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a test may stop at the first thing that is wrong, and reports on the terminal"
)]

mod charts;
#[path = "../conformance/suite.rs"]
mod conformance;
mod differential;
mod driver;
mod effort;
mod fuzz;
mod generated;
mod harness;
mod intent;
mod kube;
mod kustomize;
mod laws;
mod network;
mod remotes;
#[path = "../scenarios/suite.rs"]
mod scenarios;
mod sim;
mod templates;

use std::process::ExitCode;

fn main() -> ExitCode {
    // What hub and agents say is shown to whoever asks for it.
    if let Ok(filter) = tracing_subscriber::EnvFilter::try_from_default_env() {
        tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
    }
    let areas = [
        laws::trials(),
        generated::trials(),
        charts::trials(),
        kustomize::trials(),
        conformance::trials(),
        effort::trials(),
        kube::trials(),
        intent::trials(),
        sim::trials(),
        remotes::trials(),
        templates::trials(),
        fuzz::trials(),
        network::trials(),
        scenarios::trials(),
    ];
    let exit_code = harness::run(areas.into_iter().flatten().collect());
    kube::stop();
    exit_code
}
