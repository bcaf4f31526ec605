//! Rights: Roles, ClusterRoles and their bindings, stored in the space.
//!
//! Rules: `plugin/pkg/auth/authorizer/rbac`. Rights only add up; there is no denial. A binding to a role that does not exist grants nothing and is told in the
//! reason of a refusal.

mod aggregate;
mod bootstrap;
mod escalation;
mod impersonation;
mod rule;

use apimachinery::GroupResource;
use serde_json::Value;

use crate::identity::{Identity, MASTERS};
use crate::request::RequestInfo;
use crate::space::{Place, Space};

pub(crate) use aggregate::aggregate;
pub(crate) use bootstrap::objects as bootstrap_objects;
pub(crate) use escalation::admit;
pub(crate) use impersonation::impersonated;
pub(crate) use rule::{Asked, AskedResource, Rule};

/// The group of all RBAC kinds.
pub(crate) const GROUP: &str = "rbac.authorization.k8s.io";

/// Whether a request is allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Yes.
    Allow,
    /// No; the reason, if RBAC has one beyond "no rule matches".
    Deny(String),
}

/// Members of `system:masters` may everything; others what RBAC objects in the space grant.
pub(crate) fn authorize(space: &Space, who: &Identity, what: &RequestInfo) -> Decision {
    if who.is_master() {
        return Decision::Allow;
    }
    let verdict = decide(space, who, &asked(what));
    if verdict.allowed { Decision::Allow } else { Decision::Deny(verdict.reason) }
}

/// A request in the vocabulary of rules.
fn asked(what: &RequestInfo) -> Asked {
    match what {
        RequestInfo::Path { path, verb } => Asked::Path { verb: verb.clone(), path: path.clone() },
        RequestInfo::Resource(request) => Asked::Resource(AskedResource {
            verb: request.verb.as_str().into(),
            group: request.gvr.group.as_str().into(),
            resource: request.gvr.plural.as_str().into(),
            subresource: request.subresource.clone(),
            namespace: request.namespace.clone().unwrap_or_default(),
            name: request.name.clone(),
        }),
    }
}

/// What a review answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) allowed: bool,
    /// Which binding allows it, or which roles are missing; often empty.
    pub(crate) reason: String,
}

/// Whether somebody may do something.
pub(crate) fn decide(space: &Space, who: &Identity, what: &Asked) -> Verdict {
    if who.is_master() {
        return Verdict { allowed: true, reason: String::new() };
    }
    verdict(&grants(space, who, what.namespace()), what)
}

fn verdict(grants: &Grants, what: &Asked) -> Verdict {
    for grant in &grants.found {
        if grant.rules.iter().any(|rule| rule.allows(what)) {
            return Verdict { allowed: true, reason: format!("RBAC: allowed by {}", grant.by) };
        }
    }
    let reason = match grants.missing.as_slice() {
        [] => String::new(),
        [only] => format!("RBAC: {only}"),
        several => format!("RBAC: [{}]", several.join(", ")),
    };
    Verdict { allowed: false, reason }
}

/// The rules of one binding, and how the server names it.
#[derive(Clone, Debug)]
pub(crate) struct Grant {
    pub(crate) rules: Vec<Rule>,
    by: String,
}

/// All that is granted to somebody, cluster-wide and in one namespace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Grants {
    pub(crate) found: Vec<Grant>,
    /// Roles that bindings name and nobody defined, as messages.
    pub(crate) missing: Vec<String>,
}

/// Where roles and bindings are read from; a space, or a test.
trait Policy {
    /// All bindings of a resource, of one namespace or cluster-scoped.
    fn bindings(&self, plural: &str, namespace: Option<&str>) -> Vec<Value>;
    /// A role or cluster role.
    fn role(&self, plural: &str, namespace: Option<&str>, name: &str) -> Option<Value>;
}

impl Policy for Space {
    fn bindings(&self, plural: &str, namespace: Option<&str>) -> Vec<Value> {
        let listing = self.list(&GroupResource::new(GROUP, plural), namespace);
        listing.items.iter().map(|stored| stored.object.to_value()).collect()
    }

    fn role(&self, plural: &str, namespace: Option<&str>, name: &str) -> Option<Value> {
        let place = Place {
            resource: GroupResource::new(GROUP, plural),
            namespace: namespace.map(str::to_owned),
            name: name.to_owned(),
        };
        self.get(&place).map(|stored| stored.object.to_value())
    }
}

/// All that is granted to somebody cluster-wide and, unless it is empty, in a namespace. A master is granted everything.
pub(crate) fn grants(space: &Space, who: &Identity, namespace: &str) -> Grants {
    if who.is_master() {
        return Grants {
            found: vec![Grant { rules: Rule::everything(), by: MASTERS.into() }],
            missing: Vec::new(),
        };
    }
    collect(space, who, namespace)
}

fn collect(policy: &impl Policy, who: &Identity, namespace: &str) -> Grants {
    let mut grants = Grants::default();
    for binding in policy.bindings("clusterrolebindings", None) {
        add(policy, who, &binding, None, &mut grants);
    }
    if !namespace.is_empty() {
        for binding in policy.bindings("rolebindings", Some(namespace)) {
            add(policy, who, &binding, Some(namespace), &mut grants);
        }
    }
    grants
}

fn add(policy: &impl Policy, who: &Identity, binding: &Value, namespace: Option<&str>, grants: &mut Grants) {
    let text = |pointer: &str| binding.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let subjects = binding.get("subjects").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let Some(subject) = subjects.iter().find(|subject| is_subject(who, subject, namespace)) else { return };
    let (role_kind, role_name) = (text("/roleRef/kind"), text("/roleRef/name"));
    let (plural, role_namespace) = match role_kind {
        "Role" => ("roles", namespace),
        _ => ("clusterroles", None),
    };
    let Some(role) = policy.role(plural, role_namespace, role_name) else {
        grants.missing.push(format!("{}.{GROUP} {role_name:?} not found", plural.trim_end_matches('s')));
        return;
    };
    let name = text("/metadata/name");
    let binding_name = match namespace {
        Some(namespace) => format!("RoleBinding \"{name}/{namespace}\""),
        None => format!("ClusterRoleBinding {name:?}"),
    };
    let by = format!("{binding_name} of {role_kind} {role_name:?} to {}", described(subject, namespace));
    grants.found.push(Grant { rules: Rule::all_of(&role), by });
}

fn is_subject(who: &Identity, subject: &Value, namespace: Option<&str>) -> bool {
    let text = |field: &str| subject.get(field).and_then(Value::as_str).unwrap_or_default();
    let name = text("name");
    match text("kind") {
        "User" => who.user == name,
        "Group" => who.groups.iter().any(|group| group == name),
        "ServiceAccount" => {
            let own = text("namespace");
            let namespace = if own.is_empty() { namespace.unwrap_or_default() } else { own };
            !namespace.is_empty() && who.user == format!("system:serviceaccount:{namespace}:{name}")
        }
        _ => false,
    }
}

/// `User "a"`, `ServiceAccount "a/namespace"`: as the server's reasons have it.
fn described(subject: &Value, namespace: Option<&str>) -> String {
    let text = |field: &str| subject.get(field).and_then(Value::as_str).unwrap_or_default();
    let (kind, name) = (text("kind"), text("name"));
    match (kind, text("namespace")) {
        ("ServiceAccount", "") => format!("{kind} \"{name}/{}\"", namespace.unwrap_or_default()),
        ("ServiceAccount", own) => format!("{kind} \"{name}/{own}\""),
        _ => format!("{kind} {name:?}"),
    }
}

#[cfg(test)]
mod tests;
