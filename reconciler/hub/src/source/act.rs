//! Asking for the tip, fetching, rendering.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use apimachinery::GroupKind;
use apimachinery::kinds::KindTable;
use git::{CommitId, GitError, Remote, RemoteFailure, Repository};
use plan::{Declaration, Finding, Severity, SourceName};

use super::advice::{REPOSITORY_INVALID, explain};
use super::observe::{Location, SourceSpec, problem};
use super::{Decision, InForce, decide, login, observe};
use crate::board::{Revision, SourceBoard, SourceProblem};
use crate::declare::Commits;
use crate::mirror;
use crate::world::World;

/// The trailer of a commit that approves one held list.
const APPROVE_TRAILER: &str = "Gitstellar-Approve";

/// How asking went, as far as the next question is concerned.
#[derive(Debug, Default)]
pub(super) struct Refreshed {
    pub(super) failed: bool,
    /// How long the server asks to be left alone.
    pub(super) rest: Option<Duration>,
}

/// What a look at a repository brings.
#[derive(Debug, Default)]
struct Outcome {
    /// A commit that comes into force now.
    revision: Option<Revision>,
    /// What is wrong; also when what was in force before had to be read again.
    problem: Option<SourceProblem>,
    rest: Option<Duration>,
}

impl From<SourceProblem> for Outcome {
    fn from(problem: SourceProblem) -> Self {
        Self { problem: Some(problem), ..Self::default() }
    }
}

/// Brings the board up to date with the tip of one source; wakes sync when something is new.
pub(super) async fn refresh(
    world: &Arc<World>,
    source: &SourceName,
    spec: &SourceSpec,
    commits: &Arc<Mutex<Commits>>,
) -> Refreshed {
    let before = world.board.source(source).unwrap_or_default();
    let outcome = attempt(world, source, spec, (&before, commits)).await.unwrap_or_else(Outcome::from);
    let awaits_fetch = outcome.revision.as_ref().is_some_and(|revision| revision.awaits_fetch);
    let refreshed = Refreshed { failed: outcome.problem.is_some() || awaits_fetch, rest: outcome.rest };
    world.board.update(source, |board| {
        board.looks += 1;
        board.documents_parsed += outcome.revision.as_ref().map_or(0, |revision| revision.documents_parsed);
    });
    let known = outcome.problem == before.problem && before.generation == spec.generation;
    if outcome.revision.is_none() && known {
        return refreshed;
    }
    if let Some(problem) = outcome.problem.as_ref().filter(|problem| before.problem.as_ref() != Some(problem))
    {
        tracing::warn!(%source, reason = problem.reason, problem = problem.message, "a source cannot be read");
    }
    if outcome.revision.is_some() && !observe::is_asked_still(world, source, spec).await {
        return Refreshed { failed: true, rest: None };
    }
    world.board.update(source, |board| {
        board.generation = spec.generation;
        board.problem = outcome.problem;
        if let Some(revision) = outcome.revision {
            board.revision = Some(Arc::new(revision));
        }
    });
    world.wakes.inventory.wake();
    world.wakes.sync.wake();
    refreshed
}

async fn attempt(
    world: &Arc<World>,
    source: &SourceName,
    spec: &SourceSpec,
    (board, commits): (&SourceBoard, &Arc<Mutex<Commits>>),
) -> Result<Outcome, SourceProblem> {
    let remote = login::remote(world, spec).await?;
    let look = Look {
        spec: spec.clone(),
        remote,
        mirror: mirror::path_of(world, source),
        known: board.revision.clone(),
        recorded: observe::recorded(world, source),
        kinds: world.wds.kinds(),
        commits: Arc::clone(commits),
    };
    let looked = tokio::task::spawn_blocking(move || look.run());
    looked.await.unwrap_or_else(|error| {
        Err(problem(
            "InternalError",
            format!("reading the repository failed: {error}; what runs keeps running"),
        ))
    })
}

struct Tip {
    repository: Repository,
    branch: String,
    commit: CommitId,
}

/// Everything that one look needs; it blocks, so it runs on a thread of its own.
struct Look {
    spec: SourceSpec,
    remote: Option<Remote>,
    mirror: std::path::PathBuf,
    known: Option<Arc<Revision>>,
    /// What an earlier process has read.
    recorded: Option<observe::Recorded>,
    kinds: Arc<KindTable>,
    /// What earlier commits were rendered to.
    commits: Arc<Mutex<Commits>>,
}

impl Look {
    fn run(&self) -> Result<Outcome, SourceProblem> {
        match self.tip() {
            Ok(tip) => self.decide(&tip),
            Err(error) => {
                let rest = match &error {
                    GitError::Remote { source: RemoteFailure::Status { retry_after, .. }, .. } => {
                        *retry_after
                    }
                    _ => None,
                };
                Ok(Outcome { problem: Some(explain(&error, &self.spec)), rest, revision: None })
            }
        }
    }

    fn decide(&self, tip: &Tip) -> Result<Outcome, SourceProblem> {
        // Another branch, or another repository, is no rewrite of the one before.
        let origin = self.origin(&tip.branch);
        let in_force = match (&self.known, &self.recorded) {
            (Some(known), _) if known.from == origin => InForce::Rendered(&known.commit),
            (None, Some(recorded)) if recorded.from == origin => InForce::Recorded(&recorded.commit),
            _ => InForce::Nothing,
        };
        let follows = match in_force {
            InForce::Rendered(commit) | InForce::Recorded(commit) => CommitId::parse(commit)
                .is_some_and(|known| tip.repository.is_ancestor(known, tip.commit).unwrap_or(false)),
            InForce::Nothing => true,
        };
        match decide(in_force, &tip.commit.to_string(), follows, self.spec.hold_rewrites) {
            Decision::Keep if self.would_read_the_same() => Ok(Outcome::default()),
            // A mirror may have been deleted since; then what was read stays in force as it was read.
            Decision::Keep => Ok(Outcome { revision: self.render(tip, None).ok(), ..Outcome::default() }),
            Decision::Render => Ok(Outcome { revision: Some(self.render(tip, None)?), ..Outcome::default() }),
            Decision::Rewritten(told) => {
                tracing::warn!(source = %origin, "{told}");
                Ok(Outcome { revision: Some(self.render(tip, Some(told))?), ..Outcome::default() })
            }
            Decision::Hold(problem) => Ok(Outcome { revision: self.held(tip, in_force), ..problem.into() }),
        }
    }

    /// Whether the commit in force would be read as it was: from the same directory, with no more known of its kinds, and with nothing left to fetch.
    fn would_read_the_same(&self) -> bool {
        self.known.as_ref().is_some_and(|known| {
            known.path == self.spec.path
                && !known.awaits_fetch
                && known.unknown_kinds.iter().all(|kind| self.kinds.preferred(kind).is_none())
        })
    }

    /// After a restart, the commit that stays in force must be read again, if the repository still has it. Without it nothing is known, and nothing is removed.
    fn held(&self, tip: &Tip, in_force: InForce<'_>) -> Option<Revision> {
        let InForce::Recorded(commit) = in_force else { return None };
        let commit = CommitId::parse(commit)?;
        let tip = Tip { repository: tip.repository.clone(), branch: tip.branch.clone(), commit };
        self.render(&tip, None).ok()
    }

    fn origin(&self, branch: &str) -> String {
        format!("{} {branch}", self.spec.url())
    }

    fn tip(&self) -> Result<Tip, GitError> {
        match (&self.remote, &self.spec.location) {
            (Some(remote), _) => self.remote_tip(remote),
            (None, Ok(Location::Local(path))) => {
                let repository = Repository::open(path)?;
                let branch = self.spec.branch.clone().map_or_else(|| repository.head_branch(), Ok)?;
                let commit = repository.branch_tip(&branch)?;
                Ok(Tip { repository, branch, commit })
            }
            (None, _) => Err(GitError::Empty { repository: self.spec.url() }),
        }
    }

    fn remote_tip(&self, remote: &Remote) -> Result<Tip, GitError> {
        let there = remote.branches()?;
        let report = self.spec.report_branch.as_deref();
        if there.tips.keys().all(|branch| Some(branch.as_str()) == report) {
            return Err(GitError::Empty { repository: remote.url.to_string() });
        }
        let branch = self.spec.branch.clone().or(there.default).unwrap_or_else(|| "main".to_owned());
        let origin = self.origin(&branch);
        let known = self.known.as_ref().filter(|known| known.from == origin);
        let known = known.and_then(|known| CommitId::parse(&known.commit));
        let (repository, commit) = match there.tips.get(&branch) {
            // Its objects are not needed: what it declares is known.
            Some(tip) if known == Some(*tip) => (mirror::open(&self.mirror)?, *tip),
            Some(_) => mirror::fetch(&self.mirror, |mirror| remote.fetch(mirror, &branch))?,
            None => {
                let known: Vec<&str> = there.tips.keys().map(String::as_str).collect();
                return Err(GitError::NoSuchRef {
                    repository: remote.url.to_string(),
                    name: format!("branch {branch}"),
                    known: Some(format!("the branches {}", known.join(", "))),
                });
            }
        };
        Ok(Tip { repository, branch, commit })
    }

    fn render(&self, tip: &Tip, rewritten: Option<String>) -> Result<Revision, SourceProblem> {
        let tree = tip.repository.tree(tip.commit).map_err(|error| explain(&error, &self.spec))?;
        let mut commits = self.commits.lock().unwrap_or_else(PoisonError::into_inner);
        let declared = commits
            .declare(tree, &self.spec.path, &self.kinds)
            .map_err(|error| problem(REPOSITORY_INVALID, error.to_string()))?;
        let approvals = tip.repository.trailers(tip.commit, APPROVE_TRAILER).unwrap_or_default();
        let mut declaration = declared.declaration;
        declaration.findings.extend(rewritten.map(|message| Finding {
            severity: Severity::Note,
            id: "history-rewritten",
            origin: None,
            message,
        }));
        declaration.findings.sort();
        Ok(Revision {
            commit: tip.commit.to_string(),
            branch: tip.branch.clone(),
            from: self.origin(&tip.branch),
            path: self.spec.path.clone(),
            documents_parsed: declared.documents_parsed,
            awaits_fetch: declared.awaits_fetch,
            unknown_kinds: unknown_kinds(&declaration, &self.kinds),
            declaration,
            settings: declared.settings,
            incomplete: declared.incomplete,
            approvals: approvals.into_iter().collect(),
        })
    }
}

fn unknown_kinds(declaration: &Declaration, kinds: &KindTable) -> BTreeSet<GroupKind> {
    let objects = declaration.units.iter().flat_map(|unit| unit.objects.iter());
    let declared = objects.map(|declared| declared.object.header().gvk.group_kind());
    declared.filter(|kind| kinds.preferred(kind).is_none()).collect()
}
