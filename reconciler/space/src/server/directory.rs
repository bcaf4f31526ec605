//! The data directory: `lock`, `port`, `token`, `ca.pem`, `ca.key`, `objects.redb`. Readable by its owner only, since it holds a key, a token and Secrets.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::tls::Authority;
use super::{OpenError, new_token};
use crate::ids::Ids;

/// A directory that this process has locked.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
    /// The lock lasts as long as the file is open; the operating system releases it after a crash.
    _lock: File,
}

impl Directory {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        make_private(path).map_err(file("create", path))?;
        let lock_path = path.join("lock");
        let lock = private(&lock_path).open(&lock_path).map_err(file("create", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => {
                Err(OpenError::File { what: "lock", path: lock_path, source })
            }
        }
    }

    /// Where the objects are.
    pub(super) fn store(&self) -> PathBuf {
        self.path.join("objects.redb")
    }

    /// The authority, made at the first start.
    pub(super) fn authority(&self) -> Result<Authority, OpenError> {
        let (certificate_path, key_path) = (self.path.join("ca.pem"), self.path.join("ca.key"));
        match (read(&certificate_path)?, read(&key_path)?) {
            (Some(certificate), Some(key)) => Authority::read(certificate, &key)
                .map_err(|detail| OpenError::DamagedFile { path: certificate_path, detail }),
            _ => {
                let authority = Authority::generate()?;
                // The certificate last: without it both are made anew.
                write(&key_path, &authority.key_pem())?;
                write(&certificate_path, authority.pem())?;
                Ok(authority)
            }
        }
    }

    /// The administrator's token, made at the first start.
    pub(super) fn token(&self, ids: &dyn Ids) -> Result<String, OpenError> {
        let path = self.path.join("token");
        if let Some(token) = read(&path)? {
            let token = token.trim();
            if token.len() < 32 {
                let detail = "a token has at least 32 characters".to_owned();
                return Err(OpenError::DamagedFile { path, detail });
            }
            return Ok(token.to_owned());
        }
        let token = new_token(ids)?;
        write(&path, &token)?;
        Ok(token)
    }

    /// The port of the last time.
    pub(super) fn port(&self) -> Result<Option<u16>, OpenError> {
        let path = self.path.join("port");
        let Some(text) = read(&path)? else { return Ok(None) };
        match text.trim().parse() {
            Ok(port) => Ok(Some(port)),
            Err(_) => Err(OpenError::DamagedFile { path, detail: "it does not hold a port".into() }),
        }
    }

    /// Keeps the port for the next time.
    pub(super) fn keep_port(&self, port: u16) -> Result<(), OpenError> {
        if self.port()? == Some(port) { Ok(()) } else { write(&self.path.join("port"), &port.to_string()) }
    }
}

fn file<'a>(what: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> OpenError + 'a {
    move |source| OpenError::File { what, path: path.to_owned(), source }
}

fn read(path: &Path) -> Result<Option<String>, OpenError> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(OpenError::File { what: "read", path: path.to_owned(), source }),
    }
}

/// Writes a file as a whole or not at all, and so that it survives a crash.
fn write(path: &Path, text: &str) -> Result<(), OpenError> {
    let new = path.with_extension("new");
    let written = || -> std::io::Result<()> {
        let mut file = private(&new).truncate(true).open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        if let Some(parent) = path.parent() {
            File::open(parent)?.sync_all()?;
        }
        Ok(())
    };
    written().map_err(file("write", path))
}

fn private(_path: &Path) -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn make_private(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}
