//! The API servers of a story: the WDS, the ITS and three clusters, real or embedded, as a person and as our own parts reach them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use ::kube::Client;
use ::kube::client::{Body, ClientBuilder};
use ::kube::config::{Config, KubeConfigOptions, Kubeconfig};
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use http::{Method, Request};
use runtime::Connection;
use serde_json::{Value, json};
use tower::Layer as _;
use tower::util::MapRequestLayer;

use crate::harness::block_on;
use crate::kube;

/// What plays the API servers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Backend {
    /// kube-apiserver.
    Real,
    /// Room `space`.
    Embedded,
}

impl Backend {
    pub fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Embedded => "space",
        }
    }
}

/// Clusters of a stage, with their labels: name, region, tier.
pub const CLUSTERS: [(&str, &str, &str); 3] =
    [("cluster1", "eu", "production"), ("cluster2", "us", "production"), ("cluster3", "eu", "edge")];

/// The names of all spaces.
pub fn names() -> impl Iterator<Item = &'static str> {
    ["wds1", "its1"].into_iter().chain(CLUSTERS.into_iter().map(|(name, _, _)| name))
}

/// Requests of hub and agents that change something: `PUT wds1 /apis/…`.
#[derive(Clone, Default)]
pub struct Writes(Arc<Mutex<Vec<String>>>);

impl Writes {
    /// Everything since the last call.
    pub fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }

    fn note(&self, space: &str, request: &Request<Body>) {
        if ![Method::GET, Method::HEAD].contains(request.method()) {
            let line = format!("{} {space} {}", request.method(), request.uri());
            self.0.lock().unwrap().push(line);
        }
    }
}

/// The spaces, by name.
pub struct Spaces {
    /// For watching on the side.
    clients: BTreeMap<String, Client>,
    persons: BTreeMap<String, Connection>,
    ours: BTreeMap<String, Connection>,
    writes: Writes,
    kubeconfig: PathBuf,
    /// Keeps the servers alive and exclusive.
    _servers: Servers,
    _directory: tempfile::TempDir,
}

enum Servers {
    Real(#[expect(dead_code, reason = "dropping it gives the servers back")] kube::fleet::Fleet),
    Embedded(Arc<space::Server>),
}

impl Spaces {
    pub fn open(backend: Backend) -> anyhow::Result<Self> {
        let (servers, kubeconfig) = match backend {
            Backend::Real => {
                let fleet = kube::fleet(CLUSTERS.len())?;
                let kubeconfig = merged(&fleet);
                (Servers::Real(fleet), kubeconfig)
            }
            Backend::Embedded => {
                let server = block_on(embedded())?;
                let kubeconfig = server.kubeconfig();
                (Servers::Embedded(Arc::new(server)), kubeconfig)
            }
        };
        let directory = tempfile::tempdir()?;
        let file = directory.path().join("kubeconfig");
        std::fs::write(&file, kubeconfig.to_string())?;
        let mut spaces = Self {
            clients: BTreeMap::new(),
            persons: BTreeMap::new(),
            ours: BTreeMap::new(),
            writes: Writes::default(),
            kubeconfig: file,
            _servers: servers,
            _directory: directory,
        };
        block_on(spaces.connect())?;
        Ok(spaces)
    }

    async fn connect(&mut self) -> anyhow::Result<()> {
        for name in names() {
            let (client, counted) = match &self._servers {
                Servers::Real(_) => {
                    let config = configured(&self.kubeconfig, name).await?;
                    let counted =
                        ClientBuilder::try_from(config.clone())?.with_layer(&counting(name, &self.writes));
                    (Client::try_from(config)?, counted.build())
                }
                Servers::Embedded(server) => {
                    let counted = counting(name, &self.writes).layer(server.admin_service(name)?);
                    (Client::new(server.admin_service(name)?, "default"), Client::new(counted, "default"))
                }
            };
            self.persons.insert(name.to_owned(), Connection::with_client(name, client.clone()));
            self.ours.insert(name.to_owned(), Connection::with_client(name, counted));
            self.clients.insert(name.to_owned(), client);
        }
        Ok(())
    }

    /// As a person reaches it.
    pub fn person(&self, space: &str) -> &Connection {
        &self.persons[space]
    }

    /// As hub and agents reach it: what they write is counted.
    pub fn ours(&self, space: &str) -> Connection {
        self.ours[space].clone()
    }

    /// For a watch on the side.
    pub fn client(&self, space: &str) -> Client {
        self.clients[space].clone()
    }

    /// What hub and agents write.
    pub fn writes(&self) -> &Writes {
        &self.writes
    }

    /// A kubeconfig with one context per space, named like it.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }
}

/// How to reach a context of a kubeconfig.
pub async fn configured(kubeconfig: &Path, context: &str) -> anyhow::Result<Config> {
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..Default::default() };
    let mut config = Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig)?, &options).await?;
    // A watch is idle between bookmarks.
    config.read_timeout = None;
    Ok(config)
}

fn counting(
    space: &str,
    writes: &Writes,
) -> MapRequestLayer<impl Fn(Request<Body>) -> Request<Body> + Clone + Send + 'static> {
    let (space, writes) = (space.to_owned(), writes.clone());
    MapRequestLayer::new(move |request: Request<Body>| {
        writes.note(&space, &request);
        request
    })
}

async fn embedded() -> anyhow::Result<space::Server> {
    let server = space::Server::open(space::Options::in_memory()).await?;
    for name in names() {
        server.create_space(name).await?;
    }
    Ok(server)
}

/// One kubeconfig for all servers of a fleet.
fn merged(fleet: &kube::fleet::Fleet) -> Value {
    let servers = [fleet.wds(), fleet.its()].into_iter().chain(fleet.wecs());
    let (mut clusters, mut users, mut contexts) = (Vec::new(), Vec::new(), Vec::new());
    for (name, server) in names().zip(servers) {
        let ca = BASE64.encode(server.ca_pem());
        clusters.push(
            json!({ "name": name, "cluster": { "server": server.url(), "certificate-authority-data": ca } }),
        );
        users.push(json!({ "name": name, "user": { "token": server.admin_token() } }));
        contexts.push(json!({ "name": name, "context": { "cluster": name, "user": name } }));
    }
    json!({ "apiVersion": "v1", "kind": "Config", "clusters": clusters, "users": users, "contexts": contexts })
}
