//! One running ssh: its two pipes, its patience, and how it ended.

use std::io::{self, Read, Write};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::Call;
use super::files::Files;
use super::{command, words};
use crate::failure::RemoteFailure;

/// How long a process that has said its last word may take to end.
const GRACE: Duration = Duration::from_secs(5);
/// Bytes of the error stream that are kept.
const MOST_SAID: usize = 4_000;

/// A running ssh. Reading and writing block; whoever waits longer than the call's patience sees the process killed.
pub(super) struct Session {
    call: Call,
    child: Arc<Mutex<Child>>,
    input: Mutex<Option<ChildStdin>>,
    output: Mutex<ChildStdout>,
    /// What it said on its error stream.
    said: Arc<Mutex<Vec<u8>>>,
    /// Closed when the error stream ended, which is when the process did.
    ended: Mutex<Receiver<()>>,
    waiting: Arc<Mutex<Waiting>>,
    files: Mutex<Option<Files>>,
    /// Dropping it sends the watcher home.
    _watched: Sender<()>,
}

#[derive(Default)]
struct Waiting {
    since: Option<Instant>,
    in_vain: bool,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Each of them is valid at every moment.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Session {
    pub(super) fn start(call: &Call, program: &str, newest: bool) -> Result<Arc<Self>, RemoteFailure> {
        let here = |error: io::Error| RemoteFailure::Here {
            detail: format!("the key for ssh cannot be written to a temporary file: {error}"),
        };
        let login = call.credentials().ssh.as_ref();
        let files = login.map(Files::write).transpose().map_err(here)?;
        let mut command = command::command(&call.remote, files.as_ref(), program)?;
        if newest {
            command.env("GIT_PROTOCOL", "version=2");
        }
        let started = command.spawn();
        let mut child = started.map_err(|error| RemoteFailure::NoSsh { detail: error.to_string() })?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(input), Some(output), Some(errors)) = pipes else {
            return Err(RemoteFailure::Here { detail: "ssh has no pipes".to_owned() });
        };
        let (child, waiting) = (Arc::new(Mutex::new(child)), Arc::default());
        let (said, ended) = listen(errors);
        let watched = watch(Arc::clone(&child), Arc::clone(&waiting), call.remote.limits.silence);
        Ok(Arc::new(Self {
            call: call.clone(),
            child,
            input: Mutex::new(Some(input)),
            output: Mutex::new(output),
            said,
            ended: Mutex::new(ended),
            waiting,
            files: Mutex::new(files),
            _watched: watched,
        }))
    }

    pub(super) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.patiently(|| lock(&self.output).read(buffer))?;
        if read == 0 {
            self.explain_end();
        } else {
            // ssh is connected, so it has read them.
            lock(&self.files).take();
        }
        Ok(read)
    }

    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.patiently(|| match lock(&self.input).as_mut() {
            Some(input) => input.write(bytes),
            None => Err(io::ErrorKind::BrokenPipe.into()),
        });
        // A pipe that breaks says nothing of why; the error stream does.
        written.inspect_err(|_| self.explain_end())
    }

    fn patiently<T>(&self, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
        lock(&self.waiting).since = Some(Instant::now());
        let outcome = act();
        let mut waiting = lock(&self.waiting);
        waiting.since = None;
        if waiting.in_vain { Err(self.call.failed_stream(self.call.silent())) } else { outcome }
    }

    /// Remembers why it ended, if it did not end well.
    fn explain_end(&self) {
        let _ended = lock(&self.ended).recv_timeout(GRACE);
        let status = lock(&self.child).try_wait();
        if status.is_ok_and(|status| status.is_some_and(|status| status.success())) {
            return;
        }
        let said = lock(&self.said).clone();
        self.call.fail(words::meaning(&String::from_utf8_lossy(&said), self.call.credentials()));
    }

    /// Ends the conversation: the closed pipe tells the other side, which may still finish what it does; then the process goes in any case.
    pub(super) fn end(&self) {
        lock(&self.input).take();
        let _ended = lock(&self.ended).recv_timeout(GRACE.min(self.call.remote.limits.silence));
        let mut child = lock(&self.child);
        let _killed = child.kill();
        let _status = child.wait();
        lock(&self.files).take();
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        let mut child = lock(&self.child);
        let _killed = child.kill();
        let _status = child.wait();
    }
}

/// Reads the error stream to its end, keeping the beginning.
fn listen(mut errors: ChildStderr) -> (Arc<Mutex<Vec<u8>>>, Receiver<()>) {
    let said: Arc<Mutex<Vec<u8>>> = Arc::default();
    let (ending, ended) = mpsc::channel();
    let kept = Arc::clone(&said);
    std::thread::spawn(move || {
        let _ending: Sender<()> = ending;
        let mut buffer = [0; 1_024];
        while let Ok(read @ 1..) = errors.read(&mut buffer) {
            let mut kept = lock(&kept);
            let room = MOST_SAID.saturating_sub(kept.len()).min(read);
            kept.extend_from_slice(&buffer[..room]);
        }
    });
    (said, ended)
}

/// Kills the process when somebody has waited for it longer than `patience`.
fn watch(child: Arc<Mutex<Child>>, waiting: Arc<Mutex<Waiting>>, patience: Duration) -> Sender<()> {
    let (watched, gone) = mpsc::channel();
    std::thread::spawn(move || {
        let mut pause = patience;
        while gone.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
            let mut waiting = lock(&waiting);
            let waited = waiting.since.map_or(Duration::ZERO, |since| since.elapsed());
            if waited >= patience {
                waiting.in_vain = true;
                let _killed = lock(&child).kill();
                return;
            }
            pause = patience - waited;
        }
    });
    watched
}
