//! Which URLs a remote may have.

use std::fmt;

/// Why a URL is refused. No message repeats the URL: what is wrong with it may be that it holds a password.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Only https and ssh.
    #[error("the URL of a repository begins with https:// or ssh://{}", hint(scheme.as_deref()))]
    Scheme {
        /// What it begins with instead, if that looks like a scheme. `git@host:path` does not, and may hold anything.
        scheme: Option<String>,
    },
    /// Credentials do not belong there.
    #[error("the URL must hold no user name, password or token for https, and no password for ssh")]
    Credentials,
    /// A host or user that could be taken for an option, control characters, an empty path.
    #[error("the URL is malformed: {detail}")]
    Malformed {
        /// What is wrong.
        detail: &'static str,
    },
}

fn hint(scheme: Option<&str>) -> String {
    scheme.map_or_else(
        || "; write git@HOST:PATH as ssh://git@HOST/PATH".to_owned(),
        |scheme| format!(" (this one begins with {scheme}:)"),
    )
}

/// How a remote is spoken to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Scheme {
    /// Git's smart HTTP, always with TLS.
    Https,
    /// A git process at the other end of ssh.
    Ssh,
}

/// The checked URL of a remote. Displays as it was written; it holds no password.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Url {
    text: String,
    scheme: Scheme,
    user: Option<String>,
    /// Without the brackets of an IPv6 address.
    host: String,
    port: Option<u16>,
    /// Without the slash before it.
    path: String,
}

impl Url {
    /// Checks `https://host[:port]/path` or `ssh://[user@]host[:port]/path`.
    ///
    /// # Errors
    /// Everything else, among it `file://`, `ext::`, `git@host:path`, passwords, and names that begin with a dash.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        if text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\') {
            return Err(malformed("it holds white space, control characters or a backslash"));
        }
        let (name, rest) = text.split_once("://").unwrap_or((text, ""));
        let scheme = match name {
            "https" => Scheme::Https,
            "ssh" => Scheme::Ssh,
            _ => return Err(UrlError::Scheme { scheme: scheme_like(text) }),
        };
        let (authority, path) = rest.split_once('/').ok_or(malformed("it has no path"))?;
        let (user, host_and_port) = match authority.rsplit_once('@') {
            Some((user, host)) => (Some(user.to_owned()), host),
            None => (None, authority),
        };
        if user.as_deref().is_some_and(|user| user.contains(':') || scheme == Scheme::Https) {
            return Err(UrlError::Credentials);
        }
        let (host, port) = host_and_port_of(host_and_port)?;
        let url = Self { text: text.to_owned(), scheme, user, host, port, path: path.to_owned() };
        url.check()?;
        Ok(url)
    }

    fn check(&self) -> Result<(), UrlError> {
        if self.path.is_empty() || self.path.starts_with('-') {
            return Err(malformed("its path is empty or begins with a dash"));
        }
        if self.path.contains(['?', '#']) {
            return Err(malformed("it holds a question mark or a hash sign"));
        }
        let user_ok = |c: char| c.is_ascii_alphanumeric() || "._-+".contains(c);
        let user = self.user.as_deref();
        if user.is_some_and(|user| user.is_empty() || user.starts_with('-') || !user.chars().all(user_ok)) {
            return Err(malformed("its user is empty, begins with a dash, or holds odd characters"));
        }
        let host_ok = |c: char| c.is_ascii_alphanumeric() || ".-:_".contains(c);
        if self.host.is_empty() || self.host.starts_with('-') || !self.host.chars().all(host_ok) {
            return Err(malformed("its host is empty, begins with a dash, or holds odd characters"));
        }
        Ok(())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How it is spoken to.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The host, an IPv6 address without its brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Whether the host is this machine by its name. Whoever allows it so means it; another name that leads here does not count.
    pub fn names_this_machine(&self) -> bool {
        matches!(self.host(), "localhost" | "127.0.0.1" | "::1")
    }

    pub(crate) fn user(&self) -> Option<&str> {
        self.user.as_deref()
    }

    pub(crate) fn port(&self) -> Option<u16> {
        self.port
    }

    /// The path as the program at the other end of ssh reads it: absolute, or `~…` for a home directory there.
    pub(crate) fn remote_path(&self) -> String {
        if self.path.starts_with('~') { self.path.clone() } else { format!("/{}", self.path) }
    }

    /// Whether it lies below `prefix`, which ends at a `/` or is the whole URL, with or without `.git`.
    pub fn is_below(&self, prefix: &str) -> bool {
        let plain = |text: &str| text.trim_end_matches('/').trim_end_matches(".git").to_owned();
        let (own, prefix) = (plain(&self.text), plain(prefix));
        // A prefix must name a host as a whole: https://git.example must not stand for https://git.example.evil.
        let names_a_host = prefix.split_once("://").is_some_and(|(_, rest)| !rest.is_empty());
        names_a_host && own.strip_prefix(&prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }
}

/// What stands before `://` or `::`, if it is a word.
fn scheme_like(text: &str) -> Option<String> {
    let (word, _) = text.split_once("://").or_else(|| text.split_once("::"))?;
    let is_word =
        !word.is_empty() && word.len() <= 12 && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '+');
    is_word.then(|| word.to_owned())
}

const fn malformed(detail: &'static str) -> UrlError {
    UrlError::Malformed { detail }
}

fn host_and_port_of(text: &str) -> Result<(String, Option<u16>), UrlError> {
    let (host, port) = if let Some(bracketed) = text.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']').ok_or(malformed("its host has no closing bracket"))?;
        let address: Result<std::net::Ipv6Addr, _> = host.parse();
        if address.is_err() || !(rest.is_empty() || rest.starts_with(':')) {
            return Err(malformed("what stands in brackets is no IPv6 address"));
        }
        (host, rest.strip_prefix(':'))
    } else {
        text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port)))
    };
    if host.contains(':') && !text.starts_with('[') {
        return Err(malformed("an IPv6 address stands in brackets"));
    }
    let port = port.map(str::parse::<u16>).transpose().map_err(|_| malformed("its port is no port"))?;
    Ok((host.to_owned(), port))
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn https_and_ssh_urls_are_taken_apart() {
        let url = Url::parse("ssh://git@example.com:2222/a/b.git").unwrap();
        assert_eq!((url.scheme(), url.user(), url.host()), (Scheme::Ssh, Some("git"), "example.com"));
        assert_eq!((url.port(), url.remote_path()), (Some(2222), "/a/b.git".to_owned()));
        assert_eq!(Url::parse("ssh://host/~ann/a").unwrap().remote_path(), "~ann/a");
        let url = Url::parse("https://[::1]:8443/a").unwrap();
        assert_eq!((url.host(), url.port()), ("::1", Some(8443)));
        assert!(Url::parse("https://example.com/a.git").is_ok());
    }

    #[test]
    fn atk_09_other_schemes_options_and_line_breaks_in_urls_are_refused() {
        for bad in [
            "http://example.com/a",
            "file:///etc",
            "ext::sh -c id",
            "fd::3",
            "git@example.com:a.git",
            "/srv/git",
            "HTTPS://example.com/a",
            "ssh://-oProxyCommand=id/a",
            "ssh://-x@host/a",
            "ssh://a b@host/a",
            "ssh://$(id)@host/a",
            "https:///a",
            "https://example.com/",
            "https://example.com",
            "https://exa\nmple.com/a",
            "https://example.com/a\r\nHost: evil",
            "https://example.com/a?x=1",
            "https://example.com/a#b",
            "https://example.com\\@evil/a",
            "ssh://host/-x",
            "ssh://host:/a",
            "ssh://host:99999/a",
            "ssh://::1/a",
            "https://[::1/a",
            "https://[example.com]/a",
            "https://%31%32%37.0.0.1/a",
        ] {
            assert!(Url::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn atk_34_a_url_with_credentials_is_refused_and_not_repeated() {
        for bad in [
            "https://user:hunter2@example.com/a",
            "https://hunter2@example.com/a",
            "ssh://git:hunter2@example.com/a",
            "hunter2@example.com:a",
            "https://example.com:hunter2@/a",
        ] {
            let error = Url::parse(bad).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("hunter2"), "{bad}: {error}");
        }
    }

    #[test]
    fn a_prefix_ends_where_a_name_ends() {
        let url = Url::parse("https://git.example.com/team/fleet.git").unwrap();
        for prefix in [
            "https://git.example.com",
            "https://git.example.com/",
            "https://git.example.com/team",
            "https://git.example.com/team/fleet",
            "https://git.example.com/team/fleet.git",
        ] {
            assert!(url.is_below(prefix), "{prefix}");
        }
        for prefix in
            ["", "https://", "https://git", "https://git.example.com/te", "ssh://git.example.com/team"]
        {
            assert!(!url.is_below(prefix), "{prefix}");
        }
        let evil = Url::parse("https://git.example.com.evil/team/fleet").unwrap();
        assert!(!evil.is_below("https://git.example.com"));
    }
}
