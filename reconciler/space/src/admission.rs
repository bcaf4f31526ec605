//! What admission plugins do to new objects: ServiceAccount, Priority, DefaultTolerationSeconds for pods, DefaultStorageClass for claims, StorageObjectInUseProtection.
//!
//! Absent on purpose: webhooks and admission policies.

use apimachinery::GroupResource;
use serde_json::{Value, json};

use crate::resource::Endpoint;
use crate::space::{Place, Space};
use crate::status::{Answer, ApiError};
use crate::write::meta;
use crate::{ids, protection};

/// Changes a new object as the plugins do.
///
/// # Errors
/// 403 for a pod whose service account or priority class does not exist.
pub(crate) fn on_create(space: &Space, endpoint: &Endpoint, object: &mut Value) -> Answer<()> {
    match (endpoint.resource.group.as_str(), endpoint.resource.kind.as_str()) {
        ("", "Pod") => pod(space, endpoint, object),
        ("", "PersistentVolumeClaim") => {
            claim(space, object);
            protection::on_create(endpoint, object);
            Ok(())
        }
        ("", "PersistentVolume") => {
            protection::on_create(endpoint, object);
            Ok(())
        }
        _ => Ok(()),
    }
}

fn pod(space: &Space, endpoint: &Endpoint, pod: &mut Value) -> Answer<()> {
    let namespace = meta::text(pod, "namespace").to_owned();
    let name = meta::text(pod, "name").to_owned();
    let refused = |detail: String| ApiError::forbidden(&endpoint.resource.group_resource(), &name, &detail);
    let mirror =
        meta::field(pod, "annotations").is_some_and(|all| all.get("kubernetes.io/config.mirror").is_some());
    if mirror {
        return Ok(());
    }
    let account = match pod["spec"]["serviceAccountName"].as_str() {
        Some(account) if !account.is_empty() => account.to_owned(),
        _ => "default".to_owned(),
    };
    let accounts = GroupResource::new("", "serviceaccounts");
    let found = space.get(&Place::new(accounts, Some(&namespace), &account)).ok_or_else(|| {
        let detail = format!(
            "error looking up service account {namespace}/{account}: serviceaccount {account:?} not found"
        );
        refused(detail)
    })?;
    let found = found.object.to_value();
    let automount = pod["spec"]["automountServiceAccountToken"].as_bool();
    if automount.or_else(|| found["automountServiceAccountToken"].as_bool()).unwrap_or(true) {
        mount_token(space, pod);
    }
    if pod["spec"].get("imagePullSecrets").is_none()
        && let Some(secrets) = found.get("imagePullSecrets")
    {
        pod["spec"]["imagePullSecrets"] = secrets.clone();
    }
    pod["spec"]["serviceAccountName"] = account.as_str().into();
    pod["spec"]["serviceAccount"] = account.into();
    let class = pod["spec"]["priorityClassName"].as_str().unwrap_or_default().to_owned();
    let (priority, preemption) = priority(space, &class)
        .ok_or_else(|| refused(format!("no PriorityClass with name {class} was found")))?;
    pod["spec"]["priority"] = priority.into();
    if pod["spec"].get("preemptionPolicy").is_none() {
        pod["spec"]["preemptionPolicy"] = preemption.into();
    }
    tolerate(pod);
    Ok(())
}

/// Where containers find the token of their service account.
const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Mounts the token into each container that has nothing at its place.
fn mount_token(space: &Space, pod: &mut Value) {
    let volumes = pod["spec"]["volumes"].as_array();
    let existing = volumes.into_iter().flatten().filter_map(|volume| volume["name"].as_str());
    let existing = existing.map(str::to_owned).find(|name| name.starts_with("kube-api-access-"));
    let suffix = ids::name_suffix(&*space.host().ids);
    let name = existing.clone().unwrap_or_else(|| format!("kube-api-access-{suffix}"));
    let mut needed = false;
    for list in ["initContainers", "containers"] {
        for container in pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let mounts = container["volumeMounts"].as_array().cloned().unwrap_or_default();
            if mounts.iter().any(|mount| mount["mountPath"] == TOKEN_PATH) {
                continue;
            }
            let mount = json!({ "name": name, "readOnly": true, "mountPath": TOKEN_PATH });
            container["volumeMounts"] = mounts.into_iter().chain([mount]).collect();
            needed = true;
        }
    }
    if !needed || existing.is_some() {
        return;
    }
    let field = json!({ "apiVersion": "v1", "fieldPath": "metadata.namespace" });
    let sources = json!([
        { "serviceAccountToken": { "expirationSeconds": 3607, "path": "token" } },
        { "configMap": { "name": "kube-root-ca.crt", "items": [{ "key": "ca.crt", "path": "ca.crt" }] } },
        { "downwardAPI": { "items": [{ "path": "namespace", "fieldRef": field }] } },
    ]);
    let volumes = pod["spec"]["volumes"].as_array().cloned().unwrap_or_default();
    let volume = json!({ "name": name, "projected": { "defaultMode": 420, "sources": sources } });
    pod["spec"]["volumes"] = volumes.into_iter().chain([volume]).collect();
}

/// Priority and preemption of a class; without a class those of the default one.
fn priority(space: &Space, class: &str) -> Option<(i64, String)> {
    let classes = GroupResource::new("scheduling.k8s.io", "priorityclasses");
    let of = |value: &Value| {
        let preemption = value["preemptionPolicy"].as_str().unwrap_or("PreemptLowerPriority");
        (value["value"].as_i64().unwrap_or(0), preemption.to_owned())
    };
    if !class.is_empty() {
        return space.get(&Place::new(classes, None, class)).map(|stored| of(&stored.object.to_value()));
    }
    let all = space.list(&classes, None).items;
    let default =
        all.iter().map(|stored| stored.object.to_value()).find(|value| value["globalDefault"] == true);
    Some(default.map_or_else(|| (0, "PreemptLowerPriority".to_owned()), |value| of(&value)))
}

/// Pods stay five minutes on a node that is not ready or not reachable, unless they say otherwise.
fn tolerate(pod: &mut Value) {
    let tolerations = &mut pod["spec"]["tolerations"];
    if !tolerations.is_array() {
        *tolerations = json!([]);
    }
    let Some(tolerations) = tolerations.as_array_mut() else { return };
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let covers = |toleration: &Value| {
            let own = toleration["key"].as_str().unwrap_or_default();
            let effect = toleration["effect"].as_str().unwrap_or_default();
            (own == key || own.is_empty()) && (effect == "NoExecute" || effect.is_empty())
        };
        if !tolerations.iter().any(covers) {
            tolerations.push(json!({
                "key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300,
            }));
        }
    }
}

/// A claim without a class gets the default class, if there is one.
fn claim(space: &Space, claim: &mut Value) {
    if claim["spec"].get("storageClassName").is_some() {
        return;
    }
    let classes = space.list(&GroupResource::new("storage.k8s.io", "storageclasses"), None).items;
    let is_default = "storageclass.kubernetes.io/is-default-class";
    let default = classes.iter().find(|stored| stored.object.header().annotation(is_default) == Some("true"));
    if let Some(default) = default {
        claim["spec"]["storageClassName"] = default.object.header().name.as_str().into();
    }
}
