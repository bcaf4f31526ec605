//! How requests are refused. Clients branch on code and reason, people read the message, and both read the causes.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::scratch::{Scratch, config_map, deployment, text};
use super::{Case, Target, cases};
use crate::harness::{Outcome, same};

pub const CASES: &[(&str, Case)] = cases![
    an_absent_object_is_named,
    an_absent_group_is_not_found,
    an_absent_namespace_is_not_found_by_writes_only,
    an_invalid_object_lists_its_causes,
    an_invalid_name_is_a_cause,
    a_method_without_meaning_is_not_allowed,
    an_unknown_content_type_is_unsupported,
    an_unacceptable_accept_header_lists_what_there_is,
    a_body_that_is_no_json_is_a_bad_request,
    a_body_of_another_kind_is_a_bad_request,
    a_name_that_differs_from_the_path_is_a_bad_request,
    a_namespace_that_differs_from_the_path_is_a_bad_request,
    an_unknown_token_is_unauthorized,
    an_immutable_field_says_so,
];

fn an_absent_object_is_named(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let status = target.get(&scratch.apps("deployments/none"))?.refused(404, "NotFound")?;
    same("message", text(&status, "/message")?, "deployments.apps \"none\" not found")?;
    same("details", &status["details"], &json!({ "name": "none", "group": "apps", "kind": "deployments" }))
}

fn an_absent_group_is_not_found(target: &Target) -> Outcome {
    let reply = target.get("/apis/nobody.example.com/v1/things")?;
    same("status", reply.status, 404)?;
    let scratch = Scratch::new(target)?;
    let status = target.get(&scratch.apps("things"))?.refused(404, "NotFound")?;
    same("message", text(&status, "/message")?, "the server could not find the requested resource")
}

fn an_absent_namespace_is_not_found_by_writes_only(target: &Target) -> Outcome {
    let path = "/api/v1/namespaces/there-is-no-such/configmaps";
    let status = target.post(path, &config_map("one", "a"))?.refused(404, "NotFound")?;
    same("message", text(&status, "/message")?, "namespaces \"there-is-no-such\" not found")?;
    same("items", &target.get(path)?.expect(200)?["items"], &json!([]))
}

fn an_invalid_object_lists_its_causes(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let mut body = deployment("web");
    body["spec"]["replicas"] = (-1).into();
    body["spec"]["template"]["spec"]["containers"] = json!([]);
    let status = target.post(&scratch.apps("deployments"), &body)?.refused(422, "Invalid")?;
    same(
        "details",
        (text(&status, "/details/name")?, text(&status, "/details/kind")?),
        ("web", "Deployment"),
    )?;
    let causes = status["details"]["causes"].as_array().context("there are causes")?;
    let seen: Vec<(&Value, &Value)> =
        causes.iter().map(|cause| (&cause["field"], &cause["reason"])).collect();
    let (invalid, required) = (Value::from("FieldValueInvalid"), Value::from("FieldValueRequired"));
    let (replicas, containers) = (Value::from("spec.replicas"), Value::from("spec.template.spec.containers"));
    same("causes", seen, vec![(&replicas, &invalid), (&containers, &required)])?;
    ensure!(text(&status, "/message")?.starts_with("Deployment.apps \"web\" is invalid: ["), "{status}");
    Ok(())
}

fn an_invalid_name_is_a_cause(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let status =
        target.post(&scratch.core("configmaps"), &config_map("Not_Valid", "a"))?.refused(422, "Invalid")?;
    same("field", text(&status, "/details/causes/0/field")?, "metadata.name")?;
    let long = "a".repeat(254);
    target.post(&scratch.core("configmaps"), &config_map(&long, "a"))?.refused(422, "Invalid")?;
    Ok(())
}

fn a_method_without_meaning_is_not_allowed(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let status = target.post(&scratch.core("configmaps/one"), &config_map("one", "a"))?;
    let status = status.refused(405, "MethodNotAllowed")?;
    same(
        "message",
        text(&status, "/message")?,
        "the server does not allow this method on the requested resource",
    )
}

fn an_unknown_content_type_is_unsupported(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post_as(&scratch.core("configmaps"), "text/csv", "a,b")?.refused(415, "UnsupportedMediaType")?;
    target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let patch = target.patch_as(&scratch.core("configmaps/one"), "application/json", "{}")?;
    patch.refused(415, "UnsupportedMediaType")?;
    Ok(())
}

fn an_unacceptable_accept_header_lists_what_there_is(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let status = target.get_as(&scratch.core("configmaps"), "text/csv")?.refused(406, "NotAcceptable")?;
    ensure!(text(&status, "/message")?.contains("application/json"), "{status}");
    Ok(())
}

fn a_body_that_is_no_json_is_a_bad_request(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post_as(&scratch.core("configmaps"), "application/json", "{")?.refused(400, "BadRequest")?;
    target.post_as(&scratch.core("configmaps"), "application/json", "")?.refused(400, "BadRequest")?;
    Ok(())
}

fn a_body_of_another_kind_is_a_bad_request(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let status = target.post(&scratch.core("configmaps"), &deployment("web"))?.refused(400, "BadRequest")?;
    ensure!(text(&status, "/message")?.contains("Deployment"), "{status}");
    Ok(())
}

fn a_name_that_differs_from_the_path_is_a_bad_request(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    let status =
        target.put(&scratch.core("configmaps/one"), &config_map("two", "a"))?.refused(400, "BadRequest")?;
    same(
        "message",
        text(&status, "/message")?,
        "the name of the object (two) does not match the name on the URL (one)",
    )
}

fn a_namespace_that_differs_from_the_path_is_a_bad_request(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let mut body = config_map("one", "a");
    body["metadata"]["namespace"] = "default".into();
    let status = target.post(&scratch.core("configmaps"), &body)?.refused(400, "BadRequest")?;
    same(
        "message",
        text(&status, "/message")?,
        "the namespace of the provided object does not match the namespace sent on the request",
    )
}

fn an_unknown_token_is_unauthorized(target: &Target) -> Outcome {
    let stranger = Target::new(&target.url, "wrong", &target.ca_pem)?;
    let status = stranger.get("/api/v1/namespaces")?.refused(401, "Unauthorized")?;
    same("message", text(&status, "/message")?, "Unauthorized")
}

fn an_immutable_field_says_so(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let mut made = target.post(&scratch.apps("deployments"), &deployment("web"))?.expect(201)?;
    made["spec"]["selector"]["matchLabels"] = json!({ "app": "other" });
    made["spec"]["template"]["metadata"]["labels"] = json!({ "app": "other" });
    let status = target.put(&scratch.apps("deployments/web"), &made)?.refused(422, "Invalid")?;
    same("field", text(&status, "/details/causes/0/field")?, "spec.selector")?;
    ensure!(text(&status, "/message")?.ends_with("field is immutable"), "{status}");
    Ok(())
}
