//! Paths inside a repository.

use std::fmt;
use std::sync::Arc;

/// A path inside a repository: `/`-separated, no `.` or `..`, no leading or trailing slash; the root is the empty text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RepoPath(Arc<str>);

/// A text that is no path inside the repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PathError {
    /// Absolute paths have no meaning inside a repository.
    #[error("'{path}' is an absolute path; use a path relative to the file that names it")]
    Absolute {
        /// The text.
        path: String,
    },
    /// More `..` than there are directories.
    #[error("'{path}' (from '{base}') leads out of the repository")]
    Escapes {
        /// The text.
        path: String,
        /// The directory it was resolved from.
        base: RepoPath,
    },
    /// A byte that no file name holds.
    #[error("a path holds a NUL byte")]
    Nul,
}

impl RepoPath {
    /// The repository's root.
    pub fn root() -> Self {
        RepoPath(Arc::from(""))
    }

    /// Reads a path relative to the repository's root; `.` and `..` are resolved.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        RepoPath::root().join(text)
    }

    /// Resolves `relative` against this directory. Errors when it is absolute or leads out of the repository.
    pub fn join(&self, relative: &str) -> Result<Self, PathError> {
        if relative.starts_with('/') {
            return Err(PathError::Absolute { path: relative.to_owned() });
        }
        if relative.contains('\0') {
            return Err(PathError::Nul);
        }
        let mut parts: Vec<&str> = self.components().collect();
        for part in relative.split('/') {
            match part {
                "" | "." => {}
                ".." => {
                    if parts.pop().is_none() {
                        return Err(PathError::Escapes { path: relative.to_owned(), base: self.clone() });
                    }
                }
                name => parts.push(name),
            }
        }
        Ok(RepoPath(Arc::from(parts.join("/"))))
    }

    /// The entry `name` of this directory. `name` is taken as one component, as a directory listing gives it.
    pub fn child(&self, name: &str) -> Self {
        if self.0.is_empty() {
            RepoPath(Arc::from(name))
        } else {
            RepoPath(Arc::from(format!("{}/{name}", self.0)))
        }
    }

    /// The directory that holds this path; the root has none.
    pub fn parent(&self) -> Option<Self> {
        if self.0.is_empty() {
            return None;
        }
        Some(self.0.rfind('/').map_or_else(RepoPath::root, |at| RepoPath(Arc::from(&self.0[..at]))))
    }

    /// The last component; empty for the root.
    pub fn file_name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or_default()
    }

    /// Whether this path is `dir` or lies below it.
    pub fn is_within(&self, dir: &RepoPath) -> bool {
        dir.0.is_empty()
            || self.0.strip_prefix(&*dir.0).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The path below `dir`, when it lies there.
    pub fn below(&self, dir: &RepoPath) -> Option<&str> {
        if dir.0.is_empty() {
            return Some(&self.0);
        }
        self.0
            .strip_prefix(&*dir.0)
            .and_then(|rest| if rest.is_empty() { Some(rest) } else { rest.strip_prefix('/') })
    }

    /// How `self` is written relative to the directory `dir`, with `..` where needed.
    pub fn relative_to(&self, dir: &RepoPath) -> String {
        let (here, there): (Vec<&str>, Vec<&str>) = (dir.components().collect(), self.components().collect());
        let shared = here.iter().zip(&there).take_while(|(a, b)| a == b).count();
        let mut parts = vec![".."; here.len() - shared];
        parts.extend(&there[shared..]);
        parts.join("/")
    }

    /// The components from the root down.
    pub fn components(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|part| !part.is_empty())
    }

    /// The text; empty for the root.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the repository's root.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for RepoPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_empty() { "." } else { &self.0 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joining_resolves_dots_and_refuses_to_leave_the_repository() {
        fn check(base: &str, relative: &str, expected: Option<&str>) {
            let joined = RepoPath::parse(base).unwrap().join(relative);
            assert_eq!(joined.as_ref().ok().map(RepoPath::as_str), expected, "{base} + {relative}");
        }
        check("", "a/b", Some("a/b"));
        check("a/b", "../c", Some("a/c"));
        check("a", "./x//y/", Some("a/x/y"));
        check("a", "..", Some(""));
        check("a", "../..", None);
        check("a", "/etc/passwd", None);
        check("a", "x\0y", None);
    }

    #[test]
    fn paths_know_their_neighbours() {
        let path = RepoPath::parse("apps/web/base").unwrap();
        assert!(path.is_within(&RepoPath::parse("apps").unwrap()));
        assert!(!path.is_within(&RepoPath::parse("app").unwrap()));
        assert_eq!(path.relative_to(&RepoPath::parse("apps/api").unwrap()), "../web/base");
        assert_eq!(path.parent().unwrap().as_str(), "apps/web");
        assert_eq!(path.below(&RepoPath::parse("apps").unwrap()), Some("web/base"));
    }
}
