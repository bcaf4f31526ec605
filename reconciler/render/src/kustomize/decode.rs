//! Reading configuration out of YAML nodes: every field named, unknown ones refused, errors with file and line.
//!
//! Upstream has three ways of decoding, and files rely on each: see [`Reading`].

use std::collections::BTreeMap;

use super::error::KustomizeError;
use crate::object::Origin;
use crate::tree::RepoPath;
use crate::yaml::{Node, Value, go_float};

type Result<T> = std::result::Result<T, KustomizeError>;

/// A text with the place it is written at.
#[derive(Debug, Clone)]
pub(super) struct Located {
    pub(super) text: String,
    pub(super) at: Origin,
}

/// How strictly a document is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Kustomization files: unknown fields are refused, a number is no text.
    Kustomization,
    /// Transformer configurations: unknown fields are refused, numbers and booleans are taken for texts.
    Configuration,
    /// Documents of generators and transformers, and files of replacements: unknown fields mean nothing.
    Plugin,
}

/// The members of one map, taken out by name. Names match without regard to case, as in Go's JSON decoder.
pub(super) struct Fields<'a> {
    file: &'a RepoPath,
    what: String,
    at: Origin,
    left: Vec<(&'a str, &'a Node)>,
    reading: Reading,
}

/// A list item or a nested value, with what decoding it needs.
pub(super) struct Item<'a> {
    file: &'a RepoPath,
    what: String,
    node: &'a Node,
    reading: Reading,
}

impl<'a> Item<'a> {
    /// The members of the item, which must be a map.
    pub(super) fn fields(self) -> Result<Fields<'a>> {
        let at = Origin::at(self.file, self.node.pos);
        let Some(map) = self.node.as_map() else {
            let what = if self.what.is_empty() { "the document" } else { &self.what };
            let of_file = what.starts_with("patches[") && matches!(self.node.value, Value::String(_));
            let hint = if of_file { "; write `- path: FILE`" } else { "" };
            let message = format!("{what} must be a map, it is {}{hint}", self.node.kind_name());
            return Err(KustomizeError::file(at, message));
        };
        Ok(Fields { file: self.file, what: self.what, at, left: map.iter().collect(), reading: self.reading })
    }

    /// The item as text, with its place.
    fn text(self) -> Result<Located> {
        let at = Origin::at(self.file, self.node.pos);
        match text_of(self.node, self.reading) {
            Some(text) => Ok(Located { text, at }),
            None => {
                let message = format!("{} must be text, it is {}", self.what, self.node.kind_name());
                Err(KustomizeError::file(at, message))
            }
        }
    }
}

/// The text of a scalar, as far as the reading takes it for one. An explicit null in a list is an empty text, as in Go.
fn text_of(node: &Node, reading: Reading) -> Option<String> {
    match &node.value {
        Value::String(text) => Some(text.clone()),
        Value::Null | Value::Blank => Some(String::new()),
        Value::Float(float) if reading != Reading::Kustomization => Some(go_float(float.number)),
        _ if reading != Reading::Kustomization => node.scalar_text(),
        _ => None,
    }
}

impl<'a> Fields<'a> {
    /// The members of a document.
    pub(super) fn of(file: &'a RepoPath, node: &'a Node, reading: Reading) -> Result<Self> {
        Item { file, what: String::new(), node, reading }.fields()
    }

    pub(super) fn at(&self) -> &Origin {
        &self.at
    }

    pub(super) fn error(&self, message: impl std::fmt::Display) -> KustomizeError {
        let lead = if self.what.is_empty() { String::new() } else { format!("{}: ", self.what) };
        KustomizeError::file(self.at.clone(), format!("{lead}{message}"))
    }

    fn path(&self, name: &str) -> String {
        if self.what.is_empty() { name.to_owned() } else { format!("{}.{name}", self.what) }
    }

    fn wrong(&self, name: &str, node: &Node, wanted: &str) -> KustomizeError {
        let at = Origin::at(self.file, node.pos);
        let hint = match (name, wanted) {
            (_, "text") if node.scalar_text().is_some() => "; put it in quotes",
            ("labels", "a list") if node.as_map().is_some() => "; write `- pairs: {NAME: VALUE}`",
            _ => "",
        };
        KustomizeError::file(
            at,
            format!("{} must be {wanted}, it is {}{hint}", self.path(name), node.kind_name()),
        )
    }

    /// Takes a member; an explicit null counts as missing. Of spellings that differ in case only, the last counts.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a Node> {
        let mut found = None;
        self.left.retain(|(key, node)| {
            let fits = key.eq_ignore_ascii_case(name);
            if fits {
                found = Some(*node);
            }
            !fits
        });
        found.filter(|node| !node.is_null())
    }

    /// Whether a member is there and not null.
    pub(super) fn has(&self, name: &str) -> bool {
        self.left.iter().any(|(key, node)| key.eq_ignore_ascii_case(name) && !node.is_null())
    }

    /// Takes a nested value to decode elsewhere.
    pub(super) fn item(&mut self, name: &str) -> Option<Item<'a>> {
        let node = self.take(name)?;
        Some(Item { file: self.file, what: self.path(name), node, reading: self.reading })
    }

    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>> {
        Ok(self.located(name)?.map(|located| located.text))
    }

    /// A text with its place.
    pub(super) fn located(&mut self, name: &str) -> Result<Option<Located>> {
        let Some(node) = self.take(name) else { return Ok(None) };
        match text_of(node, self.reading) {
            Some(text) => Ok(Some(Located { text, at: Origin::at(self.file, node.pos) })),
            None => Err(self.wrong(name, node, "text")),
        }
    }

    pub(super) fn text_or_empty(&mut self, name: &str) -> Result<String> {
        Ok(self.text(name)?.unwrap_or_default())
    }

    pub(super) fn flag(&mut self, name: &str) -> Result<bool> {
        Ok(self.switch(name)?.unwrap_or_default())
    }

    /// A flag for which saying nothing means something of its own.
    pub(super) fn switch(&mut self, name: &str) -> Result<Option<bool>> {
        let Some(node) = self.take(name) else { return Ok(None) };
        match node.value {
            Value::Bool(b) => Ok(Some(b)),
            _ => Err(self.wrong(name, node, "true or false")),
        }
    }

    pub(super) fn integer(&mut self, name: &str) -> Result<Option<i64>> {
        let Some(node) = self.take(name) else { return Ok(None) };
        match node.to_json().as_i64() {
            Some(number) => Ok(Some(number)),
            None => Err(self.wrong(name, node, "a whole number")),
        }
    }

    pub(super) fn list(&mut self, name: &str) -> Result<&'a [Node]> {
        match self.take(name) {
            None => Ok(&[]),
            Some(node) => node.as_seq().ok_or_else(|| self.wrong(name, node, "a list")),
        }
    }

    /// Decodes every item of a list.
    pub(super) fn each<T>(&mut self, name: &str, read: impl FnMut(Item<'a>) -> Result<T>) -> Result<Vec<T>> {
        let what = self.path(name);
        let (file, reading) = (self.file, self.reading);
        let items = self.list(name)?.iter().enumerate();
        items
            .map(|(at, node)| Item { file, what: format!("{what}[{at}]"), node, reading })
            .map(read)
            .collect()
    }

    pub(super) fn texts(&mut self, name: &str) -> Result<Vec<Located>> {
        self.each(name, Item::text)
    }

    /// A map of texts, sorted by key.
    pub(super) fn text_map(&mut self, name: &str) -> Result<BTreeMap<String, String>> {
        let Some(node) = self.take(name) else { return Ok(BTreeMap::new()) };
        let Some(map) = node.as_map() else { return Err(self.wrong(name, node, "a map")) };
        let mut texts = BTreeMap::new();
        for (key, value) in map.iter() {
            match text_of(value, self.reading) {
                Some(text) => texts.insert(key.to_owned(), text),
                None => return Err(self.wrong(&format!("{name}.{key}"), value, "text")),
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
        self.item(name).map(|item| read(item.fields()?)).transpose()
    }

    pub(super) fn file(&self) -> &'a RepoPath {
        self.file
    }

    /// Refuses what was not taken, unless the reading takes no notice of it.
    pub(super) fn finish(self) -> Result<()> {
        if self.reading == Reading::Plugin {
            return Ok(());
        }
        let Some((key, node)) = self.left.first() else { return Ok(()) };
        let at = Origin::at(self.file, node.pos);
        Err(KustomizeError::file(
            at,
            format!("unknown field \"{}\"; remove it or correct its name", self.path(key)),
        ))
    }
}
