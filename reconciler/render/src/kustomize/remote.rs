//! Bases of other repositories: which addresses are taken, and what whoever fetches them is asked.
//!
//! This room fetches nothing. Whoever may implements [`RemoteBases`]; without one every address is refused. Taken are addresses of
//! allowed hosts that name a commit by its full id, so that a render stays a function of the tree. Its files are mounted into the
//! tree of the build below [`RemoteCommit::mount`], and nothing there leads out of it.
//!
//! Absent on purpose: other ways than https, logins, branches and tags, plain files behind a URL.

use std::fmt;
use std::sync::Arc;

use crate::tree::{RepoPath, Tree};

/// One commit of another repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RemoteCommit {
    /// The repository: `https://host[:port]/path`.
    pub url: String,
    /// The full id of the commit, 40 hexadecimal digits.
    pub commit: String,
}

impl RemoteCommit {
    /// Where its files are in the tree of a build. A directory of the build's own repository that has this very name is hidden by them.
    fn mount(&self) -> Option<RepoPath> {
        RepoPath::parse(&format!("{}@{}", self.url.strip_prefix(SCHEME)?, self.commit)).ok()
    }

    /// The commit whose files are below a mount.
    pub(super) fn mounted_at(mount: &RepoPath) -> Self {
        let (repository, commit) = mount.as_str().rsplit_once('@').unwrap_or((mount.as_str(), ""));
        RemoteCommit { url: format!("{SCHEME}{repository}"), commit: commit.to_owned() }
    }
}

/// The one way that bases come.
const SCHEME: &str = "https://";

/// Why a commit of another repository is not there.
pub type RemoteError = Box<dyn std::error::Error + Send + Sync>;

/// Fetches commits of other repositories, showing nobody any login.
pub trait RemoteBases: Send + Sync {
    /// The files of a commit. Asked for the same commit again, it gives the same files.
    ///
    /// # Errors
    /// When the commit cannot be fetched.
    fn tree(&self, wanted: &RemoteCommit) -> Result<Arc<dyn Tree>, RemoteError>;
}

/// The hosts that bases may come from, and who fetches them. Two are equal when they are the same one.
#[derive(Clone)]
pub struct Remotes(Arc<Allowed>);

struct Allowed {
    hosts: Vec<String>,
    bases: Box<dyn RemoteBases>,
}

impl Remotes {
    /// Allows hosts: names with their port, where it is not the usual one.
    pub fn new(hosts: &[String], bases: impl RemoteBases + 'static) -> Self {
        let hosts = hosts.iter().map(|host| host.to_ascii_lowercase()).collect();
        Remotes(Arc::new(Allowed { hosts, bases: Box::new(bases) }))
    }

    pub(super) fn allow(&self, host: &str) -> bool {
        self.0.hosts.iter().any(|allowed| allowed == host)
    }

    pub(super) fn tree(&self, wanted: &RemoteCommit) -> Result<Arc<dyn Tree>, RemoteError> {
        self.0.bases.tree(wanted)
    }
}

impl fmt::Debug for Remotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Remotes").field(&self.0.hosts).finish()
    }
}

impl PartialEq for Remotes {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Remotes {}

/// An address, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address {
    /// The host and its port.
    pub(super) host: String,
    pub(super) commit: RemoteCommit,
    /// Where the files of the commit are in the tree of the build.
    pub(super) mount: RepoPath,
    /// The directory of the base, below the mount.
    pub(super) dir: RepoPath,
}

const NOT_PINNED: &str =
    "a base is pinned to a commit: end the address with ?ref= and the full id of it, 40 hexadecimal digits";
const NOT_HTTPS: &str =
    "a base comes by https and without a login: https://HOST/OWNER/REPOSITORY//PATH?ref=COMMIT";

impl Address {
    /// Takes an address apart as upstream does: the repository ends at `//`, behind `.git`, behind the name that follows `_git/`, or
    /// else with its second part. An error says what an address has to be like.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let (text, query) = text.strip_prefix("git::").unwrap_or(text).split_once('?').ok_or(NOT_PINNED)?;
        let named =
            query.split('&').find_map(|part| part.strip_prefix("ref=").or(part.strip_prefix("version=")));
        let commit = named.filter(|id| is_commit_id(id)).ok_or(NOT_PINNED)?.to_ascii_lowercase();
        let rest = match text.split_once("://") {
            Some(("https", rest)) => rest,
            None if text.starts_with("github.com/") => text,
            _ => return Err(NOT_HTTPS),
        };
        let (host, path) = rest.split_once('/').ok_or(NOT_HTTPS)?;
        if host.is_empty() || host.contains('@') {
            return Err(NOT_HTTPS);
        }
        let host = host.to_ascii_lowercase();
        let (repository, below) = repository_and_path(path);
        let is_plain = |part: &str| !part.is_empty() && part != "." && part != "..";
        if !repository.split('/').all(is_plain) {
            return Err(NOT_HTTPS);
        }
        let commit = RemoteCommit { url: format!("{SCHEME}{host}/{repository}"), commit };
        let mount = commit.mount().ok_or(NOT_HTTPS)?;
        let dir = mount.join(below.trim_start_matches('/')).ok().filter(|dir| dir.is_within(&mount));
        let dir = dir.ok_or("the path of a base leads out of its repository")?;
        Ok(Address { host, commit, mount, dir })
    }
}

fn is_commit_id(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn repository_and_path(path: &str) -> (&str, &str) {
    if let Some(found) = path.split_once("//") {
        return found;
    }
    let end = match (path.find(".git/"), path.find("_git/")) {
        (Some(at), _) => at + ".git".len(),
        (None, _) if path.ends_with(".git") => path.len(),
        (None, Some(at)) => {
            let name = at + "_git/".len();
            path[name..].find('/').map_or(path.len(), |length| name + length)
        }
        (None, None) => path.match_indices('/').nth(1).map_or(path.len(), |(at, _)| at),
    };
    path.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COMMIT: &str = "0123456789abcdef0123456789abcdef01234567";

    #[test]
    fn addresses_are_taken_apart_as_upstream_does() {
        fn check(address: &str, url: &str, dir: &str) {
            let found = Address::parse(&format!("{address}?ref={COMMIT}")).unwrap();
            assert_eq!(
                (found.commit.url.as_str(), found.dir.below(&found.mount)),
                (url, Some(dir)),
                "{address}"
            );
            assert_eq!(RemoteCommit::mounted_at(&found.mount), found.commit);
        }
        check("https://github.com/o/r//a/b", "https://github.com/o/r", "a/b");
        check("https://github.com/o/r/a/b", "https://github.com/o/r", "a/b");
        check("github.com/o/r/a", "https://github.com/o/r", "a");
        check("github.com/o/r", "https://github.com/o/r", "");
        check("git::https://GitHub.com/o/r.git/a", "https://github.com/o/r.git", "a");
        check("https://git.example.com:8443/x/y/z.git", "https://git.example.com:8443/x/y/z.git", "");
        check("https://git.example.com/x/y/z.git//a/", "https://git.example.com/x/y/z.git", "a");
        check("https://dev.azure.com/o/p/_git/r/a/b", "https://dev.azure.com/o/p/_git/r", "a/b");
        check("https://example.com/top.git//a/../b", "https://example.com/top.git", "b");
        let long = format!("https://github.com/o/r//a?timeout=90s&ref={COMMIT}&submodules=false");
        assert!(Address::parse(&long).is_ok());
    }

    #[test]
    fn an_address_without_a_commit_or_with_a_login_is_refused() {
        let check = |address: &str, expected: &str| {
            assert_eq!(Address::parse(address).unwrap_err(), expected, "{address}");
        };
        check("https://github.com/o/r", NOT_PINNED);
        check("https://github.com/o/r?ref=main", NOT_PINNED);
        check("https://github.com/o/r?ref=0123456", NOT_PINNED);
        for text in [
            "http://h/o/r",
            "ssh://git@h/o/r",
            "git@h:o/r",
            "file:///o/r",
            "https://u:p@h/o/r",
            "https:///o/r",
        ] {
            check(&format!("{text}?ref={COMMIT}"), NOT_HTTPS);
        }
        check(&format!("https://h/../r//x?ref={COMMIT}"), NOT_HTTPS);
        check(
            &format!("https://h/o/r//../../x?ref={COMMIT}"),
            "the path of a base leads out of its repository",
        );
    }
}
