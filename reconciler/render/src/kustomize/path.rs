//! Dotted field paths of replacements and variables: `spec.containers.[name=a].env.0.value`.
//!
//! Upstream has two walks with different rules, and both are used: [`lookup`] finds one node and compares list elements exactly,
//! [`Visit`] finds any number of nodes and takes what it compares with for a regular expression.

use regex::Regex;

use crate::yaml::{Map, Node, Value, parse_embedded, resolve_text};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    Index(usize),
    /// `[field=text]`; an empty field means the element itself.
    Element(String, String),
    Every,
    /// `[text]`: brackets that hold no comparison.
    Unreadable(String),
}

/// Splits at dots; `\.` is a dot inside a name, and brackets hold dots. Brackets without `=` only quote.
pub(super) fn split(path: &str) -> Vec<Step> {
    let mut parts: Vec<String> = Vec::new();
    for piece in path.split('.') {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('.');
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
    }
    if parts.len() > 1 && parts.first().is_some_and(String::is_empty) {
        parts.remove(0);
    }
    let mut steps = Vec::with_capacity(parts.len());
    let mut parts = parts.into_iter();
    while let Some(mut part) = parts.next() {
        if !part.starts_with('[') || part.ends_with(']') {
            steps.push(step(&part));
            continue;
        }
        for more in parts.by_ref() {
            part.push('.');
            part.push_str(&more);
            if part.ends_with(']') {
                break;
            }
        }
        if part.contains('=') {
            steps.push(step(&part));
        } else {
            steps.push(step(part.trim_matches(['[', ']'])));
        }
    }
    steps
}

/// What one part of a path means.
pub(super) fn step(part: &str) -> Step {
    if part == "*" {
        return Step::Every;
    }
    if let Some(inner) = part.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return match inner.split_once('=') {
            Some((field, text)) => Step::Element(field.to_owned(), text.to_owned()),
            None => Step::Unreadable(part.to_owned()),
        };
    }
    part.parse().map_or_else(|_| Step::Field(part.to_owned()), Step::Index)
}

/// The one node at a path; none where a part of it is missing. Elements match exactly.
pub(super) fn lookup<'n>(node: &'n Node, path: &[Step]) -> Result<Option<&'n Node>, String> {
    let mut here = node;
    for step in path {
        let next = match (step, &here.value) {
            (Step::Every, _) => return Err("a wildcard names no single value".to_owned()),
            (Step::Unreadable(part), _) => return Err(unreadable(part)),
            (_, Value::Null | Value::Blank) => None,
            (Step::Field(name), Value::Seq(items)) if name.trim() == "-" => items.last(),
            (Step::Field(name), _) if name.trim().is_empty() => continue,
            (Step::Field(name), Value::Map(map)) => map.get(name.trim()),
            (Step::Index(at), Value::Seq(items)) => items.get(*at),
            (Step::Element(field, text), Value::Seq(items)) => {
                items.iter().find(|item| element_text(item, field).as_deref() == Some(text))
            }
            _ => return Err(mismatch(here)),
        };
        match next {
            Some(found) => here = found,
            None => return Ok(None),
        }
    }
    Ok(Some(here))
}

/// The one node at a path, made where fields or named list elements are missing; none behind null or the end of a list.
pub(super) fn reach<'n>(node: &'n mut Node, path: &[Step]) -> Result<Option<Match<'n>>, String> {
    let mut here = Match { node, created: false };
    for (at, step) in path.iter().enumerate() {
        let make = Make::Scalar.before(path.get(at + 1));
        let wrong = mismatch(here.node);
        let mut created = false;
        let next = match (step, &mut here.node.value) {
            (Step::Every, _) => return Err("a wildcard names no single value".to_owned()),
            (Step::Unreadable(part), _) => return Err(unreadable(part)),
            (_, Value::Null | Value::Blank) => None,
            (Step::Field(name), Value::Seq(items)) => match name.as_str() {
                "-" => items.last_mut(),
                _ => return Err(wrong),
            },
            (Step::Field(name), Value::Map(map)) => Some(map.get_or_insert_with(name, || {
                created = true;
                make.node()
            })),
            (Step::Index(at), Value::Seq(items)) => items.get_mut(*at),
            (Step::Element(field, text), Value::Seq(items)) => {
                let found = items.iter().position(|item| element_text(item, field).as_deref() == Some(text));
                if found.is_none() {
                    items.push(element(field, text));
                }
                found.map_or(items.len().checked_sub(1), Some).and_then(|at| items.get_mut(at))
            }
            _ => return Err(wrong),
        };
        match next {
            Some(node) => here = Match { node, created },
            None => return Ok(None),
        }
    }
    Ok(Some(here))
}

/// A list element that `[field=text]` matches.
fn element(field: &str, text: &str) -> Node {
    let value = Node::from(resolve_text(text));
    if field.is_empty() {
        return value;
    }
    let mut map = Map::new();
    map.insert(field, value);
    Value::Map(map).into()
}

fn unreadable(part: &str) -> String {
    format!("list path element must contain fieldName=fieldValue for element to match: {part}")
}

fn mismatch(node: &Node) -> String {
    format!("a path leads on from {}", node.kind_name())
}

fn element_text(item: &Node, field: &str) -> Option<String> {
    if field.is_empty() { item.scalar_text() } else { item.get(field)?.scalar_text() }
}

/// What a missing end of a path is created as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Make {
    Scalar,
    Seq,
    Map,
}

impl Make {
    pub(super) fn like(node: &Node) -> Self {
        match node.value {
            Value::Seq(_) => Make::Seq,
            Value::Map(_) => Make::Map,
            _ => Make::Scalar,
        }
    }

    fn node(self) -> Node {
        match self {
            Make::Scalar => Node::default(),
            Make::Seq => Value::Seq(Vec::new()).into(),
            Make::Map => Value::Map(Map::new()).into(),
        }
    }

    /// What the container before `next` is made as.
    fn before(self, next: Option<&Step>) -> Self {
        match next {
            None => self,
            Some(Step::Field(_) | Step::Every) => Make::Map,
            Some(_) => Make::Seq,
        }
    }
}

/// A node that a path matched.
pub(super) struct Match<'n> {
    pub(super) node: &'n mut Node,
    /// It was made by this walk, so it has no type of its own yet.
    pub(super) created: bool,
}

/// A walk over every node that a path matches.
pub(super) struct Visit<'v> {
    pub(super) create: Option<Make>,
    pub(super) set: &'v mut dyn FnMut(Match<'_>) -> Result<(), String>,
    pub(super) found: usize,
}

impl Visit<'_> {
    /// Calls `set` on every match.
    pub(super) fn walk(&mut self, node: &mut Node, path: &[Step]) -> Result<(), String> {
        self.from(Match { node, created: false }, path)
    }

    fn from(&mut self, here: Match<'_>, path: &[Step]) -> Result<(), String> {
        let Some((first, rest)) = path.split_first() else {
            self.found += 1;
            return (self.set)(here);
        };
        let node = here.node;
        if let Step::Unreadable(part) = first {
            return Err(unreadable(part));
        }
        match (first, &mut node.value) {
            (_, Value::Null | Value::Blank) if self.create.is_some() => {
                Err("nothing can be created below null".to_owned())
            }
            (Step::Index(at), Value::Null | Value::Blank) => {
                Err(format!("index {at} specified but only 0 elements found"))
            }
            (_, Value::Null | Value::Blank) => Ok(()),
            (Step::Field(name), Value::Map(map)) => self.field((name, rest), map),
            (Step::Index(at), Value::Seq(items)) => {
                let make = self.create.map(|make| make.before(rest.first()));
                let created = items.len() == *at && make.is_some();
                if let (true, Some(make)) = (created, make) {
                    items.push(make.node());
                }
                let length = items.len();
                match items.get_mut(*at) {
                    Some(node) => self.from(Match { node, created }, rest),
                    None => Err(format!("index {at} specified but only {length} elements found")),
                }
            }
            (Step::Every, Value::Seq(items)) => items.iter_mut().try_for_each(|item| self.walk(item, rest)),
            (Step::Element(field, text), Value::Seq(items)) => self.elements((field, text), items, rest),
            (_, _) => Err(mismatch(node)),
        }
    }

    fn field(&mut self, (name, rest): (&str, &[Step]), map: &mut Map) -> Result<(), String> {
        let mut created = false;
        let node = match self.create.map(|make| make.before(rest.first())) {
            Some(make) => map.get_or_insert_with(name, || {
                created = true;
                make.node()
            }),
            None => match map.get_mut(name) {
                Some(node) => node,
                None => return Ok(()),
            },
        };
        match node.scalar_text() {
            Some(text) if !rest.is_empty() => self.inside(&text, rest),
            _ => self.from(Match { node, created }, rest),
        }
    }

    /// A quirk: a path that leads into a text which is YAML matches there, but what it matches is never written back.
    fn inside(&mut self, text: &str, rest: &[Step]) -> Result<(), String> {
        let mut copy = parse_embedded(text)?;
        let mut ignore = |_: Match<'_>| Ok(());
        let mut visit = Visit { create: self.create, set: &mut ignore, found: 0 };
        visit.walk(&mut copy, rest)?;
        self.found += visit.found;
        Ok(())
    }

    fn elements(
        &mut self,
        (field, text): (&str, &str),
        items: &mut Vec<Node>,
        rest: &[Step],
    ) -> Result<(), String> {
        let pattern = Regex::new(text).map_err(|_| format!("'{text}' is no regular expression"))?;
        // An element that is itself compared is the match: what follows in the path is not looked at, as upstream.
        let rest = if field.is_empty() { &[] } else { rest };
        let before = self.found;
        for item in items.iter_mut() {
            if element_text(item, field).is_some_and(|held| pattern.is_match(&held)) {
                self.walk(item, rest)?;
            }
        }
        if self.found > before || self.create.is_none() {
            return Ok(());
        }
        if !pattern.is_match(text) {
            return Err(format!("no element matches '{text}', and none can be made from it"));
        }
        let mut item = element(field, text);
        self.from(Match { node: &mut item, created: field.is_empty() }, rest)?;
        items.push(item);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_split_at_dots_outside_of_brackets() {
        let field = |name: &str| Step::Field(name.to_owned());
        assert_eq!(split("a.b\\.c.0"), [field("a"), field("b.c"), Step::Index(0)]);
        assert_eq!(
            split("a.[name=x.y].*"),
            [field("a"), Step::Element("name".to_owned(), "x.y".to_owned()), Step::Every]
        );
        assert_eq!(split("a.[b.c/d].e"), [field("a"), field("b.c/d"), field("e")]);
        assert_eq!(split(".a.[b]"), [field("a"), Step::Unreadable("[b]".to_owned())]);
    }
}
