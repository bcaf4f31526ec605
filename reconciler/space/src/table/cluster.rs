//! Nodes, events, leases, certificate requests and the other furniture of a cluster.

use apimachinery::Timestamp;
use serde_json::{Value, json};

use super::age::human;
use super::read::{
    NONE, UNKNOWN, at, condition, entries, is_true, list, number, scalar, since, text, text_or, time,
};
use super::{AGE, Column, NAME, NAME_AND_AGE, Printer, age, boolean, integer, name, string, wide};

pub(super) fn printer(group: &str, kind: &str) -> Option<&'static Printer> {
    match (group, kind) {
        ("", "Node") => Some(&NODE),
        ("" | "events.k8s.io", "Event") => Some(&EVENT),
        ("", "ComponentStatus") => Some(&COMPONENT_STATUS),
        ("coordination.k8s.io", "Lease") => Some(&LEASE),
        ("coordination.k8s.io", "LeaseCandidate") => Some(&LEASE_CANDIDATE),
        ("certificates.k8s.io", "CertificateSigningRequest") => Some(&CERTIFICATE_SIGNING_REQUEST),
        ("certificates.k8s.io", "ClusterTrustBundle") => Some(&CLUSTER_TRUST_BUNDLE),
        ("scheduling.k8s.io", "PriorityClass") => Some(&PRIORITY_CLASS),
        ("scheduling.k8s.io", "Workload") => Some(&NAME_AND_AGE),
        ("node.k8s.io", "RuntimeClass") => Some(&RUNTIME_CLASS),
        ("resource.k8s.io", "DeviceClass" | "ResourceClaimTemplate") => Some(&NAME_AND_AGE),
        ("resource.k8s.io", "ResourceClaim") => Some(&RESOURCE_CLAIM),
        ("resource.k8s.io", "ResourceSlice") => Some(&RESOURCE_SLICE),
        _ => None,
    }
}

const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
const ROLE_LABEL: &str = "kubernetes.io/role";

static NODE: Printer = Printer {
    columns: &[
        NAME,
        string("Status"),
        string("Roles"),
        AGE,
        string("Version"),
        wide("Internal-IP"),
        wide("External-IP"),
        wide("OS-Image"),
        wide("Kernel-Version"),
        wide("Container-Runtime"),
    ],
    cells: node_cells,
};

fn node_cells(object: &Value, now: Timestamp) -> Vec<Value> {
    let info = |field: &str| json!(text_or(object, &["status", "nodeInfo", field], UNKNOWN));
    let address = |address_type: &str| {
        let found = condition(object, &["status", "addresses"], address_type);
        json!(found.map_or(NONE, |address| text(address, &["address"])))
    };
    vec![
        name(object),
        json!(node_status(object)),
        json!(node_roles(object)),
        age(object, now),
        json!(text(object, &["status", "nodeInfo", "kubeletVersion"])),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage"),
        info("kernelVersion"),
        info("containerRuntimeVersion"),
    ]
}

fn node_status(node: &Value) -> String {
    let ready = condition(node, &["status", "conditions"], "Ready");
    let status = ready.map(|ready| text(ready, &["status"]));
    let mut shown = match status {
        Some("True") => "Ready".to_owned(),
        Some(_) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if is_true(node, &["spec", "unschedulable"]) {
        shown.push_str(",SchedulingDisabled");
    }
    shown
}

fn node_roles(node: &Value) -> String {
    let mut roles: Vec<String> = entries(node, &["metadata", "labels"])
        .filter_map(|(key, value)| match key.strip_prefix(ROLE_PREFIX) {
            Some(role) => Some(role.to_owned()),
            None if key == ROLE_LABEL => Some(scalar(value)),
            None => None,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort();
    roles.dedup();
    if roles.is_empty() { NONE.into() } else { roles.join(",") }
}

static EVENT: Printer = Printer {
    columns: &[
        string("Last Seen"),
        string("Type"),
        string("Reason"),
        string("Object"),
        wide("Subobject"),
        wide("Source"),
        string("Message"),
        wide("First Seen"),
        wide("Count"),
        Column { priority: 1, ..NAME },
    ],
    cells: event_cells,
};

/// `events.k8s.io` renames some fields of the same object.
fn either<'a>(event: &'a Value, core: &[&str], events: &[&str]) -> &'a Value {
    match at(event, core) {
        Value::Null => at(event, events),
        found => found,
    }
}

fn event_cells(event: &Value, now: Timestamp) -> Vec<Value> {
    let stamp = |core: &str, renamed: &str| {
        either(event, &[core], &[renamed]).as_str().and_then(|text| text.parse::<Timestamp>().ok())
    };
    let human_since = |then: Option<Timestamp>| {
        then.map_or_else(|| UNKNOWN.to_owned(), |then| human(super::read::seconds_between(then, now)))
    };
    let first = stamp("firstTimestamp", "deprecatedFirstTimestamp").or_else(|| time(event, &["eventTime"]));
    let mut last = stamp("lastTimestamp", "deprecatedLastTimestamp").or(first);
    let mut count = either(event, &["count"], &["deprecatedCount"]).as_i64().unwrap_or(1).max(1);
    if !at(event, &["series"]).is_null() {
        last = time(event, &["series", "lastObservedTime"]);
        count = number(event, &["series", "count"]);
    }
    let object = either(event, &["involvedObject"], &["regarding"]);
    let kind = text(object, &["kind"]).to_lowercase();
    let target = match text(object, &["name"]) {
        "" => kind,
        named => format!("{kind}/{named}"),
    };
    let message = either(event, &["message"], &["note"]).as_str().unwrap_or_default();
    vec![
        json!(human_since(last)),
        json!(text(event, &["type"])),
        json!(text(event, &["reason"])),
        json!(target),
        json!(text(object, &["fieldPath"])),
        json!(event_source(event)),
        json!(message.trim()),
        json!(human_since(first)),
        json!(count),
        name(event),
    ]
}

fn event_source(event: &Value) -> String {
    let source = either(event, &["source"], &["deprecatedSource"]);
    let controller =
        either(event, &["reportingComponent"], &["reportingController"]).as_str().unwrap_or_default();
    let component = text_or(source, &["component"], controller);
    match text_or(source, &["host"], text(event, &["reportingInstance"])) {
        "" => component.to_owned(),
        instance => format!("{component}, {instance}"),
    }
}

static COMPONENT_STATUS: Printer = Printer {
    columns: &[NAME, string("Status"), string("Message"), string("Error")],
    cells: |object, _| {
        let healthy = condition(object, &["conditions"], "Healthy");
        let field = |field: &str| json!(healthy.map_or("", |healthy| text(healthy, &[field])));
        let status = match healthy.map(|healthy| text(healthy, &["status"])) {
            Some("True") => "Healthy",
            Some(_) => "Unhealthy",
            None => "Unknown",
        };
        vec![name(object), json!(status), field("message"), field("error")]
    },
};

static LEASE: Printer = Printer {
    columns: &[NAME, string("Holder"), AGE],
    cells: |object, now| {
        vec![name(object), json!(text(object, &["spec", "holderIdentity"])), age(object, now)]
    },
};

static LEASE_CANDIDATE: Printer = Printer {
    columns: &[NAME, string("LeaseName"), string("BinaryVersion"), string("EmulationVersion"), AGE],
    cells: |object, now| {
        let spec = |field: &str| json!(text(object, &["spec", field]));
        vec![
            name(object),
            spec("leaseName"),
            spec("binaryVersion"),
            spec("emulationVersion"),
            age(object, now),
        ]
    },
};

static CERTIFICATE_SIGNING_REQUEST: Printer = Printer {
    columns: &[
        NAME,
        AGE,
        string("SignerName"),
        string("Requestor"),
        string("RequestedDuration"),
        string("Condition"),
    ],
    cells: |object, now| {
        let duration = at(object, &["spec", "expirationSeconds"]).as_i64().map_or_else(|| NONE.into(), human);
        vec![
            name(object),
            age(object, now),
            json!(text_or(object, &["spec", "signerName"], NONE)),
            json!(text(object, &["spec", "username"])),
            json!(duration),
            json!(request_state(object)),
        ]
    },
};

fn request_state(request: &Value) -> String {
    let has = |condition_type: &str| condition(request, &["status", "conditions"], condition_type).is_some();
    let mut state = match () {
        () if has("Denied") => "Denied",
        () if has("Approved") => "Approved",
        () => "Pending",
    }
    .to_owned();
    if has("Failed") {
        state.push_str(",Failed");
    }
    if !text(request, &["status", "certificate"]).is_empty() {
        state.push_str(",Issued");
    }
    state
}

static CLUSTER_TRUST_BUNDLE: Printer = Printer {
    columns: &[NAME, string("SignerName")],
    cells: |object, _| vec![name(object), json!(text_or(object, &["spec", "signerName"], NONE))],
};

static PRIORITY_CLASS: Printer = Printer {
    columns: &[NAME, integer("Value"), boolean("Global-Default"), AGE, string("PreemptionPolicy")],
    cells: |object, now| {
        vec![
            name(object),
            json!(number(object, &["value"])),
            json!(is_true(object, &["globalDefault"])),
            age(object, now),
            json!(text(object, &["preemptionPolicy"])),
        ]
    },
};

static RUNTIME_CLASS: Printer = Printer {
    columns: &[NAME, string("Handler"), AGE],
    cells: |object, now| vec![name(object), json!(text(object, &["handler"])), age(object, now)],
};

static RESOURCE_CLAIM: Printer = Printer {
    columns: &[NAME, string("State"), AGE],
    cells: |object, now| {
        let deleting = super::read::is_deleting(object);
        let allocated = !at(object, &["status", "allocation"]).is_null();
        let reserved = allocated && !list(object, &["status", "reservedFor"]).is_empty();
        let states: Vec<&str> = [
            (deleting, "deleted"),
            (!allocated && !deleting, "pending"),
            (allocated, "allocated"),
            (reserved, "reserved"),
        ]
        .into_iter()
        .filter_map(|(holds, state)| holds.then_some(state))
        .collect();
        vec![name(object), json!(states.join(",")), age(object, now)]
    },
};

static RESOURCE_SLICE: Printer = Printer {
    columns: &[NAME, string("Node"), string("Driver"), string("Pool"), AGE],
    cells: |object, now| {
        vec![
            name(object),
            json!(text(object, &["spec", "nodeName"])),
            json!(text(object, &["spec", "driver"])),
            json!(text(object, &["spec", "pool", "name"])),
            json!(since(object, &["metadata", "creationTimestamp"], now)),
        ]
    },
};
