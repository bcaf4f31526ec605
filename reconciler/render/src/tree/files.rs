//! Reading a tree the way a render does: links followed inside the jail, sizes limited, and everything that was read remembered.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use apimachinery::Clock;

use super::{Entry, RepoPath, Tree, TreeError};
use crate::documents::Documents;
use crate::limits::TimeLimit;
use crate::yaml::{Loader, Node, YamlError};

/// A chain longer than this is refused; it also ends cycles.
const MAX_LINKS: usize = 8;

/// What a render read. A later commit that changes none of it renders the same.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReadSet {
    /// Files whose bytes were read, as real paths (links resolved), and links that were followed.
    pub files: BTreeSet<RepoPath>,
    /// Directories that were listed.
    pub directories: BTreeSet<RepoPath>,
    /// Paths that were looked for and did not exist; a file that appears there may change the result.
    pub absent: BTreeSet<RepoPath>,
}

/// What a path leads to once links are followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    File { path: RepoPath, size: u64 },
    Directory { path: RepoPath },
    Other,
    Nothing,
}

/// A tree with links followed and a memory of what was read.
pub(crate) struct Files<'t> {
    tree: &'t dyn Tree,
    max_file_bytes: u64,
    read: RefCell<ReadSet>,
    /// Real paths of directories that were resolved before: without it every file walks its whole path again.
    real: RefCell<HashMap<RepoPath, RepoPath>>,
    /// Commits of other repositories, by the directories that they are below.
    mounts: RefCell<BTreeMap<RepoPath, Arc<dyn Tree>>>,
    deadline: Option<Deadline>,
    documents: Option<&'t Documents>,
}

/// When a render is given up.
#[derive(Clone)]
pub(crate) struct Deadline {
    clock: Arc<dyn Clock>,
    at: Cell<Duration>,
    seconds: u64,
}

impl Deadline {
    pub(crate) fn is_over(&self) -> bool {
        self.clock.monotonic() >= self.at.get()
    }

    /// How long the render may take in all.
    pub(crate) fn seconds(&self) -> u64 {
        self.seconds
    }
}

impl<'t> Files<'t> {
    pub(crate) fn new(tree: &'t dyn Tree, max_file_bytes: u64) -> Self {
        Files {
            tree,
            max_file_bytes,
            read: RefCell::default(),
            real: RefCell::default(),
            mounts: RefCell::default(),
            deadline: None,
            documents: None,
        }
    }

    /// With documents that were parsed before.
    pub(crate) fn remembering(mut self, documents: Option<&'t Documents>) -> Self {
        self.documents = documents;
        self
    }

    /// The documents of a file that was read. Those that have to be parsed are counted.
    pub(crate) fn parse(
        &self,
        loader: Loader,
        (file, bytes): (&str, &[u8]),
        parsed: &Cell<u64>,
    ) -> Result<Vec<Node>, YamlError> {
        match self.documents {
            Some(documents) => documents.load(loader, (file, bytes), parsed),
            None => {
                let nodes = loader.load(file, bytes)?;
                parsed.set(parsed.get() + nodes.len() as u64);
                Ok(nodes)
            }
        }
    }

    /// With a time limit that begins now.
    pub(crate) fn within(mut self, limit: &TimeLimit) -> Self {
        self.deadline = limit.clock.as_ref().map(|clock| Deadline {
            clock: Arc::clone(clock),
            at: Cell::new(clock.monotonic().saturating_add(limit.most)),
            seconds: limit.most.as_secs(),
        });
        self
    }

    /// Refuses to go on once time is up. Every read asks this; so does whoever works for long without reading.
    pub(crate) fn check_time(&self, path: &RepoPath) -> Result<(), TreeError> {
        match &self.deadline {
            Some(deadline) if deadline.is_over() => {
                Err(TreeError::TooSlow { path: path.clone(), seconds: deadline.seconds })
            }
            _ => Ok(()),
        }
    }

    /// For whoever works for long and does not know these files.
    pub(crate) fn deadline(&self) -> Option<Deadline> {
        self.deadline.clone()
    }

    /// Does what takes its time elsewhere and has a limit of its own: it does not count.
    pub(crate) fn off_the_clock<T>(&self, work: impl FnOnce() -> T) -> T {
        let Some(deadline) = &self.deadline else { return work() };
        let began = deadline.clock.monotonic();
        let made = work();
        let took = deadline.clock.monotonic().saturating_sub(began);
        deadline.at.set(deadline.at.get().saturating_add(took));
        made
    }

    pub(crate) fn into_read_set(self) -> ReadSet {
        self.read.into_inner()
    }

    /// Puts a commit of another repository below a directory. Nothing in it leads out of it, and nothing else leads into it.
    pub(crate) fn mount(&self, at: RepoPath, tree: Arc<dyn Tree>) {
        self.mounts.borrow_mut().insert(at, tree);
    }

    /// Whether there is such a commit below this very directory.
    pub(crate) fn is_mounted(&self, at: &RepoPath) -> bool {
        self.mounts.borrow().contains_key(at)
    }

    /// Whether two paths are in the same repository.
    pub(crate) fn share_a_tree(&self, one: &RepoPath, other: &RepoPath) -> bool {
        self.mount_of(one) == self.mount_of(other)
    }

    /// The mount that holds a path, of two inside each other the inner one.
    pub(crate) fn mount_of(&self, path: &RepoPath) -> Option<RepoPath> {
        self.mounts.borrow().keys().rev().find(|at| path.is_within(at)).cloned()
    }

    /// Asks the tree that holds a path.
    fn ask<T>(
        &self,
        path: &RepoPath,
        question: impl FnOnce(&dyn Tree, &RepoPath) -> Result<T, TreeError>,
    ) -> Result<T, TreeError> {
        let mounts = self.mounts.borrow();
        let mounted = mounts.iter().rev().find_map(|(at, tree)| Some((tree, path.below(at)?)));
        match mounted {
            Some((tree, below)) => question(&**tree, &RepoPath::parse(below)?),
            None => question(self.tree, path),
        }
    }

    /// Notes what was read. What is mounted is one commit for ever: it changes nothing later.
    fn remember(&self, path: RepoPath, set: impl FnOnce(&mut ReadSet) -> &mut BTreeSet<RepoPath>) {
        if self.mount_of(&path).is_none() {
            set(&mut self.read.borrow_mut()).insert(path);
        }
    }

    /// What is at `path`, links followed.
    pub(crate) fn find(&self, path: &RepoPath) -> Result<Found, TreeError> {
        self.check_time(path)?;
        let mut links = 0;
        self.follow(path, &mut links)
    }

    /// The bytes of the file at `path`, links followed.
    pub(crate) fn read(&self, path: &RepoPath) -> Result<Arc<[u8]>, TreeError> {
        match self.find(path)? {
            Found::File { path: real, size } => {
                if size > self.max_file_bytes {
                    return Err(TreeError::TooLarge { path: real, size, limit: self.max_file_bytes });
                }
                let bytes = self.ask(&real, |tree, path| tree.read(path))?;
                self.remember(real, |read| &mut read.files);
                Ok(bytes)
            }
            Found::Nothing => Err(TreeError::Missing { path: path.clone() }),
            Found::Directory { .. } | Found::Other => Err(TreeError::NotAFile { path: path.clone() }),
        }
    }

    /// The names in the directory at `path`, links followed, sorted.
    pub(crate) fn list(&self, path: &RepoPath) -> Result<Vec<(String, Entry)>, TreeError> {
        match self.find(path)? {
            Found::Directory { path: real } => {
                let entries = self.ask(&real, |tree, path| tree.list(path))?;
                self.remember(real, |read| &mut read.directories);
                Ok(entries)
            }
            _ => Err(TreeError::NotADirectory { path: path.clone() }),
        }
    }

    fn follow(&self, path: &RepoPath, links: &mut usize) -> Result<Found, TreeError> {
        let Some(parent) = path.parent() else { return Ok(Found::Directory { path: RepoPath::root() }) };
        if self.is_mounted(path) {
            return Ok(Found::Directory { path: path.clone() });
        }
        let Some(dir) = self.directory(&parent, links)? else {
            self.remember(path.clone(), |read| &mut read.absent);
            return Ok(Found::Nothing);
        };
        let here = dir.child(path.file_name());
        Ok(match self.ask(&here, |tree, path| tree.entry(path))? {
            Some(Entry::File { size, .. }) => Found::File { path: here, size },
            Some(Entry::Directory) => Found::Directory { path: here },
            Some(Entry::Other) => Found::Other,
            Some(Entry::Symlink { target }) => {
                *links += 1;
                if *links > MAX_LINKS {
                    return Err(TreeError::TooManyLinks { path: path.clone(), limit: MAX_LINKS });
                }
                let to = dir.join(&target).ok().filter(|to| self.share_a_tree(&here, to));
                let to = to.ok_or_else(|| TreeError::Escapes { path: here.clone() })?;
                self.remember(here, |read| &mut read.files);
                self.follow(&to, links)?
            }
            None => {
                self.remember(here, |read| &mut read.absent);
                Found::Nothing
            }
        })
    }

    fn directory(&self, path: &RepoPath, links: &mut usize) -> Result<Option<RepoPath>, TreeError> {
        if let Some(real) = self.real.borrow().get(path) {
            return Ok(Some(real.clone()));
        }
        Ok(match self.follow(path, links)? {
            Found::Directory { path: real } => {
                self.real.borrow_mut().insert(path.clone(), real.clone());
                Some(real)
            }
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::MemTree;
    use super::*;

    fn find(tree: &MemTree, path: &str) -> Result<Found, TreeError> {
        Files::new(tree, 100).find(&RepoPath::parse(path).unwrap())
    }

    #[test]
    fn links_are_followed_inside_the_repository_only() {
        let tree = MemTree::of(&[("base/a.yaml", "x")])
            .with_symlink("app/base", "../base")
            .with_symlink("app/out", "../../etc")
            .with_symlink("app/abs", "/etc/passwd")
            .with_symlink("loop/a", "b")
            .with_symlink("loop/b", "a");
        let real = RepoPath::parse("base/a.yaml").unwrap();
        assert_eq!(find(&tree, "app/base/a.yaml").unwrap(), Found::File { path: real, size: 1 });
        assert!(matches!(find(&tree, "app/out/x"), Err(TreeError::Escapes { .. })));
        assert!(matches!(find(&tree, "app/abs"), Err(TreeError::Escapes { .. })));
        assert!(matches!(find(&tree, "loop/a"), Err(TreeError::TooManyLinks { .. })));
    }

    #[test]
    fn reads_are_remembered_and_limited() {
        let tree = MemTree::of(&[("a.yaml", "x"), ("big.yaml", &"y".repeat(101))]);
        let files = Files::new(&tree, 100);
        files.read(&RepoPath::parse("a.yaml").unwrap()).unwrap();
        assert!(matches!(files.read(&RepoPath::parse("big.yaml").unwrap()), Err(TreeError::TooLarge { .. })));
        assert!(matches!(files.read(&RepoPath::parse("no.yaml").unwrap()), Err(TreeError::Missing { .. })));
        let read = files.into_read_set();
        assert_eq!(read.files.iter().map(RepoPath::as_str).collect::<Vec<_>>(), ["a.yaml"]);
        assert_eq!(read.absent.iter().map(RepoPath::as_str).collect::<Vec<_>>(), ["no.yaml"]);
    }
}
