//! Patterns of schemas: Go's regular expressions, read by Rust's engine.

use std::fmt;

use regex::Regex;

/// A regular expression in Go's syntax. Both engines are RE2's children; where they differ (`\d` knows ASCII only in Go, and a bracket inside a class
/// is a bracket), the text is translated first.
#[derive(Clone)]
pub struct Pattern {
    text: Box<str>,
    regex: Regex,
}

impl Pattern {
    /// Compiles the text.
    ///
    /// # Errors
    /// What the engine says when the text is not a regular expression, or compiles to more than its size limit.
    pub fn parse(text: &str) -> Result<Self, regex::Error> {
        Ok(Self { text: text.into(), regex: Regex::new(&translate(text))? })
    }

    /// The text as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the pattern occurs in the text; only its own anchors bind it to the ends.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

/// Go's syntax in Rust's: ASCII classes and boundaries, literal brackets and operators inside a class.
fn translate(go: &str) -> String {
    let mut rust = String::with_capacity(go.len() + 16);
    let mut chars = go.chars().peekable();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(chars.next(), in_class, &mut rust),
            '[' if !in_class => {
                in_class = true;
                rust.push('[');
                if chars.next_if_eq(&'^').is_some() {
                    rust.push('^');
                }
                // A bracket in first place is a member, not the end.
                if chars.next_if_eq(&']').is_some() {
                    rust.push_str("\\]");
                }
            }
            '[' if chars.peek() == Some(&':') => copy_named_class(&mut chars, &mut rust),
            '[' | '&' | '~' if in_class => {
                rust.push('\\');
                rust.push(c);
            }
            ']' => {
                rust.push_str(if in_class { "]" } else { "\\]" });
                in_class = false;
            }
            _ => rust.push(c),
        }
    }
    rust
}

/// `[:alpha:]` inside a class is the same in both.
fn copy_named_class(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, rust: &mut String) {
    rust.push('[');
    for c in chars.by_ref() {
        rust.push(c);
        if c == ']' {
            break;
        }
    }
}

fn escape(escaped: Option<char>, in_class: bool, rust: &mut String) {
    let Some(c) = escaped else {
        rust.push('\\');
        return;
    };
    match c {
        'd' => rust.push_str("[0-9]"),
        'D' => rust.push_str("[^0-9]"),
        'w' => rust.push_str("[0-9A-Za-z_]"),
        'W' => rust.push_str("[^0-9A-Za-z_]"),
        's' => rust.push_str("[\\t\\n\\f\\r ]"),
        'S' => rust.push_str("[^\\t\\n\\f\\r ]"),
        'b' if !in_class => rust.push_str("(?-u:\\b)"),
        _ => {
            rust.push('\\');
            rust.push(c);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Pattern;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: bool) {
        assert_eq!(Pattern::parse(pattern).unwrap().matches(text), expected, "{pattern} on {text}");
    }

    #[test]
    fn patterns_mean_what_go_means() {
        check("^[a-z]+$", "abc", true);
        check("b", "abc", true);
        check(r"^\d$", "٣", false);
        check(r"^[\d.]+$", "1.2", true);
        check(r"^[\w-]+$", "a-b_1", true);
        check(r"^[^\s]+$", "a b", false);
        check(r"^[[]$", "[", true);
        check(r"^[]a]+$", "]a", true);
        check(r"^[[:alpha:]_]+$", "ab_", true);
        check(r"^[a&&b]$", "&", true);
        check(r"^a]$", "a]", true);
        check(
            r"^(\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\+|-)?(([0-9]+(\.[0-9]*)?)|(\.[0-9]+))))?$",
            "1.5Gi",
            true,
        );
    }

    #[test]
    fn what_is_no_expression_is_an_error() {
        assert!(Pattern::parse("(").is_err());
        assert!(Pattern::parse(r"\").is_err());
        assert!(Pattern::parse(r"(?=a)").is_err());
    }
}
