//! Volumes, claims, storage classes and what drives them.

use apimachinery::Timestamp;
use serde_json::{Value, json};

use super::read::{NONE, UNSET, at, count, is_deleting, is_true, list, scalar, text, text_or};
use super::{AGE, Column, NAME, Printer, age, boolean, integer, name, string, wide};

pub(super) fn printer(group: &str, kind: &str) -> Option<&'static Printer> {
    match (group, kind) {
        ("", "PersistentVolume") => Some(&PERSISTENT_VOLUME),
        ("", "PersistentVolumeClaim") => Some(&PERSISTENT_VOLUME_CLAIM),
        ("storage.k8s.io", "StorageClass") => Some(&STORAGE_CLASS),
        ("storage.k8s.io", "VolumeAttributesClass") => Some(&VOLUME_ATTRIBUTES_CLASS),
        ("storage.k8s.io", "VolumeAttachment") => Some(&VOLUME_ATTACHMENT),
        ("storage.k8s.io", "CSINode") => Some(&CSI_NODE),
        ("storage.k8s.io", "CSIDriver") => Some(&CSI_DRIVER),
        _ => None,
    }
}

/// Before it was a field, the class stood in this annotation, which still wins.
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";
const DEFAULT_ANNOTATIONS: [&str; 2] =
    ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

static PERSISTENT_VOLUME: Printer = Printer {
    columns: &[
        NAME,
        string("Capacity"),
        string("Access Modes"),
        string("Reclaim Policy"),
        string("Status"),
        string("Claim"),
        string("StorageClass"),
        string("VolumeAttributesClass"),
        string("Reason"),
        AGE,
        wide("VolumeMode"),
    ],
    cells: persistent_volume_cells,
};

fn persistent_volume_cells(object: &Value, now: Timestamp) -> Vec<Value> {
    let claim = at(object, &["spec", "claimRef"]);
    let claim = if claim.is_null() {
        String::new()
    } else {
        format!("{}/{}", text(claim, &["namespace"]), text(claim, &["name"]))
    };
    vec![
        name(object),
        json!(scalar(at(object, &["spec", "capacity", "storage"]))),
        json!(access_modes(list(object, &["spec", "accessModes"]))),
        json!(text(object, &["spec", "persistentVolumeReclaimPolicy"])),
        json!(phase(object)),
        json!(claim),
        json!(storage_class(object)),
        json!(text_or(object, &["spec", "volumeAttributesClassName"], UNSET)),
        json!(text(object, &["status", "reason"])),
        age(object, now),
        json!(text_or(object, &["spec", "volumeMode"], UNSET)),
    ]
}

fn phase(object: &Value) -> &str {
    if is_deleting(object) { "Terminating" } else { text(object, &["status", "phase"]) }
}

fn storage_class(object: &Value) -> &str {
    text_or(
        object,
        &["metadata", "annotations", CLASS_ANNOTATION],
        text(object, &["spec", "storageClassName"]),
    )
}

fn access_modes(modes: &[Value]) -> String {
    let known = [
        ("ReadWriteOnce", "RWO"),
        ("ReadOnlyMany", "ROX"),
        ("ReadWriteMany", "RWX"),
        ("ReadWriteOncePod", "RWOP"),
    ];
    let has = |mode: &str| modes.iter().any(|value| value == mode);
    let short: Vec<&str> = known.iter().filter(|(mode, _)| has(mode)).map(|(_, short)| *short).collect();
    short.join(",")
}

static PERSISTENT_VOLUME_CLAIM: Printer = Printer {
    columns: &[
        NAME,
        string("Status"),
        string("Volume"),
        string("Capacity"),
        string("Access Modes"),
        string("StorageClass"),
        string("VolumeAttributesClass"),
        AGE,
        wide("VolumeMode"),
    ],
    cells: persistent_volume_claim_cells,
};

fn persistent_volume_claim_cells(object: &Value, now: Timestamp) -> Vec<Value> {
    let volume = text(object, &["spec", "volumeName"]);
    let (mut capacity, mut modes) = (String::new(), String::new());
    if !volume.is_empty() {
        capacity = scalar(at(object, &["status", "capacity", "storage"]));
        modes = access_modes(list(object, &["status", "accessModes"]));
    }
    vec![
        name(object),
        json!(phase(object)),
        json!(volume),
        json!(capacity),
        json!(modes),
        json!(storage_class(object)),
        json!(text_or(object, &["spec", "volumeAttributesClassName"], UNSET)),
        age(object, now),
        json!(text_or(object, &["spec", "volumeMode"], UNSET)),
    ]
}

static STORAGE_CLASS: Printer = Printer {
    columns: &[
        NAME,
        string("Provisioner"),
        string("ReclaimPolicy"),
        string("VolumeBindingMode"),
        string("AllowVolumeExpansion"),
        AGE,
    ],
    cells: |object, now| {
        let is_default = DEFAULT_ANNOTATIONS
            .iter()
            .any(|annotation| text(object, &["metadata", "annotations", annotation]) == "true");
        let shown = text(object, &["metadata", "name"]);
        vec![
            json!(if is_default { format!("{shown} (default)") } else { shown.to_owned() }),
            json!(text(object, &["provisioner"])),
            json!(text_or(object, &["reclaimPolicy"], "Delete")),
            json!(text_or(object, &["volumeBindingMode"], "Immediate")),
            json!(is_true(object, &["allowVolumeExpansion"])),
            age(object, now),
        ]
    },
};

static VOLUME_ATTRIBUTES_CLASS: Printer = Printer {
    columns: &[NAME, string("DriverName"), AGE],
    cells: |object, now| vec![name(object), json!(text(object, &["driverName"])), age(object, now)],
};

static VOLUME_ATTACHMENT: Printer = Printer {
    columns: &[
        NAME,
        Column { name: "Attacher", ..NAME },
        string("PV"),
        string("Node"),
        boolean("Attached"),
        AGE,
    ],
    cells: |object, now| {
        vec![
            name(object),
            json!(text(object, &["spec", "attacher"])),
            json!(text(object, &["spec", "source", "persistentVolumeName"])),
            json!(text(object, &["spec", "nodeName"])),
            json!(is_true(object, &["status", "attached"])),
            age(object, now),
        ]
    },
};

static CSI_NODE: Printer = Printer {
    columns: &[NAME, integer("Drivers"), AGE],
    cells: |object, now| vec![name(object), json!(count(object, &["spec", "drivers"])), age(object, now)],
};

static CSI_DRIVER: Printer = Printer {
    columns: &[
        NAME,
        boolean("AttachRequired"),
        boolean("PodInfoOnMount"),
        boolean("StorageCapacity"),
        string("TokenRequests"),
        boolean("RequiresRepublish"),
        string("Modes"),
        AGE,
    ],
    cells: csi_driver_cells,
};

fn csi_driver_cells(object: &Value, now: Timestamp) -> Vec<Value> {
    let tokens = match at(object, &["spec", "tokenRequests"]) {
        Value::Array(requests) => {
            requests.iter().map(|request| text(request, &["audience"])).collect::<Vec<_>>().join(",")
        }
        _ => UNSET.into(),
    };
    let modes: Vec<String> = list(object, &["spec", "volumeLifecycleModes"]).iter().map(scalar).collect();
    vec![
        name(object),
        json!(at(object, &["spec", "attachRequired"]).as_bool().unwrap_or(true)),
        json!(is_true(object, &["spec", "podInfoOnMount"])),
        json!(is_true(object, &["spec", "storageCapacity"])),
        json!(tokens),
        json!(is_true(object, &["spec", "requiresRepublish"])),
        json!(if modes.is_empty() { NONE.to_owned() } else { modes.join(",") }),
        age(object, now),
    ]
}
