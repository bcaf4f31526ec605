//! The way of one request: authenticate, authorise, dispatch, answer, count.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Method, Request, Response, header};
use hyper::body::{Body as HttpBody, Buf};

use crate::answer::{self, Accept, Body};
use crate::body;
use crate::counters::Counted;
use crate::identity::Identity;
use crate::rbac::{self, Decision};
use crate::read::{self, ListOptions, Reading};
use crate::request::{self, Query, RequestInfo, ResourceRequest, Verb};
use crate::resource::{Endpoint, Origin};
use crate::server::Shared;
use crate::space::Space;
use crate::status::{Answer, ApiError};
use crate::write;

mod paths;

/// Where requests come from.
#[derive(Clone, Debug)]
pub(crate) enum Gate {
    /// From the socket: the path names the space, a token the identity.
    Outside,
    /// From inside the process.
    Inside {
        /// The space.
        space: Arc<Space>,
        /// Who asks.
        identity: Arc<Identity>,
    },
}

/// A tower service that answers requests; `kube::Client::new` takes it.
#[derive(Clone)]
pub struct Service {
    shared: Arc<Shared>,
    gate: Gate,
}

impl std::fmt::Debug for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Service({:?})", self.gate)
    }
}

impl Service {
    pub(crate) fn new(shared: Arc<Shared>, gate: Gate) -> Self {
        Self { shared, gate }
    }
}

impl<B> tower::Service<Request<B>> for Service
where
    B: HttpBody + Send + 'static,
    B::Data: Buf + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let service = self.clone();
        Box::pin(async move { Ok(service.answer(request).await) })
    }
}

/// A space, who asks, and the path below the space.
type Admitted = (Arc<Space>, Arc<Identity>, String);

/// A request after its space and identity are known.
pub(crate) struct Incoming<B> {
    pub(crate) shared: Arc<Shared>,
    pub(crate) space: Arc<Space>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) method: Method,
    /// Below the space.
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: B,
}

impl<B> Incoming<B> {
    /// A header as text.
    pub(crate) fn header(&self, name: header::HeaderName) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    fn accept(&self) -> Answer<Accept> {
        Accept::parse(self.header(header::ACCEPT), self.query.get("includeObject"))
    }
}

/// An answer with the warnings that go with it.
pub(crate) type Warned = (Response<Body>, Vec<String>);

impl Service {
    async fn answer<B>(&self, request: Request<B>) -> Response<Body>
    where
        B: HttpBody + Send + 'static,
        B::Data: Buf + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let path = parts.uri.path().to_owned();
        let (space, identity, path) = match &self.gate {
            Gate::Inside { space, identity } => (Arc::clone(space), Arc::clone(identity), path),
            Gate::Outside => match self.admitted(&parts.headers, &path) {
                Ok(Some(admitted)) => admitted,
                Ok(None) => return paths::of_server(&self.shared, &path),
                Err(error) => return answer::failure(&error),
            },
        };
        let identity = match rbac::impersonated(&space, &identity, &parts.headers) {
            Ok(Some(other)) => Arc::new(other),
            Ok(None) => identity,
            Err(error) => return answer::failure(&error),
        };
        let incoming = Incoming {
            shared: Arc::clone(&self.shared),
            space,
            identity,
            method: parts.method,
            path,
            query: Query::parse(parts.uri.query().unwrap_or_default()),
            headers: parts.headers,
            body,
        };
        respond(incoming).await
    }

    /// Who asks for what of which space; `None` for the few paths of the server itself.
    fn admitted(&self, headers: &http::HeaderMap, path: &str) -> Answer<Option<Admitted>> {
        if paths::is_open(path) {
            return Ok(None);
        }
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim());
        let named = path.strip_prefix("/spaces/").and_then(|rest| rest.split('/').next());
        let identity = token.and_then(|token| self.shared.host.tokens.authenticate(token, named));
        let identity = identity.ok_or_else(ApiError::unauthorized)?;
        let Some(rest) = path.strip_prefix("/spaces/") else {
            if identity.is_master() {
                return Ok(None);
            }
            let detail = format!("User {:?} cannot get path {path:?}", identity.user);
            return Err(ApiError::forbidden_path(&detail));
        };
        let (name, below) = rest.find('/').map_or((rest, "/"), |slash| rest.split_at(slash));
        let space = self.shared.space(name).ok_or_else(|| ApiError::no_such_space(name))?;
        Ok(Some((space, identity, below.to_owned())))
    }
}

/// Answers and counts.
async fn respond<B>(incoming: Incoming<B>) -> Response<Body>
where
    B: HttpBody + Send,
    B::Data: Buf + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let info = request::parse(&incoming.method, &incoming.path, &incoming.query);
    let space = Arc::clone(&incoming.space);
    let counted = match &info {
        // Only what is served is counted, so that clients cannot make up labels.
        RequestInfo::Resource(request) => endpoint(&incoming, request).ok().map(|_| Counted {
            resource: request.group_resource(),
            subresource: request.subresource.clone(),
            verb: request.verb,
            code: 0,
        }),
        RequestInfo::Path { .. } => None,
    };
    let dry_run = incoming.query.get("dryRun").is_some();
    let response = match dispatch(incoming, info).await {
        Ok((mut response, warnings)) => {
            answer::warn(&mut response, &warnings);
            response
        }
        Err(error) => answer::failure(&error),
    };
    if let Some(counted) = counted.filter(|counted| !(dry_run && counted.verb.is_write())) {
        space.counters().count(Counted { code: response.status().as_u16(), ..counted });
    }
    response
}

async fn dispatch<B>(incoming: Incoming<B>, info: RequestInfo) -> Answer<Warned>
where
    B: HttpBody + Send,
    B::Data: Buf + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if let Decision::Deny(reason) = rbac::authorize(&incoming.space, &incoming.identity, &info) {
        return Err(denied(&incoming.identity, &info, &reason));
    }
    match info {
        RequestInfo::Path { path, .. } => {
            paths::of_space(&incoming, &path).map(|response| (response, Vec::new()))
        }
        RequestInfo::Resource(request) => {
            let endpoint = endpoint(&incoming, &request)?;
            let mut warnings = Vec::new();
            warnings.extend(endpoint.version().deprecation.as_deref().map(str::to_owned));
            if request.verb.is_write() {
                let (response, more) = writing(incoming, request, endpoint).await?;
                warnings.extend(more);
                return Ok((response, warnings));
            }
            Ok((reading(&incoming, &request, endpoint)?, warnings))
        }
    }
}

/// `pods "x" is forbidden: User "u" cannot get resource "pods" in API group "" in the namespace "n"`, as the server words it.
fn denied(identity: &Identity, info: &RequestInfo, reason: &str) -> ApiError {
    let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
    match info {
        RequestInfo::Path { path, verb } => {
            ApiError::forbidden_path(&format!("User {:?} cannot {verb} path {path:?}{reason}", identity.user))
        }
        RequestInfo::Resource(request) => {
            let mut resource = request.gvr.plural.to_string();
            if !request.subresource.is_empty() {
                resource = format!("{resource}/{}", request.subresource);
            }
            let scope = match &request.namespace {
                Some(namespace) if request.gvr.plural != "namespaces" => {
                    format!("in the namespace {namespace:?}")
                }
                _ => "at the cluster scope".to_owned(),
            };
            let detail = format!(
                "User {:?} cannot {} resource {resource:?} in API group {:?} {scope}{reason}",
                identity.user,
                request.verb.as_str(),
                request.gvr.group.as_str(),
            );
            ApiError::forbidden(&request.group_resource(), &request.name, &detail)
        }
    }
}

/// The resource that is asked for, if it is served and has this subresource and scope.
fn endpoint<B>(incoming: &Incoming<B>, request: &ResourceRequest) -> Answer<Endpoint> {
    let endpoint = incoming.space.registry().endpoint(&request.gvr).ok_or_else(ApiError::no_such_resource)?;
    let version = endpoint.version();
    let subresource = request.subresource.as_str();
    let exists = match subresource {
        "" => true,
        "status" => version.status,
        "scale" => version.scale.is_some(),
        other => version.subresources.iter().any(|name| &**name == other),
    };
    // `namespaces` carry their name as namespace; other resources of cluster scope have none.
    let in_namespace = request.namespace.is_some() && request.gvr.plural != "namespaces";
    let scoped = endpoint.resource.namespaced == in_namespace
        || endpoint.resource.namespaced
            && request.name.is_empty()
            && matches!(request.verb, Verb::List | Verb::Watch)
        // A list of all namespaces that selects one name carries that name.
        || endpoint.resource.namespaced && matches!(request.verb, Verb::List | Verb::Watch);
    if exists && scoped { Ok(endpoint) } else { Err(ApiError::no_such_resource()) }
}

fn namespace_of(endpoint: &Endpoint, request: &ResourceRequest) -> Option<String> {
    request.namespace.clone().filter(|_| endpoint.resource.namespaced)
}

fn reading<B>(
    incoming: &Incoming<B>,
    request: &ResourceRequest,
    endpoint: Endpoint,
) -> Answer<Response<Body>> {
    if endpoint.resource.origin == Origin::Review {
        return Err(ApiError::method_not_allowed());
    }
    let accept = incoming.accept()?;
    let reading = Reading {
        space: Arc::clone(&incoming.space),
        namespace: namespace_of(&endpoint, request),
        endpoint,
        name: request.name.clone(),
        accept,
    };
    let query = &incoming.query;
    match request.verb {
        Verb::Watch => {
            let options = ListOptions::parse(query, true)?;
            let jitter = incoming.space.jitter();
            let events = read::watch::open(&reading, &options, incoming.shared.closing.clone(), jitter)?;
            Ok(answer::stream("application/json", events))
        }
        Verb::List => {
            let body = read::list(&reading, &ListOptions::parse(query, false)?)?;
            Ok(answer::whole(200, accept.content_type(), body))
        }
        _ if request.subresource == "scale" => write::scale::get(&reading),
        _ => Ok(answer::whole(200, accept.content_type(), read::get(&reading, query)?)),
    }
}

async fn writing<B>(incoming: Incoming<B>, request: ResourceRequest, endpoint: Endpoint) -> Answer<Warned>
where
    B: HttpBody + Send,
    B::Data: Buf + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let accept = incoming.accept()?;
    let content_type = incoming.header(header::CONTENT_TYPE).unwrap_or_default().to_owned();
    let user_agent = incoming.header(header::USER_AGENT).unwrap_or_default().to_owned();
    let reading = Reading {
        space: incoming.space,
        namespace: namespace_of(&endpoint, &request),
        endpoint,
        name: request.name,
        accept,
    };
    let bytes = body::read(incoming.body).await?;
    let _permit = incoming.shared.write_permit()?;
    let writing = write::Writing {
        reading,
        verb: request.verb,
        subresource: request.subresource,
        identity: incoming.identity,
        query: incoming.query,
        content_type,
        user_agent,
        body: bytes,
    };
    // In a task of its own: a client that goes away must not leave a write half done.
    match tokio::spawn(write::perform(writing)).await {
        Ok(result) => result,
        Err(error) => {
            tracing::error!(%error, "a write failed in an unforeseen way");
            Err(ApiError::internal("the write failed in an unforeseen way; the server's log says more"))
        }
    }
}
