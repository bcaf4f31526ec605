//! Git over the `ssh` program: its configuration, agents and known hosts work, and no second implementation of ssh is linked in.
//!
//! With a login of its own, a remote gets an ssh that reads nothing of this machine: no configuration, no agent, no known hosts but the given ones. Key and
//! known hosts are then files for a moment: ssh reads them while it connects, and the first byte from the other side ends them.

mod command;
mod files;
mod session;
mod words;

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex, PoisonError};

use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};

use super::{Bounded, Call, git_error};
use crate::listing::{self, Greeting, ListingError, RemoteBranches};
use session::Session;

/// Asks for branches, in protocol 2 where the other side lets the wish for it through.
pub(super) fn branches(call: &Call) -> Result<RemoteBranches, ListingError> {
    let session =
        Session::start(call, "git-upload-pack", true).map_err(|failure| call.failed_stream(failure))?;
    let mut stream = Bounded::list(Stream(Arc::clone(&session)), call);
    let listed = match listing::greeting(&mut stream)? {
        Greeting::Listed(branches) => branches,
        Greeting::Commands => {
            stream.from.write_all(&listing::command())?;
            listing::answer(&mut stream)?
        }
    };
    // A flush says that nothing more is wanted. Whether it arrives does not matter any more.
    let _ = stream.from.write_all(b"0000");
    session.end();
    Ok(listed)
}

/// What libgit2 uses.
pub(super) struct Ssh {
    call: Call,
    session: Mutex<Option<Arc<Session>>>,
}

impl Ssh {
    pub(super) fn new(call: Call) -> Self {
        Self { call, session: Mutex::default() }
    }

    fn take(&self) -> Option<Arc<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl SmartSubtransport for Ssh {
    fn action(&self, _url: &str, action: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let program = match action {
            Service::UploadPackLs | Service::UploadPack => "git-upload-pack",
            Service::ReceivePackLs | Service::ReceivePack => "git-receive-pack",
        };
        let session = Session::start(&self.call, program, false).map_err(|failure| {
            self.call.fail(failure);
            git_error("ssh cannot be started")
        })?;
        *self.session.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&session));
        Ok(Box::new(Duplex(Bounded::pack(Stream(session), &self.call))))
    }

    fn close(&self) -> Result<(), git2::Error> {
        if let Some(session) = self.take() {
            session.end();
        }
        Ok(())
    }
}

impl Drop for Ssh {
    fn drop(&mut self) {
        if let Some(session) = self.take() {
            session.end();
        }
    }
}

/// Both directions of a session.
struct Stream(Arc<Session>);

impl Read for Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A stream that is bounded in one direction.
struct Duplex(Bounded<Stream>);

impl Read for Duplex {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Write for Duplex {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.from.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
