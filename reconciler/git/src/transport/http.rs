//! Git's smart HTTP over our own client.

use std::io::{self, Read, Write};
use std::time::Duration;

use base64::Engine as _;
use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};
use ureq::http::{HeaderMap, Response, header};
use ureq::tls::{PemItem, RootCerts, parse_pem};
use ureq::{Agent, Body};

use super::{Bounded, Call};
use crate::Credentials;
use crate::credentials::HttpsLogin;
use crate::failure::RemoteFailure;
use crate::https::{self, Explaining, header_text as text};
use crate::listing::{self, Greeting, ListingError, RemoteBranches};

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
        let (url, limits) = (&call.remote.url, call.remote.limits);
        let config = https::configuration(limits, authorities(credentials)?)
            .user_agent("git/2.0 (gitstellar)")
            .build();
        let agent = https::agent(config, url, limits);
        Ok(Self { agent, authorization: authorization(credentials)?, call: call.clone() })
    }

    /// Sends a request; the answer is that of a git server, or the failure is remembered.
    fn send(&self, ask: &Ask) -> io::Result<Answer> {
        let answer =
            self.exchange(ask).map_err(|error| self.call.failed_stream(self.explaining().explain(error)))?;
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

    fn explaining(&self) -> Explaining<'_> {
        Explaining { silence: self.call.remote.limits.silence, credentials: self.call.credentials() }
    }
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

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    text(headers, header::RETRY_AFTER).trim().parse().ok().map(Duration::from_secs)
}

/// The body of an answer; what goes wrong while it is read is remembered.
struct Told {
    body: ureq::BodyReader<'static>,
    client: Client,
}

impl Read for Told {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.body
            .read(buffer)
            .map_err(|error| self.client.call.failed_stream(self.client.explaining().explain_io(&error)))
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
