//! Generated replacements.

use proptest::prelude::*;
use proptest::sample::Index;

use super::changes::selector;
use super::objects::tempting;
use super::text::{S, Y, either, list, may, must, one_of, raw, record};

/// Where a replacement reads or writes.
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.labels.app",
    "metadata.labels.[app.kubernetes.io/name]",
    "metadata.annotations.note",
    "metadata.annotations",
    "spec.replicas",
    "spec.template.spec.containers.0.image",
    "spec.template.spec.containers.[name=main].image",
    "spec.template.spec.containers.*.image",
    "spec.template.spec.containers.[name=main].env.[name=A].value",
    "spec.template.spec.containers.*.env.*.value",
    "spec.template.metadata.labels.app",
    "spec.ports.0.port",
    "spec.ports.[name=http].port",
    "spec.selector",
    "spec.selector.app",
    "spec.rules.0.host",
    "spec.items.[name=a].value",
    "spec.items",
    "spec.size",
    "spec.nested.deep.a",
    "data.a",
    "data.b",
    "data.config\\.yaml",
    "data.settings\\.json.a.b",
    "data",
    "type",
];

fn options() -> S {
    record(vec![
        may(0.4, "delimiter", one_of(&[":", "/", ".", "-"])),
        may(0.4, "index", raw(&["0", "1", "-1", "5"])),
        may(0.4, "create", raw(&["true", "false"])),
    ])
}

/// A replacement, for fields that objects have, or for ones of a pool.
#[derive(Debug, Clone)]
pub struct Replacement {
    source: Index,
    source_path: Index,
    options: Y,
    literal: Option<Y>,
    target: Index,
    target_path: Index,
    wild: Option<Y>,
    target_options: Option<Y>,
    style: usize,
}

/// A text. An empty one over a map is a value without a type that is not null either, and the reference refuses to go on: see SHORTCOMINGS.
fn literal() -> S {
    let filled = |value| if value == Y::text("") { Y::text("x") } else { value };
    tempting().prop_map(filled).boxed()
}

pub fn replacement() -> impl Strategy<Value = Replacement> {
    let options =
        record(vec![may(0.8, "delimiter", one_of(&[":", "/", "."])), may(0.4, "index", raw(&["0", "1"]))]);
    let wild = record(vec![
        must("select", selector()),
        may(0.2, "reject", list(selector(), 1..=1)),
        may(0.9, "fieldPaths", list(one_of(FIELDS), 1..=2)),
    ]);
    (
        (any::<Index>(), any::<Index>(), either(vec![(4, raw(&["null"])), (1, options)])),
        prop::option::weighted(0.1, literal()),
        (any::<Index>(), any::<Index>(), prop::option::weighted(0.2, wild)),
        prop::option::weighted(0.4, self::options()),
        0_usize..4,
    )
        .prop_map(
            |(
                (source, source_path, options),
                literal,
                (target, target_path, wild),
                target_options,
                style,
            )| Replacement {
                source,
                source_path,
                options,
                literal,
                target,
                target_path,
                wild,
                target_options,
                style,
            },
        )
}

/// A path with dots. Elements of lists are written by position, by name, or all of them.
fn dotted(object: &Y, parts: &[String], style: usize) -> String {
    let mut here = object;
    let mut written = Vec::new();
    for part in parts {
        let next = match here {
            Y::Seq(items) => part.parse::<usize>().ok().and_then(|at| items.get(at)),
            value => value.get(part),
        };
        let Some(next) = next else { break };
        written.push(match (here, next.text_at(&["name"])) {
            (Y::Seq(_), name) if style == 1 && !name.is_empty() => format!("[name={name}]"),
            (Y::Seq(_), _) if style == 2 => "*".to_owned(),
            (Y::Map(_), _) if part.contains('.') && style == 3 => format!("[{part}]"),
            _ => part.replace('.', "\\."),
        });
        here = next;
    }
    written.join(".")
}

/// What writes into the map that it takes changes what the reference writes next: see SHORTCOMINGS.
fn outside_of(target: &mut Y, source_path: &str) {
    let Some(Y::Seq(paths)) = target.get("fieldPaths").cloned() else { return };
    let inside = |path: &Y| matches!(path, Y::Text(path) if path.len() > source_path.len() && path.starts_with(source_path));
    let outside: Vec<Y> = paths.into_iter().filter(|path| !inside(path)).collect();
    target.set("fieldPaths", Y::Seq(if outside.is_empty() { vec![Y::text("spec.size")] } else { outside }));
}

impl Replacement {
    pub fn written(&self, objects: &[Y]) -> Y {
        let named = |object: &Y| {
            Y::map([
                ("kind", Y::text(object.text_at(&["kind"]))),
                ("name", Y::text(object.text_at(&["metadata", "name"]))),
            ])
        };
        // Copying whole metadata copies the notes of the reference, and a number is no name and no finalizer: none is of interest.
        let interesting = |parts: &[String]| {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            !matches!(
                parts[..],
                ["metadata" | "kind" | "apiVersion"]
                    | ["metadata", "name" | "annotations"]
                    | ["metadata", "finalizers", ..]
            )
        };
        // A literal has no type, which shows when it takes the place of a list or a map: another quirk without interest.
        let is_name = |value: &Y| matches!(value, Y::Text(text) if text.starts_with(char::is_alphabetic));
        let scalar = |value: &Y| matches!(value, Y::Raw(_) | Y::Text(_));
        let splits = self.options != Y::Raw("null") || self.target_options.is_some();
        let fits = |value: &Y| (self.literal.is_none() && !splits) || scalar(value);
        let path = |object: &Y, index: &Index, style| {
            let mut paths = object.paths();
            paths.retain(|(parts, value)| interesting(parts) && fits(value));
            match paths.get(index.index(paths.len().max(1))) {
                Some((parts, value)) => (dotted(object, parts, style), is_name(value)),
                None => ("metadata.labels".to_owned(), false),
            }
        };
        let source = &objects[self.source.index(objects.len())];
        // A path of a source names one value: a wildcard would only be an error.
        let (source_path, is_named) = path(source, &self.source_path, self.style % 2);
        let mut from = named(source);
        from.set("fieldPath", Y::text(source_path.clone()));
        if self.options != Y::Raw("null") {
            from.set("options", self.options.clone());
        }
        let target = &objects[self.target.index(objects.len())];
        let mut to = self.wild.clone().unwrap_or_else(|| {
            let path = path(target, &self.target_path, self.style).0;
            Y::map([("select", named(target)), ("fieldPaths", Y::Seq(vec![Y::text(path)]))])
        });
        outside_of(&mut to, &source_path);
        // What is no text has no place in a name or a namespace, for an API server and for us. Without paths the name is meant.
        if !is_named {
            let identity = |path: &Y| ["metadata.name", "metadata.namespace"].map(Y::text).contains(path);
            match to.get("fieldPaths").cloned() {
                Some(Y::Seq(paths)) if !paths.iter().any(identity) => {}
                _ => to.set("fieldPaths", Y::Seq(vec![Y::text("metadata.labels.app")])),
            }
        }
        // What writes a part into its own source changes what the reference writes next.
        let writes_itself = self.wild.is_some() || std::ptr::eq(source, target);
        if let Some(options) = self.target_options.as_ref().filter(|_| !writes_itself) {
            to.set("options", options.clone());
        }
        let from = match &self.literal {
            Some(literal) => ("sourceValue", literal.clone()),
            None => ("source", from),
        };
        Y::map([from, ("targets", Y::Seq(vec![to]))])
    }
}
