//! Dotted field paths of replacements and variables: `spec.containers.[name=a].env.0.value`.

use regex::Regex;

use crate::yaml::{Map, Node, Value};

/// One step of a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Field(String),
    Index(usize),
    /// `[field=text]`; an empty field means the element itself.
    Element(String, String),
    Every,
}

/// Splits at dots; `\.` is a dot inside a name, and brackets hold dots.
pub(super) fn split(path: &str) -> Vec<Step> {
    let mut parts: Vec<String> = Vec::new();
    for piece in path.split('.') {
        match parts.last_mut() {
            Some(last) if last.ends_with('\\') => {
                last.pop();
                last.push('.');
                last.push_str(piece);
            }
            Some(last) if last.starts_with('[') && !last.ends_with(']') => {
                last.push('.');
                last.push_str(piece);
            }
            _ => parts.push(piece.to_owned()),
        }
    }
    parts.into_iter().map(|part| step(&part)).collect()
}

fn step(part: &str) -> Step {
    if part == "*" {
        return Step::Every;
    }
    if let Some(inner) = part.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'))
        && let Some((field, text)) = inner.split_once('=')
    {
        return Step::Element(field.to_owned(), text.to_owned());
    }
    // `[q]` without `=` is taken for a name, which no object has.
    part.parse().map_or_else(|_| Step::Field(part.to_owned()), Step::Index)
}

/// The one node at a path. Elements match exactly.
pub(super) fn lookup<'n>(node: &'n Node, path: &[Step]) -> Option<&'n Node> {
    path.iter().try_fold(node, |here, step| match (step, &here.value) {
        (Step::Field(name), Value::Map(map)) => map.get(name),
        (Step::Field(name), Value::Seq(items)) if name == "-" => items.last(),
        (Step::Index(at), Value::Seq(items)) => items.get(*at),
        (Step::Index(at), Value::Map(map)) => map.get(&at.to_string()),
        (Step::Element(field, text), Value::Seq(items)) => {
            items.iter().find(|item| element_text(item, field).as_deref() == Some(text))
        }
        _ => None,
    })
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
            Some(Step::Field(_)) => Make::Map,
            Some(_) => Make::Seq,
        }
    }
}

/// A walk over every node that a path matches.
pub(super) struct Visit<'v> {
    pub(super) create: Option<Make>,
    pub(super) set: &'v mut dyn FnMut(&mut Node) -> Result<(), String>,
    pub(super) found: usize,
}

impl Visit<'_> {
    /// Calls `set` on every match. `[name=x]` is a regular expression here, as in the reference.
    pub(super) fn walk(&mut self, node: &mut Node, path: &[Step]) -> Result<(), String> {
        let Some((first, rest)) = path.split_first() else {
            self.found += 1;
            return (self.set)(node);
        };
        let make = self.create.map(|make| make.before(rest.first()));
        if node.is_null() {
            match self.create {
                Some(end) => node.value = end.before(Some(first)).node().value,
                None => return Ok(()),
            }
        }
        match (first, &mut node.value) {
            (Step::Field(name), Value::Map(map)) => self.field((name, rest), map, make),
            (Step::Index(at), Value::Map(map)) => self.field((&at.to_string(), rest), map, make),
            (Step::Index(at), Value::Seq(items)) => {
                if let (true, Some(make)) = (items.len() == *at, make) {
                    items.push(make.node());
                }
                let length = items.len();
                match items.get_mut(*at) {
                    Some(item) => self.walk(item, rest),
                    None => Err(format!("index {at} specified but only {length} elements found")),
                }
            }
            (Step::Every, Value::Seq(items)) => items.iter_mut().try_for_each(|item| self.walk(item, rest)),
            (Step::Every, Value::Map(map)) => map.values_mut().try_for_each(|item| self.walk(item, rest)),
            (Step::Element(field, text), Value::Seq(items)) => self.elements((field, text), items, rest),
            (_, _) => Err(format!("expected a map or a list, found {}", node.kind_name())),
        }
    }

    fn field(
        &mut self,
        (name, rest): (&str, &[Step]),
        map: &mut Map,
        make: Option<Make>,
    ) -> Result<(), String> {
        let member = match make {
            Some(make) => Some(map.get_or_insert_with(name, || make.node())),
            None => map.get_mut(name),
        };
        member.map_or(Ok(()), |member| self.walk(member, rest))
    }

    fn elements(
        &mut self,
        (field, text): (&str, &str),
        items: &mut Vec<Node>,
        rest: &[Step],
    ) -> Result<(), String> {
        let pattern = Regex::new(text).map_err(|_| format!("'{text}' is no regular expression"))?;
        let before = self.found;
        for item in items.iter_mut() {
            if element_text(item, field).is_some_and(|held| pattern.is_match(&held)) {
                self.walk(item, rest)?;
            }
        }
        if self.found == before && self.create.is_some() {
            let mut item = Node::text(text);
            if !field.is_empty() {
                let mut map = Map::new();
                map.insert(field, item);
                item = Value::Map(map).into();
            }
            self.walk(&mut item, rest)?;
            items.push(item);
        }
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
    }
}
