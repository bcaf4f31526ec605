//! The parser behind a narrow trait. granit-parser is young and has one author: nothing else in the room names it.

use std::borrow::Cow;

use granit_parser::{Event, Options, Parser, ScalarStyle, StrInput};

use super::Pos;

/// One parse event. Anchor ids start at 1; 0 means "no anchor".
pub(super) enum Step<'a> {
    DocumentStart,
    Scalar { text: Cow<'a, str>, plain: bool, anchor: usize, tag: Option<String> },
    SequenceStart { anchor: usize },
    SequenceEnd,
    MappingStart { anchor: usize },
    MappingEnd,
    Alias(usize),
    DocumentEnd,
    End,
}

/// Why the text is no YAML.
pub(super) struct Unreadable {
    pub(super) pos: Pos,
    pub(super) message: String,
}

/// A source of parse events.
pub(super) trait Steps<'a> {
    fn next_step(&mut self) -> Result<(Step<'a>, Pos), Unreadable>;
}

/// Events of granit-parser.
pub(super) struct Granit<'a> {
    parser: Parser<'a, StrInput<'a>>,
}

impl<'a> Granit<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut options = Options::default();
        options.set_emit_comments(false);
        Granit { parser: Parser::new_from_str_with_options(text, options) }
    }
}

impl<'a> Steps<'a> for Granit<'a> {
    fn next_step(&mut self) -> Result<(Step<'a>, Pos), Unreadable> {
        loop {
            let Some(next) = self.parser.next() else { return Ok((Step::End, Pos::default())) };
            let (event, span) = next.map_err(|e| Unreadable { pos: place(e.marker()), message: e.info() })?;
            let pos = place(&span.start);
            let step = match event {
                Event::DocumentStart(..) => Step::DocumentStart,
                Event::DocumentEnd => Step::DocumentEnd,
                Event::Alias(id) => Step::Alias(id),
                Event::Scalar(text, style, anchor, tag) => Step::Scalar {
                    text,
                    plain: style == ScalarStyle::Plain,
                    anchor,
                    tag: tag.map(|tag| tag.to_string()),
                },
                Event::SequenceStart(_, anchor, _) => Step::SequenceStart { anchor },
                Event::SequenceEnd => Step::SequenceEnd,
                Event::MappingStart(_, anchor, _) => Step::MappingStart { anchor },
                Event::MappingEnd => Step::MappingEnd,
                Event::StreamEnd => Step::End,
                _ => continue,
            };
            return Ok((step, pos));
        }
    }
}

fn place(marker: &granit_parser::Marker) -> Pos {
    let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    Pos { line: small(marker.line()), column: small(marker.col().saturating_add(1)) }
}
