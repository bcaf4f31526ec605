//! Git's smart HTTP over our own client.

use std::io::{self, Read, Write};
use std::time::Duration;

use base64::Engine as _;
use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};
use ureq::config::Config;
use ureq::http::{HeaderMap, Response, Uri, header};
use ureq::tls::{PemItem, RootCerts, TlsConfig, parse_pem};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Body, Timeout};

use super::{Bounded, Call};
use crate::credentials::HttpsLogin;
use crate::failure::{Carried, RemoteFailure};
use crate::listing::{self, Greeting, ListingError, RemoteBranches};
use crate::{Credentials, egress};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// Characters of a refusal's text that are read.
const LONGEST_REFUSAL: u64 = 1_000;

type Answer = Box<dyn Read + Send>;

/// Asks for branches: in protocol 2 only for branches, which takes a second request.
pub(super) fn branches(call: &Call) -> Result<RemoteBranches, ListingError> {
    let client = Client::new(call).map_err(|failure| call.failed_stream(failure))?;
    let mut answer = client.send(&Ask { service: "upload-pack", body: None, newest: true })?;
    match listing::greeting(&mut answer)? {
        Greeting::Listed(branches) => Ok(branches),
        Greeting::Commands => {
            let body = Some(listing::command());
            let mut answer = client.send(&Ask { service: "upload-pack", body, newest: true })?;
            listing::answer(&mut answer)
        }
    }
}

/// One request. Without a body it asks for refs.
struct Ask {
    service: &'static str,
    body: Option<Vec<u8>>,
    /// Whether protocol 2 may be spoken; libgit2 knows only the old one.
    newest: bool,
}

/// An agent for one conversation, with what it shows of itself.
#[derive(Clone)]
struct Client {
    agent: Agent,
    authorization: Option<String>,
    call: Call,
}

impl Client {
    fn new(call: &Call) -> Result<Self, RemoteFailure> {
        let credentials = call.credentials();
        let silence = Some(call.remote.limits.silence);
        let tls = TlsConfig::builder().root_certs(authorities(credentials)?).build();
        let config = Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            // A redirect would take the credentials to another place, so none is followed; it is told as what it is.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .timeout_resolve(Some(CONNECT_TIMEOUT))
            .timeout_connect(Some(CONNECT_TIMEOUT.min(call.remote.limits.silence)))
            .timeout_recv_response(silence)
            .timeout_per_read(silence)
            .timeout_per_write(silence)
            .user_agent("git/2.0 (gitstellar)")
            .build();
        let (host, loopback) = (call.remote.url.host().to_owned(), call.remote.limits.loopback);
        let resolver = Guarded { host, loopback };
        let agent = Agent::with_parts(config, DefaultConnector::default(), resolver);
        Ok(Self { agent, authorization: authorization(credentials)?, call: call.clone() })
    }

    /// Sends a request; the answer is that of a git server, or the failure is remembered.
    fn send(&self, ask: &Ask) -> io::Result<Answer> {
        let answer = self.exchange(ask).map_err(|error| self.call.failed_stream(self.explain(error)))?;
        let kind = if ask.body.is_some() { "result" } else { "advertisement" };
        let wanted = format!("application/x-git-{}-{kind}", ask.service);
        match self.judge(answer, &wanted) {
            Ok(body) if ask.body.is_some() => {
                Ok(Box::new(Bounded::pack(Told { body, client: self.clone() }, &self.call)))
            }
            Ok(body) => Ok(Box::new(Bounded::list(Told { body, client: self.clone() }, &self.call))),
            Err(failure) => Err(self.call.failed_stream(failure)),
        }
    }

    fn exchange(&self, ask: &Ask) -> Result<Response<Body>, ureq::Error> {
        let (base, service) = (self.call.remote.url.as_str().trim_end_matches('/'), ask.service);
        let authorization = self.authorization.as_deref().map(|text| (header::AUTHORIZATION, text));
        let protocol = ask.newest.then_some(("git-protocol", "version=2"));
        match &ask.body {
            None => {
                let mut request = self.agent.get(format!("{base}/info/refs?service=git-{service}"));
                if let Some((name, value)) = authorization {
                    request = request.header(name, value);
                }
                if let Some((name, value)) = protocol {
                    request = request.header(name, value);
                }
                request.call()
            }
            Some(body) => {
                let mut request = self
                    .agent
                    .post(format!("{base}/git-{service}"))
                    .header(header::CONTENT_TYPE, format!("application/x-git-{service}-request"))
                    .header(header::ACCEPT, format!("application/x-git-{service}-result"));
                if let Some((name, value)) = authorization {
                    request = request.header(name, value);
                }
                if let Some((name, value)) = protocol {
                    request = request.header(name, value);
                }
                request.send(body)
            }
        }
    }

    /// Takes the body of a good answer, and tells what a bad one means.
    fn judge(
        &self,
        answer: Response<Body>,
        wanted: &str,
    ) -> Result<ureq::BodyReader<'static>, RemoteFailure> {
        let (parts, body) = answer.into_parts();
        let status = parts.status.as_u16();
        match status {
            200 => {}
            300..=399 => return Err(RemoteFailure::Redirected { to: self.other_place(&parts.headers) }),
            401 if self.authorization.is_none() => return Err(RemoteFailure::LoginWanted),
            401 => return Err(RemoteFailure::LoginRefused { said: self.said(&parts.headers, body) }),
            403 => return Err(RemoteFailure::Forbidden { said: self.said(&parts.headers, body) }),
            404 | 410 => return Err(RemoteFailure::Missing),
            _ => return Err(RemoteFailure::Status { status, retry_after: retry_after(&parts.headers) }),
        }
        let kind = text(&parts.headers, header::CONTENT_TYPE);
        if kind != wanted {
            let kind = self.call.credentials().printable(kind);
            return Err(RemoteFailure::NotGit {
                detail: format!("it sends {kind:?} where git wants {wanted:?}"),
            });
        }
        Ok(body.into_reader())
    }

    /// The plain text that a forge explains a refusal with.
    fn said(&self, headers: &HeaderMap, body: Body) -> String {
        let mut said = Vec::new();
        if text(headers, header::CONTENT_TYPE).starts_with("text/plain") {
            // What cannot be read is not worth another error.
            let _ = body.into_reader().take(LONGEST_REFUSAL).read_to_end(&mut said);
        }
        self.call.credentials().printable(&String::from_utf8_lossy(&said))
    }

    /// Where a redirect points to, as a person would write it into a source.
    fn other_place(&self, headers: &HeaderMap) -> String {
        let location = text(headers, header::LOCATION);
        let location = location.split(['?', '#']).next().unwrap_or_default();
        let location = ["/info/refs", "/git-upload-pack", "/git-receive-pack"]
            .iter()
            .find_map(|end| location.strip_suffix(end))
            .unwrap_or(location);
        let place = match location.split_once("://") {
            Some((scheme, rest)) => {
                let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
                let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
                format!("{scheme}://{host}/{path}")
            }
            None if location.is_empty() => "a place that it does not name".to_owned(),
            None => format!("{location} of the same host"),
        };
        self.call.credentials().printable(&place)
    }

    fn explain(&self, error: ureq::Error) -> RemoteFailure {
        let unreachable = |detail: &str| RemoteFailure::Unreachable { detail: detail.to_owned() };
        match error {
            ureq::Error::Timeout(Timeout::Resolve) => unreachable("looking up its name took too long"),
            ureq::Error::Timeout(Timeout::Connect) => unreachable("connecting took too long"),
            ureq::Error::Timeout(_) => self.call.silent(),
            ureq::Error::HostNotFound => unreachable("there is no host of this name"),
            ureq::Error::Rustls(error) => certificate(&error),
            ureq::Error::Tls(detail) => RemoteFailure::Certificate { detail: detail.to_owned() },
            ureq::Error::Io(error) => self.explain_io(&error),
            ureq::Error::Other(error) => match error.downcast_ref::<Carried>() {
                Some(Carried(failure)) => failure.clone(),
                None => unreachable(&self.call.credentials().printable(&error.to_string())),
            },
            // Only headers of ours can be invalid; their text is not repeated.
            ureq::Error::Http(_) => {
                RemoteFailure::Here { detail: "the request cannot be written as HTTP".to_owned() }
            }
            other => unreachable(&self.call.credentials().printable(&other.to_string())),
        }
    }

    fn explain_io(&self, error: &io::Error) -> RemoteFailure {
        let inner = error.get_ref();
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return certificate(error);
        }
        match inner.and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
            Some(ureq::Error::Timeout(_)) => self.call.silent(),
            _ if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => {
                self.call.silent()
            }
            _ => RemoteFailure::Unreachable { detail: self.call.credentials().printable(&error.to_string()) },
        }
    }
}

fn certificate(error: &rustls::Error) -> RemoteFailure {
    use rustls::CertificateError as Why;
    let detail = match error {
        rustls::Error::InvalidCertificate(Why::UnknownIssuer | Why::BadSignature) => {
            "no authority that is trusted has signed it".to_owned()
        }
        rustls::Error::InvalidCertificate(Why::Expired | Why::ExpiredContext { .. }) => {
            "it has expired".to_owned()
        }
        rustls::Error::InvalidCertificate(Why::NotValidForName | Why::NotValidForNameContext { .. }) => {
            "it is that of another host".to_owned()
        }
        other => other.to_string(),
    };
    RemoteFailure::Certificate { detail }
}

fn authorities(credentials: &Credentials) -> Result<RootCerts, RemoteFailure> {
    let Some(pem) = &credentials.authorities else { return Ok(RootCerts::PlatformVerifier) };
    let mut certificates = Vec::new();
    for item in parse_pem(pem.as_bytes()) {
        if let PemItem::Certificate(certificate) = item.map_err(|_| RemoteFailure::BadAuthorities)? {
            certificates.push(certificate);
        }
    }
    if certificates.is_empty() {
        Err(RemoteFailure::BadAuthorities)
    } else {
        Ok(RootCerts::from(certificates))
    }
}

fn authorization(credentials: &Credentials) -> Result<Option<String>, RemoteFailure> {
    let refused = |detail: &str| Err(RemoteFailure::Here { detail: detail.to_owned() });
    match &credentials.https {
        None => Ok(None),
        Some(HttpsLogin::Basic { user, .. }) if user.contains(|c: char| c == ':' || c.is_control()) => {
            refused("a user name for https holds no colon and no control character")
        }
        Some(HttpsLogin::Basic { user, password }) => {
            let pair = format!("{user}:{}", password.reveal());
            Ok(Some(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(pair))))
        }
        Some(HttpsLogin::Bearer(token)) if token.reveal().contains(|c: char| !c.is_ascii_graphic()) => {
            refused("a bearer token holds printable ASCII characters only")
        }
        Some(HttpsLogin::Bearer(token)) => Ok(Some(format!("Bearer {}", token.reveal()))),
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    text(headers, header::RETRY_AFTER).trim().parse().ok().map(Duration::from_secs)
}

/// Looks names up, and refuses addresses that no repository lives at. The connection goes to the very addresses that were looked at. A proxy is the choice of
/// whoever runs this machine, so it may be anywhere.
#[derive(Debug)]
struct Guarded {
    host: String,
    loopback: bool,
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        if uri.host().is_some_and(|host| host.trim_matches(['[', ']']) == self.host) {
            for address in &*found {
                egress::check(address.ip(), self.loopback)
                    .map_err(|failure| ureq::Error::Other(Box::new(Carried(failure))))?;
            }
        }
        Ok(found)
    }
}

/// The body of an answer; what goes wrong while it is read is remembered.
struct Told {
    body: ureq::BodyReader<'static>,
    client: Client,
}

impl Read for Told {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body.read(buffer).map_err(|error| self.client.call.failed_stream(self.client.explain_io(&error)))
    }
}

/// What libgit2 uses.
pub(super) struct Http {
    call: Call,
    client: Result<Client, RemoteFailure>,
}

impl Http {
    pub(super) fn new(call: Call) -> Self {
        Self { client: Client::new(&call), call }
    }
}

impl SmartSubtransport for Http {
    fn action(&self, _url: &str, action: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let client = self.client.clone().map_err(|failure| {
            self.call.fail(failure);
            super::git_error("the client cannot be set up")
        })?;
        let (service, body) = match action {
            Service::UploadPackLs => ("upload-pack", None),
            Service::UploadPack => ("upload-pack", Some(Vec::new())),
            Service::ReceivePackLs => ("receive-pack", None),
            Service::ReceivePack => ("receive-pack", Some(Vec::new())),
        };
        Ok(Box::new(Exchange { client, ask: Ask { service, body, newest: false }, answer: None }))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// One request: what libgit2 writes is collected, the first read sends it.
struct Exchange {
    client: Client,
    ask: Ask,
    answer: Option<Answer>,
}

impl Read for Exchange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.answer.is_none() {
            self.answer = Some(self.client.send(&self.ask)?);
        }
        self.answer.as_mut().map_or(Ok(0), |answer| answer.read(buffer))
    }
}

impl Write for Exchange {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(body) = &mut self.ask.body {
            body.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
