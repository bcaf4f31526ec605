//! HTTPS as this room speaks it, to git servers and to whoever gives out what repositories name: TLS always, no redirect followed on its own, addresses near this
//! machine refused, and what went wrong in words for a person.

use std::io::{self, Read as _};
use std::time::Duration;

use ureq::config::Config;
use ureq::http::{HeaderMap, Uri, header};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};
use ureq::{Agent, Timeout};

use crate::failure::{Carried, RemoteFailure};
use crate::{Credentials, Limits, Url, Withheld, egress};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long one download may take, however steadily it drips.
const LONGEST_DOWNLOAD: Duration = Duration::from_secs(300);

/// One question to a server that shows nobody a login. It follows no redirect: whoever asks decides where to.
#[derive(Clone, Debug)]
pub struct Get<'a> {
    /// What is asked for; the URL has no query.
    pub url: &'a Url,
    /// The query. It may hold a signature, so no message repeats it.
    pub query: Option<&'a str>,
    /// The media types that are wanted.
    pub accept: &'a str,
    /// A token that the server's own authority gave to an anonymous caller.
    pub token: Option<&'a Withheld>,
    /// What bounds the conversation.
    pub limits: Limits,
    /// The most bytes that the answer may have.
    pub most_bytes: u64,
}

/// What a server answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// Where it points to.
    pub location: Option<String>,
    /// How it wants to be asked (`WWW-Authenticate`).
    pub challenge: Option<String>,
    /// Where its list goes on (`Link`).
    pub link: Option<String>,
    /// The bytes of a good answer; of others nothing is read.
    pub body: Vec<u8>,
}

impl Get<'_> {
    /// Asks.
    ///
    /// # Errors
    /// When there is no answer, or it is too large. Any status is an answer.
    pub fn send(&self) -> Result<Answer, RemoteFailure> {
        let config = configuration(self.limits, RootCerts::PlatformVerifier)
            .timeout_global(Some(LONGEST_DOWNLOAD))
            .user_agent("gitstellar")
            .build();
        let query = self.query.map(|query| format!("?{query}")).unwrap_or_default();
        let mut request = agent(config, self.url, self.limits)
            .get(format!("{}{query}", self.url))
            .header(header::ACCEPT, self.accept)
            // An archive is what it is: nothing unpacks it on the way.
            .header(header::ACCEPT_ENCODING, "identity");
        if let Some(token) = self.token {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", token.reveal()));
        }
        let explaining = Explaining { silence: self.limits.silence, credentials: &Credentials::default() };
        let (parts, body) = request.call().map_err(|error| explaining.explain(error))?.into_parts();
        let text = |name| Some(header_text(&parts.headers, name)).filter(|text| !text.is_empty());
        let mut answer = Answer {
            status: parts.status.as_u16(),
            location: text(header::LOCATION).map(str::to_owned),
            challenge: text(header::WWW_AUTHENTICATE).map(str::to_owned),
            link: text(header::LINK).map(str::to_owned),
            body: Vec::new(),
        };
        if answer.status == 200 {
            let too_large = RemoteFailure::TooLarge { what: "what it sends", limit: self.most_bytes };
            if body.content_length().is_some_and(|length| length > self.most_bytes) {
                return Err(too_large);
            }
            let mut bounded = body.into_reader().take(self.most_bytes.saturating_add(1));
            bounded.read_to_end(&mut answer.body).map_err(|error| explaining.explain_io(&error))?;
            if answer.body.len() as u64 > self.most_bytes {
                return Err(too_large);
            }
        }
        Ok(answer)
    }
}

/// What every conversation has in common.
pub(crate) fn configuration(
    limits: Limits,
    authorities: RootCerts,
) -> ureq::config::ConfigBuilder<ureq::typestate::AgentScope> {
    let silence = Some(limits.silence);
    Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(authorities).build())
        .https_only(true)
        // A redirect would take the credentials to another place, so none is followed; it is told as what it is.
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_resolve(Some(CONNECT_TIMEOUT))
        .timeout_connect(Some(CONNECT_TIMEOUT.min(limits.silence)))
        .timeout_recv_response(silence)
        .timeout_per_read(silence)
        .timeout_per_write(silence)
}

/// An agent for conversations with the host of a URL.
pub(crate) fn agent(config: Config, url: &Url, limits: Limits) -> Agent {
    let resolver = Guarded { host: url.host().to_owned(), loopback: limits.loopback };
    Agent::with_parts(config, DefaultConnector::default(), resolver)
}

/// The text of a header; empty where there is none.
pub(crate) fn header_text(headers: &HeaderMap, name: header::HeaderName) -> &str {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
}

/// What explaining an error takes.
pub(crate) struct Explaining<'a> {
    /// How long the other side may say nothing.
    pub(crate) silence: Duration,
    /// What must not be repeated.
    pub(crate) credentials: &'a Credentials,
}

impl Explaining<'_> {
    pub(crate) fn explain(&self, error: ureq::Error) -> RemoteFailure {
        let unreachable = |detail: &str| RemoteFailure::Unreachable { detail: detail.to_owned() };
        match error {
            ureq::Error::Timeout(Timeout::Resolve) => unreachable("looking up its name took too long"),
            ureq::Error::Timeout(Timeout::Connect) => unreachable("connecting took too long"),
            ureq::Error::Timeout(Timeout::Global) => unreachable("what it sends takes too long"),
            ureq::Error::Timeout(_) => self.silent(),
            ureq::Error::HostNotFound => unreachable("there is no host of this name"),
            ureq::Error::Rustls(error) => certificate(&error),
            ureq::Error::Tls(detail) => RemoteFailure::Certificate { detail: detail.to_owned() },
            ureq::Error::Io(error) => self.explain_io(&error),
            ureq::Error::Other(error) => match error.downcast_ref::<Carried>() {
                Some(Carried(failure)) => failure.clone(),
                None => unreachable(&self.credentials.printable(&error.to_string())),
            },
            // Only headers of ours can be invalid; their text is not repeated.
            ureq::Error::Http(_) => {
                RemoteFailure::Here { detail: "the request cannot be written as HTTP".to_owned() }
            }
            other => unreachable(&self.credentials.printable(&other.to_string())),
        }
    }

    pub(crate) fn explain_io(&self, error: &io::Error) -> RemoteFailure {
        let inner = error.get_ref();
        if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
            return certificate(error);
        }
        let printable = |text: &str| self.credentials.printable(text);
        match inner.and_then(|inner| inner.downcast_ref::<ureq::Error>()) {
            Some(ureq::Error::Timeout(Timeout::Global)) => {
                RemoteFailure::Unreachable { detail: "what it sends takes too long".to_owned() }
            }
            Some(ureq::Error::Timeout(_)) => self.silent(),
            _ if matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock) => self.silent(),
            _ => RemoteFailure::Unreachable { detail: printable(&error.to_string()) },
        }
    }

    fn silent(&self) -> RemoteFailure {
        RemoteFailure::Silent { patience: self.silence }
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
