//! Paths into an object, with list items named by what identifies them instead of by position.

use std::cmp::Ordering;
use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::order;
use crate::goprint;

/// One step of a path. Ordered as Kubernetes orders them: fields, keys, values, indexes.
#[derive(Clone, Debug)]
pub enum PathElement {
    /// A field of an object or the key of a map: `f:image`.
    Field(Arc<str>),
    /// The item of a keyed list, by the values of its key fields, sorted by name: `k:{"name":"web"}`.
    Key(Arc<[(Arc<str>, Value)]>),
    /// The item of a set, by its value: `v:"ReadWriteOnce"`.
    Value(Arc<Value>),
    /// The item of a list, by its position: `i:0`. Kubernetes writes none, but reads them.
    Index(i64),
}

impl PathElement {
    /// A field.
    pub fn field(name: &str) -> Self {
        Self::Field(name.into())
    }

    /// An item of a keyed list, from its key fields in any order.
    pub fn key<'a>(fields: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let mut fields: Vec<(Arc<str>, Value)> = fields.into_iter().map(|(n, v)| (n.into(), v)).collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        Self::Key(fields.into())
    }

    /// An item of a set.
    pub fn value(value: Value) -> Self {
        Self::Value(Arc::new(value))
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Field(_) => 0,
            Self::Key(_) => 1,
            Self::Value(_) => 2,
            Self::Index(_) => 3,
        }
    }
}

impl Ord for PathElement {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Field(a), Self::Field(b)) => a.cmp(b),
            (Self::Key(a), Self::Key(b)) => compare_keys(a, b),
            (Self::Value(a), Self::Value(b)) => order::compare(a, b),
            (Self::Index(a), Self::Index(b)) => a.cmp(b),
            _ => self.rank().cmp(&other.rank()),
        }
    }
}

fn compare_keys(left: &[(Arc<str>, Value)], right: &[(Arc<str>, Value)]) -> Ordering {
    left.iter()
        .zip(right)
        .map(|((a, x), (b, y))| a.cmp(b).then_with(|| order::compare(x, y)))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| left.len().cmp(&right.len()))
}

impl PartialOrd for PathElement {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for PathElement {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for PathElement {}

impl fmt::Display for PathElement {
    /// As messages of the API server show it: `.image`, `[name="web"]`, `[="ReadWriteOnce"]`, `[0]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(fields) => {
                f.write_str("[")?;
                for (i, (name, value)) in fields.iter().enumerate() {
                    let comma = if i > 0 { "," } else { "" };
                    write!(f, "{comma}{name}={}", show(value))?;
                }
                f.write_str("]")
            }
            Self::Value(value) => write!(f, "[={}]", show(value)),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

fn show(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => goprint::number(n),
        Value::String(s) => goprint::quote(s),
        Value::Array(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(",")),
        Value::Object(map) => map.iter().map(|(k, v)| format!("{k}={}", show(v))).collect(),
    }
}

/// A path from the root of an object. The empty path is the root, which nobody owns.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPath(pub Vec<PathElement>);

impl FieldPath {
    /// A path that consists of fields only.
    pub fn of_fields<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        Self(names.into_iter().map(PathElement::field).collect())
    }
}

impl fmt::Display for FieldPath {
    /// `.spec.template.spec.containers[name="web"].image`
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|element| element.fmt(f))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_reads_as_the_server_prints_it() {
        let mut path = FieldPath::of_fields(["spec", "containers"]);
        path.0.push(PathElement::key([("protocol", json!("TCP")), ("containerPort", json!(80))]));
        path.0.push(PathElement::value(json!("a \"b\"")));
        path.0.push(PathElement::Index(3));
        assert_eq!(path.to_string(), r#".spec.containers[containerPort=80,protocol="TCP"][="a \"b\""][3]"#);
    }

    #[test]
    fn elements_are_ordered_as_the_server_orders_them() {
        let sorted = [
            PathElement::field("a"),
            PathElement::field("b"),
            PathElement::key([("name", json!("a"))]),
            PathElement::key([("name", json!("a!"))]),
            PathElement::key([("name", json!("a")), ("x", json!(1))]),
            PathElement::key([("port", json!(80))]),
            PathElement::key([("port", json!(443))]),
            PathElement::value(json!(1)),
            PathElement::value(json!("a")),
            PathElement::Index(0),
            PathElement::Index(1),
        ];
        // Keys compare field by field, so a longer key comes after its prefix but before a greater first value.
        let mut shuffled = sorted.to_vec();
        shuffled.reverse();
        shuffled.sort();
        let shown: Vec<_> = shuffled.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                ".a",
                ".b",
                "[name=\"a\"]",
                "[name=\"a\",x=1]",
                "[name=\"a!\"]",
                "[port=80]",
                "[port=443]",
                "[=1]",
                "[=\"a\"]",
                "[0]",
                "[1]"
            ]
        );
    }

    #[test]
    fn a_number_is_the_same_key_however_it_is_written() {
        assert_eq!(PathElement::key([("port", json!(80))]), PathElement::key([("port", json!(80.0))]));
    }
}
