//! Benchmarks against peers in the same run: `cargo bench -p cli`. They print CPU seconds, ratios and growth exponents, and check correctness first.
//! Counts that must not grow are tests (`hub::declare::commits`), not benchmarks.
//!
//! | name | asks |
//! |---|---|
//! | `commits` | what a poll without a commit and a commit of one file cost, by the size of the repository |
//! | `fleet` | what a person who runs `up` waits for, and what it costs while nothing happens |
//! | `kustomize` | what a build costs, by the number of resources; the peer is the reference program |
//!
//! `cargo bench -p cli -- commits` runs one of them.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark may stop at the first thing that is wrong, and reports on the terminal"
)]

mod commits;
mod cpu;
#[path = "../it/driver.rs"]
mod driver;
mod fleet;
mod kustomize;
#[path = "../it/kustomize/reference.rs"]
#[expect(dead_code, reason = "no benchmark begins anew with the same reference")]
mod reference;

fn main() {
    // cargo passes `--bench`; everything else is the name of a benchmark.
    let wanted: Vec<String> =
        std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    let is_wanted =
        |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted.as_str()));
    if is_wanted("commits") {
        commits::run();
    }
    if is_wanted("fleet") {
        fleet::run();
    }
    if is_wanted("kustomize") {
        kustomize::run();
    }
}
