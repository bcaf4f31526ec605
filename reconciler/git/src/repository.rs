//! Refs and commits of one object database.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use git2::{ErrorClass, ErrorCode, ObjectType, RepositoryOpenFlags};

use crate::{CommitId, Entry, Tree};

/// What libgit2 says, without the numbers that it gives its own errors.
#[derive(Debug)]
pub struct Cause(git2::Error);

impl Cause {
    pub(crate) fn code(&self) -> ErrorCode {
        self.0.code()
    }
}

impl From<git2::Error> for Cause {
    fn from(error: git2::Error) -> Self {
        Self(error)
    }
}

impl std::fmt::Display for Cause {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.message())
    }
}

impl std::error::Error for Cause {}

/// What went wrong, in which repository.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// There is nothing at this path.
    #[error("{path} is not there")]
    Nowhere {
        /// Where.
        path: String,
    },
    /// There is no repository at this path.
    #[error("{path} is not a git repository")]
    NotARepository {
        /// Where.
        path: String,
        /// libgit2's words.
        source: Cause,
    },
    /// The repository belongs to somebody else, so its configuration is not trusted.
    #[error("{path} belongs to another user; run as its owner, or clone it")]
    ForeignOwner {
        /// Where.
        path: String,
        /// libgit2's words.
        source: Cause,
    },
    /// A ref is not there.
    #[error("{repository} has no {name}{}", known.as_ref().map(|k| format!("; it has {k}")).unwrap_or_default())]
    NoSuchRef {
        /// Where.
        repository: String,
        /// `branch main`, `commit abc`.
        name: String,
        /// What is there instead.
        known: Option<String>,
    },
    /// The repository has no commit at all.
    #[error("{repository} is empty: it has no commit yet")]
    Empty {
        /// Where.
        repository: String,
    },
    /// A file is not there.
    #[error("{path} is not in commit {commit}")]
    NoSuchPath {
        /// Path in the tree.
        path: String,
        /// Which commit.
        commit: CommitId,
    },
    /// Refs name objects that are not there: the disk lost some, or somebody tidied up.
    #[error("{path} is damaged: it lacks objects of commit {commit}")]
    Damaged {
        /// Where.
        path: String,
        /// Which commit.
        commit: CommitId,
    },
    /// A limit that protects memory.
    #[error("{what} in {repository} exceeds the limit of {limit}")]
    TooLarge {
        /// What.
        what: String,
        /// Where.
        repository: String,
        /// How much is allowed.
        limit: u64,
    },
    /// The other side refused a push.
    #[error("{remote} refused to update {name}: {message}")]
    PushRefused {
        /// URL, without credentials.
        remote: String,
        /// The ref.
        name: String,
        /// The other side's words.
        message: String,
    },
    /// A remote could not be asked, fetched from or pushed to.
    #[error("cannot {action} {remote}")]
    Remote {
        /// `ask`, `fetch from`, `push to`.
        action: &'static str,
        /// URL, without credentials.
        remote: String,
        /// What stood in the way.
        source: crate::RemoteFailure,
    },
    /// Anything else of libgit2's.
    #[error("cannot {action} {repository}")]
    Other {
        /// `read`, `fetch from`.
        action: &'static str,
        /// Where.
        repository: String,
        /// libgit2's words.
        source: Cause,
    },
    /// A file or directory of the machine.
    #[error("cannot {action} {path}")]
    Io {
        /// `read`, `create`.
        action: &'static str,
        /// Which.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

impl GitError {
    /// Whether the files of a repository may be what is wrong. Trouble of the machine (a full disk, no right to write, no memory) and of the network is not.
    pub fn is_damage(&self) -> bool {
        use ErrorClass::{Callback, Http, Net, NoMemory, Os, Ssh, Ssl, Thread};
        match self {
            Self::Damaged { .. } => true,
            Self::Other { source, .. } => {
                !matches!(source.0.class(), Os | NoMemory | Thread | Net | Http | Ssl | Ssh | Callback)
            }
            _ => false,
        }
    }
}

/// One object database with refs. Cloning shares it; calls take turns, because libgit2's repositories are not made for sharing.
#[derive(Clone)]
pub struct Repository {
    git: Arc<Mutex<git2::Repository>>,
    path: Arc<Path>,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Repository({})", self.path.display())
    }
}

impl Repository {
    /// Opens the repository whose root (or `.git` directory) is exactly `path`; parents are not searched.
    ///
    /// # Errors
    /// When there is none, or it belongs to another user.
    pub fn open(path: &Path) -> Result<Self, GitError> {
        let nowhere: [&str; 0] = [];
        let git =
            git2::Repository::open_ext(path, RepositoryOpenFlags::NO_SEARCH, nowhere).map_err(|source| {
                let (gone, path) = (!path.exists(), path.display().to_string());
                match source.code() {
                    ErrorCode::Owner => GitError::ForeignOwner { path, source: source.into() },
                    _ if gone => GitError::Nowhere { path },
                    _ => GitError::NotARepository { path, source: source.into() },
                }
            })?;
        Ok(Self::wrap(git, path))
    }

    /// Opens a bare repository, creating it first where there is none.
    ///
    /// # Errors
    /// When the directory cannot be created.
    pub fn open_or_create_bare(path: &Path) -> Result<Self, GitError> {
        if path.join("HEAD").exists() {
            return Self::open(path);
        }
        let git = git2::Repository::init_bare(path).map_err(|source| GitError::Other {
            action: "create",
            repository: path.display().to_string(),
            source: source.into(),
        })?;
        Ok(Self::wrap(git, path))
    }

    pub(crate) fn wrap(git: git2::Repository, path: &Path) -> Self {
        Self { git: Arc::new(Mutex::new(git)), path: path.into() }
    }

    /// Where it is on this machine.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The directory that holds refs and objects: the thing to watch for changes.
    pub fn git_dir(&self) -> PathBuf {
        self.lock().commondir().to_owned()
    }

    /// Every method leaves the repository consistent, so a panic elsewhere does not spoil it.
    pub(crate) fn lock(&self) -> MutexGuard<'_, git2::Repository> {
        self.git.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn failed(&self, action: &'static str) -> impl Fn(git2::Error) -> GitError + '_ {
        move |source| GitError::Other {
            action,
            repository: self.path.display().to_string(),
            source: source.into(),
        }
    }

    /// The branch that HEAD names, `main`; it need not exist yet.
    ///
    /// # Errors
    /// When HEAD is detached.
    pub fn head_branch(&self) -> Result<String, GitError> {
        let git = self.lock();
        let head = git.find_reference("HEAD").map_err(self.failed("read HEAD of"))?;
        head.symbolic_target()
            .ok()
            .flatten()
            .and_then(|target| target.strip_prefix("refs/heads/").map(str::to_owned))
            .ok_or_else(|| GitError::NoSuchRef {
                repository: self.path.display().to_string(),
                name: "branch checked out (HEAD is detached)".to_owned(),
                known: None,
            })
    }

    /// The commit that a full ref name points to; `None` where there is no such ref.
    ///
    /// # Errors
    /// When the ref exists and is unreadable or points to no commit.
    pub fn find_ref(&self, full_name: &str) -> Result<Option<CommitId>, GitError> {
        let git = self.lock();
        let reference = match git.find_reference(full_name) {
            Ok(reference) => reference,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("read refs of")(error)),
        };
        let commit = reference.peel_to_commit().map_err(self.failed("read refs of"))?;
        Ok(Some(commit.id().into()))
    }

    /// The tip of a branch, `main`.
    ///
    /// # Errors
    /// When the repository is empty or lacks the branch; the error lists the branches that exist.
    pub fn branch_tip(&self, branch: &str) -> Result<CommitId, GitError> {
        if let Some(commit) = self.find_ref(&format!("refs/heads/{branch}"))? {
            return Ok(commit);
        }
        let repository = self.path.display().to_string();
        let branches = self.branches()?;
        if branches.is_empty() {
            return Err(GitError::Empty { repository });
        }
        let known = Some(format!("the branches {}", branches.join(", ")));
        Err(GitError::NoSuchRef { repository, name: format!("branch {branch}"), known })
    }

    fn branches(&self) -> Result<Vec<String>, GitError> {
        let git = self.lock();
        let branches =
            git.branches(Some(git2::BranchType::Local)).map_err(self.failed("list branches of"))?;
        let mut names: Vec<String> = branches
            .filter_map(Result::ok)
            .filter_map(|(branch, _)| branch.name().ok().flatten().map(str::to_owned))
            .collect();
        names.sort();
        Ok(names)
    }

    /// The commit a revision expression names: a branch, a tag, an id, `HEAD~1`.
    ///
    /// # Errors
    /// When it names nothing, or no commit; and for texts that could be read as options.
    pub fn resolve(&self, revision: &str) -> Result<CommitId, GitError> {
        let none = || GitError::NoSuchRef {
            repository: self.path.display().to_string(),
            name: format!("revision {revision:?}"),
            known: None,
        };
        if revision.is_empty() || revision.starts_with('-') || revision.contains(['\n', '\0']) {
            return Err(none());
        }
        let git = self.lock();
        let object = git.revparse_single(revision).map_err(|_| none())?;
        let commit = object.peel(ObjectType::Commit).map_err(|_| none())?;
        Ok(commit.id().into())
    }

    /// The files of a commit.
    ///
    /// # Errors
    /// When the commit is not here.
    pub fn tree(&self, commit: CommitId) -> Result<Tree, GitError> {
        let root = {
            let git = self.lock();
            let commit = git.find_commit(commit.oid()).map_err(self.failed("read a commit of"))?;
            commit.tree_id()
        };
        Ok(Tree::new(self.clone(), commit, root))
    }

    /// All files of a commit, with their content: for small trees like that of a status commit.
    ///
    /// # Errors
    /// When the commit is not here, or a file exceeds a limit.
    pub fn files_of(&self, commit: CommitId) -> Result<BTreeMap<String, Vec<u8>>, GitError> {
        let tree = self.tree(commit)?;
        let mut files = BTreeMap::new();
        let mut open = vec![String::new()];
        while let Some(directory) = open.pop() {
            for (name, entry) in tree.list(&directory)? {
                let path = if directory.is_empty() { name } else { format!("{directory}/{name}") };
                match entry {
                    Entry::Directory => open.push(path),
                    Entry::File { blob } => drop(files.insert(path, tree.read(blob)?.to_vec())),
                    Entry::Symlink { .. } | Entry::Submodule => {}
                }
            }
        }
        Ok(files)
    }

    /// Whether every file of a commit is here. Only names and ids are read.
    ///
    /// # Errors
    /// When the object database cannot be read.
    pub(crate) fn is_whole(&self, commit: CommitId) -> Result<bool, GitError> {
        let git = self.lock();
        let odb = git.odb().map_err(self.failed("read"))?;
        let Ok(root) = git.find_commit(commit.oid()).and_then(|commit| commit.tree()) else {
            return Ok(false);
        };
        let mut open = vec![root];
        while let Some(tree) = open.pop() {
            for entry in &tree {
                match entry.kind() {
                    Some(ObjectType::Tree) => match git.find_tree(entry.id()) {
                        Ok(below) => open.push(below),
                        Err(_) => return Ok(false),
                    },
                    Some(ObjectType::Blob) if !odb.exists(entry.id()) => return Ok(false),
                    _ => {}
                }
            }
        }
        Ok(true)
    }

    /// Message of a commit; empty where it is not UTF-8.
    ///
    /// # Errors
    /// When the commit is not here.
    pub fn message(&self, commit: CommitId) -> Result<String, GitError> {
        let git = self.lock();
        let commit = git.find_commit(commit.oid()).map_err(self.failed("read a commit of"))?;
        Ok(commit.message().unwrap_or_default().to_owned())
    }

    /// Values of a trailer (`Key: value` in the last paragraph of the message), in order.
    ///
    /// # Errors
    /// When the commit is not here.
    pub fn trailers(&self, commit: CommitId, key: &str) -> Result<Vec<String>, GitError> {
        let message = self.message(commit)?;
        let Ok(trailers) = git2::message_trailers_strs(&message) else { return Ok(Vec::new()) };
        Ok(trailers
            .iter()
            .filter(|(k, _)| k.eq_ignore_ascii_case(key))
            .map(|(_, v)| v.trim().to_owned())
            .collect())
    }

    /// Whether `older` is `newer` or one of its ancestors. False where either is not here.
    ///
    /// # Errors
    /// When history cannot be read.
    pub fn is_ancestor(&self, older: CommitId, newer: CommitId) -> Result<bool, GitError> {
        if older == newer {
            return Ok(true);
        }
        let git = self.lock();
        match git.graph_descendant_of(newer.oid(), older.oid()) {
            Ok(descendant) => Ok(descendant),
            Err(error) if error.code() == ErrorCode::NotFound => Ok(false),
            Err(error) => Err(self.failed("read the history of")(error)),
        }
    }

    /// Whether a branch is checked out in this repository or in one of its work trees.
    ///
    /// # Errors
    /// When the work trees cannot be listed.
    pub fn is_checked_out(&self, branch: &str) -> Result<bool, GitError> {
        let full_name = format!("refs/heads/{branch}");
        let git = self.lock();
        if !git.is_bare() && head_is(&git, &full_name) {
            return Ok(true);
        }
        let trees = git.worktrees().map_err(self.failed("list work trees of"))?;
        let checked_out = trees.iter().filter_map(Result::ok).flatten().any(|name| {
            let tree = git.find_worktree(name).and_then(|tree| git2::Repository::open_from_worktree(&tree));
            tree.is_ok_and(|tree| head_is(&tree, &full_name))
        });
        Ok(checked_out)
    }
}

fn head_is(git: &git2::Repository, full_name: &str) -> bool {
    git.find_reference("HEAD").is_ok_and(|head| head.symbolic_target().ok().flatten() == Some(full_name))
}
