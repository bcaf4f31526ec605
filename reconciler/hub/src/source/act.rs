//! Asking for the tip, fetching, rendering.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use apimachinery::kinds::KindTable;
use apimachinery::{Digest, GroupKind};
use git::{CommitId, GitError, Repository};
use plan::{Declaration, SourceName};

use super::observe::{Location, SourceSpec};
use super::{Decision, decide};
use crate::board::{Revision, SourceProblem};
use crate::declare::Commits;
use crate::world::World;

/// Reason of a problem: there is no repository, or none that may be read.
pub(super) const REPOSITORY_MISSING: &str = "RepositoryMissing";
/// The trailer of a commit that approves one held list.
const APPROVE_TRAILER: &str = "Gitstellar-Approve";

/// Brings the board up to date with the tip of one source; wakes sync when something is new.
pub(super) async fn refresh(
    world: &Arc<World>,
    source: &SourceName,
    spec: &SourceSpec,
    commits: Arc<Mutex<Commits>>,
) {
    let before = world.board.source(source).unwrap_or_default();
    let outcome = attempt(world, source, spec, (before.revision.as_deref(), commits)).await;
    let problem = outcome.as_ref().err().cloned();
    let fresh = outcome.ok().flatten();
    if fresh.is_none() && problem == before.problem {
        return;
    }
    world.board.update(source, |board| {
        board.problem = problem;
        if let Some(revision) = fresh {
            board.revision = Some(Arc::new(revision));
        }
    });
    world.wakes.inventory.wake();
    world.wakes.sync.wake();
}

/// `Ok(None)` when the commit in force is still the tip, and would be read as it was.
async fn attempt(
    world: &Arc<World>,
    source: &SourceName,
    spec: &SourceSpec,
    (in_force, commits): (Option<&Revision>, Arc<Mutex<Commits>>),
) -> Result<Option<Revision>, SourceProblem> {
    let location = spec.location.clone()?;
    let mirror = world.settings.mirrors.join(Digest::of(source.as_str().as_bytes()).short(16));
    let (branch, hold) = (spec.branch.clone(), spec.hold_rewrites);
    let path = spec.path.clone();
    let known = in_force.map(|revision| revision.commit.clone());
    let kinds = world.wds.kinds();
    let read_well = in_force.is_some_and(|revision| {
        revision.path == path
            && branch.as_ref().is_none_or(|branch| *branch == revision.branch)
            && revision.unknown_kinds.iter().all(|kind| kinds.preferred(kind).is_none())
    });
    blocking(move || {
        let tip = find_tip(&location, &mirror, branch, known.as_deref())?;
        let follows = known
            .as_deref()
            .and_then(CommitId::parse)
            .is_some_and(|known| tip.repository.is_ancestor(known, tip.commit).unwrap_or(false));
        match decide(known.as_deref(), &tip.commit.to_string(), follows, hold) {
            Decision::Keep if read_well => Ok(None),
            Decision::Hold(problem) => Err(problem),
            Decision::Keep | Decision::Render => {
                let mut commits = commits.lock().unwrap_or_else(PoisonError::into_inner);
                render(&tip, &path, &kinds, &mut commits).map(Some)
            }
        }
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, SourceProblem> + Send + 'static,
) -> Result<T, SourceProblem> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| {
        Err(SourceProblem {
            reason: "InternalError",
            message: format!("reading the repository failed: {error}"),
        })
    })
}

struct Tip {
    repository: Repository,
    branch: String,
    commit: CommitId,
}

fn find_tip(
    location: &Location,
    mirror: &std::path::Path,
    branch: Option<String>,
    known: Option<&str>,
) -> Result<Tip, SourceProblem> {
    match location {
        Location::Local(path) => {
            let repository = Repository::open(path).map_err(explain)?;
            let branch = branch.map_or_else(|| repository.head_branch(), Ok).map_err(explain)?;
            let commit = repository.branch_tip(&branch).map_err(explain)?;
            Ok(Tip { repository, branch, commit })
        }
        Location::Remote(remote) => {
            let there = remote.branches().map_err(explain)?;
            let branch = branch.or(there.default).unwrap_or_else(|| "main".to_owned());
            let repository = Repository::open_or_create_bare(mirror).map_err(explain)?;
            let commit = match there.tips.get(&branch) {
                Some(tip) if known == Some(tip.to_string().as_str()) => *tip,
                Some(_) => remote.fetch(&repository, &branch).map_err(explain)?,
                None => {
                    let known: Vec<&str> = there.tips.keys().map(String::as_str).collect();
                    let known =
                        if known.is_empty() { "no branches at all".to_owned() } else { known.join(", ") };
                    let message = format!("{} has no branch {branch}; it has {known}", remote.url);
                    return Err(SourceProblem { reason: "BranchMissing", message });
                }
            };
            Ok(Tip { repository, branch, commit })
        }
    }
}

fn render(
    tip: &Tip,
    path: &str,
    kinds: &KindTable,
    commits: &mut Commits,
) -> Result<Revision, SourceProblem> {
    let tree = tip.repository.tree(tip.commit).map_err(explain)?;
    let declared = commits
        .declare(tree, path, kinds)
        .map_err(|error| SourceProblem { reason: "RepositoryInvalid", message: error.to_string() })?;
    let approvals = tip.repository.trailers(tip.commit, APPROVE_TRAILER).unwrap_or_default();
    Ok(Revision {
        commit: tip.commit.to_string(),
        branch: tip.branch.clone(),
        path: path.to_owned(),
        unknown_kinds: unknown_kinds(&declared.declaration, kinds),
        declaration: declared.declaration,
        settings: declared.settings,
        incomplete: declared.incomplete,
        approvals: approvals.into_iter().collect(),
    })
}

fn unknown_kinds(declaration: &Declaration, kinds: &KindTable) -> BTreeSet<GroupKind> {
    let objects = declaration.units.iter().flat_map(|unit| &unit.objects);
    let declared = objects.map(|declared| declared.object.header().gvk.group_kind());
    declared.filter(|kind| kinds.preferred(kind).is_none()).collect()
}

#[expect(clippy::needless_pass_by_value, reason = "map_err hands errors over by value")]
fn explain(error: GitError) -> SourceProblem {
    let reason = match &error {
        GitError::NotARepository { .. } | GitError::ForeignOwner { .. } => REPOSITORY_MISSING,
        GitError::NoSuchRef { .. } => "BranchMissing",
        GitError::Empty { .. } => "RepositoryEmpty",
        _ => "SourceUnavailable",
    };
    let message = runtime::drive::chain(&error);
    SourceProblem { reason, message: format!("{message}; what runs keeps running") }
}
