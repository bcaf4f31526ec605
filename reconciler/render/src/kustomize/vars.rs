//! Variables: `$(NAME)` in a fixed list of fields, replaced after names are final.

use std::collections::BTreeMap;

use super::bounds;
use super::error::KustomizeError;
use super::fieldspec::{FieldSpec, Leaf};
use super::file::VarEntry;
use super::id::IdRef;
use super::path::{lookup, split};
use super::resmap::ResMap;
use super::resource::Resource;
use super::shared;
use crate::yaml::{Node, Value, go_float};

/// The variables of a build, with the values found so far.
pub(super) type Vars = Vec<VarEntry>;

/// Adds the variables of a kustomization; a name may be used once in all trees.
pub(super) fn register(
    vars: &mut Vars,
    more: &[VarEntry],
    objects: &mut ResMap,
) -> Result<(), KustomizeError> {
    for var in more {
        if let Some(first) = vars.iter().find(|held| held.name == var.name) {
            let message =
                format!("var '{}' already encountered at {}; give it another name", var.name, first.at);
            return Err(KustomizeError::step(&var.at, "vars", message));
        }
        let found = sources(var, objects);
        if found.len() > 1 {
            let message = format!(
                "found {} resId matches for var {} (unable to disambiguate); name the namespace in objref",
                found.len(),
                var.name
            );
            return Err(KustomizeError::step(&var.at, "vars", message));
        }
        // The value belongs to this object, whatever is added later under the same name.
        if let Some(at) = found.first() {
            objects.get_mut(*at).vars.push(var.name.clone());
        }
        vars.push(var.clone());
    }
    Ok(())
}

fn sources(var: &VarEntry, objects: &ResMap) -> Vec<usize> {
    let namespace = if var.namespace.is_empty() { None } else { Some(var.namespace.as_str()) };
    let fits = |held: IdRef<'_>| {
        held.name == var.object
            && held.gvk == var.gvk.as_ref()
            && namespace.is_none_or(|wanted| wanted == held.effective_namespace())
    };
    (0..objects.len()).filter(|at| objects.get(*at).any_id().any(fits)).collect()
}

/// `a[0].b` is `a.0.b`.
fn bracketed(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 1);
    for part in path.split('.') {
        if !out.is_empty() {
            out.push('.');
        }
        match part.strip_suffix(']').and_then(|rest| rest.rsplit_once('[')) {
            Some((name, index)) if !name.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) => {
                out.push_str(name);
                out.push('.');
                out.push_str(index);
            }
            _ => out.push_str(part),
        }
    }
    out
}

/// The value of a field. A list or a map is none that a text can hold: references to it stay as they are.
fn value_of(node: &Node) -> Option<Value> {
    match &node.value {
        // Whole numbers are read as decimal ones whatever they are written like; upstream's quirk.
        Value::Float(float) if !float.text.contains(['.', 'e', 'E']) => {
            float.text.parse().ok().map(Value::Int)
        }
        Value::Null | Value::Blank => Some(Value::String(String::new())),
        value => Some(value.clone()),
    }
}

/// Replaces all references.
pub(super) fn resolve(vars: &Vars, objects: &mut ResMap, specs: &[FieldSpec]) -> Result<(), KustomizeError> {
    if vars.is_empty() {
        return Ok(());
    }
    let mut bound: BTreeMap<&str, &Resource> = BTreeMap::new();
    for resource in objects.iter() {
        for name in &resource.vars {
            bound.entry(name).or_insert(resource);
        }
    }
    let mut values: BTreeMap<&str, Value> = BTreeMap::new();
    for var in vars {
        let fail = |message: String| KustomizeError::step(&var.at, "vars", message);
        let Some(source) = bound.get(var.name.as_str()) else {
            let object = IdRef { gvk: var.gvk.as_ref(), name: &var.object, namespace: &var.namespace };
            let message = format!(
                "var '{}' cannot be mapped to a field in the set of known resources: there is no {object}",
                var.name
            );
            return Err(fail(message));
        };
        let found = lookup(&source.node, &split(&bracketed(&var.field)));
        let Some(value) = found.ok().flatten().and_then(value_of) else {
            let message = format!(
                "var '{}': field specified in var not found in corresponding resource: {}",
                var.name, var.field
            );
            return Err(fail(message));
        };
        values.insert(&var.name, value);
    }
    for at in 0..objects.len() {
        let resource = objects.get_mut(at);
        let gvk = resource.gvk().to_owned();
        let fitting = specs.iter().filter(|spec| spec.matches(gvk.as_ref()));
        let fitting: Vec<FieldSpec> =
            fitting.map(|spec| FieldSpec { create: false, ..spec.clone() }).collect();
        // What several fields share is expanded at each of them, over what it became at the one before.
        let expanded = fitting.iter().try_for_each(|spec| {
            shared::keeping(&mut resource.node, |node| {
                spec.apply(node, Leaf::Scalar, &mut |field| expand_field(field, &values))
            })
        });
        expanded.map_err(|e| KustomizeError::step(&resource.origin, "vars", e))?;
    }
    Ok(())
}

fn expand_field(field: &mut Node, values: &BTreeMap<&str, Value>) -> Result<(), String> {
    let expanded = |text: &str| {
        let value = expanded(text, values);
        match &value {
            Some(Value::String(text)) => bounds::check_text(text).map(|()| value),
            _ => Ok(value),
        }
    };
    typed(field);
    match &mut field.value {
        Value::String(text) => {
            if let Some(value) = expanded(text)? {
                field.value = value;
            }
            field.quoted = false;
        }
        Value::Seq(items) => {
            for item in items {
                typed(item);
                let Value::String(text) = &item.value else {
                    return Err(format!("a list of texts holds {}", item.kind_name()));
                };
                if let Some(value) = expanded(text)? {
                    item.value = value;
                }
            }
        }
        Value::Map(map) => {
            for item in map.values_mut() {
                typed(item);
                if let Value::String(text) = &item.value
                    && let Some(value) = expanded(text)?
                {
                    item.value = value;
                }
            }
        }
        _ => {}
    }
    Ok(())
}

/// What has no type yet is a text from here on, whatever it reads as.
fn typed(node: &mut Node) {
    if let Some(text) = node.scalar_text().filter(|_| node.untyped) {
        node.value = Value::String(text);
        node.untyped = false;
    }
}

/// The expansion; none when nothing changes. A text that is one reference takes the value with its type.
fn expanded(text: &str, values: &BTreeMap<&str, Value>) -> Option<Value> {
    if !text.contains('$') {
        return None;
    }
    if let Some(name) = text.strip_prefix("$(").and_then(|rest| rest.strip_suffix(')'))
        && let Some(value) = values.get(name).filter(|value| text_of(value).is_some())
    {
        return Some(value.clone());
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            // `$$` escapes.
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|inner| inner.split_once(')')) {
            match values.get(name).and_then(text_of) {
                Some(value) => out.push_str(&value),
                None => {
                    out.push_str("$(");
                    out.push_str(name);
                    out.push(')');
                }
            }
            rest = after;
        } else {
            out.push('$');
        }
    }
    out.push_str(rest);
    (out != text).then_some(Value::String(out))
}

fn text_of(value: &Value) -> Option<String> {
    match value {
        Value::Float(float) => Some(go_print(float.number)),
        value => Node::from(value.clone()).scalar_text(),
    }
}

/// Go's `%v` of a float: digits below 1e21, an exponent above and below 1e-4.
fn go_print(number: f64) -> String {
    if number == 0.0 || (1e-4..1e21).contains(&number.abs()) { format!("{number}") } else { go_float(number) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_expand_and_unknown_names_stay() {
        fn check(text: &str, expected: &str) {
            let values = BTreeMap::from([("A", Value::String("x".to_owned())), ("N", Value::Int(5))]);
            let got = expanded(text, &values).map_or_else(|| text.to_owned(), |value| format!("{value:?}"));
            assert_eq!(got, expected);
        }
        check("$(N)", "Int(5)");
        check("a-$(A)-$(N)", "String(\"a-x-5\")");
        check("$(B)", "$(B)");
        check("$$(A) $", "String(\"$(A) $\")");
        check("plain", "plain");
    }
}
