//! `Chart.yaml`, and `requirements.yaml` of charts from before `apiVersion: v2`.
//!
//! Read as Helm reads it: names of fields match without regard to case, numbers and booleans are taken where text is wanted,
//! fields that are not known are passed over.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use super::ChartError;
use crate::helm::functions::Version;
use crate::object::Origin;
use crate::tree::RepoPath;
use crate::yaml::{Map, Node, Value, go_float};

type Result<T> = std::result::Result<T, ChartError>;

/// What `Chart.yaml` says.
#[derive(Debug, Clone, Default)]
pub(crate) struct Metadata {
    pub(crate) name: String,
    pub(crate) home: String,
    pub(crate) sources: Vec<String>,
    pub(crate) version: String,
    pub(crate) description: String,
    pub(crate) keywords: Vec<String>,
    pub(crate) maintainers: Vec<Maintainer>,
    pub(crate) icon: String,
    pub(crate) api_version: String,
    pub(crate) condition: String,
    pub(crate) tags: String,
    pub(crate) app_version: String,
    pub(crate) deprecated: bool,
    pub(crate) annotations: Option<BTreeMap<String, String>>,
    pub(crate) kube_version: String,
    /// None and an empty list differ: without any list the charts that are there are all enabled, with no further look.
    pub(crate) dependencies: Option<Vec<Dependency>>,
    pub(crate) kind: String,
}

/// Who keeps a chart.
#[derive(Debug, Clone, Default)]
pub(crate) struct Maintainer {
    pub(crate) name: String,
    pub(crate) email: String,
    pub(crate) url: String,
}

/// A chart that another one needs.
#[derive(Debug, Clone)]
pub(crate) struct Dependency {
    pub(crate) at: Origin,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) repository: String,
    pub(crate) condition: String,
    pub(crate) tags: Vec<String>,
    pub(crate) enabled: bool,
    pub(crate) imports: Vec<Import>,
    pub(crate) alias: String,
}

/// One entry of `import-values`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Import {
    /// A name below `exports` of the dependency; its members become members of the parent's values.
    Export(String),
    /// A table of the dependency and where it goes in the parent.
    Table { child: String, parent: String },
}

impl Metadata {
    /// Reads a file into what is known already: later files set only what they say.
    pub(super) fn read(&mut self, file: &RepoPath, node: &Node) -> Result<()> {
        let Some(f) = Record::new(file, "", node)? else { return Ok(()) };
        for (field, into) in [
            ("name", &mut self.name),
            ("home", &mut self.home),
            ("version", &mut self.version),
            ("description", &mut self.description),
            ("icon", &mut self.icon),
            ("apiVersion", &mut self.api_version),
            ("condition", &mut self.condition),
            ("tags", &mut self.tags),
            ("appVersion", &mut self.app_version),
            ("kubeVersion", &mut self.kube_version),
            ("type", &mut self.kind),
        ] {
            f.text(field, into)?;
        }
        f.texts("sources", &mut self.sources)?;
        f.texts("keywords", &mut self.keywords)?;
        f.flag("deprecated", &mut self.deprecated)?;
        if let Some(map) = f.map("annotations")? {
            let read = |(key, value)| Ok((String::from(key), f.text_of("annotations", value)?));
            self.annotations = Some(map.iter().map(read).collect::<Result<_>>()?);
        }
        if let Some(items) = f.list("maintainers")? {
            self.maintainers = items.iter().map(|item| maintainer(&f, item)).collect::<Result<_>>()?;
        }
        if let Some(items) = f.list("dependencies")? {
            // Go decodes over the elements of the list that is there: fields that a later file does not set stay.
            let mut earlier = self.dependencies.take().unwrap_or_default().into_iter();
            let read = items.iter().map(|item| dependency(&f, item, earlier.next()));
            self.dependencies = Some(read.collect::<Result<_>>()?);
        }
        Ok(())
    }

    /// Refuses what Helm refuses, and makes white space and unprintable characters plain as it does.
    pub(super) fn check(&mut self, file: &RepoPath) -> Result<()> {
        for text in [
            &mut self.name,
            &mut self.description,
            &mut self.home,
            &mut self.icon,
            &mut self.condition,
            &mut self.tags,
            &mut self.app_version,
            &mut self.kube_version,
        ] {
            sanitize(text);
        }
        self.sources.iter_mut().chain(&mut self.keywords).for_each(sanitize);
        for maintainer in &mut self.maintainers {
            [&mut maintainer.name, &mut maintainer.email, &mut maintainer.url].into_iter().for_each(sanitize);
        }
        let whole = Origin::new(file, 1);
        let fail = |message: String| Err(ChartError::file(&whole, message));
        for (field, text) in
            [("apiVersion", &self.api_version), ("name", &self.name), ("version", &self.version)]
        {
            if text.is_empty() {
                return fail(format!("chart.metadata.{field} is required; say it in Chart.yaml"));
            }
        }
        if matches!(self.name.as_str(), "." | "..") || self.name.contains('/') {
            return fail(format!("chart.metadata.name \"{}\" is invalid; a name is no path", self.name));
        }
        if Version::parse(&self.version).is_none() {
            return fail(format!(
                "chart.metadata.version \"{}\" is invalid; write a semantic version",
                self.version
            ));
        }
        if !matches!(self.kind.as_str(), "" | "application" | "library") {
            return fail("chart.metadata.type must be application or library".to_owned());
        }
        self.check_dependencies()
    }

    fn check_dependencies(&mut self) -> Result<()> {
        let mut seen = Vec::new();
        for dependency in self.dependencies.iter_mut().flatten() {
            for text in [
                &mut dependency.name,
                &mut dependency.version,
                &mut dependency.repository,
                &mut dependency.condition,
            ]
            .into_iter()
            .chain(&mut dependency.tags)
            {
                sanitize(text);
            }
            let alias_fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
            if !dependency.alias.chars().all(alias_fits) {
                let message = format!(
                    "dependency \"{}\" has disallowed characters in the alias; use letters, digits, _ and -",
                    dependency.name
                );
                return Err(ChartError::file(&dependency.at, message));
            }
            let key = dependency.called().to_owned();
            if seen.contains(&key) {
                let message = format!(
                    "more than one dependency with name or alias \"{key}\"; give one of them another alias"
                );
                return Err(ChartError::file(&dependency.at, message));
            }
            seen.push(key);
        }
        Ok(())
    }

    /// A chart that only defines templates for others.
    pub(crate) fn is_library(&self) -> bool {
        self.kind.eq_ignore_ascii_case("library")
    }
}

impl Dependency {
    /// One that nothing is said of yet.
    fn nothing() -> Self {
        Dependency {
            at: Origin::new(&RepoPath::root(), 0),
            name: String::new(),
            version: String::new(),
            repository: String::new(),
            condition: String::new(),
            tags: Vec::new(),
            enabled: false,
            imports: Vec::new(),
            alias: String::new(),
        }
    }

    /// The name it has in its parent.
    pub(crate) fn called(&self) -> &str {
        if self.alias.is_empty() { &self.name } else { &self.alias }
    }
}

fn maintainer(f: &Record<'_>, node: &Node) -> Result<Maintainer> {
    let Some(f) = Record::new(f.file, "maintainers", node)? else {
        return Err(f.wrong("maintainers", node, "must not contain empty or null nodes"));
    };
    let mut read = Maintainer::default();
    f.text("name", &mut read.name)?;
    f.text("email", &mut read.email)?;
    f.text("url", &mut read.url)?;
    Ok(read)
}

fn dependency(f: &Record<'_>, node: &Node, earlier: Option<Dependency>) -> Result<Dependency> {
    let Some(f) = Record::new(f.file, "dependencies", node)? else {
        return Err(f.wrong("dependencies", node, "must not contain empty or null nodes"));
    };
    let at = Origin::new(f.file, node.pos.line);
    let mut read = Dependency { at, ..earlier.unwrap_or_else(Dependency::nothing) };
    f.text("name", &mut read.name)?;
    f.text("version", &mut read.version)?;
    f.text("repository", &mut read.repository)?;
    f.text("condition", &mut read.condition)?;
    f.text("alias", &mut read.alias)?;
    f.texts("tags", &mut read.tags)?;
    f.flag("enabled", &mut read.enabled)?;
    // What is neither text nor a map is passed over, as upstream does.
    if let Some(imports) = f.list("import-values")? {
        read.imports = imports.iter().filter_map(import).collect();
    }
    Ok(read)
}

fn import(node: &Node) -> Option<Import> {
    match &node.value {
        Value::String(name) => Some(Import::Export(name.clone())),
        Value::Map(map) => {
            // Upstream prints what is there; a member that is missing or no text names no table anyone has.
            let text = |key| map.get(key).and_then(Node::scalar_text).unwrap_or_else(|| "<nil>".to_owned());
            Some(Import::Table { child: text("child"), parent: text("parent") })
        }
        _ => None,
    }
}

/// White space becomes a blank, what cannot be printed goes.
fn sanitize(text: &mut String) {
    static UNPRINTABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"[\p{C}]").ok());
    let blanks: String = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).collect();
    *text = match &*UNPRINTABLE {
        Some(pattern) => pattern.replace_all(&blanks, "").into_owned(),
        None => blanks,
    };
}

/// The members of one map.
struct Record<'a> {
    file: &'a RepoPath,
    what: &'a str,
    map: &'a Map,
}

impl<'a> Record<'a> {
    /// None stands for null.
    fn new(file: &'a RepoPath, what: &'a str, node: &'a Node) -> Result<Option<Self>> {
        match &node.value {
            Value::Null => Ok(None),
            Value::Map(map) => Ok(Some(Record { file, what, map })),
            _ => {
                let at = Origin::new(file, node.pos.line);
                let what = if what.is_empty() { "the document" } else { what };
                Err(ChartError::file(&at, format!("{what} must be a map, it is {}", node.kind_name())))
            }
        }
    }

    /// A member that is there and not null.
    fn get(&self, name: &str) -> Option<&'a Node> {
        let exact = self.map.get(name);
        let node = exact.or_else(|| {
            let mut folded = self.map.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
            folded.next().map(|(_, node)| node)
        })?;
        (!node.is_null()).then_some(node)
    }

    fn wrong(&self, name: &str, node: &Node, wanted: &str) -> ChartError {
        let at = Origin::new(self.file, node.pos.line);
        let path = if self.what.is_empty() { name.to_owned() } else { format!("{}.{name}", self.what) };
        ChartError::file(&at, format!("{path} {wanted}, it is {}", node.kind_name()))
    }

    fn text_of(&self, name: &str, node: &Node) -> Result<String> {
        match &node.value {
            Value::Null => Ok(String::new()),
            // Upstream formats with the digits that 32 bits need, but for what an unsigned number holds.
            Value::Float(float) if float.text.parse::<u64>().is_ok() => Ok(float.text.clone()),
            Value::Float(float) => Ok(go_float(float.number as f32)),
            _ => node.scalar_text().ok_or_else(|| self.wrong(name, node, "must be text")),
        }
    }

    fn text(&self, name: &str, into: &mut String) -> Result<()> {
        if let Some(node) = self.get(name) {
            *into = self.text_of(name, node)?;
        }
        Ok(())
    }

    fn flag(&self, name: &str, into: &mut bool) -> Result<()> {
        if let Some(node) = self.get(name) {
            let Value::Bool(flag) = node.value else {
                return Err(self.wrong(name, node, "must be true or false"));
            };
            *into = flag;
        }
        Ok(())
    }

    fn list(&self, name: &str) -> Result<Option<&'a [Node]>> {
        let Some(node) = self.get(name) else { return Ok(None) };
        node.as_seq().map(Some).ok_or_else(|| self.wrong(name, node, "must be a list"))
    }

    fn map(&self, name: &str) -> Result<Option<&'a Map>> {
        let Some(node) = self.get(name) else { return Ok(None) };
        node.as_map().map(Some).ok_or_else(|| self.wrong(name, node, "must be a map"))
    }

    fn texts(&self, name: &str, into: &mut Vec<String>) -> Result<()> {
        if let Some(items) = self.list(name)? {
            *into = items.iter().map(|item| self.text_of(name, item)).collect::<Result<_>>()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Loader, Profile};

    fn read(text: &str) -> Result<Metadata> {
        let file = RepoPath::parse("web/Chart.yaml").unwrap();
        let nodes = Loader::new(Profile::Kubectl).load(file.as_str(), text.as_bytes()).unwrap();
        let mut metadata = Metadata { api_version: "v2".to_owned(), ..Metadata::default() };
        metadata.read(&file, &nodes[0])?;
        metadata.check(&file)?;
        Ok(metadata)
    }

    fn refused(text: &str) -> String {
        read(text).unwrap_err().to_string()
    }

    #[test]
    fn numbers_and_booleans_are_texts_where_texts_are_wanted() {
        let read =
            read("name: web\nVersion: 1\nappVersion: 1.10\nannotations: {a: true, b: 10000000.5}\n").unwrap();
        assert_eq!((read.version.as_str(), read.app_version.as_str()), ("1", "1.1"));
        let annotations = read.annotations.unwrap();
        assert_eq!((annotations["a"].as_str(), annotations["b"].as_str()), ("true", "1e+07"));
    }

    #[test]
    fn both_forms_of_imports_are_read() {
        let text = "name: web\nversion: 1.0.0\ndependencies:\n- name: db\n  version: ~1\n  import-values: [data, {child: a.b, parent: c}, 7]\n";
        let dependencies = read(text).unwrap().dependencies.unwrap();
        let table = Import::Table { child: "a.b".to_owned(), parent: "c".to_owned() };
        assert_eq!(dependencies[0].imports, [Import::Export("data".to_owned()), table]);
        assert_eq!(dependencies[0].at.to_string(), "web/Chart.yaml:4");
    }

    #[test]
    fn what_helm_refuses_is_refused_with_its_place() {
        for (text, said) in [
            ("version: 1.0.0", "web/Chart.yaml:1: chart.metadata.name is required"),
            ("name: web", "chart.metadata.version is required"),
            ("name: web\nversion: one", "\"one\" is invalid"),
            ("name: web\nversion: 1.2.3.4", "\"1.2.3.4\" is invalid"),
            ("name: ..\nversion: 1.0.0", "a name is no path"),
            ("name: a/b\nversion: 1.0.0", "a name is no path"),
            ("name: web\nversion: 1.0.0\ntype: plugin", "must be application or library"),
            ("name: [a]\nversion: 1.0.0", "web/Chart.yaml:1: name must be text, it is a list"),
            ("name: web\nversion: 1.0.0\nmaintainers: [null]", "must not contain empty or null nodes"),
            (
                "name: web\nversion: 1.0.0\ndependencies:\n- {name: a, alias: 'b c'}",
                "Chart.yaml:4: dependency \"a\" has",
            ),
            (
                "name: web\nversion: 1.0.0\ndependencies:\n- {name: a}\n- {name: b, alias: a}",
                "Chart.yaml:5: more than one",
            ),
        ] {
            let message = refused(text);
            assert!(message.contains(said), "{said}: {message}");
        }
    }
}
