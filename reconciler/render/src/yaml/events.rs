//! The parser behind a narrow trait. granit-parser is young and has one author: nothing else in the room names it.

use std::borrow::Cow;

use granit_parser::{ErrorKind, Event, Parser, ScalarStyle, StrInput};

use super::Pos;

/// How a text is written, as far as it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Folded,
    /// In quotes, or as it stands.
    Other,
}

/// One parse event. Anchor ids start at 1; 0 means "no anchor".
pub(super) enum Step<'a> {
    DocumentStart,
    /// A plain text is empty only where nothing is written.
    Scalar {
        text: Cow<'a, str>,
        style: Style,
        anchor: usize,
        tag: Option<String>,
    },
    SequenceStart {
        anchor: usize,
    },
    SequenceEnd,
    MappingStart {
        anchor: usize,
    },
    MappingEnd,
    Alias(usize),
    DocumentEnd,
    End,
}

/// Why the text is no YAML.
pub(super) struct Unreadable {
    pub(super) pos: Pos,
    pub(super) message: String,
    /// It may be YAML, but there is too much of it.
    pub(super) over_limit: bool,
    /// The byte from which on a comment is not set apart by a blank, which YAML 1.2 wants and libyaml does not.
    pub(super) tight_comment: Option<usize>,
}

impl Unreadable {
    pub(super) fn wrong(pos: Pos, message: impl Into<String>) -> Self {
        Self { pos, message: message.into(), over_limit: false, tight_comment: None }
    }
}

/// A source of parse events.
pub(super) trait Steps<'a> {
    fn next_step(&mut self) -> Result<(Step<'a>, Pos), Unreadable>;
}

/// Events of granit-parser.
pub(super) struct Granit<'a>(Parser<'a, StrInput<'a>>);

impl<'a> Granit<'a> {
    /// Reads as libyaml and go-yaml do where YAML 1.2 has it otherwise.
    pub(super) fn new(text: &'a str) -> Self {
        let options = granit_parser::options! {
            emit_comments: false,
            bom_inside_document_as_content: true,
            block_scalar_eof_without_line_feed: true,
        };
        Granit(Parser::new_from_str_with_options(text, options))
    }
}

impl<'a> Steps<'a> for Granit<'a> {
    fn next_step(&mut self) -> Result<(Step<'a>, Pos), Unreadable> {
        loop {
            let Some(next) = self.0.next() else { return Ok((Step::End, Pos::default())) };
            let (event, span) = next.map_err(|e| {
                let pos = place(e.marker());
                if matches!(e.kind(), ErrorKind::RecursionLimitExceeded) {
                    // The scanner has a limit of its own, above every one of ours, and meets brackets before they are nodes.
                    let message = "more levels of nesting than anybody may allow; split the file".to_owned();
                    return Unreadable { over_limit: true, ..Unreadable::wrong(pos, message) };
                }
                let is_tight = matches!(e.kind(), ErrorKind::CommentNotSeparated);
                let tight_comment = e.marker().byte_offset().filter(|_| is_tight);
                Unreadable { tight_comment, ..Unreadable::wrong(pos, e.info()) }
            })?;
            let mut pos = place(&span.start);
            if let Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) = &event {
                // The span of block text is its content; what a reader looks for is the line of its `|`.
                pos.line = pos.line.saturating_sub(1).max(1);
            }
            let step = match event {
                Event::DocumentStart(..) => Step::DocumentStart,
                Event::DocumentEnd => Step::DocumentEnd,
                Event::Alias(id) => Step::Alias(id),
                // The parser shows nothing at all as `~`.
                Event::Scalar(_, ScalarStyle::Plain, anchor, None) if span.is_empty() => {
                    Step::Scalar { text: Cow::Borrowed(""), style: Style::Plain, anchor, tag: None }
                }
                Event::Scalar(text, style, anchor, tag) => Step::Scalar {
                    text,
                    style: match style {
                        ScalarStyle::Plain => Style::Plain,
                        ScalarStyle::Folded => Style::Folded,
                        _ => Style::Other,
                    },
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
