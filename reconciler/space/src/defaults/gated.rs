//! Fields behind feature gates that release 1.35 leaves off: the server knows them and stores none of them. Compared with kube-apiserver v1.35.4.
//!
//! Its strategies drop them from new objects; here decoding does, which comes to the same while no stored object has one.

use super::Fields;

/// A struct, and a field of it.
const OFF: [(&str, &str); 6] = [
    ("coordination.v1.LeaseSpec", "preferredHolder"),
    ("coordination.v1.LeaseSpec", "strategy"),
    ("core.v1.PodSpec", "workloadRef"),
    ("resource.v1.DeviceConstraint", "distinctAttribute"),
    ("resource.v1.DeviceSubRequest", "capacity"),
    ("resource.v1.ExactDeviceRequest", "capacity"),
];

pub(super) fn drop(name: &str, fields: &mut Fields) {
    for (_, field) in OFF.iter().filter(|(definition, _)| *definition == name) {
        fields.remove(*field);
    }
}
