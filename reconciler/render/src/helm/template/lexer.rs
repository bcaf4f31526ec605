//! Text to tokens, as Go's `text/template` cuts it.
//!
//! White space inside actions is a token, because `"a" "b"` are two arguments and `"a""b"` is an error.

use super::tree::Source;
use crate::helm::classes::{is_digit, is_letter};

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// Text outside actions.
    Text,
    /// `{{`
    LeftDelimiter,
    /// `}}`
    RightDelimiter,
    /// A run of white space inside an action.
    Space,
    /// `(`
    LeftParenthesis,
    /// `)`
    RightParenthesis,
    /// `|`
    Pipe,
    /// `=`
    Assign,
    /// `:=`
    Declare,
    /// `,` and other characters that mean nothing on their own.
    Char,
    /// `.`
    Dot,
    /// `.name`
    Field,
    /// `$` or `$name`
    Variable,
    /// A name; keywords are told apart by the parser.
    Identifier,
    /// `true` or `false`
    Bool,
    /// A number, not checked yet.
    Number,
    /// `'c'`
    CharConstant,
    /// `"text"`, with its quotes.
    String,
    /// The same between backquotes.
    RawString,
    /// The text is no template from here on.
    Error(&'static str),
    /// The end of the text.
    End,
}

/// A token and where it is.
#[derive(Debug, Clone)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// Its bytes in the source.
    pub(super) from: usize,
    pub(super) to: usize,
}

/// Cuts a source into tokens. The last one is [`Kind::End`] or [`Kind::Error`].
pub(super) fn tokens(source: &Source) -> Vec<Token> {
    let mut lexer = Lexer { text: &source.text, at: 0, start: 0, parentheses: 0, tokens: Vec::new() };
    if let Err(message) = lexer.text() {
        let (from, to) = (lexer.start, lexer.at);
        lexer.tokens.push(Token { kind: Kind::Error(message), from, to });
    }
    lexer.tokens
}

/// Errors of which a parser can say more, because it knows the tokens before them.
pub(super) const BAD_NUMBER: &str = "bad number syntax";
pub(super) const BAD_CHARACTER: &str = "bad character";
pub(super) const UNCLOSED_ACTION: &str = "unclosed action";

const LEFT: &[u8] = b"{{";
const RIGHT: &[u8] = b"}}";

struct Lexer<'a> {
    text: &'a [u8],
    at: usize,
    start: usize,
    parentheses: usize,
    tokens: Vec<Token>,
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_word(c: char) -> bool {
    c == '_' || is_letter(c) || is_digit(c)
}

impl Lexer<'_> {
    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The rune at the current place and its length; U+FFFD for a byte that begins none.
    fn peek(&self) -> Option<(char, usize)> {
        let rest = self.rest();
        let first = *rest.first()?;
        if first.is_ascii() {
            return Some((char::from(first), 1));
        }
        let window = rest.get(..4.min(rest.len())).unwrap_or_default();
        match window.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()) {
            Some(c) => Some((c, c.len_utf8())),
            None => Some(('\u{fffd}', 1)),
        }
    }

    fn next(&mut self) -> Option<char> {
        let (c, length) = self.peek()?;
        self.at += length;
        Some(c)
    }

    fn emit(&mut self, kind: Kind) {
        self.tokens.push(Token { kind, from: self.start, to: self.at });
        self.start = self.at;
    }

    fn skip(&mut self, bytes: usize) {
        self.at += bytes;
        self.start = self.at;
    }

    fn skip_spaces(&mut self) {
        let spaces = self.rest().iter().take_while(|byte| is_space(**byte)).count();
        self.skip(spaces);
    }

    /// Everything, alternating between text and actions.
    fn text(&mut self) -> Result<(), &'static str> {
        loop {
            let Some(found) = find(self.rest(), LEFT) else {
                self.at = self.text.len();
                if self.at > self.start {
                    self.emit(Kind::Text);
                }
                self.emit(Kind::End);
                return Ok(());
            };
            let delimiter = self.at + found;
            let inside = self.text.get(delimiter + LEFT.len()..).unwrap_or_default();
            let trims = has_left_trim(inside);
            let mut end = delimiter;
            while trims && end > self.start && is_space(self.text[end - 1]) {
                end -= 1;
            }
            self.at = end;
            if self.at > self.start {
                self.emit(Kind::Text);
            }
            self.at = delimiter;
            self.start = delimiter;
            let marker = if trims { 2 } else { 0 };
            if inside.get(marker..).is_some_and(|rest| rest.starts_with(b"/*")) {
                self.skip(LEFT.len() + marker);
                self.comment()?;
                continue;
            }
            self.at += LEFT.len();
            self.emit(Kind::LeftDelimiter);
            self.skip(marker);
            self.parentheses = 0;
            while self.inside()? {}
        }
    }

    fn comment(&mut self) -> Result<(), &'static str> {
        let end = find(self.rest(), b"*/").ok_or("unclosed comment")?;
        self.at += end + 2;
        let Some(trims) = self.right_delimiter() else { return Err("comment ends before closing delimiter") };
        self.skip(RIGHT.len() + if trims { 2 } else { 0 });
        if trims {
            self.skip_spaces();
        }
        Ok(())
    }

    /// Whether a right delimiter begins here, and whether it trims.
    fn right_delimiter(&self) -> Option<bool> {
        let rest = self.rest();
        match rest {
            [space, b'-', after @ ..] if is_space(*space) && after.starts_with(RIGHT) => Some(true),
            _ if rest.starts_with(RIGHT) => Some(false),
            _ => None,
        }
    }

    /// One token inside an action. False: the action has ended.
    fn inside(&mut self) -> Result<bool, &'static str> {
        if let Some(trims) = self.right_delimiter() {
            if self.parentheses > 0 {
                return Err("unclosed left paren");
            }
            self.skip(if trims { 2 } else { 0 });
            self.at += RIGHT.len();
            self.emit(Kind::RightDelimiter);
            if trims {
                self.skip_spaces();
            }
            return Ok(false);
        }
        let Some(c) = self.next() else { return Err(UNCLOSED_ACTION) };
        match c {
            ' ' | '\t' | '\r' | '\n' => self.space(),
            '=' => self.emit(Kind::Assign),
            ':' => {
                if self.next() != Some('=') {
                    return Err("expected :=");
                }
                self.emit(Kind::Declare);
            }
            '|' => self.emit(Kind::Pipe),
            '"' => self.quoted(b'"', Kind::String, "unterminated quoted string")?,
            '\'' => self.quoted(b'\'', Kind::CharConstant, "unterminated character constant")?,
            '`' => self.raw()?,
            '$' => self.name(Kind::Variable, Kind::Variable)?,
            '.' if !self.rest().first().is_some_and(u8::is_ascii_digit) => {
                self.name(Kind::Field, Kind::Dot)?;
            }
            '.' | '+' | '-' | '0'..='9' => {
                self.at = self.start;
                self.number()?;
            }
            '(' => {
                self.parentheses += 1;
                self.emit(Kind::LeftParenthesis);
            }
            ')' => {
                self.parentheses = self.parentheses.checked_sub(1).ok_or("unexpected right paren")?;
                self.emit(Kind::RightParenthesis);
            }
            c if is_word(c) => self.word()?,
            ' '..='~' => self.emit(Kind::Char),
            _ => return Err("unrecognized character in action"),
        }
        Ok(true)
    }

    /// White space, but not the blank that belongs to a trimming ` -}}`.
    fn space(&mut self) {
        while self.rest().first().is_some_and(|byte| is_space(*byte)) && self.right_delimiter().is_none() {
            self.at += 1;
        }
        self.emit(Kind::Space);
    }

    /// What follows `.` or `$`.
    fn name(&mut self, named: Kind, bare: Kind) -> Result<(), &'static str> {
        let begin = self.at;
        self.words();
        if !self.at_terminator() {
            return Err(BAD_CHARACTER);
        }
        self.emit(if self.at == begin { bare } else { named });
        Ok(())
    }

    fn words(&mut self) {
        while let Some((c, length)) = self.peek() {
            if !is_word(c) {
                break;
            }
            self.at += length;
        }
    }

    fn word(&mut self) -> Result<(), &'static str> {
        self.words();
        if !self.at_terminator() {
            return Err(BAD_CHARACTER);
        }
        let boolean = matches!(self.text.get(self.start..self.at), Some(b"true" | b"false"));
        self.emit(if boolean { Kind::Bool } else { Kind::Identifier });
        Ok(())
    }

    /// Whether a name may end here.
    fn at_terminator(&self) -> bool {
        match self.rest().first() {
            None | Some(b' ' | b'\t' | b'\r' | b'\n' | b'.' | b',' | b'|' | b':' | b')' | b'(') => true,
            Some(_) => self.rest().starts_with(RIGHT),
        }
    }

    fn quoted(&mut self, quote: u8, kind: Kind, unterminated: &'static str) -> Result<(), &'static str> {
        loop {
            match self.next() {
                Some('\\') if !matches!(self.next(), None | Some('\n')) => {}
                None | Some('\n' | '\\') => return Err(unterminated),
                Some(c) if c == char::from(quote) => break,
                Some(_) => {}
            }
        }
        self.emit(kind);
        Ok(())
    }

    fn raw(&mut self) -> Result<(), &'static str> {
        let end = find(self.rest(), b"`").ok_or("unterminated raw quoted string")?;
        self.at += end + 1;
        self.emit(Kind::RawString);
        Ok(())
    }

    /// Something that begins like a number; whether it is one shows when it is read.
    fn number(&mut self) -> Result<(), &'static str> {
        self.accept(b"+-");
        let mut digits: &[u8] = b"0123456789_";
        if self.accept(b"0") {
            if self.accept(b"xX") {
                digits = b"0123456789abcdefABCDEF_";
            } else if self.accept(b"oO") {
                digits = b"01234567_";
            } else if self.accept(b"bB") {
                digits = b"01_";
            }
        }
        self.accept_run(digits);
        if self.accept(b".") {
            self.accept_run(digits);
        }
        let exponent: &[u8] = match digits.len() {
            11 => b"eE",
            23 => b"pP",
            _ => b"",
        };
        if self.accept(exponent) {
            self.accept(b"+-");
            self.accept_run(b"0123456789_");
        }
        match self.peek() {
            Some(('+' | '-', _)) => {
                // An imaginary part, if it is one.
                self.accept(b"+-");
                self.accept_run(b"0123456789_.");
                let complex = self.accept(b"i");
                return Err(if complex { "complex numbers are not supported" } else { BAD_NUMBER });
            }
            Some((c, length)) if is_word(c) => {
                self.at += length;
                return Err(BAD_NUMBER);
            }
            _ => {}
        }
        self.emit(Kind::Number);
        Ok(())
    }

    fn accept(&mut self, valid: &[u8]) -> bool {
        let found = self.rest().first().is_some_and(|byte| valid.contains(byte));
        self.at += usize::from(found);
        found
    }

    fn accept_run(&mut self, valid: &[u8]) {
        while self.accept(valid) {}
    }
}

fn has_left_trim(inside: &[u8]) -> bool {
    matches!(inside, [b'-', space, ..] if is_space(*space))
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}
