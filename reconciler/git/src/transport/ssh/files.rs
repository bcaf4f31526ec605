//! Key and known hosts of one login, as files that ssh can open.
//!
//! On Linux they have no name: they are gone with this process, however it ends, and ssh opens them through this process's table of open files. Elsewhere they stand
//! in a directory that only this user may enter, and go with it.

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::credentials::SshLogin;

/// The files of one login. They are there as long as this value is.
pub(super) struct Files {
    identity: PathBuf,
    known_hosts: PathBuf,
    _kept: Kept,
}

enum Kept {
    Open(#[expect(dead_code, reason = "open is all that they have to be")] [File; 2]),
    Named(#[expect(dead_code, reason = "its end removes the files")] tempfile::TempDir),
}

impl Files {
    pub(super) fn write(login: &SshLogin) -> std::io::Result<Self> {
        // Editors and `kubectl create secret` tend to lose the last line feed, without which ssh does not read a key.
        let identity = format!("{}\n", login.identity.reveal().trim_end());
        if cfg!(target_os = "linux") {
            Self::nameless(&identity, &login.known_hosts)
        } else {
            Self::named(&identity, &login.known_hosts)
        }
    }

    fn nameless(identity: &str, known_hosts: &str) -> std::io::Result<Self> {
        use std::os::fd::AsRawFd as _;
        let write = |text: &str| {
            // It loses its name before it holds anything. Mode 0600 is what this crate gives named files.
            let mut file = tempfile::NamedTempFile::new()?.into_file();
            file.write_all(text.as_bytes())?;
            let path = format!("/proc/{}/fd/{}", std::process::id(), file.as_raw_fd());
            Ok::<_, std::io::Error>((file, PathBuf::from(path)))
        };
        let ((identity_file, identity), (known_hosts_file, known_hosts)) =
            (write(identity)?, write(known_hosts)?);
        Ok(Self { identity, known_hosts, _kept: Kept::Open([identity_file, known_hosts_file]) })
    }

    fn named(identity: &str, known_hosts: &str) -> std::io::Result<Self> {
        use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
        let private = std::fs::Permissions::from_mode(0o700);
        let directory = tempfile::Builder::new().prefix("gitstellar-ssh-").permissions(private).tempdir()?;
        let write = |name: &str, text: &str| {
            let path = directory.path().join(name);
            let mut options = File::options();
            options.write(true).create_new(true).mode(0o600).open(&path)?.write_all(text.as_bytes())?;
            Ok::<_, std::io::Error>(path)
        };
        let (identity, known_hosts) = (write("identity", identity)?, write("known_hosts", known_hosts)?);
        Ok(Self { identity, known_hosts, _kept: Kept::Named(directory) })
    }

    pub(super) fn identity(&self) -> &Path {
        &self.identity
    }

    pub(super) fn known_hosts(&self) -> &Path {
        &self.known_hosts
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    fn check_private(files: Files) {
        let (identity, known_hosts) = (files.identity().to_owned(), files.known_hosts().to_owned());
        assert_eq!(std::fs::metadata(&identity).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_to_string(&identity).unwrap(), "KEY\n");
        assert_eq!(std::fs::read_to_string(&known_hosts).unwrap(), "h k\n");
        // Twice, as ssh does: each opening starts at the beginning.
        assert_eq!(std::fs::read_to_string(&identity).unwrap(), "KEY\n");
        drop(files);
        assert!(std::fs::read_to_string(&identity).map_or(true, |text| text != "KEY\n"));
    }

    #[test]
    fn a_key_is_a_private_file_for_a_moment_and_on_linux_without_a_name() {
        if cfg!(target_os = "linux") {
            let files = Files::nameless("KEY\n", "h k\n").unwrap();
            let names = std::fs::read_link(files.identity()).unwrap();
            assert!(names.to_string_lossy().ends_with("(deleted)"), "{names:?}");
            check_private(files);
        }
        let files = Files::named("KEY\n", "h k\n").unwrap();
        let directory = files.identity().parent().unwrap().to_owned();
        assert_eq!(std::fs::metadata(&directory).unwrap().permissions().mode() & 0o777, 0o700);
        check_private(files);
        assert!(!directory.exists());
    }
}
