//! Reads and writes of objects as bytes, and the one error type.

use std::time::Duration;

use apimachinery::{Name, Namespace, Object};
use http::{Method, Request};
use kube::core::Status;
use serde_json::{Value, json};

use crate::{Connection, Resource};

/// A request that has no answer by then has none. Servers give up on one after 60 s; a connection that died may say nothing for hours, and a controller would
/// wait for it.
const LONGEST_REQUEST: Duration = Duration::from_secs(75);

/// What kind of failure it is; decides whether and when to try again.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// 404: the object, its namespace, or its kind is not there.
    NotFound,
    /// 409 on create.
    AlreadyExists,
    /// 409: another write came first, or another manager owns a field.
    Conflict,
    /// 403.
    Forbidden,
    /// 401.
    Unauthorized,
    /// 400, 405, 406, 413, 415, 422: the same request would fail again.
    Invalid,
    /// 410: the resourceVersion is too old.
    Expired,
    /// 429, 500, 503, 504 and everything below HTTP: try again.
    Unavailable,
}

/// A request that failed. The message is the server's; it speaks of fields, and of values only where the server prints them, so callers
/// redact it for Secrets ([`ApiError::redacted`]).
#[derive(Debug, Clone, thiserror::Error)]
#[error("{what} in {server}: {message}")]
pub struct ApiError {
    /// `apply Deployment.apps shop/cart`.
    pub what: String,
    /// Which server.
    pub server: String,
    /// What kind of failure.
    pub reason: Reason,
    /// HTTP status, 0 when there was no answer.
    pub code: u16,
    /// What the server says.
    pub message: String,
    /// The fields that it finds fault with, each with its reason: `FieldValueRequired data[tls.key]`. No values.
    pub faults: Vec<String>,
    /// How long the server asks to wait.
    pub retry_after: Option<Duration>,
}

impl ApiError {
    /// A failure that no server has told, before a request or in place of one.
    pub fn untold(
        what: impl Into<String>,
        connection: &Connection,
        reason: Reason,
        message: impl Into<String>,
    ) -> Self {
        Self {
            what: what.into(),
            server: connection.name().to_owned(),
            reason,
            code: 0,
            message: message.into(),
            faults: Vec::new(),
            retry_after: None,
        }
    }

    pub(crate) fn from_kube(what: &str, error: kube::Error) -> Self {
        let (what, server) = (what.to_owned(), String::new());
        match error {
            kube::Error::Api(status) => Self { what, ..explain(&status) },
            other => {
                let message = crate::drive::chain(&other);
                let (code, reason) = (0, Reason::Unavailable);
                Self { what, server, reason, code, message, faults: Vec::new(), retry_after: None }
            }
        }
    }

    fn at(mut self, connection: &Connection) -> Self {
        connection.name().clone_into(&mut self.server);
        self
    }

    /// Whether the object, its namespace or its kind is not there.
    pub fn is_not_found(&self) -> bool {
        self.reason == Reason::NotFound
    }

    /// The same failure for an object whose values must not be printed: which fields the server finds fault with, and nothing that could quote a value.
    #[must_use]
    pub fn redacted(mut self) -> Self {
        let faults =
            if self.faults.is_empty() { String::new() } else { format!(": {}", self.faults.join(", ")) };
        let code = self.code;
        self.message = format!(
            "the server refused it with status {code}{faults} (what else it says is withheld: it is a Secret)"
        );
        self
    }
}

fn explain(status: &Status) -> ApiError {
    let details = status.details.as_ref();
    let retry_after = details.map(|details| details.retry_after_seconds).filter(|seconds| *seconds > 0);
    let causes = details.into_iter().flat_map(|details| &details.causes);
    let faults = causes.filter(|cause| !cause.field.is_empty());
    let reason = match (status.code, status.reason.as_str()) {
        (409, "AlreadyExists") => Reason::AlreadyExists,
        (404, _) => Reason::NotFound,
        (409, _) => Reason::Conflict,
        (403, _) => Reason::Forbidden,
        (401, _) => Reason::Unauthorized,
        (410, _) => Reason::Expired,
        (400 | 405 | 406 | 413 | 415 | 422, _) => Reason::Invalid,
        _ => Reason::Unavailable,
    };
    ApiError {
        what: String::new(),
        server: String::new(),
        reason,
        code: status.code,
        message: status.message.clone(),
        faults: faults.map(|cause| format!("{} {}", cause.reason, cause.field)).collect(),
        retry_after: retry_after.map(|seconds| Duration::from_secs(u64::from(seconds))),
    }
}

/// What a delete asks for.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// Only an object with this UID.
    pub uid: Option<String>,
    /// Only in this version.
    pub resource_version: Option<String>,
    /// Leave dependents alone instead of collecting them in the background.
    pub orphan: bool,
}

/// What became of an object that was to be deleted.
#[derive(Clone, Debug)]
pub enum Removal {
    /// It was not there.
    Absent,
    /// It is gone.
    Gone,
    /// Finalizers, or its grace period, keep it for a while; as it is stored now.
    Ending(Box<Object>),
}

/// Who applies, and whether it takes over fields of other managers.
#[derive(Clone, Copy, Debug)]
pub struct Manager<'a> {
    /// The field manager's name.
    pub name: &'a str,
    /// Take fields that other managers own.
    pub force: bool,
}

impl Connection {
    /// One object, `None` where it or its kind is not there.
    ///
    /// # Errors
    /// Every failure but not found.
    pub async fn get(
        &self,
        resource: &Resource,
        namespace: Option<&Namespace>,
        name: &Name,
    ) -> Result<Option<Object>, ApiError> {
        let path = format!("{}/{name}", resource.collection_path(namespace));
        match self.send(Method::GET, &path, None, &format!("get {} {name}", resource.plural)).await {
            Ok(text) => self.parse(&text, "get").map(Some),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// All objects of a resource, in pages of 500.
    ///
    /// # Errors
    /// When any page fails; a partial list is never returned.
    pub async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&Namespace>,
        labels: Option<&str>,
    ) -> Result<Vec<Object>, ApiError> {
        let mut objects = Vec::new();
        let mut token = String::new();
        loop {
            let mut path = format!("{}?limit=500", resource.collection_path(namespace));
            for (key, value) in [("labelSelector", labels.unwrap_or_default()), ("continue", token.as_str())]
            {
                if !value.is_empty() {
                    path.push_str(&format!("&{key}={}", encode(value)));
                }
            }
            let text = self.send(Method::GET, &path, None, &format!("list {}", resource.plural)).await?;
            token = self.collect_page(resource, &text, &mut objects)?;
            if token.is_empty() {
                return Ok(objects);
            }
        }
    }

    /// Items of a list carry neither kind nor apiVersion; both are those of the resource.
    fn collect_page(
        &self,
        resource: &Resource,
        text: &str,
        into: &mut Vec<Object>,
    ) -> Result<String, ApiError> {
        let mut page: Value =
            serde_json::from_str(text).map_err(|error| self.garbled("list", &error.to_string()))?;
        let items = page.get_mut("items").map(Value::take).unwrap_or_default();
        for mut item in serde_json::from_value::<Vec<Value>>(items).unwrap_or_default() {
            item["apiVersion"] = json!(resource.gvk.api_version());
            item["kind"] = json!(resource.gvk.kind.as_str());
            into.push(Object::from_value(&item).map_err(|error| self.garbled("list", &error.to_string()))?);
        }
        Ok(page.pointer("/metadata/continue").and_then(Value::as_str).unwrap_or_default().to_owned())
    }

    /// Server-side apply; returns the object as it is stored now.
    ///
    /// # Errors
    /// `Conflict` names the other managers and their fields; without `force` nothing is written then.
    pub async fn apply(
        &self,
        resource: &Resource,
        object: &Object,
        manager: Manager<'_>,
    ) -> Result<Object, ApiError> {
        self.apply_at(resource, object, "", manager).await
    }

    /// Server-side apply of the status subresource.
    ///
    /// # Errors
    /// As [`Connection::apply`].
    pub async fn apply_status(
        &self,
        resource: &Resource,
        object: &Object,
        manager: Manager<'_>,
    ) -> Result<Object, ApiError> {
        self.apply_at(resource, object, "/status", manager).await
    }

    async fn apply_at(
        &self,
        resource: &Resource,
        object: &Object,
        sub: &str,
        manager: Manager<'_>,
    ) -> Result<Object, ApiError> {
        let header = object.header();
        let path = format!(
            "{}/{}{sub}?fieldManager={}&force={}",
            resource.collection_path(header.namespace.as_ref()),
            header.name,
            encode(manager.name),
            manager.force
        );
        let body = Body { content_type: "application/apply-patch+yaml", bytes: object.bytes().to_vec() };
        let text = self.send(Method::PATCH, &path, Some(body), &format!("apply {}", header.id())).await?;
        self.parse(&text, "apply")
    }

    /// Creates an object.
    ///
    /// # Errors
    /// `AlreadyExists` among others.
    pub async fn create(
        &self,
        resource: &Resource,
        object: &Object,
        manager: &str,
    ) -> Result<Object, ApiError> {
        let header = object.header();
        let path = format!(
            "{}?fieldManager={}",
            resource.collection_path(header.namespace.as_ref()),
            encode(manager)
        );
        let text = self
            .send(Method::POST, &path, Some(Body::json(object)), &format!("create {}", header.id()))
            .await?;
        self.parse(&text, "create")
    }

    /// Replaces an object; its resourceVersion, if it has one, must be the stored one.
    ///
    /// # Errors
    /// `Conflict` when another write came first.
    pub async fn replace(
        &self,
        resource: &Resource,
        object: &Object,
        manager: &str,
    ) -> Result<Object, ApiError> {
        self.replace_at(resource, object, "", manager).await
    }

    /// Replaces the status of an object.
    ///
    /// # Errors
    /// As [`Connection::replace`].
    pub async fn replace_status(
        &self,
        resource: &Resource,
        object: &Object,
        manager: &str,
    ) -> Result<Object, ApiError> {
        self.replace_at(resource, object, "/status", manager).await
    }

    async fn replace_at(
        &self,
        resource: &Resource,
        object: &Object,
        sub: &str,
        manager: &str,
    ) -> Result<Object, ApiError> {
        let header = object.header();
        let collection = resource.collection_path(header.namespace.as_ref());
        let path = format!("{collection}/{}{sub}?fieldManager={}", header.name, encode(manager));
        let text = self
            .send(Method::PUT, &path, Some(Body::json(object)), &format!("update {}{sub}", header.id()))
            .await?;
        self.parse(&text, "update")
    }

    /// JSON merge patch of an object, or of a subresource (`"status"`).
    ///
    /// # Errors
    /// As the server says.
    pub async fn merge(&self, target: Target<'_>, patch: &Value, manager: &str) -> Result<Object, ApiError> {
        let Target { resource, namespace, name, subresource } = target;
        let sub = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
        let path =
            format!("{}/{name}{sub}?fieldManager={}", resource.collection_path(namespace), encode(manager));
        let bytes = patch.to_string().into_bytes();
        let body = Body { content_type: "application/merge-patch+json", bytes };
        let text = self
            .send(Method::PATCH, &path, Some(body), &format!("patch {} {name}{sub}", resource.plural))
            .await?;
        self.parse(&text, "patch")
    }

    /// Deletes an object. `Ok(false)` when it was not there.
    ///
    /// # Errors
    /// `Conflict` when a precondition does not hold.
    pub async fn delete(&self, target: Target<'_>, options: &DeleteOptions) -> Result<bool, ApiError> {
        Ok(!matches!(self.delete_within(target, options, None).await?, Removal::Absent))
    }

    /// Deletes an object, with another grace period than its own if one is given: 0 ends a pod at once.
    ///
    /// # Errors
    /// `Conflict` when a precondition does not hold.
    pub async fn delete_within(
        &self,
        target: Target<'_>,
        options: &DeleteOptions,
        grace_seconds: Option<u32>,
    ) -> Result<Removal, ApiError> {
        let Target { resource, namespace, name, .. } = target;
        let body = delete_options(options, grace_seconds);
        let body = Body { content_type: "application/json", bytes: body.to_string().into_bytes() };
        let path = format!("{}/{name}", resource.collection_path(namespace));
        match self
            .send(Method::DELETE, &path, Some(body), &format!("delete {} {name}", resource.plural))
            .await
        {
            Ok(text) => Ok(removal(&text)),
            Err(error) if error.is_not_found() => Ok(Removal::Absent),
            Err(error) => Err(error),
        }
    }

    /// Creates a subresource that takes a kind of its own, as `binding` of a pod does.
    ///
    /// # Errors
    /// As the server says.
    pub async fn post(&self, target: Target<'_>, body: &Value, manager: &str) -> Result<(), ApiError> {
        let Target { resource, namespace, name, subresource } = target;
        let path = format!(
            "{}/{name}/{subresource}?fieldManager={}",
            resource.collection_path(namespace),
            encode(manager)
        );
        let body = Body { content_type: "application/json", bytes: body.to_string().into_bytes() };
        let what = format!("create {subresource} of {} {name}", resource.plural);
        self.send(Method::POST, &path, Some(body), &what).await.map(|_| ())
    }

    /// A plain GET of a path that is not an object: `/version`, `/openapi/v3`.
    ///
    /// # Errors
    /// As the server says.
    pub async fn get_text(&self, path: &str) -> Result<String, ApiError> {
        self.send(Method::GET, path, None, &format!("get {path}")).await
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<Body>,
        what: &str,
    ) -> Result<String, ApiError> {
        let request = Request::builder().method(method).uri(path);
        let request = match body {
            Some(body) => request.header("content-type", body.content_type).body(body.bytes),
            None => request.body(Vec::new()),
        };
        let request = request.map_err(|error| self.garbled(what, &error.to_string()))?;
        let Ok(answer) = tokio::time::timeout(LONGEST_REQUEST, self.kube().request_text(request)).await
        else {
            let seconds = LONGEST_REQUEST.as_secs();
            return Err(self.unavailable(what, format!("no answer within {seconds} s")));
        };
        answer.map_err(|error| ApiError::from_kube(what, error).at(self))
    }

    fn parse(&self, text: &str, what: &str) -> Result<Object, ApiError> {
        Object::from_json(text.as_bytes()).map_err(|error| self.garbled(what, &error.to_string()))
    }

    fn garbled(&self, what: &str, detail: &str) -> ApiError {
        self.unavailable(what, format!("the answer is not what the API promises: {detail}"))
    }

    fn unavailable(&self, what: &str, message: String) -> ApiError {
        let (what, server) = (what.to_owned(), self.name().to_owned());
        ApiError {
            what,
            server,
            reason: Reason::Unavailable,
            code: 0,
            message,
            faults: Vec::new(),
            retry_after: None,
        }
    }
}

/// One object of a server, or a subresource of it.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// Its resource.
    pub resource: &'a Resource,
    /// Its namespace.
    pub namespace: Option<&'a Namespace>,
    /// Its name.
    pub name: &'a Name,
    /// `"status"`, or empty for the object itself.
    pub subresource: &'a str,
}

fn delete_options(options: &DeleteOptions, grace_seconds: Option<u32>) -> Value {
    let mut preconditions = json!({});
    for (key, value) in [("uid", &options.uid), ("resourceVersion", &options.resource_version)] {
        if let Some(value) = value {
            preconditions[key] = json!(value);
        }
    }
    let mut body = json!({
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "propagationPolicy": if options.orphan { "Orphan" } else { "Background" },
        "preconditions": preconditions,
    });
    if let Some(seconds) = grace_seconds {
        body["gracePeriodSeconds"] = json!(seconds);
    }
    body
}

/// The answer is a Status, or the object: as it is stored while something keeps it, as it was when nothing does.
fn removal(answer: &str) -> Removal {
    let Ok(object) = Object::from_json(answer.as_bytes()) else { return Removal::Gone };
    let value = object.to_value();
    let finalizers = value.pointer("/metadata/finalizers").and_then(Value::as_array);
    let grace = value.pointer("/metadata/deletionGracePeriodSeconds").and_then(Value::as_i64).unwrap_or(0);
    let kept = finalizers.is_some_and(|list| !list.is_empty()) || grace > 0;
    if object.header().deleting && kept { Removal::Ending(Box::new(object)) } else { Removal::Gone }
}

struct Body {
    content_type: &'static str,
    bytes: Vec<u8>,
}

impl Body {
    fn json(object: &Object) -> Self {
        Self { content_type: "application/json", bytes: object.bytes().to_vec() }
    }
}

/// Percent-encodes all but unreserved characters (RFC 3986, 2.3).
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte));
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
