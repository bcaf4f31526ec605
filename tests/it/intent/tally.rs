//! How often what came of objects.

use std::collections::BTreeMap;
use std::fmt;

use super::law::Fate;

/// Lines of one failure.
const MOST_LISTED: usize = 30;
/// Corrected places that are named.
const MOST_PLACES: usize = 40;

/// Objects by what became of them.
#[derive(Default)]
pub struct Counts {
    pub as_declared: usize,
    corrected: usize,
    refused: usize,
    broken: usize,
    /// By who refused and why, without names.
    refusals: BTreeMap<String, usize>,
    /// Places where the server's answer was another one than the normal form foresaw.
    places: BTreeMap<String, usize>,
}

pub fn counts(fates: &[(String, Fate)]) -> Counts {
    let mut counts = Counts::default();
    for (_, fate) in fates {
        match fate {
            Fate::AsDeclared(_) => counts.as_declared += 1,
            Fate::Corrected { places, .. } => {
                counts.corrected += 1;
                for place in places {
                    *counts.places.entry(place.clone()).or_default() += 1;
                }
            }
            Fate::RefusedBySync(finding) => counts.refuse(format!("by sync, {finding}")),
            Fate::RefusedByServer(why) => {
                let reason = why.split([':', '(']).next().unwrap_or_default().trim_end();
                counts.refuse(format!("by the server, {reason}"));
            }
            Fate::Broken(_) => counts.broken += 1,
        }
    }
    counts
}

impl Counts {
    fn refuse(&mut self, by: String) {
        self.refused += 1;
        *self.refusals.entry(by).or_default() += 1;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { as_declared, corrected, refused, broken, refusals, places } = self;
        write!(
            f,
            "{as_declared} equal at once, {corrected} equal after correction, {refused} refused, {broken} broken"
        )?;
        for (by, count) in refusals {
            write!(f, "\n  refused {count} times: {by}")?;
        }
        let mut places: Vec<_> = places.iter().collect();
        places.sort_by_key(|(place, count)| (std::cmp::Reverse(**count), *place));
        for (place, count) in places.into_iter().take(MOST_PLACES) {
            write!(f, "\n  corrected {count} times: {place}")?;
        }
        Ok(())
    }
}

/// Those that break the law.
pub fn broken(fates: &[(String, Fate)]) -> Vec<String> {
    let broken = |(origin, fate): &(String, Fate)| match fate {
        Fate::Broken(why) => Some(format!("{origin}: {why}")),
        _ => None,
    };
    fates.iter().filter_map(broken).collect()
}

/// The first of many.
pub fn listed(lines: &[String]) -> String {
    let mut text = lines.iter().take(MOST_LISTED).cloned().collect::<Vec<_>>().join("\n");
    if lines.len() > MOST_LISTED {
        text += &format!("\nand {} more", lines.len() - MOST_LISTED);
    }
    text
}
