//! What a GitSource asks for.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use api::gitstellar::GitSourceSpec;
use apimachinery::{Digest, Name, Object};
use git::{Scheme, Url};
use plan::{Allow, Grants, SourceName};
use runtime::Key;
use serde::Deserialize;

use super::DEFAULT_INTERVAL;
use super::advice::explain_url;
use crate::Settings;
use crate::board::SourceProblem;
use crate::world::{World, resources, system_namespace};

/// The default branch for status commits.
pub const DEFAULT_REPORT_BRANCH: &str = "gitstellar/status";
const SHORTEST_INTERVAL: Duration = Duration::from_secs(5);
const LONGEST_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// Where a repository is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// On this machine.
    Local(PathBuf),
    /// Elsewhere.
    Remote(Url),
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
    /// The Secret with what a remote is shown.
    pub secret: Option<Name>,
    /// How a login is given where not by a Secret.
    pub login_advice: Option<&'static str>,
    /// Whether it is suspended.
    pub suspend: bool,
    /// Whether rewritten history is held.
    pub hold_rewrites: bool,
    /// What it may write, and where it may place it.
    pub allow: Allow,
    /// Branch for status commits; `None` turns them off.
    pub report_branch: Option<String>,
    /// The generation of the GitSource.
    pub generation: i64,
}

impl SourceSpec {
    /// Checks a stored GitSource, for a hub with these settings.
    pub fn read(settings: &Settings, stored: &Object) -> Self {
        let spec = stored.to_value().get("spec").cloned().unwrap_or_default();
        let (spec, unreadable) = match GitSourceSpec::deserialize(spec) {
            Ok(spec) => (spec, None),
            Err(error) => (GitSourceSpec::default(), Some(problem("SpecInvalid", error.to_string()))),
        };
        let branch = spec.git_ref.as_deref().map(|name| branch_name(name).to_owned());
        let report =
            spec.report.and_then(|report| report.git_ref).unwrap_or_else(|| DEFAULT_REPORT_BRANCH.to_owned());
        let report_branch = Some(branch_name(&report).to_owned()).filter(|name| !name.is_empty());
        let refused = unreadable.or_else(|| ref_problem(branch.as_deref(), report_branch.as_deref()));
        Self {
            location: refused.map_or_else(|| locate(settings, &spec.url), Err),
            branch,
            path: spec.path.unwrap_or_default().trim_matches('/').to_owned(),
            interval: spec.interval.as_deref().and_then(duration).unwrap_or(DEFAULT_INTERVAL),
            secret: spec.secret_ref.map(|secret| secret.name.as_str().into()),
            login_advice: settings.login_advice,
            suspend: spec.suspend,
            hold_rewrites: spec.rewrites.as_deref() == Some("Hold"),
            allow: spec.allow.as_ref().map(Allow::from).unwrap_or_default(),
            report_branch,
            generation: stored.header().generation.unwrap_or_default(),
        }
    }

    /// Whether the repository is on this machine.
    pub fn is_local(&self) -> bool {
        matches!(self.location, Ok(Location::Local(_)))
    }

    pub(super) fn scheme(&self) -> Option<Scheme> {
        match &self.location {
            Ok(Location::Remote(url)) => Some(url.scheme()),
            _ => None,
        }
    }

    /// The repository in words.
    pub(super) fn url(&self) -> String {
        match &self.location {
            Ok(Location::Local(path)) => path.display().to_string(),
            Ok(Location::Remote(url)) => url.to_string(),
            Err(_) => "the repository".to_owned(),
        }
    }
}

/// What a remote is asked with: when one of these changes, it is asked at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Question {
    generation: i64,
    /// The version of the Secret, as a watch knows it; its values are not kept.
    secret_version: Option<String>,
}

pub(super) fn question(world: &World, spec: &SourceSpec) -> Question {
    let stored = spec.secret.as_ref().and_then(|name| {
        let resource = resources::secrets().group_resource();
        world.wds.mirror.get(&Key { resource, namespace: Some(system_namespace()), name: name.clone() })
    });
    let version = stored.and_then(|secret| secret.header().resource_version.as_deref().map(str::to_owned));
    Question { generation: spec.generation, secret_version: version }
}

/// A number of the source's own, the same in every process.
pub(super) fn seed(source: &SourceName) -> u64 {
    let hex = Digest::of(source.as_str().as_bytes()).short(8);
    u64::from_str_radix(&hex, 16).unwrap_or_default()
}

/// All GitSources of the WDS, checked.
pub fn specs(world: &World) -> BTreeMap<SourceName, SourceSpec> {
    let stored = world.wds.mirror.list(&resources::git_sources().group_resource());
    let checked = |source: &Object| {
        (SourceName::from(source.header().name.as_str()), SourceSpec::read(&world.settings, source))
    };
    stored.iter().filter(|source| !source.header().deleting).map(checked).collect()
}

/// One GitSource, checked; `None` when it is gone or going.
pub fn spec(world: &World, source: &SourceName) -> Option<SourceSpec> {
    let stored = stored(world, source).filter(|source| !source.header().deleting)?;
    Some(SourceSpec::read(&world.settings, &stored))
}

/// Whether the WDS still holds the specification that a look was for: fetching takes its time, and whoever has set `rewrites` to `Hold` in between has said so before
/// the commit came into force.
pub(super) async fn is_asked_still(world: &World, source: &SourceName, spec: &SourceSpec) -> bool {
    let live = world.wds.connection.get(&resources::git_sources(), None, &Name::from(source.as_str())).await;
    match live {
        Ok(Some(live)) => live.header().generation.unwrap_or_default() == spec.generation,
        Ok(None) => false,
        Err(error) => {
            tracing::debug!(%source, %error, "a new commit waits until the WDS answers");
            false
        }
    }
}

/// The limits of all sources.
pub fn grants(world: &World) -> Grants {
    specs(world).into_iter().map(|(source, spec)| (source, spec.allow)).collect()
}

fn stored(world: &World, source: &SourceName) -> Option<Object> {
    let resource = resources::git_sources().group_resource();
    world.wds.mirror.get(&Key { resource, namespace: None, name: source.as_str().into() })
}

/// The commit that an earlier process has read and put in force.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    pub(super) commit: String,
    /// Its repository and branch, as [`crate::board::Revision`] names them.
    pub(super) from: String,
}

/// What the status of the GitSource says of earlier processes.
pub(super) fn recorded(world: &World, source: &SourceName) -> Option<Recorded> {
    let value = stored(world, source)?.to_value();
    let text = |field: &str| value.pointer(field).and_then(serde_json::Value::as_str).map(str::to_owned);
    Some(Recorded { commit: text("/status/fetched")?, from: text("/status/fetchedFrom")? })
}

fn branch_name(reference: &str) -> &str {
    reference.strip_prefix("refs/heads/").unwrap_or(reference)
}

pub(super) fn problem(reason: &'static str, message: impl Into<String>) -> SourceProblem {
    SourceProblem { reason, message: message.into() }
}

/// A branch that cannot be one, or the loop of a source that tracks its own status.
fn ref_problem(branch: Option<&str>, report: Option<&str>) -> Option<SourceProblem> {
    for name in [branch, report].into_iter().flatten() {
        let odd = name.is_empty()
            || name.starts_with('-')
            || name.contains("..")
            || name.contains("@{")
            || name.ends_with(".lock")
            || name.split('/').any(|part| part.is_empty() || part.starts_with('.'));
        if odd || name.contains(|c: char| c.is_control() || " ~^:?*[\\".contains(c)) {
            return Some(problem("RefInvalid", format!("{name:?} cannot be the name of a branch")));
        }
        if name.starts_with("refs/") {
            return Some(problem("RefInvalid", format!("{name} is no branch; a source follows a branch")));
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

fn locate(settings: &Settings, url: &str) -> Result<Location, SourceProblem> {
    if url.starts_with('/') {
        return if settings.allow_local_sources {
            Ok(Location::Local(PathBuf::from(url)))
        } else {
            Err(problem(
                "UrlInvalid",
                "a path on the hub's machine needs a hub started with --allow-local-sources",
            ))
        };
    }
    let url = Url::parse(url).map_err(|error| explain_url(&error))?;
    let hosts = &settings.git_hosts;
    if !hosts.is_empty() && !hosts.iter().any(|host| host.eq_ignore_ascii_case(url.host())) {
        let message =
            format!("the host {} is not among those that this hub was started with (--git-host)", url.host());
        return Err(problem("HostNotAllowed", message));
    }
    Ok(Location::Remote(url))
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
    fn atk_08_branches_that_could_be_options_or_expressions_are_refused() {
        for odd in [
            "",
            "-x",
            "--upload-pack=id",
            "a..b",
            "a@{1}",
            "a b",
            "a:b",
            "a\nb",
            "x.lock",
            "a//b",
            ".a",
            "a/.b",
            "refs/tags/v1",
            "refs/pull/1/head",
            "a*",
            "a?",
            "a[b",
            "a\\b",
            "a^",
            "a~1",
        ] {
            assert!(ref_problem(Some(odd), None).is_some(), "{odd}");
            assert!(ref_problem(None, Some(odd)).is_some(), "{odd}");
        }
        assert!(ref_problem(Some("main"), Some("gitstellar/status")).is_none());
        assert!(ref_problem(Some("gitstellar/status"), Some("gitstellar/status")).is_some());
    }

    #[test]
    fn atk_12_hosts_can_be_limited_and_paths_must_be_allowed() {
        let mut settings = Settings::new("wds1", PathBuf::new());
        assert_eq!(locate(&settings, "/srv/git").unwrap_err().reason, "UrlInvalid");
        assert!(locate(&settings, "https://anywhere.example.com/a").is_ok());
        settings.git_hosts = vec!["git.example.com".to_owned()];
        assert!(locate(&settings, "https://GIT.example.com:8443/a").is_ok());
        for other in
            ["https://git.example.com.evil/a", "ssh://git@example.com/a", "https://evil/git.example.com"]
        {
            assert_eq!(locate(&settings, other).unwrap_err().reason, "HostNotAllowed", "{other}");
        }
        settings.allow_local_sources = true;
        assert_eq!(locate(&settings, "/srv/git"), Ok(Location::Local("/srv/git".into())));
    }

    #[test]
    fn atk_34_a_url_with_credentials_is_refused_and_masked() {
        let settings = Settings::new("wds1", PathBuf::new());
        for url in
            ["https://ann:canary@git.example.com/a", "https://canary@git.example.com/a", "canary@host:a"]
        {
            let refused = locate(&settings, url).unwrap_err();
            assert_eq!(refused.reason, "UrlInvalid");
            assert!(!refused.message.contains("canary"), "{}", refused.message);
        }
    }
}
