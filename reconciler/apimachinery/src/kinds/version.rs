//! The order of versions: `v2`, `v1`, `v2beta1`, `v1beta2`, `v1alpha1`, then everything else by name.

use std::cmp::Reverse;

/// Sorts versions by preference, the preferred one first: stable before beta before alpha, then the higher number, then text that is no version by name.
/// Source: `version.CompareKubeAwareVersionStrings`, by which an API server orders the versions of a CRD.
pub fn version_priority(version: &str) -> impl Ord + use<> {
    match parse(version) {
        Some((stability, major, minor)) => (0, Reverse((stability, major, minor)), String::new()),
        None => (1, Reverse((Stability::Alpha, 0, 0)), version.to_owned()),
    }
}

/// Whether the version is neither alpha nor beta.
pub(super) fn is_stable(version: &str) -> bool {
    parse(version).is_some_and(|(stability, ..)| stability == Stability::Stable)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Stability {
    Alpha,
    Beta,
    Stable,
}

fn parse(version: &str) -> Option<(Stability, u64, u64)> {
    let rest = version.strip_prefix('v')?;
    let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
    let (major, suffix) = rest.split_at_checked(digits)?;
    let major = number(major)?;
    if suffix.is_empty() {
        return Some((Stability::Stable, major, 0));
    }
    if let Some(minor) = suffix.strip_prefix("beta") {
        return Some((Stability::Beta, major, number(minor)?));
    }
    Some((Stability::Alpha, major, number(suffix.strip_prefix("alpha")?)?))
}

/// A number without a leading zero.
fn number(text: &str) -> Option<u64> {
    let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
    if plain { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preferred_version_comes_first() {
        let mut versions =
            ["foo10", "v1alpha1", "v1", "v11alpha2", "v2", "v1beta1", "foo1", "v10", "v3beta1", "v11beta2"];
        versions.sort_by_key(|version| version_priority(version));
        assert_eq!(
            versions,
            ["v10", "v2", "v1", "v11beta2", "v3beta1", "v1beta1", "v11alpha2", "v1alpha1", "foo1", "foo10"]
        );
    }

    #[test]
    fn only_plain_numbers_are_stable() {
        assert!(is_stable("v1"));
        assert!(!is_stable("v1beta1"));
        assert!(!is_stable("v01"));
        assert!(!is_stable("banana"));
    }
}
