//! URLs of repositories.

use git::{Scheme, Url};

/// What is accepted is https or ssh, without a password, without anything that a program could take for an option; a refusal does not repeat a password.
pub fn git_url(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    match Url::parse(text) {
        Ok(url) => {
            assert_eq!(url.as_str(), text);
            assert_eq!(Url::parse(url.as_str()).as_ref(), Ok(&url));
            let scheme = if url.scheme() == Scheme::Https { "https://" } else { "ssh://" };
            assert!(text.starts_with(scheme), "{text}");
            assert!(!text.contains(|c: char| c.is_control() || c.is_whitespace() || c == '\\'), "{text:?}");
            assert!(!url.host().is_empty() && !url.host().starts_with('-'), "{text}");
            let authority = text[scheme.len()..].split('/').next().unwrap_or_default();
            let user = authority.rsplit_once('@').map(|(user, _)| user);
            assert!(user.is_none_or(|user| !user.contains(':') && !user.starts_with('-')), "{text}");
            assert!(user.is_none() || url.scheme() == Scheme::Ssh, "{text}");
            assert!(url.is_below(text), "{text} is not below itself");
        }
        Err(error) => {
            let said = error.to_string();
            let secret =
                text.rsplit_once('@').and_then(|(user, _)| user.rsplit_once(':')).map(|(_, secret)| secret);
            // Short texts stand in our own words, too, and long ones when they were taken from there: then the same is said of another password.
            let is_said_anyway = |secret: &str| {
                let other = text.replace(secret, &secret.chars().rev().collect::<String>());
                secret.len() < 12 || Url::parse(&other).is_err_and(|error| error.to_string() == said)
            };
            assert!(secret.is_none_or(|secret| !said.contains(secret) || is_said_anyway(secret)), "{said}");
        }
    }
}
