//! Object ids.

use std::fmt;

macro_rules! object_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(git2::Oid);

        impl $name {
            /// Reads 40 hexadecimal digits; `None` for anything else.
            pub fn parse(hex: &str) -> Option<Self> {
                (hex.len() == 40).then(|| git2::Oid::from_str(hex).ok().map(Self)).flatten()
            }

            pub(crate) fn oid(self) -> git2::Oid {
                self.0
            }
        }

        impl From<git2::Oid> for $name {
            fn from(oid: git2::Oid) -> Self {
                Self(oid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

object_id! {
    /// A commit. Displays as 40 hexadecimal digits.
    CommitId
}
object_id! {
    /// The content of a file.
    BlobId
}

impl CommitId {
    /// The first seven digits, as people write them.
    pub fn short(self) -> String {
        let mut text = self.to_string();
        text.truncate(7);
        text
    }
}
