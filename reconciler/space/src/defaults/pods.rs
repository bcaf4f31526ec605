//! Pods and what is in them, wherever a template has them.

use serde_json::{Value, json};

use super::core::host_ports;
use super::{Fields, Fill, absent, each, text, zero};

pub(super) fn of(name: &str) -> Option<Fill> {
    Some(match name.strip_prefix("core.v1.")? {
        "Pod" => pod,
        "PodSpec" => pod_spec,
        "Container" | "EphemeralContainer" => container,
        "Probe" => probe,
        "HTTPGetAction" => |fields| {
            zero(fields, "path", "/");
            zero(fields, "scheme", "HTTP");
        },
        "GRPCAction" => |fields| absent(fields, "service", ""),
        "Volume" => volume,
        "ImageVolumeSource" => |fields| {
            let policy = pull_policy(text(fields, "reference"));
            zero(fields, "pullPolicy", policy);
        },
        "SecretVolumeSource"
        | "ConfigMapVolumeSource"
        | "DownwardAPIVolumeSource"
        | "ProjectedVolumeSource" => |fields| absent(fields, "defaultMode", 420),
        "ServiceAccountTokenProjection" => |fields| absent(fields, "expirationSeconds", 3600),
        "HostPathVolumeSource" => |fields| absent(fields, "type", ""),
        "ISCSIVolumeSource" | "ISCSIPersistentVolumeSource" => {
            |fields| zero(fields, "iscsiInterface", "default")
        }
        "RBDVolumeSource" | "RBDPersistentVolumeSource" => |fields| {
            zero(fields, "pool", "rbd");
            zero(fields, "user", "admin");
            zero(fields, "keyring", "/etc/ceph/keyring");
        },
        "AzureDiskVolumeSource" => |fields| {
            absent(fields, "cachingMode", "ReadWrite");
            absent(fields, "kind", "Shared");
            absent(fields, "fsType", "ext4");
            absent(fields, "readOnly", false);
        },
        "ScaleIOVolumeSource" | "ScaleIOPersistentVolumeSource" => |fields| {
            zero(fields, "storageMode", "ThinProvisioned");
            zero(fields, "fsType", "xfs");
        },
        "ObjectFieldSelector" => |fields| zero(fields, "apiVersion", "v1"),
        _ => return None,
    })
}

/// What only a Pod gets, not a template.
fn pod(fields: &mut Fields) {
    let Some(spec) = fields.get_mut("spec").and_then(Value::as_object_mut) else { return };
    for list in ["containers", "initContainers"] {
        for container in each(spec, list) {
            requests_from_limits(container);
        }
    }
    absent(spec, "enableServiceLinks", true);
    if spec.get("hostNetwork") == Some(&Value::Bool(true)) {
        for list in ["containers", "initContainers"] {
            host_ports(spec, list);
        }
    }
}

fn requests_from_limits(container: &mut Fields) {
    let Some(resources) = container.get_mut("resources").and_then(Value::as_object_mut) else { return };
    let Some(Value::Object(limits)) = resources.get("limits").cloned() else { return };
    let requests = resources.entry("requests").or_insert_with(|| json!({}));
    for (resource, quantity) in limits {
        if requests.get(&resource).is_none() {
            requests[resource] = quantity;
        }
    }
}

fn pod_spec(fields: &mut Fields) {
    zero(fields, "dnsPolicy", "ClusterFirst");
    zero(fields, "restartPolicy", "Always");
    absent(fields, "securityContext", json!({}));
    absent(fields, "terminationGracePeriodSeconds", 30);
    zero(fields, "schedulerName", "default-scheduler");
    // The deprecated name of the service account is kept equal to the new one, as conversion does.
    match (text(fields, "serviceAccountName").to_owned(), text(fields, "serviceAccount").to_owned()) {
        (new, _) if !new.is_empty() => {
            fields.insert("serviceAccount".into(), new.into());
        }
        (_, old) if !old.is_empty() => {
            fields.insert("serviceAccountName".into(), old.into());
        }
        _ => {}
    }
}

fn container(fields: &mut Fields) {
    let policy = pull_policy(text(fields, "image"));
    zero(fields, "imagePullPolicy", policy);
    zero(fields, "terminationMessagePath", "/dev/termination-log");
    zero(fields, "terminationMessagePolicy", "File");
}

/// `Always` for images whose tag is `latest` or left out, unless a digest says which one is meant.
fn pull_policy(image: &str) -> &'static str {
    if image.contains('@') {
        // A digest alone leaves the tag empty, which is not "latest"; a tag before it counts.
        return if image.split('@').next().is_some_and(|name| tag(name) == Some("latest")) {
            "Always"
        } else {
            "IfNotPresent"
        };
    }
    match tag(image) {
        // What cannot be parsed has no tag.
        _ if !is_reference(image) => "IfNotPresent",
        None | Some("latest") => "Always",
        Some(_) => "IfNotPresent",
    }
}

/// Whether the path of an image is one: lowercase parts with separators inside. A first part with a dot or colon is a host, which may be written in capitals.
fn is_reference(image: &str) -> bool {
    let name = match image.rsplit_once('/') {
        Some((_, last)) if !last.contains(':') => image,
        Some((path, last)) => &image[..path.len() + 1 + last.find(':').unwrap_or(last.len())],
        None => image.split(':').next().unwrap_or_default(),
    };
    let mut parts: Vec<&str> = name.split('/').collect();
    if parts.len() > 1 && (parts[0].contains(['.', ':']) || parts[0] == "localhost") {
        parts.remove(0);
    }
    let inside = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '.' | '_' | '-');
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
    parts
        .iter()
        .all(|part| part.chars().all(inside) && edge(part.chars().next()) && edge(part.chars().last()))
}

/// What stands behind the colon of the last part; a colon before it belongs to a port.
fn tag(image: &str) -> Option<&str> {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').map(|(_, tag)| tag)
}

fn probe(fields: &mut Fields) {
    for (name, value) in
        [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)]
    {
        zero(fields, name, value);
    }
}

/// A volume without a source is an empty directory.
fn volume(fields: &mut Fields) {
    if fields.keys().all(|name| name == "name") {
        fields.insert("emptyDir".into(), json!({}));
    }
}

#[cfg(test)]
mod tests {
    use super::pull_policy;

    #[test]
    fn images_are_pulled_as_their_tag_says() {
        for (image, policy) in [
            ("nginx", "Always"),
            ("nginx:latest", "Always"),
            ("nginx:1.25", "IfNotPresent"),
            ("localhost:5000/nginx", "Always"),
            ("localhost:5000/nginx:1", "IfNotPresent"),
            ("nginx@sha256:abc", "IfNotPresent"),
            ("nginx:latest@sha256:abc", "Always"),
            ("", "IfNotPresent"),
            ("NGINX", "IfNotPresent"),
            ("Registry.Example.com/nginx", "Always"),
        ] {
            assert_eq!(pull_policy(image), policy, "{image}");
        }
    }
}
