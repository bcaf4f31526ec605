//! Values to text, byte for byte as go-yaml v2 writes what went through JSON: sorted keys, block style, width 80.
//!
//! The rules are libyaml's emitter's (scalar analysis, folding, chomping) with go-yaml's differences: a tab and anything
//! above U+FFFF count as unprintable, and the quoting test is go-yaml's own.

mod analysis;
mod order;

use analysis::{Analysis, analyse};
use order::natural_order;

use super::json::float_text;
use super::scalar::{full_time, needs_quotes};
use super::{Map, Node, Value, go_float};

const STEP: usize = 2;
/// libyaml writes longer keys with an explicit `?`.
const LONGEST_SIMPLE_KEY: usize = 128;

/// Writes one document, ending with a newline.
pub fn emit(node: &Node) -> String {
    write(node, &LAYOUT_V2)
}

/// Whether go-yaml may write a text as a block; otherwise it puts it in quotes.
pub(super) fn may_be_block(text: &str) -> bool {
    analyse(text, true).block_allowed
}

/// Writes one document as go-yaml v3 writes values that did not go through JSON: sequences in mappings are indented, long lines stay,
/// a tab does not keep text out of a block, and floats look like Go's. Helm's `toYamlPretty`.
pub(crate) fn emit_indented(node: &Node) -> String {
    write(node, &LAYOUT_V3)
}

fn write(node: &Node, layout: &'static Layout) -> String {
    let mut out =
        Emitter { out: String::new(), column: 0, indent: None, whitespace: true, indention: true, layout };
    out.node(node, Place::Root);
    if out.column > 0 || out.out.is_empty() {
        out.line_break();
    }
    out.out
}

/// What the two versions of go-yaml do differently.
struct Layout {
    /// The column after which text is folded.
    width: usize,
    /// Whether a sequence in a mapping is a step deeper than its key.
    indents_sequences: bool,
    /// Whether block text may hold tabs.
    tabs_in_blocks: bool,
    /// Whether a time is a scalar of its own, written without quotes.
    plain_times: bool,
    float: fn(f64) -> String,
}

const LAYOUT_V2: Layout = Layout {
    width: 80,
    indents_sequences: false,
    tabs_in_blocks: false,
    plain_times: false,
    float: float_text,
};
const LAYOUT_V3: Layout = Layout {
    width: usize::MAX,
    indents_sequences: true,
    tabs_in_blocks: true,
    plain_times: true,
    float: float_v3,
};

/// As go-yaml v3 writes a `float64`, the ones JSON does not have included.
fn float_v3(number: f64) -> String {
    if number.is_finite() {
        return go_float(number);
    }
    let sign = if number < 0.0 { "-" } else { "" };
    if number.is_nan() { ".nan".to_owned() } else { format!("{sign}.inf") }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Root,
    Item,
    Key,
    Value,
}

#[derive(Clone, Copy)]
enum Style {
    Plain,
    Single,
    Double,
    Literal,
}

struct Emitter {
    out: String,
    column: usize,
    indent: Option<usize>,
    /// Whether the last character written was white space.
    whitespace: bool,
    /// Whether only indentation has been written on this line.
    indention: bool,
    layout: &'static Layout,
}

impl Emitter {
    fn node(&mut self, node: &Node, place: Place) {
        match &node.value {
            Value::Null | Value::Blank => self.plain("null", place),
            Value::Bool(b) => self.plain(if *b { "true" } else { "false" }, place),
            Value::Int(i) => self.plain(&i.to_string(), place),
            Value::Uint(u) => self.plain(&u.to_string(), place),
            Value::Float(float) => self.plain(&(self.layout.float)(float.number), place),
            Value::String(text) => self.text(text, place),
            Value::Time(text) if self.layout.plain_times => self.plain(text, place),
            Value::Time(text) => self.text(&full_time(text), place),
            Value::Seq(items) if items.is_empty() => self.empty("[", "]"),
            Value::Map(map) if map.is_empty() => self.empty("{", "}"),
            Value::Seq(items) => self.sequence(items, place),
            Value::Map(map) => self.mapping(map),
        }
    }

    fn empty(&mut self, open: &str, close: &str) {
        self.indicator(open, true, true, false);
        self.indicator(close, false, false, false);
    }

    fn sequence(&mut self, items: &[Node], place: Place) {
        let before = self.indent;
        // A sequence inside a mapping is written at the mapping's own indent.
        let indentless = !self.layout.indents_sequences && place == Place::Value && !self.indention;
        self.indent = match before {
            None => Some(0),
            Some(indent) if indentless => Some(indent),
            Some(indent) => Some(indent + STEP),
        };
        for item in items {
            self.start_line();
            self.indicator("-", true, false, true);
            self.node(item, Place::Item);
        }
        self.indent = before;
    }

    fn mapping(&mut self, map: &Map) {
        let before = self.indent;
        self.indent = Some(before.map_or(0, |indent| indent + STEP));
        let mut entries: Vec<(&str, &Node)> = map.iter().collect();
        entries.sort_by(|a, b| natural_order(a.0, b.0));
        for (key, value) in entries {
            self.start_line();
            if key.len() <= LONGEST_SIMPLE_KEY && !key.contains(analysis::is_break) {
                self.text(key, Place::Key);
                self.indicator(":", false, false, false);
            } else {
                self.indicator("?", true, false, true);
                self.text(key, Place::Value);
                self.start_line();
                self.indicator(":", true, false, true);
            }
            self.node(value, Place::Value);
        }
        self.indent = before;
    }

    fn plain(&mut self, text: &str, place: Place) {
        self.write_plain(text, place != Place::Key);
    }

    fn text(&mut self, text: &str, place: Place) {
        let key = place == Place::Key;
        let facts = analyse(text, self.layout.tabs_in_blocks);
        let before = self.indent;
        // Continuation lines and block text are one step deeper than what holds them.
        self.indent = Some(before.map_or(STEP, |indent| indent + STEP));
        match choose(text, &facts, key) {
            Style::Plain => self.write_plain(text, !key),
            Style::Single => self.write_single(text, !key),
            Style::Double => self.write_double(text, !key),
            Style::Literal => self.write_literal(text),
        }
        self.indent = before;
    }

    fn put(&mut self, c: char) {
        self.out.push(c);
        self.column += 1;
    }

    fn line_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
    }

    /// Writes a break character of the text itself.
    fn text_break(&mut self, c: char) {
        self.out.push(c);
        self.column = 0;
    }

    fn start_line(&mut self) {
        let indent = self.indent.unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.line_break();
        }
        while self.column < indent {
            self.put(' ');
        }
        self.whitespace = true;
        self.indention = true;
    }

    fn indicator(&mut self, text: &str, need_space: bool, is_space: bool, is_indention: bool) {
        if need_space && !self.whitespace {
            self.put(' ');
        }
        text.chars().for_each(|c| self.put(c));
        self.whitespace = is_space;
        self.indention = self.indention && is_indention;
    }

    fn write_plain(&mut self, text: &str, may_break: bool) {
        if !text.is_empty() && !self.whitespace {
            self.put(' ');
        }
        let mut spaces = false;
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            if c == ' ' {
                if may_break && !spaces && self.column > self.layout.width && rest.peek() != Some(&' ') {
                    self.start_line();
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                self.indention = false;
                spaces = false;
            }
        }
        self.whitespace = false;
        self.indention = false;
    }

    fn write_single(&mut self, text: &str, may_break: bool) {
        self.indicator("'", true, false, false);
        let (mut spaces, mut breaks, mut first) = (false, false, true);
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            if c == ' ' {
                let inner = !first && rest.peek().is_some_and(|next| *next != ' ');
                if may_break && !spaces && self.column > self.layout.width && inner {
                    self.start_line();
                } else {
                    self.put(c);
                }
                spaces = true;
            } else if analysis::is_break(c) {
                if !breaks && c == '\n' {
                    self.line_break();
                }
                self.text_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.start_line();
                }
                if c == '\'' {
                    self.put(c);
                }
                self.put(c);
                self.indention = false;
                spaces = false;
                breaks = false;
            }
            first = false;
        }
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_double(&mut self, text: &str, may_break: bool) {
        self.indicator("\"", true, false, false);
        let (mut spaces, mut first) = (false, true);
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            if !analysis::is_printable(c) || analysis::is_break(c) || c == '"' || c == '\\' {
                for escaped in analysis::escape(c).chars() {
                    self.put(escaped);
                }
                spaces = false;
            } else if c == ' ' {
                if may_break && !spaces && self.column > self.layout.width && !first && rest.peek().is_some()
                {
                    self.start_line();
                    if rest.peek() == Some(&' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(c);
                }
                spaces = true;
            } else {
                self.put(c);
                spaces = false;
            }
            first = false;
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn write_literal(&mut self, text: &str) {
        self.indicator("|", true, false, false);
        if text.starts_with(|c| c == ' ' || analysis::is_break(c)) {
            self.indicator("2", false, false, false);
        }
        let mut tail = text.chars().rev();
        let chomp = match (tail.next(), tail.next()) {
            (Some(last), _) if !analysis::is_break(last) => "-",
            (Some(_), Some(before)) if !analysis::is_break(before) => "",
            _ => "+",
        };
        self.indicator(chomp, false, false, false);
        self.line_break();
        self.indention = true;
        self.whitespace = true;
        let mut breaks = true;
        for c in text.chars() {
            if analysis::is_break(c) {
                self.text_break(c);
                self.indention = true;
                breaks = true;
            } else {
                if breaks {
                    self.start_line();
                }
                self.put(c);
                self.indention = false;
                breaks = false;
            }
        }
    }
}

/// go-yaml asks for a style; libyaml then takes what the text allows.
fn choose(text: &str, facts: &Analysis, key: bool) -> Style {
    let literal = text.contains('\n');
    if literal && facts.block_allowed && !key {
        return Style::Literal;
    }
    // As a key it would not be one; go-yaml writes it without quotes all the same, and loses it.
    if literal || needs_quotes(text) || (key && text == "<<") {
        return Style::Double;
    }
    if facts.plain_allowed && !(key && facts.multiline) {
        Style::Plain
    } else if facts.single_allowed {
        Style::Single
    } else {
        Style::Double
    }
}

/// Whether this text is written in quotes or as a block.
pub(crate) fn is_written_quoted(text: &str) -> bool {
    !matches!(choose(text, &analyse(text, false), false), Style::Plain)
}

#[cfg(test)]
mod tests {
    use super::super::{Loader, Profile};
    use super::*;

    fn emitted(text: &str) -> String {
        emit(&Loader::new(Profile::Kustomize).load("f", text.as_bytes()).unwrap()[0])
    }

    #[test]
    fn documents_look_like_go_yaml_wrote_them() {
        fn check(text: &str, expected: &str) {
            assert_eq!(emitted(text), expected, "{text}");
        }
        check(
            "{b: [1, [2, {c: d, e: f}]], a: {}, x: []}",
            "a: {}\nb:\n- 1\n- - 2\n  - c: d\n    e: f\nx: []\n",
        );
        check("a: 'yes'\nb: ''\nc: '# x'\nd: 'a: b'\n", "a: \"yes\"\nb: \"\"\nc: '# x'\nd: 'a: b'\n");
        check(
            "a: \"x\\ty\"\nb: \"😀\"\nc: \"x\\ny\"\n",
            "a: \"x\\ty\"\nb: \"\\U0001F600\"\nc: |-\n  x\n  y\n",
        );
        check("a: \"x\\n\"\nb: \"x\\n\\n\"\nc: \" x\\ny\"\n", "a: |\n  x\nb: |+\n  x\n\nc: |2-\n   x\n  y\n");
        check("a: \"x \\ny\"\nb: \"it's\"\nc: \"'q'\"\n", "a: \"x \\ny\"\nb: it's\nc: '''q'''\n");
        check("f10: 1\nf2: 2\nF: 3\n_: 4\n", "_: 4\nF: 3\nf2: 2\nf10: 1\n");
        check("a: 1.0\nb: 1e20\nc: 100000000000000000000000\n", "a: 1\nb: 1e+20\nc: 1e+23\n");
        check("[a, {b: [c]}]", "- a\n- b:\n  - c\n");
    }

    #[test]
    fn long_text_folds_after_column_80() {
        let word = "word ".repeat(20);
        let text = format!("a: \"{word}end\"\n");
        let expected = format!("a: {}\n  {}end\n", word[..80].trim_end(), &word[80..]);
        assert_eq!(emitted(&text), expected);
        let quoted = format!("a: \"# {word}end\"\n");
        assert!(emitted(&quoted).lines().count() == 2);
    }

    #[test]
    fn long_keys_are_written_with_a_question_mark() {
        let key = "k".repeat(129);
        assert_eq!(emitted(&format!("? {key}\n: v\n")), format!("? {key}\n: v\n"));
    }
}
