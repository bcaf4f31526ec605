//! What ssh and the program at its other end mean by what they say. Their words are all they give; the texts are those of OpenSSH, git and the big forges.

use crate::Credentials;
use crate::failure::RemoteFailure;

/// Finds the failure behind the words of an error stream. The first row that fits counts.
pub(super) fn meaning(said: &str, credentials: &Credentials) -> RemoteFailure {
    let has = |words: &str| said.contains(words);
    let printable = || credentials.printable(said);
    if has("REMOTE HOST IDENTIFICATION HAS CHANGED") {
        RemoteFailure::HostKeyChanged
    } else if has("Host key verification failed") {
        RemoteFailure::HostKeyUnknown
    } else if has("Load key ") || has("invalid format") || has("error in libcrypto") {
        RemoteFailure::BadIdentity { said: printable() }
    } else if has("Permission denied (") || has("Too many authentication failures") {
        RemoteFailure::LoginRefused { said: printable() }
    } else if has("Could not resolve hostname") {
        RemoteFailure::Unreachable { detail: "there is no host of this name".to_owned() }
    } else if UNREACHABLE.iter().any(|words| has(words)) {
        RemoteFailure::Unreachable { detail: printable() }
    } else if MISSING.iter().any(|words| has(words)) {
        RemoteFailure::Missing
    } else if FORBIDDEN.iter().any(|words| has(words)) {
        RemoteFailure::Forbidden { said: printable() }
    } else if said.trim().is_empty() {
        RemoteFailure::NotGit { detail: "it ended without a word".to_owned() }
    } else {
        RemoteFailure::Said { said: printable() }
    }
}

const UNREACHABLE: [&str; 7] = [
    "Connection refused",
    "Connection timed out",
    "Operation timed out",
    "No route to host",
    "Network is unreachable",
    "Connection closed by",
    "Connection reset by",
];
const MISSING: [&str; 4] = [
    "does not appear to be a git repository",
    "Repository not found",
    "repository not found",
    "could not be found",
];
const FORBIDDEN: [&str; 5] = [
    "Permission to ",
    "The key you are authenticating with has been marked as read only",
    "You are not allowed to push",
    "DENIED by ",
    "insufficient permission",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_words_of_ssh_and_forges_are_understood() {
        let check = |said: &str, wanted: fn(&RemoteFailure) -> bool| {
            let found = meaning(said, &Credentials::default());
            assert!(wanted(&found), "{said:?} was taken for {found:?}");
        };
        check(
            "No ED25519 host key is known for h and you have requested strict checking.\r\nHost key verification failed.\r\n",
            |f| *f == RemoteFailure::HostKeyUnknown,
        );
        check("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.", |f| {
            *f == RemoteFailure::HostKeyChanged
        });
        check("git@h: Permission denied (publickey).", |f| matches!(f, RemoteFailure::LoginRefused { .. }));
        check("Load key \"/tmp/x\": invalid format\ngit@h: Permission denied (publickey).", |f| {
            matches!(f, RemoteFailure::BadIdentity { .. })
        });
        check("ssh: Could not resolve hostname h: Name or service not known", |f| {
            matches!(f, RemoteFailure::Unreachable { .. })
        });
        check("ssh: connect to host h port 22: Connection refused", |f| {
            matches!(f, RemoteFailure::Unreachable { .. })
        });
        check("fatal: '/srv/a' does not appear to be a git repository", |f| *f == RemoteFailure::Missing);
        check("ERROR: Repository not found.\nfatal: Could not read from remote repository.", |f| {
            *f == RemoteFailure::Missing
        });
        check("ERROR: The key you are authenticating with has been marked as read only.", |f| {
            matches!(f, RemoteFailure::Forbidden { .. })
        });
        check("", |f| matches!(f, RemoteFailure::NotGit { .. }));
        check("the moon is in the wrong phase", |f| matches!(f, RemoteFailure::Said { .. }));
    }
}
