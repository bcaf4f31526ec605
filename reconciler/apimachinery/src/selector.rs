//! Label selectors: from `metav1.LabelSelector` and from the text of a query (`a=b,c in (x,y),!d,e!=f`).
//!
//! Source of syntax, messages and meaning: `k8s.io/apimachinery/pkg/labels` and `pkg/apis/meta/v1`.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::field_error::{FieldError, FieldPath, aggregate};
use crate::{goprint, syntax};

mod parse;
mod structured;

pub use structured::validate_label_selector;

/// How the values of a requirement relate to a label.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operator {
    /// `key=value`: present with this value. `==` reads the same.
    Equals,
    /// `key!=value`: absent, or present with another value.
    NotEquals,
    /// `key in (a,b)`: present with one of the values.
    In,
    /// `key notin (a,b)`: absent, or present with none of the values.
    NotIn,
    /// `key`: present.
    Exists,
    /// `!key`: absent.
    DoesNotExist,
    /// `key>5`: present, a whole number, greater. Texts only.
    GreaterThan,
    /// `key<5`.
    LessThan,
}

/// Why something is no label selector.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum SelectorError {
    /// The text does not follow the grammar.
    #[error("{0}")]
    Syntax(String),
    /// A requirement of the text is not valid.
    #[error("unable to parse requirement: {0}")]
    Requirement(String),
    /// Keys, operators or values are not valid.
    #[error("{}", aggregate(.0))]
    Invalid(Vec<FieldError>),
    /// No such operator in a LabelSelector.
    #[error("{} is not a valid label selector operator", goprint::quote(.0))]
    Operator(String),
    /// Of the wrong JSON type.
    #[error("not a label selector: {0}")]
    Malformed(String),
}

/// One condition on one label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Requirement {
    key: String,
    operator: Operator,
    /// Sorted, without duplicates.
    values: Vec<String>,
}

impl Requirement {
    /// A valid requirement. Values are sorted, duplicates dropped.
    ///
    /// # Errors
    /// When key or values are not what labels may hold, or their number does not fit the operator.
    pub fn new(
        key: &str,
        operator: Operator,
        values: impl IntoIterator<Item = String>,
    ) -> Result<Self, SelectorError> {
        let mut values: Vec<String> = values.into_iter().collect();
        let errors = faults(key, operator, &values);
        if !errors.is_empty() {
            return Err(SelectorError::Invalid(errors));
        }
        values.sort_unstable();
        values.dedup();
        Ok(Self { key: key.to_owned(), operator, values })
    }

    /// The label's key.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The operator.
    pub fn operator(&self) -> Operator {
        self.operator
    }

    /// The values, sorted; empty for `Exists` and `DoesNotExist`.
    pub fn values(&self) -> &[String] {
        &self.values
    }

    /// The values one of which the label must have, or `None` when the requirement does not narrow to values. For indexes: `In` with one value and `Equals` are the same.
    pub fn required_values(&self) -> Option<&[String]> {
        matches!(self.operator, Operator::Equals | Operator::In).then_some(&self.values)
    }

    /// Whether a set of labels fulfils it.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        let label = labels.get(&self.key);
        let listed = || label.is_some_and(|value| self.values.contains(value));
        match self.operator {
            Operator::Equals | Operator::In => listed(),
            Operator::NotEquals | Operator::NotIn => !listed(),
            Operator::Exists => label.is_some(),
            Operator::DoesNotExist => label.is_none(),
            Operator::GreaterThan => self.number_of(label).is_some_and(|(label, bound)| label > bound),
            Operator::LessThan => self.number_of(label).is_some_and(|(label, bound)| label < bound),
        }
    }

    fn number_of(&self, label: Option<&String>) -> Option<(i64, i64)> {
        Some((label?.parse().ok()?, self.values.first()?.parse().ok()?))
    }
}

/// What is wrong with a requirement.
fn faults(key: &str, operator: Operator, values: &[String]) -> Vec<FieldError> {
    let (key_path, path) = (FieldPath::new("key"), FieldPath::new("values"));
    let mut errors = Vec::new();
    let reasons = syntax::label_key(key);
    if !reasons.is_empty() {
        errors.push(FieldError::invalid(&key_path, key.into(), reasons.join("; ")));
    }
    let complaint = match operator {
        Operator::In | Operator::NotIn if values.is_empty() => {
            "for 'in', 'notin' operators, values set can't be empty"
        }
        Operator::Equals | Operator::NotEquals if values.len() != 1 => {
            "exact-match compatibility requires one single value"
        }
        Operator::Exists | Operator::DoesNotExist if !values.is_empty() => {
            "values set must be empty for exists and does not exist"
        }
        Operator::GreaterThan | Operator::LessThan if values.len() != 1 => {
            "for 'Gt', 'Lt' operators, exactly one value is required"
        }
        _ => "",
    };
    if !complaint.is_empty() {
        errors.push(FieldError::invalid(&path, values.into(), complaint));
    }
    for (index, value) in values.iter().enumerate() {
        if matches!(operator, Operator::GreaterThan | Operator::LessThan) && value.parse::<i64>().is_err() {
            let detail = "for 'Gt', 'Lt' operators, the value must be an integer";
            errors.push(FieldError::invalid(&path.index(index), value.as_str().into(), detail));
        }
        let reasons = syntax::label_value(value);
        if !reasons.is_empty() {
            let at = path.index(index).key(key);
            errors.push(FieldError::invalid(&at, value.as_str().into(), reasons.join("; ")));
        }
    }
    errors
}

impl fmt::Display for Requirement {
    /// As upstream prints it, which parses back to the same requirement.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (key, values) = (&self.key, self.values.join(","));
        match self.operator {
            Operator::Equals => write!(f, "{key}={values}"),
            Operator::NotEquals => write!(f, "{key}!={values}"),
            Operator::In => write!(f, "{key} in ({values})"),
            Operator::NotIn => write!(f, "{key} notin ({values})"),
            Operator::Exists => f.write_str(key),
            Operator::DoesNotExist => write!(f, "!{key}"),
            Operator::GreaterThan => write!(f, "{key}>{values}"),
            Operator::LessThan => write!(f, "{key}<{values}"),
        }
    }
}

/// A label selector: all requirements must hold. Without any it selects everything.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Selector {
    /// Sorted, without duplicates.
    requirements: Vec<Requirement>,
    /// Selects nothing, whatever the requirements: an absent LabelSelector.
    nothing: bool,
}

impl Selector {
    /// Selects everything.
    pub fn everything() -> Self {
        Self { requirements: Vec::new(), nothing: false }
    }

    /// Selects nothing, as an absent LabelSelector does.
    pub fn nothing() -> Self {
        Self { requirements: Vec::new(), nothing: true }
    }

    /// All of these.
    pub fn new(requirements: impl IntoIterator<Item = Requirement>) -> Self {
        let mut requirements: Vec<Requirement> = requirements.into_iter().collect();
        requirements.sort_unstable();
        requirements.dedup();
        Self { requirements, nothing: false }
    }

    /// Exactly these labels, unchecked: what a Service's `spec.selector` or the `matchLabels` of a stored object says.
    pub fn of_labels<'a>(labels: impl IntoIterator<Item = (&'a String, &'a String)>) -> Self {
        Self::new(labels.into_iter().map(|(key, value)| Requirement {
            key: key.clone(),
            operator: Operator::Equals,
            values: vec![value.clone()],
        }))
    }

    /// Reads the text of a `labelSelector` query parameter. The empty text selects everything.
    ///
    /// # Errors
    /// With upstream's words where the text does not follow the grammar, or a key or value is not valid.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        parse::parse(text)
    }

    /// Reads a `metav1.LabelSelector`. Null selects nothing, `{}` everything.
    ///
    /// # Errors
    /// At the first requirement that is not valid. All reasons at once, with their paths, gives [`validate_label_selector`].
    pub fn from_label_selector(value: &Value) -> Result<Self, SelectorError> {
        structured::from_label_selector(value)
    }

    /// The requirements, sorted by key, operator and values.
    pub fn requirements(&self) -> &[Requirement] {
        &self.requirements
    }

    /// Whether it selects whatever it is given.
    pub fn is_everything(&self) -> bool {
        !self.nothing && self.requirements.is_empty()
    }

    /// Whether it selects nothing, whatever it is given.
    pub fn is_nothing(&self) -> bool {
        self.nothing
    }

    /// Whether a set of labels fulfils all requirements.
    pub fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        !self.nothing && self.requirements.iter().all(|requirement| requirement.matches(labels))
    }

    /// The only value that a label may have, where one requirement says so.
    pub fn required_value(&self, key: &str) -> Option<&str> {
        let requirement = self.requirements.iter().find(|requirement| requirement.key == key)?;
        match requirement.required_values()? {
            [only] => Some(only),
            _ => None,
        }
    }
}

impl fmt::Display for Selector {
    /// As upstream prints it; empty for everything, and for nothing, which no text says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, requirement) in self.requirements.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{requirement}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
