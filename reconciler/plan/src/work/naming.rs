//! Names and labels of works. KubeStellar's: `<Binding>-<WDS>-<shard>`, or with one object per work `<Binding UID>-<WDS>-<object UID>`.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{Digest, Name};

use super::{BoundHere, Mailbox};
use crate::PolicyName;

/// An AppliedManifestWork is named by 64 digits, a dash and the work's name, and a name has at most 253 characters.
const MAX_NAME: usize = 180;
/// The length of a label's value.
const MAX_LABEL: usize = 63;

/// `text` as a label's value: itself, or a beginning of it and a digest where it is too long (KubeStellar fails there).
pub fn label_value(text: &str) -> String {
    shortened(text, MAX_LABEL)
}

/// Orders `p-wds-2` before `p-wds-10`.
pub fn sort_key(name: &Name) -> (String, u64) {
    match name.as_str().rsplit_once('-') {
        Some((base, number)) => match number.parse() {
            Ok(number) => (base.to_owned(), number),
            Err(_) => (name.as_str().to_owned(), 0),
        },
        None => (name.as_str().to_owned(), 0),
    }
}

/// Gives names to new works.
pub(super) struct Names {
    taken: BTreeSet<Name>,
    /// Every number below is taken, by base.
    next: BTreeMap<String, u64>,
}

impl Names {
    /// Every name in the mailbox is taken, whoever's it is.
    pub(super) fn new(mailbox: &Mailbox) -> Self {
        let taken = mailbox.observed.iter().map(|w| w.name.clone()).collect();
        Self { taken, next: BTreeMap::new() }
    }

    /// The first free name for a new work of a Binding; `object` is the UID of the one object it will hold, if works hold one object each.
    pub(super) fn free(
        &mut self,
        mailbox: &Mailbox,
        (policy, bound): (&PolicyName, &BoundHere),
        object: Option<&str>,
    ) -> Name {
        let base = match object {
            Some(uid) => shortened(&format!("{}-{}-{uid}", bound.uid, mailbox.wds), MAX_NAME),
            None => shortened(&format!("{policy}-{}", mailbox.wds), MAX_NAME),
        };
        let exact = Name::from(base.as_str());
        if object.is_some() && self.taken.insert(exact.clone()) {
            return exact;
        }
        let next = self.next.entry(base.clone()).or_default();
        loop {
            let name = Name::from(format!("{base}-{next}"));
            *next += 1;
            if self.taken.insert(name.clone()) {
                return name;
            }
        }
    }
}

fn shortened(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let digest = Digest::of(text.as_bytes()).short(8);
    let mut cut = max - digest.len() - 1;
    while !text.is_char_boundary(cut) {
        cut -= 1;
    }
    // What precedes the digest must not end in a dot: `.-` is no legal name.
    format!("{}-{digest}", text[..cut].trim_end_matches(['.', '-', '_']))
}
