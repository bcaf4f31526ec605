//! What a remote is shown, kept out of everything that is printed.

use std::fmt;

/// A text that must never be printed. There is no `Display`, and `Debug` tells nothing of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Withheld(String);

impl Withheld {
    /// Takes a text out of circulation.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that sends it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Withheld {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(withheld)")
    }
}

/// How one logs in over https.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HttpsLogin {
    /// User name and password, or a token in its place.
    Basic {
        /// User name.
        user: String,
        /// Password or token.
        password: Withheld,
    },
    /// `Authorization: Bearer`.
    Bearer(Withheld),
}

/// How one logs in over ssh without the machine's own keys, agent and configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshLogin {
    /// The private key, as its file holds it.
    pub identity: Withheld,
    /// The keys that the host may have, as a `known_hosts` file holds them. Others are refused.
    pub known_hosts: String,
}

/// What a remote is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// For https.
    pub https: Option<HttpsLogin>,
    /// For https: the authorities that may have signed the server's certificate, in PEM; absent are those the machine trusts.
    pub authorities: Option<String>,
    /// For ssh; without it the machine's own configuration, keys, agent and known hosts count.
    pub ssh: Option<SshLogin>,
}

impl Credentials {
    /// Everything that must not be printed.
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let https = match &self.https {
            Some(HttpsLogin::Basic { password, .. }) => Some(password.reveal()),
            Some(HttpsLogin::Bearer(token)) => Some(token.reveal()),
            None => None,
        };
        let lines = self.ssh.iter().flat_map(|ssh| ssh.identity.reveal().lines());
        https.into_iter().chain(lines.filter(|line| !line.starts_with("-----")))
    }

    /// What the other side said, fit to be printed: one line of printable text, bounded, and without our secrets, should the other side repeat them.
    pub(crate) fn printable(&self, said: &str) -> String {
        let mut text: String = said
            .split_whitespace()
            .map(|word| word.chars().filter(|c| !c.is_control()).collect::<String>())
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        for secret in self.secrets().filter(|secret| !secret.is_empty()) {
            text = text.replace(secret, "(withheld)");
        }
        match text.char_indices().nth(LONGEST_SAYING) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}

/// Characters of what the other side says that are repeated at most.
const LONGEST_SAYING: usize = 400;

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Credentials {
        let identity =
            "-----BEGIN OPENSSH PRIVATE KEY-----\nhunter2line\n-----END OPENSSH PRIVATE KEY-----\n";
        Credentials {
            https: Some(HttpsLogin::Basic { user: "ann".to_owned(), password: Withheld::new("hunter2") }),
            authorities: None,
            ssh: Some(SshLogin {
                identity: Withheld::new(identity),
                known_hosts: "h ssh-ed25519 A".to_owned(),
            }),
        }
    }

    #[test]
    fn debug_output_holds_no_secret() {
        let bearer = HttpsLogin::Bearer(Withheld::new("hunter2"));
        let text = format!("{:?} {bearer:?}", all());
        assert!(!text.contains("hunter2"), "{text}");
        assert!(text.contains("ann"), "{text}");
    }

    #[test]
    fn what_the_other_side_says_is_one_bounded_line_without_our_secrets() {
        let credentials = all();
        assert_eq!(credentials.printable("no\u{1b}[31m\r\n\n  hunter2!\0\n"), "no[31m (withheld)!");
        assert_eq!(credentials.printable("key hunter2line"), "key (withheld)line");
        assert_eq!(credentials.printable(&"ä".repeat(1000)).chars().count(), LONGEST_SAYING + 1);
    }
}
