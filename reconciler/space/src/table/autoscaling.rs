//! HorizontalPodAutoscalers and the scale subresource.

use apimachinery::Timestamp;
use serde_json::{Value, json};

use super::read::{NONE, UNKNOWN, UNSET, abridged, at, list, number, scalar, text};
use super::{AGE, Column, NAME, Printer, age, integer, name, string};

pub(super) fn printer(group: &str, kind: &str) -> Option<&'static Printer> {
    match (group, kind) {
        ("autoscaling", "HorizontalPodAutoscaler") => Some(&HORIZONTAL_POD_AUTOSCALER),
        ("autoscaling", "Scale") => Some(&SCALE),
        _ => None,
    }
}

pub(super) static SCALE: Printer = Printer {
    columns: &[Column { format: "", ..NAME }, integer("Desired"), integer("Available"), AGE],
    cells: |object, now| {
        vec![
            name(object),
            json!(number(object, &["spec", "replicas"])),
            json!(number(object, &["status", "replicas"])),
            age(object, now),
        ]
    },
};

static HORIZONTAL_POD_AUTOSCALER: Printer = Printer {
    columns: &[
        NAME,
        string("Reference"),
        string("Targets"),
        string("MinPods"),
        string("MaxPods"),
        string("Replicas"),
        AGE,
    ],
    cells: autoscaler_cells,
};

fn autoscaler_cells(object: &Value, now: Timestamp) -> Vec<Value> {
    let target = at(object, &["spec", "scaleTargetRef"]);
    let least = at(object, &["spec", "minReplicas"]).as_i64();
    vec![
        name(object),
        json!(format!("{}/{}", text(target, &["kind"]), text(target, &["name"]))),
        json!(metrics(object)),
        json!(least.map_or_else(|| UNSET.to_owned(), |least| least.to_string())),
        json!(number(object, &["spec", "maxReplicas"])),
        json!(number(object, &["status", "currentReplicas"])),
        age(object, now),
    ]
}

fn metrics(object: &Value) -> String {
    // autoscaling/v1 knows one metric, in fields of its own.
    if let Some(target) = at(object, &["spec", "targetCPUUtilizationPercentage"]).as_i64() {
        let current = at(object, &["status", "currentCPUUtilizationPercentage"]).as_i64();
        let current = current.map_or_else(|| UNKNOWN.to_owned(), |current| format!("{current}%"));
        return format!("cpu: {current}/{target}%");
    }
    let specs = list(object, &["spec", "metrics"]);
    if specs.is_empty() {
        return NONE.into();
    }
    let statuses = list(object, &["status", "currentMetrics"]);
    let shown: Vec<String> =
        specs.iter().enumerate().map(|(index, spec)| metric(spec, statuses.get(index))).collect();
    abridged(&shown, 2, ", ")
}

/// One metric as `current/target`; a resource with its name before, an average with `(avg)` behind.
fn metric(spec: &Value, status: Option<&Value>) -> String {
    let (field, is_resource) = match text(spec, &["type"]) {
        "External" => ("external", false),
        "Pods" => ("pods", false),
        "Object" => ("object", false),
        "Resource" => ("resource", true),
        "ContainerResource" => ("containerResource", true),
        _ => return "<unknown type>".into(),
    };
    let target = at(spec, &[field, "target"]);
    let current = |value: &str| status.map_or(&Value::Null, |status| at(status, &[field, "current", value]));
    let or_unknown = |value: &Value| if value.is_null() { UNKNOWN.to_owned() } else { scalar(value) };
    let average = at(target, &["averageValue"]);
    let shown = if !average.is_null() {
        let suffix = if matches!(field, "external" | "object") { " (avg)" } else { "" };
        format!("{}/{}{suffix}", or_unknown(current("averageValue")), scalar(average))
    } else if is_resource {
        let percent = |value: &Value, absent: &str| match value.as_i64() {
            Some(percent) => format!("{percent}%"),
            None => absent.to_owned(),
        };
        let wanted = percent(at(target, &["averageUtilization"]), "<auto>");
        format!("{}/{wanted}", percent(current("averageUtilization"), UNKNOWN))
    } else {
        format!("{}/{}", or_unknown(current("value")), scalar(at(target, &["value"])))
    };
    if is_resource { format!("{}: {shown}", text(spec, &[field, "name"])) } else { shown }
}
