//! ConfigMap and Secret generators.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::KustomizeError;
use super::file::{GeneratorArgs, GeneratorOptions};
use super::load::Source;
use super::metadata::{literal_text, set_text};
use super::resmap::ResMap;
use super::resource::{Behavior, Resource};
use crate::object::Origin;
use crate::yaml::{Map, Node, Value};

/// Longer base64 text is broken into lines, with a newline at the end.
const BASE64_LINE: usize = 70;

/// Which kind is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Generated {
    ConfigMap,
    Secret,
}

impl Generated {
    fn step(self) -> &'static str {
        match self {
            Generated::ConfigMap => "configMapGenerator",
            Generated::Secret => "secretGenerator",
        }
    }
}

/// Makes one object from its sources.
pub(super) fn generate(
    source: &Source<'_>,
    what: Generated,
    args: &GeneratorArgs,
    global: Option<&GeneratorOptions>,
) -> Result<Resource, KustomizeError> {
    let fail = |message: String| KustomizeError::step(&args.at, what.step(), message);
    if args.name.is_empty() {
        return Err(fail("missing name; a generated object needs a name".to_owned()));
    }
    let options = combined(args.options.as_ref(), global);
    let mut node = Node::map();
    if let Some(map) = node.as_map_mut() {
        map.insert("apiVersion", Node::text("v1"));
        map.insert("kind", Node::text(if what == Generated::Secret { "Secret" } else { "ConfigMap" }));
        map.insert("metadata", metadata(args, &options));
        if what == Generated::Secret {
            map.insert("type", Node::text(if args.kind.is_empty() { "Opaque" } else { &args.kind }));
        }
        if options.immutable {
            map.insert("immutable", Value::Bool(true).into());
        }
        let (mut data, mut binary) = (Map::new(), Map::new());
        for (key, bytes) in pairs(source, args, &fail)? {
            match (what, String::from_utf8(bytes)) {
                (Generated::ConfigMap, Ok(text)) => data.insert(&key, block(text)),
                (Generated::ConfigMap, Err(e)) => binary.insert(&key, block(broken_base64(e.as_bytes()))),
                (Generated::Secret, Ok(text)) => data.insert(&key, block(broken_base64(text.as_bytes()))),
                (Generated::Secret, Err(e)) => data.insert(&key, block(broken_base64(e.as_bytes()))),
            };
        }
        for (name, held) in [("data", data), ("binaryData", binary)] {
            // Upstream makes the map of a Secret first and that of a ConfigMap when something goes into it.
            if !held.is_empty() || (what == Generated::Secret && name == "data") {
                map.insert(name, Value::Map(held).into());
            }
        }
    }
    let mut resource = Resource::new(node, args.at.clone());
    resource.needs_hash = !options.no_hash;
    resource.generated = true;
    resource.behavior = args.behavior;
    Ok(resource)
}

/// Global options fill only what the entry's own leave open; the switches are OR-ed.
fn combined(own: Option<&GeneratorOptions>, global: Option<&GeneratorOptions>) -> GeneratorOptions {
    let mut options = global.cloned().unwrap_or_default();
    if let Some(own) = own {
        options.labels.extend(own.labels.clone());
        options.annotations.extend(own.annotations.clone());
        options.no_hash |= own.no_hash;
        options.immutable |= own.immutable;
    }
    options
}

fn metadata(args: &GeneratorArgs, options: &GeneratorOptions) -> Node {
    let mut metadata = Map::new();
    metadata.insert("name", Node::text(args.name.as_str()));
    if !args.namespace.is_empty() {
        metadata.insert("namespace", Node::text(args.namespace.as_str()));
    }
    for (name, texts) in [("labels", &options.labels), ("annotations", &options.annotations)] {
        if !texts.is_empty() {
            let entries = texts
                .iter()
                .map(|(key, text)| (Box::from(key.as_str()), Node::text(text.as_str())))
                .collect();
            metadata.insert(name, Value::Map(Map::from_entries(entries)).into());
        }
    }
    Value::Map(metadata).into()
}

/// A text, written as a block when it has several lines.
fn block(text: String) -> Node {
    let mut node = Node::default();
    set_text(&mut node, text);
    node
}

fn broken_base64(bytes: &[u8]) -> String {
    let text = STANDARD.encode(bytes);
    if text.len() <= BASE64_LINE {
        return text;
    }
    let mut broken = String::with_capacity(text.len() + text.len() / BASE64_LINE + 1);
    for (at, c) in text.chars().enumerate() {
        if at > 0 && at % BASE64_LINE == 0 {
            broken.push('\n');
        }
        broken.push(c);
    }
    broken.push('\n');
    broken
}

/// Environment files, literals and files, in this order; a repeated key is an error.
fn pairs(
    source: &Source<'_>,
    args: &GeneratorArgs,
    fail: &dyn Fn(String) -> KustomizeError,
) -> Result<BTreeMap<String, Vec<u8>>, KustomizeError> {
    let mut all: Vec<(String, Vec<u8>)> = Vec::new();
    for env in &args.envs {
        let bytes = source.read_file(&env.text, &env.at)?;
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| fail(format!("env file {} is not UTF-8 text", env.text)))?;
        for (number, line) in text.lines().enumerate() {
            let line = if number == 0 { line.strip_prefix('\u{feff}').unwrap_or(line) } else { line };
            // A line without a key is skipped, as upstream.
            if let Some((key, value)) = env_line(line).filter(|(key, _)| !key.is_empty()) {
                all.push((key.to_owned(), value.as_bytes().to_vec()));
            }
        }
    }
    for literal in &args.literals {
        let Some((key, value)) = literal.text.split_once('=').filter(|(key, _)| !key.is_empty()) else {
            let at: &Origin = &literal.at;
            return Err(KustomizeError::file(at.clone(), "invalid literal source, expected key=value"));
        };
        all.push((key.to_owned(), unquoted(value).as_bytes().to_vec()));
    }
    for file in &args.files {
        let (key, path) = match file.text.split_once('=') {
            None => (file.text.rsplit('/').next().unwrap_or_default(), file.text.as_str()),
            Some((key, path)) if !key.is_empty() && !path.is_empty() && !path.contains('=') => (key, path),
            Some(_) => {
                return Err(fail(format!("'{}' is no file source: write path or key=path", file.text)));
            }
        };
        all.push((key.to_owned(), source.read_file(path, &file.at)?.to_vec()));
    }
    let mut pairs = BTreeMap::new();
    for (key, bytes) in all {
        if pairs.contains_key(&key) {
            return Err(fail(format!("the key '{key}' is repeated; keep one of them")));
        }
        pairs.insert(key, bytes);
    }
    Ok(pairs)
}

/// A line of an env file: blank lines and comments are nothing, a line without `=` is an empty value.
fn env_line(line: &str) -> Option<(&str, &str)> {
    let line = line.trim_start();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    Some(line.split_once('=').unwrap_or((line, "")))
}

/// Removes one pair of matching outer quotes.
fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// Puts a generated object among the others, as its behaviour says.
pub(super) fn absorb(objects: &mut ResMap, mut new: Resource, step: &str) -> Result<(), KustomizeError> {
    let found = objects.find_any(&new.current());
    let at = new.origin.clone();
    let fail = |message: String| Err(KustomizeError::step(&at, step, message));
    match (found.as_slice(), new.behavior) {
        ([], Behavior::Create) => objects.append(new),
        ([], _) => fail(format!("id {} does not exist; cannot merge or replace", new.current())),
        ([_], Behavior::Create) => {
            fail(format!("id {} exists; behavior must be merge or replace", new.current()))
        }
        ([slot], behavior) => {
            let old = objects.get_mut(*slot);
            inherit(&mut new, old);
            if behavior == Behavior::Merge {
                overlay_data(&mut new.node, &old.node);
                // What is merged comes from where the first of it came from.
                new.build.configured.clone_from(&old.build.configured);
                new.origin = old.origin.clone();
            }
            *old = new;
            objects.renamed(*slot);
            Ok(())
        }
        _ => fail(format!("found multiple objects that could accept merge of {}", new.current())),
    }
}

/// Name, namespace and history stay; labels and annotations are united, the new ones win.
fn inherit(new: &mut Resource, old: &Resource) {
    if let Some(metadata) = new.node.get_mut("metadata").and_then(Node::as_map_mut) {
        for member in ["labels", "annotations"] {
            unite(metadata, member, old.node.at(&["metadata", member]));
        }
    }
    new.set_name(old.name());
    new.set_namespace(old.namespace());
    new.history.clone_from(&old.history);
    new.prefixes.clone_from(&old.prefixes);
    new.suffixes.clone_from(&old.suffixes);
    new.vars.clone_from(&old.vars);
    new.needs_hash &= old.needs_hash;
    new.build.transformations.clone_from(&old.build.transformations);
}

fn overlay_data(new: &mut Node, old: &Node) {
    let Some(map) = new.as_map_mut() else { return };
    for member in ["data", "binaryData"] {
        unite(map, member, old.get(member));
    }
}

/// Adds the entries of an older map that a member has not got. All of them are texts afterwards; without any the member goes.
fn unite(into: &mut Map, member: &str, old: Option<&Node>) {
    let held = into.remove(member);
    let entries = |node: Option<&Node>| node.and_then(Node::as_map).cloned().unwrap_or_default();
    let mut united = Map::new();
    for (key, node) in entries(old).into_iter().chain(entries(held.as_ref())) {
        united.insert(&key, block(literal_text(&node)));
    }
    if !united.is_empty() {
        into.insert(member, Value::Map(united).into());
    }
}
