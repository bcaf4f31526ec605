//! HorizontalPodAutoscaler.

use serde_json::{Value, json};

use super::{Fields, Fill, absent, inner, zero};

pub(super) fn of(name: &str) -> Option<Fill> {
    Some(match name {
        "autoscaling.v1.HorizontalPodAutoscalerSpec" => |fields| absent(fields, "minReplicas", 1),
        "autoscaling.v2.HorizontalPodAutoscalerSpec" => autoscaler,
        _ => return None,
    })
}

fn autoscaler(fields: &mut Fields) {
    absent(fields, "minReplicas", 1);
    let target = json!({ "type": "Utilization", "averageUtilization": 80 });
    zero(fields, "metrics", json!([{ "type": "Resource", "resource": { "name": "cpu", "target": target } }]));
    let Some(behavior) = fields.get_mut("behavior").and_then(Value::as_object_mut) else { return };
    let percent = |value: i32| json!({ "type": "Percent", "value": value, "periodSeconds": 15 });
    let pods = json!({ "type": "Pods", "value": 4, "periodSeconds": 15 });
    if let Some(up) = inner(behavior, "scaleUp") {
        absent(up, "stabilizationWindowSeconds", 0);
        absent(up, "selectPolicy", "Max");
        absent(up, "policies", json!([pods, percent(100)]));
    }
    if let Some(down) = inner(behavior, "scaleDown") {
        absent(down, "selectPolicy", "Max");
        absent(down, "policies", json!([percent(100)]));
    }
}
