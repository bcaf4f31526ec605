//! The namespace transformer.

use super::super::error::KustomizeError;
use super::super::fieldspec::{FieldSpec, Leaf};
use super::super::resmap::ResMap;
use super::super::resource::Resource;
use crate::object::Origin;
use crate::yaml::{Node, Value};

/// Which subjects of role bindings get the namespace.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(in super::super) enum Subjects {
    /// Those named `default`, of any kind.
    #[default]
    DefaultOnly,
    AllServiceAccounts,
    None,
}

/// One namespace transformation.
#[derive(Debug, Clone)]
pub(in super::super) struct NamespaceRule {
    pub(in super::super) at: Origin,
    pub(in super::super) namespace: String,
    pub(in super::super) specs: Vec<FieldSpec>,
    pub(in super::super) unset_only: bool,
    pub(in super::super) subjects: Subjects,
}

/// Sets the namespace of every object whose kind is not certainly cluster-scoped, and of what belongs to it.
pub(in super::super) fn set_namespace(
    objects: &mut ResMap,
    rule: &NamespaceRule,
) -> Result<(), KustomizeError> {
    if rule.namespace.is_empty() {
        return Ok(());
    }
    for at in 0..objects.len() {
        let resource = objects.get_mut(at);
        if resource.is_empty() || resource.from_chart {
            continue;
        }
        resource.remember_id();
        one(resource, rule)
            .map_err(|message| KustomizeError::step(&resource.origin, "namespace", message))?;
        objects.renamed(at);
    }
    match objects.duplicate(|_| true) {
        None => Ok(()),
        Some((first, second)) => {
            let (first, second) = (objects.get(first), objects.get(second));
            let message = format!(
                "namespace transformation produces ID conflict: {} at {} and {}; rename one of them",
                second.current(),
                first.origin,
                second.origin
            );
            Err(KustomizeError::step(&rule.at, "namespace", message))
        }
    }
}

fn one(resource: &mut Resource, rule: &NamespaceRule) -> Result<(), String> {
    let mut set = |field: &mut Node| set_text(field, rule);
    own_and_subjects(resource, rule.subjects, &mut set)?;
    // metadata/namespace and subjects were handled for the kinds they belong to, whatever the specs say.
    let is_binding = matches!(resource.kind(), "RoleBinding" | "ClusterRoleBinding");
    let gvk = resource.gvk().to_owned();
    let is_core = resource.node.str_at(&["apiVersion"]) == Some("v1");
    for spec in rule.specs.iter().filter(|spec| spec.matches(gvk.as_ref())) {
        let of_binding = matches!(spec.gvk.kind.as_str(), "RoleBinding" | "ClusterRoleBinding");
        if spec.path == ["metadata", "namespace"]
            || (spec.path == ["metadata", "name"] && !is_core)
            || (is_binding && of_binding && spec.path == ["subjects", "namespace"])
        {
            continue;
        }
        spec.apply(&mut resource.node, Leaf::Scalar, &mut set)?;
    }
    Ok(())
}

fn set_text(field: &mut Node, rule: &NamespaceRule) -> Result<(), String> {
    if matches!(field.value, Value::Map(_) | Value::Seq(_)) {
        return Err(format!("namespace field specs must target scalar nodes, found {}", field.kind_name()));
    }
    let taken = field.scalar_text().is_some_and(|text| !text.is_empty());
    if !(rule.unset_only && taken) {
        field.value = Value::String(rule.namespace.clone());
    }
    Ok(())
}

/// Sets the namespace of one object and of its subjects, and nothing else.
pub(in super::super) fn namespace_of_one(
    resource: &mut Resource,
    namespace: &str,
    subjects: Subjects,
) -> Result<(), String> {
    own_and_subjects(resource, subjects, &mut |field| {
        field.value = Value::String(namespace.to_owned());
        Ok(())
    })
}

fn own_and_subjects<F>(resource: &mut Resource, subjects: Subjects, set: &mut F) -> Result<(), String>
where
    F: FnMut(&mut Node) -> Result<(), String>,
{
    if !resource.current().is_cluster_scoped() {
        FieldSpec::new("", "metadata/namespace", true).apply(&mut resource.node, Leaf::Scalar, set)?;
    }
    if matches!(resource.kind(), "RoleBinding" | "ClusterRoleBinding") {
        set_subjects(&mut resource.node, subjects, set)?;
    }
    Ok(())
}

fn set_subjects<F>(node: &mut Node, which: Subjects, set: &mut F) -> Result<(), String>
where
    F: FnMut(&mut Node) -> Result<(), String>,
{
    let Some(subjects) = node.get_mut("subjects").filter(|subjects| !subjects.is_null()) else {
        return Ok(());
    };
    let found = subjects.kind_name();
    if which == Subjects::None {
        return Ok(());
    }
    let Some(subjects) = subjects.as_seq_mut() else {
        return Err(format!("the subjects of a role binding are a list, found {found}"));
    };
    let (member, wanted) =
        if which == Subjects::DefaultOnly { ("name", "default") } else { ("kind", "ServiceAccount") };
    for subject in subjects.iter_mut().filter(|subject| !subject.is_null()) {
        let found = subject.kind_name();
        let Some(map) = subject.as_map_mut() else {
            return Err(format!("a subject of a role binding is a map, found {found}"));
        };
        match map.get(member) {
            Some(Node { value: Value::Map(_) | Value::Seq(_), .. }) => {
                return Err(format!("the {member} of a subject of a role binding is no text"));
            }
            Some(held) if held.as_str() == Some(wanted) => {
                set(map.get_or_insert_with("namespace", Node::default))?;
            }
            _ => {}
        }
    }
    Ok(())
}
