//! One API server.

use std::path::Path;
use std::sync::Arc;

use http::{Request, Response};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use tower::{BoxError, Service};

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be read or lacks what is asked for.
    #[error("cannot use kubeconfig {file}{}", context.as_ref().map(|c| format!(", context {c}")).unwrap_or_default())]
    Kubeconfig {
        /// Which file.
        file: String,
        /// Which context was asked for.
        context: Option<String>,
        /// Why.
        source: kube::config::KubeconfigError,
    },
    /// Not inside a cluster.
    #[error("no kubeconfig given, and this does not run inside a cluster")]
    InCluster(#[source] kube::config::InClusterError),
    /// TLS or credentials cannot be set up.
    #[error("cannot set up a client for {server}")]
    Client {
        /// URL of the server.
        server: String,
        /// Why.
        source: Box<kube::Error>,
    },
}

/// A connection to one API server. Cloning shares it. What it points to is part of its name: `wds1`, `its1`, `cluster1`.
#[derive(Clone)]
pub struct Connection {
    name: Arc<str>,
    client: Client,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Connection({})", self.name)
    }
}

impl Connection {
    /// By kubeconfig file; without `context` its current one.
    ///
    /// # Errors
    /// When the file, the context or the credentials are unusable.
    pub async fn from_kubeconfig(
        name: &str,
        file: &Path,
        context: Option<&str>,
    ) -> Result<Self, ConnectError> {
        let failed = |source| ConnectError::Kubeconfig {
            file: file.display().to_string(),
            context: context.map(str::to_owned),
            source,
        };
        let kubeconfig = Kubeconfig::read_from(file).map_err(failed)?;
        let options = KubeConfigOptions { context: context.map(str::to_owned), ..Default::default() };
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(failed)?;
        Self::from_config(name, config)
    }

    /// With the service account of the pod this runs in.
    ///
    /// # Errors
    /// Outside a cluster.
    pub fn in_cluster(name: &str) -> Result<Self, ConnectError> {
        Self::from_config(name, Config::incluster().map_err(ConnectError::InCluster)?)
    }

    fn from_config(name: &str, mut config: Config) -> Result<Self, ConnectError> {
        // A watch is idle between bookmarks; the watcher bounds it itself.
        config.read_timeout = None;
        let server = config.cluster_url.to_string();
        let client = Client::try_from(config)
            .map_err(|source| ConnectError::Client { server, source: Box::new(source) })?;
        Ok(Self { name: name.into(), client })
    }

    /// To a server in this process, without a socket. Must be called inside a tokio runtime.
    pub fn over<S, B>(name: &str, service: S) -> Self
    where
        S: Service<Request<Body>, Response = Response<B>> + Send + 'static,
        S::Future: Send + 'static,
        S::Error: Into<BoxError>,
        B: http_body::Body<Data = bytes::Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self { name: name.into(), client: Client::new(service, "default") }
    }

    /// With a client that somebody else set up: tests with faults in between.
    pub fn with_client(name: &str, client: Client) -> Self {
        Self { name: name.into(), client }
    }

    /// What it points to.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn kube(&self) -> &Client {
        &self.client
    }
}
