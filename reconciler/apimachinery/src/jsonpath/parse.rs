//! From text to a template.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::{Block, Comparison, End, JsonPathError, MAX_TEMPLATE, Step};

/// Unions and filters hold paths; nobody nests them deeper.
const MAX_DEPTH: usize = 16;

/// One `{…}` before ranges are told apart.
enum Action {
    Path(Vec<Step>),
    Range(Vec<Step>),
    End,
}

pub(super) fn parse(template: &str) -> Result<Vec<Block>, JsonPathError> {
    if template.len() > MAX_TEMPLATE {
        return Err(JsonPathError::TooLarge);
    }
    let mut actions = Vec::new();
    let mut rest = template;
    while let Some((text, tail)) = rest.split_once('{') {
        if !text.is_empty() {
            actions.push(Action::Path(vec![Step::Literal(text.into())]));
        }
        let mut parser = Parser { rest: tail, steps: Vec::new(), keyword: None, depth: 0 };
        parser.steps()?;
        actions.push(match parser.keyword {
            Some("range") => Action::Range(parser.steps),
            Some(_) => Action::End,
            None => Action::Path(parser.steps),
        });
        rest = parser.rest;
    }
    if !rest.is_empty() {
        actions.push(Action::Path(vec![Step::Literal(rest.into())]));
    }
    nest(actions)
}

/// Puts what stands between `range` and `end` into the range.
fn nest(actions: Vec<Action>) -> Result<Vec<Block>, JsonPathError> {
    let mut open: Vec<(Vec<Step>, Vec<Block>)> = Vec::new();
    let mut blocks = Vec::new();
    for action in actions {
        match action {
            Action::Path(steps) => blocks.push(Block::Path(steps)),
            Action::Range(steps) => open.push((steps, std::mem::take(&mut blocks))),
            Action::End => {
                let Some((steps, outer)) = open.pop() else {
                    return Err(syntax("not in range, nothing to end"));
                };
                let inner = std::mem::replace(&mut blocks, outer);
                blocks.push(Block::Range(steps, inner));
            }
        }
        if open.len() > MAX_DEPTH {
            return Err(JsonPathError::TooLarge);
        }
    }
    if open.is_empty() { Ok(blocks) } else { Err(syntax("unclosed range, {end} is missing")) }
}

fn syntax(message: impl Into<String>) -> JsonPathError {
    JsonPathError::Syntax(message.into())
}

struct Parser<'a> {
    /// What follows; behind the closing brace when all is done.
    rest: &'a str,
    steps: Vec<Step>,
    /// `range` or `end`.
    keyword: Option<&'a str>,
    depth: usize,
}

impl<'a> Parser<'a> {
    /// All steps up to and including the closing brace.
    fn steps(&mut self) -> Result<(), JsonPathError> {
        loop {
            if self.eat("}") {
                return Ok(());
            }
            if self.eat("[?(") {
                self.filter()?;
            } else if self.eat("..") {
                self.recursive()?;
            } else {
                self.step()?;
            }
        }
    }

    fn eat(&mut self, prefix: &str) -> bool {
        let tail = self.rest.strip_prefix(prefix);
        self.rest = tail.unwrap_or(self.rest);
        tail.is_some()
    }

    fn step(&mut self) -> Result<(), JsonPathError> {
        let Some(first) = self.rest.chars().next().filter(|c| !is_line_end(*c)) else {
            return Err(syntax("unclosed action"));
        };
        let behind = self.rest.get(first.len_utf8()..).unwrap_or_default();
        match first {
            ' ' | '@' | '$' => self.rest = behind,
            '[' => self.array(behind)?,
            '"' | '\'' => self.quoted(first)?,
            '.' => {
                self.rest = behind;
                self.field();
            }
            '+' | '-' | '0'..='9' => self.number()?,
            _ if first == '_' || first.is_alphanumeric() => self.identifier()?,
            _ => {
                let code = u32::from(first);
                return Err(syntax(format!("unrecognized character in action: U+{code:04X} '{first}'")));
            }
        }
        Ok(())
    }

    /// A name up to the next terminator; a backslash takes the next character as it is.
    fn field(&mut self) {
        let mut name = String::new();
        let mut chars = self.rest.char_indices();
        let mut end = self.rest.len();
        while let Some((index, c)) = chars.next() {
            if c == '\\' {
                if let Some((_, escaped)) = chars.next().filter(|(_, escaped)| *escaped != '\\') {
                    name.push(escaped);
                }
            } else if is_terminator(c) {
                end = index;
                break;
            } else {
                name.push(c);
            }
        }
        self.rest = self.rest.get(end..).unwrap_or_default();
        self.steps.push(if name == "*" { Step::Wildcard } else { Step::Field(name) });
    }

    fn recursive(&mut self) -> Result<(), JsonPathError> {
        if self.steps.last() == Some(&Step::Recursive) {
            return Err(syntax("invalid multiple recursive descent"));
        }
        self.steps.push(Step::Recursive);
        if self.rest.starts_with(|c: char| c == '_' || c.is_alphanumeric()) {
            self.field();
        }
        Ok(())
    }

    fn identifier(&mut self) -> Result<(), JsonPathError> {
        let end = self.rest.find(is_terminator).unwrap_or(self.rest.len());
        let (word, tail) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = tail;
        match word {
            "true" | "false" => self.steps.push(Step::Literal((word == "true").into())),
            "range" | "end" if self.depth == 0 && self.keyword.is_none() => self.keyword = Some(word),
            _ => return Err(syntax(format!("unrecognized identifier {word}"))),
        }
        Ok(())
    }

    fn number(&mut self) -> Result<(), JsonPathError> {
        let unsigned = self.rest.strip_prefix(['+', '-']).unwrap_or(self.rest);
        let sign = self.rest.len() - unsigned.len();
        let digits = unsigned.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(unsigned.len());
        let (text, tail) = self.rest.split_at_checked(sign + digits).unwrap_or((self.rest, ""));
        let plain = text.strip_prefix('+').unwrap_or(text);
        let number = match plain.parse::<i64>() {
            Ok(whole) => Value::from(whole),
            Err(_) => match plain.parse::<f64>() {
                Ok(float) if float.is_finite() => Value::from(float),
                _ => return Err(syntax(format!("cannot parse number {text}"))),
            },
        };
        self.rest = tail;
        self.steps.push(Step::Literal(number));
        Ok(())
    }

    fn quoted(&mut self, quote: char) -> Result<(), JsonPathError> {
        let body = self.rest.get(1..).unwrap_or_default();
        let end = find_quote(body, quote).ok_or_else(|| syntax("unterminated quoted string"))?;
        let text = unquote(body.get(..end).unwrap_or_default(), quote)?;
        self.rest = body.get(end + 1..).unwrap_or_default();
        self.steps.push(Step::Literal(text.into()));
        Ok(())
    }

    /// `[…]` with an index, a slice, a quoted key or a union; `behind` is what follows the bracket.
    fn array(&mut self, behind: &'a str) -> Result<(), JsonPathError> {
        let end = behind
            .find([']', '\n'])
            .filter(|end| behind.get(*end..).is_some_and(|tail| tail.starts_with(']')))
            .ok_or_else(|| syntax("unterminated array"))?;
        let (text, tail) = behind.split_at_checked(end).unwrap_or((behind, ""));
        self.rest = tail.get(1..).unwrap_or_default();
        if text.contains(',') {
            let members =
                text.split(',').map(|member| self.inner(&format!("[{}]", member.trim_matches(' '))));
            let union = Step::Union(members.collect::<Result<_, _>>()?);
            self.steps.push(union);
        } else if let Some(key) = quoted_key(text) {
            let steps = self.inner(&format!(".{key}"))?;
            self.steps.extend(steps);
        } else {
            self.steps.push(slice(if text == "*" { ":" } else { text })?);
        }
        Ok(())
    }

    /// A path inside a path.
    fn inner(&self, text: &str) -> Result<Vec<Step>, JsonPathError> {
        if self.depth >= MAX_DEPTH {
            return Err(JsonPathError::TooLarge);
        }
        let closed = format!("{text}}}");
        let mut parser = Parser { rest: &closed, steps: Vec::new(), keyword: None, depth: self.depth + 1 };
        parser.steps()?;
        Ok(parser.steps)
    }

    fn filter(&mut self) -> Result<(), JsonPathError> {
        static CONDITION: LazyLock<Option<Regex>> =
            LazyLock::new(|| Regex::new("^([^!<>=]+)([!<>=]+)(.+?)$").ok());
        let end = filter_end(self.rest).ok_or_else(|| syntax("unterminated filter"))?;
        let (text, tail) = self.rest.split_at_checked(end).unwrap_or((self.rest, ""));
        self.rest = tail.strip_prefix(")]").ok_or_else(|| syntax("unclosed array expect ]"))?;
        let parts = CONDITION.as_ref().and_then(|condition| condition.captures(text));
        let step = match parts.as_ref().map(regex::Captures::extract) {
            Some((_, [left, operator, right])) => {
                let (left, right) = (self.inner(left)?, self.inner(right)?);
                Step::Filter { left, condition: Some((comparison(operator)?, right)) }
            }
            None => Step::Filter { left: self.inner(text)?, condition: None },
        };
        self.steps.push(step);
        Ok(())
    }
}

/// The place of the parenthesis that closes a filter. Quotes count once: from the first quote to the last one of its kind.
fn filter_end(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut closed = true;
    let mut previous = ' ';
    for (index, c) in text.char_indices() {
        match c {
            '\n' => return None,
            '"' | '\'' if quote.is_none() => {
                quote = Some(c);
                closed = false;
            }
            '"' | '\'' if quote == Some(c) && previous != '\\' => closed = true,
            ')' if closed => return Some(index),
            _ => {}
        }
        previous = c;
    }
    None
}

fn comparison(operator: &str) -> Result<Comparison, JsonPathError> {
    match operator {
        "<" => Ok(Comparison::Less),
        "<=" => Ok(Comparison::LessEqual),
        "==" => Ok(Comparison::Equal),
        "!=" => Ok(Comparison::NotEqual),
        ">=" => Ok(Comparison::GreaterEqual),
        ">" => Ok(Comparison::Greater),
        _ => Err(syntax(format!("unrecognized filter operator {operator}"))),
    }
}

fn quoted_key(text: &str) -> Option<&str> {
    let key = text.strip_prefix('\'')?.strip_suffix('\'')?;
    (!key.contains('\'')).then_some(key)
}

/// `[2]`, `[-1]`, `[1:3]`, `[::2]`.
fn slice(text: &str) -> Result<Step, JsonPathError> {
    let mut parts = text.split(':');
    let mut number = || match parts.next() {
        None | Some("") => Ok(None),
        Some(part) => {
            let digits = part.strip_prefix('-').unwrap_or(part);
            if !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(syntax(format!("invalid array index {text}")));
            }
            part.parse().map(Some).map_err(|_| syntax(format!("array index {part} is not a number")))
        }
    };
    let (from, to, step) = (number()?, number()?, number()?);
    if text.matches(':').count() > 2 {
        return Err(syntax(format!("invalid array index {text}")));
    }
    let to = match (to, text.contains(':')) {
        (_, false) => End::After(from.unwrap_or(0)),
        (Some(to), true) => End::At(to),
        (None, true) => End::Open,
    };
    Ok(Step::Slice { from, to, step })
}

fn find_quote(text: &str, quote: char) -> Option<usize> {
    let mut previous = quote;
    for (index, c) in text.char_indices() {
        match c {
            '\n' => return None,
            _ if c == quote && previous != '\\' => return Some(index),
            _ => previous = c,
        }
    }
    None
}

/// Go's escapes in a quoted text.
fn unquote(text: &str, quote: char) -> Result<String, JsonPathError> {
    let bad = || syntax(format!("unquote string {quote}{text}{quote} error invalid syntax"));
    let mut unquoted = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            unquoted.push(c);
            continue;
        }
        let escaped = chars.next().ok_or_else(bad)?;
        let digits = |count: usize, chars: &mut std::str::Chars| {
            let digits: String = chars.by_ref().take(count).collect();
            let proper = digits.len() == count && digits.bytes().all(|b| b.is_ascii_hexdigit());
            proper.then(|| u32::from_str_radix(&digits, 16).ok()).flatten().and_then(char::from_u32)
        };
        unquoted.push(match escaped {
            'n' => '\n',
            't' => '\t',
            'r' => '\r',
            'a' => '\u{7}',
            'b' => '\u{8}',
            'f' => '\u{c}',
            'v' => '\u{b}',
            '\\' => '\\',
            'x' => digits(2, &mut chars).ok_or_else(bad)?,
            'u' => digits(4, &mut chars).ok_or_else(bad)?,
            'U' => digits(8, &mut chars).ok_or_else(bad)?,
            _ if escaped == quote => quote,
            _ => return Err(bad()),
        });
    }
    Ok(unquoted)
}

fn is_line_end(c: char) -> bool {
    matches!(c, '\r' | '\n')
}

fn is_terminator(c: char) -> bool {
    is_line_end(c) || matches!(c, ' ' | '\t' | '.' | ',' | '[' | ']' | '$' | '@' | '{' | '}')
}
