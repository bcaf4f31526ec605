//! A chart repository and an OCI registry behind TLS, and everything that such servers can do wrong.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::https::{Https, Reply, Seen};

/// What a path leads to.
enum Page {
    Bytes(Vec<u8>),
    /// The first page of a list, and where the next one is.
    First(Vec<u8>, String),
    /// Pointing elsewhere.
    Redirect(String),
}

#[derive(Default)]
struct Held {
    pages: BTreeMap<String, Page>,
    /// The token that `/v2/` wants, and that `/token` gives to everybody who asks for the right thing.
    token: Option<String>,
    /// Where tokens are given out.
    realm: String,
}

/// The server. Its repository is at `/charts`, its registry at `/v2`.
pub struct Depot {
    pub server: Https,
    held: Arc<Mutex<Held>>,
}

impl Depot {
    pub fn open(root: &Path) -> Result<Self> {
        let server = Https::serve(root)?;
        let held = Arc::new(Mutex::new(Held { realm: server.url("token"), ..Held::default() }));
        let answering = Arc::clone(&held);
        server.serve_pages(move |seen| answering.lock().unwrap().answer(seen));
        Ok(Self { server, held })
    }

    /// The host and its port.
    pub fn host(&self) -> String {
        self.server.address().to_string()
    }

    /// The address of the repository.
    pub fn repository(&self) -> String {
        self.server.url("charts")
    }

    /// The address of the registry.
    pub fn registry(&self) -> String {
        format!("oci://{}/team/charts", self.host())
    }

    /// From now on this is at a path.
    pub fn put(&self, path: &str, bytes: impl Into<Vec<u8>>) {
        self.held.lock().unwrap().pages.insert(path.to_owned(), Page::Bytes(bytes.into()));
    }

    /// From now on the first page of a list is at a path.
    pub fn put_first(&self, path: &str, bytes: &str, next: &str) {
        let page = Page::First(bytes.as_bytes().to_vec(), next.to_owned());
        self.held.lock().unwrap().pages.insert(path.to_owned(), page);
    }

    /// From now on a path points elsewhere.
    pub fn redirect(&self, path: &str, to: &str) {
        self.held.lock().unwrap().pages.insert(path.to_owned(), Page::Redirect(to.to_owned()));
    }

    /// From now on the registry wants a token, that somebody gives out.
    pub fn want_token(&self, realm: &str) {
        let mut held = self.held.lock().unwrap();
        held.token = Some("anonymous-token".to_owned());
        realm.clone_into(&mut held.realm);
    }

    /// Publishes versions of a chart in the repository, and nothing else.
    pub fn publish(&self, name: &str, archives: &[(&str, &[u8])]) {
        let mut index = format!("apiVersion: v1\nentries:\n  {name}:\n");
        for (version, archive) in archives {
            index.push_str(&format!(
                "  - {{ name: {name}, version: {version}, urls: [{name}-{version}.tgz] }}\n"
            ));
            self.put(&format!("/charts/{name}-{version}.tgz"), *archive);
        }
        self.put("/charts/index.yaml", index);
    }

    /// Pushes a version of a chart to the registry. Its blob is given out by another path, as a store behind a registry does.
    pub fn push(&self, name: &str, version: &str, archive: &[u8]) {
        let digest = apimachinery::Digest::of(archive);
        let base = format!("/v2/team/charts/{name}");
        let manifest = format!(
            "{{\"schemaVersion\":2,\"config\":{{\"mediaType\":\"application/vnd.cncf.helm.config.v1+json\",\"digest\":\"sha256:0\"}},\"layers\":[{{\"mediaType\":\"application/vnd.cncf.helm.chart.content.v1.tar+gzip\",\"digest\":\"sha256:{digest}\",\"size\":{}}}]}}",
            archive.len()
        );
        self.put(&format!("{base}/manifests/{}", version.replace('+', "_")), manifest);
        self.redirect(&format!("{base}/blobs/sha256:{digest}"), &format!("/store/{digest}?signature=s3cret"));
        self.put(&format!("/store/{digest}"), archive);
    }
}

impl Held {
    fn answer(&self, seen: &Seen) -> Reply {
        let reply = |status, headers, body: &[u8]| Reply { status, headers, body: body.to_vec() };
        let bearer = self.token.as_ref().map(|token| format!("Bearer {token}"));
        if seen.path.starts_with("/v2/") && bearer.is_some() && seen.authorization != bearer {
            let challenge = format!("Bearer realm=\"{}\",service=\"a registry\",scope=\"*\"", self.realm);
            return reply("401 Unauthorized", vec![("WWW-Authenticate", challenge)], b"");
        }
        if seen.path == "/token" {
            let is_right = seen.query.starts_with("service=a%20registry&scope=repository:team/charts/")
                && seen.query.ends_with(":pull");
            let token = self.token.as_deref().filter(|_| is_right).unwrap_or_default();
            return reply("200 OK", Vec::new(), format!("{{\"token\":\"{token}\"}}").as_bytes());
        }
        // The store must not see the registry's token.
        let is_shown_too_much = seen.path.starts_with("/store/") && seen.query != "signature=s3cret";
        match self.pages.get(&seen.path).filter(|_| !is_shown_too_much) {
            Some(Page::Bytes(bytes)) => reply("200 OK", Vec::new(), bytes),
            Some(Page::First(bytes, next)) => {
                reply("200 OK", vec![("Link", format!("<{next}>; rel=\"next\""))], bytes)
            }
            Some(Page::Redirect(to)) => reply("307 Temporary Redirect", vec![("Location", to.clone())], b""),
            None => reply("404 Not Found", Vec::new(), b""),
        }
    }
}

/// A chart as `helm package` packs it: a ConfigMap that tells its version and a value.
pub fn packed(name: &str, version: &str) -> Result<Vec<u8>> {
    let files = [
        ("Chart.yaml", format!("apiVersion: v2\nname: {name}\nversion: {version}\n")),
        ("values.yaml", "colour: blue\n".to_owned()),
        (
            "templates/map.yaml",
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {{ .Release.Name }}-{{ .Chart.Name }}\ndata:\n  version: {{ .Chart.Version | quote }}\n  colour: {{ .Values.colour }}\n".to_owned(),
        ),
    ];
    let mut archive = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::default()));
    for (path, text) in &files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, format!("{name}/{path}"), text.as_bytes())?;
    }
    Ok(archive.into_inner()?.finish()?)
}
