//! What differs between two values of one shape.

use std::collections::BTreeMap;

use serde_json::Value;

use super::validate::scalar_problem;
use super::{Problem, Trail, ValidationErrors, fields, item_element, items, names};
use crate::smd::order;
use crate::smd::path::PathElement;
use crate::smd::set::{FieldSet, Mark};
use crate::smd::shape::{Atom, ListForm, MapForm, ScalarForm, Shape};

/// The difference between an old and a new value. No path is in more than one of the sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What the old value has and the new one has not.
    pub removed: FieldSet,
    /// What both have with different values.
    pub modified: FieldSet,
    /// What the new value has and the old one has not.
    pub added: FieldSet,
}

impl Comparison {
    /// Whether the values are the same.
    pub fn is_same(&self) -> bool {
        self.removed.is_empty() && self.modified.is_empty() && self.added.is_empty()
    }

    /// Without these fields and what is below them.
    pub fn without(&self, fields: &FieldSet) -> Self {
        Self {
            removed: self.removed.recursive_difference(fields),
            modified: self.modified.recursive_difference(fields),
            added: self.added.recursive_difference(fields),
        }
    }
}

/// Compares two values of one shape.
///
/// # Errors
/// Items that cannot be identified, and scalars of the wrong type on both sides.
pub fn compare(old: &Value, new: &Value, shape: Shape<'_>) -> Result<Comparison, ValidationErrors> {
    let mut trail = Trail::default();
    let change = node(&mut trail, Pair { old: Some(old), new: Some(new) }, shape);
    ValidationErrors::check(trail.errors)?;
    Ok(Comparison {
        removed: change.removed.below,
        modified: change.modified.below,
        added: change.added.below,
    })
}

#[derive(Clone, Copy)]
struct Pair<'v> {
    old: Option<&'v Value>,
    new: Option<&'v Value>,
}

#[derive(Default)]
struct Change {
    removed: Mark,
    modified: Mark,
    added: Mark,
}

/// The changes of the children of one place.
#[derive(Default)]
struct Children {
    removed: Vec<(PathElement, Mark)>,
    modified: Vec<(PathElement, Mark)>,
    added: Vec<(PathElement, Mark)>,
}

impl Children {
    fn push(&mut self, element: PathElement, change: Change) {
        self.removed.push((element.clone(), change.removed));
        self.modified.push((element.clone(), change.modified));
        self.added.push((element, change.added));
    }

    fn gather(self) -> Change {
        let mark = |marks| Mark { member: false, below: FieldSet::from_marks(marks) };
        Change { removed: mark(self.removed), modified: mark(self.modified), added: mark(self.added) }
    }
}

fn node(trail: &mut Trail, pair: Pair<'_>, shape: Shape<'_>) -> Change {
    let atom = shape.atom();
    let (old, new) = (atom.narrow(pair.old), atom.narrow(pair.new));
    let (mut change, leaf) = if pair.new.is_none() {
        form(trail, pair, &old)
    } else if pair.old.is_none() || old.same_forms(&new) {
        form(trail, pair, &new)
    } else {
        // The value changed its form: what the old form says, and what the new one says.
        let (before, _) = form(trail, pair, &old);
        let (after, leaf) = form(trail, pair, &new);
        let change = Change {
            removed: before.removed.union(&after.removed),
            modified: before.modified.union(&after.modified),
            added: before.added.union(&after.added),
        };
        (change, leaf)
    };
    if !leaf {
        change.added.member |= pair.old.is_none();
        change.removed.member |= pair.new.is_none();
    }
    change
}

/// The change in one form, and whether that form is a leaf.
fn form(trail: &mut Trail, pair: Pair<'_>, atom: &Atom<'_>) -> (Change, bool) {
    if let Some(map) = &atom.map {
        of_map(trail, pair, map)
    } else if let Some(scalar) = atom.scalar {
        (of_scalar(trail, pair, scalar), true)
    } else if let Some(list) = &atom.list {
        of_list(trail, pair, list)
    } else {
        trail.report(Problem::Undeclared);
        (Change::default(), false)
    }
}

fn leaf(pair: Pair<'_>) -> Change {
    let mut change = Change::default();
    match (pair.old, pair.new) {
        (None, _) => change.added = Mark::leaf(),
        (_, None) => change.removed = Mark::leaf(),
        (Some(old), Some(new)) if !order::same(old, new) => change.modified = Mark::leaf(),
        _ => {}
    }
    change
}

fn of_scalar(trail: &mut Trail, pair: Pair<'_>, scalar: ScalarForm) -> Change {
    if let (Some(old), Some(new)) = (scalar_problem(scalar, pair.old), scalar_problem(scalar, pair.new)) {
        trail.report(old);
        trail.report(new);
        return Change::default();
    }
    leaf(pair)
}

fn of_map(trail: &mut Trail, pair: Pair<'_>, map: &MapForm<'_>) -> (Change, bool) {
    let (old, new) = (fields(pair.old), fields(pair.new));
    let names = names(old, new);
    // Empty and null differ, although neither has a field that could.
    if map.whole || names.is_empty() {
        return (leaf(pair), true);
    }
    let mut children = Children::default();
    for name in names {
        let element = PathElement::field(name);
        let pair = Pair { old: old.and_then(|f| f.get(name)), new: new.and_then(|f| f.get(name)) };
        let change = trail.descend(&element, |trail| node(trail, pair, map.field(name)));
        children.push(element, change);
    }
    (children.gather(), false)
}

fn of_list(trail: &mut Trail, pair: Pair<'_>, list: &ListForm<'_>) -> (Change, bool) {
    let (old, new) = (items(pair.old), items(pair.new));
    if list.is_whole() || (old.is_empty() && new.is_empty()) {
        return (leaf(pair), true);
    }
    let mut found: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
    index(trail, list, old, |element, item| found.entry(element).or_default().0.push(item));
    index(trail, list, new, |element, item| found.entry(element).or_default().1.push(item));
    let mut children = Children::default();
    for (element, (old, new)) in found {
        let change = trail.descend(&element, |trail| of_item(trail, list, &old, &new));
        children.push(element, change);
    }
    (children.gather(), false)
}

fn index<'v>(
    trail: &mut Trail,
    list: &ListForm<'_>,
    items: &'v [Value],
    mut found: impl FnMut(PathElement, &'v Value),
) {
    for (index, item) in items.iter().enumerate() {
        match item_element(list, item) {
            Ok(element) => found(element, item),
            Err(detail) => trail.report(Problem::Item { index, detail }),
        }
    }
}

/// One item; or, where it occurs more than once on a side, the item as a marker without what it holds.
fn of_item(trail: &mut Trail, list: &ListForm<'_>, old: &[&Value], new: &[&Value]) -> Change {
    let item = |trail: &mut Trail, old: Option<&Value>, new: Option<&Value>| {
        if old.is_none() && new.is_none() {
            return Change::default();
        }
        node(trail, Pair { old, new }, list.items)
    };
    match (old.len() > 1, new.len() > 1) {
        (false, false) => item(trail, old.first().copied(), new.first().copied()),
        (true, true) => {
            let same = old.len() == new.len() && old.iter().zip(new).all(|(a, b)| order::same(a, b));
            let modified = if same { Mark::default() } else { Mark::leaf() };
            Change { modified, ..Change::default() }
        }
        (true, false) => {
            let mut change = item(trail, None, new.first().copied());
            change.removed.member = true;
            change
        }
        (false, true) => {
            let mut change = item(trail, old.first().copied(), None);
            change.added.member = true;
            change
        }
    }
}
