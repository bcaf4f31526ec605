//! What survives a crash: the objects of all spaces, and how far each space's resourceVersion has come.
//!
//! A store is loaded once, at open; afterwards it only receives batches from one writer. Reads are served from memory. A server without a data
//! directory has no store.

use std::sync::Arc;

use apimachinery::GroupResource;

mod backend;
mod file;

pub use file::FileStore;

/// Why a store cannot be opened, or a batch is not on the disk.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Another process, or another server in this one, has it open.
    #[error(
        "the data file {path} is open in another server; stop that one, or choose another data directory"
    )]
    InUse {
        /// The file.
        path: String,
    },
    /// The content is not what was written.
    #[error(
        "the data file {path} is damaged: {detail}; restore it from a backup, or move it away to start with empty spaces"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong.
        detail: String,
    },
    /// The operating system refuses; nothing of the batch is stored, and the next batch may succeed (a full disk).
    #[error("cannot write the data file {path}: {detail}")]
    Io {
        /// The file.
        path: String,
        /// What the operating system says.
        detail: String,
    },
    /// A sync failed: what is on the disk is unknown, and only a restart reads it back. Nothing is written any more.
    #[error("cannot sync the data file {path}: {detail}; writes are refused until the server is restarted")]
    SyncFailed {
        /// The file.
        path: String,
        /// What the operating system said first.
        detail: String,
    },
}

/// Where an object is stored. Orders by space, then group, plural and key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RecordKey {
    /// The space.
    pub space: Arc<str>,
    /// The resource.
    pub resource: GroupResource,
    /// `namespace/name`, or `name` at cluster scope.
    pub key: Arc<str>,
}

/// One step of a batch.
#[derive(Clone, Debug)]
pub enum Mutation {
    /// The space exists, and its resourceVersion has come this far.
    Advance {
        /// The space.
        space: Arc<str>,
        /// The highest resourceVersion that was given out.
        version: u64,
    },
    /// An object has this content: canonical JSON.
    Put {
        /// Where.
        key: RecordKey,
        /// What.
        bytes: Arc<[u8]>,
    },
    /// An object is gone.
    Delete {
        /// Where.
        key: RecordKey,
    },
    /// A space is gone with all its objects.
    Drop {
        /// The space.
        space: Arc<str>,
    },
}

/// What a store held when it was opened.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Each space with its highest resourceVersion, by name.
    pub spaces: Vec<(Arc<str>, u64)>,
    /// All objects, ordered by key.
    pub records: Vec<(RecordKey, Arc<[u8]>)>,
}

/// Durable storage behind one writer.
pub trait Store: Send + std::fmt::Debug {
    /// Everything that is stored.
    ///
    /// # Errors
    /// When the content is damaged or cannot be read.
    fn load(&mut self) -> Result<Loaded, StoreError>;

    /// Stores a batch as a whole; when this returns, it survives a crash.
    ///
    /// # Errors
    /// Then nothing of the batch is stored.
    fn commit(&mut self, batch: &[Mutation]) -> Result<(), StoreError>;
}
