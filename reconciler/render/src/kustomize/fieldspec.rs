//! Field specs: which fields of which kinds a transformer changes.

use super::id::{Gvk, GvkRef};
use crate::yaml::{Map, Node, Value};

/// Which fields of which kinds: empty parts of the kind match anything; the path is slash-separated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FieldSpec {
    pub(super) gvk: Gvk,
    pub(super) path: Vec<String>,
    pub(super) create: bool,
}

/// What a missing last field is created as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    Scalar,
    Map,
}

impl FieldSpec {
    pub(super) fn new(kind: &str, path: &str, create: bool) -> Self {
        FieldSpec { gvk: Gvk::of_kind(kind), path: split_path(path), create }
    }

    pub(super) fn in_group(mut self, group: &str) -> Self {
        group.clone_into(&mut self.gvk.group);
        self
    }

    pub(super) fn path_text(&self) -> String {
        self.path.iter().map(|part| part.replace('/', "\\/")).collect::<Vec<_>>().join("/")
    }

    pub(super) fn matches(&self, gvk: GvkRef<'_>) -> bool {
        gvk.is_selected(&self.gvk)
    }

    /// Calls `set` on every node at the path, creating it as `leaf` where the spec says so.
    pub(super) fn apply<F>(&self, node: &mut Node, leaf: Leaf, set: &mut F) -> Result<(), String>
    where
        F: FnMut(&mut Node) -> Result<(), String>,
    {
        visit(node, &self.path, self.create.then_some(leaf), set)
    }
}

/// Splits at `/`; `\/` is a slash inside a part.
pub(super) fn split_path(path: &str) -> Vec<String> {
    let mut parts: Vec<String> = vec![String::new()];
    let mut chars = path.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, parts.last_mut()) {
            ('\\', Some(part)) if chars.peek() == Some(&'/') => {
                chars.next();
                part.push('/');
            }
            ('/', _) => parts.push(String::new()),
            (c, Some(part)) => part.push(c),
            (_, None) => {}
        }
    }
    if parts.len() > 1 && parts.first().is_some_and(String::is_empty) {
        parts.remove(0);
    }
    parts
}

fn visit<F>(node: &mut Node, path: &[String], create: Option<Leaf>, set: &mut F) -> Result<(), String>
where
    F: FnMut(&mut Node) -> Result<(), String>,
{
    let Some((first, rest)) = path.split_first() else { return set(node) };
    match &mut node.value {
        Value::Null | Value::Blank => Ok(()),
        // A path does not tell maps from lists: a list applies the same path to each element.
        Value::Seq(items) => items.iter_mut().try_for_each(|item| visit(item, path, create, set)),
        Value::Map(map) => {
            let (name, is_list) =
                first.strip_suffix("[]").map_or((first.as_str(), false), |name| (name, true));
            if name.is_empty() {
                return Err("cannot set or create an empty field name".to_owned());
            }
            let Some(field) = field_of(map, name, rest.is_empty(), create.filter(|_| !is_list)) else {
                return Ok(());
            };
            if is_list && field.is_null() {
                field.value = Value::Seq(Vec::new());
            }
            visit(field, rest, create, set)
        }
        _ => Err(format!("expected a map or a list before '{first}', found {}", node.kind_name())),
    }
}

/// The member, created where asked for; an explicit null on the way becomes what would have been created.
fn field_of<'m>(map: &'m mut Map, name: &str, last: bool, create: Option<Leaf>) -> Option<&'m mut Node> {
    let Some(leaf) = create else { return map.get_mut(name) };
    let is_scalar = last && leaf == Leaf::Scalar;
    let field = map.get_or_insert_with(name, || if is_scalar { Value::Blank.into() } else { Node::map() });
    if field.is_null() && !is_scalar {
        *field = Node::map();
    }
    Some(field)
}

/// Adds specs. One whose field is already there for a kind that it includes is dropped, even if it includes more kinds: a quirk.
/// The same field with another `create` is an error.
pub(super) fn merge_specs(into: &mut Vec<FieldSpec>, more: &[FieldSpec]) -> Result<(), String> {
    for spec in more {
        match into.iter().find(|held| held.path == spec.path && held.gvk.as_ref().is_selected(&spec.gvk)) {
            Some(held) if held.create != spec.create => {
                return Err(format!(
                    "conflicting fieldspecs: '{}' of {} is listed with create: true and create: false; keep one",
                    spec.path_text(),
                    spec.gvk.as_ref()
                ));
            }
            Some(_) => {}
            None => into.push(spec.clone()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Loader, Profile, emit};

    #[test]
    fn paths_reach_through_lists_and_create_only_maps() {
        fn check(spec: &FieldSpec, text: &str, expected: &str) {
            let mut node = Loader::new(Profile::Kustomize).load("f", text.as_bytes()).unwrap().remove(0);
            spec.apply(&mut node, Leaf::Scalar, &mut |field| {
                field.value = Value::String("X".to_owned());
                Ok(())
            })
            .unwrap();
            assert_eq!(emit(&node), expected);
        }
        check(&FieldSpec::new("", "a/b", true), "{}", "a:\n  b: X\n");
        check(&FieldSpec::new("", "a/b", false), "{a: {c: d}}", "a:\n  c: d\n");
        check(&FieldSpec::new("", "a/b", false), "{a: [{b: 1}, {c: 2}]}", "a:\n- b: X\n- c: 2\n");
        check(&FieldSpec::new("", "a[]/b", true), "{c: 1}", "c: 1\n");
        check(&FieldSpec::new("", "a/b\\/c", true), "{a: ~}", "a:\n  b/c: X\n");
    }
}
