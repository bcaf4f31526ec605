//! ConfigMaps and Secrets that a pod's containers are made from. Of a Secret only its keys are looked at.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::kind::Kind;
use crate::live::{Live, items, text};

/// What cannot be had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Problems {
    /// By container: why it cannot be made.
    pub containers: BTreeMap<String, String>,
    /// Why no container can: a volume that cannot be filled.
    pub volume: Option<String>,
}

/// A ConfigMap or Secret that must be there, and a key that it must have, if one is named.
struct Reference<'a> {
    kind: Kind,
    name: &'a str,
    key: &'a str,
}

const LISTS: [&str; 2] = ["/spec/initContainers", "/spec/containers"];

/// Whether a pod speaks of an object.
pub(crate) fn uses(pod: &Live, kind: Kind, name: &str) -> bool {
    let containers = LISTS.iter().flat_map(|list| pod.items(list));
    let of_containers = containers.flat_map(of_container);
    let of_volumes = pod.items("/spec/volumes").iter().flat_map(of_volume);
    of_containers.chain(of_volumes).any(|reference| reference.kind == kind && reference.name == name)
}

/// What of a pod's references cannot be had.
pub(crate) fn problems(pod: &Live, get: impl Fn(Kind, &str) -> Option<Live>) -> Problems {
    let why = |reference: &Reference<'_>| {
        let what = if reference.kind == Kind::ConfigMap { "configmap" } else { "secret" };
        let Some(found) = get(reference.kind, reference.name) else {
            return Some(format!("{what} \"{}\" not found", reference.name));
        };
        let has = |map: &str| found.value.pointer(map).and_then(|map| map.get(reference.key)).is_some();
        let complete = reference.key.is_empty() || has("/data") || has("/binaryData");
        let title = if reference.kind == Kind::ConfigMap { "ConfigMap" } else { "Secret" };
        let place = format!("{}/{}", pod.namespace(), reference.name);
        (!complete).then(|| format!("couldn't find key {} in {title} {place}", reference.key))
    };
    let mut problems = Problems::default();
    for container in LISTS.iter().flat_map(|list| pod.items(list)) {
        if let Some(why) = of_container(container).iter().find_map(why) {
            problems.containers.insert(text(container, "/name").to_owned(), why);
        }
    }
    problems.volume = pod.items("/spec/volumes").iter().find_map(|volume| {
        let why = of_volume(volume).iter().find_map(why)?;
        Some(format!("MountVolume.SetUp failed for volume \"{}\" : {why}", text(volume, "/name")))
    });
    problems
}

fn of_container(container: &Value) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    for variable in items(container, "/env") {
        found.extend(reference(variable, "/valueFrom/configMapKeyRef", Kind::ConfigMap, "/name"));
        found.extend(reference(variable, "/valueFrom/secretKeyRef", Kind::Secret, "/name"));
    }
    for source in items(container, "/envFrom") {
        found.extend(reference(source, "/configMapRef", Kind::ConfigMap, "/name"));
        found.extend(reference(source, "/secretRef", Kind::Secret, "/name"));
    }
    found
}

/// The token and the authority of a service account come from the server's own controllers, in their time.
fn of_volume(volume: &Value) -> Vec<Reference<'_>> {
    let mut found = Vec::new();
    found.extend(reference(volume, "/configMap", Kind::ConfigMap, "/name"));
    found.extend(reference(volume, "/secret", Kind::Secret, "/secretName"));
    for source in items(volume, "/projected/sources") {
        found.extend(reference(source, "/configMap", Kind::ConfigMap, "/name"));
        found.extend(reference(source, "/secret", Kind::Secret, "/name"));
    }
    found.retain(|reference| reference.name != "kube-root-ca.crt");
    found
}

fn reference<'a>(value: &'a Value, at: &str, kind: Kind, name: &str) -> Option<Reference<'a>> {
    let source = value.pointer(at)?;
    let optional = source.get("optional") == Some(&Value::Bool(true));
    let reference = Reference { kind, name: text(source, name), key: text(source, "/key") };
    (!optional && !reference.name.is_empty()).then_some(reference)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::live::live;

    #[test]
    fn what_is_missing_is_named() {
        #[track_caller]
        fn check(spec: &Value, expected: &Problems) {
            let pod = live(
                json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "cart" }, "spec": spec }),
            );
            let map = live(
                json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "there" }, "data": { "key": "1" } }),
            );
            let get =
                |kind: Kind, name: &str| (kind == Kind::ConfigMap && name == "there").then(|| map.clone());
            assert_eq!(problems(&pod, get), *expected);
        }
        let of_container =
            |why: &str| Problems { containers: [("cart".to_owned(), why.to_owned())].into(), volume: None };
        let container = |more: Value| {
            let mut container = json!({ "name": "cart" });
            container.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            json!({ "containers": [container] })
        };
        let env = |source: Value| container(json!({ "env": [{ "name": "A", "valueFrom": source }] }));
        check(&env(json!({ "configMapKeyRef": { "name": "there", "key": "key" } })), &Problems::default());
        check(
            &env(json!({ "configMapKeyRef": { "name": "there", "key": "other" } })),
            &of_container("couldn't find key other in ConfigMap shop/there"),
        );
        check(
            &env(json!({ "secretKeyRef": { "name": "absent", "key": "key" } })),
            &of_container("secret \"absent\" not found"),
        );
        check(
            &env(json!({ "secretKeyRef": { "name": "absent", "key": "key", "optional": true } })),
            &Problems::default(),
        );
        check(
            &container(json!({ "envFrom": [{ "configMapRef": { "name": "absent" } }] })),
            &of_container("configmap \"absent\" not found"),
        );
        let volume = json!({ "volumes": [{ "name": "v", "configMap": { "name": "absent" } }] });
        let why = "MountVolume.SetUp failed for volume \"v\" : configmap \"absent\" not found";
        check(&volume, &Problems { volume: Some(why.to_owned()), ..Problems::default() });
    }
}
