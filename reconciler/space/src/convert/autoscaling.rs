//! HorizontalPodAutoscaler between `autoscaling/v2`, which is stored, and `autoscaling/v1`.
//!
//! v1 has one CPU target; other metrics and the behaviour travel in annotations, as in `k8s.io/kubernetes/pkg/apis/autoscaling/v1/conversion.go`.

use serde_json::{Map, Value, json};

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";

/// The CPU utilisation in a v2 metric.
fn cpu_target(metric: &Value) -> Option<&Value> {
    let resource = metric.get("resource").filter(|_| metric["type"] == "Resource")?;
    let is_cpu = resource["name"] == "cpu" && resource["target"]["type"] == "Utilization";
    resource["target"].get("averageUtilization").filter(|_| is_cpu)
}

fn annotations(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let metadata = object.get_mut("metadata")?.as_object_mut()?;
    metadata.entry("annotations").or_insert_with(|| json!({})).as_object_mut()
}

pub(super) fn to_v1(object: &mut Value) {
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let behavior = spec.remove("behavior");
    let metrics = spec.remove("metrics");
    let mut rest = Vec::new();
    for metric in metrics.as_ref().and_then(Value::as_array).into_iter().flatten() {
        match cpu_target(metric) {
            Some(target) if !spec.contains_key("targetCPUUtilizationPercentage") => {
                spec.insert("targetCPUUtilizationPercentage".into(), target.clone());
            }
            _ => rest.push(metric.clone()),
        }
    }
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        let current = status.remove("currentMetrics");
        status.remove("conditions");
        let cpu = current.as_ref().and_then(Value::as_array).into_iter().flatten().find_map(|metric| {
            let resource = metric.get("resource").filter(|resource| resource["name"] == "cpu")?;
            resource["current"].get("averageUtilization").cloned()
        });
        if let Some(cpu) = cpu {
            status.insert("currentCPUUtilizationPercentage".into(), cpu);
        }
    }
    let kept = [(METRICS, (!rest.is_empty()).then_some(Value::Array(rest))), (BEHAVIOR, behavior)];
    for (key, value) in kept.into_iter().filter_map(|(key, value)| Some((key, value?))) {
        if let Some(annotations) = annotations(object) {
            annotations.insert(key.into(), value.to_string().into());
        }
    }
}

pub(super) fn from_v1(object: &mut Value) {
    let mut take = |key: &str| -> Option<Value> {
        let annotations = object.pointer_mut("/metadata/annotations")?.as_object_mut()?;
        serde_json::from_str(annotations.remove(key)?.as_str()?).ok()
    };
    let (rest, behavior) = (take(METRICS), take(BEHAVIOR));
    if object.pointer("/metadata/annotations").and_then(Value::as_object).is_some_and(Map::is_empty)
        && let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut)
    {
        metadata.remove("annotations");
    }
    let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let mut metrics = Vec::new();
    if let Some(target) = spec.remove("targetCPUUtilizationPercentage") {
        metrics.push(json!({
            "type": "Resource",
            "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": target } },
        }));
    }
    metrics.extend(rest.as_ref().and_then(Value::as_array).into_iter().flatten().cloned());
    if !metrics.is_empty() {
        spec.insert("metrics".into(), metrics.into());
    }
    if let Some(behavior) = behavior {
        spec.insert("behavior".into(), behavior);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_v1_cannot_say_survives_a_round_trip() {
        let memory = json!({
            "type": "Resource",
            "resource": { "name": "memory", "target": { "type": "Utilization", "averageUtilization": 70 } },
        });
        let cpu = json!({
            "type": "Resource",
            "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 50 } },
        });
        let stored = json!({
            "metadata": { "name": "a" },
            "spec": { "maxReplicas": 3, "metrics": [cpu, memory], "behavior": { "scaleDown": {} } },
        });
        let mut seen = stored.clone();
        to_v1(&mut seen);
        assert_eq!(seen["spec"], json!({ "maxReplicas": 3, "targetCPUUtilizationPercentage": 50 }));
        from_v1(&mut seen);
        assert_eq!(seen, stored);
    }
}
