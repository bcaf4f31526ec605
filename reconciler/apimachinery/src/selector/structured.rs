//! `metav1.LabelSelector`: `{matchLabels, matchExpressions: [{key, operator, values}]}`.

use serde_json::Value;

use super::{Operator, Requirement, Selector, SelectorError};
use crate::field_error::{FieldError, FieldPath};
use crate::syntax;

pub(super) fn from_label_selector(value: &Value) -> Result<Selector, SelectorError> {
    let fields = match value {
        Value::Null => return Ok(Selector::nothing()),
        Value::Object(fields) => fields,
        _ => return Err(SelectorError::Malformed("it is not an object".to_owned())),
    };
    let mut requirements = Vec::new();
    for (key, value) in labels(fields.get("matchLabels"))? {
        requirements.push(Requirement::new(key, Operator::Equals, [value.to_owned()])?);
    }
    for expression in expressions(fields.get("matchExpressions"))? {
        let operator = operator(expression.operator)
            .ok_or_else(|| SelectorError::Operator(expression.operator.to_owned()))?;
        let values = expression.values.into_iter().map(ToOwned::to_owned);
        requirements.push(Requirement::new(expression.key, operator, values)?);
    }
    Ok(Selector::new(requirements))
}

/// What an API server refuses in a `metav1.LabelSelector`, with paths below `path`. Null and absent parts are fine. Source: `ValidateLabelSelector`.
pub fn validate_label_selector(value: &Value, path: &FieldPath) -> Vec<FieldError> {
    if value.is_null() {
        return Vec::new();
    }
    let (labels, expressions) =
        match (labels(value.get("matchLabels")), expressions(value.get("matchExpressions"))) {
            (Ok(labels), Ok(expressions)) if value.is_object() => (labels, expressions),
            _ => return vec![FieldError::type_invalid(path, value.clone(), "must be a label selector")],
        };
    let mut errors = Vec::new();
    let at = path.child("matchLabels");
    for (key, value) in labels {
        push_all(&mut errors, &at, key, syntax::label_key(key));
        push_all(&mut errors, &at, value, syntax::label_value(value));
    }
    for (index, expression) in expressions.iter().enumerate() {
        validate_expression(expression, &path.child("matchExpressions").index(index), &mut errors);
    }
    errors
}

fn validate_expression(expression: &Expression, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let values = path.child("values");
    match operator(expression.operator) {
        Some(Operator::In | Operator::NotIn) if expression.values.is_empty() => {
            let detail = "must be specified when `operator` is 'In' or 'NotIn'";
            errors.push(FieldError::required(&values, detail));
        }
        Some(Operator::Exists | Operator::DoesNotExist) if !expression.values.is_empty() => {
            let detail = "may not be specified when `operator` is 'Exists' or 'DoesNotExist'";
            errors.push(FieldError::forbidden(&values, detail));
        }
        Some(_) => {}
        None => {
            let value = Value::from(expression.operator);
            errors.push(FieldError::invalid(&path.child("operator"), value, "not a valid selector operator"));
        }
    }
    push_all(errors, &path.child("key"), expression.key, syntax::label_key(expression.key));
    for (index, value) in expression.values.iter().enumerate() {
        push_all(errors, &values.index(index), value, syntax::label_value(value));
    }
}

fn push_all(errors: &mut Vec<FieldError>, path: &FieldPath, value: &str, reasons: Vec<String>) {
    errors.extend(reasons.into_iter().map(|reason| FieldError::invalid(path, Value::from(value), reason)));
}

struct Expression<'a> {
    key: &'a str,
    operator: &'a str,
    values: Vec<&'a str>,
}

fn operator(name: &str) -> Option<Operator> {
    match name {
        "In" => Some(Operator::In),
        "NotIn" => Some(Operator::NotIn),
        "Exists" => Some(Operator::Exists),
        "DoesNotExist" => Some(Operator::DoesNotExist),
        _ => None,
    }
}

fn malformed(what: &str) -> SelectorError {
    SelectorError::Malformed(what.to_owned())
}

fn labels(value: Option<&Value>) -> Result<Vec<(&str, &str)>, SelectorError> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Object(labels)) => labels
            .iter()
            .map(|(key, value)| {
                let text = if value.is_null() { Some("") } else { value.as_str() };
                text.map(|text| (key.as_str(), text))
                    .ok_or_else(|| malformed("matchLabels holds a value that is no text"))
            })
            .collect(),
        Some(_) => Err(malformed("matchLabels is not an object")),
    }
}

fn expressions(value: Option<&Value>) -> Result<Vec<Expression<'_>>, SelectorError> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(expression).collect(),
        Some(_) => Err(malformed("matchExpressions is not a list")),
    }
}

fn expression(value: &Value) -> Result<Expression<'_>, SelectorError> {
    if !value.is_object() {
        return Err(malformed("matchExpressions holds what is no object"));
    }
    let text = |key: &str| match value.get(key) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(malformed("key and operator of matchExpressions are texts")),
    };
    let values = match value.get("values") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(values)) => values
            .iter()
            .map(|value| value.as_str().ok_or_else(|| malformed("values of matchExpressions are texts")))
            .collect::<Result<_, _>>()?,
        Some(_) => return Err(malformed("values of matchExpressions are a list")),
    };
    Ok(Expression { key: text("key")?, operator: text("operator")?, values })
}
