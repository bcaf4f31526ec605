//! The four ways to patch, and who owns which field afterwards.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::scratch::{Scratch, config_map, deployment, text, version};
use super::target::Patch;
use super::{Case, Target, cases};
use crate::harness::{Outcome, same};

pub const CASES: &[(&str, Case)] = cases![
    a_json_patch_is_a_list_of_operations,
    a_json_patch_whose_test_fails_changes_nothing,
    a_merge_patch_removes_what_is_null,
    a_strategic_patch_merges_containers_by_name,
    a_patch_with_a_resource_version_is_conditional,
    a_patch_of_nothing_is_not_found,
    apply_creates_and_records_what_it_owns,
    apply_of_the_same_again_changes_nothing,
    apply_removes_what_it_no_longer_declares,
    apply_conflicts_with_the_manager_it_names,
    two_appliers_share_what_they_agree_on,
    apply_needs_a_field_manager,
    an_update_records_its_user_agent_as_manager,
    the_status_subresource_has_an_entry_of_its_own,
    managed_fields_can_be_cleared,
];

fn a_json_patch_is_a_list_of_operations(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let patch = json!([
        { "op": "test", "path": "/data/key", "value": "a" },
        { "op": "add", "path": "/data/more", "value": "b" },
        { "op": "move", "from": "/data/key", "path": "/data/moved" }
    ]);
    let patched = target.patch(&scratch.core("configmaps/one"), Patch::Json, &patch)?.expect(200)?;
    same("data", &patched["data"], &json!({ "more": "b", "moved": "a" }))
}

fn a_json_patch_whose_test_fails_changes_nothing(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let path = scratch.core("configmaps/one");
    let made = target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let patch = json!([
        { "op": "replace", "path": "/data/key", "value": "b" },
        { "op": "test", "path": "/data/key", "value": "c" }
    ]);
    target.patch(&path, Patch::Json, &patch)?.refused(422, "Invalid")?;
    same("what is stored", target.get(&path)?.expect(200)?, made)
}

fn a_merge_patch_removes_what_is_null(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let patch = json!({ "data": { "key": null, "other": "b" } });
    let patched = target.patch(&scratch.core("configmaps/one"), Patch::Merge, &patch)?.expect(200)?;
    same("data", &patched["data"], &json!({ "other": "b" }))
}

fn a_strategic_patch_merges_containers_by_name(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let path = scratch.apps("deployments/web");
    target.post(&scratch.apps("deployments"), &deployment("web"))?.expect(201)?;
    let containers = |list: Value| json!({ "spec": { "template": { "spec": { "containers": list } } } });
    let add = containers(json!([{ "name": "side", "image": "busybox" }]));
    let patched = target.patch(&path, Patch::Strategic, &add)?.expect(200)?;
    let names = |object: &Value| -> anyhow::Result<Vec<String>> {
        let list = object
            .pointer("/spec/template/spec/containers")
            .and_then(Value::as_array)
            .context("containers")?;
        list.iter().map(|container| Ok(text(container, "/name")?.to_owned())).collect()
    };
    same("after adding one", names(&patched)?, vec!["side".to_owned(), "web".to_owned()])?;
    let remove = containers(json!([{ "name": "side", "$patch": "delete" }]));
    let patched = target.patch(&path, Patch::Strategic, &remove)?.expect(200)?;
    same("after deleting it", names(&patched)?, vec!["web".to_owned()])
}

fn a_patch_with_a_resource_version_is_conditional(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let path = scratch.core("configmaps/one");
    let made = target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let patch = json!({ "metadata": { "resourceVersion": version(&made)? }, "data": { "key": "b" } });
    target.patch(&path, Patch::Merge, &patch)?.expect(200)?;
    let again = json!({ "metadata": { "resourceVersion": version(&made)? }, "data": { "key": "c" } });
    target.patch(&path, Patch::Merge, &again)?.refused(409, "Conflict")?;
    Ok(())
}

fn a_patch_of_nothing_is_not_found(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let patch = json!({ "data": { "key": "b" } });
    target.patch(&scratch.core("configmaps/none"), Patch::Merge, &patch)?.refused(404, "NotFound")?;
    Ok(())
}

/// Applies a ConfigMap with these data as a manager.
fn apply(
    target: &Target,
    scratch: &Scratch,
    manager: &str,
    data: &Value,
) -> anyhow::Result<super::target::Reply> {
    let body =
        json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "one" }, "data": data });
    target.patch(&scratch.core(&format!("configmaps/one?fieldManager={manager}")), Patch::Apply, &body)
}

/// The entry of a manager in managedFields.
fn entry<'a>(object: &'a Value, manager: &str) -> anyhow::Result<&'a Value> {
    let entries = object["metadata"]["managedFields"].as_array().context("there are managedFields")?;
    entries
        .iter()
        .find(|entry| entry["manager"] == manager)
        .with_context(|| format!("no {manager} in {entries:?}"))
}

fn apply_creates_and_records_what_it_owns(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let made = apply(target, &scratch, "first", &json!({ "key": "a" }))?.expect(201)?;
    let entry = entry(&made, "first")?;
    same("operation", text(entry, "/operation")?, "Apply")?;
    same("apiVersion", text(entry, "/apiVersion")?, "v1")?;
    same("fieldsType", text(entry, "/fieldsType")?, "FieldsV1")?;
    same("fields", &entry["fieldsV1"], &json!({ "f:data": { "f:key": {} } }))
}

fn apply_of_the_same_again_changes_nothing(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let made = apply(target, &scratch, "first", &json!({ "key": "a" }))?.expect(201)?;
    let again = apply(target, &scratch, "first", &json!({ "key": "a" }))?.expect(200)?;
    same("the object, its resourceVersion and times", again, made)
}

fn apply_removes_what_it_no_longer_declares(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    apply(target, &scratch, "first", &json!({ "key": "a", "other": "b" }))?.expect(201)?;
    target
        .patch(&scratch.core("configmaps/one"), Patch::Merge, &json!({ "data": { "foreign": "c" } }))?
        .expect(200)?;
    let applied = apply(target, &scratch, "first", &json!({ "key": "a" }))?.expect(200)?;
    same("data", &applied["data"], &json!({ "key": "a", "foreign": "c" }))
}

fn apply_conflicts_with_the_manager_it_names(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    apply(target, &scratch, "first", &json!({ "key": "a" }))?.expect(201)?;
    let status = apply(target, &scratch, "second", &json!({ "key": "b" }))?.refused(409, "Conflict")?;
    same(
        "message",
        text(&status, "/message")?,
        "Apply failed with 1 conflict: conflict with \"first\": .data.key",
    )?;
    let cause = json!({ "reason": "FieldManagerConflict", "message": "conflict with \"first\"", "field": ".data.key" });
    same("causes", &status["details"]["causes"], &json!([cause]))?;
    let forced = apply(target, &scratch, "second&force=true", &json!({ "key": "b" }))?.expect(200)?;
    same("data", &forced["data"], &json!({ "key": "b" }))?;
    entry(&forced, "second")?;
    ensure!(entry(&forced, "first").is_err(), "the first owns nothing any more: {forced}");
    Ok(())
}

fn two_appliers_share_what_they_agree_on(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    apply(target, &scratch, "first", &json!({ "key": "a" }))?.expect(201)?;
    let shared = apply(target, &scratch, "second", &json!({ "key": "a" }))?.expect(200)?;
    same("fields", &entry(&shared, "first")?["fieldsV1"], &entry(&shared, "second")?["fieldsV1"])?;
    let released = apply(target, &scratch, "second", &json!({}))?.expect(200)?;
    same("data that the first still declares", &released["data"], &json!({ "key": "a" }))
}

fn apply_needs_a_field_manager(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let status = target
        .patch(&scratch.core("configmaps/one"), Patch::Apply, &config_map("one", "a"))?
        .refused(422, "Invalid")?;
    same(
        "message",
        text(&status, "/message")?,
        "PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch",
    )
}

fn an_update_records_its_user_agent_as_manager(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let made = target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let entry = entry(&made, "conformance")?;
    same("operation", text(entry, "/operation")?, "Update")?;
    same("fields", &entry["fieldsV1"], &json!({ "f:data": { ".": {}, "f:key": {} } }))
}

fn the_status_subresource_has_an_entry_of_its_own(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.apps("deployments"), &deployment("web"))?.expect(201)?;
    let path = scratch.apps("deployments/web/status?fieldManager=reporter");
    let patched = target.patch(&path, Patch::Merge, &json!({ "status": { "replicas": 2 } }))?.expect(200)?;
    let entry = entry(&patched, "reporter")?;
    same("subresource", text(entry, "/subresource")?, "status")?;
    same("fields", &entry["fieldsV1"], &json!({ "f:status": { "f:replicas": {} } }))
}

fn managed_fields_can_be_cleared(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    apply(target, &scratch, "first", &json!({ "key": "a" }))?.expect(201)?;
    let clear = json!({ "metadata": { "managedFields": [{}] } });
    let cleared = target.patch(&scratch.core("configmaps/one"), Patch::Merge, &clear)?.expect(200)?;
    same("managedFields", cleared["metadata"].get("managedFields"), None)
}
