//! How bytes get to a remote. libgit2 speaks the git protocol; this room carries its bytes: HTTPS with our own client, so that there is
//! one TLS stack and no redirect takes credentials elsewhere; ssh with the `ssh` program, so that its configuration and agents work.
//!
//! The one module of this room with `unsafe`: libgit2 keeps transports in a process-wide table that it does not lock.

mod http;
mod ssh;

use std::cell::RefCell;
use std::sync::Once;

use crate::Credentials;

thread_local! {
    /// libgit2 hands a transport nothing but the URL. Calls are synchronous, so the credentials of the call in progress on this thread are the right ones.
    static CURRENT: RefCell<Credentials> = RefCell::new(Credentials::default());
}

/// Runs a call of libgit2 with these credentials at hand.
pub(crate) fn with_credentials<T>(credentials: &Credentials, call: impl FnOnce() -> T) -> T {
    register();
    CURRENT.with(|current| *current.borrow_mut() = credentials.clone());
    let outcome = call();
    CURRENT.with(|current| *current.borrow_mut() = Credentials::default());
    outcome
}

fn current() -> Credentials {
    CURRENT.with(|current| current.borrow().clone())
}

#[expect(
    unsafe_code,
    reason = "git2 marks registration unsafe because it must not race; `Once` sees to that"
)]
fn register() {
    static REGISTERED: Once = Once::new();
    REGISTERED.call_once(|| {
        // SAFETY: `call_once` runs this exactly once, before any transport is created: every use of a remote in this room passes through `with_credentials`.
        let outcome = unsafe {
            git2::transport::register("https", |remote| {
                git2::transport::Transport::smart(remote, true, http::Http::new(current()))
            })
            .and_then(|()| {
                git2::transport::register("ssh", |remote| {
                    git2::transport::Transport::smart(remote, false, ssh::Ssh::new(current()))
                })
            })
        };
        if let Err(error) = outcome {
            tracing::error!(%error, "cannot register git transports; remote sources will not work");
        }
    });
}

fn git_error(message: impl AsRef<str>) -> git2::Error {
    git2::Error::new(git2::ErrorCode::GenericError, git2::ErrorClass::Net, message)
}
