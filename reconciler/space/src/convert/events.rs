//! Event between core `v1`, which is stored, and `events.k8s.io/v1`: the same fields under other names.

use serde_json::Value;

/// Core name and name in `events.k8s.io/v1`.
const RENAMED: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

pub(super) fn to_events_v1(object: &mut Value) {
    rename(object, RENAMED.iter().map(|(core, events)| (*core, *events)));
}

pub(super) fn from_events_v1(object: &mut Value) {
    rename(object, RENAMED.iter().map(|(core, events)| (*events, *core)));
}

fn rename<'a>(object: &mut Value, names: impl Iterator<Item = (&'a str, &'a str)>) {
    let Some(object) = object.as_object_mut() else { return };
    for (from, to) in names {
        if let Some(value) = object.remove(from) {
            object.insert(to.into(), value);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_renamed_there_and_back() {
        let core = json!({ "involvedObject": { "name": "a" }, "message": "m", "count": 2, "reason": "R" });
        let mut seen = core.clone();
        to_events_v1(&mut seen);
        assert_eq!(
            seen,
            json!({ "regarding": { "name": "a" }, "note": "m", "deprecatedCount": 2, "reason": "R" })
        );
        from_events_v1(&mut seen);
        assert_eq!(seen, core);
    }
}
