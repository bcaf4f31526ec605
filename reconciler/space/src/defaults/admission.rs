//! Webhooks and admission policies, which are stored for clusters that run them.

use serde_json::json;

use super::{Fields, Fill, absent};

pub(super) fn of(name: &str) -> Option<Fill> {
    Some(match name.strip_prefix("admissionregistration.v1.")? {
        "ValidatingWebhook" => webhook,
        "MutatingWebhook" => |fields| {
            webhook(fields);
            absent(fields, "reinvocationPolicy", "Never");
        },
        "RuleWithOperations" | "NamedRuleWithOperations" => |fields| absent(fields, "scope", "*"),
        "ServiceReference" => |fields| absent(fields, "port", 443),
        "ValidatingAdmissionPolicySpec" => |fields| absent(fields, "failurePolicy", "Fail"),
        "MatchResources" => matched,
        _ => return None,
    })
}

fn matched(fields: &mut Fields) {
    absent(fields, "matchPolicy", "Equivalent");
    absent(fields, "namespaceSelector", json!({}));
    absent(fields, "objectSelector", json!({}));
}

fn webhook(fields: &mut Fields) {
    absent(fields, "failurePolicy", "Fail");
    absent(fields, "timeoutSeconds", 10);
    matched(fields);
}
