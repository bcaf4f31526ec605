//! Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs, CronJobs.

use apimachinery::Timestamp;
use serde_json::{Value, json};

use super::age::human;
use super::read::{
    NONE, UNSET, at, condition_is_true, containers, is_deleting, is_true, labels, list, number, scalar,
    seconds_between, selector, selector_or_none, since, text, text_or, time,
};
use super::{AGE, NAME, Printer, age, boolean, integer, name, string, wide};

pub(super) fn printer(group: &str, kind: &str) -> Option<&'static Printer> {
    match (group, kind) {
        ("apps", "Deployment") => Some(&DEPLOYMENT),
        ("apps", "ReplicaSet") => Some(&REPLICA_SET),
        ("", "ReplicationController") => Some(&REPLICATION_CONTROLLER),
        ("apps", "StatefulSet") => Some(&STATEFUL_SET),
        ("apps", "DaemonSet") => Some(&DAEMON_SET),
        ("apps", "ControllerRevision") => Some(&CONTROLLER_REVISION),
        ("batch", "Job") => Some(&JOB),
        ("batch", "CronJob") => Some(&CRON_JOB),
        _ => None,
    }
}

const TEMPLATE_CONTAINERS: &[&str] = &["spec", "template", "spec", "containers"];

static DEPLOYMENT: Printer = Printer {
    columns: &[
        NAME,
        string("Ready"),
        string("Up-to-date"),
        string("Available"),
        AGE,
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    cells: |object, now| {
        let [names, images] = containers(object, TEMPLATE_CONTAINERS);
        vec![
            name(object),
            json!(ready_of_desired(object)),
            json!(number(object, &["status", "updatedReplicas"])),
            json!(number(object, &["status", "availableReplicas"])),
            age(object, now),
            names,
            images,
            json!(selector(object, &["spec", "selector"])),
        ]
    },
};

fn ready_of_desired(object: &Value) -> String {
    format!("{}/{}", number(object, &["status", "readyReplicas"]), number(object, &["spec", "replicas"]))
}

static REPLICA_SET: Printer = Printer {
    columns: REPLICATED,
    cells: |object, now| replicated(object, now, &selector_or_none(object, &["spec", "selector"])),
};

static REPLICATION_CONTROLLER: Printer = Printer {
    columns: REPLICATED,
    cells: |object, now| replicated(object, now, &labels(object, &["spec", "selector"])),
};

const REPLICATED: &[super::Column] = &[
    NAME,
    integer("Desired"),
    integer("Current"),
    integer("Ready"),
    AGE,
    wide("Containers"),
    wide("Images"),
    wide("Selector"),
];

fn replicated(object: &Value, now: Timestamp, selector: &str) -> Vec<Value> {
    let [names, images] = containers(object, TEMPLATE_CONTAINERS);
    vec![
        name(object),
        json!(number(object, &["spec", "replicas"])),
        json!(number(object, &["status", "replicas"])),
        json!(number(object, &["status", "readyReplicas"])),
        age(object, now),
        names,
        images,
        json!(selector),
    ]
}

static STATEFUL_SET: Printer = Printer {
    columns: &[NAME, string("Ready"), AGE, wide("Containers"), wide("Images")],
    cells: |object, now| {
        let [names, images] = containers(object, TEMPLATE_CONTAINERS);
        vec![name(object), json!(ready_of_desired(object)), age(object, now), names, images]
    },
};

static DAEMON_SET: Printer = Printer {
    columns: &[
        NAME,
        integer("Desired"),
        integer("Current"),
        integer("Ready"),
        integer("Up-to-date"),
        integer("Available"),
        string("Node Selector"),
        AGE,
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    cells: |object, now| {
        let status = |field: &str| json!(number(object, &["status", field]));
        let [names, images] = containers(object, TEMPLATE_CONTAINERS);
        vec![
            name(object),
            status("desiredNumberScheduled"),
            status("currentNumberScheduled"),
            status("numberReady"),
            status("updatedNumberScheduled"),
            status("numberAvailable"),
            json!(labels(object, &["spec", "template", "spec", "nodeSelector"])),
            age(object, now),
            names,
            images,
            json!(selector_or_none(object, &["spec", "selector"])),
        ]
    },
};

static CONTROLLER_REVISION: Printer = Printer {
    columns: &[NAME, string("Controller"), string("Revision"), AGE],
    cells: |object, now| {
        vec![name(object), json!(controller(object)), json!(number(object, &["revision"])), age(object, now)]
    },
};

/// `deployment.apps/name` of the owner that controls the object.
fn controller(object: &Value) -> String {
    let owners = list(object, &["metadata", "ownerReferences"]);
    let Some(owner) = owners.iter().find(|owner| is_true(owner, &["controller"])) else {
        return NONE.into();
    };
    let kind = text(owner, &["kind"]).to_lowercase();
    let owner_name = text(owner, &["name"]);
    match text(owner, &["apiVersion"]).split_once('/') {
        Some((group, _)) => format!("{kind}.{group}/{owner_name}"),
        None => format!("{kind}/{owner_name}"),
    }
}

static JOB: Printer = Printer {
    columns: &[
        NAME,
        string("Status"),
        string("Completions"),
        string("Duration"),
        AGE,
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    cells: |object, now| {
        let [names, images] = containers(object, TEMPLATE_CONTAINERS);
        vec![
            name(object),
            json!(job_status(object)),
            json!(completions(object)),
            json!(job_duration(object, now)),
            age(object, now),
            names,
            images,
            json!(selector_or_none(object, &["spec", "selector"])),
        ]
    },
};

fn job_status(job: &Value) -> &'static str {
    let has = |condition| condition_is_true(job, &["status", "conditions"], condition);
    match () {
        () if has("Complete") => "Complete",
        () if has("Failed") => "Failed",
        () if is_deleting(job) => "Terminating",
        () if has("Suspended") => "Suspended",
        () if has("FailureTarget") => "FailureTarget",
        () if has("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
}

fn completions(job: &Value) -> String {
    let succeeded = number(job, &["status", "succeeded"]);
    let parallelism = number(job, &["spec", "parallelism"]);
    match at(job, &["spec", "completions"]).as_i64() {
        Some(wanted) => format!("{succeeded}/{wanted}"),
        None if parallelism > 1 => format!("{succeeded}/1 of {parallelism}"),
        None => format!("{succeeded}/1"),
    }
}

fn job_duration(job: &Value, now: Timestamp) -> String {
    let Some(start) = time(job, &["status", "startTime"]) else { return String::new() };
    let end = time(job, &["status", "completionTime"]).unwrap_or(now);
    human(seconds_between(start, end))
}

static CRON_JOB: Printer = Printer {
    columns: &[
        NAME,
        string("Schedule"),
        string("Timezone"),
        boolean("Suspend"),
        integer("Active"),
        string("Last Schedule"),
        AGE,
        wide("Containers"),
        wide("Images"),
        wide("Selector"),
    ],
    cells: |object, now| {
        let path = ["spec", "jobTemplate", "spec", "template", "spec", "containers"];
        let [names, images] = containers(object, &path);
        let last = match time(object, &["status", "lastScheduleTime"]) {
            Some(_) => since(object, &["status", "lastScheduleTime"], now),
            None => NONE.into(),
        };
        let suspend = match at(object, &["spec", "suspend"]).as_bool() {
            Some(true) => "True",
            Some(false) => "False",
            None => UNSET,
        };
        vec![
            name(object),
            json!(scalar(at(object, &["spec", "schedule"]))),
            json!(text_or(object, &["spec", "timeZone"], NONE)),
            json!(suspend),
            json!(list(object, &["status", "active"]).len()),
            json!(last),
            age(object, now),
            names,
            images,
            json!(selector_or_none(object, &["spec", "jobTemplate", "spec", "selector"])),
        ]
    },
};
