//! What goes with what: owners and dependents, a namespace and what is in it.

use anyhow::ensure;
use serde_json::{Value, json};

use super::scratch::{CONTROLLERS, Scratch, config_map, gone, text};
use super::{Case, Target, cases};
use crate::harness::{Outcome, eventually, same};

pub const CASES: &[(&str, Case)] = cases![
    a_background_deletion_takes_dependents_later,
    a_foreground_deletion_waits_for_dependents,
    an_orphaning_deletion_releases_dependents,
    a_dependent_of_an_absent_owner_is_collected,
    a_dependent_stays_while_one_owner_does,
    a_deleted_namespace_takes_everything_with_it,
    a_terminating_namespace_accepts_nothing_new,
];

/// An owner and a dependent that blocks its deletion, both ConfigMaps; returns the paths of the two.
fn family(target: &Target, scratch: &Scratch) -> anyhow::Result<(String, String)> {
    let owner = target.post(&scratch.core("configmaps"), &config_map("owner", "a"))?.expect(201)?;
    let mut dependent = config_map("dependent", "a");
    dependent["metadata"]["ownerReferences"] = json!([reference(&owner)]);
    target.post(&scratch.core("configmaps"), &dependent)?.expect(201)?;
    Ok((scratch.core("configmaps/owner"), scratch.core("configmaps/dependent")))
}

fn reference(owner: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
        "blockOwnerDeletion": true
    })
}

fn a_background_deletion_takes_dependents_later(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let (owner, dependent) = family(target, &scratch)?;
    target.delete_with(&owner, &json!({ "propagationPolicy": "Background" }))?.expect(200)?;
    target.get(&owner)?.refused(404, "NotFound")?;
    gone(target, &dependent)
}

fn a_foreground_deletion_waits_for_dependents(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let (owner, dependent) = family(target, &scratch)?;
    // Held by a finalizer, the dependent keeps the owner waiting for as long as the case looks.
    let hold = json!({ "metadata": { "finalizers": ["example.com/hold"] } });
    target.patch(&dependent, super::target::Patch::Merge, &hold)?.expect(200)?;
    target.delete_with(&owner, &json!({ "propagationPolicy": "Foreground" }))?.expect(200)?;
    let waiting = target.get(&owner)?.expect(200)?;
    same("finalizers", &waiting["metadata"]["finalizers"], &json!(["foregroundDeletion"]))?;
    eventually("the dependent is being deleted", CONTROLLERS, || {
        let seen = target.get(&dependent)?.expect(200)?;
        Ok(seen["metadata"].get("deletionTimestamp").map(|_| ()))
    })?;
    target.get(&owner)?.expect(200)?;
    let release = json!({ "metadata": { "finalizers": null } });
    target.patch(&dependent, super::target::Patch::Merge, &release)?.expect(200)?;
    gone(target, &owner)
}

fn an_orphaning_deletion_releases_dependents(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let (owner, dependent) = family(target, &scratch)?;
    target.delete_with(&owner, &json!({ "propagationPolicy": "Orphan" }))?.expect(200)?;
    gone(target, &owner)?;
    let released = target.get(&dependent)?.expect(200)?;
    same("owners", released["metadata"].get("ownerReferences"), None)
}

fn a_dependent_of_an_absent_owner_is_collected(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let mut body = config_map("dependent", "a");
    let absent = json!({ "metadata": { "name": "absent", "uid": "11111111-2222-3333-4444-555555555555" } });
    body["metadata"]["ownerReferences"] = json!([reference(&absent)]);
    target.post(&scratch.core("configmaps"), &body)?.expect(201)?;
    gone(target, &scratch.core("configmaps/dependent"))
}

fn a_dependent_stays_while_one_owner_does(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let collection = scratch.core("configmaps");
    let first = target.post(&collection, &config_map("first", "a"))?.expect(201)?;
    let second = target.post(&collection, &config_map("second", "a"))?.expect(201)?;
    let mut body = config_map("dependent", "a");
    body["metadata"]["ownerReferences"] = json!([reference(&first), reference(&second)]);
    target.post(&collection, &body)?.expect(201)?;
    target.delete(&format!("{collection}/first"))?.expect(200)?;
    // The collector takes the dangling reference out, which shows that it looked and let the dependent live.
    eventually("the dangling reference is gone", CONTROLLERS, || {
        let seen = target.get(&format!("{collection}/dependent"))?.expect(200)?;
        Ok((seen["metadata"]["ownerReferences"] == json!([reference(&second)])).then_some(()))
    })
}

fn a_deleted_namespace_takes_everything_with_it(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let path = format!("/api/v1/namespaces/{}", scratch.namespace);
    let namespace = target.get(&path)?.expect(200)?;
    same("finalizers", &namespace["spec"]["finalizers"], &json!(["kubernetes"]))?;
    same("label", text(&namespace, "/metadata/labels/kubernetes.io~1metadata.name")?, &scratch.namespace)?;
    target.delete(&path)?.expect(200)?;
    gone(target, &path)?;
    target.get(&scratch.core("configmaps/one"))?.refused(404, "NotFound")?;
    Ok(())
}

fn a_terminating_namespace_accepts_nothing_new(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let mut held = config_map("held", "a");
    held["metadata"]["finalizers"] = json!(["example.com/hold"]);
    target.post(&scratch.core("configmaps"), &held)?.expect(201)?;
    let path = format!("/api/v1/namespaces/{}", scratch.namespace);
    target.delete(&path)?.expect(200)?;
    let terminating = target.get(&path)?.expect(200)?;
    same("phase", text(&terminating, "/status/phase")?, "Terminating")?;
    let status =
        target.post(&scratch.core("configmaps"), &config_map("late", "a"))?.refused(403, "Forbidden")?;
    same("cause", text(&status, "/details/causes/0/reason")?, "NamespaceTerminating")?;
    ensure!(text(&status, "/message")?.contains("because it is being terminated"), "{status}");
    let release = json!({ "metadata": { "finalizers": null } });
    target.patch(&scratch.core("configmaps/held"), super::target::Patch::Merge, &release)?.expect(200)?;
    gone(target, &path)
}
