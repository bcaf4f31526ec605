//! The socket: binding, accepting, one task per connection, ending.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::directory::Directory;
use super::{OpenError, Shared};
use crate::handler::{Gate, Service};

/// How long a client may take for the TLS handshake.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long a connection may stay without a request. Longer than clients keep idle connections, so that it is they who close.
const IDLE: Duration = Duration::from_secs(300);
/// How long open requests may take to finish at shutdown.
const GRACE: Duration = Duration::from_secs(10);
/// Pause after accepting failed, which happens when file descriptors run out; open connections go on meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Requests at once on one HTTP/2 connection; watches count.
const MAX_STREAMS: u32 = 1000;

/// Binds the wanted port; for port 0 the one of the last time, or any.
pub(super) async fn bind(
    wanted: SocketAddr,
    directory: Option<&Directory>,
) -> Result<(TcpListener, SocketAddr), OpenError> {
    let kept = directory.map(Directory::port).transpose()?.flatten();
    let port = if wanted.port() == 0 { kept.unwrap_or(0) } else { wanted.port() };
    let bound = TcpListener::bind(SocketAddr::new(wanted.ip(), port)).await;
    let listener = bound.map_err(|source| match source.kind() {
        std::io::ErrorKind::AddrInUse => OpenError::PortTaken { port },
        _ => OpenError::System { what: "listen on the port", source },
    })?;
    let address =
        listener.local_addr().map_err(|source| OpenError::System { what: "read the port", source })?;
    if let Some(directory) = directory {
        directory.keep_port(address.port())?;
    }
    Ok((listener, address))
}

/// Accepts until the server closes, then waits for open requests.
pub(super) async fn serve(listener: TcpListener, acceptor: TlsAcceptor, shared: Arc<Shared>) {
    let graceful = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shared.closing.cancelled() => break,
        };
        match accepted {
            Ok((stream, _)) => {
                let watcher = graceful.watcher();
                tokio::spawn(connection(stream, acceptor.clone(), Arc::clone(&shared), watcher));
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, graceful.shutdown()).await.is_err() {
        tracing::warn!("some requests did not finish in time and were cut off");
    }
}

async fn connection(
    stream: TcpStream,
    acceptor: TlsAcceptor,
    shared: Arc<Shared>,
    watcher: hyper_util::server::graceful::Watcher,
) {
    let _best_effort = stream.set_nodelay(true);
    let handshake = tokio::time::timeout(HANDSHAKE, acceptor.accept(stream)).await;
    let Ok(Ok(stream)) = handshake else {
        tracing::debug!("a TLS handshake failed");
        return;
    };
    let service = TowerToHyperService::new(Service::new(shared, Gate::Outside));
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(IDLE);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(MAX_STREAMS);
    let connection = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    if let Err(error) = watcher.watch(connection).await {
        tracing::debug!(error, "a connection ended early");
    }
}
