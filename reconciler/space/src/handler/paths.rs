//! Paths that name no resource: version, health, metrics, discovery, OpenAPI.

use std::fmt::Write as _;
use std::sync::Arc;

use apimachinery::kinds::KindTable;
use http::{Response, header};
use serde_json::{Value, json};

use super::Incoming;
use crate::answer::{self, Body};
use crate::server::Shared;
use crate::space::Space;
use crate::status::{Answer, ApiError};
use crate::{discovery, openapi};

/// Whether a path of the server needs no token: liveness tells nothing.
pub(super) fn is_open(path: &str) -> bool {
    matches!(path, "/healthz" | "/livez" | "/readyz")
}

/// A path of the server itself, outside of any space.
pub(super) fn of_server(shared: &Shared, path: &str) -> Response<Body> {
    match path {
        "/healthz" | "/livez" | "/readyz" => healthy(),
        "/version" => answer::json(200, &version()),
        "/metrics" => metrics(&shared.all()),
        "/" | "/spaces" => {
            let names: Vec<String> = shared.all().iter().map(|space| space.name().to_string()).collect();
            answer::json(200, &json!({ "spaces": names }))
        }
        _ => answer::failure(&ApiError::no_such_resource()),
    }
}

/// A path below a space that names no resource.
pub(super) fn of_space<B>(incoming: &Incoming<B>, path: &str) -> Answer<Response<Body>> {
    if !matches!(incoming.method.as_str(), "GET" | "HEAD") {
        return Err(ApiError::method_not_allowed());
    }
    match path {
        "/version" | "/version/" => return Ok(answer::json(200, &version())),
        "/metrics" => return Ok(metrics(std::slice::from_ref(&incoming.space))),
        "/" => {
            return Ok(answer::json(200, &json!({ "paths": ["/api", "/apis", "/openapi/v3", "/version"] })));
        }
        _ => {}
    }
    if is_open(path) || path.starts_with("/livez/") || path.starts_with("/readyz/") {
        return Ok(healthy());
    }
    let registry = incoming.space.registry();
    let accept = incoming.header(header::ACCEPT).unwrap_or_default();
    if let Some(document) = discovery::document(&registry, path, accept) {
        return Ok(answer::whole(200, document.content_type, document.body.to_string()));
    }
    if let Some(document) = openapi::document(&incoming.space, path) {
        return Ok(answer::json(200, &document));
    }
    Err(ApiError::no_such_resource())
}

fn healthy() -> Response<Body> {
    answer::whole(200, "text/plain; charset=utf-8", "ok")
}

/// `/version`: the Kubernetes release whose behaviour is served, marked as ours.
fn version() -> Value {
    let release = KindTable::release();
    let mut numbers = release.trim_start_matches('v').split('.');
    let (major, minor) = (numbers.next().unwrap_or("1"), numbers.next().unwrap_or_default());
    json!({
        "major": major, "minor": minor, "gitVersion": format!("{release}+gitstellar"),
        "gitCommit": "", "gitTreeState": "", "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "", "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

/// Counters in Prometheus' text form, under the names that dashboards of Kubernetes know.
fn metrics(spaces: &[Arc<Space>]) -> Response<Body> {
    let mut text = String::from(
        "# HELP apiserver_request_total Requests answered.\n# TYPE apiserver_request_total counter\n",
    );
    for space in spaces {
        for (counted, count) in space.counters().read().0 {
            let _infallible = writeln!(
                text,
                "apiserver_request_total{{space=\"{}\",verb=\"{}\",group=\"{}\",resource=\"{}\",subresource=\"{}\",code=\"{}\"}} {count}",
                space.name(),
                counted.verb.as_str().to_ascii_uppercase(),
                counted.resource.group,
                counted.resource.plural,
                counted.subresource.escape_default(),
                counted.code,
            );
        }
    }
    text.push_str(
        "# HELP apiserver_storage_objects Objects stored.\n# TYPE apiserver_storage_objects gauge\n",
    );
    for space in spaces {
        for (resource, count) in space.counts() {
            let _infallible = writeln!(
                text,
                "apiserver_storage_objects{{space=\"{}\",resource=\"{resource}\"}} {count}",
                space.name()
            );
        }
    }
    answer::whole(200, "text/plain; version=0.0.4; charset=utf-8", text)
}
