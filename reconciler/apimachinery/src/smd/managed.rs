//! The managers of an object: `metadata.managedFields`.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Map, Value};

use super::fields_v1::FieldsV1Error;
use super::path::FieldPath;
use super::set::FieldSet;
use crate::clock::{Timestamp, rfc3339_seconds};
use crate::goprint;

/// Most entries of Update managers that an object keeps; older ones are merged into [`ANCIENT`].
pub const MAX_UPDATE_MANAGERS: usize = 10;

/// The manager that stands for the oldest updates of an object that has had too many managers.
pub const ANCIENT: &str = "ancient-changes";

/// How a manager came to own its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// It applied them. Applying anew without a field gives it up.
    Apply,
    /// It wrote them in a create, an update or another patch.
    Update,
}

impl Operation {
    /// As it stands in an entry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// What tells one entry from another. Who applies has one entry whatever version it applies in, who updates has one per version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ManagerId {
    /// The name: `kubectl-client-side-apply`.
    pub manager: String,
    /// The operation.
    pub operation: Operation,
    /// The version that was written, empty for [`Operation::Apply`].
    pub api_version: String,
    /// The subresource that was written, empty for the object itself.
    pub subresource: String,
}

impl ManagerId {
    /// Who applies; `unknown` where the name is empty.
    pub fn applier(manager: &str, subresource: &str) -> Self {
        Self::new(manager, Operation::Apply, "", subresource)
    }

    /// Who updates in a version; `unknown` where the name is empty.
    pub fn updater(manager: &str, api_version: &str, subresource: &str) -> Self {
        Self::new(manager, Operation::Update, api_version, subresource)
    }

    fn new(manager: &str, operation: Operation, api_version: &str, subresource: &str) -> Self {
        let manager = if manager.is_empty() { "unknown" } else { manager };
        Self {
            manager: manager.to_owned(),
            operation,
            api_version: api_version.to_owned(),
            subresource: subresource.to_owned(),
        }
    }

    /// The text by which the server identifies, and in messages orders, managers.
    pub(super) fn sort_key(&self) -> String {
        let mut out = String::new();
        let fields = [
            ("manager", self.manager.as_str()),
            ("operation", self.operation.as_str()),
            ("apiVersion", self.api_version.as_str()),
            ("subresource", self.subresource.as_str()),
        ];
        for (name, text) in fields.iter().filter(|(_, text)| !text.is_empty()) {
            out.push(if out.is_empty() { '{' } else { ',' });
            goprint::write_json_string(name, &mut out);
            out.push(':');
            goprint::write_json_string(text, &mut out);
        }
        out.push('}');
        out
    }
}

impl fmt::Display for ManagerId {
    /// As messages about conflicts name it: `"kubectl" with subresource "scale" using apps/v1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&goprint::quote(&self.manager))?;
        if !self.subresource.is_empty() {
            write!(f, " with subresource {}", goprint::quote(&self.subresource))?;
        }
        match self.operation {
            Operation::Apply => Ok(()),
            Operation::Update => write!(f, " using {}", self.api_version),
        }
    }
}

/// What one manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Managed {
    /// The fields.
    pub fields: FieldSet,
    /// The version that the paths are those of.
    pub api_version: String,
    /// When it last changed something; absent where a manager never did (it applied what was there), and for the scale subresource.
    pub time: Option<Timestamp>,
}

/// Why `managedFields` cannot be read. The texts are the server's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManagedFieldsError {
    /// The operation is none.
    #[error("operation must be `Apply` or `Update`")]
    Operation,
    /// No version.
    #[error("apiVersion must not be empty")]
    ApiVersion,
    /// No fields type.
    #[error("missing fieldsType in managed fields entry {entry}")]
    NoFieldsType {
        /// The position of the entry.
        entry: usize,
    },
    /// A fields type other than `FieldsV1`.
    #[error("invalid fieldsType {found:?} in managed fields entry {entry}")]
    FieldsType {
        /// The position of the entry.
        entry: usize,
        /// What stands there.
        found: String,
    },
    /// The time is not RFC 3339.
    #[error("time of managed fields entry {entry} is not in RFC 3339")]
    Time {
        /// The position of the entry.
        entry: usize,
    },
    /// The fields are no `FieldsV1`.
    #[error("error decoding set: {0}")]
    Fields(#[from] FieldsV1Error),
    /// Not a list of objects.
    #[error("managedFields is not a list of entries")]
    Malformed,
}

/// The managers of one object.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Managers(BTreeMap<ManagerId, Managed>);

impl Managers {
    /// Of an object; none where `metadata.managedFields` is absent.
    ///
    /// # Errors
    /// When an entry is malformed; nothing is then known about the others either.
    pub fn of(object: &Value) -> Result<Self, ManagedFieldsError> {
        Self::parse(object.pointer("/metadata/managedFields").unwrap_or(&Value::Null))
    }

    /// Reads `managedFields`.
    ///
    /// # Errors
    /// As [`Managers::of`].
    pub fn parse(entries: &Value) -> Result<Self, ManagedFieldsError> {
        let entries = match entries {
            Value::Null => return Ok(Self::default()),
            Value::Array(entries) => entries,
            _ => return Err(ManagedFieldsError::Malformed),
        };
        entries.iter().enumerate().map(|(i, entry)| parse_entry(i, entry)).collect::<Result<_, _>>().map(Self)
    }

    /// As `managedFields`, in the server's order: Apply before Update, then by time, manager, version, subresource. Null where there are none.
    pub fn to_value(&self) -> Value {
        if self.0.is_empty() {
            return Value::Null;
        }
        Value::Array(self.sorted().into_iter().map(|(id, managed)| entry_value(id, managed)).collect())
    }

    /// Puts the managers into an object, or takes the field away where there are none.
    pub fn write_into(&self, object: &mut Value) {
        let entries = self.to_value();
        let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
        if entries.is_null() {
            metadata.remove("managedFields");
        } else {
            metadata.insert("managedFields".to_owned(), entries);
        }
    }

    /// Whether nobody owns anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What a manager owns.
    pub fn get(&self, id: &ManagerId) -> Option<&Managed> {
        self.0.get(id)
    }

    /// Sets what a manager owns; owning nothing takes the entry away.
    pub fn set(&mut self, id: ManagerId, managed: Managed) {
        if managed.fields.is_empty() {
            self.0.remove(&id);
        } else {
            self.0.insert(id, managed);
        }
    }

    /// Takes an entry away.
    pub fn remove(&mut self, id: &ManagerId) -> Option<Managed> {
        self.0.remove(id)
    }

    /// All managers, by name, operation, version and subresource.
    pub fn iter(&self) -> impl Iterator<Item = (&ManagerId, &Managed)> {
        self.0.iter()
    }

    /// All fields that managers own of which `which` is true, whatever version they were written in.
    pub fn fields_of(&self, which: impl Fn(&ManagerId) -> bool) -> FieldSet {
        self.0.iter().filter(|(id, _)| which(id)).fold(FieldSet::new(), |all, (_, m)| all.union(&m.fields))
    }

    /// The managers that own a path.
    pub fn owners<'a>(&'a self, path: &'a FieldPath) -> impl Iterator<Item = &'a ManagerId> {
        self.0.iter().filter(|(_, managed)| managed.fields.contains(&path.0)).map(|(id, _)| id)
    }

    /// In the server's order.
    pub(super) fn sorted(&self) -> Vec<(&ManagerId, &Managed)> {
        let mut entries: Vec<_> = self.0.iter().collect();
        entries.sort_by(|(a, x), (b, y)| {
            a.operation
                .cmp(&b.operation)
                .then_with(|| seconds(x).cmp(&seconds(y)))
                .then_with(|| a.manager.cmp(&b.manager))
                .then_with(|| x.api_version.cmp(&y.api_version))
                .then_with(|| a.subresource.cmp(&b.subresource))
        });
        entries
    }

    /// Changes every entry; one that owns nothing afterwards, or for which there is no answer, goes.
    pub(super) fn rewrite(&mut self, mut change: impl FnMut(&ManagerId, &Managed) -> Option<FieldSet>) {
        self.0.retain(|id, managed| match change(id, managed) {
            Some(fields) => {
                managed.fields = fields;
                !managed.fields.is_empty()
            }
            None => false,
        });
    }

    /// Merges the oldest updaters of a version into one [`ANCIENT`] entry until there are few enough.
    pub(super) fn cap_updaters(&mut self) {
        let mut updaters: Vec<ManagerId> =
            self.0.keys().filter(|id| id.operation == Operation::Update).cloned().collect();
        let mut count = updaters.len();
        if count <= MAX_UPDATE_MANAGERS {
            return;
        }
        updaters.sort_by_key(|id| (self.0.get(id).map_or(0, seconds), id.sort_key()));
        let mut oldest: BTreeMap<String, ManagerId> = BTreeMap::new();
        for id in updaters {
            if count <= MAX_UPDATE_MANAGERS {
                return;
            }
            let Some(version) = self.0.get(&id).map(|managed| managed.api_version.clone()) else { continue };
            match oldest.get(&version) {
                // One entry alone cannot be merged; it waits for the next of its version.
                None => drop(oldest.insert(version, id)),
                Some(first) => {
                    self.merge_into_ancient(first, &id, &version);
                    count -= 1;
                }
            }
        }
    }

    fn merge_into_ancient(&mut self, first: &ManagerId, later: &ManagerId, version: &str) {
        let bucket = ManagerId::updater(ANCIENT, version, "");
        if !self.0.contains_key(&bucket)
            && let Some(managed) = self.0.remove(first)
        {
            self.0.insert(bucket.clone(), managed);
        }
        let Some(later) = self.0.remove(later) else { return };
        let fields = self.0.get(&bucket).map_or(later.fields.clone(), |old| old.fields.union(&later.fields));
        self.0.insert(bucket, Managed { fields, ..later });
    }
}

fn seconds(managed: &Managed) -> i64 {
    managed.time.map_or(0, Timestamp::as_second)
}

fn parse_entry(index: usize, entry: &Value) -> Result<(ManagerId, Managed), ManagedFieldsError> {
    let fields = entry.as_object().ok_or(ManagedFieldsError::Malformed)?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let operation = match text("operation") {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err(ManagedFieldsError::Operation),
    };
    let api_version = text("apiVersion");
    if api_version.is_empty() {
        return Err(ManagedFieldsError::ApiVersion);
    }
    match text("fieldsType") {
        "FieldsV1" => {}
        "" => return Err(ManagedFieldsError::NoFieldsType { entry: index }),
        found => return Err(ManagedFieldsError::FieldsType { entry: index, found: found.to_owned() }),
    }
    let time = match fields.get("time") {
        None | Some(Value::Null) => None,
        Some(time) => Some(parse_time(time).ok_or(ManagedFieldsError::Time { entry: index })?),
    };
    let id = ManagerId {
        manager: text("manager").to_owned(),
        operation,
        api_version: if operation == Operation::Apply { String::new() } else { api_version.to_owned() },
        subresource: text("subresource").to_owned(),
    };
    let fields = FieldSet::from_fields_v1(fields.get("fieldsV1").unwrap_or(&Value::Null))?;
    Ok((id, Managed { fields, api_version: api_version.to_owned(), time }))
}

fn parse_time(time: &Value) -> Option<Timestamp> {
    time.as_str()?.parse().ok()
}

fn entry_value(id: &ManagerId, managed: &Managed) -> Value {
    let mut entry = Map::new();
    let mut put = |name: &str, value: Value| drop(entry.insert(name.to_owned(), value));
    put("apiVersion", managed.api_version.as_str().into());
    put("fieldsType", "FieldsV1".into());
    put("fieldsV1", managed.fields.to_fields_v1());
    if !id.manager.is_empty() {
        put("manager", id.manager.as_str().into());
    }
    put("operation", id.operation.as_str().into());
    if !id.subresource.is_empty() {
        put("subresource", id.subresource.as_str().into());
    }
    if let Some(time) = managed.time {
        put("time", rfc3339_seconds(time).into());
    }
    Value::Object(entry)
}

/// Gives entries back the times they had, where a write changed nothing else: otherwise every apply that normalises to what is stored would be a new
/// resourceVersion, and wake every watcher.
///
/// `stored` is the object before the write, `new` the one that would be stored, complete with defaults.
pub fn keep_times_of_unchanged(stored: &Value, new: &mut Value) {
    let pointer = "/metadata/managedFields";
    let (Some(Value::Array(old)), Some(Value::Array(entries))) =
        (stored.pointer(pointer), new.pointer(pointer))
    else {
        return;
    };
    if old.len() != entries.len() || !old.iter().zip(entries).all(|(a, b)| same_but_time(a, b)) {
        return;
    }
    let kept = Value::Array(old.clone());
    let mut candidate = new.clone();
    if let Some(entries) = candidate.pointer_mut(pointer) {
        *entries = kept;
    }
    if candidate == *stored {
        *new = candidate;
    }
}

fn same_but_time(left: &Value, right: &Value) -> bool {
    let (Some(left), Some(right)) = (left.as_object(), right.as_object()) else { return false };
    let strip = |entry: &Map<String, Value>| {
        entry.iter().filter(|(k, _)| *k != "time").map(|(k, v)| (k.clone(), v.clone())).collect::<Vec<_>>()
    };
    strip(left) == strip(right)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::smd::testing::fields;

    fn entry(manager: &str, operation: &str, time: i64) -> Value {
        let time = rfc3339_seconds(Timestamp::from_second(time).unwrap());
        let fields = json!({"f:spec": {format!("f:{manager}"): {}}});
        json!({
            "manager": manager, "operation": operation, "apiVersion": "apps/v1",
            "time": time, "fieldsType": "FieldsV1", "fieldsV1": fields,
        })
    }

    #[test]
    fn entries_come_back_in_the_servers_order() {
        let sorted = json!([
            entry("b", "Apply", 9),
            entry("z", "Update", 1),
            entry("a", "Update", 2),
            entry("b", "Update", 2),
        ]);
        let mut shuffled = sorted.as_array().unwrap().clone();
        shuffled.reverse();
        assert_eq!(Managers::parse(&Value::Array(shuffled)).unwrap().to_value(), sorted);
    }

    #[test]
    fn an_applier_has_one_entry_whatever_the_version() {
        let applied = |version: &str| {
            let mut entry = entry("a", "Apply", 1);
            entry["apiVersion"] = version.into();
            entry
        };
        let managers = Managers::parse(&json!([applied("apps/v1beta1"), applied("apps/v1")])).unwrap();
        assert_eq!(managers.to_value(), json!([applied("apps/v1")]));
    }

    #[test]
    fn what_is_malformed_is_named() {
        #[track_caller]
        fn check(field: &str, value: Value, expected: &str) {
            let mut entry = entry("a", "Update", 1);
            entry[field] = value;
            assert_eq!(Managers::parse(&json!([entry])).unwrap_err().to_string(), expected);
        }
        check("operation", json!("Patch"), "operation must be `Apply` or `Update`");
        check("apiVersion", json!(""), "apiVersion must not be empty");
        check("fieldsType", json!(""), "missing fieldsType in managed fields entry 0");
        check("fieldsType", json!("FieldsV2"), r#"invalid fieldsType "FieldsV2" in managed fields entry 0"#);
        check("time", json!("noon"), "time of managed fields entry 0 is not in RFC 3339");
        check(
            "fieldsV1",
            json!({"x": {}}),
            r#"error decoding set: fieldsV1: shorter than two characters, at key "x""#,
        );
    }

    #[test]
    fn managers_are_named_as_in_messages() {
        assert_eq!(ManagerId::applier("kubectl", "").to_string(), r#""kubectl""#);
        assert_eq!(
            ManagerId::updater("kubectl", "apps/v1", "scale").to_string(),
            r#""kubectl" with subresource "scale" using apps/v1"#
        );
        assert_eq!(ManagerId::updater("", "v1", "").to_string(), r#""unknown" using v1"#);
    }

    #[test]
    fn the_oldest_updaters_become_ancient_changes() {
        let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
        let mut entries: Vec<Value> =
            (0..).zip(names).map(|(i, name)| entry(name, "Update", 100 + i)).collect();
        entries.push(entry("applier", "Apply", 1));
        // The oldest of all is the only one of its version and stays.
        let mut other = entry("other", "Update", 1);
        other["apiVersion"] = "apps/v1beta1".into();
        entries.push(other);
        let mut managers = Managers::parse(&Value::Array(entries)).unwrap();
        managers.cap_updaters();
        let left: Vec<_> = managers.iter().map(|(id, _)| id.manager.as_str()).collect();
        assert_eq!(left, ["ancient-changes", "applier", "e", "f", "g", "h", "i", "j", "k", "l", "other"]);
        let ancient = managers.get(&ManagerId::updater(ANCIENT, "apps/v1", "")).unwrap();
        assert_eq!(ancient.fields, fields(&json!({"f:spec": {"f:a": {}, "f:b": {}, "f:c": {}, "f:d": {}}})));
        assert_eq!(ancient.time.unwrap().as_second(), 103);
    }

    #[test]
    fn a_write_that_changes_nothing_keeps_the_times() {
        let object = |time: i64, replicas: i64| {
            let metadata = json!({"name": "x", "managedFields": [entry("a", "Apply", time)]});
            json!({"metadata": metadata, "spec": {"replicas": replicas}})
        };
        let after = |stored: &Value, mut new: Value| {
            keep_times_of_unchanged(stored, &mut new);
            new
        };
        assert_eq!(after(&object(1, 1), object(2, 1)), object(1, 1));
        assert_eq!(after(&object(1, 1), object(2, 2)), object(2, 2));
        let mut other = object(2, 1);
        other["metadata"]["managedFields"][0]["manager"] = "b".into();
        assert_eq!(after(&object(1, 1), other.clone()), other);
    }
}
