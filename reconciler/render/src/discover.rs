//! Finding the units of a repository that does not list them (`ARCHITECTURE` section 6).
//!
//! A unit is a kustomization nobody else refers to, a chart, or a directory of manifests. `policies/`, `clusters/` and
//! `gitstellar.yaml` at the source's root are not units; hidden files are not looked at.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use crate::helm::CHART_FILE;
use crate::kustomize::{FILE_NAMES, is_remote};
use crate::object::Origin;
use crate::plain::is_manifest;
use crate::tree::{Changes, Entry, Files, ReadSet, RepoPath, Tree, TreeError};
use crate::unit::RenderOptions;
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

/// What one directory is, by its own entries.
#[derive(Debug)]
struct Looked {
    shape: Option<Shape>,
    /// Names of the directories in it that are looked at, too.
    below: Vec<String>,
    /// What was read to know this.
    read: ReadSet,
    documents_parsed: u64,
}

#[derive(Debug)]
enum Shape {
    /// With what it refers to, itself when it is a component: that is a part of others' kustomizations, even while nobody uses it.
    Kustomization(Vec<RepoPath>),
    Chart,
    /// A chart that only defines templates for others.
    Library,
    /// It holds manifests of its own.
    Manifests,
}

/// What is known of the directories of a source, kept from commit to commit.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    root: Option<RepoPath>,
    looked: HashMap<RepoPath, Looked>,
    /// What they come to, while all of them are known.
    units: Option<Arc<[DiscoveredUnit]>>,
}

#[derive(Default)]
struct Seen {
    kustomizations: BTreeSet<RepoPath>,
    charts: BTreeSet<RepoPath>,
    /// The topmost directories that hold manifests of their own.
    manifests: BTreeSet<RepoPath>,
    /// Paths that a kustomization refers to.
    referred: BTreeSet<RepoPath>,
}

/// Finds the units below `root`, sorted by path. A kustomization that cannot be read is a unit: rendering it tells why.
pub fn discover(tree: &dyn Tree, root: &RepoPath) -> Result<Arc<[DiscoveredUnit]>, TreeError> {
    let mut documents_parsed = 0;
    Survey::default().units(tree, root, &mut documents_parsed)
}

impl Survey {
    /// Forgets the directories that changes touch.
    pub(crate) fn forget(&mut self, changes: &Changes) {
        let known = self.looked.len();
        self.looked.retain(|_, looked| !looked.read.is_touched_by(changes));
        if self.looked.len() < known {
            self.units = None;
        }
    }

    /// The units below `root`; only directories that are not known are looked at. Documents parsed for that are added to the count.
    pub(crate) fn units(
        &mut self,
        tree: &dyn Tree,
        root: &RepoPath,
        documents_parsed: &mut u64,
    ) -> Result<Arc<[DiscoveredUnit]>, TreeError> {
        if self.root.as_ref() != Some(root) {
            *self = Survey { root: Some(root.clone()), ..Survey::default() };
        }
        if let Some(units) = &self.units {
            return Ok(Arc::clone(units));
        }
        let mut seen = Seen::default();
        // (directory, depth, whether a directory of manifests above already takes what is here)
        let mut open = vec![(root.clone(), 0, false)];
        while let Some((dir, depth, covered)) = open.pop() {
            if !self.looked.contains_key(&dir) {
                let looked = look(tree, &dir, &dir == root)?;
                *documents_parsed += looked.documents_parsed;
                self.looked.insert(dir.clone(), looked);
            }
            let Some(looked) = self.looked.get(&dir) else { continue };
            let covered = seen.note(&dir, looked.shape.as_ref(), covered);
            if depth < MAX_DEPTH {
                open.extend(looked.below.iter().map(|name| (dir.child(name), depth + 1, covered)));
            }
        }
        let units: Arc<[DiscoveredUnit]> = seen.units(root).into();
        self.units = Some(Arc::clone(&units));
        Ok(units)
    }
}

impl Seen {
    /// Adds a directory; whether a directory of manifests takes what is below it.
    fn note(&mut self, dir: &RepoPath, shape: Option<&Shape>, covered: bool) -> bool {
        match shape {
            Some(Shape::Kustomization(referred)) => {
                self.kustomizations.insert(dir.clone());
                self.referred.extend(referred.iter().cloned());
                // Files beside a kustomization are its own or nobody's.
                false
            }
            Some(Shape::Chart) => {
                self.charts.insert(dir.clone());
                covered
            }
            Some(Shape::Manifests) if !covered => {
                self.manifests.insert(dir.clone());
                true
            }
            Some(Shape::Manifests | Shape::Library) | None => covered,
        }
    }

    fn units(mut self, root: &RepoPath) -> Vec<DiscoveredUnit> {
        // A directory of manifests below a kustomization is no unit when a kustomization uses its files.
        let (kustomizations, referred) = (&self.kustomizations, &self.referred);
        self.manifests.retain(|dir| {
            let mut above = std::iter::successors(dir.parent(), RepoPath::parent);
            let used =
                referred.range(dir.clone()..).take_while(|path| path.as_str().starts_with(dir.as_str()));
            !above.any(|above| kustomizations.contains(&above)) || !{ used }.any(|path| path.is_within(dir))
        });
        let tops = self.kustomizations.iter().filter(|dir| !self.referred.contains(*dir));
        let mut units: Vec<(RepoPath, UnitKind)> =
            tops.map(|dir| (dir.clone(), UnitKind::Kustomization)).collect();
        let charts = self.charts.iter().filter(|dir| !self.referred.contains(*dir));
        units.extend(charts.map(|dir| (dir.clone(), UnitKind::Chart)));
        units.extend(self.manifests.iter().map(|dir| (dir.clone(), UnitKind::Manifests)));
        units.sort_by(|a, b| a.0.cmp(&b.0));
        let mut names: BTreeMap<String, RepoPath> = BTreeMap::new();
        let named = units.into_iter().map(|(path, kind)| {
            let name = name_of(&path, root);
            let problem = problem_of(&name, &path, &mut names);
            DiscoveredUnit { name, path, kind, problem }
        });
        named.collect()
    }
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

/// Looks at one directory.
fn look(tree: &dyn Tree, dir: &RepoPath, is_root: bool) -> Result<Looked, TreeError> {
    let files = Files::new(tree, RenderOptions::default().limits.file_bytes);
    let entries = files.list(dir)?;
    let has =
        |name: &str| entries.iter().any(|(held, entry)| held == name && !matches!(entry, Entry::Directory));
    let own = |(name, entry): &(String, Entry)| {
        !matches!(entry, Entry::Directory) && is_manifest(name) && !(is_root && name == "gitstellar.yaml")
    };
    let mut documents_parsed = 0;
    let shape = if let Some(name) = FILE_NAMES.iter().find(|name| has(name)) {
        let documents = documents_of(&files, &dir.child(name));
        documents_parsed = documents.len() as u64;
        let top = documents.into_iter().next();
        let mut referred = top.as_ref().map(|top| references(dir, top)).unwrap_or_default();
        if top.as_ref().and_then(|top| top.str_at(&["kind"])) == Some("Component") {
            referred.push(dir.clone());
        }
        Some(Shape::Kustomization(referred))
    } else if has(CHART_FILE) {
        let documents = documents_of(&files, &dir.child(CHART_FILE));
        documents_parsed = documents.len() as u64;
        let kind = documents.first().and_then(|top| top.str_at(&["type"]));
        Some(if kind == Some("library") { Shape::Library } else { Shape::Chart })
    } else {
        entries.iter().any(own).then_some(Shape::Manifests)
    };
    let reserved = |name: &str| is_root && matches!(name, "policies" | "clusters");
    let below = |(name, entry): &(String, Entry)| {
        matches!(entry, Entry::Directory) && !name.starts_with('.') && !reserved(name)
    };
    let below = match shape {
        Some(Shape::Chart | Shape::Library) => Vec::new(),
        _ => entries.iter().filter(|entry| below(entry)).map(|(name, _)| name.clone()).collect(),
    };
    Ok(Looked { shape, below, read: files.into_read_set(), documents_parsed })
}

/// The documents of a kustomization file or a `Chart.yaml`. What cannot be read is nothing here: rendering it will tell why.
fn documents_of(files: &Files<'_>, file: &RepoPath) -> Vec<Node> {
    let Ok(bytes) = files.read(file) else { return Vec::new() };
    Loader::new(Profile::Kubectl).load(file.as_str(), &bytes).unwrap_or_default()
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
    let charts = crate::kustomize::charts_of(top);
    named.extend(charts.iter().map(String::as_str));
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
            ("apps/words/Chart.yaml", "type: library\n"),
            ("apps/words/charts/inner/Chart.yaml", "x"),
            (
                "apps/charted/kustomization.yaml",
                "helmCharts: [{name: db}, {name: web, version: 1.0.0, repo: x}]\n",
            ),
            ("apps/charted/charts/db/Chart.yaml", "x"),
            ("apps/charted/charts/web-1.0.0/web/Chart.yaml", "x"),
            ("apps/charted/charts/other/Chart.yaml", "x"),
            ("infra/crds/c.yaml", "x"),
            ("apps/part/kustomization.yaml", "kind: Component\n"),
        ]);
        assert_eq!(
            units,
            [
                "chart Chart apps/chart",
                "charted Kustomization apps/charted",
                "charted.charts.other Chart apps/charted/charts/other",
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
