//! Lists whose elements are paired by keys, or are a set.
//!
//! The usual list, every element a map with its own key, is merged in one pass. Others go through upstream's steps one by one, since
//! what comes out of them is an accident of these steps: elements without a key can push out the others.

use std::collections::{HashMap, HashSet};

use super::super::metadata::literal_text as text_of;
use super::super::schema::ListMerge;
use super::{At, DIRECTIVE, Directive, Merged, Result, created, unknown};
use crate::yaml::{Map, Node, Value, resolve_text};

/// Elements of a list that is merged step by step; that takes quadratic time.
const MAX_IRREGULAR: usize = 1_000;

/// What stands against the object's list.
enum Other {
    Nothing,
    /// The same list.
    Itself,
    Patch(Vec<Node>),
}

fn items_of(node: Node) -> (Vec<Node>, crate::yaml::Pos) {
    match node.value {
        Value::Seq(items) => (items, node.pos),
        _ => (Vec::new(), node.pos),
    }
}

pub(super) fn both(own: Node, patch: Node, at: &At<'_>) -> Result<Merged> {
    let (own, pos) = items_of(own);
    let (mut patch, patch_pos) = items_of(patch);
    let done = |items| Node::new(Value::Seq(items), pos);
    match list_directive(&mut patch)? {
        Directive::Delete => Ok(Merged::Gone),
        Directive::Replace => {
            let items = merged(patch, Other::Itself, at)?;
            Ok(Merged::Patch(Node::new(Value::Seq(items), patch_pos)))
        }
        Directive::Merge => merged(own, Other::Patch(patch), at).map(done).map(Merged::Own),
    }
}

pub(super) fn alone(own: Node, at: &At<'_>) -> Result<Option<Node>> {
    let (own, pos) = items_of(own);
    Ok(Some(Node::new(Value::Seq(merged(own, Other::Nothing, at)?), pos)))
}

/// A list as both sides, its directives left alone.
pub(super) fn same(node: Node, at: &At<'_>) -> Result<Option<Node>> {
    let (items, pos) = items_of(node);
    Ok(Some(Node::new(Value::Seq(merged(items, Other::Itself, at)?), pos)))
}

/// A list as both sides.
pub(super) fn directed(node: Node, at: &At<'_>) -> Result<Option<Node>> {
    let (mut items, pos) = items_of(node);
    match list_directive(&mut items)? {
        Directive::Delete => Ok(None),
        _ => same(Node::new(Value::Seq(items), pos), at),
    }
}

/// Reads the first element with a directive; where it holds nothing else, it is about the list, and is taken out.
fn list_directive(items: &mut Vec<Node>) -> Result<Directive> {
    let first = items.iter().filter_map(Node::as_map).find(|map| map.contains_key(DIRECTIVE));
    let Some(map) = first.filter(|map| map.len() == 1) else { return Ok(Directive::Merge) };
    let text = map.get(DIRECTIVE).map(text_of).unwrap_or_default();
    let found = Directive::of(&text).ok_or_else(unknown)?;
    // Elements of their own with the same directive go along with it, as upstream.
    items.retain(|item| match &item.value {
        Value::Null | Value::Blank => false,
        Value::Map(map) => !map.is_empty() && map.get(DIRECTIVE).map(text_of).as_deref() != Some(&text),
        _ => true,
    });
    Ok(found)
}

fn merged(own: Vec<Node>, other: Other, at: &At<'_>) -> Result<Vec<Node>> {
    let keys = match &at.list {
        ListMerge::Keyed(keys) => keys,
        ListMerge::Set => return set(own, other),
        ListMerge::Replace => return Ok(own),
    };
    let element = At { list: ListMerge::Replace, ..at.clone() };
    let tuples = Tuples::of(keys, &own, &other);
    match tuples.regular(&own, &other) {
        Some(valid) => regular(own, other, &Pairing { keys: &valid, element: &element }),
        None => Steps::new(own, other, element, tuples)?.run(),
    }
}

/// A set: the patch's values, then the object's; of equal ones the object's own spelling stays.
fn set(own: Vec<Node>, other: Other) -> Result<Vec<Node>> {
    let mut order: Vec<String> = Vec::new();
    let mut held: HashMap<String, Node> = HashMap::new();
    let patch = if let Other::Patch(patch) = other { patch } else { Vec::new() };
    for node in patch.into_iter().chain(own) {
        match node.value {
            Value::Null | Value::Blank => continue,
            Value::Map(_) | Value::Seq(_) => {
                return Err(format!("a set of texts holds {}", node.kind_name()));
            }
            _ => {}
        }
        let text = text_of(&node);
        if held.insert(text.clone(), node).is_none() {
            order.push(text);
        }
    }
    Ok(order.iter().filter_map(|text| held.remove(text)).collect())
}

/// The keys of the elements of both lists.
struct Tuples {
    keys: Vec<String>,
    own: Vec<Vec<String>>,
    patch: Vec<Vec<String>>,
}

impl Tuples {
    fn of(keys: &[String], own: &[Node], other: &Other) -> Self {
        let tuple = |node: &Node| -> Vec<String> {
            let text = |key: &String| node.get(key).filter(|field| !field.is_empty()).map(text_of);
            keys.iter().map(|key| text(key).unwrap_or_default()).collect()
        };
        let patch =
            if let Other::Patch(patch) = other { patch.iter().map(tuple).collect() } else { Vec::new() };
        Tuples { keys: keys.to_vec(), own: own.iter().map(tuple).collect(), patch }
    }

    /// Which keys are set anywhere; all of them when none is.
    fn valid(&self) -> Vec<bool> {
        let set: Vec<bool> = (0..self.keys.len())
            .map(|at| self.own.iter().chain(&self.patch).any(|tuple| !tuple[at].is_empty()))
            .collect();
        if set.contains(&true) { set } else { vec![true; self.keys.len()] }
    }

    /// The keys that count, when every element has them all and no two of a list are equal.
    fn regular(&self, own: &[Node], other: &Other) -> Option<Vec<String>> {
        let valid = self.valid();
        let complete =
            |tuple: &Vec<String>| tuple.iter().zip(&valid).all(|(text, valid)| !valid || !text.is_empty());
        let unique = |tuples: &[Vec<String>]| {
            let mut seen = HashSet::with_capacity(tuples.len());
            tuples.iter().all(|tuple| complete(tuple) && seen.insert(tuple))
        };
        let all_maps = |items: &[Node]| items.iter().all(|item| item.as_map().is_some());
        let patch = if let Other::Patch(patch) = other { patch.as_slice() } else { &[] };
        (all_maps(own) && all_maps(patch) && unique(&self.own) && unique(&self.patch))
            .then(|| picked(&self.keys, &valid))
    }
}

fn picked(texts: &[String], valid: &[bool]) -> Vec<String> {
    texts.iter().zip(valid).filter(|(_, valid)| **valid).map(|(text, _)| text.clone()).collect()
}

struct Pairing<'p, 's> {
    keys: &'p [String],
    element: &'p At<'s>,
}

/// The patch's elements in patch order, merged with their matches, then the remaining elements of the object in theirs.
fn regular(own: Vec<Node>, other: Other, pairing: &Pairing<'_, '_>) -> Result<Vec<Node>> {
    let Pairing { keys, element } = pairing;
    let key_of =
        |node: &Node| -> Vec<String> { keys.iter().filter_map(|key| node.get(key)).map(text_of).collect() };
    let kept = |node: Option<Node>| node.filter(|node| !node.is_empty());
    let patch = match other {
        Other::Patch(patch) => patch,
        Other::Nothing => {
            return own
                .into_iter()
                .filter_map(|node| super::alone(node, (*element).clone()).map(kept).transpose())
                .collect();
        }
        Other::Itself => {
            return own
                .into_iter()
                .filter_map(|node| super::same(node, (*element).clone()).map(kept).transpose())
                .collect();
        }
    };
    let places: HashMap<Vec<String>, usize> =
        own.iter().enumerate().map(|(at, node)| (key_of(node), at)).collect();
    let mut own: Vec<Option<Node>> = own.into_iter().map(Some).collect();
    let mut items = Vec::with_capacity(own.len() + patch.len());
    for node in patch {
        let match_ = places.get(&key_of(&node)).and_then(|at| own.get_mut(*at)).and_then(Option::take);
        let done = match match_ {
            None => created(node, (*element).clone())?.node(),
            Some(held) => paired(held, node, element)?,
        };
        items.extend(kept(done));
    }
    for node in own.into_iter().flatten() {
        items.extend(kept(super::alone(node, (*element).clone())?));
    }
    Ok(items)
}

/// A quirk: an element that is to be replaced stays as it is, unless nothing would be left of it.
fn paired(held: Node, patch: Node, element: &At<'_>) -> Result<Option<Node>> {
    if !replaces(&patch) {
        return super::both(held, patch, element.clone()).map(Merged::node);
    }
    let left = super::same(patch, element.clone())?.filter(|node| !node.is_empty());
    Ok(left.map(|_| held))
}

fn replaces(patch: &Node) -> bool {
    patch.str_at(&[DIRECTIVE]) == Some("replace")
}

/// An element on its way: one of the object's list, or a new one.
#[derive(Clone)]
enum Item {
    Own(usize),
    New(Node),
}

/// Upstream's steps over an irregular list.
struct Steps<'s> {
    own: Vec<Node>,
    /// Positions of the object's elements that are still there.
    live: Vec<Item>,
    items: Vec<Item>,
    other: Other,
    element: At<'s>,
    tuples: Tuples,
}

impl<'s> Steps<'s> {
    fn new(own: Vec<Node>, other: Other, element: At<'s>, tuples: Tuples) -> Result<Self> {
        let count = tuples.own.len() + tuples.patch.len();
        if count > MAX_IRREGULAR {
            return Err(format!(
                "a list of {count} elements has some without a key or with the same one; give each its own"
            ));
        }
        let live = (0..own.len()).map(Item::Own).collect();
        Ok(Steps { own, live, items: Vec::new(), other, element, tuples })
    }

    fn run(mut self) -> Result<Vec<Node>> {
        let mut seen = HashSet::new();
        let mut values: Vec<Vec<String>> = Vec::new();
        for tuple in self.tuples.patch.iter().chain(&self.tuples.own) {
            if seen.insert(tuple.clone()) {
                values.push(tuple.clone());
            }
        }
        if values.is_empty() {
            return Ok(self.own);
        }
        if self.tuples.keys.len() > 1 {
            merge_values(&mut values);
        }
        let valid = valid_of(&values, self.tuples.keys.len());
        let keys = picked(&self.tuples.keys, &valid);
        for tuple in &values {
            self.value(&keys, &picked(tuple, &valid))?;
        }
        self.append(&keys)?;
        let own = self.own;
        let node = |item: Item| match item {
            Item::Own(at) => own.get(at).cloned(),
            Item::New(node) => Some(node),
        };
        Ok(self.items.into_iter().filter_map(node).collect())
    }

    /// Merges the elements of one key, and puts the result among the items.
    fn value(&mut self, keys: &[String], values: &[String]) -> Result<()> {
        let Some(mut item) = self.walked(keys, values)? else {
            let mut live = std::mem::take(&mut self.live);
            self.set(&mut live, (keys, values), None)?;
            self.live = live;
            return Ok(());
        };
        let node = match &mut item {
            Item::Own(at) => self.own.get_mut(*at),
            Item::New(node) => Some(node),
        };
        if let Some(map) = node.and_then(Node::as_map_mut) {
            for (key, value) in keys.iter().zip(values).filter(|(_, value)| !value.is_empty()) {
                map.get_or_insert_with(key, || resolve_text(value).into());
            }
        }
        let mut items = std::mem::take(&mut self.items);
        self.set(&mut items, (keys, values), Some(&item))?;
        self.items = items;
        Ok(())
    }

    /// The merged element of one key; none when nothing is left.
    fn walked(&mut self, keys: &[String], values: &[String]) -> Result<Option<Item>> {
        let set: Vec<bool> = values.iter().map(|value| !value.is_empty()).collect();
        let wanted: Vec<(&String, &String)> = keys
            .iter()
            .zip(values)
            .zip(&set)
            .filter(|(_, is_set)| **is_set || !set.contains(&true))
            .map(|(pair, _)| pair)
            .collect();
        let fits = |node: &Node| {
            node.as_map().is_some_and(|map| {
                wanted.iter().all(|(key, value)| map.get(key).is_some_and(|field| text_of(field) == **value))
            })
        };
        let own = self.live.iter().find_map(|item| match item {
            Item::Own(at) => self.own.get(*at).filter(|node| fits(node)).map(|node| (*at, node.clone())),
            Item::New(_) => None,
        });
        let patch = if let Other::Patch(patch) = &self.other {
            patch.iter().find(|node| fits(node)).cloned()
        } else {
            None
        };
        let at = self.element.clone();
        let (place, done) = match (own, patch) {
            (None, None) => return Ok(None),
            (None, Some(patch)) => (None, created(patch, at)?.node()),
            (Some((place, own)), None) if matches!(self.other, Other::Itself) => {
                // Reading the directive takes it out, even of an element that then goes, or does not.
                if let Some(held) = self.own.get_mut(place).filter(|_| own.get(DIRECTIVE).is_some()) {
                    super::directive(held)?;
                }
                (Some(place), super::same(own, at)?)
            }
            (Some((place, own)), None) => (Some(place), super::alone(own, at)?),
            (Some(_), Some(patch)) if replaces(&patch) => (None, super::same(patch, at)?),
            (Some((place, own)), Some(patch)) => (Some(place), super::both(own, patch, at)?.node()),
        };
        let Some(node) = done.filter(|node| !node.is_empty()) else { return Ok(None) };
        Ok(Some(match place.and_then(|place| self.own.get_mut(place).map(|held| (place, held))) {
            Some((place, held)) => {
                *held = node;
                Item::Own(place)
            }
            None => Item::New(node),
        }))
    }

    /// Replaces, removes or appends an element, the way upstream's setter does.
    fn set(
        &self,
        list: &mut Vec<Item>,
        (keys, values): (&[String], &[String]),
        new: Option<&Item>,
    ) -> Result<()> {
        let mut kept = Vec::with_capacity(list.len() + 1);
        let mut matched = false;
        let for_maps = values.first().is_some_and(|value| !value.is_empty());
        for item in list.drain(..) {
            let node = match &item {
                Item::Own(at) => self.own.get(*at),
                Item::New(node) => Some(node),
            };
            let Some(node) =
                node.filter(|node| !(node.is_null() || node.as_map().is_some_and(Map::is_empty)))
            else {
                continue;
            };
            if node.as_map().is_none() {
                if !for_maps {
                    return Err(format!("a list of maps holds {}", node.kind_name()));
                }
                kept.push(item);
            } else if !matches(node, keys, values) {
                // Without any value nothing is kept: a quirk.
                if !values.is_empty() {
                    kept.push(item);
                }
            } else {
                matched = true;
                kept.extend(new.cloned());
            }
        }
        if !matched {
            kept.extend(new.cloned());
        }
        *list = kept;
        Ok(())
    }

    /// Puts the object's elements behind the items, or in the place of equal ones.
    fn append(&mut self, keys: &[String]) -> Result<()> {
        for item in std::mem::take(&mut self.live) {
            let Item::Own(at) = item else { continue };
            let Some(node) = self.own.get(at) else { continue };
            if node.as_map().is_none() && !node.is_null() {
                return Err(format!("a list of maps holds {}", node.kind_name()));
            }
            let mut values = Vec::new();
            for key in keys {
                match node.get(key) {
                    Some(field) => values.push(text_of(field)),
                    None => self.items.push(Item::Own(at)),
                }
            }
            let mut items = std::mem::take(&mut self.items);
            if keys.len() > 1 {
                self.set(&mut items, (keys, &values), None)?;
            }
            self.set(&mut items, (keys, &values), Some(&Item::Own(at)))?;
            self.items = items;
        }
        Ok(())
    }
}

/// Whether a map has these keys with these values; an empty value fits any, and so do keys behind the last value.
fn matches(node: &Node, keys: &[String], values: &[String]) -> bool {
    !values.is_empty()
        && keys.iter().zip(values).all(|(key, value)| {
            node.get(key).is_some_and(|field| value.is_empty() || text_of(field) == *value)
        })
}

fn valid_of(values: &[Vec<String>], count: usize) -> Vec<bool> {
    let set: Vec<bool> = (0..count).map(|at| values.iter().any(|tuple| !tuple[at].is_empty())).collect();
    if set.contains(&true) { set } else { vec![true; count] }
}

/// Tuples that agree where both say something become one.
fn merge_values(values: &mut [Vec<String>]) {
    for first in 0..values.len() {
        for second in 0..values.len() {
            if let Some(both) = agreed(&values[first], &values[second]) {
                values[first].clone_from(&both);
                values[second] = both;
            }
        }
    }
}

fn agreed(a: &[String], b: &[String]) -> Option<Vec<String>> {
    let mut common = false;
    let both = a.iter().zip(b).map(|(a, b)| {
        common |= a == b;
        match (a == b, a.is_empty(), b.is_empty()) {
            (true, ..) | (_, _, true) => Some(a.clone()),
            (_, true, _) => Some(b.clone()),
            _ => None,
        }
    });
    let both: Option<Vec<String>> = both.collect();
    both.filter(|_| common)
}
