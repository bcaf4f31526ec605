//! What no policy ever selects, whatever it says.

use std::collections::BTreeSet;

use apimachinery::{GroupResource, Name, Namespace, ObjectId};

use super::Selectable;
use crate::{OUR_GROUP, SYSTEM_NAMESPACE};

/// Whole groups: those KubeStellar never watches (`spec/kubestellar.md` 2.2), and ours.
const GROUPS: [(&str, &str); 6] = [
    ("apiregistration.k8s.io", "aggregated APIs belong to one API server"),
    ("control.kubestellar.io", "policies and bindings steer placement, they are not placed"),
    ("coordination.k8s.io", "leases belong to one API server"),
    ("discovery.k8s.io", "endpoint slices are made in each cluster"),
    ("flowcontrol.apiserver.k8s.io", "flow control belongs to one API server"),
    (OUR_GROUP, "gitstellar's own objects steer placement, they are not placed"),
];

/// Single resources, qualified by group: a custom kind that shares a plural in another group is selected like any other.
const RESOURCES: [(&str, &str, &str); 6] = [
    ("", "endpoints", "endpoints are made in each cluster"),
    ("", "events", "events belong to one API server"),
    ("", "nodes", "nodes belong to one cluster"),
    ("events.k8s.io", "events", "events belong to one API server"),
    ("storage.k8s.io", "csinodes", "nodes belong to one cluster"),
    ("storage.k8s.io", "csistoragecapacities", "storage capacity belongs to one cluster"),
];

/// Secrets that a `secretRef` of ours points to: they hold our credentials.
pub type SecretRefs = BTreeSet<(Namespace, Name)>;

/// Why no policy ever selects the object; `None` for all that can be selected.
pub fn never_selected(object: &Selectable, secret_refs: &SecretRefs) -> Option<&'static str> {
    never_placed(&object.resource(), &object.id).or_else(|| holds_our_credentials(object, secret_refs))
}

/// The part of [`never_selected`] that an identity tells. It holds for Bindings that people write, too: nothing else stands between those and a mailbox.
pub fn never_placed(resource: &GroupResource, id: &ObjectId) -> Option<&'static str> {
    by_resource(resource).or_else(|| in_system_namespace(id))
}

/// The part of [`never_selected`] that holds for all objects of a resource: those need not even be watched.
pub fn by_resource(resource: &GroupResource) -> Option<&'static str> {
    let by_group = GROUPS.iter().find(|(group, _)| resource.group == *group).map(|(_, why)| *why);
    by_group.or_else(|| {
        let listed = RESOURCES
            .iter()
            .find(|(group, plural, _)| resource.group == *group && resource.plural == *plural);
        listed.map(|(_, _, why)| *why)
    })
}

fn in_system_namespace(id: &ObjectId) -> Option<&'static str> {
    let inside = id.namespace.as_ref().is_some_and(|namespace| *namespace == SYSTEM_NAMESPACE);
    let itself = id.group.is_empty() && id.kind == "Namespace" && id.name == SYSTEM_NAMESPACE;
    (inside || itself).then_some("the namespace gitstellar-system holds gitstellar's ledgers and credentials")
}

fn holds_our_credentials(object: &Selectable, secret_refs: &SecretRefs) -> Option<&'static str> {
    if !object.id.group.is_empty() || object.id.kind != "Secret" {
        return None;
    }
    let namespace = object.id.namespace.clone()?;
    secret_refs
        .contains(&(namespace, object.id.name.clone()))
        .then_some("a secretRef names it: it holds credentials of gitstellar")
}

#[cfg(test)]
mod tests {
    use super::{SecretRefs, never_selected};
    use crate::select::Selectable;

    fn check(group: &str, kind: &str, plural: &str, at: (Option<&str>, &str), never: bool) {
        let object = Selectable {
            id: apimachinery::ObjectId::new(group, kind, at.0, at.1),
            plural: plural.into(),
            labels: std::sync::Arc::default(),
            narrowing: None,
        };
        let refs: SecretRefs = [("shop".into(), "git-token".into())].into();
        assert_eq!(never_selected(&object, &refs).is_some(), never, "{}", object.id);
    }

    #[test]
    fn the_table_holds() {
        check("", "Event", "events", (Some("a"), "x"), true);
        check("events.k8s.io", "Event", "events", (Some("a"), "x"), true);
        check("acme.io", "Event", "events", (Some("a"), "x"), false);
        check("", "Node", "nodes", (None, "n"), true);
        check("", "Endpoints", "endpoints", (Some("a"), "x"), true);
        check("storage.k8s.io", "CSINode", "csinodes", (None, "n"), true);
        check("storage.k8s.io", "StorageClass", "storageclasses", (None, "n"), false);
        check("coordination.k8s.io", "Lease", "leases", (Some("a"), "x"), true);
        check("control.kubestellar.io", "BindingPolicy", "bindingpolicies", (None, "p"), true);
        check("gitstellar.io", "Unit", "units", (None, "u"), true);
        check("", "ConfigMap", "configmaps", (Some("gitstellar-system"), "ledger"), true);
        check("", "Namespace", "namespaces", (None, "gitstellar-system"), true);
        check("", "Namespace", "namespaces", (None, "shop"), false);
        check("", "Secret", "secrets", (Some("shop"), "git-token"), true);
        check("", "Secret", "secrets", (Some("shop"), "db"), false);
        check("", "ConfigMap", "configmaps", (Some("shop"), "git-token"), false);
        check(
            "apiextensions.k8s.io",
            "CustomResourceDefinition",
            "customresourcedefinitions",
            (None, "x"),
            false,
        );
        check("rbac.authorization.k8s.io", "ClusterRole", "clusterroles", (None, "x"), false);
    }
}
