//! The text of a label selector: `a=b, c in (x,y), !d, e!=f, g`.

use super::{Operator, Requirement, Selector, SelectorError};
use crate::field_error::{FieldError, FieldPath};
use crate::syntax;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    In,
    NotIn,
    Equals,
    NotEquals,
    Greater,
    Less,
    Not,
    Comma,
    Open,
    Close,
    Odd,
    End,
}

#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    kind: Kind,
    text: &'a str,
}

pub(super) fn parse(text: &str) -> Result<Selector, SelectorError> {
    let mut parser = Parser { rest: text };
    let mut requirements = Vec::new();
    loop {
        let token = parser.peek();
        match token.kind {
            Kind::Word | Kind::In | Kind::NotIn | Kind::Not => requirements.push(parser.requirement()?),
            Kind::End => break,
            _ => return Err(unexpected(token, ", expected: !, identifier, or 'end of string'")),
        }
        let token = parser.next();
        match token.kind {
            Kind::End => break,
            Kind::Comma => {
                let next = parser.peek();
                if !matches!(next.kind, Kind::Word | Kind::In | Kind::NotIn | Kind::Not) {
                    return Err(unexpected(next, ", expected: identifier after ','"));
                }
            }
            _ => return Err(unexpected(token, ", expected: ',' or 'end of string'")),
        }
    }
    Ok(Selector::new(requirements))
}

fn unexpected(token: Token, expected: &str) -> SelectorError {
    SelectorError::Syntax(format!("found '{}'{expected}", token.text))
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Token<'a> {
        Parser { rest: self.rest }.next()
    }

    fn next(&mut self) -> Token<'a> {
        const SYMBOLS: [(&str, Kind); 9] = [
            ("==", Kind::Equals),
            ("!=", Kind::NotEquals),
            ("=", Kind::Equals),
            ("!", Kind::Not),
            (">", Kind::Greater),
            ("<", Kind::Less),
            (",", Kind::Comma),
            ("(", Kind::Open),
            (")", Kind::Close),
        ];
        self.rest = self.rest.trim_start_matches([' ', '\t', '\r', '\n']);
        if self.rest.is_empty() {
            return Token { kind: Kind::End, text: "" };
        }
        if let Some((symbol, kind)) = SYMBOLS.iter().find(|(symbol, _)| self.rest.starts_with(symbol)) {
            return self.take(symbol.len(), *kind);
        }
        let end = self.rest.find(|c: char| " \t\r\n=!(),><".contains(c)).unwrap_or(self.rest.len());
        let kind = match self.rest.get(..end) {
            Some("in") => Kind::In,
            Some("notin") => Kind::NotIn,
            Some(_) => Kind::Word,
            None => Kind::Odd,
        };
        self.take(end, kind)
    }

    fn take(&mut self, length: usize, kind: Kind) -> Token<'a> {
        let (text, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.rest = rest;
        Token { kind, text }
    }

    fn requirement(&mut self) -> Result<Requirement, SelectorError> {
        self.bare_requirement().map_err(|error| SelectorError::Requirement(error.to_string()))
    }

    fn bare_requirement(&mut self) -> Result<Requirement, SelectorError> {
        let mut token = self.next();
        let negated = token.kind == Kind::Not;
        if negated {
            token = self.next();
        }
        if !matches!(token.kind, Kind::Word | Kind::In | Kind::NotIn) {
            return Err(unexpected(token, ", expected: identifier"));
        }
        let key = token.text;
        let reasons = syntax::label_key(key);
        if !reasons.is_empty() {
            let error = FieldError::invalid(&FieldPath::default(), key.into(), reasons.join("; "));
            return Err(SelectorError::Invalid(vec![error]));
        }
        if negated {
            return Requirement::new(key, Operator::DoesNotExist, []);
        }
        if matches!(self.peek().kind, Kind::End | Kind::Comma) {
            return Requirement::new(key, Operator::Exists, []);
        }
        let token = self.next();
        let operator = match token.kind {
            Kind::In => Operator::In,
            Kind::NotIn => Operator::NotIn,
            Kind::Equals => Operator::Equals,
            Kind::NotEquals => Operator::NotEquals,
            Kind::Greater => Operator::GreaterThan,
            Kind::Less => Operator::LessThan,
            _ => return Err(unexpected(token, ", expected: in, notin, =, ==, !=, gt, lt")),
        };
        let values = match operator {
            Operator::In | Operator::NotIn => self.values()?,
            _ => vec![self.value()?],
        };
        Requirement::new(key, operator, values)
    }

    fn value(&mut self) -> Result<String, SelectorError> {
        if matches!(self.peek().kind, Kind::End | Kind::Comma) {
            return Ok(String::new());
        }
        let token = self.next();
        match token.kind {
            Kind::Word | Kind::In | Kind::NotIn => Ok(token.text.to_owned()),
            _ => Err(unexpected(token, ", expected: identifier")),
        }
    }

    /// `(a,b)`. Nothing between commas, or between parentheses, is the empty value.
    fn values(&mut self) -> Result<Vec<String>, SelectorError> {
        let token = self.next();
        if token.kind != Kind::Open {
            return Err(unexpected(token, " expected: '('"));
        }
        let mut values = Vec::new();
        let mut pending = String::new();
        let mut has_word = false;
        loop {
            let token = self.next();
            match token.kind {
                Kind::Word | Kind::In | Kind::NotIn if !has_word => {
                    token.text.clone_into(&mut pending);
                    has_word = true;
                }
                Kind::Comma | Kind::Close => {
                    values.push(std::mem::take(&mut pending));
                    has_word = false;
                    if token.kind == Kind::Close {
                        return Ok(values);
                    }
                }
                _ if has_word => return Err(unexpected(token, ", expected: ',' or ')'")),
                _ => return Err(unexpected(token, ", expected: ',', ')' or identifier")),
            }
        }
    }
}
