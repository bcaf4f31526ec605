//! An API server as a black box: requests over HTTP, with nothing of a client library in between.

use std::io::{BufRead, BufReader};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use ureq::http;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// What kubectl asks for.
pub const AGGREGATED_DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";
/// What kubectl get asks for.
pub const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

/// Silence after which a request is a failure. Generous: several servers share the cores with a compiler.
const SILENCE: Duration = Duration::from_secs(60);

/// Bytes of one answer; the largest is OpenAPI v2.
const ANSWER_BYTES: u64 = 64 << 20;

/// A server, how to trust it and who asks. The URL may have a path, as those of spaces do.
#[derive(Clone)]
pub struct Target {
    pub url: String,
    pub token: String,
    pub ca_pem: String,
    /// Who the administrator pretends to be, or nobody.
    impersonated: String,
    agent: ureq::Agent,
}

/// The four ways to patch.
#[derive(Clone, Copy)]
pub enum Patch {
    Json,
    Merge,
    Strategic,
    /// Server-side apply.
    Apply,
}

impl Patch {
    fn content_type(self) -> &'static str {
        match self {
            Patch::Json => "application/json-patch+json",
            Patch::Merge => "application/merge-patch+json",
            Patch::Strategic => "application/strategic-merge-patch+json",
            Patch::Apply => "application/apply-patch+yaml",
        }
    }
}

impl Target {
    pub fn new(url: &str, token: &str, ca_pem: &str) -> Result<Self> {
        let roots = RootCerts::new_with_certs(&[Certificate::from_pem(ca_pem.as_bytes())?]);
        let agent = ureq::Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .http_status_as_error(false)
            .proxy(None)
            .max_redirects(0)
            .timeout_connect(Some(SILENCE))
            .timeout_recv_response(Some(SILENCE))
            .timeout_per_read(Some(SILENCE))
            .build()
            .new_agent();
        let (url, token, ca_pem) = (url.to_owned(), token.to_owned(), ca_pem.to_owned());
        Ok(Self { url, token, ca_pem, impersonated: String::new(), agent })
    }

    /// The same server, asked in the name of a user without groups.
    pub fn as_user(&self, user: &str) -> Self {
        Self { impersonated: user.to_owned(), ..self.clone() }
    }

    /// A kubeconfig with one context.
    pub fn kubeconfig(&self) -> String {
        let ca = BASE64.encode(&self.ca_pem);
        let config = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "target",
            "clusters": [{ "name": "target", "cluster": { "server": self.url, "certificate-authority-data": ca } }],
            "users": [{ "name": "target", "user": { "token": self.token } }],
            "contexts": [{ "name": "target", "context": { "cluster": "target", "user": "target" } }]
        });
        config.to_string()
    }

    pub fn get(&self, path: &str) -> Result<Reply> {
        self.get_as(path, "application/json")
    }

    /// With an Accept header.
    pub fn get_as(&self, path: &str, accept: &str) -> Result<Reply> {
        Reply::read(self.head(self.agent.get(self.at(path))).header("accept", accept).call()?)
    }

    /// Follows a link that the server gave, which replaces the whole path of its URL (client-go does so with those of OpenAPI).
    pub fn follow(&self, link: &str) -> Result<Reply> {
        let host_at = self.url.find("://").context("a URL has a scheme")? + 3;
        let path_at = self.url[host_at..].find('/').map_or(self.url.len(), |at| host_at + at);
        let url = format!("{}{link}", &self.url[..path_at]);
        Reply::read(self.head(self.agent.get(url)).header("accept", "application/json").call()?)
    }

    pub fn post(&self, path: &str, body: &Value) -> Result<Reply> {
        self.post_as(path, "application/json", &body.to_string())
    }

    /// With any body, for what is not JSON, or not well-formed.
    pub fn post_as(&self, path: &str, content_type: &str, body: &str) -> Result<Reply> {
        Reply::read(self.head(self.agent.post(self.at(path))).content_type(content_type).send(body)?)
    }

    pub fn put(&self, path: &str, body: &Value) -> Result<Reply> {
        let request = self.head(self.agent.put(self.at(path))).content_type("application/json");
        Reply::read(request.send(body.to_string())?)
    }

    pub fn patch(&self, path: &str, how: Patch, body: &Value) -> Result<Reply> {
        self.patch_as(path, how.content_type(), &body.to_string())
    }

    /// With any content type.
    pub fn patch_as(&self, path: &str, content_type: &str, body: &str) -> Result<Reply> {
        Reply::read(self.head(self.agent.patch(self.at(path))).content_type(content_type).send(body)?)
    }

    pub fn delete(&self, path: &str) -> Result<Reply> {
        Reply::read(self.head(self.agent.delete(self.at(path))).call()?)
    }

    /// With DeleteOptions.
    pub fn delete_with(&self, path: &str, options: &Value) -> Result<Reply> {
        let request = self.head(self.agent.delete(self.at(path))).force_send_body();
        Reply::read(request.content_type("application/json").send(options.to_string())?)
    }

    /// Opens a watch; `path` carries all its parameters.
    pub fn watch(&self, path: &str) -> Result<Watch> {
        self.watch_as(path, "application/json")
    }

    /// With an Accept header.
    pub fn watch_as(&self, path: &str, accept: &str) -> Result<Watch> {
        let answer = self.head(self.agent.get(self.at(path))).header("accept", accept).call()?;
        if answer.status() != 200 {
            let reply = Reply::read(answer)?;
            bail!("the watch was refused: {} {}", reply.status, reply.text);
        }
        Ok(Watch { lines: BufReader::new(Box::new(answer.into_body().into_reader())) })
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn head<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        let request = request
            .header("authorization", format!("Bearer {}", self.token))
            .header("user-agent", "conformance");
        if self.impersonated.is_empty() {
            return request;
        }
        request.header("impersonate-user", &self.impersonated)
    }
}

/// An answer, read to its end.
pub struct Reply {
    pub status: u16,
    pub headers: http::HeaderMap,
    /// `null` if the body is not JSON.
    pub body: Value,
    pub text: String,
}

impl Reply {
    fn read(mut answer: http::Response<ureq::Body>) -> Result<Self> {
        let status = answer.status().as_u16();
        let text = answer.body_mut().with_config().limit(ANSWER_BYTES).read_to_string()?;
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Self { status, headers: answer.headers().clone(), body, text })
    }

    /// The body, if the code is this one.
    pub fn expect(self, status: u16) -> Result<Value> {
        ensure!(self.status == status, "expected {status}, got {}: {}", self.status, self.text);
        Ok(self.body)
    }

    /// The body, if something was read or made.
    pub fn fine(self) -> Result<Value> {
        ensure!((200..300).contains(&self.status), "expected success, got {}: {}", self.status, self.text);
        Ok(self.body)
    }

    /// The Status, if the request was refused with this code and reason.
    pub fn refused(self, code: u16, reason: &str) -> Result<Value> {
        let text = self.text.clone();
        let status = self.expect(code)?;
        let shape = (&status["kind"], &status["apiVersion"], &status["status"], &status["code"]);
        ensure!(
            shape == (&"Status".into(), &"v1".into(), &"Failure".into(), &code.into()),
            "not a Status with code {code}: {text}"
        );
        ensure!(status["reason"] == reason, "expected reason {reason}: {text}");
        Ok(status)
    }

    /// All Warning headers.
    pub fn warnings(&self) -> Vec<String> {
        let values = self.headers.get_all("warning").iter();
        values.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()).collect()
    }
}

/// An open watch.
pub struct Watch {
    lines: BufReader<Box<dyn std::io::Read + Send>>,
}

impl Watch {
    /// The next event as it came, or nothing at the end of the stream.
    pub fn next(&mut self) -> Result<Option<Value>> {
        let mut line = String::new();
        self.lines.read_line(&mut line).context("reading the next event")?;
        if line.is_empty() {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&line)?))
    }

    /// The object of the next event, which must be of this type.
    pub fn expect(&mut self, kind: &str) -> Result<Value> {
        let mut event = self.next()?.with_context(|| format!("the watch ended before {kind}"))?;
        ensure!(event["type"] == kind, "expected {kind}, got {event}");
        Ok(event["object"].take())
    }
}
