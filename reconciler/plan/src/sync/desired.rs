//! Which declared objects are written, which are as declared already, and which are refused.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::kinds::CustomKind;
use apimachinery::smd::{Shape, find_duplicate_list_keys};
use apimachinery::{GroupKind, Object, ObjectId};

use super::{ApplyStep, Live, SyncInput, UnitSettings, WriteMode};
use crate::intent::{
    self, DECLARED_ANNOTATION, IntentState, LAST_APPLIED_ANNOTATION, intent_digest, source_of,
};
use crate::names::INTENT_ANNOTATION;
use crate::placement::{Declared, in_order};
use crate::{DeclaredObject, Finding, FindingId, OUR_GROUP, SYSTEM_NAMESPACE};

/// What becomes of the declared objects.
#[derive(Debug, Default)]
pub(super) struct Desired {
    pub(super) applies: Vec<ApplyStep>,
    /// With their UIDs.
    pub(super) unchanged: BTreeMap<ObjectId, String>,
    pub(super) refused: BTreeMap<ObjectId, Finding>,
    /// Objects that are declared more than once.
    pub(super) duplicates: BTreeMap<ObjectId, Finding>,
}

/// Every identity that the source declares, also of objects that are refused: none of them is removed.
pub(super) fn identities(input: &SyncInput<'_>) -> BTreeSet<ObjectId> {
    objects(input).map(|declared| declared.object.id()).collect()
}

/// Everything that is declared, in no particular order.
fn objects<'a>(input: &SyncInput<'a>) -> impl Iterator<Item = &'a DeclaredObject> + use<'a> {
    let units = input.declaration.units.iter().flat_map(|unit| unit.objects.iter());
    units.chain(&input.declaration.policies)
}

/// In the order of a review: of several declarations of one object the first counts.
fn declared<'a>(input: &SyncInput<'a>) -> impl Iterator<Item = Declared<'a>> + use<'a> {
    in_order(input.declaration, None).into_iter()
}

pub(super) fn desired(input: &SyncInput<'_>) -> Desired {
    let mut desired = Desired::default();
    let coming = coming(input);
    let mut seen: BTreeMap<ObjectId, &DeclaredObject> = BTreeMap::new();
    for Declared { unit, object: declared, .. } in declared(input) {
        let id = declared.object.id();
        if let Some(first) = seen.get(&id) {
            desired.duplicates.entry(id).or_insert_with(|| duplicate(first, declared));
            continue;
        }
        seen.insert(id.clone(), declared);
        if let Some(finding) = refusal(input, declared).or_else(|| not_served(input, declared, &coming)) {
            desired.refused.insert(id, finding);
            continue;
        }
        let settings = unit.and_then(|unit| input.settings.get(unit));
        let object = wanted(input, declared, settings);
        match input.live.get(&id) {
            Some(Live::Present(live)) if is_as_wanted(input, &object, live) => {
                let uid = live.header().uid.as_deref().unwrap_or_default();
                desired.unchanged.insert(id, uid.to_owned());
            }
            live => {
                let exists = matches!(live, Some(Live::Present(_)));
                desired.applies.push(step(input, object, declared, exists));
            }
        }
    }
    desired
}

/// The kinds that CRDs of the declaration bring.
fn coming(input: &SyncInput<'_>) -> BTreeSet<GroupKind> {
    let objects = objects(input).map(|declared| &declared.object);
    let definitions = objects.filter(|object| object.header().gvk.kind == "CustomResourceDefinition");
    let kinds = definitions.filter_map(|object| CustomKind::from_crd(&object.to_value()).ok());
    kinds.flat_map(|kind| kind.resources().map(|r| r.gvk.group_kind()).collect::<Vec<_>>()).collect()
}

/// It is not even tried, and not owned, before its kind is there.
fn not_served(
    input: &SyncInput<'_>,
    declared: &DeclaredObject,
    coming: &BTreeSet<GroupKind>,
) -> Option<Finding> {
    let gvk = &declared.object.header().gvk;
    let kind = gvk.group_kind();
    let known = input.kinds.preferred(&kind).is_some() || coming.contains(&kind);
    let message = || {
        format!(
            "{}: the WDS does not serve {gvk}; it is applied as soon as its CustomResourceDefinition is there",
            declared.object.id()
        )
    };
    (!known).then(|| Finding::warning("kind-not-served", Some(declared.origin.clone()), message()))
}

fn duplicate(first: &DeclaredObject, other: &DeclaredObject) -> Finding {
    let message = format!(
        "{} is declared twice: at {}, which counts, and at {}, which does not; remove one",
        first.object.id(),
        first.origin,
        other.origin
    );
    Finding::blocker("duplicate-object", Some(other.origin.clone()), message)
}

/// The normal form as its unit wants it, marked for the source.
fn wanted(input: &SyncInput<'_>, declared: &DeclaredObject, settings: Option<&UnitSettings>) -> Object {
    let ignore = settings.map(|settings| settings.ignore.as_slice()).unwrap_or_default();
    intent::marked(&intent::without_ignored(&declared.object, ignore), input.source)
}

fn step(input: &SyncInput<'_>, object: Object, declared: &DeclaredObject, exists: bool) -> ApplyStep {
    let value = object.to_value();
    let schema = input.kinds.schema(&object.header().gvk);
    let twice =
        schema.is_some_and(|schema| !find_duplicate_list_keys(&value, Shape::of_object(schema)).is_empty());
    let origin = declared.origin.clone();
    if !twice {
        return ApplyStep { object, mode: WriteMode::Apply, origin, exists };
    }
    // managedFields of an update also hold what the server filled in: what was declared must be remembered whole.
    let mut remembering = value.clone();
    intent::marks::annotate(&mut remembering, LAST_APPLIED_ANNOTATION, value.to_string());
    let object = Object::from_value(&remembering).unwrap_or(object);
    ApplyStep { object, mode: WriteMode::Update, origin, exists }
}

/// Whether exactly this was written, and nobody has touched it since.
fn is_as_wanted(input: &SyncInput<'_>, wanted: &Object, live: &Object) -> bool {
    let header = live.header();
    let recorded = header.annotation(DECLARED_ANNOTATION).or(header.annotation(INTENT_ANNOTATION));
    recorded == Some(intent_digest(wanted).to_string().as_str())
        && source_of(live).as_ref() == Some(input.source)
        && intent::intent(live, input.kinds).state == IntentState::Declared
}

/// A reason not to write an object: finding and message.
type Check = fn(&SyncInput<'_>, &DeclaredObject) -> Option<(FindingId, String)>;

/// Small checks; the first that hits wins.
fn refusal(input: &SyncInput<'_>, declared: &DeclaredObject) -> Option<Finding> {
    let checks: [Check; 5] = [unnamed, encrypted, not_allowed, claimed, being_deleted];
    let (id, message) = checks.iter().find_map(|check| check(input, declared))?;
    Some(Finding::blocker(id, Some(declared.origin.clone()), message))
}

fn unnamed(_: &SyncInput<'_>, declared: &DeclaredObject) -> Option<(FindingId, String)> {
    let id = declared.object.id();
    let message =
        || format!("a {} with generateName can only be created, not applied; give it a name", id.kind);
    id.name.is_empty().then(|| ("object-unnamed", message()))
}

fn encrypted(_: &SyncInput<'_>, declared: &DeclaredObject) -> Option<(FindingId, String)> {
    let message = || format!("{} is SOPS cipher text and is not applied", declared.object.id());
    declared.encrypted.then(|| ("encrypted-object", message()))
}

/// Our ledgers and sources decide what a source may remove: a repository that could write them could remove anything.
fn not_allowed(input: &SyncInput<'_>, declared: &DeclaredObject) -> Option<(FindingId, String)> {
    let id = declared.object.id();
    let system = id.namespace.as_ref().is_some_and(|namespace| *namespace == SYSTEM_NAMESPACE)
        || (id.kind == "Namespace" && id.group.is_empty() && id.name == SYSTEM_NAMESPACE);
    let why = if id.group == OUR_GROUP {
        "the group gitstellar.io is not written from a repository".to_owned()
    } else if system {
        "the namespace gitstellar-system is not written from a repository".to_owned()
    } else {
        format!("{}; what is there stays as it is", input.allow.refuses(&id)?)
    };
    Some(("not-allowed", format!("{id}: {why}")))
}

fn claimed(input: &SyncInput<'_>, declared: &DeclaredObject) -> Option<(FindingId, String)> {
    let id = declared.object.id();
    let Some(Live::Present(live)) = input.live.get(&id) else { return None };
    let other = source_of(live).filter(|other| other != input.source)?;
    let message = format!(
        "{id} belongs to source {other}; remove it there first, or here: two sources that declare one object would take turns"
    );
    Some(("claimed-elsewhere", message))
}

fn being_deleted(input: &SyncInput<'_>, declared: &DeclaredObject) -> Option<(FindingId, String)> {
    let id = declared.object.id();
    let Some(Live::Present(live)) = input.live.get(&id) else { return None };
    let message = || {
        format!(
            "{id} is being deleted in the WDS and waits for its finalizers; it is created again when it is gone"
        )
    };
    live.header().deleting.then(|| ("object-deleting", message()))
}
