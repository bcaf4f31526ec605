//! Who may do what (RBAC).

use anyhow::ensure;
use serde_json::{Value, json};

use super::scratch::{Scratch, config_map, text, unique};
use super::{Case, Target, cases};
use crate::harness::{Outcome, eventually, same};

pub const CASES: &[(&str, Case)] = cases![
    a_user_without_rights_is_told_what_is_missing,
    a_role_gives_rights_in_its_namespace_only,
    a_rule_may_name_its_objects,
    nobody_grants_more_than_they_have,
    a_review_answers_without_doing,
];

/// How long rights may take to be known.
const KNOWN: std::time::Duration = std::time::Duration::from_secs(30);

/// Gives a user a role with one rule in the namespace of the case.
fn grant(target: &Target, scratch: &Scratch, user: &str, rule: &Value) -> Outcome {
    let group_version = "rbac.authorization.k8s.io/v1";
    let role = json!({
        "apiVersion": group_version, "kind": "Role", "metadata": { "name": "granted" }, "rules": [rule]
    });
    let binding = json!({
        "apiVersion": group_version, "kind": "RoleBinding", "metadata": { "name": "granted" },
        "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "granted" },
        "subjects": [{ "apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user }]
    });
    target.post(&scratch.of(group_version, "roles"), &role)?.expect(201)?;
    target.post(&scratch.of(group_version, "rolebindings"), &binding)?.expect(201)?;
    Ok(())
}

/// Waits until a request of a user is no longer forbidden.
fn permitted(user: &Target, path: &str) -> Outcome {
    eventually("the right is known", KNOWN, || Ok((user.get(path)?.status != 403).then_some(())))
}

fn a_user_without_rights_is_told_what_is_missing(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let jane = target.as_user("jane");
    let status = jane.get(&scratch.apps("deployments"))?.refused(403, "Forbidden")?;
    let expected = format!(
        "deployments.apps is forbidden: User \"jane\" cannot list resource \"deployments\" in API group \"apps\" \
         in the namespace \"{}\"",
        scratch.namespace
    );
    same("message", text(&status, "/message")?, &expected)?;
    let status = jane.get("/api/v1/nodes/one")?.refused(403, "Forbidden")?;
    let expected = "nodes \"one\" is forbidden: User \"jane\" cannot get resource \"nodes\" in API group \"\" at the cluster scope";
    same("message", text(&status, "/message")?, expected)
}

fn a_role_gives_rights_in_its_namespace_only(target: &Target) -> Outcome {
    let (scratch, other) = (Scratch::new(target)?, Scratch::new(target)?);
    let name = unique("user-");
    let rule = json!({ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "create"] });
    grant(target, &scratch, &name, &rule)?;
    let user = target.as_user(&name);
    permitted(&user, &scratch.core("configmaps"))?;
    user.post(&scratch.core("configmaps"), &config_map("one", "a"))?.expect(201)?;
    user.get(&scratch.core("configmaps/one"))?.expect(200)?;
    user.delete(&scratch.core("configmaps/one"))?.refused(403, "Forbidden")?;
    user.get(&scratch.core("secrets"))?.refused(403, "Forbidden")?;
    user.get(&other.core("configmaps"))?.refused(403, "Forbidden")?;
    user.get("/api/v1/configmaps")?.refused(403, "Forbidden")?;
    Ok(())
}

fn a_rule_may_name_its_objects(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let name = unique("user-");
    let rule =
        json!({ "apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["one"], "verbs": ["get"] });
    grant(target, &scratch, &name, &rule)?;
    let user = target.as_user(&name);
    permitted(&user, &scratch.core("configmaps/one"))?;
    user.get(&scratch.core("configmaps/one"))?.refused(404, "NotFound")?;
    user.get(&scratch.core("configmaps/two"))?.refused(403, "Forbidden")?;
    Ok(())
}

fn nobody_grants_more_than_they_have(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let name = unique("user-");
    let rule = json!({ "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles"], "verbs": ["list", "create"] });
    grant(target, &scratch, &name, &rule)?;
    let user = target.as_user(&name);
    let roles = scratch.of("rbac.authorization.k8s.io/v1", "roles");
    permitted(&user, &roles)?;
    let greedy = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": { "name": "greedy" },
        "rules": [{ "apiGroups": [""], "resources": ["secrets"], "verbs": ["get"] }]
    });
    let status = user.post(&roles, &greedy)?.refused(403, "Forbidden")?;
    ensure!(
        text(&status, "/message")?.contains("is attempting to grant RBAC permissions not currently held"),
        "{status}"
    );
    Ok(())
}

fn a_review_answers_without_doing(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let review = |verb: &str| {
        json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
            "spec": { "resourceAttributes": {
                "namespace": scratch.namespace, "verb": verb, "resource": "configmaps"
            } }
        })
    };
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let answer = target.post(path, &review("delete"))?.expect(201)?;
    same("the administrator", &answer["status"]["allowed"], &true.into())?;
    let name = unique("user-");
    let other = json!({
        "apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview",
        "spec": { "user": name, "resourceAttributes": {
            "namespace": scratch.namespace, "verb": "get", "resource": "configmaps"
        } }
    });
    let answer = target.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", &other)?.expect(201)?;
    same("somebody else", &answer["status"]["allowed"], &false.into())
}
