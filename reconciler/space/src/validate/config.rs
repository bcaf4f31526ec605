//! ConfigMap and Secret.

use apimachinery::field_error::{FieldError, FieldPath};
use serde_json::Value;

use super::{Report, text};

/// All values of a ConfigMap or Secret together, in bytes.
const MAX_BYTES: usize = 1 << 20;

pub(super) fn check(kind: (&str, &str), new: &Value, old: Option<&Value>, report: &mut Report) {
    match kind {
        ("", "ConfigMap") => {
            if let Some(old) = old {
                frozen(new, old, &["data", "binaryData"], report);
            }
            keys(new, &["data", "binaryData"], &FieldPath::default(), report);
            for key in new["data"].as_object().into_iter().flatten().map(|(key, _)| key) {
                if new["binaryData"].get(key).is_some() {
                    let path = FieldPath::new("data").key(key);
                    report.invalid(&path, &key.as_str().into(), "duplicate of key present in binaryData");
                }
            }
        }
        ("", "Secret") => {
            if let Some(old) = old {
                report.immutable(&FieldPath::new("type"), &new["type"], &old["type"]);
                frozen(new, old, &["data"], report);
            }
            keys(new, &["data"], &FieldPath::new("data"), report);
            secret(new, report);
        }
        _ => {}
    }
}

/// Once `immutable` is set, it and the data stay.
fn frozen(new: &Value, old: &Value, fields: &[&str], report: &mut Report) {
    if old["immutable"] != true {
        return;
    }
    let detail = "field is immutable when `immutable` is set";
    if new["immutable"] != true {
        report.forbidden(&FieldPath::new("immutable"), detail);
    }
    for field in fields {
        if new[*field] != old[*field] {
            report.forbidden(&FieldPath::new(*field), detail);
        }
    }
}

fn keys(object: &Value, fields: &[&str], whole: &FieldPath, report: &mut Report) {
    let mut size = 0;
    for field in fields {
        for (key, value) in object[*field].as_object().into_iter().flatten() {
            report.reasons(&FieldPath::new(*field).key(key), key, key_reasons(key));
            let encoded = *field == "binaryData" || !whole.as_str().is_empty();
            size += if encoded { text(value).len() / 4 * 3 } else { text(value).len() };
        }
    }
    if size > MAX_BYTES {
        report.0.push(FieldError::too_long(whole, MAX_BYTES as u64));
    }
}

fn key_reasons(key: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    if key.len() > 253 {
        reasons.push("must be no more than 253 characters".to_owned());
    }
    if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_')) {
        reasons.push(
            "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  \
             or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
                .to_owned(),
        );
    }
    match key {
        "." => reasons.push("must not be '.'".to_owned()),
        ".." => reasons.push("must not be '..'".to_owned()),
        _ if key.starts_with("..") => reasons.push("must not start with '..'".to_owned()),
        _ => {}
    }
    reasons
}

/// The keys that a type of Secret must have.
fn secret(object: &Value, report: &mut Report) {
    let data = FieldPath::new("data");
    let has = |key: &str| object["data"].get(key).is_some();
    let needed: &[&str] = match text(&object["type"]) {
        "kubernetes.io/dockercfg" => &[".dockercfg"],
        "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
        "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
        "kubernetes.io/tls" => &["tls.crt", "tls.key"],
        "kubernetes.io/basic-auth" if has("username") || has("password") => &[],
        "kubernetes.io/basic-auth" => &["username", "password"],
        "kubernetes.io/service-account-token" => {
            let key = "kubernetes.io/service-account.name";
            if object.pointer("/metadata/annotations").is_none_or(|all| text(&all[key]).is_empty()) {
                report.required(&FieldPath::new("metadata").child("annotations").key(key), "");
            }
            &[]
        }
        _ => &[],
    };
    for key in needed.iter().filter(|key| !has(key)) {
        report.required(&data.key(key), "");
    }
}
