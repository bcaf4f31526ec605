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
