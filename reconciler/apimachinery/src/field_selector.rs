//! Field selectors: `metadata.name=x,spec.nodeName!=y`.
//!
//! Source: `k8s.io/apimachinery/pkg/fields`. Which fields a resource offers is the API server's business; so is the value of a field, which a closure gives.

use std::fmt;

/// Why a text is no field selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FieldSelectorError {
    /// A term without an operator.
    #[error("invalid selector: '{selector}'; can't understand '{term}'")]
    Term {
        /// The whole text.
        selector: String,
        /// The term.
        term: String,
    },
    /// A backslash before what needs none, or at the end.
    #[error("invalid field selector: invalid escape sequence: {0}")]
    Escape(String),
    /// An equals sign in a value.
    #[error("invalid field selector: unescaped character in value: {}", u32::from(*.0))]
    Unescaped(char),
}

/// One condition on one field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldTerm {
    /// The path of the field.
    pub field: String,
    /// The value that it must have, or must not have.
    pub value: String,
    /// `!=`.
    pub negated: bool,
}

/// A field selector: all terms must hold. Without any it selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSelector {
    terms: Vec<FieldTerm>,
}

impl FieldSelector {
    /// Reads the text of a `fieldSelector` query parameter. The empty text selects everything.
    ///
    /// # Errors
    /// With upstream's words where a term cannot be understood.
    pub fn parse(text: &str) -> Result<Self, FieldSelectorError> {
        let mut parts = split_terms(text);
        parts.sort_unstable();
        let terms = parts.into_iter().filter(|part| !part.is_empty()).map(|part| parse_term(text, part));
        let terms: Vec<FieldTerm> = terms.collect::<Result<_, _>>()?;
        // As upstream: `=` alone asks for nothing.
        Ok(Self {
            terms: terms.into_iter().filter(|t| !(t.field.is_empty() && t.value.is_empty())).collect(),
        })
    }

    /// The terms, in the order of their texts.
    pub fn terms(&self) -> &[FieldTerm] {
        &self.terms
    }

    /// Whether it selects whatever it is given.
    pub fn is_everything(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether all terms hold; `value_of` gives a field's value, where absent reads as empty.
    pub fn matches<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.terms
            .iter()
            .all(|term| (value_of(&term.field).unwrap_or_default() == term.value) != term.negated)
    }

    /// The only value that a field may have, where a term says so. `metadata.name` of a watch on one object.
    pub fn required_value(&self, field: &str) -> Option<&str> {
        self.terms.iter().find(|term| term.field == field && !term.negated).map(|term| term.value.as_str())
    }
}

impl fmt::Display for FieldSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            let operator = if term.negated { "!=" } else { "=" };
            write!(f, "{comma}{}{operator}{}", term.field, escape(&term.value))?;
        }
        Ok(())
    }
}

/// At commas that no backslash escapes.
fn split_terms(text: &str) -> Vec<&str> {
    let mut terms = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (index, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                terms.push(text.get(start..index).unwrap_or_default());
                start = index + 1;
            }
            _ => {}
        }
    }
    terms.push(text.get(start..).unwrap_or_default());
    terms
}

fn parse_term(selector: &str, term: &str) -> Result<FieldTerm, FieldSelectorError> {
    let misunderstood = || FieldSelectorError::Term { selector: selector.to_owned(), term: term.to_owned() };
    // The first place where an operator stands splits the term.
    let at = term.find('=').ok_or_else(misunderstood)?;
    let (left, right) = term.split_at_checked(at).ok_or_else(misunderstood)?;
    let (field, negated) = match left.strip_suffix('!') {
        Some(field) => (field, true),
        None => (left, false),
    };
    let right = right.strip_prefix('=').unwrap_or(right);
    let value = if negated { right } else { right.strip_prefix('=').unwrap_or(right) };
    Ok(FieldTerm { field: field.to_owned(), value: unescape(value)?, negated })
}

fn unescape(text: &str) -> Result<String, FieldSelectorError> {
    let mut value = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(escaped @ ('\\' | ',' | '=')) => value.push(escaped),
                Some(other) => return Err(FieldSelectorError::Escape(format!("\\{other}"))),
                None => return Err(FieldSelectorError::Escape("\\".to_owned())),
            },
            ',' | '=' => return Err(FieldSelectorError::Unescaped(c)),
            _ => value.push(c),
        }
    }
    Ok(value)
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace(',', "\\,").replace('=', "\\=")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(
            FieldSelector::parse(text).map(|s| s.to_string()).map_err(|e| e.to_string()),
            Ok(expected.to_owned())
        );
    }

    #[track_caller]
    fn check_error(text: &str, expected: &str) {
        assert_eq!(FieldSelector::parse(text).unwrap_err().to_string(), expected);
    }

    #[test]
    fn texts_parse_and_print() {
        check("", "");
        check("metadata.name=x", "metadata.name=x");
        check("b==1,a!=2", "a!=2,b=1");
        check("a=,b=2", "a=,b=2");
        check(r"a=x\,y\=z\\", r"a=x\,y\=z\\");
        check("=", "");
        check(",,a=1", "a=1");
    }

    #[test]
    fn texts_that_are_no_selector_say_why() {
        check_error("a", "invalid selector: 'a'; can't understand 'a'");
        check_error("a=1,b", "invalid selector: 'a=1,b'; can't understand 'b'");
        check_error(r"a=\x", r"invalid field selector: invalid escape sequence: \x");
        check_error("a=b=c", "invalid field selector: unescaped character in value: 61");
    }

    #[test]
    fn terms_compare_with_the_field_or_with_nothing() {
        let value_of = |field: &str| (field == "metadata.name").then_some("x");
        let matches = |text: &str| FieldSelector::parse(text).unwrap().matches(value_of);
        assert!(matches("metadata.name=x") && matches("metadata.name!=y") && matches("spec.nodeName="));
        assert!(!matches("metadata.name!=x") && !matches("metadata.name=x,spec.nodeName=n"));
        let selector = FieldSelector::parse("metadata.name=x,a!=b").unwrap();
        assert_eq!(
            (selector.required_value("metadata.name"), selector.required_value("a")),
            (Some("x"), None)
        );
    }

    proptest! {
        #[test]
        fn any_text_is_a_selector_or_an_error(text in "[a-c.=!,\\\\]{0,20}") {
            if let Ok(selector) = FieldSelector::parse(&text) {
                let again = FieldSelector::parse(&selector.to_string()).unwrap();
                prop_assert_eq!(again.terms().len(), selector.terms().len());
            }
        }
    }
}
