//! Managers seen through the scale subresource, where the replicas of every scalable kind stand at `spec.replicas` of `autoscaling/v1`.

use super::managed::{Managed, ManagerId, Managers, Operation};
use super::path::FieldPath;
use super::set::FieldSet;

/// The version that scale objects have.
pub const SCALE_VERSION: &str = "autoscaling/v1";

/// The managers of a scale: those of the object that own its replicas. `replicas` is where they stand in the object.
pub fn managers_of_scale(parent: &Managers, replicas: &FieldPath) -> Managers {
    let mut managers = Managers::default();
    for (id, managed) in parent.iter().filter(|(_, managed)| managed.fields.contains(&replicas.0)) {
        managers.set(in_version(id, SCALE_VERSION), view(managed, &in_scale(), SCALE_VERSION));
    }
    managers
}

/// The managers of the object after a write to its scale: who does not own the replicas of the scale any more does not own those of the object, and the other way
/// round. `api_version` is the object's, for managers that come in through the scale.
pub fn managers_of_parent(
    parent: &Managers,
    scale: &Managers,
    replicas: &FieldPath,
    api_version: &str,
) -> Managers {
    let here: FieldSet = [replicas.clone()].into_iter().collect();
    let mut managers = Managers::default();
    for (id, managed) in parent.iter() {
        let keeps = scale.get(&in_version(id, SCALE_VERSION)).is_some();
        let fields = if keeps { managed.fields.clone() } else { managed.fields.difference(&here) };
        managers.set(id.clone(), Managed { fields, ..managed.clone() });
    }
    for (id, managed) in scale.iter().filter(|(_, managed)| managed.fields.contains(&in_scale().0)) {
        let owner = parent
            .iter()
            .find(|(known, m)| in_version(known, SCALE_VERSION) == *id && m.fields.contains(&replicas.0));
        if owner.is_none() {
            // The server keeps no time for an entry that comes in through the scale.
            let managed = Managed { time: None, ..view(managed, replicas, api_version) };
            managers.set(in_version(id, api_version), managed);
        }
    }
    managers
}

fn in_scale() -> FieldPath {
    FieldPath::of_fields(["spec", "replicas"])
}

fn view(managed: &Managed, path: &FieldPath, api_version: &str) -> Managed {
    let fields = [path.clone()].into_iter().collect();
    Managed { fields, api_version: api_version.to_owned(), time: managed.time }
}

fn in_version(id: &ManagerId, api_version: &str) -> ManagerId {
    match id.operation {
        Operation::Apply => id.clone(),
        Operation::Update => ManagerId { api_version: api_version.to_owned(), ..id.clone() },
    }
}

#[cfg(test)]
#[expect(clippy::needless_pass_by_value, reason = "tables of json!() read better without ampersands")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn entry(manager: &str, operation: &str, version: &str, fields: Value) -> Value {
        json!({
            "manager": manager, "operation": operation, "apiVersion": version,
            "fieldsType": "FieldsV1", "fieldsV1": fields,
        })
    }

    fn managers(entries: &[Value]) -> Managers {
        Managers::parse(&Value::Array(entries.to_vec())).unwrap()
    }

    #[test]
    fn owners_of_replicas_go_into_the_scale_and_come_back() {
        let path = FieldPath::of_fields(["spec", "replicas"]);
        let both = json!({"f:spec": {"f:replicas": {}, "f:paused": {}}});
        let replicas = json!({"f:spec": {"f:replicas": {}}});
        let parent = managers(&[
            entry("a", "Apply", "apps/v1", both.clone()),
            entry("u", "Update", "apps/v1", both.clone()),
            entry("o", "Update", "apps/v1", json!({"f:spec": {"f:paused": {}}})),
        ]);
        let scale = managers_of_scale(&parent, &path);
        let expected = managers(&[
            entry("a", "Apply", "autoscaling/v1", replicas.clone()),
            entry("u", "Update", "autoscaling/v1", replicas.clone()),
        ]);
        assert_eq!(scale, expected);
        assert_eq!(managers_of_parent(&parent, &scale, &path, "apps/v1"), parent);
    }

    #[test]
    fn scaling_takes_the_replicas_from_their_owner() {
        let path = FieldPath::of_fields(["spec", "replicas"]);
        let replicas = json!({"f:spec": {"f:replicas": {}}});
        let parent = managers(&[
            entry("a", "Apply", "apps/v1", json!({"f:spec": {"f:replicas": {}, "f:paused": {}}})),
            entry("only", "Update", "apps/v1", replicas.clone()),
        ]);
        let mut scaled = entry("kubectl", "Update", "autoscaling/v1", replicas.clone());
        scaled["subresource"] = "scale".into();
        scaled["time"] = "2026-11-20T11:13:11Z".into();
        let after = managers_of_parent(&parent, &managers(&[scaled]), &path, "apps/v1");
        let mut kubectl = entry("kubectl", "Update", "apps/v1", replicas);
        kubectl["subresource"] = "scale".into();
        let expected =
            managers(&[entry("a", "Apply", "apps/v1", json!({"f:spec": {"f:paused": {}}})), kubectl]);
        assert_eq!(after, expected);
    }
}
