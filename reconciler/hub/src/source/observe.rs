//! What a GitSource asks for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use api::gitstellar::GitSourceSpec;
use git::{Credentials, Remote, Url};
use plan::SourceName;
use serde::Deserialize;

use super::DEFAULT_INTERVAL;
use crate::board::SourceProblem;
use crate::world::{World, resources};

/// The default branch for status commits.
pub const DEFAULT_REPORT_BRANCH: &str = "gitstellar/status";
const SHORTEST_INTERVAL: Duration = Duration::from_secs(5);
const LONGEST_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// Where a repository is.
#[derive(Clone, Debug)]
pub enum Location {
    /// On this machine.
    Local(PathBuf),
    /// Elsewhere.
    Remote(Remote),
}

/// A GitSource, checked.
#[derive(Clone, Debug)]
pub struct SourceSpec {
    /// Where the repository is, or why that cannot be used.
    pub location: Result<Location, SourceProblem>,
    /// Branch; `None` is the default branch.
    pub branch: Option<String>,
    /// Directory inside the repository, without slashes at its ends; empty is the root.
    pub path: String,
    /// How often a remote is polled.
    pub interval: Duration,
    /// Whether it is suspended.
    pub suspend: bool,
    /// Whether rewritten history is held.
    pub hold_rewrites: bool,
    /// Branch for status commits; `None` turns them off.
    pub report_branch: Option<String>,
}

impl SourceSpec {
    /// Whether the repository is on this machine.
    pub fn is_local(&self) -> bool {
        matches!(self.location, Ok(Location::Local(_)))
    }
}

/// All GitSources of the WDS, checked.
pub fn specs(world: &World) -> BTreeMap<SourceName, SourceSpec> {
    let sources = world.wds.mirror.list(&resources::git_sources().group_resource());
    sources
        .into_iter()
        .filter(|source| !source.header().deleting)
        .map(|source| {
            let name = SourceName::from(source.header().name.as_str());
            let spec = source.to_value().get("spec").cloned().unwrap_or_default();
            (name, checked(world, GitSourceSpec::deserialize(spec)))
        })
        .collect()
}

fn checked(world: &World, spec: Result<GitSourceSpec, serde_json::Error>) -> SourceSpec {
    let (spec, unreadable) = match spec {
        Ok(spec) => (spec, None),
        Err(error) => (GitSourceSpec::default(), Some(problem("SpecInvalid", error.to_string()))),
    };
    let branch = spec.git_ref.as_deref().map(|name| name.trim_start_matches("refs/heads/").to_owned());
    let report =
        spec.report.and_then(|report| report.git_ref).unwrap_or_else(|| DEFAULT_REPORT_BRANCH.to_owned());
    let report_branch =
        Some(report.trim_start_matches("refs/heads/").to_owned()).filter(|name| !name.is_empty());
    let refused = unreadable.or_else(|| ref_problem(branch.as_deref(), report_branch.as_deref()));
    SourceSpec {
        location: refused.map_or_else(|| locate(world, &spec.url), Err),
        branch,
        path: spec.path.unwrap_or_default().trim_matches('/').to_owned(),
        interval: spec.interval.as_deref().and_then(duration).unwrap_or(DEFAULT_INTERVAL),
        suspend: spec.suspend,
        hold_rewrites: spec.rewrites.as_deref() == Some("Hold"),
        report_branch,
    }
}

fn problem(reason: &'static str, message: impl Into<String>) -> SourceProblem {
    SourceProblem { reason, message: message.into() }
}

/// A branch that cannot be one, or the loop of a source that tracks its own status.
fn ref_problem(branch: Option<&str>, report: Option<&str>) -> Option<SourceProblem> {
    for name in [branch, report].into_iter().flatten() {
        let odd =
            name.starts_with('-') || name.contains("..") || name.contains("@{") || name.ends_with(".lock");
        if odd || name.contains(|c: char| c.is_control() || " ~^:?*[\\".contains(c)) {
            return Some(problem("RefInvalid", format!("{name:?} cannot be the name of a branch")));
        }
    }
    let loops = branch.is_some() && branch == report;
    loops.then(|| {
        problem(
            "StatusRefTracked",
            "spec.ref is the branch that status is written to; a source must not track its own status",
        )
    })
}

fn locate(world: &World, url: &str) -> Result<Location, SourceProblem> {
    if url.starts_with('/') {
        return if world.settings.allow_local_sources {
            Ok(Location::Local(PathBuf::from(url)))
        } else {
            Err(problem(
                "UrlInvalid",
                "a path on the hub's machine needs a hub started with --allow-local-sources",
            ))
        };
    }
    let url = Url::parse(url).map_err(|error| problem("UrlInvalid", error.to_string()))?;
    Ok(Location::Remote(Remote { url, credentials: Credentials::default() }))
}

/// Reads `90s`, `5m`, `1h30m`; bounded, so that a typo neither hammers a server nor sleeps for ever.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let mut total = 0_u64;
    let mut number = String::new();
    for c in text.chars() {
        if c.is_ascii_digit() {
            number.push(c);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            _ => return None,
        };
        total = total.checked_add(number.parse::<u64>().ok()?.checked_mul(unit)?)?;
        number.clear();
    }
    (number.is_empty() && total > 0)
        .then(|| Duration::from_secs(total).clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_bounded_and_nonsense_is_none() {
        assert_eq!(duration("90s"), Some(Duration::from_secs(90)));
        assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
        assert_eq!(duration("1s"), Some(SHORTEST_INTERVAL));
        assert_eq!(duration("99999h"), Some(LONGEST_INTERVAL));
        for nonsense in ["", "0s", "5", "-5s", "1ns", "5m3", "99999999999999999999s"] {
            assert_eq!(duration(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn branches_that_could_be_options_or_expressions_are_refused() {
        for odd in ["-x", "a..b", "a@{1}", "a b", "a:b", "a\nb", "x.lock"] {
            assert!(ref_problem(Some(odd), None).is_some(), "{odd}");
        }
        assert!(ref_problem(Some("main"), Some("gitstellar/status")).is_none());
        assert!(ref_problem(Some("gitstellar/status"), Some("gitstellar/status")).is_some());
    }
}
