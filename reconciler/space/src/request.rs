//! What a request asks for, read from its method, path and query: the server's `RequestInfo`.
//!
//! Rules: `k8s.io/apiserver/pkg/endpoints/request/requestinfo.go`. Names may hold anything but `/` and `%` (`system:node:x`), which is why no routing
//! library is used.

use apimachinery::{GroupResource, GroupVersionResource};

pub mod query;

pub use query::Query;

/// What is asked of a resource, in the vocabulary of RBAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// One object.
    Get,
    /// All objects.
    List,
    /// A stream of changes.
    Watch,
    /// POST.
    Create,
    /// PUT.
    Update,
    /// PATCH, of any type.
    Patch,
    /// DELETE of one object.
    Delete,
    /// DELETE of a collection.
    DeleteCollection,
}

impl Verb {
    /// As RBAC and metrics write it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Create => "create",
            Self::Update => "update",
            Self::Patch => "patch",
            Self::Delete => "delete",
            Self::DeleteCollection => "deletecollection",
        }
    }

    /// Whether it changes anything.
    pub fn is_write(self) -> bool {
        !matches!(self, Self::Get | Self::List | Self::Watch)
    }
}

/// A request for a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceRequest {
    /// What is asked.
    pub verb: Verb,
    /// Group, version, plural.
    pub gvr: GroupVersionResource,
    /// The namespace, `None` at cluster scope and across namespaces. For `namespaces` themselves it is the name, as RBAC wants it.
    pub namespace: Option<String>,
    /// The name, empty for collections.
    pub name: String,
    /// `status`, `scale`; empty for the object itself.
    pub subresource: String,
}

impl ResourceRequest {
    /// Group and plural.
    pub fn group_resource(&self) -> GroupResource {
        self.gvr.group_resource()
    }
}

/// What a path asks for, below the prefix that names the space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestInfo {
    /// `/api/v1/…` and `/apis/<group>/<version>/…`.
    Resource(ResourceRequest),
    /// Everything else: discovery, OpenAPI, health.
    Path {
        /// The path below the space, beginning with `/`.
        path: String,
        /// The HTTP method in lower case, which is its verb in RBAC.
        verb: String,
    },
}

/// Reads method, path and query.
pub fn parse(method: &http::Method, path: &str, query: &Query) -> RequestInfo {
    resource_request(method, path, query).map_or_else(
        || RequestInfo::Path { path: path.to_owned(), verb: method.as_str().to_ascii_lowercase() },
        RequestInfo::Resource,
    )
}

/// `None` if the path names no resource, as `/api/v1` does not.
fn resource_request(method: &http::Method, path: &str, query: &Query) -> Option<ResourceRequest> {
    let mut parts = path.split('/').filter(|part| !part.is_empty());
    let (group, version) = match parts.next()? {
        "api" => ("", parts.next()?),
        "apis" => (parts.next()?, parts.next()?),
        _ => return None,
    };
    let mut parts: Vec<String> = parts.map(decoded).collect();
    if parts.is_empty() {
        return None;
    }
    // The deprecated prefix `/api/v1/watch/pods`.
    let old_watch = parts.len() > 1 && parts[0] == "watch";
    if old_watch {
        parts.remove(0);
    }
    let mut namespace = None;
    if parts[0] == "namespaces" {
        if let Some(name) = parts.get(1) {
            namespace = Some(name.clone());
        }
        // The subresources of a namespace are not resources inside it.
        if parts.len() > 2 && !matches!(parts[2].as_str(), "status" | "finalize") {
            parts.drain(..2);
        }
    }
    let mut parts = parts.into_iter();
    let plural = parts.next()?;
    let name = parts.next().unwrap_or_default();
    let subresource = parts.next().unwrap_or_default();
    let verb = verb_of(method, &name, old_watch || query.flag("watch"))?;
    // A watch or list of one object by field selector is a watch or list of that name for RBAC, as the server has it.
    let name = if name.is_empty() && matches!(verb, Verb::List | Verb::Watch) {
        query.get("fieldSelector").and_then(selected_name).unwrap_or_default()
    } else {
        name
    };
    let gvr = GroupVersionResource::new(group, version, &plural);
    Some(ResourceRequest { verb, gvr, namespace, name, subresource })
}

fn verb_of(method: &http::Method, name: &str, watch: bool) -> Option<Verb> {
    let verb = match (method.as_str(), name.is_empty()) {
        ("GET" | "HEAD", _) if watch => Verb::Watch,
        ("GET" | "HEAD", true) => Verb::List,
        ("GET" | "HEAD", false) => Verb::Get,
        ("POST", _) => Verb::Create,
        ("PUT", _) => Verb::Update,
        ("PATCH", _) => Verb::Patch,
        ("DELETE", true) => Verb::DeleteCollection,
        ("DELETE", false) => Verb::Delete,
        _ => return None,
    };
    Some(verb)
}

fn selected_name(field_selector: &str) -> Option<String> {
    let terms = field_selector.split(',');
    let mut names = terms.filter_map(|term| term.trim().strip_prefix("metadata.name"));
    let name = names.next()?.trim_start_matches('=');
    (!name.is_empty() && !name.starts_with('!')).then(|| name.to_owned())
}

/// Undoes percent-encoding; a malformed escape stays as it is.
fn decoded(part: &str) -> String {
    query::percent_decoded(part, false)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(request: &str, expected: &str) {
        let (method, target) = request.split_once(' ').unwrap();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let method = http::Method::from_bytes(method.as_bytes()).unwrap();
        let seen = match parse(&method, path, &Query::parse(query)) {
            RequestInfo::Path { path, verb } => format!("{verb} path {path}"),
            RequestInfo::Resource(r) => format!(
                "{} {}/{} {}|{}|{}|{}",
                r.verb.as_str(),
                r.gvr.group,
                r.gvr.version,
                r.gvr.plural,
                r.namespace.unwrap_or_default(),
                r.name,
                r.subresource
            ),
        };
        assert_eq!(seen, expected, "{request}");
    }

    #[test]
    fn paths_are_read_as_the_server_reads_them() {
        check("GET /api", "get path /api");
        check("GET /apis/apps/v1", "get path /apis/apps/v1");
        check("GET /openapi/v3", "get path /openapi/v3");
        check("GET /api/v1/pods", "list /v1 pods|||");
        check("GET /api/v1/pods?watch=true", "watch /v1 pods|||");
        check("GET /api/v1/pods?watch=1", "watch /v1 pods|||");
        check("GET /api/v1/pods?watch=false", "list /v1 pods|||");
        check("GET /api/v1/watch/namespaces/a/pods", "watch /v1 pods|a||");
        check("GET /api/v1/namespaces", "list /v1 namespaces|||");
        check("GET /api/v1/namespaces/a", "get /v1 namespaces|a|a|");
        check("PUT /api/v1/namespaces/a/finalize", "update /v1 namespaces|a|a|finalize");
        check("GET /api/v1/namespaces/a/pods/b/log", "get /v1 pods|a|b|log");
        check("PATCH /apis/apps/v1/namespaces/a/deployments/b/scale", "patch apps/v1 deployments|a|b|scale");
        check("DELETE /apis/apps/v1/namespaces/a/deployments", "deletecollection apps/v1 deployments|a||");
        check("DELETE /apis/apps/v1/namespaces/a/deployments/b", "delete apps/v1 deployments|a|b|");
        check("POST /api/v1/namespaces", "create /v1 namespaces|||");
        check(
            "GET /apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
            "get rbac.authorization.k8s.io/v1 clusterroles||system:node|",
        );
        check(
            "GET /api/v1/namespaces/a/pods?fieldSelector=metadata.name%3Db&watch=true",
            "watch /v1 pods|a|b|",
        );
    }
}
