//! The table of facts about built-in kinds: one committed text, parsed line by line and only as far as it is asked for.
//!
//! `facts/main.go` writes `src/facts/builtin.txt`. One fact per line, by its first letter:
//! - `V` the Kubernetes release;
//! - `R` a resource as JSON: `g` group, `v` version, `p` plural, `s` singular, `k` kind, `n` namespaced, `a` short names, `c` categories,
//!   `w` verbs with commas, `u` subresources of the same shape with `n` for the name. The core group stands first, then groups and versions in
//!   the order in which a server prefers them;
//! - `D` a definition: its OpenAPI name, the kinds it is the schema of as `group/version/kind` (or `-`), and its schema as JSON: `t` first letter of the type, `r`
//!   the definition it refers to, `f` format, `p` properties, `v` schema of map values, `i` schema of list items, `q` required, `d` default, `s` list type set, `k` keys of a
//!   list of type map, `m` map type (`a` atomic, `g` granular), `x` patch strategy, `y` patch merge key, `z` what becomes of a zero value (`d` dropped, `n` null, `p` kept, and absence is null).

use std::collections::BTreeMap;
use std::sync::{LazyLock, OnceLock};

use serde::Deserialize;
use serde_json::Value;

use crate::schema::{
    Additional, Link, ListType, MapType, PatchStrategy, Scalar, Schema, Slot, ValueType, ZeroValue,
};

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("facts/builtin.txt")));

/// The parsed table.
pub(crate) struct Table {
    release: &'static str,
    resources: Vec<RawResource<'static>>,
    definitions: Vec<Definition>,
    kinds: BTreeMap<&'static str, u32>,
}

struct Definition {
    name: &'static str,
    text: &'static str,
    schema: OnceLock<Schema>,
}

/// A resource as its line says.
#[derive(Deserialize)]
pub(crate) struct RawResource<'a> {
    #[serde(rename = "g", default)]
    pub group: &'a str,
    #[serde(rename = "v")]
    pub version: &'a str,
    #[serde(rename = "p")]
    pub plural: &'a str,
    #[serde(rename = "s", default)]
    pub singular: &'a str,
    #[serde(rename = "k")]
    pub kind: &'a str,
    #[serde(rename = "n", default)]
    pub namespaced: bool,
    #[serde(rename = "a", default, borrow)]
    pub short_names: Vec<&'a str>,
    #[serde(rename = "c", default, borrow)]
    pub categories: Vec<&'a str>,
    #[serde(rename = "w")]
    pub verbs: &'a str,
    #[serde(rename = "u", default, borrow)]
    pub subresources: Vec<RawSubresource<'a>>,
}

/// A subresource as its line says. Group and version are those of the parent where they are empty.
#[derive(Deserialize)]
pub(crate) struct RawSubresource<'a> {
    #[serde(rename = "n")]
    pub name: &'a str,
    #[serde(rename = "g", default)]
    pub group: &'a str,
    #[serde(rename = "v", default)]
    pub version: &'a str,
    #[serde(rename = "k", default)]
    pub kind: &'a str,
    #[serde(rename = "w")]
    pub verbs: &'a str,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct RawNode<'a> {
    t: &'a str,
    r: &'a str,
    f: &'a str,
    #[serde(borrow)]
    p: BTreeMap<&'a str, RawNode<'a>>,
    v: Option<Box<RawNode<'a>>>,
    i: Option<Box<RawNode<'a>>>,
    q: Vec<&'a str>,
    d: Option<Value>,
    s: bool,
    k: Vec<&'a str>,
    m: &'a str,
    x: &'a str,
    y: &'a str,
    z: &'a str,
}

/// The Kubernetes release the table was made of.
pub(crate) fn release() -> &'static str {
    TABLE.release
}

/// All resources, groups and versions in order of preference.
pub(crate) fn resources() -> &'static [RawResource<'static>] {
    &TABLE.resources
}

/// The number of the definition of that name, `io.k8s.api.core.v1.Pod`.
pub(crate) fn find(name: &str) -> Option<u32> {
    let index = TABLE.definitions.binary_search_by_key(&name, |definition| definition.name).ok()?;
    u32::try_from(index).ok()
}

/// The number of the definition that is the schema of `group/version/kind`.
pub(crate) fn find_kind(group_version_kind: &str) -> Option<u32> {
    TABLE.kinds.get(group_version_kind).copied()
}

/// A definition's OpenAPI name.
pub(crate) fn name(id: u32) -> &'static str {
    definition(id).map_or("", |definition| definition.name)
}

/// A definition's schema, parsed when it is first asked for.
pub(crate) fn schema(id: u32) -> &'static Schema {
    static UNKNOWN: LazyLock<Schema> = LazyLock::new(Schema::default);
    let Some(definition) = definition(id) else { return &UNKNOWN };
    // The table is ours, and a test parses all of it.
    definition.schema.get_or_init(|| parse_definition(definition).unwrap_or_default())
}

/// Names and numbers of all definitions.
pub(crate) fn definitions() -> impl Iterator<Item = (u32, &'static str)> {
    (0..).zip(TABLE.definitions.iter().map(|definition| definition.name))
}

fn definition(id: u32) -> Option<&'static Definition> {
    TABLE.definitions.get(usize::try_from(id).ok()?)
}

impl Table {
    fn parse(text: &'static str) -> Self {
        let mut table =
            Self { release: "", resources: Vec::new(), definitions: Vec::new(), kinds: BTreeMap::new() };
        for line in text.lines() {
            match line.split_once(' ') {
                Some(("V", release)) => table.release = release,
                Some(("R", resource)) => table.add_resource(resource),
                Some(("D", rest)) => table.add_definition(rest),
                _ => {}
            }
        }
        table
    }

    fn add_resource(&mut self, line: &'static str) {
        self.resources.extend(serde_json::from_str::<RawResource>(line));
    }

    fn add_definition(&mut self, line: &'static str) {
        let mut parts = line.splitn(3, ' ');
        let (Some(name), Some(kinds), Some(text)) = (parts.next(), parts.next(), parts.next()) else {
            return;
        };
        let Ok(id) = u32::try_from(self.definitions.len()) else { return };
        self.kinds.extend(kinds.split(',').filter(|kind| *kind != "-").map(|kind| (kind, id)));
        self.definitions.push(Definition { name, text, schema: OnceLock::new() });
    }
}

fn parse_definition(definition: &Definition) -> Result<Schema, serde_json::Error> {
    let node: RawNode = serde_json::from_str(definition.text)?;
    let mut schema = to_schema(node);
    schema.scalar = match definition.name {
        "io.k8s.apimachinery.pkg.api.resource.Quantity" => Some(Scalar::Quantity),
        "io.k8s.apimachinery.pkg.util.intstr.IntOrString" => Some(Scalar::IntOrString),
        "io.k8s.apimachinery.pkg.apis.meta.v1.Time" => Some(Scalar::Time),
        "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime" => Some(Scalar::MicroTime),
        _ => None,
    };
    // OpenAPI has no word for "any JSON", Go has these types.
    let any_json = matches!(
        definition.name,
        "io.k8s.apimachinery.pkg.runtime.RawExtension" | "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1"
    );
    if any_json || (schema.value_type == ValueType::Any && schema.scalar.is_none()) {
        schema.additional = Additional::Any;
    }
    Ok(schema)
}

fn to_slot(mut node: RawNode) -> Slot {
    let default = node.d.take();
    let patch = PatchStrategy {
        merge: node.x.split(',').any(|word| word == "merge"),
        retain_keys: node.x.split(',').any(|word| word == "retainKeys"),
        replace: node.x.split(',').any(|word| word == "replace"),
        key: (!node.y.is_empty()).then(|| node.y.into()),
    };
    let zero = match node.z {
        "d" => ZeroValue::Dropped,
        "n" => ZeroValue::Null,
        "p" => ZeroValue::KeptOrNull,
        _ => ZeroValue::Kept,
    };
    let referred = find_in_table(node.r);
    let map_type = referred.is_some().then(|| map_type(node.m)).flatten();
    let link = referred.map_or_else(|| Link::new(to_schema(node)), Link::built_in);
    Slot { default, patch, zero, map_type, ..Slot::new(link) }
}

fn find_in_table(reference: &str) -> Option<u32> {
    if reference.is_empty() { None } else { find(reference) }
}

fn to_schema(node: RawNode) -> Schema {
    Schema {
        value_type: match node.t {
            "o" => ValueType::Object,
            "a" => ValueType::Array,
            "s" => ValueType::String,
            "i" => ValueType::Integer,
            "n" => ValueType::Number,
            "b" => ValueType::Boolean,
            _ => ValueType::Any,
        },
        format: (!node.f.is_empty()).then(|| node.f.into()),
        list_type: list_type(&node),
        map_type: map_type(node.m).unwrap_or_default(),
        properties: node.p.into_iter().map(|(name, child)| (name.into(), to_slot(child))).collect(),
        additional: node.v.map_or(Additional::None, |values| Additional::Values(Box::new(to_slot(*values)))),
        items: node.i.map(|items| Box::new(to_slot(*items))),
        required: node.q.into_iter().map(Into::into).collect(),
        ..Schema::default()
    }
}

fn list_type(node: &RawNode) -> ListType {
    if node.s {
        ListType::Set
    } else if node.k.is_empty() {
        ListType::Atomic
    } else {
        ListType::Map(node.k.iter().map(|key| (*key).into()).collect())
    }
}

fn map_type(letter: &str) -> Option<MapType> {
    match letter {
        "a" => Some(MapType::Atomic),
        "g" => Some(MapType::Granular),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_parses() {
        let text = include_str!("facts/builtin.txt");
        assert_eq!(text.lines().filter(|line| line.starts_with("R ")).count(), resources().len());
        assert_eq!(text.lines().filter(|line| line.starts_with("D ")).count(), definitions().count());
        for definition in &TABLE.definitions {
            parse_definition(definition).unwrap_or_else(|e| panic!("{}: {e}", definition.name));
        }
        assert!(release().starts_with('v'));
    }

    #[test]
    fn every_reference_leads_somewhere() {
        for part in include_str!("facts/builtin.txt").split("\"r\":\"").skip(1) {
            let name = part.split('"').next().unwrap();
            assert!(find(name).is_some(), "{name}");
        }
    }

    #[test]
    fn every_resource_has_a_schema() {
        for resource in resources() {
            let kind = format!("{}/{}/{}", resource.group, resource.version, resource.kind);
            assert!(find_kind(&kind).is_some(), "{kind}");
        }
    }
}
