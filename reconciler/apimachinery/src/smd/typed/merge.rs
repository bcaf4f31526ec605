//! The live object with what was applied laid over it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::validate::scalar_problem;
use super::{Problem, Trail, ValidationErrors, fields, item_element, items, names};
use crate::smd::path::PathElement;
use crate::smd::shape::{Atom, ListForm, MapForm, ScalarForm, Shape};

/// Merges what was applied into the live value. Nothing is removed; where both have a leaf, the applied one stays.
///
/// A list that is merged item by item keeps the live order as far as the applied items do not ask for another one; new items come where the applied list has them.
///
/// # Errors
/// Items that cannot be identified, items that are applied twice, scalars of the wrong type on both sides.
pub fn merge(live: &Value, applied: &Value, shape: Shape<'_>) -> Result<Value, ValidationErrors> {
    let mut trail = Trail::default();
    let merged = node(&mut trail, Pair { live: Some(live), applied: Some(applied) }, shape);
    ValidationErrors::check(trail.errors)?;
    Ok(merged.unwrap_or_default())
}

#[derive(Clone, Copy)]
struct Pair<'v> {
    live: Option<&'v Value>,
    applied: Option<&'v Value>,
}

impl Pair<'_> {
    /// A leaf: the applied value, else the live one.
    fn leaf(self) -> Option<Value> {
        self.applied.or(self.live).cloned()
    }
}

fn node(trail: &mut Trail, pair: Pair<'_>, shape: Shape<'_>) -> Option<Value> {
    // What only one side has needs no walk: everything in it is kept.
    if pair.live.is_none() || pair.applied.is_none() {
        return pair.leaf();
    }
    let atom = shape.atom();
    let (live, applied) = (atom.narrow(pair.live), atom.narrow(pair.applied));
    if !live.same_forms(&applied) {
        // The form of the applied value wins, but both are looked at for errors.
        form(trail, pair, &live);
    }
    form(trail, pair, &applied)
}

fn form(trail: &mut Trail, pair: Pair<'_>, atom: &Atom<'_>) -> Option<Value> {
    if let Some(map) = &atom.map {
        of_map(trail, pair, map)
    } else if let Some(scalar) = atom.scalar {
        of_scalar(trail, pair, scalar)
    } else if let Some(list) = &atom.list {
        of_list(trail, pair, list)
    } else {
        trail.report(Problem::Undeclared);
        None
    }
}

fn of_scalar(trail: &mut Trail, pair: Pair<'_>, scalar: ScalarForm) -> Option<Value> {
    if let (Some(live), Some(applied)) =
        (scalar_problem(scalar, pair.live), scalar_problem(scalar, pair.applied))
    {
        trail.report(live);
        trail.report(applied);
        return None;
    }
    pair.leaf()
}

fn of_map(trail: &mut Trail, pair: Pair<'_>, map: &MapForm<'_>) -> Option<Value> {
    let (live, applied) = (fields(pair.live), fields(pair.applied));
    let names = names(live, applied);
    if map.whole || names.is_empty() {
        return pair.leaf();
    }
    let mut merged = Map::new();
    for name in names {
        let pair = Pair { live: live.and_then(|f| f.get(name)), applied: applied.and_then(|f| f.get(name)) };
        let element = PathElement::field(name);
        if let Some(value) = trail.descend(&element, |trail| node(trail, pair, map.field(name))) {
            merged.insert(name.clone(), value);
        }
    }
    (!merged.is_empty()).then_some(Value::Object(merged))
}

fn of_list(trail: &mut Trail, pair: Pair<'_>, list: &ListForm<'_>) -> Option<Value> {
    let (live, applied) = (items(pair.live), items(pair.applied));
    if list.is_whole() || (live.is_empty() && applied.is_empty()) {
        return pair.leaf();
    }
    let mut sides = Sides { list, live: index(trail, list, live), applied: index(trail, list, applied) };
    report_repeated(trail, &mut sides.applied);
    if !trail.errors.is_empty() {
        return None;
    }
    let merged = sides.merge();
    (!merged.is_empty()).then_some(Value::Array(merged))
}

fn index<'v>(trail: &mut Trail, list: &ListForm<'_>, items: &'v [Value]) -> Indexed<'v> {
    let mut indexed = Indexed::default();
    for (index, item) in items.iter().enumerate() {
        match item_element(list, item) {
            Ok(element) => indexed.push(element, item),
            Err(detail) => trail.report(Problem::Item { index, detail }),
        }
    }
    indexed
}

fn report_repeated(trail: &mut Trail, applied: &mut Indexed<'_>) {
    for key in std::mem::take(&mut applied.repeated) {
        trail.report(Problem::Duplicate { key });
    }
}

/// A list whose items are identified.
#[derive(Default)]
struct Indexed<'v> {
    in_order: Vec<(PathElement, &'v Value)>,
    by_element: BTreeMap<PathElement, &'v Value>,
    repeated: Vec<PathElement>,
}

static NULL: Value = Value::Null;

impl<'v> Indexed<'v> {
    fn push(&mut self, element: PathElement, item: &'v Value) {
        // An item that occurs more than once is not merged with an applied one: there is no saying with which.
        let unique = if self.by_element.contains_key(&element) {
            self.repeated.push(element.clone());
            &NULL
        } else {
            item
        };
        self.by_element.insert(element.clone(), unique);
        self.in_order.push((element, item));
    }

    fn has(&self, element: &PathElement) -> bool {
        self.by_element.contains_key(element)
    }
}

struct Sides<'v, 'f, 's> {
    list: &'f ListForm<'s>,
    live: Indexed<'v>,
    applied: Indexed<'v>,
}

impl Sides<'_, '_, '_> {
    /// Interleaves both lists. Items that both have come in the applied order; a live item that was not applied keeps its place relative to
    /// the live items before it, as long as the next shared item has not been reached.
    fn merge(&self) -> Vec<Value> {
        let mut shared = self.applied.in_order.iter().map(|(e, _)| e).filter(|e| self.live.has(e)).peekable();
        let mut out = Vec::with_capacity(self.live.in_order.len().max(self.applied.in_order.len()));
        let mut done: BTreeSet<&PathElement> = BTreeSet::new();
        let (mut l, mut a) = (0, 0);
        loop {
            let (live, applied) = (self.live.in_order.get(l), self.applied.in_order.get(a));
            if let (Some((left, _)), Some((right, _))) = (live, applied) {
                if left == right {
                    done.insert(left);
                    out.extend(self.both(left));
                    (l, a) = (l + 1, a + 1);
                    shared.next();
                    continue;
                }
                if self.applied.has(left) && shared.peek().is_some_and(|next| *next != left) {
                    // Shared, but not its turn yet.
                    l += 1;
                    continue;
                }
            }
            if let Some((left, item)) = live {
                if !self.applied.has(left) {
                    out.extend(self.item(Some(item), None));
                    l += 1;
                    continue;
                }
                if done.contains(left) {
                    l += 1;
                }
            }
            match applied {
                Some((right, _)) => {
                    done.insert(right);
                    out.extend(self.both(right));
                    a += 1;
                    if shared.peek().is_some_and(|next| *next == right) {
                        shared.next();
                    }
                }
                None if self.live.in_order.get(l).is_none() => return out,
                // Only shared live items are left that were merged before, or whose turn has passed.
                None => l += usize::from(live.is_some_and(|(left, _)| !done.contains(left))),
            }
        }
    }

    fn both(&self, element: &PathElement) -> Option<Value> {
        self.item(self.live.by_element.get(element).copied(), self.applied.by_element.get(element).copied())
    }

    /// Errors inside an item were found when the applied value was validated.
    fn item(&self, live: Option<&Value>, applied: Option<&Value>) -> Option<Value> {
        node(&mut Trail::default(), Pair { live, applied }, self.list.items)
    }
}
