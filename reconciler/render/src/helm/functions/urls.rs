//! Sprig's functions for URLs: Go's `net/url`.

use super::Param::{Dict as ADict, Text as AText};
use super::{Function, dict, fixed, text};
use crate::helm::fault::Fault;
use crate::helm::value::{Dict, Value};

pub(super) const TABLE: &[Function] = &[
    fixed("urlParse", &[AText], |_, arguments| {
        let url = Url::parse(&text(arguments, 0).as_str())
            .map_err(|why| Fault::wrong(format!("unable to parse url: {why}")))?;
        Ok(url.to_dict().into())
    }),
    fixed("urlJoin", &[ADict], |_, arguments| join(&dict(arguments, 0)).map(Value::text)),
];

/// Which part of a URL: each has characters that need no escape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Path,
    User,
    Host,
    Fragment,
}

#[derive(Debug, Default)]
struct Url {
    scheme: String,
    opaque: String,
    /// Name and password.
    user: Option<(String, Option<String>)>,
    host: String,
    path: String,
    query: String,
    fragment: String,
}

type Parsed<T> = Result<T, &'static str>;

impl Url {
    fn parse(text: &str) -> Parsed<Url> {
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            return Err("invalid control character in URL");
        }
        let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
        let mut url = Url { fragment: unescape(fragment, Part::Fragment)?, ..Url::default() };
        if text == "*" {
            url.path = "*".to_owned();
            return Ok(url);
        }
        let (scheme, rest) = scheme_of(text)?;
        url.scheme = scheme.to_ascii_lowercase();
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        url.query = query.to_owned();
        if !rest.starts_with('/') {
            if !url.scheme.is_empty() {
                url.opaque = rest.to_owned();
                return Ok(url);
            }
            if rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
                return Err("first path segment in URL cannot contain colon");
            }
        }
        let mut path = rest;
        if let Some(authority) = rest.strip_prefix("//")
            && (!url.scheme.is_empty() || !authority.starts_with('/'))
        {
            let end = authority.find('/').unwrap_or(authority.len());
            url.authority(&authority[..end])?;
            path = &authority[end..];
        }
        url.path = unescape(path, Part::Path)?;
        Ok(url)
    }

    fn authority(&mut self, text: &str) -> Parsed<()> {
        let (user, host) = match text.rsplit_once('@') {
            Some((user, host)) => (Some(user), host),
            None => (None, text),
        };
        self.host = host_of(host)?;
        if let Some(user) = user {
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
            if !user.bytes().all(allowed) {
                return Err("net/url: invalid userinfo");
            }
            let (name, password) = match user.split_once(':') {
                Some((name, password)) => (name, Some(unescape(password, Part::User)?)),
                None => (user, None),
            };
            self.user = Some((unescape(name, Part::User)?, password));
        }
        Ok(())
    }

    fn userinfo(&self) -> String {
        match &self.user {
            None => String::new(),
            Some((name, None)) => escape(name, Part::User),
            Some((name, Some(password))) => {
                format!("{}:{}", escape(name, Part::User), escape(password, Part::User))
            }
        }
    }

    fn to_dict(&self) -> Dict {
        Dict::of([
            ("scheme", Value::text(self.scheme.as_str())),
            ("host", Value::text(self.host.as_str())),
            ("hostname", Value::text(hostname(&self.host))),
            ("path", Value::text(self.path.as_str())),
            ("query", Value::text(self.query.as_str())),
            ("opaque", Value::text(self.opaque.as_str())),
            ("fragment", Value::text(self.fragment.as_str())),
            ("userinfo", Value::text(self.userinfo())),
        ])
    }

    fn to_text(&self) -> String {
        let mut out = String::new();
        if !self.scheme.is_empty() {
            out.push_str(&format!("{}:", self.scheme));
        }
        if !self.opaque.is_empty() {
            out.push_str(&self.opaque);
        } else {
            let has_authority = !self.host.is_empty() || self.user.is_some();
            if has_authority || (!self.scheme.is_empty() && !self.path.is_empty()) {
                out.push_str("//");
                if self.user.is_some() {
                    out.push_str(&format!("{}@", self.userinfo()));
                }
                out.push_str(&escape(&self.host, Part::Host));
            }
            let path = if self.path == "*" { "*".to_owned() } else { escape(&self.path, Part::Path) };
            if !path.is_empty() && !path.starts_with('/') && !self.host.is_empty() {
                out.push('/');
            }
            if out.is_empty() && path.split('/').next().is_some_and(|segment| segment.contains(':')) {
                out.push_str("./");
            }
            out.push_str(&path);
        }
        if !self.query.is_empty() {
            out.push_str(&format!("?{}", self.query));
        }
        if !self.fragment.is_empty() {
            out.push_str(&format!("#{}", escape(&self.fragment, Part::Fragment)));
        }
        out
    }
}

fn scheme_of(text: &str) -> Parsed<(&str, &str)> {
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' => {}
            b'0'..=b'9' | b'+' | b'-' | b'.' if at > 0 => {}
            b':' if at == 0 => return Err("missing protocol scheme"),
            b':' => return Ok((&text[..at], &text[at + 1..])),
            _ => break,
        }
    }
    Ok(("", text))
}

fn host_of(host: &str) -> Parsed<String> {
    let port = match host.strip_prefix('[') {
        Some(rest) => {
            let (inner, port) = rest.rsplit_once(']').ok_or("missing ']' in host")?;
            if inner.is_empty() {
                return Err("invalid host");
            }
            port
        }
        None => host.rfind(':').map_or("", |at| &host[at..]),
    };
    let sound = port.is_empty()
        || port.strip_prefix(':').is_some_and(|port| port.bytes().all(|b| b.is_ascii_digit()));
    if !sound {
        return Err("invalid port after host");
    }
    unescape(host, Part::Host)
}

/// The host without brackets and port.
fn hostname(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[')
        && let Some((inner, _)) = rest.split_once(']')
    {
        return inner;
    }
    match host.rfind(':') {
        Some(at) if host[at + 1..].bytes().all(|b| b.is_ascii_digit()) => &host[..at],
        _ => host,
    }
}

fn unescape(text: &str, part: Part) -> Parsed<String> {
    let invalid = "invalid URL escape";
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            // A host holds fewer characters than the rest.
            if part == Part::Host && byte.is_ascii() && !is_plain(byte, part) {
                return Err("invalid character in host name");
            }
            bytes.push(byte);
            continue;
        }
        let digits =
            [rest.next(), rest.next()].map(|digit| digit.and_then(|digit| char::from(digit).to_digit(16)));
        let [Some(high), Some(low)] = digits else { return Err(invalid) };
        let byte = u8::try_from(high * 16 + low).map_err(|_| invalid)?;
        if part == Part::Host && byte.is_ascii() && byte != b'%' {
            return Err(invalid);
        }
        bytes.push(byte);
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether a character stands for itself in this part.
fn is_plain(byte: u8, part: Part) -> bool {
    match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => true,
        b'!' | b'\'' | b'(' | b')' | b'*' => matches!(part, Part::Host | Part::Fragment),
        b'$' | b'&' | b'+' | b',' | b';' | b'=' => part != Part::Path || !matches!(byte, b';' | b','),
        b':' => matches!(part, Part::Path | Part::Host | Part::Fragment),
        b'/' | b'@' => matches!(part, Part::Path | Part::Fragment),
        b'?' => part == Part::Fragment,
        b'[' | b']' | b'<' | b'>' | b'"' => part == Part::Host,
        _ => false,
    }
}

fn escape(text: &str, part: Part) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte, part) { out.push(char::from(byte)) } else { out.push_str(&format!("%{byte:02X}")) }
    }
    out
}

fn join(parts: &Dict) -> Result<String, Fault> {
    let part = |name: &str| match parts.get(name) {
        None => Ok(String::new()),
        Some(Value::String(text)) => Ok(text.as_str().into_owned()),
        Some(other) => Err(Fault::wrong(format!(
            "unable to parse {name} key, must be of type string, but {} found",
            other.kind()
        ))),
    };
    let mut url = Url {
        scheme: part("scheme")?,
        host: part("host")?,
        path: part("path")?,
        query: part("query")?,
        opaque: part("opaque")?,
        fragment: part("fragment")?,
        user: None,
    };
    let userinfo = part("userinfo")?;
    if !userinfo.is_empty() {
        let parsed = Url::parse(&format!("proto://{userinfo}@host"))
            .map_err(|why| Fault::wrong(format!("unable to parse userinfo in dict: {why}")))?;
        url.user = parsed.user;
    }
    Ok(url.to_text())
}
