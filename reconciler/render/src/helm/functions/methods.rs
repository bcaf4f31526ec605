//! Methods of values: of objects, of `common.Values`, and of Go's named numbers.

use super::{dates, durations, yaml};
use crate::helm::fault::Fault;
use crate::helm::value::{Dict, DictKind, IntKind, Value};

/// Calls a method. None: the value has no method of this name.
pub(crate) fn call_method(receiver: &Value, name: &str, arguments: &[Value]) -> Option<Result<Value, Fault>> {
    match receiver {
        Value::Host(object) => object.call(name, arguments),
        Value::Dict(dict) if dict.kind() == DictKind::Values => method_of_values(dict, name, arguments),
        Value::Int(IntKind::Duration, nanoseconds) => durations::method(*nanoseconds, name, arguments),
        Value::Int(kind @ (IntKind::Month | IntKind::Weekday), number) => match name {
            "String" if arguments.is_empty() => Some(Ok(Value::text(named_number(*kind, *number)))),
            "String" => Some(Err(Fault::wrong("wrong number of args for String: want 0"))),
            _ => None,
        },
        _ => None,
    }
}

/// How a number prints whose type has a name.
pub(crate) fn named_number(kind: IntKind, number: i64) -> String {
    match kind {
        IntKind::Duration => durations::shown(number),
        IntKind::Month => dates::month_name(number),
        IntKind::Weekday => dates::weekday_name(number),
        IntKind::Int | IntKind::Int64 => number.to_string(),
    }
}

/// `.Values` has methods of its own in Helm, and they come before its members.
fn method_of_values(values: &Dict, name: &str, arguments: &[Value]) -> Option<Result<Value, Fault>> {
    let wanted = |count: usize| {
        if arguments.len() == count {
            return Ok(());
        }
        Err(Fault::wrong(format!("wrong number of args for {name}: want {count} got {}", arguments.len())))
    };
    let path = || match arguments.first() {
        Some(Value::String(path)) => Ok(path.as_str().into_owned()),
        _ => Err(Fault::wrong("wrong type for value; expected string")),
    };
    Some(match name {
        "YAML" => wanted(0).and_then(|()| yaml::plain(&values.clone().into()).map(Value::text)),
        "AsMap" => wanted(0).map(|()| Value::Dict(values.seen_as(DictKind::Any))),
        "Table" => wanted(1).and_then(|()| path()).and_then(|path| table(values, &path)).map(Value::Dict),
        "PathValue" => wanted(1).and_then(|()| path()).and_then(|path| path_value(values, &path)),
        "Encode" => Err(Fault::wrong("Encode needs a writer, which no template has")),
        _ => return None,
    })
}

fn table(values: &Dict, path: &str) -> Result<Dict, Fault> {
    let found = path.split('.').try_fold(values.clone(), |table, name| match table.get(name) {
        Some(Value::Dict(dict)) if dict.kind() != DictKind::Strings => Some(dict),
        _ => None,
    });
    let found = found.ok_or_else(|| Fault::wrong(format!("{path:?} is not a table")))?;
    Ok(found.seen_as(DictKind::Values))
}

fn path_value(values: &Dict, path: &str) -> Result<Value, Fault> {
    let missing = || Fault::wrong(format!("{path:?} is not a value"));
    let (holder, key) = match path.rsplit_once('.') {
        Some((before, key)) => (table(values, before).map_err(|_| missing())?, key),
        None => (values.clone(), path),
    };
    match holder.get(key) {
        Some(Value::Dict(_)) | None => Err(missing()),
        Some(value) => Ok(value),
    }
}
