//! What a server says it serves.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::scratch::text;
use super::target::AGGREGATED_DISCOVERY;
use super::{Case, Target, cases};
use crate::harness::{Outcome, same};

pub const CASES: &[(&str, Case)] = cases![
    aggregated_discovery_lists_groups_versions_and_resources,
    legacy_discovery_lists_groups,
    legacy_discovery_lists_the_resources_of_a_version,
    open_api_v3_has_an_index_of_hashed_documents,
    the_version_is_that_of_kubernetes,
    health_is_answered_in_words,
];

fn find<'a>(list: &'a Value, key: &str, value: &str) -> anyhow::Result<&'a Value> {
    let items = list.as_array().with_context(|| format!("no list to find {value} in"))?;
    items.iter().find(|item| item[key] == value).with_context(|| format!("no {key} {value} in {list}"))
}

fn aggregated_discovery_lists_groups_versions_and_resources(target: &Target) -> Outcome {
    let reply = target.get_as("/apis", AGGREGATED_DISCOVERY)?;
    let content_type =
        reply.headers.get("content-type").and_then(|value| value.to_str().ok()).unwrap_or_default();
    ensure!(content_type.contains("as=APIGroupDiscoveryList"), "content type is {content_type}");
    let list = reply.expect(200)?;
    same("kind", text(&list, "/kind")?, "APIGroupDiscoveryList")?;
    let groups = list["items"].as_array().context("groups")?;
    let apps = groups.iter().find(|group| group["metadata"]["name"] == "apps").context("group apps")?;
    let version = find(&apps["versions"], "version", "v1")?;
    let deployments = find(&version["resources"], "resource", "deployments")?;
    // Group and version are empty here where they are those of the resource, and filled in for custom kinds; clients take both.
    same("kind", text(deployments, "/responseKind/kind")?, "Deployment")?;
    same("scope", text(deployments, "/scope")?, "Namespaced")?;
    same("singular", text(deployments, "/singularResource")?, "deployment")?;
    same("short names", &deployments["shortNames"], &json!(["deploy"]))?;
    let verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    same("verbs", &deployments["verbs"], &json!(verbs))?;
    find(&deployments["subresources"], "subresource", "status")?;
    let scale = find(&deployments["subresources"], "subresource", "scale")?;
    same("kind of scale", text(scale, "/responseKind/kind")?, "Scale")?;
    let core = target.get_as("/api", AGGREGATED_DISCOVERY)?.expect(200)?;
    let version = find(&core["items"][0]["versions"], "version", "v1")?;
    same("scope", text(find(&version["resources"], "resource", "namespaces")?, "/scope")?, "Cluster")
}

fn legacy_discovery_lists_groups(target: &Target) -> Outcome {
    let core = target.get("/api")?.expect(200)?;
    same("core", (&core["kind"], &core["versions"]), (&"APIVersions".into(), &json!(["v1"])))?;
    let list = target.get("/apis")?.expect(200)?;
    same("kind", text(&list, "/kind")?, "APIGroupList")?;
    let apps = find(&list["groups"], "name", "apps")?;
    same("versions", &apps["versions"], &json!([{ "groupVersion": "apps/v1", "version": "v1" }]))?;
    same("preferred", text(apps, "/preferredVersion/version")?, "v1")?;
    let alone = target.get("/apis/apps")?.expect(200)?;
    same("the group by itself", text(&alone, "/kind")?, "APIGroup")
}

fn legacy_discovery_lists_the_resources_of_a_version(target: &Target) -> Outcome {
    let list = target.get("/api/v1")?.expect(200)?;
    same("kind", (text(&list, "/kind")?, text(&list, "/groupVersion")?), ("APIResourceList", "v1"))?;
    let maps = find(&list["resources"], "name", "configmaps")?;
    same("namespaced", &maps["namespaced"], &true.into())?;
    same("kind", text(maps, "/kind")?, "ConfigMap")?;
    same("short names", &maps["shortNames"], &json!(["cm"]))?;
    find(&list["resources"], "name", "namespaces/status")?;
    Ok(())
}

fn open_api_v3_has_an_index_of_hashed_documents(target: &Target) -> Outcome {
    let index = target.get("/openapi/v3")?.expect(200)?;
    let link = text(&index, "/paths/apis~1apps~1v1/serverRelativeURL")?;
    ensure!(link.contains("/openapi/v3/apis/apps/v1?hash="), "the link is {link}");
    let document = target.follow(link)?.expect(200)?;
    ensure!(text(&document, "/openapi")?.starts_with("3.0"), "the version of OpenAPI");
    let kind = document
        .pointer("/components/schemas/io.k8s.api.apps.v1.Deployment/x-kubernetes-group-version-kind/0");
    same("kind", kind, Some(&json!({ "group": "apps", "version": "v1", "kind": "Deployment" })))
}

fn the_version_is_that_of_kubernetes(target: &Target) -> Outcome {
    let version = target.get("/version")?.expect(200)?;
    same("major", text(&version, "/major")?, "1")?;
    ensure!(text(&version, "/gitVersion")?.starts_with("v1."), "{version}");
    Ok(())
}

fn health_is_answered_in_words(target: &Target) -> Outcome {
    for path in ["/readyz", "/livez", "/healthz"] {
        let reply = target.get(path)?;
        same(path, (reply.status, reply.text.as_str()), (200, "ok"))?;
    }
    Ok(())
}
