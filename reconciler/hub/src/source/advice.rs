//! What a failure of git means for a source, and what a person does about it.

use git::{GitError, RemoteFailure, Scheme, UrlError};

use super::observe::{SourceSpec, problem};
use crate::board::SourceProblem;

/// Reason of a problem: there is no repository, or none that may be read.
pub(super) const REPOSITORY_MISSING: &str = "RepositoryMissing";
/// Reason of a problem: it has no such branch.
pub(crate) const BRANCH_MISSING: &str = "BranchMissing";
/// Reason of a problem: what the commit says of the repository as a whole cannot be read.
pub(crate) const REPOSITORY_INVALID: &str = "RepositoryInvalid";

/// A problem with reason, message and advice. Nothing that runs stops running for it, and the message says so.
pub(crate) fn explain(error: &GitError, spec: &SourceSpec) -> SourceProblem {
    let (reason, advice) = match error {
        GitError::Nowhere { .. } | GitError::NotARepository { .. } => (
            REPOSITORY_MISSING,
            "restore it, or let spec.url of the GitSource name where it is now".to_owned(),
        ),
        GitError::ForeignOwner { .. } => (REPOSITORY_MISSING, String::new()),
        GitError::NoSuchRef { .. } => {
            (BRANCH_MISSING, "push that branch, or let spec.ref of the GitSource name another".to_owned())
        }
        GitError::Empty { .. } if spec.is_local() => ("RepositoryEmpty", "make a first commit".to_owned()),
        GitError::Empty { .. } => ("RepositoryEmpty", "push a first commit".to_owned()),
        GitError::Remote { source, .. } => advice(source, spec),
        _ => ("SourceUnavailable", String::new()),
    };
    let advice = if advice.is_empty() { advice } else { format!("; {advice}") };
    problem(reason, format!("{}{advice}; what runs keeps running", runtime::drive::chain(error)))
}

fn advice(failure: &RemoteFailure, spec: &SourceSpec) -> (&'static str, String) {
    use RemoteFailure as Why;
    let in_secret = |what: &str| match (&spec.secret, spec.login_advice) {
        (Some(name), _) => format!("put {what} into Secret gitstellar-system/{name}"),
        (None, Some(advice)) => advice.to_owned(),
        (None, None) => {
            format!("put {what} into a Secret in gitstellar-system, and its name into spec.secretRef")
        }
    };
    match failure {
        Why::LoginWanted => ("AuthenticationFailed", in_secret(login_keys(spec))),
        Why::LoginRefused { .. } | Why::BadIdentity { .. } => {
            ("AuthenticationFailed", in_secret(&format!("valid {}", login_keys(spec))))
        }
        Why::Forbidden { .. } => {
            ("AccessDenied", "give these credentials the right, or use others".to_owned())
        }
        Why::Missing => {
            ("RepositoryMissing", "correct spec.url, or give the credentials the right to see it".to_owned())
        }
        Why::Redirected { .. } => ("Redirected", "correct spec.url".to_owned()),
        Why::Certificate { .. } | Why::BadAuthorities => {
            ("CertificateUntrusted", in_secret("the certificate of the server's authority as ca.crt"))
        }
        Why::HostKeyUnknown | Why::HostKeyChanged => (
            "HostKeyUntrusted",
            format!("ask the server's owner for its host key, and {}", in_secret("it as known_hosts")),
        ),
        Why::Address { .. } => ("AddressNotAllowed", String::new()),
        Why::NotGit { .. } => ("SourceUnavailable", "check that spec.url is that of a repository".to_owned()),
        Why::TooLarge { .. } => ("RepositoryTooLarge", String::new()),
        Why::Unreachable { .. }
        | Why::Silent { .. }
        | Why::Status { .. }
        | Why::Said { .. }
        | Why::NoSsh { .. }
        | Why::Here { .. } => ("SourceUnavailable", "it is asked again".to_owned()),
    }
}

fn login_keys(spec: &SourceSpec) -> &'static str {
    match spec.scheme() {
        Some(Scheme::Ssh) => "identity and known_hosts",
        _ => "username and password, or bearerToken",
    }
}

/// The same for a URL that is refused. The URL is not repeated: it may hold a password.
pub(super) fn explain_url(error: &UrlError) -> SourceProblem {
    let advice = match error {
        UrlError::Credentials => {
            "; put them into a Secret in gitstellar-system as username and password, name it in spec.secretRef, and revoke them: they stand in a GitSource that many may read"
        }
        UrlError::Scheme { .. } => {
            "; a path on the hub's machine begins with / and needs a hub started with --allow-local-sources"
        }
        UrlError::Malformed { .. } => "",
    };
    problem("UrlInvalid", format!("{error}{advice}"))
}

/// What a status push that failed means.
pub(crate) fn explain_push(error: &GitError, branch: &str) -> SourceProblem {
    let turn_off = "or turn status commits off with an empty spec.report.ref; sync goes on";
    let message = runtime::drive::chain(error);
    match error {
        GitError::PushRefused { .. } => problem(
            "PushRefused",
            format!("{message}; let the branch {branch} be written by these credentials, {turn_off}"),
        ),
        GitError::Remote { source: RemoteFailure::Forbidden { .. } | RemoteFailure::LoginWanted, .. } => {
            problem(
                "PushRefused",
                format!(
                    "{message}; give these credentials the right to write the branch {branch}, {turn_off}"
                ),
            )
        }
        _ => problem("PushFailed", format!("{message}; it is tried again, sync goes on")),
    }
}
