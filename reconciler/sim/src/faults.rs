//! What fails, and how a test asks for it.
//!
//! ConfigMap `sim` in namespace `kube-system`; every entry is a list with one item per line, empty lines and `#` comments are skipped. A change acts at once.
//!
//! | key | item | effect |
//! |---|---|---|
//! | `missing-images` | the beginning of an image | `ErrImagePull`, then `ImagePullBackOff`; what already runs goes on |
//! | `crash` | the same | containers end with exit code 1, `CrashLoopBackOff` |
//! | `never-ready` | `name` or `namespace/name` of a pod or what its name begins with up to a `-`, or a label selector with an operator | containers run, and are not ready |
//! | `quota` | `namespace: NUMBER` | no more pods than that in the namespace: `FailedCreate` |
//!
//! A single pod, or a pod template, asks by the annotation [`ANNOTATION`]: `image`, `crash`, `never-ready` or `unschedulable`.

use std::collections::BTreeMap;

use apimachinery::selector::Selector;

use crate::live::{Live, text};

/// The annotation of a pod that asks for a failure.
pub const ANNOTATION: &str = "sim.gitstellar.io/fail";

/// The annotation of a HorizontalPodAutoscaler that plays the load: the number of replicas that its metrics would ask for.
pub const DESIRED_REPLICAS: &str = "sim.gitstellar.io/desired-replicas";

/// Namespace of the ConfigMap that asks for failures.
pub const CONFIG_NAMESPACE: &str = "kube-system";

/// Its name.
pub const CONFIG_NAME: &str = "sim";

/// What is wrong with a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Its image cannot be pulled.
    Image,
    /// It ends with an error soon after each start.
    Crash,
    /// It never becomes ready.
    NeverReady,
}

/// Pods that are meant by one item of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Pods {
    Selected(Selector),
    Named { namespace: Option<String>, name: String },
}

impl Pods {
    fn parse(item: &str) -> Self {
        let is_selector = item.contains(['=', '!', '(']);
        if let Some(selector) = is_selector.then(|| Selector::parse(item).ok()).flatten() {
            return Self::Selected(selector);
        }
        match item.split_once('/') {
            Some((namespace, name)) => {
                Self::Named { namespace: Some(namespace.to_owned()), name: name.to_owned() }
            }
            None => Self::Named { namespace: None, name: item.to_owned() },
        }
    }

    fn include(&self, pod: &Live) -> bool {
        match self {
            Self::Selected(selector) => selector.matches(pod.labels()),
            Self::Named { namespace, name } => {
                let rest = pod.name().strip_prefix(name.as_str());
                namespace.as_ref().is_none_or(|namespace| namespace == pod.namespace())
                    && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            }
        }
    }
}

/// All failures that are asked for by the ConfigMap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults {
    missing_images: Vec<String>,
    crash: Vec<String>,
    never_ready: Vec<Pods>,
    quota: BTreeMap<String, i64>,
}

impl Faults {
    /// Reads the ConfigMap; without one nothing fails.
    pub(crate) fn of(config: Option<&Live>) -> Self {
        let Some(config) = config else { return Self::default() };
        let lines = |key: &str| {
            let lines = text(&config.value, &format!("/data/{key}")).lines().map(str::trim);
            lines
                .filter(|line| !line.is_empty() && !line.starts_with('#'))
                .map(str::to_owned)
                .collect::<Vec<_>>()
        };
        let quota = lines("quota").into_iter().filter_map(|line| {
            let (namespace, number) = line.split_once([':', '='])?;
            Some((namespace.trim().to_owned(), number.trim().parse().ok()?))
        });
        Self {
            missing_images: lines("missing-images"),
            crash: lines("crash"),
            never_ready: lines("never-ready").iter().map(|line| Pods::parse(line)).collect(),
            quota: quota.collect(),
        }
    }

    /// What is wrong with a container of a pod. What comes first in its life wins.
    pub(crate) fn of_container(&self, pod: &Live, image: &str) -> Option<Fault> {
        let asked = pod.annotation(ANNOTATION).unwrap_or_default();
        let listed =
            |images: &[String]| images.iter().any(|begin| image.starts_with(begin.trim_end_matches('*')));
        if asked == "image" || listed(&self.missing_images) {
            Some(Fault::Image)
        } else if asked == "crash" || listed(&self.crash) {
            Some(Fault::Crash)
        } else if asked == "never-ready" || self.never_ready.iter().any(|pods| pods.include(pod)) {
            Some(Fault::NeverReady)
        } else {
            None
        }
    }

    /// Most pods in a namespace.
    pub(crate) fn quota(&self, namespace: &str) -> Option<i64> {
        self.quota.get(namespace).copied()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::live::live;

    fn pod(annotations: &Value) -> Live {
        let metadata =
            json!({ "name": "cart-5d-x", "labels": { "app": "cart" }, "annotations": annotations });
        live(json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata }))
    }

    #[test]
    fn failures_are_asked_for_by_image_name_or_label() {
        #[track_caller]
        fn check(data: &Value, expected: Option<Fault>) {
            let config = live(
                json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "sim" }, "data": data }),
            );
            assert_eq!(Faults::of(Some(&config)).of_container(&pod(&json!({})), "shop/cart:2"), expected);
        }
        check(&json!({}), None);
        check(&json!({ "missing-images": "# none\n\n shop/cart:2" }), Some(Fault::Image));
        check(&json!({ "missing-images": "shop/*" }), Some(Fault::Image));
        check(&json!({ "missing-images": "shop/cart:3" }), None);
        check(&json!({ "crash": "shop/cart" }), Some(Fault::Crash));
        check(&json!({ "never-ready": "app=cart" }), Some(Fault::NeverReady));
        check(&json!({ "never-ready": "shop/cart" }), Some(Fault::NeverReady));
        check(&json!({ "never-ready": "other/cart" }), None);
        check(&json!({ "never-ready": "car" }), None);
        check(&json!({ "never-ready": "app!=cart" }), None);
    }

    #[test]
    fn a_pod_asks_by_its_annotation() {
        #[track_caller]
        fn check(asked: &str, expected: Option<Fault>) {
            let pod = pod(&json!({ ANNOTATION: asked }));
            assert_eq!(Faults::default().of_container(&pod, "nginx"), expected);
        }
        check("image", Some(Fault::Image));
        check("crash", Some(Fault::Crash));
        check("never-ready", Some(Fault::NeverReady));
        check("else", None);
    }

    #[test]
    fn a_quota_is_a_number_per_namespace() {
        let data = json!({ "quota": "shop: 3\nteam=0\nbroken" });
        let config = live(
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "sim" }, "data": data }),
        );
        let faults = Faults::of(Some(&config));
        assert_eq!(
            (faults.quota("shop"), faults.quota("team"), faults.quota("broken")),
            (Some(3), Some(0), None)
        );
    }
}
