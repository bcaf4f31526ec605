//! Charts in an OCI registry: tags, a manifest, the layer that is the archive, and the token that registries give to anonymous callers.

use std::cell::RefCell;

use apimachinery::Digest;
use git::Withheld;
use git::https::Answer;
use render::helm::FetchError;
use serde::Deserialize;

use super::web::{Place, Question, Web};
use super::{ANYTHING, LARGEST_ARCHIVE_BYTES};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// What Helm calls the layer that is the archive, and what it called it before.
const LAYERS: [&str; 2] = ["application/vnd.cncf.helm.chart.content.v1.tar+gzip", "application/tar+gzip"];
const JSON: &str = "application/json";
const LARGEST_ANSWER_BYTES: u64 = 4 << 20;
/// Pages of a list of tags.
const MOST_PAGES: usize = 50;

/// One chart's repository in a registry.
pub(super) struct Registry<'a> {
    web: &'a Web,
    /// `https://HOST/v2/PATH/NAME`.
    base: String,
    /// `PATH/NAME`.
    name: String,
    loopback: bool,
    token: RefCell<Option<Withheld>>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Layer {
    media_type: String,
    digest: String,
}

#[derive(Deserialize)]
struct Tags {
    /// Some registries say null of an empty list.
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct Token {
    token: Option<String>,
    access_token: Option<String>,
}

impl<'a> Registry<'a> {
    /// The repository of a chart below `oci://HOST/PATH`.
    pub(super) fn of(web: &'a Web, address: &str, chart: &str) -> Result<Self, FetchError> {
        let rest = address.strip_prefix("oci://").and_then(|rest| rest.split_once('/'));
        let (host, path) =
            rest.ok_or_else(|| FetchError::Refused("a registry is oci://HOST/PATH".to_owned()))?;
        let name = format!("{path}/{chart}");
        Ok(Self {
            web,
            base: format!("https://{host}/v2/{name}"),
            loopback: Place::is_loopback_named(address),
            name,
            token: RefCell::default(),
        })
    }

    /// The archive of this digest.
    pub(super) fn archive(&self, digest: &Digest) -> Result<Vec<u8>, FetchError> {
        let place = self.place(&format!("blobs/sha256:{digest}"))?;
        Ok(self.get(&place, ANYTHING, LARGEST_ARCHIVE_BYTES)?.body)
    }

    /// The digest of the archive of a version.
    pub(super) fn digest(&self, version: &str) -> Result<Digest, FetchError> {
        // A tag cannot have the plus sign of a version's metadata.
        let place = self.place(&format!("manifests/{}", version.replace('+', "_")))?;
        let manifest: Manifest = self.json(&self.get(&place, MANIFEST, LARGEST_ANSWER_BYTES)?)?;
        let layer = manifest.layers.iter().find(|layer| LAYERS.contains(&layer.media_type.as_str()));
        let digest = layer.and_then(|layer| layer.digest.strip_prefix("sha256:")).and_then(Digest::parse);
        digest.ok_or_else(|| {
            FetchError::Refused(format!("{}: what it has for {version} is no chart of Helm", self.base))
        })
    }

    /// The versions that there are.
    pub(super) fn versions(&self) -> Result<Vec<String>, FetchError> {
        let mut place = self.place("tags/list")?;
        let mut versions = Vec::new();
        for _ in 0..MOST_PAGES {
            let answer = self.get(&place, JSON, LARGEST_ANSWER_BYTES)?;
            let page: Tags = self.json(&answer)?;
            versions.extend(page.tags.unwrap_or_default().iter().map(|tag| tag.replace('_', "+")));
            // `</v2/…?last=…>; rel="next"`
            let next = answer.link.as_deref().and_then(|link| link.strip_prefix('<')?.split('>').next());
            match next {
                // Whoever gives out a list gives out all of it: the token goes nowhere else.
                Some(target) => place = place.beside(target)?,
                None => return Ok(versions),
            }
        }
        Err(FetchError::Refused(format!("{}: it has more than {MOST_PAGES} pages of tags", self.base)))
    }

    fn place(&self, below: &str) -> Result<Place, FetchError> {
        Place::parse(&format!("{}/{below}", self.base))
    }

    fn json<T: for<'de> Deserialize<'de>>(&self, answer: &Answer) -> Result<T, FetchError> {
        serde_json::from_slice(&answer.body)
            .map_err(|_| FetchError::Failed(format!("{}: it does not answer as a registry does", self.base)))
    }

    /// Asks, and once more with a token where the registry wants one.
    fn get(&self, place: &Place, accept: &str, most_bytes: u64) -> Result<Answer, FetchError> {
        let ask = |token: Option<&Withheld>| {
            let plain = Question::new(place.clone(), accept, most_bytes);
            self.web.ask(&Question { token, loopback: self.loopback, ..plain })
        };
        let held = self.token.borrow().clone();
        let answer = ask(held.as_ref())?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let token = self.anonymous(answer.challenge.as_deref().unwrap_or_default())?;
        let answer = ask(Some(&token))?;
        *self.token.borrow_mut() = Some(token);
        if answer.status == 401 { Err(self.wants_a_login()) } else { Ok(answer) }
    }

    /// A token for anybody, from the authority that the registry names. What it is for is said here, whatever the registry would have it be for.
    fn anonymous(&self, challenge: &str) -> Result<Withheld, FetchError> {
        let realm = parameter(challenge, "realm").ok_or_else(|| self.wants_a_login())?;
        let service = parameter(challenge, "service");
        let service = service.map(|name| format!("service={}&", escaped(name))).unwrap_or_default();
        let mark = if realm.contains('?') { '&' } else { '?' };
        let place = Place::parse(&format!("{realm}{mark}{service}scope=repository:{}:pull", self.name))?;
        let plain = Question::new(place, JSON, LARGEST_ANSWER_BYTES);
        let answer = self.web.get(&Question { loopback: self.loopback, ..plain })?;
        let given: Token = self.json(&answer)?;
        let token = given.token.or(given.access_token).unwrap_or_default();
        if token.is_empty() || token.contains(|c: char| !c.is_ascii_graphic()) {
            return Err(self.wants_a_login());
        }
        Ok(Withheld::new(token))
    }

    fn wants_a_login(&self) -> FetchError {
        FetchError::Failed(format!(
            "{}: it wants a login, and nobody is shown one; vendor the chart",
            self.base
        ))
    }
}

/// A parameter of `Bearer realm="…",service="…"`.
fn parameter<'a>(challenge: &'a str, name: &str) -> Option<&'a str> {
    let (scheme, mut rest) = challenge.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    loop {
        let (key, after) = rest.trim_start_matches([',', ' ']).split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(value);
        }
        rest = after;
    }
}

/// A text as a value of a query.
fn escaped(text: &str) -> String {
    let escape = |byte: u8| {
        let plain = byte.is_ascii_alphanumeric() || b"-._~:/".contains(&byte);
        if plain { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_of_a_challenge() {
        let challenge = r#"Bearer realm="https://auth.example.com/token",service="a, b=c",scope="x""#;
        assert_eq!(parameter(challenge, "realm"), Some("https://auth.example.com/token"));
        assert_eq!(parameter(challenge, "service"), Some("a, b=c"));
        assert_eq!(parameter("bearer realm=x,service=y", "service"), Some("y"));
        for bad in
            ["", "Basic realm=\"x\"", "Bearer", "Bearer realm", "Bearer realm=\"x", "Bearer service=\"x\""]
        {
            assert_eq!(parameter(bad, "realm"), None, "{bad}");
        }
        assert_eq!(escaped("a, b=c/d"), "a%2C%20b%3Dc/d");
    }
}
