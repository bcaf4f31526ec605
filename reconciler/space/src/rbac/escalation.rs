//! Nobody grants more than they have.
//!
//! Who writes a role must hold every right in it, and who writes a binding every right of the role, unless they may `escalate` or `bind` it. Sources:
//! `pkg/registry/rbac/*/policybased` and the rule cover of component-helpers.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::identity::Identity;
use crate::resource::Endpoint;
use crate::space::Space;
use crate::status::{Answer, ApiError};

use super::rule::ALL;
use super::{Asked, AskedResource, GROUP, Policy, Rule, decide, grants};

/// Admission of a write of an RBAC object, complete, in its final form.
///
/// # Errors
/// 403 when it grants rights that the writer does not hold.
pub(crate) fn admit(
    space: &Space,
    who: &Identity,
    endpoint: &Endpoint,
    new: &Value,
    old: Option<&Value>,
) -> Answer<()> {
    let plural = endpoint.resource.plural.as_str();
    if who.is_master() || endpoint.resource.group != GROUP || old.is_some_and(|old| same_rights(old, new)) {
        return Ok(());
    }
    let text = |pointer: &str| new.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    let (name, namespace) = (text("/metadata/name"), text("/metadata/namespace"));
    let asked = |verb: &str, resource: &str, name: &str| {
        Asked::Resource(AskedResource {
            verb: verb.into(),
            group: GROUP.into(),
            resource: resource.into(),
            namespace: namespace.into(),
            name: name.into(),
            ..AskedResource::default()
        })
    };
    let granted = match plural {
        "roles" | "clusterroles" if decide(space, who, &asked("escalate", plural, name)).allowed => {
            return Ok(());
        }
        "roles" | "clusterroles" => Rule::all_of(new),
        "rolebindings" | "clusterrolebindings" => {
            let (roles, role_namespace) = match text("/roleRef/kind") {
                "Role" => ("roles", Some(namespace)),
                _ => ("clusterroles", None),
            };
            let role = text("/roleRef/name");
            if decide(space, who, &asked("bind", roles, role)).allowed {
                return Ok(());
            }
            let found = Policy::role(space, roles, role_namespace, role);
            let id = apimachinery::GroupResource::new(GROUP, roles);
            Rule::all_of(&found.ok_or_else(|| ApiError::not_found(&id, role))?)
        }
        _ => return Ok(()),
    };
    let held: Vec<Rule> =
        grants(space, who, namespace).found.into_iter().flat_map(|grant| grant.rules).collect();
    let missing = missing(&held, &granted);
    if missing.is_empty() {
        return Ok(());
    }
    let groups: Vec<String> = who.groups.iter().map(|group| format!("{group:?}")).collect();
    let lines: Vec<String> = missing.iter().map(Rule::compact).collect::<BTreeSet<_>>().into_iter().collect();
    let detail = format!(
        "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}",
        who.user,
        groups.join(" "),
        lines.join("\n")
    );
    Err(ApiError::forbidden(&endpoint.resource.group_resource(), name, &detail))
}

/// Whether an update leaves alone what is granted to whom.
fn same_rights(old: &Value, new: &Value) -> bool {
    ["rules", "aggregationRule", "roleRef", "subjects"].iter().all(|field| old.get(field) == new.get(field))
}

/// The parts of `wanted` that `held` does not cover, verbs of the same part joined.
fn missing(held: &[Rule], wanted: &[Rule]) -> Vec<Rule> {
    let mut missing: Vec<Rule> = Vec::new();
    for part in wanted.iter().flat_map(parts).filter(|part| !held.iter().any(|rule| covers(rule, part))) {
        let same = |other: &&mut Rule| {
            let unjoined = |rule: &Rule| Rule { verbs: Vec::new(), ..rule.clone() };
            unjoined(other) == unjoined(&part)
        };
        match missing.iter_mut().find(same) {
            Some(other) => other.verbs.extend(part.verbs),
            None => missing.push(part),
        }
    }
    missing
}

/// A rule as rules of one verb, one group, one resource, one name.
fn parts(rule: &Rule) -> Vec<Rule> {
    let mut parts = Vec::new();
    for verb in &rule.verbs {
        let verbs = vec![verb.clone()];
        for url in &rule.urls {
            parts.push(Rule { verbs: verbs.clone(), urls: vec![url.clone()], ..Rule::default() });
        }
        for group in &rule.api_groups {
            for resource in &rule.resources {
                let part = Rule {
                    verbs: verbs.clone(),
                    api_groups: vec![group.clone()],
                    resources: vec![resource.clone()],
                    ..Rule::default()
                };
                if rule.resource_names.is_empty() {
                    parts.push(part.clone());
                }
                let named = rule.resource_names.iter();
                parts.extend(named.map(|name| Rule { resource_names: vec![name.clone()], ..part.clone() }));
            }
        }
    }
    parts
}

/// Whether a rule grants all that a part wants.
fn covers(rule: &Rule, part: &Rule) -> bool {
    let all = |held: &[String], wanted: &[String]| {
        held.iter().any(|entry| entry == ALL) || wanted.iter().all(|entry| held.contains(entry))
    };
    let names = rule.resource_names.is_empty()
        || !part.resource_names.is_empty()
            && part.resource_names.iter().all(|name| rule.resource_names.contains(name));
    all(&rule.verbs, &part.verbs)
        && all(&rule.api_groups, &part.api_groups)
        && part.resources.iter().all(|wanted| covers_resource(rule, wanted))
        && names
        && part.urls.iter().all(|wanted| {
            rule.urls.iter().any(|held| match held.strip_suffix(ALL) {
                Some(prefix) => wanted.starts_with(prefix),
                None => held == wanted,
            })
        })
}

fn covers_resource(rule: &Rule, wanted: &str) -> bool {
    let subresource = wanted.split_once('/').map(|(_, subresource)| format!("*/{subresource}"));
    rule.resources.iter().any(|held| held == ALL || held == wanted || Some(held) == subresource.as_ref())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The rules in `wanted` that `held` does not cover.
    #[track_caller]
    fn check(held: Value, wanted: Value, expected: &[&str]) {
        let rules = |rules: Value| Rule::all_of(&json!({"rules": rules}));
        let seen: Vec<String> = missing(&rules(held), &rules(wanted)).iter().map(Rule::compact).collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn rights_that_are_not_held_are_named() {
        let secrets = json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]);
        check(
            json!([]),
            secrets.clone(),
            &[r#"{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list"]}"#],
        );
        let reading = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]}]);
        check(reading, secrets.clone(), &[r#"{APIGroups:[""], Resources:["secrets"], Verbs:["list"]}"#]);
        let all = json!([{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]);
        check(all.clone(), secrets.clone(), &[]);
        check(secrets, all, &[r#"{APIGroups:["*"], Resources:["*"], Verbs:["*"]}"#]);
    }

    #[test]
    fn names_subresources_and_paths_are_covered_one_by_one() {
        let one =
            json!([{"apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"], "verbs": ["get"]}]);
        let any = json!([{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]);
        check(any.clone(), one.clone(), &[]);
        check(one, any, &[r#"{APIGroups:[""], Resources:["pods"], Verbs:["get"]}"#]);
        let scales = json!([{"apiGroups": ["apps"], "resources": ["*/scale"], "verbs": ["get"]}]);
        let scale = json!([{"apiGroups": ["apps"], "resources": ["deployments/scale", "deployments"], "verbs": ["get"]}]);
        check(scales, scale, &[r#"{APIGroups:["apps"], Resources:["deployments"], Verbs:["get"]}"#]);
        let paths = json!([{"nonResourceURLs": ["/healthz", "/apis/*"], "verbs": ["get"]}]);
        let more = json!([{"nonResourceURLs": ["/apis/apps", "/metrics"], "verbs": ["get"]}]);
        check(paths, more, &[r#"{NonResourceURLs:["/metrics"], Verbs:["get"]}"#]);
    }
}
