//! Lists of a strategic merge patch: merging by key or as sets, and the order of the result.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    PATCH, SET_ORDER, StrategicError, directed_field, merge_objects, unknown_directive, without_directives,
};
use crate::goprint;
use crate::schema::{Schema, Slot};

/// How two lists of one field are merged.
#[derive(Clone, Copy)]
pub(super) struct Merging<'s> {
    /// The field, where the schema knows it.
    pub(super) slot: Option<&'s Slot>,
    /// Whether the patch lists what to delete.
    pub(super) deletion: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ItemKind {
    Object,
    Scalar,
}

/// A list with a patch merged into it.
struct Merged {
    items: Vec<Value>,
    /// The live list as `$setElementOrder` sees it. The server merges in place, so where items were deleted, new ones already stand in their stead, and
    /// count as live ones.
    server_order: Positions,
}

impl<'s> Merging<'s> {
    /// Merges items of the patch into a list.
    pub(super) fn merge(self, original: Vec<Value>, patch: Vec<Value>) -> Result<Vec<Value>, StrategicError> {
        self.merge_lists(original, patch).map(|merged| merged.items)
    }

    fn merge_lists(self, live: Vec<Value>, patch: Vec<Value>) -> Result<Merged, StrategicError> {
        let key = self.key();
        let live_order = positions(&live, key);
        let as_before = |items| Merged { items, server_order: live_order.clone() };
        if live.is_empty() && patch.is_empty() {
            return Ok(as_before(live));
        }
        if item_kind(&live, &patch)? == ItemKind::Scalar {
            let items = if self.deletion { without(live, &patch) } else { merge_sets(live, patch)? };
            return Ok(as_before(items));
        }
        let key = key.ok_or(StrategicError::NoDeclaredKey)?;
        let live_count = live.len();
        let Followed { items: kept, patch, replaced } = follow_directives(live, patch, key)?;
        let kept_order = positions(&kept, Some(key));
        let patch_order = positions(&patch, Some(key));
        let merged = self.merge_keyed(kept, patch, key)?;
        let server_order = if replaced {
            live_order
        } else {
            positions(merged.get(..live_count).unwrap_or(&merged), Some(key))
        };
        let items = arrange(merged, &patch_order, &kept_order, Some(key))?;
        Ok(Merged { items, server_order })
    }

    fn key(self) -> Option<&'s str> {
        self.slot?.patch.key.as_deref()
    }

    fn merge_keyed(
        self,
        mut items: Vec<Value>,
        patch: Vec<Value>,
        key: &str,
    ) -> Result<Vec<Value>, StrategicError> {
        let schema = self.slot.and_then(|slot| slot.schema().item_slot()).map(Slot::schema);
        let mut position = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            if let Some(identity) = item.get(key).map(Value::to_string) {
                position.entry(identity).or_insert(index);
            }
        }
        for item in patch {
            let Value::Object(fields) = item else { continue };
            let identity = identity(&fields, key)?;
            match position.get(&identity).and_then(|index| items.get_mut(*index)) {
                Some(Value::Object(original)) => {
                    *original = merge_objects(std::mem::take(original), fields, schema)?;
                }
                _ => {
                    position.insert(identity, items.len());
                    items.push(Value::Object(fields));
                }
            }
        }
        Ok(items)
    }
}

/// What identifies an item in a keyed list.
fn identity(item: &Map<String, Value>, key: &str) -> Result<String, StrategicError> {
    item.get(key).map(Value::to_string).ok_or_else(|| no_merge_key(item, key))
}

fn no_merge_key(item: &Map<String, Value>, key: &str) -> StrategicError {
    StrategicError::NoMergeKey { map: goprint::plain(&Value::Object(item.clone())), key: key.to_owned() }
}

/// The one kind that all items of both lists have.
fn item_kind(original: &[Value], patch: &[Value]) -> Result<ItemKind, StrategicError> {
    let mut items = original.iter().chain(patch);
    let first = items.next().ok_or(StrategicError::NoElements)?;
    if first.is_array() {
        return Err(StrategicError::ListOfLists);
    }
    let go_type = goprint::type_name(first);
    if first.is_null() || items.any(|item| goprint::type_name(item) != go_type) {
        let lists = [original, patch].map(|list| goprint::plain(&Value::Array(list.to_vec()))).join(" ");
        return Err(StrategicError::MixedTypes { lists: format!("[{lists}]") });
    }
    Ok(if first.is_object() { ItemKind::Object } else { ItemKind::Scalar })
}

fn without(items: Vec<Value>, deleted: &[Value]) -> Vec<Value> {
    let deleted: BTreeSet<String> = deleted.iter().map(Value::to_string).collect();
    items.into_iter().filter(|item| !deleted.contains(&item.to_string())).collect()
}

fn merge_sets(original: Vec<Value>, patch: Vec<Value>) -> Result<Vec<Value>, StrategicError> {
    let server_order = positions(&original, None);
    let patch_order = positions(&patch, None);
    let mut seen = BTreeSet::new();
    let merged = original.into_iter().chain(patch).filter(|item| seen.insert(item.to_string())).collect();
    arrange(merged, &patch_order, &server_order, None)
}

/// What the directives among the items of a patch leave of both lists.
struct Followed {
    items: Vec<Value>,
    patch: Vec<Value>,
    /// Whether the items are those of the patch, and none are left to merge.
    replaced: bool,
}

fn follow_directives(
    mut items: Vec<Value>,
    patch: Vec<Value>,
    key: &str,
) -> Result<Followed, StrategicError> {
    let mut plain = Vec::with_capacity(patch.len());
    let mut deleted = BTreeSet::new();
    let mut replaced = false;
    for item in patch {
        let Some(directive) = item.get(PATCH).cloned() else {
            plain.push(item);
            continue;
        };
        let Value::Object(fields) = item else { continue };
        match directive.as_str() {
            Some("delete") => drop(deleted.insert(identity(&fields, key)?)),
            Some("replace") => replaced = true,
            Some("merge") => return Err(StrategicError::MergeDirective),
            _ => return Err(unknown_directive(&directive, fields)),
        }
    }
    if replaced {
        return Ok(Followed { items: plain, patch: Vec::new(), replaced });
    }
    if !deleted.is_empty() {
        items.retain(|item| item.get(key).is_none_or(|value| !deleted.contains(&value.to_string())));
    }
    Ok(Followed { items, patch: plain, replaced })
}

/// The position of each item of a list, the first for an item that occurs more than once.
type Positions = BTreeMap<String, usize>;

fn positions(items: &[Value], key: Option<&str>) -> Positions {
    let mut positions = Positions::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(identity) = key.map_or(Some(item), |key| item.get(key)) {
            positions.entry(identity.to_string()).or_insert(index);
        }
    }
    positions
}

struct Placed {
    item: Value,
    identity: String,
}

/// Brings a merged list into order: items of the patch in the patch's order, the others in the server's; where they mix, an item of the server's comes
/// first if it did so before.
fn arrange(
    merged: Vec<Value>,
    patch_order: &Positions,
    server_order: &Positions,
    key: Option<&str>,
) -> Result<Vec<Value>, StrategicError> {
    let (mut patched, mut others) = (Vec::new(), Vec::new());
    for item in merged {
        let identity = match (key, &item) {
            (Some(key), Value::Object(fields)) => identity(fields, key)?,
            _ => item.to_string(),
        };
        let side = if patch_order.contains_key(&identity) { &mut patched } else { &mut others };
        side.push(Placed { item, identity });
    }
    sort(&mut patched, patch_order);
    sort(&mut others, server_order);
    let mut out = Vec::with_capacity(patched.len() + others.len());
    let (mut patched, mut others) = (patched.into_iter().peekable(), others.into_iter().peekable());
    loop {
        let before = |a: &Placed, b: &Placed| matches!((server_order.get(&a.identity), server_order.get(&b.identity)), (Some(a), Some(b)) if a < b);
        let next = match (others.peek(), patched.peek()) {
            (Some(other), Some(item)) if before(other, item) => others.next(),
            (_, Some(_)) => patched.next(),
            (Some(_), None) => others.next(),
            (None, None) => return Ok(out),
        };
        out.extend(next.map(|placed| placed.item));
    }
}

/// Items with a directive go last, as on the server.
fn sort(items: &mut [Placed], order: &Positions) {
    items.sort_by_key(|placed| {
        let deleted = placed.item.get(PATCH).is_some_and(|directive| directive == "delete");
        (deleted, order.get(&placed.identity).copied())
    });
}

/// Carries out all `$setElementOrder` of a patch, together with the merge of the lists they speak of, and takes both out of the patch.
pub(super) fn set_orders(
    original: &mut Map<String, Value>,
    patch: &mut Map<String, Value>,
    schema: Option<&Schema>,
) -> Result<(), StrategicError> {
    let directives: Vec<String> = patch.keys().filter(|key| key.starts_with(SET_ORDER)).cloned().collect();
    for directive in directives {
        let Some(order) = patch.remove(&directive) else { continue };
        let order = list(order)?;
        let field = directed_field(&directive, SET_ORDER).ok_or(StrategicError::SetOrderFormat)?;
        let live = original.get(field).cloned().map(list).transpose()?;
        let sent = patch.remove(field).map(list).transpose()?;
        let slot = schema.and_then(|schema| schema.slot(field));
        if let Some(items) = merge_in_order(live, sent, &order, slot)? {
            original.insert(field.to_owned(), Value::Array(items));
        }
    }
    Ok(())
}

fn list(value: Value) -> Result<Vec<Value>, StrategicError> {
    match value {
        Value::Array(items) => Ok(items),
        other => Err(wrong_type("[]interface {}", &other)),
    }
}

fn wrong_type(expected: &'static str, received: &Value) -> StrategicError {
    // Go prints the type of nil with %s, which has none.
    let received = if received.is_null() { "%!s(<nil>)" } else { goprint::type_name(received) };
    StrategicError::Type { expected, received }
}

fn merge_in_order(
    live: Option<Vec<Value>>,
    sent: Option<Vec<Value>>,
    order: &[Value],
    slot: Option<&Slot>,
) -> Result<Option<Vec<Value>>, StrategicError> {
    let key = slot.and_then(|slot| slot.patch.key.as_deref());
    let (old, new) = (live.as_deref().unwrap_or_default(), sent.as_deref().unwrap_or_default());
    check_order(new, order, key)?;
    let mut server_order = positions(old, key);
    let kind = item_kind(old, new);
    let items = match (live, sent) {
        (None, None) => return Ok(None),
        (Some(live), None) => live,
        (None, Some(sent)) => sent.into_iter().filter_map(without_directives).collect(),
        (Some(live), Some(sent)) if slot.is_some_and(|slot| slot.patch.merge) => {
            let merged = Merging { slot, deletion: false }.merge_lists(live, sent)?;
            server_order = merged.server_order;
            merged.items
        }
        (Some(_), Some(sent)) => sent,
    };
    if let (ItemKind::Object, Some(key)) = (kind?, key) {
        for item in order {
            let fields = item.as_object().ok_or_else(|| wrong_type("map[string]interface {}", item))?;
            identity(fields, key)?;
        }
    }
    arrange(items, &positions(order, key), &server_order, key).map(Some)
}

/// Items of the patch must be in the order, and in this order. Deletions do not count; other directives do only where the order has come to its end, as on the server.
fn check_order(sent: &[Value], order: &[Value], key: Option<&str>) -> Result<(), StrategicError> {
    if sent.is_empty() || order.is_empty() {
        return Ok(());
    }
    let identity_of = |item: &Value| match (key, item) {
        (None, _) => Ok(item.to_string()),
        (Some(key), Value::Object(fields)) => identity(fields, key),
        (Some(_), other) => Err(wrong_type("map[string]interface {}", other)),
    };
    let is_deletion = |item: &Value| key.is_some() && item.get(PATCH).is_some_and(|d| d == "delete");
    let mut expected = order.iter().peekable();
    let mut items = sent.iter().filter(|item| !is_deletion(item)).peekable();
    while let (Some(item), Some(candidate)) = (items.peek(), expected.peek()) {
        if item.get(PATCH).is_some() {
            items.next();
            continue;
        }
        if identity_of(item)? == identity_of(candidate)? {
            items.next();
        }
        expected.next();
    }
    if items.peek().is_none() {
        return Ok(());
    }
    let show = |list: &[Value]| goprint::plain(&Value::Array(list.to_vec()));
    Err(StrategicError::Order { patch: show(sent), order: show(order) })
}
