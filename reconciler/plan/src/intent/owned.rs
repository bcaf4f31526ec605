//! Who owns which fields of a stored object, and the object restricted to them.

use std::collections::BTreeSet;

use apimachinery::smd::typed::{extract_items, to_field_set};
use apimachinery::smd::{
    FieldPath, FieldSet, Managed, ManagerId, Operation, PathElement, Shape, client_side,
};
use serde_json::{Map, Value};

use super::{LAST_APPLIED_ANNOTATION, Seen, answer};
use crate::SourceName;
use crate::names::FIELD_MANAGER_PREFIX;

/// Fields that a contended object names.
const MAX_FIELDS: usize = 10;

/// What a source owns; `None` where it owns nothing.
pub(super) fn of_source(seen: &Seen<'_>, source: &SourceName) -> Option<Value> {
    let manager = source.field_manager();
    if let Some(managed) = seen.managers.get(&ManagerId::applier(&manager, "")) {
        return Some(restricted(seen, &managed.fields));
    }
    // Written by Update, because server-side apply refuses it: what was declared is remembered as kubectl does.
    let updates = |id: &ManagerId| {
        id.operation == Operation::Update && id.subresource.is_empty() && id.manager == manager
    };
    seen.managers.iter().any(|(id, _)| updates(id)).then_some(())?;
    let declared = client_side::last_applied(&seen.value)?;
    answer::differing(&declared, &seen.value).is_empty().then_some(declared)
}

/// Case 2: what `kubectl apply` asked for, as it is stored now, and what other people wrote since.
pub(super) fn client_applied(seen: &Seen<'_>) -> Option<Value> {
    let last = client_side::last_applied(&seen.value)?;
    let normal = apimachinery::normal::normal_form(&last, seen.kinds);
    let memory = FieldPath::of_fields(["metadata", "annotations", LAST_APPLIED_ANNOTATION]);
    let by_kubectl = |managed: &Managed| managed.fields.contains(&memory.0);
    let fields = to_field_set(&normal, shape(seen)).union(&written(seen, |_, m| !by_kubectl(m)));
    Some(restricted(seen, &fields))
}

/// Case 3: what was applied server-side, and what other people wrote.
pub(super) fn applied(seen: &Seen<'_>) -> Option<Value> {
    let applies = |id: &ManagerId| id.operation == Operation::Apply && id.subresource.is_empty();
    let fields = seen.managers.fields_of(applies);
    if fields.is_empty() {
        return None;
    }
    Some(restricted(seen, &fields.union(&written(seen, |_, _| true)).union(&scaled(seen))))
}

/// `kubectl scale` leaves no trace in managedFields where nobody owned the replicas before (measured on kube-apiserver v1.35.4). A number of them that nobody
/// owns and that is not the default was asked for all the same.
fn scaled(seen: &Seen<'_>) -> FieldSet {
    let path = FieldPath::of_fields(["spec", "replicas"]);
    let resource = seen.kinds.kind(&seen.object.header().gvk);
    let scales = resource.is_some_and(|resource| !resource.custom && resource.subresource("scale").is_some());
    let replicas = seen.value.pointer("/spec/replicas").and_then(Value::as_i64);
    let unowned = seen.managers.owners(&path).next().is_none();
    let asked = scales && unowned && replicas.is_some_and(|replicas| replicas != 1);
    std::iter::once(path).filter(|_| asked).collect()
}

/// Who applies a Secret with `stringData` owns that, while the server has folded it into `data`.
fn with_folded(seen: &Seen<'_>, fields: &FieldSet) -> FieldSet {
    let gvk = &seen.object.header().gvk;
    if !gvk.group.is_empty() || gvk.kind != "Secret" {
        return fields.clone();
    }
    let folded = fields.below(&PathElement::field("stringData")).paths();
    let folded = folded
        .into_iter()
        .map(|FieldPath(keys)| FieldPath([PathElement::field("data")].into_iter().chain(keys).collect()));
    fields.union(&folded.collect())
}

/// What Update managers wrote that is not status. The hub's own writes ask for nothing.
fn written(seen: &Seen<'_>, which: impl Fn(&ManagerId, &Managed) -> bool) -> FieldSet {
    let people = |id: &ManagerId| {
        id.operation == Operation::Update
            && id.subresource != "status"
            && !id.manager.starts_with(FIELD_MANAGER_PREFIX)
    };
    let theirs = seen.managers.iter().filter(|(id, managed)| people(id) && which(id, managed));
    theirs.fold(FieldSet::new(), |all, (_, managed)| all.union(&managed.fields))
}

/// The managers that may have taken fields from us, and their fields: those that wrote since we applied last.
pub(super) fn takers(seen: &Seen<'_>, source: &SourceName) -> (Vec<String>, Vec<String>) {
    let ours = seen.managers.get(&ManagerId::applier(&source.field_manager(), ""));
    let applied_at = ours.and_then(|managed| managed.time);
    let own = ours.map(|managed| managed.fields.clone()).unwrap_or_default();
    let others = seen.managers.iter().filter(|(id, managed)| {
        id.manager != source.field_manager() && id.subresource != "status" && managed.time >= applied_at
    });
    let (mut names, mut fields) = (BTreeSet::new(), BTreeSet::new());
    for (id, managed) in others {
        let theirs = managed.fields.difference(&own).leaves();
        if theirs.is_empty() {
            continue;
        }
        names.insert(match id.subresource.as_str() {
            "" => id.manager.clone(),
            subresource => format!("{} ({subresource})", id.manager),
        });
        fields.extend(theirs.paths().iter().map(ToString::to_string));
    }
    (names.into_iter().collect(), fields.into_iter().take(MAX_FIELDS).collect())
}

fn shape<'a>(seen: &Seen<'a>) -> Shape<'a> {
    seen.kinds.schema(&seen.object.header().gvk).map_or_else(Shape::deduced, Shape::of_object)
}

/// The stored object restricted to some fields and its identity, which nobody owns.
fn restricted(seen: &Seen<'_>, fields: &FieldSet) -> Value {
    let mut part = extract_items(&seen.value, &with_folded(seen, fields), shape(seen));
    let Some(map) = part.as_object_mut() else { return part };
    for field in ["apiVersion", "kind"] {
        map.extend(seen.value.get(field).map(|value| (field.to_owned(), value.clone())));
    }
    let metadata = map.entry("metadata").or_insert_with(|| Value::Object(Map::new()));
    if let Some(metadata) = metadata.as_object_mut() {
        for field in ["name", "namespace"] {
            let value = seen.value.get("metadata").and_then(|stored| stored.get(field));
            metadata.extend(value.map(|value| (field.to_owned(), value.clone())));
        }
    }
    part
}
