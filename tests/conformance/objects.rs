//! One object: making, reading, updating and deleting it.

use anyhow::ensure;
use serde_json::{Value, json};

use super::scratch::{Scratch, config_map, deployment, gone, text, unique, version};
use super::{Case, Target, cases};
use crate::harness::{Outcome, same};

pub const CASES: &[(&str, Case)] = cases![
    a_created_object_is_read_back,
    a_body_may_be_yaml,
    a_name_can_be_taken_only_once,
    a_generated_name_adds_five_characters,
    a_created_object_may_not_carry_a_resource_version,
    a_stale_update_conflicts,
    an_update_without_resource_version_is_unconditional,
    an_update_that_changes_nothing_keeps_the_resource_version,
    only_a_change_of_spec_raises_the_generation,
    status_is_written_through_its_subresource_only,
    server_owned_metadata_cannot_be_forged,
    a_dry_run_answers_and_stores_nothing,
    unknown_fields_are_refused_warned_of_or_dropped_as_asked,
    a_duplicate_field_is_refused_when_strict,
    a_finalizer_holds_a_deleted_object,
    a_deletion_may_name_the_uid_it_means,
    a_deletion_answers_with_a_status_that_names_the_object,
    string_data_of_a_secret_is_folded_into_data,
    an_immutable_config_map_stays_as_it_is,
    the_scale_of_a_deployment_is_a_resource,
    events_are_objects_of_their_namespace,
    a_lease_is_taken_over_by_whoever_saw_it_last,
];

fn a_created_object_is_read_back(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let made = target.post(&scratch.core("configmaps"), &config_map("one", "value"))?.expect(201)?;
    let read = target.get(&scratch.core("configmaps/one"))?.expect(200)?;
    same("what was read", &read, &made)?;
    same("apiVersion and kind", (&read["apiVersion"], &read["kind"]), (&"v1".into(), &"ConfigMap".into()))?;
    same("namespace", text(&read, "/metadata/namespace")?, &scratch.namespace)?;
    same("length of the uid", text(&read, "/metadata/uid")?.len(), 36)?;
    ensure!(text(&read, "/metadata/creationTimestamp")?.ends_with('Z'), "a time in UTC: {read}");
    same("generation of a kind without spec", read["metadata"].get("generation"), None)
}

fn a_body_may_be_yaml(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let body = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  key: \"yes\"\n";
    let made = target.post_as(&scratch.core("configmaps"), "application/yaml", body)?.expect(201)?;
    same("data", &made["data"], &json!({ "key": "yes" }))?;
    let reply = target.get_as(&scratch.core("configmaps/one"), "application/yaml")?;
    ensure!(
        reply.text.contains("\n  key: \"yes\"\n") && reply.text.contains("kind: ConfigMap"),
        "{}",
        reply.text
    );
    Ok(())
}

fn a_name_can_be_taken_only_once(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let status =
        target.post(&scratch.core("configmaps"), &config_map("one", "b"))?.refused(409, "AlreadyExists")?;
    same("message", text(&status, "/message")?, "configmaps \"one\" already exists")?;
    same("details", &status["details"], &json!({ "name": "one", "kind": "configmaps" }))
}

fn a_generated_name_adds_five_characters(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let mut body = config_map("", "value");
    body["metadata"] = json!({ "generateName": "made-" });
    let (first, second) = (
        target.post(&scratch.core("configmaps"), &body)?.expect(201)?,
        target.post(&scratch.core("configmaps"), &body)?.expect(201)?,
    );
    let name = text(&first, "/metadata/name")?;
    same("length of the name", name.len(), "made-".len() + 5)?;
    ensure!(name.starts_with("made-"), "the prefix is kept: {name}");
    ensure!(name != text(&second, "/metadata/name")?, "the second got the same name");
    Ok(())
}

fn a_created_object_may_not_carry_a_resource_version(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let mut body = config_map("one", "value");
    body["metadata"]["resourceVersion"] = "1".into();
    let reply = target.post(&scratch.core("configmaps"), &body)?;
    ensure!(reply.status >= 400, "accepted: {}", reply.text);
    same(
        "message",
        text(&reply.body, "/message")?,
        "resourceVersion should not be set on objects to be created",
    )
}

fn a_stale_update_conflicts(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let mut stale = target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let mut fresh = stale.clone();
    fresh["data"]["key"] = "b".into();
    target.put(&scratch.core("configmaps/one"), &fresh)?.expect(200)?;
    stale["data"]["key"] = "c".into();
    let status = target.put(&scratch.core("configmaps/one"), &stale)?.refused(409, "Conflict")?;
    same(
        "message",
        text(&status, "/message")?,
        "Operation cannot be fulfilled on configmaps \"one\": the object has been modified; \
         please apply your changes to the latest version and try again",
    )
}

fn an_update_without_resource_version_is_unconditional(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let made = target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let put = target.put(&scratch.core("configmaps/one"), &config_map("one", "b"))?.expect(200)?;
    same("data", &put["data"]["key"], &"b".into())?;
    same("uid", &put["metadata"]["uid"], &made["metadata"]["uid"])?;
    ensure!(version(&put)? != version(&made)?, "a change has a new resourceVersion");
    Ok(())
}

fn an_update_that_changes_nothing_keeps_the_resource_version(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let made = target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let put = target.put(&scratch.core("configmaps/one"), &made)?.expect(200)?;
    same("resourceVersion", version(&put)?, version(&made)?)
}

fn only_a_change_of_spec_raises_the_generation(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let path = scratch.apps("deployments/web");
    let mut object = target.post(&scratch.apps("deployments"), &deployment("web"))?.expect(201)?;
    same("generation when new", &object["metadata"]["generation"], &1.into())?;
    object["metadata"]["labels"]["extra"] = "label".into();
    let mut object = target.put(&path, &object)?.expect(200)?;
    same("generation after a label", &object["metadata"]["generation"], &1.into())?;
    object["spec"]["replicas"] = 5.into();
    let object = target.put(&path, &object)?.expect(200)?;
    same("generation after replicas", &object["metadata"]["generation"], &2.into())
}

fn status_is_written_through_its_subresource_only(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let path = scratch.apps("deployments/web");
    let mut object = target.post(&scratch.apps("deployments"), &deployment("web"))?.expect(201)?;
    object["status"] = json!({ "replicas": 2, "observedGeneration": 1 });
    let mut object = target.put(&path, &object)?.expect(200)?;
    same("status after a put of the object", &object["status"], &json!({}))?;
    object["status"] = json!({ "replicas": 2, "observedGeneration": 1 });
    object["spec"]["replicas"] = 9.into();
    let object = target.put(&format!("{path}/status"), &object)?.expect(200)?;
    same("status", &object["status"], &json!({ "replicas": 2, "observedGeneration": 1 }))?;
    same("spec after a put of the status", &object["spec"]["replicas"], &2.into())?;
    same("generation", &object["metadata"]["generation"], &1.into())
}

fn server_owned_metadata_cannot_be_forged(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let mut body = config_map("one", "value");
    body["metadata"]["uid"] = "11111111-2222-3333-4444-555555555555".into();
    body["metadata"]["creationTimestamp"] = "2001-01-01T00:00:00Z".into();
    body["metadata"]["generation"] = 7.into();
    let mut made = target.post(&scratch.core("configmaps"), &body)?.expect(201)?;
    ensure!(made["metadata"]["uid"] != body["metadata"]["uid"], "the uid was taken over");
    ensure!(!text(&made, "/metadata/creationTimestamp")?.starts_with("2001"), "the time was taken over");
    let uid = made["metadata"]["uid"].take();
    made["metadata"]["uid"] = "11111111-2222-3333-4444-555555555555".into();
    let status = target.put(&scratch.core("configmaps/one"), &made)?.refused(409, "Conflict")?;
    ensure!(
        text(&status, "/message")?.contains(&format!("UID in object meta: {}", text(&uid, "")?)),
        "{status}"
    );
    Ok(())
}

fn a_dry_run_answers_and_stores_nothing(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let collection = scratch.core("configmaps");
    let made = target.post(&format!("{collection}?dryRun=All"), &config_map("one", "a"))?.expect(201)?;
    ensure!(made["metadata"]["uid"].is_string(), "a dry run fills in metadata: {made}");
    target.get(&format!("{collection}/one"))?.refused(404, "NotFound")?;
    target.post(&collection, &config_map("one", "a"))?.expect(201)?;
    let put = target.put(&format!("{collection}/one?dryRun=All"), &config_map("one", "b"))?.expect(200)?;
    same("answer", &put["data"]["key"], &"b".into())?;
    target.delete(&format!("{collection}/one?dryRun=All"))?.expect(200)?;
    let read = target.get(&format!("{collection}/one"))?.expect(200)?;
    same("stored", &read["data"]["key"], &"a".into())
}

fn unknown_fields_are_refused_warned_of_or_dropped_as_asked(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let collection = scratch.apps("deployments");
    let mut body = deployment("web");
    body["spec"]["nope"] = 1.into();
    let status =
        target.post(&format!("{collection}?fieldValidation=Strict"), &body)?.refused(400, "BadRequest")?;
    ensure!(
        text(&status, "/message")?.ends_with("strict decoding error: unknown field \"spec.nope\""),
        "{status}"
    );
    let warned = target.post(&format!("{collection}?fieldValidation=Warn&dryRun=All"), &body)?;
    same("warnings", warned.warnings(), vec!["299 - \"unknown field \\\"spec.nope\\\"\"".to_owned()])?;
    same("the field", warned.expect(201)?["spec"].get("nope"), None)?;
    let silent = target.post(&format!("{collection}?fieldValidation=Ignore"), &body)?;
    same("warnings", silent.warnings(), vec![])?;
    silent.expect(201)?;
    Ok(())
}

fn a_duplicate_field_is_refused_when_strict(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let path = format!("{}?fieldValidation=Strict", scratch.core("configmaps"));
    let body = r#"{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"one"},"data":{"a":"1","a":"2"}}"#;
    let status = target.post_as(&path, "application/json", body)?.refused(400, "BadRequest")?;
    ensure!(text(&status, "/message")?.contains("duplicate field \"data.a\""), "{status}");
    Ok(())
}

fn a_finalizer_holds_a_deleted_object(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let path = scratch.core("configmaps/one");
    let mut body = config_map("one", "a");
    body["metadata"]["finalizers"] = json!(["example.com/hold"]);
    target.post(&scratch.core("configmaps"), &body)?.expect(201)?;
    let deleted = target.delete(&path)?.expect(200)?;
    same("a held object is answered itself", text(&deleted, "/kind")?, "ConfigMap")?;
    let mut held = target.get(&path)?.expect(200)?;
    ensure!(held["metadata"]["deletionTimestamp"].is_string(), "it is marked: {held}");
    same("grace", &held["metadata"]["deletionGracePeriodSeconds"], &0.into())?;
    let mut more = held.clone();
    more["metadata"]["finalizers"] = json!(["example.com/hold", "example.com/more"]);
    target.put(&path, &more)?.refused(422, "Invalid")?;
    held["metadata"]["finalizers"] = json!([]);
    target.put(&path, &held)?.expect(200)?;
    target.get(&path)?.refused(404, "NotFound")?;
    Ok(())
}

fn a_deletion_may_name_the_uid_it_means(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let path = scratch.core("configmaps/one");
    let made = target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let wrong = json!({ "preconditions": { "uid": "11111111-2222-3333-4444-555555555555" } });
    target.delete_with(&path, &wrong)?.refused(409, "Conflict")?;
    let right = json!({ "preconditions": { "uid": made["metadata"]["uid"] } });
    target.delete_with(&path, &right)?.expect(200)?;
    gone(target, &path)
}

fn a_deletion_answers_with_a_status_that_names_the_object(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let made = target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let status = target.delete(&scratch.core("configmaps/one"))?.expect(200)?;
    same("status", (&status["kind"], &status["status"]), (&"Status".into(), &"Success".into()))?;
    let details = json!({ "name": "one", "kind": "configmaps", "uid": made["metadata"]["uid"] });
    same("details", &status["details"], &details)
}

fn string_data_of_a_secret_is_folded_into_data(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let body = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "one" },
        "data": { "kept": "YQ==", "both": "YQ==" }, "stringData": { "both": "plain" }
    });
    let made = target.post(&scratch.core("secrets"), &body)?.expect(201)?;
    same("data", &made["data"], &json!({ "kept": "YQ==", "both": "cGxhaW4=" }))?;
    same("stringData", made.get("stringData"), None)?;
    same("type", text(&made, "/type")?, "Opaque")
}

fn an_immutable_config_map_stays_as_it_is(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let mut body = config_map("one", "a");
    body["immutable"] = true.into();
    target.post(&scratch.core("configmaps"), &body)?.expect(201)?;
    body["data"]["key"] = "b".into();
    let status = target.put(&scratch.core("configmaps/one"), &body)?.refused(422, "Invalid")?;
    same(
        "message",
        text(&status, "/message")?,
        "ConfigMap \"one\" is invalid: data: Forbidden: field is immutable when `immutable` is set",
    )
}

fn the_scale_of_a_deployment_is_a_resource(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.apps("deployments"), &deployment("web"))?.expect(201)?;
    let path = scratch.apps("deployments/web/scale");
    let mut scale = target.get(&path)?.expect(200)?;
    same("kind", (text(&scale, "/apiVersion")?, text(&scale, "/kind")?), ("autoscaling/v1", "Scale"))?;
    same("spec", &scale["spec"], &json!({ "replicas": 2 }))?;
    same("selector", text(&scale, "/status/selector")?, "app=web")?;
    scale["spec"]["replicas"] = 4.into();
    target.put(&path, &scale)?.expect(200)?;
    let object = target.get(&scratch.apps("deployments/web"))?.expect(200)?;
    same("replicas", &object["spec"]["replicas"], &4.into())?;
    same("generation", &object["metadata"]["generation"], &2.into())
}

fn events_are_objects_of_their_namespace(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let body = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": { "name": "one.1" },
        "involvedObject": { "kind": "ConfigMap", "namespace": scratch.namespace, "name": "one" },
        "reason": "Tested", "message": "as said", "type": "Normal", "count": 1
    });
    target.post(&scratch.core("events"), &body)?.expect(201)?;
    let selected =
        format!("{}?fieldSelector=involvedObject.name%3Done,type%3DNormal", scratch.core("events"));
    let list = target.get(&selected)?.expect(200)?;
    same("reason", text(&list, "/items/0/reason")?, "Tested")?;
    let newer = target.get(&scratch.of("events.k8s.io/v1", "events/one.1"))?.expect(200)?;
    same("note of the newer kind", text(&newer, "/note")?, "as said")
}

fn a_lease_is_taken_over_by_whoever_saw_it_last(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let collection = scratch.of("coordination.k8s.io/v1", "leases");
    let name = unique("lease-");
    let body = json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": name },
        "spec": { "holderIdentity": "a", "leaseDurationSeconds": 15, "renewTime": "2026-01-02T03:04:05.678901Z" }
    });
    let seen = target.post(&collection, &body)?.expect(201)?;
    same("microseconds are kept", text(&seen, "/spec/renewTime")?, "2026-01-02T03:04:05.678901Z")?;
    let take = |holder: &str| -> anyhow::Result<_> {
        let mut lease: Value = seen.clone();
        lease["spec"]["holderIdentity"] = holder.into();
        target.put(&format!("{collection}/{name}"), &lease)
    };
    take("b")?.expect(200)?;
    take("c")?.refused(409, "Conflict")?;
    Ok(())
}
