//! `x-kubernetes-validations`: the rules that a schema writes in CEL.
//!
//! They run once types, lengths and enums are fine. `oldSelf` is known where the old object has a comparable value: fields, map entries, items of keyed lists; a rule that
//! names it waits for such a value. Source: `apiserver/schema/cel` of apiextensions-apiserver.
//!
//! Quirk: a rule that the engine cannot run (Kubernetes' libraries for URLs, quantities, addresses and formats; times, which are text here) is not enforced, and said so
//! in the log. A definition is not refused for its rules.

mod cost;
mod engine;
mod value;

use apimachinery::field_error::{FieldError, FieldErrorKind, FieldPath};
use apimachinery::schema::{ListType, Rule, Schema};
use serde_json::Value;

use engine::{Engine, Outcome};

/// What the rules say of a custom object that is otherwise valid. `old` is the object before an update.
pub(super) fn check(schema: &Schema, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut check = Check { engine: Engine::default(), errors: Vec::new() };
    check.node(schema, new, old, &FieldPath::default());
    check.errors
}

struct Check {
    engine: Engine,
    errors: Vec<FieldError>,
}

impl Check {
    fn node(&mut self, schema: &Schema, new: &Value, old: Option<&Value>, path: &FieldPath) {
        // A rule about null stands in the schema around it.
        if new.is_null() {
            return;
        }
        let is_root = path.as_str().is_empty();
        for rule in &schema.rules {
            self.rule((rule, is_root), schema, (new, old), path);
        }
        for part in schema.limits.iter().flat_map(|limits| &limits.all_of) {
            self.node(part, new, old, path);
        }
        match new {
            Value::Object(fields) => {
                for (name, field) in fields {
                    let (Some(slot), declared) =
                        (schema.slot(name), schema.properties.contains_key(name.as_str()))
                    else {
                        continue;
                    };
                    let path = if declared { path.child(name) } else { path.key(name) };
                    self.node(slot.schema(), field, old.and_then(|old| old.get(name)), &path);
                }
            }
            Value::Array(items) => {
                let Some(slot) = schema.item_slot() else { return };
                for (index, item) in items.iter().enumerate() {
                    let old = old.and_then(|old| same_item(&schema.list_type, item, old));
                    self.node(slot.schema(), item, old, &path.index(index));
                }
            }
            _ => {}
        }
    }

    fn rule(
        &mut self,
        (rule, is_root): (&Rule, bool),
        schema: &Schema,
        (new, old): (&Value, Option<&Value>),
        path: &FieldPath,
    ) {
        let own = |value: &Value| value::of(schema, value, is_root);
        let variables = engine::Variables {
            own: own(new),
            old: old.map(own),
            optional_old: rule.optional_old_self,
            largest: cost::largest(new).max(old.map_or(0, cost::largest)),
        };
        let type_of_value = FieldError { value: None, ..FieldError::invalid(path, Value::Null, "") };
        let said = match self.engine.holds(&rule.rule, &variables) {
            Outcome::True | Outcome::Waits => return,
            Outcome::Unsupported(why) => {
                tracing::warn!(rule = &*rule.rule, path = path.as_str(), %why, "a validation rule is not enforced");
                return;
            }
            Outcome::False => self.message(rule, &variables),
            Outcome::Failed(why) => format!("{why} evaluating rule: {}", shown(rule)),
            Outcome::TooExpensive => {
                "validation failed due to running out of cost budget, no further validation rules will be run"
                    .into()
            }
        };
        let path = match rule.field_path.as_deref() {
            Some(below) => FieldPath::new(format!("{path}{below}", path = path.as_str())),
            None => path.clone(),
        };
        let scalar = (!new.is_object() && !new.is_array()).then(|| new.clone());
        self.errors.push(FieldError {
            path,
            kind: kind(rule),
            value: scalar.or(type_of_value.value),
            detail: said,
        });
    }

    /// What a rule says when it does not hold: its expression, else its text, else the rule itself.
    fn message(&mut self, rule: &Rule, variables: &engine::Variables) -> String {
        let computed = rule.message_expression.as_deref().and_then(|text| self.engine.text(text, variables));
        match computed
            .map(|text| text.trim().to_owned())
            .filter(|text| !text.is_empty() && !text.contains('\n'))
        {
            Some(text) => text,
            None => match rule.message.as_deref().map(str::trim) {
                Some(text) if !text.is_empty() => text.to_owned(),
                _ => format!("failed rule: {}", rule.rule.trim()),
            },
        }
    }
}

/// How an error names a rule.
fn shown(rule: &Rule) -> &str {
    rule.message.as_deref().filter(|text| !text.is_empty()).unwrap_or(&rule.rule).trim()
}

fn kind(rule: &Rule) -> FieldErrorKind {
    match rule.reason.as_deref() {
        Some("FieldValueForbidden") => FieldErrorKind::Forbidden,
        Some("FieldValueRequired") => FieldErrorKind::Required,
        Some("FieldValueDuplicate") => FieldErrorKind::Duplicate,
        _ => FieldErrorKind::Invalid,
    }
}

/// The item of the old list that a new item stands for; only keyed lists have one.
fn same_item<'a>(list_type: &ListType, item: &Value, old: &'a Value) -> Option<&'a Value> {
    let ListType::Map(keys) = list_type else { return None };
    old.as_array()?.iter().find(|other| keys.iter().all(|key| other.get(&**key) == item.get(&**key)))
}

#[cfg(test)]
mod tests;
