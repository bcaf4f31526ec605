//! A git server over HTTPS: `git http-backend` behind TLS with an authority of its own, and everything that such a server can do wrong.

use std::io::{BufRead as _, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// What the server does with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// What a git server does.
    Serve,
    /// Points elsewhere.
    Redirect(String),
    /// Takes the request, and that is all.
    SayNothing,
    /// Sends so many bytes of the true answer to a POST, and then no more.
    StallAfter(usize),
    /// A page for people.
    Page,
    /// 503, come again in so many seconds.
    Busy(u64),
    /// Says no, in plain text for a person.
    Refuse(u16, String),
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub query: String,
    pub authorization: Option<String>,
    pub protocol: Option<String>,
}

/// What a server answers that is no git server.
pub struct Reply {
    pub status: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

type Pages = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

/// A running server. It ends with the process: a listener costs nothing.
pub struct Https {
    address: SocketAddr,
    authority: String,
    state: Arc<State>,
}

struct State {
    root: PathBuf,
    behaviour: Mutex<Behaviour>,
    /// What answers in place of git.
    pages: Mutex<Option<Pages>>,
    /// The only value of `Authorization` that is let in; without it everybody is.
    wanted: Mutex<Option<String>>,
    seen: Mutex<Vec<Seen>>,
    connections: AtomicUsize,
}

impl Https {
    /// Serves the repositories below `root`, to everybody.
    pub fn serve(root: &Path) -> Result<Self> {
        Self::serve_as(root, "127.0.0.1")
    }

    /// The same with a certificate for another name.
    pub fn serve_as(root: &Path, name: &str) -> Result<Self> {
        let (authority, config) = tls(name)?;
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            root: root.to_owned(),
            behaviour: Mutex::new(Behaviour::Serve),
            pages: Mutex::default(),
            wanted: Mutex::default(),
            seen: Mutex::default(),
            connections: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&state);
        std::thread::spawn(move || {
            for connection in listener.incoming().filter_map(Result::ok) {
                let (state, config) = (Arc::clone(&serving), Arc::clone(&config));
                state.connections.fetch_add(1, Ordering::Relaxed);
                std::thread::spawn(move || {
                    // Clients that hang up in the middle are part of the tests.
                    let _served = answer(connection, config, &state);
                });
            }
        });
        Ok(Self { address, authority, state })
    }

    /// The URL of a repository.
    pub fn url(&self, repository: &str) -> String {
        format!("https://{}/{repository}", self.address)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The authority that signed its certificate, in PEM.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// From now on it does this.
    pub fn behave(&self, behaviour: Behaviour) {
        *self.state.behaviour.lock().unwrap() = behaviour;
    }

    /// From now on this answers.
    pub fn serve_pages(&self, pages: impl Fn(&Seen) -> Reply + Send + Sync + 'static) {
        *self.state.pages.lock().unwrap() = Some(Arc::new(pages));
    }

    /// From now on it lets only this login in.
    pub fn want_basic(&self, user: &str, password: &str) {
        let pair = BASE64.encode(format!("{user}:{password}"));
        *self.state.wanted.lock().unwrap() = Some(format!("Basic {pair}"));
    }

    /// From now on it lets only this token in.
    pub fn want_bearer(&self, token: &str) {
        *self.state.wanted.lock().unwrap() = Some(format!("Bearer {token}"));
    }

    /// How many connections were made so far.
    pub fn connections(&self) -> usize {
        self.state.connections.load(Ordering::Relaxed)
    }

    /// Every request that arrived so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.state.seen.lock().unwrap().clone()
    }
}

/// An authority, and the configuration of a server that it signed.
fn tls(name: &str) -> Result<(String, Arc<ServerConfig>)> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.distinguished_name.push(DnType::CommonName, "authority of a test");
    authority.key_usages = vec![KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::KeyCertSign];
    let key = KeyPair::generate()?;
    let pem = authority.self_signed(&key)?.pem();
    let issuer = Issuer::new(authority, key);
    let mut serving = CertificateParams::new(vec![name.to_owned()])?;
    serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = serving.signed_by(&key, &issuer)?.pem();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from_pem_slice(certificate.as_bytes())?],
            PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes())?,
        )?;
    Ok((pem, Arc::new(config)))
}

type Tls = StreamOwned<ServerConnection, TcpStream>;

struct Request {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Request {
    fn read(stream: &mut Tls) -> Result<Self> {
        let mut reader = BufReader::new(stream);
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next().context("a method")?, words.next().context("a target")?);
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
        let mut headers = Vec::new();
        loop {
            let mut line = String::new();
            ensure!(reader.read_line(&mut line)? > 0, "the request ended in its headers");
            let Some((name, value)) = line.trim_end().split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut request = Self { method, path, query, headers, body: Vec::new() };
        let length = request.header("content-length").map_or(Ok(0), str::parse::<u64>)?;
        reader.take(length).read_to_end(&mut request.body)?;
        Ok(request)
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn answer(connection: TcpStream, config: Arc<ServerConfig>, state: &State) -> Result<()> {
    let mut stream = StreamOwned::new(ServerConnection::new(config)?, connection);
    let request = Request::read(&mut stream)?;
    let seen = Seen {
        method: request.method.clone(),
        path: request.path.clone(),
        query: request.query.clone(),
        authorization: request.header("authorization").map(str::to_owned),
        protocol: request.header("git-protocol").map(str::to_owned),
    };
    state.seen.lock().unwrap().push(seen.clone());
    let pages = state.pages.lock().unwrap().clone();
    if let Some(pages) = pages {
        return reply(&mut stream, &pages(&seen));
    }
    let behaviour = state.behaviour.lock().unwrap().clone();
    let wanted = state.wanted.lock().unwrap().clone();
    match behaviour {
        Behaviour::Redirect(to) => simple(&mut stream, "302 Found", &[("Location", &to)], ""),
        Behaviour::SayNothing => until_they_hang_up(&mut stream),
        Behaviour::Page => {
            simple(&mut stream, "200 OK", &[("Content-Type", "text/html")], "<!DOCTYPE html><p>hello")
        }
        Behaviour::Busy(after) => simple(&mut stream, "503 Busy", &[("Retry-After", &after.to_string())], ""),
        Behaviour::Refuse(status, words) => simple(
            &mut stream,
            &format!("{status} No"),
            &[("Content-Type", "text/plain; charset=utf-8")],
            &words,
        ),
        Behaviour::Serve | Behaviour::StallAfter(_)
            if wanted.is_some() && wanted.as_deref() != request.header("authorization") =>
        {
            simple(&mut stream, "401 Unauthorized", &[("WWW-Authenticate", "Basic realm=\"git\"")], "")
        }
        Behaviour::Serve => backend(&mut stream, &request, state, None),
        Behaviour::StallAfter(bytes) => {
            let limit = (request.method == "POST").then_some(bytes);
            backend(&mut stream, &request, state, limit)
        }
    }
}

fn simple(stream: &mut Tls, status: &str, headers: &[(&str, &str)], body: &str) -> Result<()> {
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n", body.len())?;
    for (name, value) in headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    write!(stream, "\r\n{body}")?;
    hang_up(stream)
}

fn reply(stream: &mut Tls, reply: &Reply) -> Result<()> {
    let (status, length) = (reply.status, reply.body.len());
    write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n")?;
    for (name, value) in &reply.headers {
        write!(stream, "{name}: {value}\r\n")?;
    }
    write!(stream, "\r\n")?;
    stream.write_all(&reply.body)?;
    hang_up(stream)
}

fn hang_up(stream: &mut Tls) -> Result<()> {
    stream.conn.send_close_notify();
    Ok(stream.flush()?)
}

fn until_they_hang_up(stream: &mut Tls) -> Result<()> {
    let mut byte = [0];
    let _end = stream.read(&mut byte);
    Ok(())
}

/// The CGI bridge: one process per request, its answer streamed in chunks; with a limit, only so many bytes of it.
fn backend(stream: &mut Tls, request: &Request, state: &State, limit: Option<usize>) -> Result<()> {
    let mut child = Command::new("git")
        .arg("http-backend")
        .env_clear()
        .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
        .envs([("HOME", "/nonexistent"), ("GIT_CONFIG_NOSYSTEM", "1"), ("GIT_HTTP_EXPORT_ALL", "1")])
        .envs([("REMOTE_ADDR", "127.0.0.1"), ("REMOTE_USER", "somebody")])
        .env("GIT_PROJECT_ROOT", &state.root)
        .envs([
            ("REQUEST_METHOD", &request.method),
            ("PATH_INFO", &request.path),
            ("QUERY_STRING", &request.query),
        ])
        .env("CONTENT_TYPE", request.header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", request.body.len().to_string())
        .env("GIT_PROTOCOL", request.header("git-protocol").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut input = child.stdin.take().context("a pipe")?;
    let mut output = BufReader::new(child.stdout.take().context("a pipe")?);
    let body = request.body.clone();
    let feeding = std::thread::spawn(move || input.write_all(&body));
    let outcome = relay(stream, &mut output, limit);
    let _fed = feeding.join();
    let _ended = child.kill().and_then(|()| child.wait());
    outcome
}

fn relay(stream: &mut Tls, output: &mut dyn std::io::BufRead, mut limit: Option<usize>) -> Result<()> {
    let (mut status, mut headers) = ("200 OK".to_owned(), String::new());
    loop {
        let mut line = String::new();
        output.read_line(&mut line)?;
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("status") => {
                value.trim().clone_into(&mut status);
            }
            Some(_) => headers.push_str(&format!("{}\r\n", line.trim_end())),
            None => break,
        }
    }
    write!(stream, "HTTP/1.1 {status}\r\n{headers}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n")?;
    let mut buffer = [0; 16_384];
    loop {
        let room = limit.map_or(buffer.len(), |left| left.min(buffer.len()));
        if room == 0 {
            stream.flush()?;
            return until_they_hang_up(stream);
        }
        let read = output.read(&mut buffer[..room])?;
        if read == 0 {
            break;
        }
        limit = limit.map(|left| left - read);
        write!(stream, "{read:x}\r\n")?;
        stream.write_all(&buffer[..read])?;
        write!(stream, "\r\n")?;
    }
    write!(stream, "0\r\n\r\n")?;
    hang_up(stream)
}
