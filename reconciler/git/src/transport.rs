//! How bytes get to a remote. libgit2 speaks the git protocol of fetch and push; this room carries its bytes: HTTPS with our own client, so that there is
//! one TLS stack and no redirect takes credentials elsewhere; ssh with the `ssh` program, so that its configuration and agents work.
//!
//! libgit2 never sees the URL: it is given [`ADDRESS`], which no git configuration of this machine rewrites into something else.
//!
//! The one module of this room with `unsafe`: libgit2 keeps transports in a process-wide table that it does not lock.

mod http;
mod ssh;

use std::cell::RefCell;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, Once, PoisonError};

use git2::transport::Transport;

use crate::listing::{ListingError, RemoteBranches};
use crate::url::Scheme;
use crate::{Credentials, Remote, RemoteFailure};

/// What libgit2 takes for the URL.
pub(crate) const ADDRESS: &str = "gitstellar://remote";

/// Bytes of a list of refs that are read.
const LARGEST_LIST_BYTES: u64 = 256 << 20;
/// Bytes of a pack that are read.
const LARGEST_PACK_BYTES: u64 = 8 << 30;

/// One conversation with a remote, and why it failed, if it did.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    remote: Remote,
    failure: Arc<Mutex<Option<RemoteFailure>>>,
}

impl Call {
    pub(crate) fn new(remote: &Remote) -> Self {
        Self { remote: remote.clone(), failure: Arc::default() }
    }

    /// The first thing that went wrong.
    pub(crate) fn failure(&self) -> Option<RemoteFailure> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Remembers what went wrong; what comes after it is a consequence.
    pub(crate) fn fail(&self, failure: RemoteFailure) {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(failure);
    }

    /// The same, as libgit2's streams want it. The text of the error is fixed: libgit2's bindings abort on some characters.
    fn failed_stream(&self, failure: RemoteFailure) -> io::Error {
        self.fail(failure);
        io::Error::other("the conversation with the remote failed")
    }

    fn credentials(&self) -> &Credentials {
        &self.remote.credentials
    }

    fn silent(&self) -> RemoteFailure {
        RemoteFailure::Silent { patience: self.remote.limits.silence }
    }
}

thread_local! {
    /// libgit2 hands a transport nothing but the URL. Calls are synchronous, so the call in progress on this thread is the right one.
    static CURRENT: RefCell<Option<Call>> = const { RefCell::new(None) };
}

/// Runs a call of libgit2 whose transports belong to `call`.
pub(crate) fn with<T>(call: &Call, talk: impl FnOnce() -> T) -> T {
    struct Forget;
    impl Drop for Forget {
        fn drop(&mut self) {
            CURRENT.with(|current| current.borrow_mut().take());
        }
    }
    register();
    CURRENT.with(|current| *current.borrow_mut() = Some(call.clone()));
    let _forget = Forget;
    talk()
}

/// Asks for branches without libgit2.
pub(crate) fn branches(call: &Call) -> Result<RemoteBranches, RemoteFailure> {
    let listed = match call.remote.url.scheme() {
        Scheme::Https => http::branches(call),
        Scheme::Ssh => ssh::branches(call),
    };
    listed.map_err(|error| {
        call.failure().unwrap_or_else(|| match error {
            ListingError::Said(said) => RemoteFailure::Said { said: call.credentials().printable(&said) },
            ListingError::Odd(detail) => RemoteFailure::NotGit { detail: detail.to_owned() },
            ListingError::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                RemoteFailure::NotGit { detail: "its answer ends early".to_owned() }
            }
            ListingError::Io(error) => {
                RemoteFailure::Unreachable { detail: call.credentials().printable(&error.to_string()) }
            }
        })
    })
}

#[expect(
    unsafe_code,
    reason = "git2 marks registration unsafe because it must not race; `Once` sees to that"
)]
fn register() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: `call_once` runs this exactly once, before any transport is created: every use of a remote in this room passes through `with`.
        let outcome = unsafe { git2::transport::register("gitstellar", transport) };
        if let Err(error) = outcome {
            tracing::error!(%error, "cannot register git transports; remote sources will not work");
        }
    });
}

fn transport(remote: &git2::Remote<'_>) -> Result<Transport, git2::Error> {
    let call = CURRENT.with(|current| current.borrow().clone());
    let call = call.ok_or_else(|| git_error("no conversation is in progress"))?;
    match call.remote.url.scheme() {
        Scheme::Https => Transport::smart(remote, true, http::Http::new(call)),
        Scheme::Ssh => Transport::smart(remote, false, ssh::Ssh::new(call)),
    }
}

fn git_error(message: &'static str) -> git2::Error {
    git2::Error::new(git2::ErrorCode::GenericError, git2::ErrorClass::Net, message)
}

/// A stream that ends with an error when it brings more than it may.
struct Bounded<R> {
    from: R,
    call: Call,
    what: &'static str,
    limit: u64,
    left: u64,
}

impl<R: Read> Bounded<R> {
    fn list(from: R, call: &Call) -> Self {
        Self::new(from, call, ("its list of refs", LARGEST_LIST_BYTES))
    }

    fn pack(from: R, call: &Call) -> Self {
        Self::new(from, call, ("what it sends", LARGEST_PACK_BYTES))
    }

    fn new(from: R, call: &Call, (what, limit): (&'static str, u64)) -> Self {
        Self { from, call: call.clone(), what, limit, left: limit }
    }
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.left = self.left.checked_sub(read as u64).ok_or_else(|| {
            self.call.failed_stream(RemoteFailure::TooLarge { what: self.what, limit: self.limit })
        })?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limits, Url};

    #[test]
    fn atk_19_a_stream_without_end_is_cut_off() {
        let url = Url::parse("https://example.com/a").unwrap();
        let call = Call::new(&Remote { url, credentials: Credentials::default(), limits: Limits::default() });
        let mut endless = Bounded::new(io::repeat(0), &call, ("it", 10_000));
        assert!(io::copy(&mut endless, &mut io::sink()).is_err());
        assert_eq!(call.failure(), Some(RemoteFailure::TooLarge { what: "it", limit: 10_000 }));
    }
}
