//! Fields that an apply would take from other managers.

use std::collections::BTreeMap;
use std::fmt;

use super::managed::ManagerId;
use super::path::FieldPath;
use super::set::FieldSet;

/// One field that another manager owns with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Who owns it.
    pub manager: ManagerId,
    /// The field.
    pub path: FieldPath,
}

/// All conflicts of one apply; at least one. Displays as the message of the server's 409.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Conflicts(Vec<Conflict>);

/// One entry of `details.causes` of the server's answer; its reason is `FieldManagerConflict`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConflictCause {
    /// `conflict with "kubectl-client-side-apply" using apps/v1`
    pub message: String,
    /// `.spec.replicas`
    pub field: String,
}

impl Conflicts {
    /// From what each manager owns of the fields in question; `None` where nobody owns any.
    pub(super) fn new(owned: &BTreeMap<ManagerId, FieldSet>) -> Option<Self> {
        let mut managers: Vec<_> = owned.iter().filter(|(_, fields)| !fields.is_empty()).collect();
        managers.sort_by_key(|(id, _)| id.sort_key());
        let conflicts: Vec<_> = managers
            .into_iter()
            .flat_map(|(manager, fields)| {
                fields.paths().into_iter().map(|path| Conflict { manager: manager.clone(), path })
            })
            .collect();
        (!conflicts.is_empty()).then_some(Self(conflicts))
    }

    /// The conflicts, by manager and path.
    pub fn iter(&self) -> impl Iterator<Item = &Conflict> {
        self.0.iter()
    }

    /// All fields in question.
    pub fn fields(&self) -> FieldSet {
        self.0.iter().map(|conflict| conflict.path.clone()).collect()
    }

    /// Those outside a set; `None` where all are inside.
    pub(super) fn outside(self, allowed: &FieldSet) -> Option<Self> {
        let rest: Vec<_> = self.0.into_iter().filter(|c| !allowed.contains(&c.path.0)).collect();
        (!rest.is_empty()).then_some(Self(rest))
    }

    /// For `details.causes` of the answer.
    pub fn causes(&self) -> Vec<ConflictCause> {
        self.0
            .iter()
            .map(|conflict| ConflictCause {
                message: format!("conflict with {}", conflict.manager),
                field: conflict.path.to_string(),
            })
            .collect()
    }
}

impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.0.as_slice() {
            return write!(f, "Apply failed with 1 conflict: conflict with {}: {}", only.manager, only.path);
        }
        write!(f, "Apply failed with {} conflicts: ", self.0.len())?;
        let mut previous = None;
        for conflict in &self.0 {
            if previous != Some(&conflict.manager) {
                let newline = if previous.is_some() { "\n" } else { "" };
                write!(f, "{newline}conflicts with {}:", conflict.manager)?;
                previous = Some(&conflict.manager);
            }
            write!(f, "\n- {}", conflict.path)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::smd::testing::fields;

    fn conflicts(owned: Vec<(ManagerId, serde_json::Value)>) -> Conflicts {
        let owned = owned.into_iter().map(|(id, value)| (id, fields(&value))).collect();
        Conflicts::new(&owned).unwrap()
    }

    #[test]
    fn one_conflict_is_one_line() {
        let id = ManagerId::updater("kubectl-client-side-apply", "apps/v1", "");
        let one = conflicts(vec![(id, json!({"f:spec": {"f:replicas": {}}}))]);
        assert_eq!(
            one.to_string(),
            r#"Apply failed with 1 conflict: conflict with "kubectl-client-side-apply" using apps/v1: .spec.replicas"#
        );
        assert_eq!(
            one.causes(),
            [ConflictCause {
                message: r#"conflict with "kubectl-client-side-apply" using apps/v1"#.to_owned(),
                field: ".spec.replicas".to_owned(),
            }]
        );
    }

    #[test]
    fn several_conflicts_are_listed_by_manager() {
        let all = conflicts(vec![
            (ManagerId::applier("b", ""), json!({"f:b": {"f:c": {}}, "f:x": {}})),
            (ManagerId::updater("a", "v1", "status"), json!({"f:a": {}})),
        ]);
        assert_eq!(
            all.to_string(),
            "Apply failed with 3 conflicts: conflicts with \"a\" with subresource \"status\" using v1:\n- .a\nconflicts with \"b\":\n- .x\n- .b.c"
        );
        let rest = all.outside(&fields(&json!({"f:a": {}, "f:x": {}}))).unwrap();
        assert_eq!(rest.to_string(), "Apply failed with 1 conflict: conflict with \"b\": .b.c");
    }
}
