//! Autoscalers, disruption budgets, leases, priority classes, endpoints slices, quotas, signing requests.

use apimachinery::field_error::FieldPath;
use serde_json::Value;

use super::{Report, is_empty, items, text, workloads};

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
        ("", "ServiceAccount") => {}
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
    let (target, target_path) = (&spec["scaleTargetRef"], path.child("scaleTargetRef"));
    for field in ["kind", "name"] {
        if text(&target[field]).is_empty() {
            report.required(&target_path.child(field), "");
        }
    }
    let version = text(&target["apiVersion"]);
    if !version.contains('/') && !(version == "v1" && target["kind"] == "ReplicationController") {
        let detail = "apiVersion must specify API group";
        report.invalid(&target_path.child("apiVersion"), &version.into(), detail);
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
