//! Finding the units of a repository that does not list them (`ARCHITECTURE` section 6).
//!
//! A unit is a kustomization nobody else refers to, a chart, or a directory of manifests. `policies/`, `clusters/` and
//! `gitstellar.yaml` at the source's root are not units; hidden files are not looked at.

use std::collections::{BTreeMap, BTreeSet};

use crate::kustomize::{FILE_NAMES, is_remote};
use crate::object::Origin;
use crate::plain::is_manifest;
use crate::tree::{Entry, Files, RepoPath, Tree, TreeError};
use crate::unit::{CHART_FILE, RenderOptions};
use crate::yaml::{Loader, Node, Profile};

/// A unit that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DiscoveredUnit {
    /// Its path below the source, a leading `apps/` dropped, `/` written as `.`.
    pub name: String,
    /// Its directory in the repository.
    pub path: RepoPath,
    /// What kind of directory it is.
    pub kind: UnitKind,
    /// Why its name cannot be used; the unit is not synced then.
    pub problem: Option<UnitProblem>,
}

/// What kind of directory a unit is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitKind {
    /// A kustomization nobody else refers to.
    Kustomization,
    /// A chart.
    Chart,
    /// A directory of manifests.
    Manifests,
}

/// Why a unit's name cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UnitProblem {
    /// Another unit has the name.
    #[error(
        "{path}: the unit name '{name}' is also the name of {other}; rename one of the directories, or list the units in gitstellar.yaml"
    )]
    Duplicate {
        /// The unit.
        path: RepoPath,
        /// The name.
        name: String,
        /// The other unit.
        other: RepoPath,
    },
    /// The name does not fit a label's value.
    #[error("{path}: the unit name '{name}' is longer than 63 characters; name the unit in gitstellar.yaml")]
    TooLong {
        /// The unit.
        path: RepoPath,
        /// The name.
        name: String,
    },
    /// The name has characters that a label's value cannot have.
    #[error(
        "{path}: the unit name '{name}' is no label value (letters, digits, '-', '_' and '.'); name the unit in gitstellar.yaml"
    )]
    NotALabel {
        /// The unit.
        path: RepoPath,
        /// The name.
        name: String,
    },
}

/// A label's value is at most this long.
const MAX_NAME: usize = 63;
/// Directories inside each other.
const MAX_DEPTH: usize = 64;

#[derive(Default)]
struct Seen {
    kustomizations: BTreeSet<RepoPath>,
    charts: BTreeSet<RepoPath>,
    /// The topmost directories that hold manifests of their own.
    manifests: BTreeSet<RepoPath>,
    /// Directories that a kustomization refers to.
    referred: BTreeSet<RepoPath>,
}

/// Finds the units below `root`, sorted by path. A kustomization that cannot be read is a unit: rendering it tells why.
pub fn discover(tree: &dyn Tree, root: &RepoPath) -> Result<Vec<DiscoveredUnit>, TreeError> {
    let files = Files::new(tree, RenderOptions::default().limits.file_bytes);
    let mut seen = Seen::default();
    walk(&files, root, (root, 0, false), &mut seen)?;
    let mut units: Vec<(RepoPath, UnitKind)> = Vec::new();
    let tops = seen.kustomizations.iter().filter(|dir| !seen.referred.contains(*dir));
    units.extend(tops.map(|dir| (dir.clone(), UnitKind::Kustomization)));
    units.extend(seen.charts.iter().map(|dir| (dir.clone(), UnitKind::Chart)));
    units.extend(seen.manifests.iter().map(|dir| (dir.clone(), UnitKind::Manifests)));
    units.sort_by(|a, b| a.0.cmp(&b.0));
    let mut names: BTreeMap<String, RepoPath> = BTreeMap::new();
    Ok(units
        .into_iter()
        .map(|(path, kind)| {
            let name = name_of(&path, root);
            let problem = problem_of(&name, &path, &mut names);
            DiscoveredUnit { name, path, kind, problem }
        })
        .collect())
}

fn name_of(path: &RepoPath, root: &RepoPath) -> String {
    unit_name(path.below(root).unwrap_or(path.as_str()))
}

/// The name of a unit by its path below the source: a leading `apps/` dropped, `/` written as `.`.
pub fn unit_name(below: &str) -> String {
    let below = below.trim_matches('/');
    let below = below.strip_prefix("apps/").unwrap_or(below);
    // The source's root has no name of its own.
    if below.is_empty() { "root".to_owned() } else { below.replace('/', ".") }
}

fn problem_of(name: &str, path: &RepoPath, names: &mut BTreeMap<String, RepoPath>) -> Option<UnitProblem> {
    if let Some(other) = names.get(name) {
        let (path, other) = (path.clone(), other.clone());
        return Some(UnitProblem::Duplicate { path, name: name.to_owned(), other });
    }
    names.insert(name.to_owned(), path.clone());
    if name.chars().count() > MAX_NAME {
        return Some(UnitProblem::TooLong { path: path.clone(), name: name.to_owned() });
    }
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if !name.chars().all(fits) || !ends(name.chars().next()) || !ends(name.chars().last()) {
        return Some(UnitProblem::NotALabel { path: path.clone(), name: name.to_owned() });
    }
    None
}

/// `covered`: a directory of manifests above already takes what is here.
fn walk(
    files: &Files<'_>,
    dir: &RepoPath,
    (root, depth, covered): (&RepoPath, usize, bool),
    seen: &mut Seen,
) -> Result<(), TreeError> {
    let entries = files.list(dir)?;
    let has =
        |name: &str| entries.iter().any(|(held, entry)| held == name && !matches!(entry, Entry::Directory));
    let mut covered = covered;
    if let Some(name) = FILE_NAMES.iter().find(|name| has(name)) {
        seen.kustomizations.insert(dir.clone());
        let top = top_of(files, &dir.child(name));
        // A component is a part of others' kustomizations, even while nobody uses it.
        if top.as_ref().and_then(|top| top.str_at(&["kind"])) == Some("Component") {
            seen.referred.insert(dir.clone());
        }
        seen.referred.extend(top.map(|top| references(dir, &top)).unwrap_or_default());
        // Files beside a kustomization are its own or nobody's.
        covered = false;
    } else if has(CHART_FILE) {
        seen.charts.insert(dir.clone());
        return Ok(());
    } else if !covered && entries.iter().any(|(name, entry)| own_manifest(dir, root, name, entry)) {
        seen.manifests.insert(dir.clone());
        covered = true;
    }
    if depth >= MAX_DEPTH {
        return Ok(());
    }
    for (name, entry) in &entries {
        let reserved = dir == root && matches!(name.as_str(), "policies" | "clusters");
        if matches!(entry, Entry::Directory) && !name.starts_with('.') && !reserved {
            walk(files, &dir.child(name), (root, depth + 1, covered), seen)?;
        }
    }
    // A directory of manifests next to or below a kustomization that uses its files is no unit.
    if seen.kustomizations.contains(dir) {
        let below: Vec<RepoPath> =
            seen.manifests.iter().filter(|held| held.is_within(dir)).cloned().collect();
        for held in below {
            if seen.referred.iter().any(|used| used.is_within(&held)) {
                seen.manifests.remove(&held);
            }
        }
    }
    Ok(())
}

fn own_manifest(dir: &RepoPath, root: &RepoPath, name: &str, entry: &Entry) -> bool {
    !matches!(entry, Entry::Directory) && is_manifest(name) && !(dir == root && name == "gitstellar.yaml")
}

/// The first document of a kustomization file. What cannot be read is nothing here: rendering it will tell why.
fn top_of(files: &Files<'_>, file: &RepoPath) -> Option<Node> {
    let bytes = files.read(file).ok()?;
    let documents = Loader::new(Profile::Kubectl).load(file.as_str(), &bytes).ok()?;
    documents.into_iter().next()
}

/// The directories and files that a kustomization names.
fn references(dir: &RepoPath, top: &Node) -> Vec<RepoPath> {
    let mut named: Vec<&str> = Vec::new();
    for field in [
        "resources",
        "bases",
        "components",
        "generators",
        "transformers",
        "configurations",
        "patchesStrategicMerge",
    ] {
        named.extend(
            top.get(field).and_then(Node::as_seq).unwrap_or_default().iter().filter_map(Node::as_str),
        );
    }
    for field in ["patches", "patchesJson6902", "replacements"] {
        let items = top.get(field).and_then(Node::as_seq).unwrap_or_default();
        named.extend(items.iter().filter_map(|item| item.str_at(&["path"])));
    }
    for field in ["configMapGenerator", "secretGenerator"] {
        for item in top.get(field).and_then(Node::as_seq).unwrap_or_default() {
            for list in ["files", "envs"] {
                let texts = item.get(list).and_then(Node::as_seq).unwrap_or_default();
                named.extend(
                    texts.iter().filter_map(Node::as_str).map(|text| text.rsplit('=').next().unwrap_or(text)),
                );
            }
        }
    }
    named
        .into_iter()
        .filter(|text| !is_remote(text) && !text.contains('\n'))
        .filter_map(|text| dir.join(text).ok())
        .collect()
}

/// Where a unit is configured, for messages about it.
impl DiscoveredUnit {
    /// The unit's directory as a place.
    pub fn origin(&self) -> Origin {
        Origin::new(&self.path, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::MemTree;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let units = discover(&MemTree::of(files), &RepoPath::root()).unwrap();
        units
            .iter()
            .map(|unit| {
                let problem = unit.problem.as_ref().map(|p| format!(" ! {p}")).unwrap_or_default();
                format!("{} {:?} {}{problem}", unit.name, unit.kind, unit.path)
            })
            .collect()
    }

    #[test]
    fn units_are_kustomizations_nobody_refers_to_charts_and_directories_of_manifests() {
        let units = found(&[
            ("gitstellar.yaml", "kind: Repository\n"),
            ("policies/edge.yaml", "x"),
            ("clusters/one.yaml", "x"),
            (".github/workflow.yaml", "x"),
            ("README.md", "x"),
            ("apps/web/base/kustomization.yaml", "resources: [web.yaml]\n"),
            ("apps/web/base/web.yaml", "x"),
            ("apps/web/overlays/prod/kustomization.yaml", "resources: [../../base]\n"),
            ("apps/plain/a.yaml", "x"),
            ("apps/plain/more/b.yaml", "x"),
            ("apps/chart/Chart.yaml", "x"),
            ("apps/chart/templates/x.yaml", "x"),
            ("infra/crds/c.yaml", "x"),
            ("apps/part/kustomization.yaml", "kind: Component\n"),
        ]);
        assert_eq!(
            units,
            [
                "chart Chart apps/chart",
                "plain Manifests apps/plain",
                "web.overlays.prod Kustomization apps/web/overlays/prod",
                "infra.crds Manifests infra/crds",
            ]
        );
    }

    #[test]
    fn names_that_clash_or_do_not_fit_are_problems() {
        let long = format!("apps/{}/a.yaml", "x".repeat(64));
        let units =
            found(&[("apps/web/a.yaml", "x"), ("web/a.yaml", "x"), (&long, "x"), ("a b/c.yaml", "x")]);
        assert!(units[0].contains("is no label value"), "{units:?}");
        assert!(units[2].contains("longer than 63"), "{units:?}");
        assert!(units[3].contains("is also the name of apps/web"), "{units:?}");
    }

    #[test]
    fn files_that_a_kustomization_uses_are_no_unit() {
        let units = found(&[
            ("app/kustomization.yaml", "resources: [manifests/a.yaml]\npatches: [{path: patches/p.yaml}]\n"),
            ("app/manifests/a.yaml", "x"),
            ("app/patches/p.yaml", "x"),
        ]);
        assert_eq!(units, ["app Kustomization app"]);
    }
}
