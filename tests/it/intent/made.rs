//! Objects of every kind, and variations of them: what manifests hold and servers change, as `spec/intent.md` of the project's brief measured it.
//!
//! The seeds are the files of `kinds/` and of `tests/conformance/stored`. A variation changes a few places of a seed, chosen by the schema of its kind and by a generator
//! of random numbers that starts from the seed's place: the same objects in every run.

use std::path::Path;

use anyhow::Result;
use apimachinery::kinds::{CustomKind, KindTable};
use apimachinery::schema::{Additional, Scalar, Schema, ValueType};
use apimachinery::{Digest, GroupKind, Object};
use render::yaml::{Loader, Profile};
use serde_json::{Value, json};

use super::Specimen;

/// Variations of each seed.
const VARIATIONS: usize = 12;
/// Changes of a variation, at most.
const MOST_CHANGES: usize = 3;

pub fn specimens() -> Result<Vec<Specimen>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests");
    let mut seeds = Vec::new();
    for directory in ["it/intent/kinds", "conformance/stored"] {
        let mut files: Vec<_> = std::fs::read_dir(tests.join(directory))?
            .map(|entry| Ok(entry?.path()))
            .collect::<Result<Vec<_>>>()?;
        files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
        files.sort();
        for file in files {
            let name = file.file_name().unwrap_or_default().to_string_lossy().into_owned();
            for node in Loader::new(Profile::Kubectl).load(&name, &std::fs::read(&file)?)? {
                seeds.push((format!("{name}:{}", node.pos.line), node.to_json()));
            }
        }
    }
    let mut kinds = KindTable::built_in().clone();
    for custom in seeds.iter().filter_map(|(_, seed)| CustomKind::from_crd(seed).ok()) {
        kinds.add(&custom);
    }
    let mut specimens = Vec::new();
    for (origin, seed) in seeds {
        let gvk = Object::from_value(&seed)?.header().gvk.clone();
        if let Some(schema) = kinds.schema(&gvk).filter(|_| gvk.group_kind() != crd()) {
            for number in 0..VARIATIONS {
                let place = format!("{origin}, variation {number}");
                let mut random = Random::from_text(&place);
                let (value, changes) = varied(&seed, schema, &mut random);
                let origin = format!("{place} ({})", changes.join(", "));
                specimens.push(Specimen { origin, value, encrypted: false });
            }
        }
        specimens.push(Specimen { origin, value: seed, encrypted: false });
    }
    Ok(specimens)
}

/// A variation of a CRD would be another kind than the one that the custom resources are of.
fn crd() -> GroupKind {
    GroupKind::new("apiextensions.k8s.io", "CustomResourceDefinition")
}

/// A seed with some changes, and what they are.
fn varied(seed: &Value, schema: &Schema, random: &mut Random) -> (Value, Vec<String>) {
    let mut value = seed.clone();
    let mut changes = Vec::new();
    for _ in 0..=random.below(MOST_CHANGES) {
        let mut possible = metadata_changes(&value);
        let first_of_schema = possible.len();
        possible_changes(&value, schema, "", &mut possible);
        // A kind has hundreds of fields and every kind the same metadata.
        let from = if random.below(6) == 0 { 0 } else { first_of_schema };
        let Some(change) =
            (possible.len() > from).then(|| possible.swap_remove(from + random.below(possible.len() - from)))
        else {
            continue;
        };
        changes.push(change.to_string());
        change.make(&mut value);
    }
    (value, changes)
}

/// One place gets another value; `None` is none at all.
struct Change {
    /// A JSON pointer of what holds the field.
    holder: String,
    field: String,
    to: Option<Value>,
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.to {
            Some(value) => write!(f, "{}/{} = {value}", self.holder, self.field),
            None => write!(f, "without {}/{}", self.holder, self.field),
        }
    }
}

impl Change {
    fn new(holder: &str, field: &str, to: impl Into<Option<Value>>) -> Self {
        Self { holder: holder.to_owned(), field: field.to_owned(), to: to.into() }
    }

    fn make(self, value: &mut Value) {
        let Some(holder) = value.pointer_mut(&self.holder).and_then(Value::as_object_mut) else { return };
        match self.to {
            Some(value) => holder.insert(self.field, value),
            None => holder.remove(&self.field),
        };
    }
}

/// What only a server writes, and what is nothing.
fn metadata_changes(value: &Value) -> Vec<Change> {
    let mut changes = vec![
        Change::new("/metadata", "creationTimestamp", Value::Null),
        Change::new("/metadata", "creationTimestamp", json!("2026-11-20T12:13:11Z")),
        Change::new("/metadata", "generation", json!(7)),
        Change::new("/metadata", "selfLink", json!("/somewhere")),
        Change::new("/metadata", "uid", json!("6f4c0d86-6f5e-4e2c-9c69-1f6a8c1f6a8c")),
        Change::new("/metadata", "resourceVersion", json!("12")),
        Change::new("/metadata", "managedFields", json!([])),
        Change::new("/metadata", "annotations", json!({})),
        Change::new("/metadata", "annotations", Value::Null),
        Change::new(
            "/metadata",
            "annotations",
            json!({ "empty": "", "deprecated.daemonset.template.generation": "3" }),
        ),
        Change::new("/metadata", "finalizers", json!([])),
        Change::new("/metadata", "ownerReferences", Value::Null),
        Change::new("", "status", json!({})),
        Change::new("", "status", Value::Null),
    ];
    if value["kind"] == "Secret" {
        changes.push(Change::new("", "stringData", json!({ "token": "abc", "empty": "" })));
        changes.push(Change::new("", "stringData", json!({})));
    }
    changes
}

/// Everything that the schema allows to change: zero values and nulls for what is absent, other spellings of what is there, and what is optional, left out.
fn possible_changes(value: &Value, schema: &Schema, path: &str, changes: &mut Vec<Change>) {
    match value {
        Value::Object(fields) => {
            let fixed =
                |name: &str| path.is_empty() && ["apiVersion", "kind", "metadata", "status"].contains(&name);
            for (name, slot) in schema.properties.iter().filter(|(name, _)| !fixed(name)) {
                let inside = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                match fields.get(&**name) {
                    Some(present) => {
                        let others = spellings(present, slot.schema());
                        changes.extend(others.into_iter().map(|other| Change::new(path, name, other)));
                        if !schema.required.contains(name) {
                            changes.push(Change::new(path, name, None));
                        }
                        possible_changes(present, slot.schema(), &inside, changes);
                    }
                    None => {
                        changes.extend(zero(slot.schema()).map(|zero| Change::new(path, name, zero)));
                        changes.push(Change::new(path, name, Value::Null));
                    }
                }
            }
            if let Additional::Values(slot) = &schema.additional {
                for (name, present) in fields {
                    let others = spellings(present, slot.schema());
                    changes.extend(others.into_iter().map(|other| Change::new(path, name, other)));
                    let inside = format!("{path}/{}", name.replace('~', "~0").replace('/', "~1"));
                    possible_changes(present, slot.schema(), &inside, changes);
                }
            }
        }
        Value::Array(items) => {
            let Some(slot) = schema.item_slot() else { return };
            for (index, item) in items.iter().enumerate() {
                possible_changes(item, slot.schema(), &format!("{path}/{index}"), changes);
            }
        }
        _ => {}
    }
}

fn zero(schema: &Schema) -> Option<Value> {
    match (schema.scalar, schema.value_type) {
        (Some(Scalar::Quantity), _) => Some(json!("0")),
        (Some(Scalar::IntOrString), _) => Some(json!(0)),
        (Some(Scalar::Time | Scalar::MicroTime), _) => None,
        (None, ValueType::Object) => Some(json!({})),
        (None, ValueType::Array) => Some(json!([])),
        (None, ValueType::String) => Some(json!("")),
        (None, ValueType::Integer | ValueType::Number) => Some(json!(0)),
        (None, ValueType::Boolean) => Some(json!(false)),
        (None, ValueType::Any) => None,
    }
}

/// Other ways to write a value, and to say nothing.
fn spellings(value: &Value, schema: &Schema) -> Vec<Value> {
    match (schema.scalar, value) {
        (Some(Scalar::Quantity), _) => [
            json!("2000m"),
            json!("1024Mi"),
            json!("1.5Gi"),
            json!(0.5),
            json!(2),
            json!("1e3"),
            json!("0.1"),
            json!("1500u"),
        ]
        .into(),
        (None, Value::Number(number)) if number.is_i64() => {
            number.as_f64().map(|float| json!(float)).into_iter().collect()
        }
        (None, Value::Bool(_)) => vec![json!(false)],
        (None, Value::Array(_)) => vec![json!([])],
        (None, Value::String(_)) if schema.limits.is_none() => vec![json!("")],
        _ => Vec::new(),
    }
}

/// Random numbers, the same in every run (`SplitMix64`).
struct Random(u64);

impl Random {
    fn from_text(text: &str) -> Self {
        let digest = Digest::of(text.as_bytes()).to_string();
        Self(u64::from_str_radix(digest.get(..16).unwrap_or_default(), 16).unwrap_or_default())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0.
    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or_default()
    }
}
