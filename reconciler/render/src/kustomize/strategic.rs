//! Strategic merge as kustomize implements it (`spec/rendering.md` 2.11).
//!
//! Upstream walks the object and the patch together, and visits what only one of them has, too: a patch tidies lists it does
//! not mention. Where the object has nothing, the patch's value is walked as both sides.

mod lists;

use super::id::GvkRef;
use super::schema::{ListMerge, Schemas, Shape};
use crate::yaml::{Map, Node, Pos, Value, reads_otherwise};

type Result<T> = std::result::Result<T, String>;

const DIRECTIVE: &str = "$patch";

#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

impl Directive {
    fn of(text: &str) -> Option<Self> {
        match text {
            "merge" => Some(Directive::Merge),
            "replace" => Some(Directive::Replace),
            "delete" => Some(Directive::Delete),
            _ => None,
        }
    }
}

/// What a value came to.
enum Merged {
    Gone,
    /// The object's value, changed or not.
    Own(Node),
    /// The patch's value instead of the object's.
    Patch(Node),
}

impl Merged {
    fn node(self) -> Option<Node> {
        match self {
            Merged::Gone => None,
            Merged::Own(node) | Merged::Patch(node) => Some(node),
        }
    }
}

/// A schema and where schemas of embedded objects come from.
#[derive(Clone)]
struct At<'s> {
    schemas: &'s Schemas,
    shape: Shape<'s>,
    list: ListMerge,
}

impl<'s> At<'s> {
    /// Where nothing is known, an embedded object may still say what it is.
    fn refined(self, own: Option<&Node>, patch: Option<&Node>) -> Self {
        if !matches!(self.shape, Shape::Unknown) {
            return self;
        }
        let kind_of = |node: &Node| -> Shape<'s> {
            let (Some(version), Some(kind)) = (node.str_at(&["apiVersion"]), node.str_at(&["kind"])) else {
                return Shape::Unknown;
            };
            self.schemas.of(GvkRef::new(version, kind))
        };
        let own = own.map_or(Shape::Unknown, kind_of);
        let shape = if matches!(own, Shape::Unknown) { patch.map_or(own, kind_of) } else { own };
        At { shape, ..self }
    }

    fn member(&self, key: &str) -> At<'s> {
        let (shape, list) = self.shape.member(key);
        let shape = match (self.shape, shape) {
            (Shape::Custom { .. }, Shape::Known(_)) if !self.schemas.has_built_in() => Shape::Unknown,
            (_, shape) => shape,
        };
        At { shape, list, schemas: self.schemas }
    }
}

/// Merges a patch into an object. `None` when the patch deletes it.
pub(super) fn merge(own: Node, patch: Node, schemas: &Schemas) -> Result<Option<Node>> {
    // A quirk: a whole object is never replaced. What would replace it is thrown away.
    if patch.str_at(&[DIRECTIVE]) == Some("replace") {
        return Ok(Some(own));
    }
    let at = At { schemas, shape: Shape::Unknown, list: ListMerge::Replace };
    both(own, patch, at).map(Merged::node)
}

fn unknown() -> String {
    "unknown patch strategy in $patch: use merge, replace or delete".to_owned()
}

/// Takes the directive out of a map.
fn directive(node: &mut Node) -> Result<Directive> {
    let Some(map) = node.as_map_mut() else { return Ok(Directive::Merge) };
    let Some(held) = map.get(DIRECTIVE) else { return Ok(Directive::Merge) };
    let found = Directive::of(held.as_str().unwrap_or_default()).ok_or_else(unknown)?;
    map.remove(DIRECTIVE);
    Ok(found)
}

/// What there is on both sides.
fn both(own: Node, patch: Node, at: At<'_>) -> Result<Merged> {
    match (&own.value, &patch.value) {
        (_, Value::Null | Value::Blank) => Ok(Merged::Gone),
        (Value::Null | Value::Blank, _) => created(patch, at),
        (Value::Map(_), Value::Map(_)) => maps(own, patch, at),
        (Value::Seq(_), Value::Seq(_)) => match at.list {
            // Directives in lists without keys are not read: they stay in the output (measured).
            ListMerge::Replace => Ok(Merged::Patch(patch)),
            _ => lists::both(own, patch, &at),
        },
        (Value::Map(_) | Value::Seq(_), _) | (_, Value::Map(_) | Value::Seq(_)) => {
            Err(format!("the object has {} here, the patch {}", own.kind_name(), patch.kind_name()))
        }
        (_, _) => Ok(Merged::Patch(patch)),
    }
}

fn maps(own: Node, mut patch: Node, at: At<'_>) -> Result<Merged> {
    match directive(&mut patch)? {
        Directive::Delete => return Ok(Merged::Gone),
        Directive::Replace => return same(patch, at).map(|node| node.map_or(Merged::Gone, Merged::Patch)),
        Directive::Merge => {}
    }
    let at = at.refined(Some(&own), Some(&patch));
    let pos = own.pos;
    let (Value::Map(own), Value::Map(mut patch)) = (own.value, patch.value) else { return Ok(Merged::Gone) };
    let mut entries: Vec<(Box<str>, Node)> = Vec::with_capacity(own.len() + patch.len());
    for (key, held) in own {
        let before = Written::of(&held);
        let merged = match patch.remove(&key) {
            Some(new) => {
                both(held, new, at.member(&key)).map(|merged| merged.node().map(|node| before.over(node)))
            }
            None => alone(held, at.member(&key)).map(|node| node.map(member)),
        };
        if let Some(node) = merged.map_err(|e| within(&key, &e))? {
            entries.push((key, node));
        }
    }
    for (key, new) in patch {
        if let Some(node) = created(new, at.member(&key)).map_err(|e| within(&key, &e))?.node() {
            entries.push((key, member(node)));
        }
    }
    Ok(Merged::Own(Node::new(Value::Map(Map::from_entries(entries)), pos)))
}

/// How a member was written; what is written over it is written the same way.
struct Written {
    pos: Pos,
    quoted: bool,
    share: u32,
    is_null: bool,
}

impl Written {
    fn of(node: &Node) -> Self {
        Written { pos: node.pos, quoted: node.quoted, share: node.share, is_null: node.is_null() }
    }

    /// A number or boolean in the place of a quoted text becomes text. A quirk.
    fn over(self, mut node: Node) -> Node {
        node.pos = self.pos;
        node.share = self.share;
        if self.is_null {
            return member(node);
        }
        if self.quoted
            && let Some(text) = node.scalar_text()
        {
            node.value = Value::String(text);
            node.unread = false;
        }
        node.quoted = self.quoted;
        node
    }
}

fn within(key: &str, error: &str) -> String {
    match error.split_once(": ") {
        Some((path, rest)) if !path.contains(' ') => format!("{key}.{path}: {rest}"),
        _ => format!("{key}: {error}"),
    }
}

/// What the patch is silent about: a null that was written stays, one that was not goes, and lists with keys are tidied.
fn alone(own: Node, at: At<'_>) -> Result<Option<Node>> {
    match own.value {
        Value::Blank => Ok(None),
        Value::Map(_) => {
            let at = at.refined(Some(&own), None);
            let pos = own.pos;
            let Value::Map(map) = own.value else { return Ok(None) };
            let mut entries = Vec::with_capacity(map.len());
            for (key, held) in map {
                if let Some(node) = alone(held, at.member(&key)).map_err(|e| within(&key, &e))? {
                    entries.push((key, member(node)));
                }
            }
            Ok(Some(Node::new(Value::Map(Map::from_entries(entries)), pos)))
        }
        Value::Seq(_) if at.list != ListMerge::Replace => lists::alone(own, &at),
        _ => Ok(Some(own)),
    }
}

/// What upstream's setter of members does to a text without quotes that YAML 1.1 reads as something else: it gets quotes, also where the
/// patch is silent. So what has no type yet becomes text there.
fn member(mut node: Node) -> Node {
    if node.quoted || node.unread || !(node.untyped || matches!(node.value, Value::String(_))) {
        return node;
    }
    if let Some(text) = node.scalar_text().filter(|text| reads_otherwise(text)) {
        node.quoted = true;
        node.untyped = false;
        node.value = Value::String(text);
    }
    node
}

/// What only the patch has. Its first directive is not judged: a wrong one stays (upstream's quirk).
fn created(mut patch: Node, at: At<'_>) -> Result<Merged> {
    let found = directive(&mut patch).unwrap_or(Directive::Merge);
    if found == Directive::Delete {
        return Ok(Merged::Gone);
    }
    if let (Value::Seq(_), ListMerge::Set | ListMerge::Keyed(_)) = (&patch.value, &at.list) {
        return lists::same(patch, &at).map(|node| node.map_or(Merged::Gone, Merged::Patch));
    }
    members(patch, at).map(|node| node.map_or(Merged::Gone, Merged::Patch))
}

/// A value as both sides of the walk.
fn same(mut node: Node, at: At<'_>) -> Result<Option<Node>> {
    match &node.value {
        Value::Null | Value::Blank => Ok(None),
        Value::Map(_) => match directive(&mut node)? {
            Directive::Delete => Ok(None),
            _ => members(node, at),
        },
        Value::Seq(_) if at.list != ListMerge::Replace => lists::directed(node, &at),
        _ => Ok(Some(node)),
    }
}

/// The members of a map as both sides of the walk: nulls and what directives delete go.
fn members(node: Node, at: At<'_>) -> Result<Option<Node>> {
    let at = at.refined(Some(&node), None);
    let pos = node.pos;
    if node.is_null() {
        return Ok(None);
    }
    let Value::Map(map) = node.value else { return Ok(Some(node)) };
    let mut entries = Vec::with_capacity(map.len());
    for (key, held) in map {
        if let Some(node) = same(held, at.member(&key)).map_err(|e| within(&key, &e))? {
            entries.push((key, member(node)));
        }
    }
    Ok(Some(Node::new(Value::Map(Map::from_entries(entries)), pos)))
}

#[cfg(test)]
mod tests;
