//! `gitstellar.lock`: which archive stands for a chart of a repository or registry. `gitstellar lock` writes it; a render reads it
//! from the tree, like any other file, and takes no archive with another digest.

use apimachinery::Digest;

use super::functions::{Range, Version};
use crate::object::Origin;
use crate::tree::RepoPath;
use crate::yaml::{Loader, Map, Node, Profile, Value, YamlError, emit};

/// The name of the file, in the source's root.
pub const LOCK_FILE: &str = "gitstellar.lock";

const API_VERSION: &str = "gitstellar.io/v1alpha1";
const KIND: &str = "Lock";
const HEAD: &str = "# Written by `gitstellar lock`. Commit it; nobody has to edit it.\n";

/// A chart of a repository, and the one archive that stands for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct LockedChart {
    /// The repository (`https://HOST/PATH`) or the registry and what the chart lies below (`oci://HOST/PATH`), without a slash at its end.
    pub repository: String,
    /// The chart.
    pub name: String,
    /// Its version, as the repository calls it.
    pub version: String,
    /// Where the archive is; a registry gives it out by its digest.
    pub url: Option<String>,
    /// The digest of the archive.
    pub digest: Digest,
}

/// Charts and their archives, sorted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChartLock {
    charts: Vec<LockedChart>,
}

/// Why `gitstellar.lock` cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// It is no YAML.
    #[error(transparent)]
    Yaml(#[from] YamlError),
    /// It says something that it cannot say.
    #[error("{at}: {message}; correct it, or delete the file and run `gitstellar lock`")]
    Entry {
        /// Where.
        at: Origin,
        /// What is wrong.
        message: String,
    },
}

impl LockedChart {
    /// The host that gives out its archive, and its port.
    pub fn host(&self) -> String {
        host_of(self.url.as_ref().unwrap_or(&self.repository))
    }
}

impl ChartLock {
    /// A lock of these charts, each once.
    pub fn new(charts: impl IntoIterator<Item = LockedChart>) -> Self {
        let mut charts: Vec<LockedChart> = charts.into_iter().collect();
        charts.sort();
        charts.dedup();
        ChartLock { charts }
    }

    /// Its charts.
    pub fn charts(&self) -> &[LockedChart] {
        &self.charts
    }

    /// Reads the file. What it does not know is an error: a lock that is misread pins nothing.
    ///
    /// # Errors
    /// When it says anything but what a lock says.
    pub fn parse(file: &RepoPath, bytes: &[u8]) -> Result<Self, LockError> {
        let documents = Loader::new(Profile::Kubectl).load(file.as_str(), bytes)?;
        let whole = Origin::new(file, 1);
        let fail = |at: &Origin, message: String| Err(LockError::Entry { at: at.clone(), message });
        let [document] = documents.as_slice() else {
            return fail(&whole, format!("it holds {} documents and not one", documents.len()));
        };
        let top = Record::of(file, document, &["apiVersion", "kind", "charts"])?;
        if top.text("apiVersion")? != API_VERSION || top.text("kind")? != KIND {
            return fail(&top.at, format!("it must say apiVersion: {API_VERSION} and kind: {KIND}"));
        }
        let items = match top.map.get("charts") {
            None => &[][..],
            Some(node) => match node.as_seq() {
                Some(items) => items,
                None => return fail(&top.at, format!("charts must be a list, it is {}", node.kind_name())),
            },
        };
        let mut charts: Vec<LockedChart> = Vec::with_capacity(items.len());
        for item in items {
            let chart = locked(file, item)?;
            let same = |held: &LockedChart| {
                (&held.repository, &held.name, &held.version)
                    == (&chart.repository, &chart.name, &chart.version)
            };
            if charts.iter().any(same) {
                let message = format!("the chart '{}' {} is locked twice", chart.name, chart.version);
                return fail(&Origin::new(file, item.pos.line), message);
            }
            charts.push(chart);
        }
        Ok(ChartLock::new(charts))
    }

    /// The file.
    pub fn to_yaml(&self) -> String {
        let mut text = format!("{HEAD}apiVersion: {API_VERSION}\nkind: {KIND}\n");
        let items: Vec<Node> = self.charts.iter().map(entry).collect();
        let charts = Map::from_entries(vec![("charts".into(), Value::Seq(items).into())]);
        text.push_str(&emit(&Value::Map(charts).into()));
        text
    }

    /// The versions of a chart that it has.
    pub(crate) fn versions(&self, repository: &str, name: &str) -> impl Iterator<Item = &LockedChart> {
        self.charts.iter().filter(move |chart| chart.repository == repository && chart.name == name)
    }

    /// The newest version of a chart that is in a range.
    pub fn newest<'a>(&'a self, repository: &str, name: &str, range: &str) -> Option<&'a LockedChart> {
        let versions: Vec<&'a LockedChart> = self.versions(repository, name).collect();
        let names: Vec<&str> = versions.iter().map(|chart| chart.version.as_str()).collect();
        versions.get(newest(range, &names)?).copied()
    }
}

/// Which of these versions Helm takes for a range: the one that is spelled like it, else the newest one inside. An empty range is any
/// version that is no prerelease.
pub fn newest(range: &str, versions: &[&str]) -> Option<usize> {
    let is_it = |version: &&str| *version == range && Version::parse(version).is_some();
    if let Some(at) = versions.iter().position(is_it) {
        return Some(at);
    }
    let range = Range::parse(if range.is_empty() { "*" } else { range })?;
    let read = |(at, text): (usize, &&str)| Some((at, Version::parse(text)?));
    let fitting = versions.iter().enumerate().filter_map(read).filter(|(_, version)| range.holds(version));
    // Of versions that differ in their metadata only, the first one.
    let newest = fitting.reduce(|best, next| if next.1.compare(&best.1).is_gt() { next } else { best });
    newest.map(|(at, _)| at)
}

/// Whether two texts are the same version, whatever their metadata and a `v` at the front.
pub(crate) fn is_same_version(one: &str, other: &str) -> bool {
    Version::parse(one).zip(Version::parse(other)).is_some_and(|(one, other)| one.compare(&other).is_eq())
}

/// Whether a text is a whole version and no range.
pub fn is_version(text: &str) -> bool {
    let numbers = text.strip_prefix('v').unwrap_or(text).split(['-', '+']).next().unwrap_or_default();
    Version::parse(text).is_some() && numbers.split('.').count() == 3
}

fn entry(chart: &LockedChart) -> Node {
    let mut texts = vec![
        ("repository", chart.repository.clone()),
        ("name", chart.name.clone()),
        ("version", chart.version.clone()),
        ("digest", format!("sha256:{}", chart.digest)),
    ];
    texts.extend(chart.url.clone().map(|url| ("url", url)));
    let entries = texts.into_iter().map(|(name, text)| (Box::from(name), Node::text(text))).collect();
    Value::Map(Map::from_entries(entries)).into()
}

fn locked(file: &RepoPath, item: &Node) -> Result<LockedChart, LockError> {
    let record = Record::of(file, item, &["repository", "name", "version", "url", "digest"])?;
    let text = |name: &str| record.text(name).map(str::to_owned);
    let chart = LockedChart {
        repository: text("repository")?,
        name: text("name")?,
        version: text("version")?,
        url: record.map.contains_key("url").then(|| text("url")).transpose()?,
        digest: {
            let digest = record.text("digest")?.strip_prefix("sha256:").and_then(Digest::parse);
            digest
                .ok_or_else(|| record.wrong("digest must be sha256: and 64 hexadecimal digits".to_owned()))?
        },
    };
    check(&chart).map_err(|message| record.wrong(message))?;
    Ok(chart)
}

/// Refuses what no repository would say, before anybody is asked for it.
fn check(chart: &LockedChart) -> Result<(), String> {
    let address = check_address(&chart.repository).map_err(|why| format!("repository {why}"))?;
    if chart.repository.ends_with('/') {
        return Err("repository must not end with a slash".to_owned());
    }
    if !is_chart_name(&chart.name) {
        return Err("name must be that of a chart: letters, digits, '-', '_' and '.'".to_owned());
    }
    if Version::parse(&chart.version).is_none() {
        return Err("version must be a semantic version".to_owned());
    }
    match (address, &chart.url) {
        (Way::Https, None) => Err("url is missing: where the archive is".to_owned()),
        (Way::Oci, Some(_)) => Err("url must not be there: a registry knows archives by digest".to_owned()),
        (Way::Oci, None) => Ok(()),
        (Way::Https, Some(url)) => match check_address(url) {
            Ok(Way::Https) => Ok(()),
            _ => Err("url must be https://HOST/PATH, without a login and without a query".to_owned()),
        },
    }
}

/// A name of a chart that is safe in paths and addresses.
pub(crate) fn is_chart_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.len() <= 250 && name.chars().all(fits) && !name.starts_with('.')
}

/// How a repository is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// A repository with an `index.yaml`.
    Https,
    /// A registry.
    Oci,
}

/// The host and its port of `SCHEME://HOST[:PORT]/…`.
pub fn host_of(address: &str) -> String {
    address.split('/').nth(2).unwrap_or_default().to_ascii_lowercase()
}

/// Whether charts can come from an address: `https://HOST/PATH` or `oci://HOST/PATH`. The error says what it has to be like.
pub fn check_address(address: &str) -> Result<Way, &'static str> {
    const WRONG: &str = "must be https://HOST/PATH or oci://HOST/PATH, without a login, a query or ..";
    let (way, rest) = match address.split_once("://") {
        Some(("https", rest)) => (Way::Https, rest),
        Some(("oci", rest)) => (Way::Oci, rest),
        _ => return Err(WRONG),
    };
    let odd = |c: char| !c.is_ascii_graphic() || matches!(c, '?' | '#' | '\\' | '"' | '<' | '>' | '`');
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let of_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let is_plain = |part: &str| part != "." && part != "..";
    if host.is_empty() || !host.chars().all(of_host) || rest.contains(odd) || !path.split('/').all(is_plain) {
        return Err(WRONG);
    }
    if way == Way::Oci && path.trim_matches('/').is_empty() {
        return Err(WRONG);
    }
    Ok(way)
}

/// The members of one map, all of them known.
struct Record<'a> {
    at: Origin,
    map: &'a Map,
}

impl<'a> Record<'a> {
    fn of(file: &RepoPath, node: &'a Node, known: &[&str]) -> Result<Self, LockError> {
        let at = Origin::new(file, node.pos.line);
        let Some(map) = node.as_map() else {
            let message = format!("it must be a map, it is {}", node.kind_name());
            return Err(LockError::Entry { at, message });
        };
        if let Some((name, node)) = map.iter().find(|(name, _)| !known.contains(name)) {
            let at = Origin::new(file, node.pos.line);
            return Err(LockError::Entry { at, message: format!("there is no field '{name}' in a lock") });
        }
        Ok(Record { at, map })
    }

    fn wrong(&self, message: String) -> LockError {
        LockError::Entry { at: self.at.clone(), message }
    }

    fn text(&self, name: &str) -> Result<&'a str, LockError> {
        match self.map.get(name).map(|node| (node.as_str(), node)) {
            Some((Some(text), _)) => Ok(text),
            Some((None, node)) => Err(self.wrong(format!("{name} must be text, it is {}", node.kind_name()))),
            None => Err(self.wrong(format!("{name} is missing"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ChartLock, String> {
        let file = RepoPath::parse(LOCK_FILE).unwrap();
        ChartLock::parse(&file, text.as_bytes()).map_err(|error| error.to_string())
    }

    fn chart(version: &str) -> LockedChart {
        LockedChart {
            repository: "https://charts.example.com/stable".to_owned(),
            name: "web".to_owned(),
            version: version.to_owned(),
            url: Some(format!("https://charts.example.com/stable/web-{version}.tgz")),
            digest: Digest::of(version.as_bytes()),
        }
    }

    #[test]
    fn what_is_written_is_read_again_and_the_order_is_always_the_same() {
        let registry = LockedChart {
            repository: "oci://registry.example.com/charts".to_owned(),
            url: None,
            version: "1.10".to_owned(),
            ..chart("1.0.0")
        };
        let lock = ChartLock::new([registry.clone(), chart("2.0.0"), chart("1.0.0"), registry.clone()]);
        let text = lock.to_yaml();
        assert_eq!(parse(&text).unwrap(), lock);
        assert_eq!(ChartLock::new([chart("1.0.0"), registry, chart("2.0.0")]).to_yaml(), text);
        assert_eq!(parse(&ChartLock::default().to_yaml()).unwrap(), ChartLock::default());
    }

    #[test]
    fn a_lock_that_says_anything_else_is_refused_with_its_line() {
        let good = ChartLock::new([chart("1.0.0")]).to_yaml();
        let check = |from: &str, to: &str, said: &str| {
            let text = good.replace(from, to);
            assert_ne!(text, good, "{from}");
            let message = parse(&text).unwrap_err();
            assert!(message.starts_with("gitstellar.lock:") && message.contains(said), "{message}");
        };
        check("kind: Lock", "kind: Log", "it must say apiVersion");
        check("  name: web", "  name: ../web", "name must be that of a chart");
        check("  name: web", "  names: web", "there is no field 'names'");
        check("  name: web", "  name: 7", "name must be text, it is a number");
        check("  version: 1.0.0", "  version: latest", "a semantic version");
        check("sha256:", "sha512:", "64 hexadecimal digits");
        check("sha256:", "sha256:0", "64 hexadecimal digits");
        for address in
            ["http://h/x", "file:///x", "https://u@h/x", "https://h/../x", "https://h/x?y", "oci://h"]
        {
            let from = "repository: https://charts.example.com/stable";
            check(from, &format!("repository: {address}"), "repository must be https://HOST/PATH");
        }
        check("url: https:", "url: file:", "url must be https://HOST/PATH");
        check("url: https:", "url: oci:", "url must be https://HOST/PATH");
        check("repository: https:", "repository: oci:", "url must not be there");
        check("kind: Lock\n", "kind: Lock\n---\n", "documents and not one");
        let twice = format!("{good}{}", good.split_once("charts:\n").unwrap().1);
        assert!(parse(&twice).unwrap_err().contains("is locked twice"));
    }

    #[test]
    fn helm_s_choice_among_versions() {
        let versions = ["1.2.0", "1.10.1", "2.0.0-rc.1", "v1.9.0", "latest", "1.10.1+build"];
        let check = |range: &str, expected: Option<&str>| {
            assert_eq!(newest(range, &versions).map(|at| versions[at]), expected, "{range}");
        };
        check("^1", Some("1.10.1"));
        check("", Some("1.10.1"));
        check("1.2.0", Some("1.2.0"));
        check("1.9.0", Some("v1.9.0"));
        check("1.10.1+build", Some("1.10.1+build"));
        check(">=2.0.0-0", Some("2.0.0-rc.1"));
        check("~1.3", None);
        check("nonsense", None);
        check("latest", None);
        for (text, expected) in [("1.2.3", true), ("v1.2.3-rc.1", true), ("1.2", false), ("^1.2.3", false)] {
            assert_eq!(is_version(text), expected, "{text}");
        }
    }
}
