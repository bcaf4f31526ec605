//! Remotes: which URLs are allowed; asking, fetching and pushing.

use std::fmt;

use git2::{
    AutotagOption, Direction, FetchOptions, FetchPrune, PushOptions, RemoteCallbacks, RemoteRedirect,
};

use crate::{CommitId, GitError, Repository, Swap, transport};

/// Why a URL is refused.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Only https and ssh.
    #[error(
        "the URL of a source must begin with https:// or ssh:// (got {scheme}); a path on this machine needs --allow-local-sources"
    )]
    Scheme {
        /// What it begins with.
        scheme: String,
    },
    /// Credentials belong into a Secret.
    #[error("the URL must not hold a password; put it into a Secret and name that as secretRef")]
    Credentials,
    /// A host or user that could be taken for an option, control characters, an empty path.
    #[error("the URL is malformed: {detail}")]
    Malformed {
        /// What is wrong.
        detail: &'static str,
    },
}

/// The checked URL of a remote. Displays without credentials, because it holds none.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Url(String);

impl Url {
    /// Checks `https://host[:port]/path` or `ssh://[user@]host[:port]/path`.
    ///
    /// # Errors
    /// Everything else, among it `file://`, `ext::`, `git@host:path`, passwords, and names that begin with a dash.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return Err(UrlError::Malformed { detail: "it holds white space or control characters" });
        }
        let (scheme, rest) = text.split_once("://").unwrap_or((text, ""));
        if scheme != "https" && scheme != "ssh" {
            return Err(UrlError::Scheme { scheme: scheme.chars().take(20).collect() });
        }
        let (authority, path) =
            rest.split_once('/').ok_or(UrlError::Malformed { detail: "it has no path" })?;
        if path.is_empty() {
            return Err(UrlError::Malformed { detail: "it has no path" });
        }
        let (user, host) =
            authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        if user.is_some_and(|user| user.contains(':')) || (scheme == "https" && user.is_some()) {
            return Err(UrlError::Credentials);
        }
        let option_like = |text: &str| text.is_empty() || text.starts_with('-');
        if option_like(host) || user.is_some_and(option_like) || path.starts_with('-') {
            return Err(UrlError::Malformed {
                detail: "host, user and path must not be empty or begin with a dash",
            });
        }
        let host_ok = |c: char| c.is_ascii_alphanumeric() || ".-:[]_".contains(c);
        if !host.chars().all(host_ok) {
            return Err(UrlError::Malformed { detail: "the host holds characters that no host name has" });
        }
        Ok(Self(text.to_owned()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a remote is shown. Debug output holds none of it.
#[derive(Clone, Default)]
pub struct Credentials {
    /// For https: user and password (or token).
    pub basic: Option<(String, String)>,
    /// For ssh: file with the private key.
    pub ssh_identity_file: Option<std::path::PathBuf>,
    /// For ssh: file with the keys that the host may have; without it the machine's own are used. Unknown hosts are refused.
    pub ssh_known_hosts_file: Option<std::path::PathBuf>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(withheld)")
    }
}

/// A remote repository with the credentials for it.
#[derive(Clone, Debug)]
pub struct Remote {
    /// Where.
    pub url: Url,
    /// What it is shown.
    pub credentials: Credentials,
}

impl Remote {
    /// Tips of all branches and the default branch, without fetching: the question a poll asks.
    ///
    /// # Errors
    /// When the remote does not answer or refuses.
    pub fn branches(&self) -> Result<RemoteBranches, GitError> {
        transport::with_credentials(&self.credentials, || {
            let mut remote = git2::Remote::create_detached(self.url.as_str()).map_err(self.failed("ask"))?;
            let connection = remote.connect_auth(Direction::Fetch, None, None).map_err(self.failed("ask"))?;
            let default = connection.default_branch().ok();
            let default = default.and_then(|name| {
                name.as_str().ok().map(|name| name.trim_start_matches("refs/heads/").to_owned())
            });
            let heads = connection.list().map_err(self.failed("ask"))?;
            let tips = heads.iter().filter_map(|head| {
                let branch = head.name().strip_prefix("refs/heads/")?;
                Some((branch.to_owned(), CommitId::from(head.oid())))
            });
            Ok(RemoteBranches { default, tips: tips.collect() })
        })
    }

    /// Fetches one branch into the same branch of `mirror`, whatever history it has; returns its tip. No tags, no other branches.
    ///
    /// # Errors
    /// When the remote does not answer, refuses, or lacks the branch.
    pub fn fetch(&self, mirror: &Repository, branch: &str) -> Result<CommitId, GitError> {
        transport::with_credentials(&self.credentials, || {
            let git = mirror.lock();
            let mut remote = git.remote_anonymous(self.url.as_str()).map_err(self.failed("fetch from"))?;
            let mut options = FetchOptions::new();
            options
                .download_tags(AutotagOption::None)
                .prune(FetchPrune::Off)
                .follow_redirects(RemoteRedirect::None);
            let refspec = format!("+refs/heads/{branch}:refs/heads/{branch}");
            remote.fetch(&[refspec], Some(&mut options), None).map_err(self.failed("fetch from"))
        })?;
        mirror.branch_tip(branch)
    }

    /// Pushes `commit` to a branch that must be at `expected` (`None`: must not exist). The remote refuses a move that is no fast-forward, so together
    /// with `expected` as the commit's parent this is a compare-and-swap.
    ///
    /// # Errors
    /// When the remote does not answer, or refuses for any reason but a branch that moved, which is [`Swap::Lost`].
    pub fn push(&self, from: &Repository, branch: &str, commit: CommitId) -> Result<Swap, GitError> {
        let full_name = format!("refs/heads/{branch}");
        let refused = std::cell::RefCell::new(None);
        let outcome = transport::with_credentials(&self.credentials, || {
            let git = from.lock();
            let mut remote = git.remote_anonymous(self.url.as_str()).map_err(self.failed("push to"))?;
            let mut callbacks = RemoteCallbacks::new();
            callbacks.push_update_reference(|_, status| {
                *refused.borrow_mut() = status.map(str::to_owned);
                Ok(())
            });
            let mut options = PushOptions::new();
            options.remote_callbacks(callbacks).follow_redirects(RemoteRedirect::None);
            let refspec = format!("{commit}:{full_name}");
            remote.push(&[refspec], Some(&mut options)).map_err(self.failed("push to"))
        });
        let lost = match (&outcome, &*refused.borrow()) {
            (Ok(()), None) => return Ok(Swap::Moved),
            (Err(GitError::Other { source, .. }), _) => source.code() == git2::ErrorCode::NotFastForward,
            (_, Some(message)) => message.contains("fast-forward") || message.contains("fetch first"),
            _ => false,
        };
        if lost {
            let found =
                self.branches()?.tips.into_iter().find(|(name, _)| name == branch).map(|(_, tip)| tip);
            return Ok(Swap::Lost { found });
        }
        outcome?;
        let message = refused.into_inner().unwrap_or_default();
        Err(GitError::PushRefused { remote: self.url.to_string(), name: full_name, message })
    }

    fn failed(&self, action: &'static str) -> impl Fn(git2::Error) -> GitError + '_ {
        move |source| GitError::Other { action, repository: self.url.to_string(), source }
    }
}

/// What a remote has.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RemoteBranches {
    /// The branch its HEAD names.
    pub default: Option<String>,
    /// Tips by branch.
    pub tips: std::collections::BTreeMap<String, CommitId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_https_and_ssh_urls_without_passwords_pass() {
        for good in
            ["https://example.com/a.git", "ssh://git@example.com:2222/a/b.git", "https://[::1]:8443/a"]
        {
            assert!(Url::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "http://example.com/a",
            "file:///etc",
            "ext::sh -c id",
            "fd::3",
            "git@example.com:a.git",
            "/srv/git",
            "https://user:pw@example.com/a",
            "https://token@example.com/a",
            "ssh://-oProxyCommand=id/a",
            "ssh://-x@host/a",
            "https:///a",
            "https://example.com/",
            "https://exa\nmple.com/a",
            "ssh://host/-x",
        ] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn libgit2_is_the_release_without_known_holes() {
        assert!(git2::Version::get().libgit2_version() >= (1, 9, 7));
    }
}
