//! Conditions of a status.

use serde_json::{Value, json};

use crate::live::text;

/// What a condition shall say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Condition {
    pub kind: &'static str,
    pub holds: bool,
    pub reason: String,
    pub message: String,
}

impl Condition {
    pub(crate) fn new(
        kind: &'static str,
        holds: bool,
        reason: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self { kind, holds, reason: reason.into(), message: message.into() }
    }

    fn status(&self) -> &'static str {
        if self.holds { "True" } else { "False" }
    }

    /// Puts it into a list, which stays as it is where it says the same already. The time of transition is kept while the status stays.
    pub(crate) fn put(&self, conditions: &mut Vec<Value>, now: &str) {
        let status = self.status();
        let mut said = json!({ "type": self.kind, "status": status });
        for (field, value) in [("reason", &self.reason), ("message", &self.message)] {
            if !value.is_empty() {
                said[field] = json!(value);
            }
        }
        let place = conditions.iter().position(|c| text(c, "/type") == self.kind);
        let Some(known) = place.and_then(|place| conditions.get_mut(place)) else {
            said["lastTransitionTime"] = json!(now);
            conditions.push(said);
            return;
        };
        let kept =
            text(known, "/status") == status && known.get("lastTransitionTime").is_some_and(|t| !t.is_null());
        let transition = if kept { text(known, "/lastTransitionTime") } else { now };
        said["lastTransitionTime"] = json!(transition);
        let fields = known.as_object_mut();
        // What others keep in it, `observedGeneration` and the like, stays.
        for (field, value) in fields.into_iter().flatten() {
            if !["reason", "message"].contains(&field.as_str()) && said.get(field).is_none() {
                said[field] = value.take();
            }
        }
        *known = said;
    }
}

/// The condition of that type.
pub(crate) fn find<'a>(conditions: &'a [Value], kind: &str) -> Option<&'a Value> {
    conditions.iter().find(|c| text(c, "/type") == kind)
}

/// Whether the condition of that type is there and True.
pub(crate) fn holds(conditions: &[Value], kind: &str) -> bool {
    find(conditions, kind).is_some_and(|c| text(c, "/status") == "True")
}

/// Takes the condition of that type out.
pub(crate) fn remove(conditions: &mut Vec<Value>, kind: &str) {
    conditions.retain(|c| text(c, "/type") != kind);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_condition_keeps_its_time_until_its_status_changes() {
        let mut conditions = Vec::new();
        Condition::new("Ready", false, "Waiting", "").put(&mut conditions, "t1");
        Condition::new("Ready", false, "Pulling", "an image").put(&mut conditions, "t2");
        assert_eq!(
            conditions,
            [
                json!({ "type": "Ready", "status": "False", "reason": "Pulling", "message": "an image", "lastTransitionTime": "t1" })
            ]
        );
        Condition::new("Ready", true, "", "").put(&mut conditions, "t3");
        assert_eq!(conditions, [json!({ "type": "Ready", "status": "True", "lastTransitionTime": "t3" })]);
        assert!(holds(&conditions, "Ready"));
        remove(&mut conditions, "Ready");
        assert!(find(&conditions, "Ready").is_none());
    }
}
