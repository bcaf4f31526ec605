//! Validation of custom objects against their schema, worded like an API server's.
//!
//! Source: kube-openapi's validator, wrapped by apiextensions. Its quirks are kept, because messages and verdicts are part of the API: a whole float is an integer, null
//! never is in an enum, the error of `anyOf` comes with those of the alternative that came closest.

use serde_json::{Map, Number, Value};

use super::{Additional, Limits, Scalar, Schema, Slot, ValueType, format, lists};
use crate::field_error::{FieldError, FieldErrorKind, FieldPath};
use crate::goprint;

impl Schema {
    /// Everything that is wrong with a custom object: types, constraints, missing fields, duplicates in sets and keyed lists, embedded objects without apiVersion or kind.
    /// CEL rules are not evaluated. Metadata is left to whoever checks it for all kinds.
    pub fn validate(&self, value: &Value) -> Vec<FieldError> {
        let mut errors = check_node(self, value, &FieldPath::default()).errors;
        lists::check_node(self, value, &FieldPath::default(), &mut errors);
        errors
    }
}

/// What a check found, and how many steps of it succeeded: by that the closest alternative is chosen.
#[derive(Default)]
struct Outcome {
    errors: Vec<FieldError>,
    matches: usize,
}

impl Outcome {
    fn merge(&mut self, other: Self) {
        self.matches += other.matches;
        for error in other.errors {
            self.push(error);
        }
    }

    fn push(&mut self, error: FieldError) {
        if !self.errors.contains(&error) {
            self.errors.push(error);
        }
    }

    fn is_valid(&self) -> bool {
        self.errors.is_empty()
    }
}

fn check_slot(slot: &Slot, value: &Value, path: &FieldPath) -> Outcome {
    let mut outcome = Outcome::default();
    if slot.link().definition().is_some() {
        // Metadata: only that it is an object is the schema's business.
        check_type(slot.schema(), value, path, &mut outcome);
    } else if value.is_null() {
        check_null(slot, path, &mut outcome);
    } else {
        return check_node(slot.schema(), value, path);
    }
    outcome
}

fn check_null(slot: &Slot, path: &FieldPath, outcome: &mut Outcome) {
    let wanted = type_names(slot.schema());
    if !wanted.is_empty() && !slot.nullable {
        outcome.push(wrong_type(path, &wanted, "null"));
    }
    check_enum(slot.schema(), &Value::Null, path, outcome);
}

fn check_node(schema: &Schema, value: &Value, path: &FieldPath) -> Outcome {
    let mut outcome = Outcome { matches: 2, ..Outcome::default() };
    if schema.value_type != ValueType::Any || schema.scalar.is_some() || schema.format.is_some() {
        outcome.matches += 1;
        check_type(schema, value, path, &mut outcome);
    }
    if let Some(limits) = &schema.limits {
        check_alternatives(limits, value, path, &mut outcome);
    }
    outcome.matches += 1;
    match value {
        Value::String(text) => check_string(schema, text, path, &mut outcome),
        Value::Number(number) => check_number(schema, number, path, &mut outcome),
        Value::Array(items) => check_items(schema, items, path, &mut outcome),
        _ => {}
    }
    check_enum(schema, value, path, &mut outcome);
    if let Value::Object(fields) = value {
        check_fields(schema, fields, path, &mut outcome);
    }
    outcome
}

/// The JSON type of a value and its format in the validator's words.
fn type_of(value: &Value) -> (&'static str, &'static str) {
    match value {
        Value::Null => ("null", ""),
        Value::Bool(_) => ("boolean", ""),
        Value::Number(number) if number.is_f64() => ("number", "float64"),
        Value::Number(_) => ("integer", "int64"),
        Value::String(_) => ("string", ""),
        Value::Array(_) => ("array", ""),
        Value::Object(_) => ("object", ""),
    }
}

fn type_names(schema: &Schema) -> String {
    if schema.scalar == Some(Scalar::IntOrString) {
        return "integer,string".to_owned();
    }
    let name = match schema.value_type {
        ValueType::Any => "",
        ValueType::Object => "object",
        ValueType::Array => "array",
        ValueType::String => "string",
        ValueType::Integer => "integer",
        ValueType::Number => "number",
        ValueType::Boolean => "boolean",
    };
    name.to_owned()
}

fn check_type(schema: &Schema, value: &Value, path: &FieldPath, outcome: &mut Outcome) {
    let wanted = type_names(schema);
    let (found, found_format) = type_of(value);
    let format = schema.format.as_deref().filter(|format| format::is_known(format));
    let numeric = wanted.contains("integer") || wanted.contains("number");
    let fits = wanted.split(',').any(|name| name == found)
        || (found == "number" && wanted.contains("integer") && is_whole(value))
        || (found == "integer" && wanted == "number")
        || wanted.is_empty();
    let textual = matches!(value, Value::String(_) | Value::Array(_));
    match format {
        // A text with a format is checked by its format alone.
        Some(_) if textual && !numeric => outcome.matches += 1,
        Some(format) if !textual && !fits && found_format != format => {
            outcome.push(wrong_type(path, format, found_format));
        }
        _ if fits => outcome.matches += 1,
        _ => outcome.push(wrong_type(path, &wanted, found)),
    }
}

fn is_whole(value: &Value) -> bool {
    value.as_f64().is_some_and(|number| number.fract() == 0.0)
}

fn wrong_type(path: &FieldPath, wanted: &str, found: &str) -> FieldError {
    let detail = format!("{} in body must be of type {wanted}: {}", path.as_str(), goprint::quote(found));
    FieldError::type_invalid(path, Value::from(found), detail)
}

fn invalid(path: &FieldPath, value: Value, detail: &str) -> FieldError {
    FieldError::invalid(path, value, format!("{} in body {detail}", path.as_str()))
}

fn check_alternatives(limits: &Limits, value: &Value, path: &FieldPath, outcome: &mut Outcome) {
    let name = goprint::quote(path.as_str());
    let root = |text: String| FieldError::invalid(&FieldPath::default(), Value::from(""), text);
    let check = |schema: &Schema| check_slot(&Slot::from(schema.clone()), value, path);
    if !limits.any_of.is_empty() {
        let results = limits.any_of.iter().map(check).collect();
        let (valid, best) = closest(results);
        if valid == 0 {
            outcome.push(root(format!("{name} must validate at least one schema (anyOf)")));
        }
        outcome.merge(best);
    }
    if !limits.one_of.is_empty() {
        let (valid, best) = closest(limits.one_of.iter().map(check).collect());
        let problem = match valid {
            0 => "Found none valid".to_owned(),
            _ => format!("Found {valid} valid alternatives"),
        };
        if valid != 1 {
            outcome.push(root(format!("{name} must validate one and only one schema (oneOf). {problem}")));
        }
        outcome.merge(best);
    }
    if !limits.all_of.is_empty() {
        let results: Vec<Outcome> = limits.all_of.iter().map(check).collect();
        let valid = results.iter().filter(|result| result.is_valid()).count();
        let all = results.len();
        results.into_iter().for_each(|result| outcome.merge(result));
        if valid != all {
            let none = if valid == 0 { ". None validated" } else { "" };
            outcome.push(root(format!("{name} must validate all the schemas (allOf){none}")));
        }
    }
    if limits.not.as_deref().is_some_and(|not| check(not).is_valid()) {
        outcome.push(root(format!("{name} must not validate the schema (not)")));
    }
}

/// How many alternatives hold, and the first that does, or else the one that came closest.
fn closest(results: Vec<Outcome>) -> (usize, Outcome) {
    let valid = results.iter().filter(|result| result.is_valid()).count();
    let mut best: Option<Outcome> = None;
    for result in results {
        if valid > 0 {
            if result.is_valid() {
                return (valid, result);
            }
        } else if best.as_ref().is_none_or(|best| result.matches > best.matches) {
            best = Some(result);
        }
    }
    (valid, best.unwrap_or_default())
}

fn check_string(schema: &Schema, text: &str, path: &FieldPath, outcome: &mut Outcome) {
    let value = || Value::from(text);
    if let Some(limits) = &schema.limits {
        let length = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
        if let Some(max) = limits.max_length.filter(|max| length > *max) {
            outcome.push(FieldError::too_long(path, max));
        } else if let Some(min) = limits.min_length.filter(|min| length < *min) {
            outcome.push(invalid(path, value(), &format!("should be at least {min} chars long")));
        } else if let Some(pattern) = limits.pattern.as_ref().filter(|pattern| !pattern.matches(text)) {
            outcome.push(invalid(path, value(), &format!("should match '{}'", pattern.as_str())));
        }
    }
    if let Some(format) = schema.format.as_deref().filter(|format| !format::accepts(format, text)) {
        let error = wrong_type(path, format, text);
        outcome.push(FieldError { kind: FieldErrorKind::TypeInvalid, ..error });
    }
}

fn check_number(schema: &Schema, number: &Number, path: &FieldPath, outcome: &mut Outcome) {
    outcome.matches += 1;
    let Some(limits) = &schema.limits else { return };
    let mut fail = |detail: String| outcome.push(invalid(path, Value::Number(number.clone()), &detail));
    if let Some(factor) = &limits.multiple_of
        && !is_multiple(number, factor)
    {
        fail(format!("should be a multiple of {}", bound_text(number, factor)));
    }
    if let Some(max) = &limits.maximum {
        let order = compare(number, max);
        if limits.exclusive_maximum && order.is_ge() {
            fail(format!("should be less than {}", bound_text(number, max)));
        } else if order.is_gt() {
            fail(format!("should be less than or equal to {}", bound_text(number, max)));
        }
    }
    if let Some(min) = &limits.minimum {
        let order = compare(number, min);
        if limits.exclusive_minimum && order.is_le() {
            fail(format!("should be greater than {}", bound_text(number, min)));
        } else if order.is_lt() {
            fail(format!("should be greater than or equal to {}", bound_text(number, min)));
        }
    }
}

/// Integers are compared with the whole part of a bound, as in Go.
fn compare(number: &Number, bound: &Number) -> std::cmp::Ordering {
    match (number.as_i64(), whole(bound)) {
        (Some(number), Some(bound)) => number.cmp(&bound),
        _ => {
            let (a, b) = (number.as_f64().unwrap_or_default(), bound.as_f64().unwrap_or_default());
            a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal)
        }
    }
}

fn is_multiple(number: &Number, factor: &Number) -> bool {
    match (number.as_i64(), whole(factor)) {
        (Some(number), Some(factor)) if factor > 0 => number % factor == 0,
        _ => {
            let (a, b) = (number.as_f64().unwrap_or_default(), factor.as_f64().unwrap_or(1.0));
            let ratio = if b < 1.0 { 1.0 / b * a } else { a / b };
            (ratio - ratio.round()).abs() < 1e-9
        }
    }
}

fn bound_text(number: &Number, bound: &Number) -> String {
    match whole(bound).filter(|_| number.is_i64()) {
        Some(whole) => whole.to_string(),
        None => bound
            .as_f64()
            .and_then(Number::from_f64)
            .map_or_else(String::new, |float| goprint::number(&float)),
    }
}

fn whole(bound: &Number) -> Option<i64> {
    bound.as_i64().or_else(|| {
        let float = bound.as_f64()?.trunc();
        // The text of a whole float in range is that of the integer.
        if float.abs() < 9e18 { format!("{float:.0}").parse().ok() } else { None }
    })
}

fn check_items(schema: &Schema, items: &[Value], path: &FieldPath, outcome: &mut Outcome) {
    outcome.matches += 1;
    if let Some(slot) = schema.item_slot() {
        for (index, item) in items.iter().enumerate() {
            outcome.merge(check_slot(slot, item, &path.index(index)));
        }
    }
    let Some(limits) = &schema.limits else { return };
    let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
    if let Some(min) = limits.min_items.filter(|min| count < *min) {
        outcome.push(invalid(path, Value::from(count), &format!("should have at least {min} items")));
    }
    if let Some(max) = limits.max_items.filter(|max| count > *max) {
        outcome.push(FieldError::too_many(path, items.len(), max));
    }
}

fn check_enum(schema: &Schema, value: &Value, path: &FieldPath, outcome: &mut Outcome) {
    let Some(limits) = schema.limits.as_ref().filter(|limits| !limits.allowed.is_empty()) else { return };
    let holds = |allowed: &Value| match (value, allowed) {
        (Value::Null, _) => false,
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        _ => value == allowed,
    };
    if limits.allowed.iter().any(holds) {
        return;
    }
    let allowed: Vec<String> = limits
        .allowed
        .iter()
        .map(|allowed| allowed.as_str().map_or_else(|| allowed.to_string(), ToOwned::to_owned))
        .collect();
    outcome.push(FieldError::not_supported(path, value.clone(), allowed.iter().map(String::as_str)));
}

fn check_fields(schema: &Schema, fields: &Map<String, Value>, path: &FieldPath, outcome: &mut Outcome) {
    if let Some(limits) = &schema.limits {
        let count = u64::try_from(fields.len()).unwrap_or(u64::MAX);
        if let Some(min) = limits.min_properties.filter(|min| count < *min) {
            let detail = format!("should have at least {min} properties");
            outcome.push(invalid(path, Value::from(count), &detail));
        }
        if let Some(max) = limits.max_properties.filter(|max| count > *max) {
            outcome.push(FieldError::too_many(path, fields.len(), max));
        }
        if limits.no_additional {
            for name in fields.keys().filter(|name| !schema.properties.contains_key(name.as_str())) {
                let detail = format!("{}.{name} in body is a forbidden property", path.as_str());
                outcome.push(FieldError::invalid(path, Value::from(name.as_str()), detail));
            }
        }
    }
    for (name, value) in fields {
        let declared = schema.properties.get(name.as_str());
        let values = match &schema.additional {
            Additional::Values(slot) => Some(&**slot),
            Additional::None | Additional::Any => None,
        };
        if let Some(slot) = declared.or(values) {
            outcome.merge(check_slot(slot, value, &path.child(name)));
        }
    }
    for name in schema.required.iter().filter(|name| !fields.contains_key(&***name)) {
        outcome.push(FieldError::required(&path.child(name), ""));
    }
}

#[cfg(test)]
mod tests;
