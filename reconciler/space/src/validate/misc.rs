//! Autoscalers, disruption budgets, leases, priority classes, endpoints slices, quotas, signing requests.

use apimachinery::field_error::FieldPath;
use serde_json::Value;

use super::{Report, is_empty, items, quantities, text, workloads};

pub(super) fn check(kind: (&str, &str), new: &Value, old: Option<&Value>, report: &mut Report) {
    let (path, spec) = (FieldPath::new("spec"), &new["spec"]);
    match kind {
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(spec, &path, report),
        ("policy", "PodDisruptionBudget") => {
            if !spec["minAvailable"].is_null() && !spec["maxUnavailable"].is_null() {
                let detail = "minAvailable and maxUnavailable cannot be both set";
                report.invalid(&path, spec, detail);
            }
            for field in ["minAvailable", "maxUnavailable"] {
                workloads::amount(&spec[field], &path.child(field), report);
            }
        }
        ("coordination.k8s.io", "Lease") => {
            if spec["leaseDurationSeconds"].as_i64().is_some_and(|seconds| seconds <= 0) {
                let path = path.child("leaseDurationSeconds");
                report.invalid(&path, &spec["leaseDurationSeconds"], "must be greater than 0");
            }
            report.not_negative(&path.child("leaseTransitions"), &spec["leaseTransitions"]);
        }
        ("scheduling.k8s.io", "PriorityClass") => priority_class(new, old, report),
        ("discovery.k8s.io", "EndpointSlice") => {
            let kinds = ["FQDN", "IPv4", "IPv6"];
            report.one_of(&FieldPath::new("addressType"), &new["addressType"], &kinds);
            if let Some(old) = old {
                report.immutable(&FieldPath::new("addressType"), &new["addressType"], &old["addressType"]);
            }
        }
        ("certificates.k8s.io", "CertificateSigningRequest") => {
            if text(&spec["signerName"]).is_empty() {
                report.required(&path.child("signerName"), "");
            }
            if is_empty(&spec["usages"]) {
                report.required(&path.child("usages"), "");
            }
        }
        ("", "Endpoints") => {
            for (path, subset) in items(&new["subsets"], &FieldPath::new("subsets")) {
                if is_empty(&subset["addresses"]) && is_empty(&subset["notReadyAddresses"]) {
                    report.required(&path, "must specify `addresses` or `notReadyAddresses`");
                }
            }
        }
        ("", "ResourceQuota") => {
            for (name, _) in spec["hard"].as_object().into_iter().flatten() {
                quantities::of_quota(name, &path.child("hard").key(name), report);
            }
        }
        ("", "LimitRange") => {
            for (path, item) in items(&spec["limits"], &path.child("limits")) {
                let kind = text(&item["type"]);
                quantities::range_type(kind, &path.child("type"), report);
                for field in ["default", "defaultRequest", "max", "maxLimitRequestRatio", "min"] {
                    for (name, _) in item[field].as_object().into_iter().flatten() {
                        quantities::of_range(kind, name, &path.child(field).key(name), report);
                    }
                }
            }
        }
        _ => {}
    }
}

fn autoscaler(spec: &Value, path: &FieldPath, report: &mut Report) {
    let (min, max) = (spec["minReplicas"].as_i64(), spec["maxReplicas"].as_i64().unwrap_or(0));
    if min.is_some_and(|min| min < 1) {
        report.invalid(
            &path.child("minReplicas"),
            &spec["minReplicas"],
            "must be greater than or equal to 1",
        );
    }
    if max < 1 {
        report.invalid(&path.child("maxReplicas"), &spec["maxReplicas"], "must be greater than 0");
    }
    if min.is_some_and(|min| max < min) {
        let detail = "must be greater than or equal to `minReplicas`";
        report.invalid(&path.child("maxReplicas"), &spec["maxReplicas"], detail);
    }
    metrics(&spec["metrics"], &path.child("metrics"), report);
    for direction in ["scaleUp", "scaleDown"] {
        scaling_rules(&spec["behavior"][direction], &path.child("behavior").child(direction), report);
    }
    let (target, target_path) = (&spec["scaleTargetRef"], path.child("scaleTargetRef"));
    for field in ["kind", "name"] {
        if text(&target[field]).is_empty() {
            report.required(&target_path.child(field), "");
        }
    }
    let version = text(&target["apiVersion"]);
    let core_target = version == "v1" && target["kind"] == "ReplicationController";
    if !version.contains('/') && !core_target {
        let detail = "apiVersion must specify API group";
        report.invalid(&target_path.child("apiVersion"), &version.into(), detail);
    }
}

/// The metrics of an autoscaler that look at a resource.
fn metrics(list: &Value, path: &FieldPath, report: &mut Report) {
    for (path, metric) in items(list, path) {
        let resource = &metric["resource"];
        if resource.is_null() {
            continue;
        }
        let (path, target) = (path.child("resource"), &resource["target"]);
        if text(&resource["name"]).is_empty() {
            report.required(&path.child("name"), "must specify a resource name");
        }
        let path = path.child("target");
        if !matches!(text(&target["type"]), "Utilization" | "Value" | "AverageValue") {
            let detail = "must be either Utilization, Value, or AverageValue";
            report.invalid(&path.child("type"), &text(&target["type"]).into(), detail);
        }
        let utilization = &target["averageUtilization"];
        if utilization.as_i64().is_some_and(|percent| percent < 1) {
            report.invalid(&path.child("averageUtilization"), utilization, "must be greater than 0");
        }
        match (utilization.is_null(), target["averageValue"].is_null()) {
            (true, true) => report.required(
                &path.child("averageUtilization"),
                "must set either a target raw value or a target utilization",
            ),
            (false, false) => report.forbidden(
                &path.child("averageValue"),
                "may not set both a target raw value and a target utilization",
            ),
            _ => {}
        }
    }
}

/// How fast an autoscaler may act.
fn scaling_rules(rules: &Value, path: &FieldPath, report: &mut Report) {
    if rules.is_null() {
        return;
    }
    let (window, window_path) =
        (&rules["stabilizationWindowSeconds"], path.child("stabilizationWindowSeconds"));
    match window.as_i64() {
        Some(..0) => report.invalid(&window_path, window, "must be greater than or equal to zero"),
        Some(3601..) => report.invalid(&window_path, window, "must be less than or equal to 3600"),
        _ => {}
    }
    report.maybe_one_of(&path.child("selectPolicy"), &rules["selectPolicy"], &["Disabled", "Max", "Min"]);
    if is_empty(&rules["policies"]) {
        report.required(&path.child("policies"), "must specify at least one Policy");
    }
    for (path, policy) in items(&rules["policies"], &path.child("policies")) {
        report.one_of(&path.child("type"), &policy["type"], &["Percent", "Pods"]);
        for field in ["value", "periodSeconds"] {
            if policy[field].as_i64().unwrap_or(0) <= 0 {
                report.invalid(&path.child(field), &policy[field], "must be greater than zero");
            }
        }
        if policy["periodSeconds"].as_i64().is_some_and(|seconds| seconds > 1800) {
            let path = path.child("periodSeconds");
            report.invalid(&path, &policy["periodSeconds"], "must be less than or equal to 1800");
        }
    }
}

fn priority_class(new: &Value, old: Option<&Value>, report: &mut Report) {
    let value = new["value"].as_i64().unwrap_or(0);
    if old.is_none() && value > 1_000_000_000 && !text(&new["metadata"]["name"]).starts_with("system-") {
        let detail = "maximum allowed value of a user defined priority is 1000000000";
        report.forbidden(&FieldPath::new("value"), detail);
    }
    if let Some(old) = old {
        if new["value"] != old["value"] {
            report.forbidden(&FieldPath::new("value"), "may not be changed in an update.");
        }
        let path = FieldPath::new("preemptionPolicy");
        report.immutable(&path, &new["preemptionPolicy"], &old["preemptionPolicy"]);
    }
}
