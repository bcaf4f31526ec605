//! The query parameters of writes: `metav1.CreateOptions`, `UpdateOptions`, `PatchOptions`.

use apimachinery::GroupKind;

use crate::request::Query;
use crate::status::{Answer, ApiError, Cause};

/// How a write is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WriteOptions {
    /// Everything but storing.
    pub(crate) dry_run: bool,
    /// Who owns the written fields; by default what the client calls itself.
    pub(crate) manager: String,
    /// Whether `fieldManager` was given.
    pub(crate) manager_given: bool,
    /// What becomes of unknown and duplicate fields.
    pub(crate) validation: FieldValidation,
    /// Whether an apply takes fields from others.
    pub(crate) force: Option<bool>,
}

/// `fieldValidation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    /// The request is refused.
    Strict,
    /// They are dropped with a warning.
    Warn,
    /// They are dropped.
    Ignore,
}

/// Longest name of a manager, in bytes.
const MAX_MANAGER: usize = 128;

impl WriteOptions {
    /// Reads and checks the parameters; `kind` names them in errors, "CreateOptions".
    ///
    /// # Errors
    /// 422 with causes.
    pub(crate) fn parse(query: &Query, user_agent: &str, kind: &str) -> Answer<Self> {
        let mut causes = Vec::new();
        let dry_run: Vec<&str> = query.all("dryRun").collect();
        if dry_run.iter().any(|value| *value != "All") {
            let value = dry_run.iter().map(|&value| serde_json::Value::from(value)).collect();
            causes.push(Cause::not_supported("dryRun", &value, &["All"]));
        }
        let manager = query.get("fieldManager").unwrap_or_default();
        if manager.len() > MAX_MANAGER {
            causes.push(Cause::too_long("fieldManager", MAX_MANAGER));
        }
        if manager.chars().any(char::is_control) {
            causes.push(Cause::invalid(
                "fieldManager",
                &manager.into(),
                "should only contain printable characters",
            ));
        }
        let validation = match query.get("fieldValidation").unwrap_or_default() {
            "Strict" => FieldValidation::Strict,
            "" | "Warn" => FieldValidation::Warn,
            "Ignore" => FieldValidation::Ignore,
            other => {
                let supported = ["", "Ignore", "Strict", "Warn"];
                causes.push(Cause::not_supported("fieldValidation", &other.into(), &supported));
                FieldValidation::Warn
            }
        };
        if !causes.is_empty() {
            return Err(ApiError::invalid(&GroupKind::new("meta.k8s.io", kind), "", causes));
        }
        let given = !manager.is_empty();
        Ok(Self {
            dry_run: !dry_run.is_empty(),
            manager: if given { manager.to_owned() } else { manager_of(user_agent) },
            manager_given: given,
            validation,
            force: query.get("force").map(|_| query.flag("force")),
        })
    }
}

/// What stands before the first `/` of a user agent, without what cannot be printed, as the server has it.
fn manager_of(user_agent: &str) -> String {
    let prefix = user_agent.split('/').next().unwrap_or_default();
    let mut manager: String = prefix.chars().filter(|c| !c.is_control()).collect();
    while manager.len() > MAX_MANAGER {
        manager.pop();
    }
    manager
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manager_is_what_was_given_or_the_clients_name() {
        let parse =
            |query: &str, agent: &str| WriteOptions::parse(&Query::parse(query), agent, "PatchOptions");
        assert_eq!(parse("", "kubectl/v1.32.4 (linux)").unwrap().manager, "kubectl");
        assert_eq!(parse("fieldManager=me", "kubectl/v1").unwrap().manager, "me");
        assert!(parse("dryRun=All", "").unwrap().dry_run);
        assert_eq!(parse("dryRun=None", "").unwrap_err().code(), 422);
        assert_eq!(parse("fieldValidation=Loose", "").unwrap_err().code(), 422);
        assert_eq!(parse("fieldValidation=Strict", "").unwrap().validation, FieldValidation::Strict);
    }
}
