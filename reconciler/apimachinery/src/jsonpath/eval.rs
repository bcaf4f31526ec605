//! A template applied to a document.

use std::borrow::Cow;
use std::cmp::Ordering;

use serde_json::{Number, Value};

use super::{Block, Comparison, End, JsonPathError, MAX_VISITED, Step};
use crate::goprint;

type Results<'a> = Vec<Cow<'a, Value>>;

pub(super) struct Evaluation {
    requires_keys: bool,
    visited: usize,
}

impl Evaluation {
    pub(super) fn new(requires_keys: bool) -> Self {
        Self { requires_keys, visited: 0 }
    }

    pub(super) fn blocks<'a>(
        &mut self,
        blocks: &[Block],
        value: &'a Value,
    ) -> Result<Vec<Results<'a>>, JsonPathError> {
        let mut parts = Vec::new();
        for block in blocks {
            match block {
                Block::Path(steps) => parts.push(self.path(vec![Cow::Borrowed(value)], steps)?),
                Block::Range(steps, inner) => {
                    for item in self.path(vec![Cow::Borrowed(value)], steps)? {
                        match item {
                            Cow::Borrowed(item) => parts.extend(self.blocks(inner, item)?),
                            // A literal is ranged over by nobody, but may be.
                            Cow::Owned(literal) => {
                                let inside = self.blocks(inner, &literal)?;
                                parts.extend(inside.into_iter().map(into_owned));
                            }
                        }
                    }
                }
            }
        }
        Ok(parts)
    }

    fn path<'a>(&mut self, input: Results<'a>, steps: &[Step]) -> Result<Results<'a>, JsonPathError> {
        let mut results = input;
        for step in steps {
            results = self.step(results, step)?;
            self.count(results.len())?;
        }
        Ok(results)
    }

    fn count(&mut self, more: usize) -> Result<(), JsonPathError> {
        self.visited = self.visited.saturating_add(more);
        if self.visited > MAX_VISITED { Err(JsonPathError::TooMany) } else { Ok(()) }
    }

    fn step<'a>(&mut self, input: Results<'a>, step: &Step) -> Result<Results<'a>, JsonPathError> {
        match step {
            Step::Field(name) => self.field(input, name),
            Step::Wildcard => Ok(input.into_iter().flat_map(children).collect()),
            Step::Recursive => {
                let mut results = Vec::new();
                input.into_iter().try_for_each(|value| self.descend(value, &mut results))?;
                Ok(results)
            }
            Step::Slice { from, to, step } => {
                let mut results = Vec::new();
                for value in input {
                    if !value.is_null() {
                        slice(value, (*from, *to, *step), &mut results)?;
                    }
                }
                Ok(results)
            }
            Step::Union(members) => {
                let mut results = Vec::new();
                for member in members {
                    results.extend(self.path(input.clone(), member)?);
                }
                Ok(results)
            }
            Step::Filter { left, condition } => {
                let mut results = Vec::new();
                for value in input {
                    self.filter(value, left, condition.as_ref(), &mut results)?;
                }
                Ok(results)
            }
            // A number or truth value for each value that came so far, a text once.
            Step::Literal(text @ Value::String(_)) => Ok(vec![Cow::Owned(text.clone())]),
            Step::Literal(literal) => Ok(input.iter().map(|_| Cow::Owned(literal.clone())).collect()),
        }
    }

    fn field<'a>(&self, input: Results<'a>, name: &str) -> Result<Results<'a>, JsonPathError> {
        if input.is_empty() {
            return Ok(input);
        }
        let results: Results<'a> = input.into_iter().filter_map(|value| get(value, name)).collect();
        if results.is_empty() && self.requires_keys {
            return Err(JsonPathError::Missing(name.to_owned()));
        }
        Ok(results)
    }

    /// The value and all below it. As upstream, what has nothing in it is left out: numbers, truth values, the empty text.
    fn descend<'a>(&mut self, value: Cow<'a, Value>, results: &mut Results<'a>) -> Result<(), JsonPathError> {
        let is_text = value.as_str().is_some_and(|text| !text.is_empty());
        let below = children(value.clone());
        if !is_text && below.is_empty() {
            return Ok(());
        }
        self.count(1)?;
        results.push(value);
        below.into_iter().try_for_each(|child| self.descend(child, results))
    }

    fn filter<'a>(
        &mut self,
        value: Cow<'a, Value>,
        left: &[Step],
        condition: Option<&(Comparison, Vec<Step>)>,
        results: &mut Results<'a>,
    ) -> Result<(), JsonPathError> {
        if !value.is_array() {
            let found = goprint::type_name(&value);
            return Err(JsonPathError::Value(format!(
                "{found} is not array or slice and cannot be filtered"
            )));
        }
        for item in children(value) {
            let lefts = self.path(vec![item.clone()], left);
            let Some((comparison, right)) = condition else {
                if lefts.is_ok_and(|lefts| !lefts.is_empty()) {
                    results.push(item);
                }
                continue;
            };
            let (Some(left), Some(right)) = (only(lefts?)?, only(self.path(vec![item.clone()], right)?)?)
            else {
                continue;
            };
            if compare(&left, &right, *comparison)? {
                results.push(item);
            }
        }
        Ok(())
    }
}

fn only(results: Results<'_>) -> Result<Option<Cow<'_, Value>>, JsonPathError> {
    if results.len() > 1 {
        return Err(JsonPathError::Value("can only compare one element at a time".to_owned()));
    }
    Ok(results.into_iter().next())
}

fn into_owned<'a>(results: Results<'_>) -> Results<'a> {
    results.into_iter().map(|value| Cow::Owned(value.into_owned())).collect()
}

fn get<'a>(value: Cow<'a, Value>, name: &str) -> Option<Cow<'a, Value>> {
    match value {
        Cow::Borrowed(value) => value.as_object()?.get(name).map(Cow::Borrowed),
        Cow::Owned(value) => value.as_object()?.get(name).cloned().map(Cow::Owned),
    }
}

fn children(value: Cow<'_, Value>) -> Results<'_> {
    match value {
        Cow::Borrowed(Value::Array(items)) => items.iter().map(Cow::Borrowed).collect(),
        Cow::Borrowed(Value::Object(fields)) => fields.values().map(Cow::Borrowed).collect(),
        Cow::Owned(Value::Array(items)) => items.into_iter().map(Cow::Owned).collect(),
        Cow::Owned(Value::Object(fields)) => fields.into_iter().map(|(_, value)| Cow::Owned(value)).collect(),
        _ => Vec::new(),
    }
}

fn slice<'a>(
    value: Cow<'a, Value>,
    (from, to, step): (Option<i64>, End, Option<i64>),
    results: &mut Results<'a>,
) -> Result<(), JsonPathError> {
    let fail = |message: String| Err(JsonPathError::Value(message));
    let Some(length) = value.as_array().map(Vec::len) else {
        return fail(format!("{} is not array or slice", goprint::type_name(&value)));
    };
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let from = match from.unwrap_or(0) {
        from if from < 0 => from.saturating_add(length),
        from => from,
    };
    let to = match to {
        End::Open => length,
        End::At(to) if to < 0 => to.saturating_add(length),
        End::At(to) => to,
        // `[-1]` ends with the list, `[-2]` one before it.
        End::After(last) if last < 0 => last.saturating_add(1).saturating_add(length),
        End::After(last) => last.saturating_add(1),
    };
    if from == to {
        return Ok(());
    }
    if from >= length || from < 0 {
        return fail(format!("array index out of bounds: index {from}, length {length}"));
    }
    if to > length || to < 0 {
        return fail(format!("array index out of bounds: index {}, length {length}", to - 1));
    }
    if from > to {
        return fail(format!("starting index {from} is greater than ending index {to}"));
    }
    let step = step.unwrap_or(1);
    let Some(step) = usize::try_from(step).ok().filter(|step| *step > 0) else {
        return fail("step must be > 0".to_owned());
    };
    let bound = |index: i64| usize::try_from(index).unwrap_or(usize::MAX);
    results.extend(children(value).into_iter().take(bound(to)).skip(bound(from)).step_by(step));
    Ok(())
}

fn compare(left: &Value, right: &Value, comparison: Comparison) -> Result<bool, JsonPathError> {
    let incomparable = |message: &str| Err(JsonPathError::Value(message.to_owned()));
    let order = match (left, right) {
        (Value::String(a), Value::String(b)) => a.cmp(b),
        (Value::Bool(a), Value::Bool(b))
            if matches!(comparison, Comparison::Equal | Comparison::NotEqual) =>
        {
            a.cmp(b)
        }
        (Value::Number(a), Value::Number(b)) if a.is_f64() == b.is_f64() => number_order(a, b),
        (Value::Bool(_), Value::Bool(_)) => return incomparable("invalid type for comparison"),
        _ if is_basic(left) && is_basic(right) => return incomparable("incompatible types for comparison"),
        _ => return incomparable("invalid type for comparison"),
    };
    Ok(match comparison {
        Comparison::Less => order.is_lt(),
        Comparison::LessEqual => order.is_le(),
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::GreaterEqual => order.is_ge(),
        Comparison::Greater => order.is_gt(),
    })
}

fn number_order(a: &Number, b: &Number) -> Ordering {
    match (a.as_i64(), b.as_i64()) {
        (Some(a), Some(b)) => a.cmp(&b),
        _ => a.as_f64().partial_cmp(&b.as_f64()).unwrap_or(Ordering::Equal),
    }
}

fn is_basic(value: &Value) -> bool {
    matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_))
}
