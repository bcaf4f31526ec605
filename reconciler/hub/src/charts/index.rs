//! `index.yaml` of a chart repository: of it only the versions of one chart are read. The file may be tens of megabytes, and everything else in it is passed over.

use std::fmt;
use std::marker::PhantomData;

use apimachinery::Digest;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

/// Bytes of an index that are read.
pub(super) const LARGEST_INDEX_BYTES: u64 = 64 << 20;
const MOST_VALUES: usize = 20_000_000;
/// Characters of what is said about an index: it may quote it.
const LONGEST_COMPLAINT: usize = 300;

/// One version of a chart.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Release {
    /// As the index writes it.
    pub version: String,
    /// Where its archive is, relative to the repository or not; the first one counts.
    #[serde(default)]
    urls: Vec<String>,
    #[serde(default)]
    digest: Option<String>,
}

impl Release {
    /// The address of the archive, always https.
    ///
    /// # Errors
    /// Why the archive cannot be fetched, to be told to a person.
    pub fn url(&self, repository: &str) -> Result<String, String> {
        let Some(url) = self.urls.first() else {
            return Err(format!("the index names no archive for version {}", self.version));
        };
        if url.starts_with("oci://") {
            return Err(format!(
                "the index points to a registry for version {}: name the registry as the repository, oci://HOST/PATH without the chart",
                self.version
            ));
        }
        let whole = if url.contains("://") { url.clone() } else { format!("{repository}/{url}") };
        match render::helm::check_address(&whole) {
            Ok(render::helm::Way::Https) => Ok(whole),
            _ => Err(format!(
                "the index names an archive for version {} that does not come by https, or whose address has a login, a query or .. in it; vendor the chart",
                self.version
            )),
        }
    }

    /// What the index says of the archive; repositories are free to say nothing.
    pub fn digest(&self) -> Option<Digest> {
        let text = self.digest.as_deref()?;
        Digest::parse(text.strip_prefix("sha256:").unwrap_or(text))
    }
}

/// The versions of a chart, in the order of the index.
///
/// # Errors
/// Why the index cannot be read, to be told to a person.
pub fn releases(bytes: &[u8], chart: &str) -> Result<Vec<Release>, String> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_events: MOST_VALUES,
            max_nodes: MOST_VALUES,
            max_aliases: 1_000,
        },
        with_snippet: false,
    };
    let releases = Member { name: chart, map: "a map of charts", seed: PhantomData::<Vec<Release>> };
    let index = Member { name: "entries", map: "a map with entries", seed: releases };
    let read = serde_saphyr::with_deserializer_from_slice_with_options(bytes, options, |deserializer| {
        index.deserialize(deserializer)
    });
    // The first line of the message: it has the place.
    read.map_err(|error| {
        let said = error.to_string();
        let line = said.lines().next().unwrap_or("it is malformed");
        let printable: String = line.chars().filter(|c| !c.is_control()).take(LONGEST_COMPLAINT).collect();
        format!("its index.yaml cannot be read: {printable}")
    })
}

/// Of a map one member, read by a seed, and nothing where it is not there. All others are passed over.
#[derive(Clone, Copy)]
struct Member<'a, S> {
    name: &'a str,
    /// What a reader is told that the map should be.
    map: &'static str,
    seed: S,
}

impl<'de, S: DeserializeSeed<'de, Value: Default> + Clone> DeserializeSeed<'de> for Member<'_, S> {
    type Value = S::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<S::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, S: DeserializeSeed<'de, Value: Default> + Clone> Visitor<'de> for Member<'_, S> {
    type Value = S::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.map)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<S::Value, A::Error> {
        let mut found = S::Value::default();
        while let Some(key) = map.next_key::<String>()? {
            if key == self.name {
                found = map.next_value_seed(self.seed.clone())?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "apiVersion: v1\nentries:\n  other:\n  - { version: [odd], urls: 7 }\n  web:\n  - version: 1.10\n    created: 2026-01-01T00:00:00Z\n    digest: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n    urls: [charts/web-1.10.0.tgz]\n  - version: 1.0.0\n    urls: ['https://cdn.example.com/web-1.0.0.tgz']\ngenerated: x\n";

    #[test]
    fn of_an_index_the_versions_of_one_chart_are_read() {
        let found = releases(INDEX.as_bytes(), "web").unwrap();
        assert_eq!(
            found.iter().map(|release| release.version.as_str()).collect::<Vec<_>>(),
            ["1.10", "1.0.0"]
        );
        let repository = "https://charts.example.com/stable";
        assert_eq!(found[0].url(repository).unwrap(), format!("{repository}/charts/web-1.10.0.tgz"));
        assert_eq!(found[0].digest(), Some(Digest::of(b"test")));
        assert_eq!(found[1].url(repository).unwrap(), "https://cdn.example.com/web-1.0.0.tgz");
        assert_eq!(found[1].digest(), None);
        assert!(releases(INDEX.as_bytes(), "none").unwrap().is_empty());
        let json = br#"{"entries":{"web":[{"version":"1.0.0","urls":["a.tgz"]}]}}"#;
        assert_eq!(releases(json, "web").unwrap().len(), 1);
    }

    #[test]
    fn what_a_hostile_index_names_is_refused() {
        let named =
            |url: &str| Release { version: "1.0.0".to_owned(), urls: vec![url.to_owned()], digest: None };
        for url in [
            "file:///etc/passwd",
            "http://charts.example.com/web.tgz",
            "../../secret.tgz",
            "a/../../b.tgz",
            "https://u:p@h/web.tgz",
            "https://h/web.tgz?x=y",
            "ext::sh",
            "gopher://h/x",
            "a b.tgz",
            "a\n.tgz",
        ] {
            let outcome = named(url).url("https://charts.example.com");
            // What has no scheme is a path below the repository, whatever it looks like.
            let stays = outcome.as_ref().is_ok_and(|url| url.starts_with("https://charts.example.com/"));
            assert!(outcome.is_err() || (stays && url == "ext::sh"), "{url}: {outcome:?}");
        }
        assert!(named("oci://h/charts/web:1").url("https://h").unwrap_err().contains("name the registry"));
        assert!(releases(b"entries: 7", "web").is_err());
        assert!(releases(b"entries: { web: { version: 1 } }", "web").is_err());
        assert!(releases(b"entries: [", "web").unwrap_err().contains("cannot be read"));
        let deep = format!("entries: {}", "[".repeat(100_000));
        assert!(releases(deep.as_bytes(), "web").is_err());
    }
}
