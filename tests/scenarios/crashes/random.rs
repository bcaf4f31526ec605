//! Chance, and what it leaves behind.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

/// Numbers that follow from a seed.
pub struct Random {
    pub seed: u64,
    state: u64,
}

impl Random {
    /// With the seed of `GITSTELLAR_SEED`, or one that nobody can foresee.
    pub fn new() -> anyhow::Result<Self> {
        let seed = match std::env::var("GITSTELLAR_SEED") {
            Ok(seed) => seed.parse()?,
            Err(_) => u64::from(SystemTime::now().duration_since(UNIX_EPOCH)?.subsec_nanos()),
        };
        Ok(Self { seed, state: seed })
    }

    /// A number below `limit` (splitmix64).
    pub fn below(&mut self, limit: usize) -> usize {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(limit.max(1)).unwrap()).unwrap()
    }
}

/// Fields that differ between two runs of the same commits.
const CHANCE: [&str; 11] = [
    "transport.kubestellar.io/originOwnerReferenceBindingGeneration",
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "generation",
    "observedGeneration",
    "lastTransitionTime",
    "lastGeneration",
    "time",
    "url",
    "fetchedFrom",
];

/// An object without what differs between two runs.
pub fn without_chance(mut object: Value) -> Value {
    forget(&mut object);
    object
}

fn forget(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            let known = std::mem::take(fields).into_iter();
            fields.extend(known.filter(|(name, _)| !CHANCE.contains(&name.as_str())).map(
                |(name, mut value)| {
                    forget(&mut value);
                    (without_ids(&name), value)
                },
            ));
            // Entries of managers stand in the order of their times.
            if let Some(managers) = fields.get_mut("managedFields").and_then(Value::as_array_mut) {
                managers.sort_by_key(Value::to_string);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        Value::String(text) => *text = without_number(&without_ids(text)),
        _ => {}
    }
}

/// `POLICY-WDS-NUMBER` without the number of the work: what comes back to a mailbox while its last work is still on its way out gets the next one.
fn without_number(text: &str) -> String {
    match text.rsplit_once("-wds1-") {
        Some((policy, number)) if number.parse::<u32>().is_ok() => format!("{policy}-wds1-#"),
        _ => text.to_owned(),
    }
}

/// UIDs and hashes in a text become `#`: everything long that is made of hexadecimal digits and dashes.
fn without_ids(text: &str) -> String {
    let is_digit = |c: char| c == '-' || c.is_ascii_digit() || ('a'..='f').contains(&c);
    let mut words: Vec<String> = Vec::new();
    for c in text.chars() {
        match words.last_mut() {
            Some(word) if word.ends_with(is_digit) == is_digit(c) => word.push(c),
            _ => words.push(c.to_string()),
        }
    }
    let is_id = |word: &String| {
        word.len() >= 8 && word.starts_with(is_digit) && word.contains(|c: char| c.is_ascii_digit())
    };
    words.into_iter().map(|word| if is_id(&word) { "#".to_owned() } else { word }).collect()
}
