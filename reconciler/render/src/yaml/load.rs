//! Text to values, within budgets.
//!
//! The reference has no guard against alias bombs (`spec/rendering.md` 2.15); here every node an alias stands for counts.

use std::borrow::Cow;
use std::collections::HashMap;

use super::events::{Granit, Step, Steps, Style, Unreadable};
use super::folded;
use super::scalar::{go_float, resolve};
use super::{Map, Node, Pos, Value};
use crate::error::Trouble;
use crate::object::Origin;
use crate::tree::RepoPath;

/// Which tool's reading of plain scalars and duplicate keys applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// kustomize's resources (go-yaml v3): `yes` is text, duplicate keys are errors, dates become times.
    Kustomize,
    /// kubectl, and kustomization files (go-yaml v2 to JSON): `yes` is true, the last duplicate wins, dates stay text.
    Kubectl,
}

/// What one file may hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Nodes of one file, aliases expanded.
    pub nodes: usize,
    /// Levels of nesting, aliases expanded.
    pub depth: usize,
    /// Documents of one file.
    pub documents: usize,
}

/// The largest real document seen has 23,629 nodes at depth 47.
impl Default for Limits {
    fn default() -> Self {
        Limits { file_bytes: 32 << 20, nodes: 2_000_000, depth: 120, documents: 20_000 }
    }
}

/// A file that cannot be read as YAML.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{file}:{}:{}: {message}{}", .pos.line, .pos.column, shown(.source_line))]
pub struct YamlError {
    /// The file, as the caller names it.
    pub file: String,
    /// Where in the file.
    pub pos: Pos,
    /// What is wrong and what to do.
    pub message: String,
    /// The line, values left out: it may be a line of a Secret.
    pub source_line: String,
    /// A limit is exceeded; below it the file might be read.
    pub over_limit: bool,
}

impl YamlError {
    /// The place, when the file is one of a repository.
    pub(crate) fn place(&self) -> Option<Origin> {
        let file = RepoPath::parse(&self.file).ok()?;
        Some(Origin { file, line: self.pos.line, column: self.pos.column })
    }

    pub(crate) fn trouble(&self) -> Trouble {
        if self.over_limit { Trouble::OverLimit } else { Trouble::Failed }
    }
}

fn shown(line: &str) -> String {
    if line.is_empty() { String::new() } else { format!("\n  | {line}") }
}

/// Reads YAML and JSON streams.
#[derive(Debug, Clone, Copy)]
pub struct Loader {
    /// Whose reading applies.
    pub profile: Profile,
    /// What one file may hold.
    pub limits: Limits,
}

impl Loader {
    /// A loader with the default limits.
    pub fn new(profile: Profile) -> Self {
        Loader { profile, limits: Limits::default() }
    }

    /// Reads every document of a stream, in order. Empty documents are left out. `file` is only used in messages.
    pub fn load(&self, file: &str, bytes: &[u8]) -> Result<Vec<Node>, YamlError> {
        self.read(file, bytes, false)
    }

    /// Reads the first document of a stream, whatever comes behind it. None: it is empty.
    pub(crate) fn load_first(&self, file: &str, bytes: &[u8]) -> Result<Option<Node>, YamlError> {
        Ok(self.read(file, bytes, true)?.pop())
    }

    fn read(&self, file: &str, bytes: &[u8], first: bool) -> Result<Vec<Node>, YamlError> {
        let fail = |text: &str, unreadable: Unreadable| YamlError {
            file: file.to_owned(),
            pos: unreadable.pos,
            message: with_advice(unreadable.message, text, unreadable.pos.line),
            source_line: masked_line(text, unreadable.pos.line),
            over_limit: unreadable.over_limit,
        };
        if bytes.len() as u64 > self.limits.file_bytes {
            let message = format!("the file is larger than {} bytes; split it", self.limits.file_bytes);
            let pos = Pos { line: 1, column: 1 };
            return Err(fail("", Unreadable { over_limit: true, ..Unreadable::wrong(pos, message) }));
        }
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.strip_prefix('\u{feff}').unwrap_or(text),
            Err(e) => {
                let line = bytes[..e.valid_up_to()].iter().filter(|b| **b == b'\n').count();
                let pos = Pos { line: u32::try_from(line + 1).unwrap_or(u32::MAX), column: 1 };
                return Err(fail("", Unreadable::wrong(pos, "the file is not UTF-8 text")));
            }
        };
        self.with_tight_comments(text, first).map_err(|unreadable| fail(text, unreadable))
    }

    /// Reads as libyaml does where a comment follows quoted text, a bracket or an indicator without a blank: it is put in.
    fn with_tight_comments(&self, text: &str, first: bool) -> Result<Vec<Node>, Unreadable> {
        let mut text = Cow::Borrowed(text);
        let mut left = REREAD_BYTES;
        loop {
            let unreadable = match self.documents(&text, first) {
                Err(unreadable) if unreadable.tight_comment.is_some() => unreadable,
                outcome => return outcome,
            };
            let behind = unreadable.tight_comment.and_then(|from| Some((from, text.get(from..)?)));
            let at = behind.and_then(|(from, rest)| Some(from + rest.lines().next()?.find('#')?));
            match at {
                Some(at) if left >= text.len() => {
                    left -= text.len();
                    text.to_mut().insert(at, ' ');
                }
                _ => return Err(unreadable),
            }
        }
    }

    fn documents(&self, text: &str, first: bool) -> Result<Vec<Node>, Unreadable> {
        let mut build = Build {
            steps: Granit::new(text),
            loader: *self,
            anchors: HashMap::new(),
            nodes: 0,
            kept: 0,
            depth: 0,
            part: Part::Elsewhere,
        };
        build.documents(self.limits.documents, first)
    }
}

/// Bytes that may be read again for the sake of comments; it bounds the work on hostile text.
const REREAD_BYTES: usize = 64 << 20;

fn limit(pos: Pos, what: &str, limit: usize) -> Unreadable {
    let message = format!("more than {limit} {what}; split the file or remove aliases");
    Unreadable { over_limit: true, ..Unreadable::wrong(pos, message) }
}

/// A map as a key is mostly an action of a template, where none is rendered.
fn with_advice(message: String, text: &str, line: u32) -> String {
    let is_action = message.starts_with("a key must be text, this one is a map")
        && (line as usize)
            .checked_sub(1)
            .and_then(|skip| text.lines().nth(skip))
            .is_some_and(|l| l.contains("{{"));
    if is_action {
        format!("{message}; `{{{{ … }}}}` outside of quotes is no YAML, and no template is rendered here")
    } else {
        message
    }
}

/// Keeps the keys of a line and hides its values.
pub(crate) fn masked_line(text: &str, line: u32) -> String {
    let Some(line) = (line as usize).checked_sub(1).and_then(|skip| text.lines().nth(skip)) else {
        return String::new();
    };
    let indent = line.len() - line.trim_start_matches([' ', '-']).len();
    let (lead, rest) = line.split_at(indent);
    let key_end = rest.find(": ").map(|at| at + 1).or_else(|| rest.ends_with(':').then_some(rest.len()));
    match key_end {
        Some(end) if end == rest.len() => line.to_owned(),
        Some(end) if end <= 80 => format!("{lead}{} …", &rest[..end]),
        _ => format!("{lead}…"),
    }
}

struct Anchored {
    node: Node,
    nodes: usize,
    depth: usize,
}

impl<'a> Build<'a> {
    fn documents(&mut self, most: usize, first: bool) -> Result<Vec<Node>, Unreadable> {
        let mut documents = Vec::new();
        loop {
            match self.steps.next_step()? {
                (Step::DocumentStart, pos) => {
                    if documents.len() >= most {
                        return Err(limit(pos, "documents", most));
                    }
                    self.anchors.clear();
                    self.kept = 0;
                    let (step, pos) = self.steps.next_step()?;
                    let node = self.node(step, pos)?;
                    if !node.is_null() {
                        documents.push(node);
                    }
                    if first {
                        // Its end, which may be an error.
                        self.steps.next_step()?;
                        return Ok(documents);
                    }
                }
                (Step::End, _) => return Ok(documents),
                _ => {}
            }
        }
    }
}

struct Build<'a> {
    steps: Granit<'a>,
    loader: Loader,
    anchors: HashMap<usize, Anchored>,
    nodes: usize,
    /// Nodes that anchors keep.
    kept: usize,
    depth: usize,
    /// Which part of an object is being read: its metadata, and therein its annotations.
    part: Part,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Elsewhere,
    Metadata,
    Annotations,
}

impl<'a> Build<'a> {
    fn node(&mut self, step: Step<'a>, pos: Pos) -> Result<Node, Unreadable> {
        self.count(pos, 1)?;
        let before = self.nodes;
        let mut quoted = false;
        let (value, anchor) = match step {
            Step::Scalar { text, style, anchor, tag } => {
                quoted = style != Style::Plain;
                let text = if style == Style::Folded { self.folded(text) } else { text };
                (self.scalar(&text, !quoted, tag.as_deref(), pos)?, anchor)
            }
            Step::SequenceStart { anchor } => (self.nested(pos, Self::sequence)?, anchor),
            Step::MappingStart { anchor } => (self.nested(pos, Self::mapping)?, anchor),
            Step::Alias(id) => return self.alias(id, pos),
            _ => (Value::Null, 0),
        };
        let unread = !quoted && self.part == Part::Annotations && self.reads_otherwise(&value);
        let node = Node { quoted, unread, ..Node::new(value, pos) };
        if anchor > 0 {
            let nodes = self.nodes - before;
            // Anchors inside each other are kept once each, so that a small file could fill the memory without a single alias.
            self.kept = self.kept.saturating_add(nodes);
            if self.kept > self.loader.limits.nodes {
                return Err(limit(pos, "values under anchors", self.loader.limits.nodes));
            }
            let held = Anchored { depth: depth_of(&node), nodes, node: node.clone() };
            self.anchors.insert(anchor, held);
        }
        Ok(node)
    }

    /// Folded text. Annotations are read without their styles.
    fn folded(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        if self.loader.profile == Profile::Kustomize && self.part != Part::Annotations {
            return Cow::Owned(folded::read_back(&text));
        }
        text
    }

    /// Whether this text, without quotes, is none to the profile.
    fn reads_otherwise(&self, value: &Value) -> bool {
        let Value::String(text) = value else { return false };
        !matches!(resolve(text, self.loader.profile), Some(Value::String(_)))
    }

    fn count(&mut self, pos: Pos, more: usize) -> Result<(), Unreadable> {
        self.nodes = self.nodes.saturating_add(more);
        let most = self.loader.limits.nodes;
        if self.nodes > most { Err(limit(pos, "values (aliases expanded)", most)) } else { Ok(()) }
    }

    fn alias(&mut self, id: usize, pos: Pos) -> Result<Node, Unreadable> {
        let Some(held) = self.anchors.get(&id) else {
            return Err(Unreadable::wrong(pos, "an alias refers to the value that holds it"));
        };
        let (more, depth) = (held.nodes, held.depth);
        self.count(pos, more)?;
        if self.depth + depth > self.loader.limits.depth {
            return Err(limit(pos, "levels of nesting", self.loader.limits.depth));
        }
        let mut node = self.anchors.get(&id).map(|held| held.node.clone()).unwrap_or_default();
        node.pos = pos;
        Ok(node)
    }

    fn nested(
        &mut self,
        pos: Pos,
        read: fn(&mut Self) -> Result<Value, Unreadable>,
    ) -> Result<Value, Unreadable> {
        self.depth += 1;
        if self.depth > self.loader.limits.depth {
            return Err(limit(pos, "levels of nesting", self.loader.limits.depth));
        }
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn sequence(&mut self) -> Result<Value, Unreadable> {
        let mut items = Vec::new();
        loop {
            match self.steps.next_step()? {
                (Step::SequenceEnd | Step::End, _) => return Ok(Value::Seq(items)),
                (step, pos) => items.push(self.node(step, pos)?),
            }
        }
    }

    fn mapping(&mut self) -> Result<Value, Unreadable> {
        let mut entries: Vec<(Box<str>, Node)> = Vec::new();
        let mut merged = Vec::new();
        loop {
            let (step, key_pos) = self.steps.next_step()?;
            if matches!(step, Step::MappingEnd | Step::End) {
                break;
            }
            let key = self.key(step, key_pos)?;
            let (step, pos) = self.steps.next_step()?;
            let before = self.part;
            self.part = self.part_of(key.as_deref());
            let mut value = self.node(step, pos)?;
            self.part = before;
            value.pos = key_pos;
            match key {
                Some(key) => entries.push((key, value)),
                // Where it stands it overrides the keys before it, and the keys behind it override what it brings.
                None if self.loader.profile == Profile::Kubectl => {
                    entries.extend(merged_maps(value)?.into_iter().rev().flatten());
                }
                None => merged.extend(merged_maps(value)?),
            }
        }
        if self.loader.profile == Profile::Kustomize {
            refuse_duplicates(&entries)?;
        }
        let mut map = Map::from_entries(entries);
        // Explicit keys win, wherever they stand, and of the rest the earlier ones.
        for (key, value) in merged.into_iter().flatten() {
            if !map.contains_key(&key) {
                map.insert(&key, value);
            }
        }
        Ok(Value::Map(map))
    }

    /// Annotations are texts whatever they look like: kustomize reads `x: 5` and `x: 1.50` there as they are written.
    fn part_of(&self, key: Option<&str>) -> Part {
        match (key, self.depth, self.part) {
            _ if self.loader.profile != Profile::Kustomize => Part::Elsewhere,
            (Some("metadata"), 1, _) => Part::Metadata,
            (Some("annotations"), 2, Part::Metadata) => Part::Annotations,
            (_, 3, Part::Annotations) => Part::Annotations,
            _ => Part::Elsewhere,
        }
    }

    /// A mapping key; none for the merge key `<<`.
    fn key(&mut self, step: Step<'a>, pos: Pos) -> Result<Option<Box<str>>, Unreadable> {
        let text = match step {
            Step::Scalar { text, style: Style::Plain, tag: None, anchor: 0 } => {
                if &*text == "<<" {
                    return Ok(None);
                }
                let starts_plain =
                    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '$');
                if starts_plain && text.len() > 5 {
                    return Ok(Some(Box::from(&*text)));
                }
                resolve(&text, self.loader.profile).unwrap_or_else(|| Value::String(text.into_owned()))
            }
            step => self.node(step, pos)?.value,
        };
        let node = Node::new(text, pos);
        if let Some(text) = node.as_str() {
            return Ok(Some(Box::from(text)));
        }
        let written = match (&node.value, self.loader.profile) {
            (_, Profile::Kustomize) => None,
            // An unsigned number is no key there.
            (Value::Float(float), _) if float.text.parse::<u64>().is_ok() => None,
            // On its way to JSON, `1.10` becomes the shortest digits of a float of 32 bits.
            #[expect(clippy::cast_possible_truncation, reason = "as the reader of kubectl and Helm has it")]
            (Value::Float(float), _) => Some(go_float(float.number as f32)),
            _ => node.scalar_text(),
        };
        written.map(Box::from).map(Some).ok_or_else(|| {
            let message = format!("a key must be text, this one is {}; put it in quotes", node.kind_name());
            Unreadable::wrong(pos, message)
        })
    }

    fn scalar(&self, text: &str, plain: bool, tag: Option<&str>, pos: Pos) -> Result<Value, Unreadable> {
        let wrong = |message: String| Unreadable::wrong(pos, message);
        let not_json = || wrong("JSON has no infinity and no NaN; put the value in quotes".to_owned());
        let Some(tag) = tag.map(core_tag) else {
            let resolved = if plain { resolve(text, self.loader.profile) } else { None };
            return match resolved {
                Some(null @ (Value::Null | Value::Blank)) => Ok(null),
                Some(value) if self.part != Part::Annotations => Ok(value),
                None if plain && self.part != Part::Annotations => Err(not_json()),
                _ => Ok(Value::String(text.to_owned())),
            };
        };
        match tag {
            "int" | "float" | "bool" | "null" => match resolve(text, self.loader.profile) {
                Some(Value::String(_) | Value::Time(_)) => {
                    Err(wrong(format!("the value is not what its tag !!{tag} says")))
                }
                Some(value) => Ok(value),
                None => Err(not_json()),
            },
            "binary" => {
                use base64::Engine as _;
                let packed: String = text.split_whitespace().collect();
                let bytes = base64::engine::general_purpose::STANDARD
                    .decode(packed)
                    .map_err(|_| wrong("the value tagged !!binary is not base64".to_owned()))?;
                Ok(Value::String(String::from_utf8_lossy(&bytes).into_owned()))
            }
            _ => Ok(Value::String(text.to_owned())),
        }
    }
}

/// `tag:yaml.org,2002:int`, `!!int` and `int` are one.
fn core_tag(tag: &str) -> &str {
    tag.rsplit([':', '!']).next().unwrap_or(tag)
}

fn depth_of(node: &Node) -> usize {
    match &node.value {
        Value::Seq(items) => 1 + items.iter().map(depth_of).max().unwrap_or(0),
        Value::Map(map) => 1 + map.iter().map(|(_, node)| depth_of(node)).max().unwrap_or(0),
        _ => 0,
    }
}

fn refuse_duplicates(entries: &[(Box<str>, Node)]) -> Result<(), Unreadable> {
    if entries.is_sorted_by(|a, b| a.0 < b.0) {
        return Ok(());
    }
    let mut keys: Vec<(&str, Pos)> = entries.iter().map(|(key, node)| (&**key, node.pos)).collect();
    keys.sort();
    match keys.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        Some([(key, first), (_, second)]) => {
            let message =
                format!("the key \"{key}\" is already defined at line {}; keep one of them", first.line);
            Err(Unreadable::wrong(*second, message))
        }
        _ => Ok(()),
    }
}

/// The maps that a merge key names; of two that have a key the first wins.
fn merged_maps(source: Node) -> Result<Vec<Map>, Unreadable> {
    let pos = source.pos;
    let items = match source.value {
        Value::Seq(items) => items,
        _ => vec![source],
    };
    let wrong = || Unreadable::wrong(pos, "the merge key << takes a map or a list of maps");
    let map = |item: Node| match item.value {
        Value::Map(map) => Ok(map),
        _ => Err(wrong()),
    };
    items.into_iter().map(map).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(profile: Profile, text: &str) -> String {
        match Loader::new(profile).load("f.yaml", text.as_bytes()) {
            Ok(documents) => documents.iter().map(|d| d.to_json().to_string()).collect::<Vec<_>>().join("\n"),
            Err(e) => e.to_string(),
        }
    }

    #[test]
    fn streams_are_read_with_either_profile() {
        fn check(text: &str, expected: &str) {
            assert_eq!(json(Profile::Kustomize, text), expected, "{text}");
        }
        check("a: 1\n---\n# nothing\n---\nb: [x, {c: ~}]\n", "{\"a\":1}\n{\"b\":[\"x\",{\"c\":null}]}");
        check("\u{feff}a: 1\r\nb: |\r\n  x\r\n  y\r\n", "{\"a\":1,\"b\":\"x\\ny\\n\"}");
        check("{\"a\": [1, 2.50, \"x\\n\"]}", "{\"a\":[1,2.5,\"x\\n\"]}");
        check("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n", "{\"a\":{\"b\":1},\"c\":{\"b\":1,\"d\":2}}");
        assert_eq!(
            json(Profile::Kubectl, "a: &x {b: 1, d: 1}\nc: {b: 2, <<: *x, d: 3}\n"),
            "{\"a\":{\"b\":1,\"d\":1},\"c\":{\"b\":1,\"d\":3}}"
        );
        assert_eq!(json(Profile::Kubectl, "{<<: {a: 1}, <<: [{a: 2}, {a: 3, b: 3}]}"), "{\"a\":2,\"b\":3}");
        assert_eq!(
            json(Profile::Kubectl, "{1.10: a, .5: b, 12345678.9: c, 7: d, true: e}"),
            "{\"0.5\":\"b\",\"1.1\":\"a\",\"1.2345679e+07\":\"c\",\"7\":\"d\",\"true\":\"e\"}"
        );
        check("a: &x {b: 1}\nc: {<<: [{b: 9}, *x], e: 3}\n", "{\"a\":{\"b\":1},\"c\":{\"b\":9,\"e\":3}}");
        check(
            "a: !!str 1\nb: !!binary aGk=\nc: !x y\nd: '1'\n",
            "{\"a\":\"1\",\"b\":\"hi\",\"c\":\"y\",\"d\":\"1\"}",
        );
        check("", "");
        check("a: |\n  x\nb: |\n  y", "{\"a\":\"x\\n\",\"b\":\"y\"}");
        check("--- \n...\n", "");
        check(
            "a: \"x\"#one\nb: {}#two\nc: 'y'#three\nd: |#four\n  z\ne: [#five\n  1]\nf: x#six\n",
            "{\"a\":\"x\",\"b\":{},\"c\":\"y\",\"d\":\"z\\n\",\"e\":[1],\"f\":\"x#six\"}",
        );
        check(
            "a:\n  b: 'x\ny\n\n z'\n  c: \"it's\n\ny \\\n  z\"\n",
            "{\"a\":{\"b\":\"x y\\nz\",\"c\":\"it's\\ny z\"}}",
        );
        assert_eq!(json(Profile::Kubectl, "a: 1\na: 2\n1: yes\n"), "{\"1\":true,\"a\":2}");
    }

    #[test]
    fn errors_name_the_place_and_hide_values() {
        fn check(text: &str, expected: &str) {
            assert_eq!(json(Profile::Kustomize, text), expected, "{text}");
        }
        check(
            "a: 1\nb: 2\na: hunter2\n",
            "f.yaml:3:1: the key \"a\" is already defined at line 1; keep one of them\n  | a: …",
        );
        check(
            "x:\n  1: y\n",
            "f.yaml:2:3: a key must be text, this one is a number; put it in quotes\n  |   1: …",
        );
        check("x: .inf\n", "f.yaml:1:4: JSON has no infinity and no NaN; put the value in quotes\n  | x: …");
    }

    #[test]
    fn anchors_inside_each_other_do_not_multiply_what_they_hold() {
        let limits = Limits { nodes: 1000, ..Limits::default() };
        let nested: String = (0..20).map(|at| format!("&a{at} [")).collect();
        let text = format!("{nested}{}{}", "x, ".repeat(100), "]".repeat(20));
        let error = Loader { profile: Profile::Kustomize, limits }.load("f", text.as_bytes()).unwrap_err();
        assert!(error.over_limit && error.message.contains("values under anchors"), "{error}");
    }

    #[test]
    fn budgets_end_alias_bombs_and_deep_nesting() {
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..9 {
            let before = level - 1;
            let aliases = vec![format!("*a{before}"); 10].join(", ");
            bomb.push_str(&format!("a{level}: &a{level} [{aliases}]\n"));
        }
        assert!(json(Profile::Kustomize, &bomb).contains("more than 2000000 values"), "nodes");
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(json(Profile::Kustomize, &deep).contains("levels of nesting"), "depth");
        assert!(json(Profile::Kustomize, "a: &a [*a]").contains("f.yaml:1:8"), "self reference");
    }
}
