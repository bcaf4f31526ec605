//! What differs between two trees, and whether it concerns what was read.

use std::collections::BTreeSet;

use super::{ReadSet, RepoPath};

/// The paths that differ between two trees of one repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Files and links that are in both trees with other content.
    content: BTreeSet<RepoPath>,
    /// Files and links that are in one of the trees only or are something else in each, and every directory above them: it may have come or gone with them.
    existence: BTreeSet<RepoPath>,
}

impl Changes {
    /// No change yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// A file or link has other content.
    pub fn content(&mut self, path: RepoPath) {
        self.content.insert(path);
    }

    /// A file or link appeared, vanished, or became something else.
    pub fn existence(&mut self, path: RepoPath) {
        let mut above = path.parent();
        self.existence.insert(path);
        while let Some(directory) = above.filter(|directory| !directory.is_root()) {
            above = directory.parent();
            if !self.existence.insert(directory) {
                break;
            }
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.content.is_empty() && self.existence.is_empty()
    }
}

impl ReadSet {
    /// Whether a render that read this may give another result after these changes. It is never wrong when it says no.
    pub fn is_touched_by(&self, changes: &Changes) -> bool {
        let read = |path: &RepoPath| self.files.contains(path);
        let listed = |path: &RepoPath| path.parent().is_some_and(|above| self.directories.contains(&above));
        changes.content.iter().any(read)
            || changes.existence.iter().any(|path| read(path) || self.absent.contains(path) || listed(path))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Files, MemTree};
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    fn changes(content: &[&str], existence: &[&str]) -> Changes {
        let mut changes = Changes::new();
        content.iter().for_each(|text| changes.content(path(text)));
        existence.iter().for_each(|text| changes.existence(path(text)));
        changes
    }

    #[test]
    fn what_was_read_listed_or_missed_is_touched_and_nothing_else() {
        let tree = MemTree::of(&[("app/a.yaml", "x"), ("app/deep/b.yaml", "x"), ("other/c.yaml", "x")])
            .with_symlink("app/link.yaml", "../other/c.yaml");
        let files = Files::new(&tree, 100);
        files.read(&path("app/a.yaml")).unwrap();
        files.read(&path("app/link.yaml")).unwrap();
        files.list(&path("app")).unwrap();
        assert!(files.read(&path("base/k.yaml")).is_err());
        let read = files.into_read_set();
        for (touches, what) in [
            (changes(&["app/a.yaml"], &[]), "a file that was read"),
            (changes(&["app/link.yaml"], &[]), "a link that was followed"),
            (changes(&["other/c.yaml"], &[]), "what a link leads to"),
            (changes(&[], &["app/new.yaml"]), "a name in a directory that was listed"),
            (changes(&[], &["base/k.yaml"]), "a file that was missing"),
            (changes(&[], &["base/other/k.yaml"]), "a directory that was missing"),
            (changes(&[], &["app/a.yaml"]), "a file that went"),
        ] {
            assert!(read.is_touched_by(&touches), "{what}");
        }
        for (leaves, what) in [
            (changes(&[], &[]), "nothing"),
            (changes(&["app/deep/b.yaml"], &[]), "a file that was not read"),
            (changes(&["other/d.yaml"], &["else/e.yaml"]), "other directories"),
        ] {
            assert!(!read.is_touched_by(&leaves), "{what}");
        }
    }
}
