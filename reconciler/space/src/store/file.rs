//! The store in one redb file.
//!
//! Tables: `objects` maps `space \0 group \0 plural \0 key` to sixteen digits of SHA-256 followed by canonical JSON; `spaces` maps a name to its highest resourceVersion.
//! A commit is one transaction with immediate durability. An unclean file is repaired by redb when it is opened: a transaction is there as a whole or not at all.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use apimachinery::{Digest, GroupResource};
use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadableDatabase as _, ReadableTable as _, TableDefinition};

use super::backend::{SyncFailure, WatchedFile};
use super::{Loaded, Mutation, RecordKey, Store, StoreError};

const OBJECTS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("objects");
const SPACES: TableDefinition<'_, &str, u64> = TableDefinition::new("spaces");

/// Everything is read once and then served from memory, so redb needs little of its own.
const CACHE_BYTES: usize = 8 << 20;
/// Compaction rewrites the file, which is only worth it for files that are not small anyway.
const COMPACT_ABOVE_BYTES: u64 = 64 << 20;
/// How many hexadecimal digits of the digest stand before each value: enough to notice damage, not meant against forgery.
const CHECK_BYTES: usize = 16;

/// A store in one file.
#[derive(Debug)]
pub struct FileStore {
    path: PathBuf,
    /// `None` after a failed write: redb then refuses everything until the file is opened again.
    database: Option<Database>,
    sync_failure: SyncFailure,
}

impl FileStore {
    /// Opens or creates the file, repairing it if it was not closed.
    ///
    /// # Errors
    /// When it is in use, is damaged, or cannot be opened.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let sync_failure = SyncFailure::default();
        let mut database = open_database(path, &sync_failure)?;
        compact_if_worth_it(path, &mut database)?;
        Ok(Self { path: path.to_owned(), database: Some(database), sync_failure })
    }

    /// The open database; opened anew if the last write failed.
    fn database(&mut self) -> Result<&Database, StoreError> {
        let database = match self.database.take() {
            Some(database) => database,
            None => open_database(&self.path, &self.sync_failure)?,
        };
        Ok(self.database.insert(database))
    }

    fn refuse_after_failed_sync(&self) -> Result<(), StoreError> {
        let failure = self.sync_failure.lock().unwrap_or_else(PoisonError::into_inner);
        match &*failure {
            Some(detail) => Err(StoreError::SyncFailed { path: shown(&self.path), detail: detail.clone() }),
            None => Ok(()),
        }
    }
}

impl Store for FileStore {
    fn load(&mut self) -> Result<Loaded, StoreError> {
        let path = self.path.clone();
        let read = |error: redb::Error| failed(&path, &error);
        let transaction = self.database()?.begin_read().map_err(|e| read(e.into()))?;
        let mut loaded = Loaded::default();
        let spaces = transaction.open_table(SPACES).map_err(|e| read(e.into()))?;
        for entry in spaces.iter().map_err(|e| read(e.into()))? {
            let (name, version) = entry.map_err(|e| read(e.into()))?;
            loaded.spaces.push((name.value().into(), version.value()));
        }
        let objects = transaction.open_table(OBJECTS).map_err(|e| read(e.into()))?;
        for entry in objects.iter().map_err(|e| read(e.into()))? {
            let (key, value) = entry.map_err(|e| read(e.into()))?;
            loaded.records.push(decoded(&path, key.value(), value.value())?);
        }
        Ok(loaded)
    }

    fn commit(&mut self, batch: &[Mutation]) -> Result<(), StoreError> {
        self.refuse_after_failed_sync()?;
        let written = write(self.database()?, batch);
        let Err(error) = written else { return Ok(()) };
        self.database = None;
        self.refuse_after_failed_sync()?;
        Err(failed(&self.path, &error))
    }
}

fn open_database(path: &Path, sync_failure: &SyncFailure) -> Result<Database, StoreError> {
    let opened = private_file(path).map_err(DatabaseError::from).and_then(|file| {
        let backend = WatchedFile::new(FileBackend::new(file)?, Arc::clone(sync_failure));
        Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(backend)
    });
    let database = opened.map_err(|error| failed(path, &error.into()))?;
    // A read of a table that was never written is an error, so both are made here.
    let transaction = database.begin_write().map_err(|e| failed(path, &e.into()))?;
    transaction.open_table(OBJECTS).map_err(|e| failed(path, &e.into()))?;
    transaction.open_table(SPACES).map_err(|e| failed(path, &e.into()))?;
    transaction.commit().map_err(|e| failed(path, &e.into()))?;
    Ok(database)
}

/// The file, readable by its owner only: it holds Secrets.
fn private_file(path: &Path) -> std::io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn compact_if_worth_it(path: &Path, database: &mut Database) -> Result<(), StoreError> {
    let size = std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if size < COMPACT_ABOVE_BYTES {
        return Ok(());
    }
    let transaction = database.begin_write().map_err(|e| failed(path, &e.into()))?;
    let stats = transaction.stats().map_err(|e| failed(path, &e.into()))?;
    transaction.abort().map_err(|e| failed(path, &e.into()))?;
    if size > 2 * (stats.stored_bytes() + stats.metadata_bytes()) {
        database.compact().map_err(|e| failed(path, &e.into()))?;
    }
    Ok(())
}

fn write(database: &Database, batch: &[Mutation]) -> Result<(), redb::Error> {
    let transaction = database.begin_write()?;
    {
        let mut objects = transaction.open_table(OBJECTS)?;
        let mut spaces = transaction.open_table(SPACES)?;
        for mutation in batch {
            match mutation {
                Mutation::Advance { space, version } => {
                    spaces.insert(&**space, version)?;
                }
                Mutation::Put { key, bytes } => {
                    let mut value = Vec::with_capacity(CHECK_BYTES + bytes.len());
                    value.extend_from_slice(&check_of(bytes));
                    value.extend_from_slice(bytes);
                    objects.insert(&*encoded(key), &*value)?;
                }
                Mutation::Delete { key } => {
                    objects.remove(&*encoded(key))?;
                }
                Mutation::Drop { space } => {
                    spaces.remove(&**space)?;
                    let (from, to) =
                        ([space.as_bytes(), b"\0"].concat(), [space.as_bytes(), b"\x01"].concat());
                    objects.retain_in::<&[u8], _>(&*from..&*to, |_, _| false)?;
                }
            }
        }
    }
    transaction.commit()?;
    Ok(())
}

fn encoded(key: &RecordKey) -> Vec<u8> {
    let resource = &key.resource;
    [&*key.space, resource.group.as_str(), resource.plural.as_str(), &key.key].join("\0").into_bytes()
}

fn decoded(path: &Path, key: &[u8], value: &[u8]) -> Result<(RecordKey, Arc<[u8]>), StoreError> {
    let damaged = |detail: String| StoreError::Damaged { path: shown(path), detail };
    let text = std::str::from_utf8(key).map_err(|_| damaged("a key is not text".into()))?;
    let parts: Vec<&str> = text.split('\0').collect();
    let &[space, group, plural, name] = parts.as_slice() else {
        return Err(damaged(format!("the key {text:?} has not four parts")));
    };
    let key =
        RecordKey { space: space.into(), resource: GroupResource::new(group, plural), key: name.into() };
    match value.split_at_checked(CHECK_BYTES) {
        Some((check, bytes)) if check == check_of(bytes) => Ok((key, bytes.into())),
        _ => Err(damaged(format!("the checksum of {plural} {name} in space {space} does not match"))),
    }
}

fn check_of(bytes: &[u8]) -> Vec<u8> {
    Digest::of(bytes).short(CHECK_BYTES).into_bytes()
}

fn failed(path: &Path, error: &redb::Error) -> StoreError {
    let path = shown(path);
    let detail = error.to_string();
    match error {
        redb::Error::DatabaseAlreadyOpen => StoreError::InUse { path },
        redb::Error::Corrupted(_)
        | redb::Error::UpgradeRequired(_)
        | redb::Error::RepairAborted
        | redb::Error::TableTypeMismatch { .. }
        | redb::Error::TypeDefinitionChanged { .. } => StoreError::Damaged { path, detail },
        // What redb cannot recognise as its own file it reports as invalid data.
        redb::Error::Io(io) if io.kind() == std::io::ErrorKind::InvalidData => {
            StoreError::Damaged { path, detail }
        }
        _ => StoreError::Io { path, detail },
    }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(space: &str, name: &str) -> RecordKey {
        RecordKey {
            space: space.into(),
            resource: GroupResource::new("apps", "deployments"),
            key: name.into(),
        }
    }

    fn put(space: &str, name: &str, bytes: &[u8]) -> Mutation {
        Mutation::Put { key: key(space, name), bytes: bytes.into() }
    }

    fn names(store: &mut FileStore) -> Vec<String> {
        let records = store.load().unwrap().records;
        records.iter().map(|(key, _)| format!("{}:{}", key.space, key.key)).collect()
    }

    #[test]
    fn what_was_committed_is_there_after_reopening() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.redb");
        let mut store = FileStore::open(&path).unwrap();
        let advance = Mutation::Advance { space: "a".into(), version: 7 };
        store
            .commit(&[advance, put("a", "x/1", b"{}"), put("a", "x/2", b"{}"), put("ab", "y", b"{}")])
            .unwrap();
        store.commit(&[Mutation::Delete { key: key("a", "x/1") }]).unwrap();
        drop(store);
        let mut store = FileStore::open(&path).unwrap();
        assert_eq!(store.load().unwrap().spaces, [("a".into(), 7)]);
        assert_eq!(names(&mut store), ["a:x/2", "ab:y"]);
        store.commit(&[Mutation::Drop { space: "a".into() }]).unwrap();
        assert_eq!(names(&mut store), ["ab:y"]);
        assert_eq!(store.load().unwrap().spaces, []);
    }

    #[test]
    fn a_second_store_on_the_same_file_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.redb");
        let _first = FileStore::open(&path).unwrap();
        assert!(matches!(FileStore::open(&path), Err(StoreError::InUse { .. })));
    }

    #[test]
    fn a_flipped_bit_is_noticed_and_refused_with_instructions() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("data.redb");
        let payload = b"{\"marker\":\"0123456789abcdef\"}";
        let mut store = FileStore::open(&path).unwrap();
        store.commit(&[put("a", "x", payload)]).unwrap();
        drop(store);
        let mut bytes = std::fs::read(&path).unwrap();
        let at = bytes.windows(payload.len()).position(|window| window == payload).unwrap();
        bytes[at + 12] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        let error = FileStore::open(&path).and_then(|mut store| store.load()).unwrap_err();
        assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
    }
}
