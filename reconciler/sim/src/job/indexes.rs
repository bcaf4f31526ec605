//! Indexes of Jobs whose pods each do their own part.

use std::collections::BTreeSet;

use super::INDEX;
use crate::live::Live;
use crate::pod;

/// Whether pods have indexes.
pub(crate) fn is_indexed(job: &Live) -> bool {
    job.text("/spec/completionMode") == "Indexed"
}

/// The index of a pod.
pub(crate) fn of(pod: &Live) -> Option<i64> {
    pod.annotation(INDEX).and_then(|index| index.parse().ok())
}

/// Indexes that are done: those the status knows, and those of pods that have succeeded.
pub(crate) fn completed(job: &Live, pods: &[Live]) -> BTreeSet<i64> {
    let mut indexes = parse(job.text("/status/completedIndexes"));
    indexes.extend(pods.iter().filter(|pod| pod.text("/status/phase") == "Succeeded").filter_map(of));
    let most = job.int("/spec/completions").unwrap_or_default();
    indexes.retain(|index| (0..most).contains(index));
    indexes
}

/// What the next pods work on: an index each that is neither done nor in work, or none.
pub(crate) fn next(
    job: &Live,
    active: &[&Live],
    completed: &BTreeSet<i64>,
    count: usize,
) -> Vec<Option<i64>> {
    if !is_indexed(job) {
        return vec![None; count];
    }
    let taken: BTreeSet<i64> =
        active.iter().filter(|pod| pod::is_active(pod)).filter_map(|pod| of(pod)).collect();
    let all = 0..job.int("/spec/completions").unwrap_or_default();
    all.filter(|index| !taken.contains(index) && !completed.contains(index)).take(count).map(Some).collect()
}

/// `0,2-4` as the status writes it.
pub(crate) fn text(indexes: &BTreeSet<i64>) -> String {
    let mut ranges: Vec<(i64, i64)> = Vec::new();
    for index in indexes {
        match ranges.last_mut() {
            Some((_, last)) if *last + 1 == *index => *last = *index,
            _ => ranges.push((*index, *index)),
        }
    }
    let ranges = ranges.into_iter().map(|(first, last)| match last - first {
        0 => first.to_string(),
        1 => format!("{first},{last}"),
        _ => format!("{first}-{last}"),
    });
    ranges.collect::<Vec<_>>().join(",")
}

fn parse(text: &str) -> BTreeSet<i64> {
    let mut indexes = BTreeSet::new();
    for range in text.split(',').filter(|range| !range.is_empty()) {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        if let (Ok(first), Ok(last)) = (first.parse::<i64>(), last.parse::<i64>()) {
            // A Job has at most 100 000 completions that are counted so.
            indexes.extend((first..=last).take(100_000));
        }
    }
    indexes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_written_as_ranges() {
        #[track_caller]
        fn check(written: &str, indexes: &[i64]) {
            let set: BTreeSet<i64> = indexes.iter().copied().collect();
            assert_eq!(text(&set), written);
            assert_eq!(parse(written), set);
        }
        check("", &[]);
        check("0", &[0]);
        check("0,1", &[0, 1]);
        check("0,2-4", &[0, 2, 3, 4]);
        assert!(parse("x,1-y").is_empty());
    }
}
