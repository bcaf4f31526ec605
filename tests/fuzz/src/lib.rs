//! What reads bytes that strangers wrote, one function each: whatever the bytes, it neither panics nor breaks the laws that the function asserts.
//!
//! This module is compiled twice: into the libFuzzer programs of `tests/fuzz`, which search, and into `tests/it`, which runs every function over its
//! `seeds/` and over mutations of them with each `cargo test`.

mod bundle;
mod charts;
mod fields;
mod git_urls;
mod kustomizations;
mod patches;
mod paths;
mod render_laws;
mod repositories;
mod selectors;
mod wire;
mod yaml;

/// A target: its name, and what it does with an input.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, by name.
pub const ALL: [Target; 23] = [
    ("chart_archive", charts::archive),
    ("chart_index", charts::index),
    ("chart_lock", charts::lock),
    ("chart_values", charts::values),
    ("custom_kind", fields::custom_kind),
    ("fields_v1", fields::fields_v1),
    ("git_url", git_urls::git_url),
    ("go_template", charts::go_template),
    ("json_patch", patches::json_patch),
    ("jsonpath", paths::jsonpath),
    ("kustomize_replacements", kustomizations::replacements),
    ("kustomize_strategic_merge", kustomizations::strategic_merge),
    ("kustomize_json6902", kustomizations::json6902),
    ("kustomize_tree", kustomizations::tree),
    ("our_kinds", wire::our_kinds),
    ("repository", repositories::repository),
    ("selectors", selectors::selectors),
    ("snapshot", wire::snapshot),
    ("sprig", charts::sprig),
    ("strategic_merge", patches::strategic_merge),
    ("structured_merge", fields::structured_merge),
    ("wire", wire::wire),
    ("yaml", yaml::yaml),
];

/// Runs a target by its name.
pub fn run(name: &str, bytes: &[u8]) {
    let found = ALL.iter().find(|(held, _)| *held == name);
    assert!(found.is_some(), "there is no target {name}");
    if let Some((_, target)) = found {
        target(bytes);
    }
}
