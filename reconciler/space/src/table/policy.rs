//! Disruption budgets, admission configuration, flow control.

use apimachinery::Timestamp;
use serde_json::{Value, json};

use super::read::{NONE, UNSET, at, condition, count, number, scalar, selector, text};
use super::{AGE, NAME, Printer, age, integer, name, string};

pub(super) fn printer(group: &str, kind: &str) -> Option<&'static Printer> {
    match (group, kind) {
        ("policy", "PodDisruptionBudget") => Some(&POD_DISRUPTION_BUDGET),
        (
            "admissionregistration.k8s.io",
            "MutatingWebhookConfiguration" | "ValidatingWebhookConfiguration",
        ) => Some(&WEBHOOK_CONFIGURATION),
        ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy") => Some(&VALIDATING_POLICY),
        ("admissionregistration.k8s.io", "MutatingAdmissionPolicy") => Some(&MUTATING_POLICY),
        (
            "admissionregistration.k8s.io",
            "ValidatingAdmissionPolicyBinding" | "MutatingAdmissionPolicyBinding",
        ) => Some(&POLICY_BINDING),
        ("flowcontrol.apiserver.k8s.io", "FlowSchema") => Some(&FLOW_SCHEMA),
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration") => Some(&PRIORITY_LEVEL),
        ("apiregistration.k8s.io", "APIService") => Some(&API_SERVICE),
        _ => None,
    }
}

static POD_DISRUPTION_BUDGET: Printer = Printer {
    columns: &[NAME, string("Min Available"), string("Max Unavailable"), integer("Allowed Disruptions"), AGE],
    cells: |object, now| {
        let bound = |field: &str| match at(object, &["spec", field]) {
            Value::Null => json!("N/A"),
            value => json!(scalar(value)),
        };
        vec![
            name(object),
            bound("minAvailable"),
            bound("maxUnavailable"),
            json!(number(object, &["status", "disruptionsAllowed"])),
            age(object, now),
        ]
    },
};

static WEBHOOK_CONFIGURATION: Printer = Printer {
    columns: &[NAME, integer("Webhooks"), AGE],
    cells: |object, now| vec![name(object), json!(count(object, &["webhooks"])), age(object, now)],
};

static VALIDATING_POLICY: Printer = Printer {
    columns: &[NAME, integer("Validations"), string("ParamKind"), AGE],
    cells: |object, now| admission_policy(object, "validations", now),
};

static MUTATING_POLICY: Printer = Printer {
    columns: &[NAME, integer("Mutations"), string("ParamKind"), AGE],
    cells: |object, now| admission_policy(object, "mutations", now),
};

fn admission_policy(object: &Value, counted: &str, now: Timestamp) -> Vec<Value> {
    let kind = at(object, &["spec", "paramKind"]);
    let kind = if kind.is_null() {
        UNSET.to_owned()
    } else {
        format!("{}/{}", text(kind, &["apiVersion"]), text(kind, &["kind"]))
    };
    vec![name(object), json!(count(object, &["spec", counted])), json!(kind), age(object, now)]
}

static POLICY_BINDING: Printer = Printer {
    columns: &[NAME, string("PolicyName"), string("ParamRef"), AGE],
    cells: |object, now| {
        let reference = at(object, &["spec", "paramRef"]);
        let shown = match (text(reference, &["namespace"]), text(reference, &["name"])) {
            ("", "") if at(reference, &["selector"]).is_null() => UNSET.to_owned(),
            ("" | _, "") => selector(reference, &["selector"]),
            ("", named) => format!("*/{named}"),
            (namespace, named) => format!("{namespace}/{named}"),
        };
        vec![name(object), json!(text(object, &["spec", "policyName"])), json!(shown), age(object, now)]
    },
};

static FLOW_SCHEMA: Printer = Printer {
    columns: &[
        NAME,
        string("PriorityLevel"),
        string("MatchingPrecedence"),
        string("DistinguisherMethod"),
        AGE,
        string("MissingPL"),
    ],
    cells: |object, now| {
        let method = at(object, &["spec", "distinguisherMethod", "type"]);
        let dangling = condition(object, &["status", "conditions"], "Dangling");
        vec![
            name(object),
            json!(text(object, &["spec", "priorityLevelConfiguration", "name"])),
            json!(number(object, &["spec", "matchingPrecedence"])),
            json!(if method.is_null() { NONE.to_owned() } else { scalar(method) }),
            age(object, now),
            json!(dangling.map_or("?", |dangling| text(dangling, &["status"]))),
        ]
    },
};

static PRIORITY_LEVEL: Printer = Printer {
    columns: &[
        NAME,
        string("Type"),
        string("NominalConcurrencyShares"),
        string("Queues"),
        string("HandSize"),
        string("QueueLengthLimit"),
        AGE,
    ],
    cells: |object, now| {
        let limited = at(object, &["spec", "limited"]);
        let or_none = |value: &Value| if value.is_null() { json!(NONE) } else { value.clone() };
        let queuing = |field: &str| or_none(at(limited, &["limitResponse", "queuing", field]));
        vec![
            name(object),
            json!(text(object, &["spec", "type"])),
            or_none(at(limited, &["nominalConcurrencyShares"])),
            queuing("queues"),
            queuing("handSize"),
            queuing("queueLengthLimit"),
            age(object, now),
        ]
    },
};

static API_SERVICE: Printer = Printer {
    columns: &[NAME, string("Service"), string("Available"), AGE],
    cells: |object, now| {
        let service = at(object, &["spec", "service"]);
        let service = if service.is_null() {
            "Local".to_owned()
        } else {
            format!("{}/{}", text(service, &["namespace"]), text(service, &["name"]))
        };
        let available = condition(object, &["status", "conditions"], "Available");
        let shown = match available {
            Some(available) if text(available, &["status"]) == "True" => "True".to_owned(),
            Some(available) => format!("{} ({})", text(available, &["status"]), text(available, &["reason"])),
            None => "Unknown".to_owned(),
        };
        vec![name(object), json!(service), json!(shown), age(object, now)]
    },
};
