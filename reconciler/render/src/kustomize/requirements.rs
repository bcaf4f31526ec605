//! Kubernetes' selectors over labels and annotations: `app in (web, api),tier!=db,!gone`.

use crate::yaml::Map;

/// One requirement of a selector.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
    More(String, i64),
    Less(String, i64),
}

impl Requirement {
    pub(super) fn holds(&self, texts: Option<&Map>) -> bool {
        let value = |key: &String| {
            texts.and_then(|map| map.get(key)).map(|node| node.scalar_text().unwrap_or_default())
        };
        let number = |key: &String| value(key).and_then(|text| text.parse::<i64>().ok());
        match self {
            Requirement::In(key, wanted) => value(key).is_some_and(|text| wanted.contains(&text)),
            Requirement::NotIn(key, refused) => value(key).is_none_or(|text| !refused.contains(&text)),
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Missing(key) => value(key).is_none(),
            Requirement::More(key, limit) => number(key).is_some_and(|number| number > *limit),
            Requirement::Less(key, limit) => number(key).is_some_and(|number| number < *limit),
        }
    }
}

/// Reads a selector: requirements with commas between them.
pub(super) fn requirements(selector: &str) -> Result<Vec<Requirement>, String> {
    let mut reader = Reader { left: selector };
    let mut found = Vec::new();
    while reader.peek() != Token::End {
        found.push(requirement(&mut reader).map_err(|e| format!("the selector '{selector}': {e}"))?);
        match reader.next() {
            Token::End => break,
            Token::Symbol(",") if reader.peek() != Token::End => {}
            _ => return Err(format!("the selector '{selector}': requirements are separated by commas")),
        }
    }
    Ok(found)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token<'t> {
    End,
    Word(&'t str),
    Symbol(&'t str),
}

struct Reader<'t> {
    left: &'t str,
}

impl<'t> Reader<'t> {
    fn peek(&self) -> Token<'t> {
        Reader { left: self.left }.next()
    }

    fn next(&mut self) -> Token<'t> {
        let is_symbol = |c: char| matches!(c, '=' | '!' | '(' | ')' | ',' | '>' | '<');
        let is_space = |c: char| matches!(c, ' ' | '\t' | '\r' | '\n');
        let text = self.left.trim_start_matches(is_space);
        let length = match text.chars().next() {
            None => 0,
            Some(c) if is_symbol(c) => 1 + usize::from(text.starts_with("==") || text.starts_with("!=")),
            Some(_) => text.find(|c| is_symbol(c) || is_space(c)).unwrap_or(text.len()),
        };
        let (token, left) = text.split_at(length);
        self.left = left;
        match token.chars().next() {
            None => Token::End,
            Some(c) if is_symbol(c) => Token::Symbol(token),
            Some(_) => Token::Word(token),
        }
    }
}

fn requirement(reader: &mut Reader<'_>) -> Result<Requirement, String> {
    let negated = reader.peek() == Token::Symbol("!");
    if negated {
        reader.next();
    }
    let Token::Word(key) = reader.next() else { return Err("a requirement begins with a key".to_owned()) };
    if !is_key(key) {
        return Err(format!("'{key}' is no key of a label"));
    }
    let key = key.to_owned();
    if negated {
        return Ok(Requirement::Missing(key));
    }
    if matches!(reader.peek(), Token::End | Token::Symbol(",")) {
        return Ok(Requirement::Exists(key));
    }
    let whole = |text: String| text.parse::<i64>().map_err(|_| format!("'{text}' is no whole number"));
    match reader.next() {
        Token::Word("in") => Ok(Requirement::In(key, values(reader)?)),
        Token::Word("notin") => Ok(Requirement::NotIn(key, values(reader)?)),
        Token::Symbol("=" | "==") => Ok(Requirement::In(key, vec![value(reader)?])),
        Token::Symbol("!=") => Ok(Requirement::NotIn(key, vec![value(reader)?])),
        Token::Symbol(">") => Ok(Requirement::More(key, whole(value(reader)?)?)),
        Token::Symbol("<") => Ok(Requirement::Less(key, whole(value(reader)?)?)),
        _ => Err(format!("after '{key}' comes one of =, ==, !=, >, <, in, notin")),
    }
}

/// What an exact match compares with; nothing at all is an empty text.
fn value(reader: &mut Reader<'_>) -> Result<String, String> {
    match reader.peek() {
        Token::End | Token::Symbol(",") => Ok(String::new()),
        Token::Word(_) => word(reader),
        Token::Symbol(_) => Err("a value is missing".to_owned()),
    }
}

fn word(reader: &mut Reader<'_>) -> Result<String, String> {
    match reader.next() {
        Token::Word(text) if is_name(text) => Ok(text.to_owned()),
        Token::Word(text) => Err(format!("'{text}' is no value of a label")),
        _ => Ok(String::new()),
    }
}

/// `(a, b)`; empty values are allowed.
fn values(reader: &mut Reader<'_>) -> Result<Vec<String>, String> {
    if reader.next() != Token::Symbol("(") {
        return Err("in and notin need values in parentheses".to_owned());
    }
    let mut values = Vec::new();
    loop {
        values.push(if matches!(reader.peek(), Token::Word(_)) { word(reader)? } else { String::new() });
        match reader.next() {
            Token::Symbol(",") => {}
            Token::Symbol(")") => return Ok(values),
            _ => return Err("values in parentheses are separated by commas".to_owned()),
        }
    }
}

/// A name of at most 63 characters, behind a domain and a slash or not.
fn is_key(text: &str) -> bool {
    match text.split_once('/') {
        None => is_name(text),
        Some((domain, name)) => domain.len() <= 253 && domain.split('.').all(is_label) && is_name(name),
    }
}

fn is_name(text: &str) -> bool {
    text.len() <= 63
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.ends_with(|c: char| c.is_ascii_alphanumeric())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

fn is_label(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    text.starts_with(fits) && text.ends_with(fits) && text.chars().all(|c| fits(c) || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::yaml::{Loader, Profile};

    #[test]
    fn selectors_follow_kubernetes_syntax() {
        fn check(selector: &str, expected: bool) {
            let labels = "{app: web, tier: front, count: \"5\", empty: \"\", in: x}";
            let labels = Loader::new(Profile::Kustomize).load("f", labels.as_bytes()).unwrap().remove(0);
            let held = requirements(selector).unwrap().iter().all(|r| r.holds(labels.as_map()));
            assert_eq!(held, expected, "{selector}");
        }
        check("", true);
        check("app=web,tier==front", true);
        check(" app in (api, web) , !gone ", true);
        check("app notin (web)", false);
        check("app!=api", true);
        check("other!=api", true);
        check("tier", true);
        check("gone", false);
        check("count>4,count<6", true);
        check("app>4", false);
        check("empty=", true);
        check("empty in (,a)", true);
        check("in in (x)", true);
    }

    #[test]
    fn what_is_no_selector_is_refused() {
        for text in [
            "a b c",
            "app=a b",
            "app in web",
            "app in (web",
            "a=b,",
            ",a",
            "=b",
            "!a=b",
            "a=-b",
            "a_/b",
            "a>x",
        ] {
            assert!(requirements(text).is_err(), "{text}");
        }
    }
}
