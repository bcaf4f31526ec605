//! Asking hosts: which ones may be asked, where a redirect may lead, and what an answer means.
//!
//! A redirect is followed to https only, to hosts that are allowed only, and to another host without the token. The token of a registry is one for anonymous
//! callers; still it is shown to nobody but the registry.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::Duration;

use git::https::{Answer, Get};
use git::{Limits, RemoteFailure, Scheme, Url, Withheld};
use render::helm::{FetchError, host_of};

use super::locked;

const MOST_REDIRECTS: usize = 5;

/// Which hosts may be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Hosts {
    /// These: names with their port, where it is not the usual one.
    Only(Vec<String>),
    /// All that repositories name and point to. For a command that a person runs on a tree of theirs; never for a hub.
    Any,
}

/// A place to ask.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    url: Url,
    /// It may hold a signature: no message repeats it.
    query: Option<String>,
}

impl Place {
    /// Takes `https://HOST/PATH`, with or without a query.
    pub(super) fn parse(text: &str) -> Result<Self, FetchError> {
        let (plain, query) = text.split_once('?').map_or((text, None), |(plain, query)| (plain, Some(query)));
        let odd = |c: char| !c.is_ascii_graphic() || c == '#';
        if query.is_some_and(|query| query.contains(odd)) {
            return Err(FetchError::Refused(
                "an address with odd characters in its query is none".to_owned(),
            ));
        }
        match Url::parse(plain) {
            Ok(url) if url.scheme() == Scheme::Https => Ok(Self { url, query: query.map(str::to_owned) }),
            Ok(_) => Err(FetchError::Refused("charts come by https and by no other way".to_owned())),
            Err(error) => Err(FetchError::Refused(format!("an address that no chart comes from: {error}"))),
        }
    }

    /// Whether the host of an address, of whatever scheme, is this machine by its name.
    pub(super) fn is_loopback_named(address: &str) -> bool {
        let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
        Url::parse(&format!("https://{rest}")).is_ok_and(|url| url.names_this_machine())
    }

    /// The host and its port.
    fn host(&self) -> String {
        host_of(self.url.as_str())
    }

    /// The same, for what has to stay on this host.
    pub(super) fn beside(&self, target: &str) -> Result<Self, FetchError> {
        let next = self.follow(target)?;
        if next.host() == self.host() {
            return Ok(next);
        }
        Err(FetchError::Refused(format!("{}: it goes on at another host, {}", self.url, next.host())))
    }

    /// Where a `Location` or a `Link` of this place leads to.
    pub(super) fn follow(&self, target: &str) -> Result<Self, FetchError> {
        let target = target.split('#').next().unwrap_or_default();
        if target.starts_with('/') && !target.starts_with("//") {
            return Self::parse(&format!("https://{}{target}", self.host()));
        }
        Self::parse(target)
    }
}

/// One question.
pub(super) struct Question<'a> {
    pub(super) place: Place,
    pub(super) accept: &'a str,
    pub(super) most_bytes: u64,
    pub(super) token: Option<&'a Withheld>,
    /// Whether the answer may come from this machine, as far as the host is named so.
    pub(super) loopback: bool,
}

impl<'a> Question<'a> {
    pub(super) fn new(place: Place, accept: &'a str, most_bytes: u64) -> Self {
        Question { place, accept, most_bytes, token: None, loopback: false }
    }
}

/// Asks hosts.
pub(super) struct Web {
    hosts: Hosts,
    silence: Duration,
    asked: Mutex<BTreeSet<String>>,
}

impl Web {
    pub(super) fn new(hosts: Hosts, silence: Duration) -> Self {
        let hosts = match hosts {
            Hosts::Only(hosts) => Hosts::Only(hosts.iter().map(|host| host.to_ascii_lowercase()).collect()),
            Hosts::Any => Hosts::Any,
        };
        Self { hosts, silence, asked: Mutex::default() }
    }

    pub(super) fn asked(&self) -> Vec<String> {
        locked(&self.asked).iter().cloned().collect()
    }

    /// Whether the host of an address may be asked.
    pub(super) fn allow(&self, address: &str) -> Result<(), FetchError> {
        let host = host_of(address);
        match &self.hosts {
            Hosts::Only(hosts) if !hosts.contains(&host) => Err(FetchError::NotAllowed { host }),
            _ => Ok(()),
        }
    }

    /// The answer to a question that anybody may ask.
    pub(super) fn get(&self, question: &Question<'_>) -> Result<Answer, FetchError> {
        let answer = self.ask(question)?;
        if answer.status == 401 { Err(wrong_status(&question.place, 401)) } else { Ok(answer) }
    }

    /// The same, or the answer 401 of a host that wants to be asked in another way.
    pub(super) fn ask(&self, question: &Question<'_>) -> Result<Answer, FetchError> {
        let mut place = question.place.clone();
        let mut token = question.token;
        for _ in 0..=MOST_REDIRECTS {
            let answer = self.once(&place, question, token)?;
            let status = answer.status;
            match (status, &answer.location) {
                (200 | 401, _) => return Ok(answer),
                (301 | 302 | 303 | 307 | 308, Some(target)) => {
                    let next = place.follow(target)?;
                    if next.host() != place.host() {
                        token = None;
                    }
                    place = next;
                }
                _ => return Err(wrong_status(&place, status)),
            }
        }
        Err(FetchError::Failed(format!("{} redirects more than {MOST_REDIRECTS} times", question.place.url)))
    }

    fn once(
        &self,
        place: &Place,
        question: &Question<'_>,
        token: Option<&Withheld>,
    ) -> Result<Answer, FetchError> {
        self.allow(place.url.as_str())?;
        let named = Place::is_loopback_named(place.url.as_str());
        // Whoever allows this machine by its name wants just that; without a list only what the tree itself names may be here.
        let loopback = named && (question.loopback || self.hosts != Hosts::Any);
        locked(&self.asked).insert(place.host());
        let get = Get {
            url: &place.url,
            query: place.query.as_deref(),
            accept: question.accept,
            token,
            limits: Limits { silence: self.silence, loopback },
            most_bytes: question.most_bytes,
        };
        get.send().map_err(|failure| {
            let said = format!("{}: {failure}", place.url);
            match failure {
                RemoteFailure::Address { .. } | RemoteFailure::TooLarge { .. } => FetchError::Refused(said),
                _ => FetchError::Failed(said),
            }
        })
    }
}

fn wrong_status(place: &Place, status: u16) -> FetchError {
    let url = &place.url;
    FetchError::Failed(match status {
        401 | 403 => format!(
            "{url}: it gives this to nobody without a login (HTTP status {status}), and nobody is shown one; vendor the chart"
        ),
        404 | 410 => format!(
            "{url}: there is nothing (HTTP status {status}); if it has moved, run `gitstellar lock --update`"
        ),
        _ => format!("{url}: it answers with HTTP status {status}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_lead_to_https_and_to_allowed_hosts_only() {
        let here = Place::parse("https://charts.example.com:8443/a/web.tgz").unwrap();
        let check = |target: &str, expected: Option<&str>| {
            let found = here.follow(target).ok().map(|place| place.url.to_string());
            assert_eq!(found.as_deref(), expected, "{target}");
        };
        check("/b/web.tgz?sig=x%2F1", Some("https://charts.example.com:8443/b/web.tgz"));
        check("https://cdn.example.com/w.tgz?sig=x#y", Some("https://cdn.example.com/w.tgz"));
        for bad in
            ["http://x/y", "file:///etc/passwd", "//evil/x", "web.tgz", "https://u:p@x/y", "ssh://x/y", ""]
        {
            check(bad, None);
        }
        assert!(here.beside("/v2/x/tags/list?last=1").is_ok());
        assert!(here.beside("https://cdn.example.com/v2/x/tags/list").is_err());
        let web = Web::new(Hosts::Only(vec!["Charts.example.com:8443".to_owned()]), Duration::from_secs(1));
        assert!(web.allow("https://CHARTS.example.com:8443/x").is_ok());
        let refused = web.allow("https://charts.example.com/x").unwrap_err();
        assert_eq!(refused, FetchError::NotAllowed { host: "charts.example.com".to_owned() });
    }

    #[test]
    fn only_what_is_named_like_this_machine_counts_as_it() {
        for (address, expected) in [
            ("https://127.0.0.1:8443/x", true),
            ("oci://localhost/x", true),
            ("https://[::1]:1/x", true),
            ("https://127.0.0.1.evil.com/x", false),
            ("https://127.0.0.2/x", false),
            ("https://example.com/127.0.0.1", false),
        ] {
            assert_eq!(Place::is_loopback_named(address), expected, "{address}");
        }
    }
}
