//! Whether the names of a definition are accepted, and whether it is established.
//!
//! Names are taken within a group: two kinds cannot share a singular, short name, kind or list kind. Who came first has them; when a definition goes, those
//! that waited for its names are looked at again. Source: `naming_controller.go` and `establish` of apiextensions-apiserver.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{condition, set_condition, text};

/// The definition with its status as it should be; `None` if it is so already. `others` are all definitions of the space, `now` is RFC 3339.
pub(crate) fn settled(definition: &Value, others: &[Value], now: &str) -> Option<Value> {
    let mut settled = definition.clone();
    let requested = definition.pointer("/spec/names")?.clone();
    let mut accepted = definition.pointer("/status/acceptedNames").cloned().unwrap_or_else(|| json!({}));
    let fault = accept(&requested, &mut accepted, &Taken::of(definition, others));
    settled["status"]["acceptedNames"] = accepted;
    let names_accepted = match &fault {
        None => {
            json!({"type": "NamesAccepted", "status": "True", "reason": "NoConflicts", "message": "no conflicts found"})
        }
        Some(Conflict { reason, message }) => {
            json!({"type": "NamesAccepted", "status": "False", "reason": reason, "message": message})
        }
    };
    set_condition(&mut settled, names_accepted, now);
    // Once established, a definition stays so.
    if condition(&settled, "Established").is_none_or(|established| established["status"] != "True") {
        let established = match &fault {
            None => json!({
                "type": "Established", "status": "True", "reason": "InitialNamesAccepted",
                "message": "the initial names have been accepted",
            }),
            Some(_) => json!({
                "type": "Established", "status": "False", "reason": "NotAccepted",
                "message": "not all names are accepted",
            }),
        };
        set_condition(&mut settled, established, now);
    }
    if let Some(approval) = approval(definition) {
        set_condition(&mut settled, approval, now);
    }
    (settled != *definition).then_some(settled)
}

struct Conflict {
    reason: &'static str,
    message: String,
}

/// Names that other definitions of the group have.
struct Taken {
    resources: BTreeSet<String>,
    kinds: BTreeSet<String>,
}

impl Taken {
    fn of(definition: &Value, others: &[Value]) -> Self {
        let mut taken = Self { resources: BTreeSet::new(), kinds: BTreeSet::new() };
        let same_group = |other: &&Value| text(other, "/spec/group") == text(definition, "/spec/group");
        let another = |other: &&Value| text(other, "/metadata/name") != text(definition, "/metadata/name");
        for other in others.iter().filter(same_group).filter(another) {
            let names = other.pointer("/status/acceptedNames").unwrap_or(&Value::Null);
            taken.resources.extend([text(names, "/plural").into(), text(names, "/singular").into()]);
            taken.resources.extend(short_names(names));
            taken.kinds.extend([text(names, "/kind").into(), text(names, "/listKind").into()]);
        }
        taken
    }
}

fn short_names(names: &Value) -> Vec<String> {
    let list = names.get("shortNames").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// Takes over each requested name that nobody else has; says what is wrong last, as upstream does.
fn accept(requested: &Value, accepted: &mut Value, taken: &Taken) -> Option<Conflict> {
    let mut conflict = None;
    let single = [
        ("plural", &taken.resources, "PluralConflict"),
        ("singular", &taken.resources, "SingularConflict"),
        ("shortNames", &taken.resources, "ShortNamesConflict"),
        ("kind", &taken.kinds, "KindConflict"),
        ("listKind", &taken.kinds, "ListKindConflict"),
    ];
    for (field, taken, reason) in single {
        let clashes = clashes(requested, accepted, field, taken);
        if let Some(message) = clashes {
            conflict = Some(Conflict { reason, message });
        } else if let Some(name) = requested.get(field) {
            accepted[field] = name.clone();
        } else if let Some(accepted) = accepted.as_object_mut() {
            accepted.remove(field);
        }
    }
    match requested.get("categories") {
        Some(categories) => accepted["categories"] = categories.clone(),
        None => drop(accepted.as_object_mut().and_then(|accepted| accepted.remove("categories"))),
    }
    conflict
}

fn clashes(requested: &Value, accepted: &Value, field: &str, taken: &BTreeSet<String>) -> Option<String> {
    let in_use = |name: &str| taken.contains(name).then(|| format!("{name:?} is already in use"));
    if field != "shortNames" {
        let name = requested.get(field).and_then(Value::as_str).unwrap_or_default();
        let own = accepted.get(field).and_then(Value::as_str).unwrap_or_default();
        return if name == own { None } else { in_use(name) };
    }
    let own = short_names(accepted);
    let clashing: Vec<String> = short_names(requested)
        .iter()
        .filter(|name| !own.contains(name))
        .filter_map(|name| in_use(name))
        .collect();
    match clashing.as_slice() {
        [] => None,
        [only] => Some(only.clone()),
        several => Some(format!("[{}]", several.join(", "))),
    }
}

/// What is said of definitions in the groups of the Kubernetes community.
fn approval(definition: &Value) -> Option<Value> {
    if !super::validate::is_protected(text(definition, "/spec/group")) {
        return None;
    }
    let annotation = text(definition, "/metadata/annotations/api-approved.kubernetes.io");
    let (status, reason, message) = if annotation.starts_with("unapproved") {
        ("False", "UnapprovedAnnotation", format!("not approved: {annotation:?}"))
    } else {
        ("True", "ApprovedAnnotation", format!("approved in {annotation}"))
    };
    Some(json!({
        "type": "KubernetesAPIApprovalPolicyConformant", "status": status, "reason": reason, "message": message,
    }))
}
