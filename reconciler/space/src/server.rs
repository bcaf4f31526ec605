//! One process, one port, any number of spaces.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use apimachinery::{Clock, Object, SystemClock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::counters::Counts;
use crate::handler::{Gate, Service};
use crate::identity::{Identity, MASTERS, Tokens};
use crate::ids::{self, Ids, SystemIds};
use crate::lifecycle;
use crate::space::{Host, Space, Stored};
use crate::status::{Answer, ApiError};
use crate::store::{FileStore, Loaded, RecordKey, Store, StoreError};
use crate::writer::Writer;

mod directory;
mod listen;
mod tls;

use directory::Directory;

/// What a server is made of.
#[derive(Clone)]
pub struct Options {
    /// Where objects, token, certificate authority and port are kept; `None` keeps nothing.
    pub data_dir: Option<PathBuf>,
    /// A loopback address. Port 0 takes the port of the last time, or any.
    pub listen: SocketAddr,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, for uids, names and tokens. Keys are always made of the operating system's.
    pub ids: Arc<dyn Ids>,
}

impl Options {
    /// Nothing survives; any free port.
    pub fn in_memory() -> Self {
        Self {
            data_dir: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            clock: Arc::new(SystemClock::default()),
            ids: Arc::new(SystemIds),
        }
    }

    /// Everything is kept in this directory, which is made if need be.
    pub fn in_directory(directory: impl Into<PathBuf>) -> Self {
        Self { data_dir: Some(directory.into()), ..Self::in_memory() }
    }
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Only this machine may reach a server.
    #[error("{address} is not a loopback address; listen on 127.0.0.1 or [::1]")]
    NotLoopback {
        /// What was asked for.
        address: SocketAddr,
    },
    /// Another server uses the directory.
    #[error(
        "the data directory {path} is in use by another server; stop that one, or choose another directory"
    )]
    InUse {
        /// The directory.
        path: PathBuf,
    },
    /// Another program has the port.
    #[error("port {port} is taken by another program; stop that one, or choose another port")]
    PortTaken {
        /// The port.
        port: u16,
    },
    /// A file in the data directory cannot be read or written.
    #[error("cannot {what} {path}")]
    File {
        /// What was tried, "read", "write", "create".
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file in the data directory is not what this program wrote.
    #[error("{path} is damaged: {detail}; restore it, or remove it to have a new one made")]
    DamagedFile {
        /// Which file.
        path: PathBuf,
        /// What is wrong.
        detail: String,
    },
    /// The objects cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The certificate cannot be made.
    #[error("cannot make the server's certificate: {detail}")]
    Certificate {
        /// What the cryptography says.
        detail: String,
    },
    /// The operating system refuses a socket, a thread or randomness.
    #[error("cannot {what}")]
    System {
        /// What was tried.
        what: &'static str,
        /// Why.
        source: std::io::Error,
    },
}

/// Why a space cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum SpaceError {
    /// Not a DNS label.
    #[error(
        "{name:?} cannot name a space: use at most 63 lowercase letters, digits and dashes, with a letter or digit at both ends"
    )]
    BadName {
        /// The name.
        name: String,
    },
    /// The server has no such space.
    #[error("there is no space {name:?}; create it first")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The store refuses.
    #[error("space {name:?} cannot be stored: {detail}")]
    Store {
        /// The name.
        name: String,
        /// What the store says.
        detail: String,
    },
}

/// What the parts of a server share.
pub(crate) struct Shared {
    pub(crate) host: Arc<Host>,
    pub(crate) spaces: RwLock<BTreeMap<Arc<str>, Arc<Space>>>,
    /// Cancelled when the server closes: watches end.
    pub(crate) closing: CancellationToken,
    /// One permit for each write that may be on its way.
    pub(crate) writes: Arc<Semaphore>,
}

/// Writes that may be on their way at once, bodies and all; the next is told to come back.
const MAX_WRITES: usize = 4096;

impl Shared {
    pub(crate) fn space(&self, name: &str) -> Option<Arc<Space>> {
        self.spaces.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    /// Leave to write.
    ///
    /// # Errors
    /// 429 when too many writes are on their way.
    pub(crate) fn write_permit(&self) -> Answer<OwnedSemaphorePermit> {
        Arc::clone(&self.writes).try_acquire_owned().map_err(|_| ApiError::too_many_requests())
    }

    pub(crate) fn all(&self) -> Vec<Arc<Space>> {
        self.spaces.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }
}

/// A running server. Dropping it ends it without waiting for open requests; [`Server::shutdown`] waits.
pub struct Server {
    shared: Arc<Shared>,
    address: SocketAddr,
    ca_pem: String,
    admin_token: String,
    tasks: Mutex<Vec<JoinHandle<()>>>,
    /// Holds the lock on the directory.
    _directory: Option<Directory>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.address)
    }
}

impl Server {
    /// Opens the store, binds the port, and serves until [`Server::shutdown`]. Must be called on a tokio runtime.
    ///
    /// # Errors
    /// A directory or port in use, damaged files, an address that is not loopback.
    pub async fn open(options: Options) -> Result<Self, OpenError> {
        if !options.listen.ip().is_loopback() {
            return Err(OpenError::NotLoopback { address: options.listen });
        }
        let directory = options.data_dir.as_deref().map(Directory::open).transpose()?;
        let authority = match &directory {
            Some(directory) => directory.authority()?,
            None => tls::Authority::generate()?,
        };
        let admin_token = match &directory {
            Some(directory) => directory.token(&*options.ids)?,
            None => new_token(&*options.ids)?,
        };
        let (listener, address) = listen::bind(options.listen, directory.as_ref()).await?;
        let acceptor = tls::acceptor(&authority)?;
        let (writer, loaded) = open_store(directory.as_ref())?;
        let (feed, changes) = tokio::sync::mpsc::unbounded_channel();
        let tokens = Tokens::default();
        tokens.insert(&admin_token, Identity::admin());
        let ca_pem = authority.pem().into();
        let host = Host { clock: options.clock, ids: options.ids, writer, tokens, ca_pem, feed };
        let shared = Arc::new(Shared {
            host: Arc::new(host),
            spaces: RwLock::default(),
            closing: CancellationToken::new(),
            writes: Arc::new(Semaphore::new(MAX_WRITES)),
        });
        restore(&shared, loaded)?;
        let tasks = vec![
            tokio::spawn(listen::serve(listener, acceptor, Arc::clone(&shared))),
            tokio::spawn(crate::controllers::run(Arc::clone(&shared), changes)),
        ];
        let ca_pem = authority.pem().to_owned();
        Ok(Self { shared, address, ca_pem, admin_token, tasks: Mutex::new(tasks), _directory: directory })
    }

    /// Makes a space, with the objects that a fresh API server has, or finds it.
    ///
    /// # Errors
    /// A name that is no DNS label; a store that cannot write.
    pub async fn create_space(&self, name: &str) -> Result<(), SpaceError> {
        if !is_dns_label(name) {
            return Err(SpaceError::BadName { name: name.to_owned() });
        }
        let space = {
            let mut spaces = self.shared.spaces.write().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Space::open(name.into(), Arc::clone(&self.shared.host), 0, Vec::new()));
            Arc::clone(spaces.entry(name.into()).or_insert_with(new))
        };
        let bootstrapped = lifecycle::bootstrap(&space).await;
        bootstrapped.map_err(|error| SpaceError::Store { name: name.to_owned(), detail: error.to_string() })
    }

    /// The names of all spaces, sorted.
    pub fn spaces(&self) -> Vec<String> {
        self.shared.all().iter().map(|space| space.name().to_string()).collect()
    }

    /// The address that is listened on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://127.0.0.1:PORT/spaces/<name>`, whether there is such a space or not.
    pub fn url(&self, space: &str) -> String {
        format!("https://{}/spaces/{space}", self.address)
    }

    /// The certificate of the authority that signed the server's, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The bearer token of the administrator of all spaces.
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// A new bearer token for an identity. It is valid until the server ends: who needs it longer keeps the identity and asks again.
    ///
    /// # Errors
    /// When the operating system has no randomness.
    pub fn issue_token(&self, user: &str, groups: &[&str]) -> Result<String, OpenError> {
        let token = new_token(&*self.shared.host.ids)?;
        self.shared.host.tokens.insert(&token, Identity::new(user, groups));
        Ok(token)
    }

    /// The `cluster` entry of a kubeconfig, as JSON: server and certificate authority.
    pub fn kubeconfig_cluster(&self, space: &str) -> serde_json::Value {
        use base64::Engine as _;
        let authority = base64::engine::general_purpose::STANDARD.encode(&self.ca_pem);
        serde_json::json!({ "server": self.url(space), "certificate-authority-data": authority })
    }

    /// A whole kubeconfig as JSON (which is YAML), with one context per space, named like it, of the administrator.
    pub fn kubeconfig(&self) -> serde_json::Value {
        use serde_json::json;
        let spaces = self.spaces();
        let clusters: Vec<_> = spaces
            .iter()
            .map(|name| json!({ "name": name, "cluster": self.kubeconfig_cluster(name) }))
            .collect();
        let contexts: Vec<_> = spaces
            .iter()
            .map(|name| json!({ "name": name, "context": { "cluster": name, "user": "admin" } }))
            .collect();
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": spaces.first(),
            "clusters": clusters, "contexts": contexts,
            "users": [{ "name": "admin", "user": { "token": self.admin_token } }],
        })
    }

    /// A space as an in-process service, with an identity and without a socket: `kube::Client::new(service, "default")`.
    ///
    /// # Errors
    /// When there is no such space.
    pub fn service(&self, space: &str, identity: Identity) -> Result<Service, SpaceError> {
        let found = self.space(space)?;
        Ok(Service::new(
            Arc::clone(&self.shared),
            Gate::Inside { space: found, identity: Arc::new(identity) },
        ))
    }

    /// As [`Server::service`] for the administrator.
    ///
    /// # Errors
    /// When there is no such space.
    pub fn admin_service(&self, space: &str) -> Result<Service, SpaceError> {
        self.service(space, Identity::new("system:admin", &[MASTERS]))
    }

    /// A space itself, for code that lives in this process.
    ///
    /// # Errors
    /// When there is no such space.
    pub fn space(&self, name: &str) -> Result<Arc<Space>, SpaceError> {
        self.shared.space(name).ok_or_else(|| SpaceError::Unknown { name: name.to_owned() })
    }

    /// How many requests a space has answered, in process or over the socket.
    ///
    /// # Errors
    /// When there is no such space.
    pub fn counters(&self, space: &str) -> Result<Counts, SpaceError> {
        Ok(self.space(space)?.counters().read())
    }

    /// Ends all watches, lets open requests finish, writes what waits, and closes the store.
    pub async fn shutdown(self) {
        self.shared.closing.cancel();
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the server failed");
            }
        }
        let host = Arc::clone(&self.shared.host);
        let closed = tokio::task::spawn_blocking(move || host.close()).await;
        if let Err(error) = closed {
            tracing::error!(%error, "the store was not closed");
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.shared.closing.cancel();
        self.shared.host.close();
    }
}

fn new_token(ids: &dyn Ids) -> Result<String, OpenError> {
    ids::token(ids).ok_or_else(|| OpenError::System {
        what: "get randomness for a token",
        source: std::io::Error::from(std::io::ErrorKind::Unsupported),
    })
}

fn open_store(directory: Option<&Directory>) -> Result<(Option<Writer>, Loaded), OpenError> {
    let Some(directory) = directory else { return Ok((None, Loaded::default())) };
    let mut store = FileStore::open(&directory.store())?;
    let loaded = store.load()?;
    let writer = Writer::start(Box::new(store))
        .map_err(|source| OpenError::System { what: "start the writer's thread", source })?;
    Ok((Some(writer), loaded))
}

/// Makes the spaces that the store held.
fn restore(shared: &Arc<Shared>, loaded: Loaded) -> Result<(), OpenError> {
    let mut objects = BTreeMap::<Arc<str>, Vec<(RecordKey, Arc<Stored>)>>::new();
    for (key, bytes) in loaded.records {
        let object = Object::from_canonical(bytes).map_err(|error| StoreError::Damaged {
            path: "objects".into(),
            detail: format!("{} {} in space {}: {error}", key.resource, key.key, key.space),
        })?;
        let version = object.header().resource_version.as_ref().and_then(|version| version.parse().ok());
        let stored = Stored { object, version: version.unwrap_or(0) };
        objects.entry(Arc::clone(&key.space)).or_default().push((key, Arc::new(stored)));
    }
    let mut spaces = shared.spaces.write().unwrap_or_else(PoisonError::into_inner);
    for (name, version) in loaded.spaces {
        let held = objects.remove(&name).unwrap_or_default();
        let space = Space::open(Arc::clone(&name), Arc::clone(&shared.host), version, held);
        spaces.insert(name, Arc::new(space));
    }
    Ok(())
}

/// RFC 1123, which also keeps the name harmless in paths and kubeconfigs.
fn is_dns_label(name: &str) -> bool {
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (1..=63).contains(&name.len())
        && name.chars().all(inner)
        && !name.starts_with('-')
        && !name.ends_with('-')
}
