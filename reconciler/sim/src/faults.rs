//! What fails, and how a test asks for it.
//!
//! ConfigMap `sim` in namespace `kube-system`; every entry is a list with one item per line, empty lines and `#` comments are skipped. A change acts on what runs.
//!
//! | key | item | effect |
//! |---|---|---|
//! | `missing-images` | an image, or a prefix of one with `*` at its end | `ErrImagePull`, then `ImagePullBackOff`; what already runs goes on |
//! | `crash` | the same | containers end with exit code 1, `CrashLoopBackOff` |
//! | `never-ready` | a pod as `namespace/name`, or a label selector | containers run, and never become ready |
//! | `quota` | `namespace: NUMBER` | no more pods than that in the namespace: `FailedCreate` |
//!
//! A single pod, or a pod template, asks by the annotation [`ANNOTATION`]: `image`, `crash`, `never-ready` or `unschedulable`.

/// The annotation of a pod that asks for a failure.
pub const ANNOTATION: &str = "sim.gitstellar.io/fail";

/// The annotation of a HorizontalPodAutoscaler that plays the load: the number of replicas that its metrics would ask for.
pub const DESIRED_REPLICAS: &str = "sim.gitstellar.io/desired-replicas";

/// Namespace of the ConfigMap that asks for failures.
pub const CONFIG_NAMESPACE: &str = "kube-system";

/// Its name.
pub const CONFIG_NAME: &str = "sim";
