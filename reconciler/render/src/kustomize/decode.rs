//! Reading configuration out of YAML nodes: every field named, unknown ones refused, errors with file and line.

use std::collections::BTreeMap;

use super::error::KustomizeError;
use crate::object::Origin;
use crate::tree::RepoPath;
use crate::yaml::{Map, Node, Value};

type Result<T> = std::result::Result<T, KustomizeError>;

/// A text with the place it is written at.
#[derive(Debug, Clone)]
pub(super) struct Located {
    pub(super) text: String,
    pub(super) at: Origin,
}

/// The members of one map, taken out by name. Names match without regard to case, as in Go's JSON decoder.
pub(super) struct Fields<'a> {
    file: &'a RepoPath,
    what: String,
    at: Origin,
    left: Vec<(&'a str, &'a Node)>,
    /// Numbers and booleans are taken for texts: plugin documents are read that way, kustomization files are not.
    lenient: bool,
}

impl<'a> Fields<'a> {
    pub(super) fn new(file: &'a RepoPath, what: &str, node: &'a Node) -> Result<Self> {
        let at = Origin::new(file, node.pos.line);
        let Some(map) = node.as_map() else {
            return Err(KustomizeError::file(
                at,
                format!("{what} must be a map, it is {}", node.kind_name()),
            ));
        };
        Ok(Self::of_map(file, what, (map, at)))
    }

    fn of_map(file: &'a RepoPath, what: &str, (map, at): (&'a Map, Origin)) -> Self {
        Fields { file, what: what.to_owned(), at, left: map.iter().collect(), lenient: false }
    }

    /// Takes numbers and booleans for texts in maps of texts.
    pub(super) fn lenient(mut self) -> Self {
        self.lenient = true;
        self
    }

    pub(super) fn at(&self) -> &Origin {
        &self.at
    }

    pub(super) fn error(&self, message: impl std::fmt::Display) -> KustomizeError {
        KustomizeError::file(self.at.clone(), format!("{}: {message}", self.what))
    }

    fn path(&self, name: &str) -> String {
        if self.what.is_empty() { name.to_owned() } else { format!("{}.{name}", self.what) }
    }

    fn wrong(&self, name: &str, node: &Node, wanted: &str) -> KustomizeError {
        let at = Origin::new(self.file, node.pos.line);
        let hint = if wanted == "text" && node.scalar_text().is_some() { "; put it in quotes" } else { "" };
        KustomizeError::file(
            at,
            format!("{} must be {wanted}, it is {}{hint}", self.path(name), node.kind_name()),
        )
    }

    /// Takes a member; an explicit null counts as missing.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a Node> {
        let at = self
            .left
            .iter()
            .position(|(key, _)| *key == name)
            .or_else(|| self.left.iter().position(|(key, _)| key.eq_ignore_ascii_case(name)))?;
        let (_, node) = self.left.remove(at);
        (!node.is_null()).then_some(node)
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>> {
        match self.take(name) {
            None => Ok(None),
            Some(node) => match node.as_str() {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(self.wrong(name, node, "text")),
            },
        }
    }

    pub(super) fn text_or_empty(&mut self, name: &str) -> Result<String> {
        Ok(self.text(name)?.unwrap_or_default())
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool> {
        match self.take(name) {
            None => Ok(false),
            Some(node) => match node.value {
                Value::Bool(b) => Ok(b),
                _ => Err(self.wrong(name, node, "true or false")),
            },
        }
    }

    pub(super) fn integer(&mut self, name: &str) -> Result<Option<i64>> {
        match self.take(name) {
            None => Ok(None),
            Some(node) => match node.value {
                Value::Int(i) => Ok(Some(i)),
                _ => Err(self.wrong(name, node, "a whole number")),
            },
        }
    }

    pub(super) fn list(&mut self, name: &str) -> Result<&'a [Node]> {
        match self.take(name) {
            None => Ok(&[]),
            Some(node) => node.as_seq().ok_or_else(|| self.wrong(name, node, "a list")),
        }
    }

    /// Decodes every item of a list; `read` gets the item and what it is called.
    pub(super) fn each<T>(
        &mut self,
        name: &str,
        mut read: impl FnMut(&'a RepoPath, &str, &'a Node) -> Result<T>,
    ) -> Result<Vec<T>> {
        let what = self.path(name);
        let file = self.file;
        let items = self.list(name)?;
        items.iter().enumerate().map(|(at, item)| read(file, &format!("{what}[{at}]"), item)).collect()
    }

    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<Located>> {
        self.each(name, |file, what, node| {
            let at = Origin::new(file, node.pos.line);
            match node.as_str() {
                Some(text) => Ok(Located { text: text.to_owned(), at }),
                None => {
                    Err(KustomizeError::file(at, format!("{what} must be text, it is {}", node.kind_name())))
                }
            }
        })
    }

    /// A map of texts, sorted by key.
    pub(super) fn text_map(&mut self, name: &str) -> Result<BTreeMap<String, String>> {
        let Some(node) = self.take(name) else { return Ok(BTreeMap::new()) };
        let Some(map) = node.as_map() else { return Err(self.wrong(name, node, "a map")) };
        let mut texts = BTreeMap::new();
        for (key, value) in map.iter() {
            match &value.value {
                Value::String(text) => texts.insert(key.to_owned(), text.clone()),
                Value::Null => texts.insert(key.to_owned(), String::new()),
                _ => match value.scalar_text().filter(|_| self.lenient) {
                    Some(text) => texts.insert(key.to_owned(), text),
                    None => return Err(self.wrong(&format!("{name}.{key}"), value, "text")),
                },
            };
        }
        Ok(texts)
    }

    /// A nested map, decoded by `read`.
    pub(super) fn nested<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Fields<'a>) -> Result<T>,
    ) -> Result<Option<T>> {
        let Some(node) = self.take(name) else { return Ok(None) };
        read(Fields::new(self.file, &self.path(name), node)?).map(Some)
    }

    pub(super) fn file(&self) -> &'a RepoPath {
        self.file
    }

    /// Refuses what was not taken.
    pub(super) fn finish(self) -> Result<()> {
        let Some((key, node)) = self.left.first() else { return Ok(()) };
        let at = Origin::new(self.file, node.pos.line);
        Err(KustomizeError::file(
            at,
            format!("unknown field \"{}\"; remove it or correct its name", self.path(key)),
        ))
    }
}
