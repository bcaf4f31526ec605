//! The patterns of `.Files.Glob`: those of the glob package that Helm uses, as a regular expression.
//!
//! `*` and `?` stop at a slash, `**` does not; `[abc]`, `[!abc]` and `[a-z]` name one character; `{a,b*}` is a choice; a backslash
//! takes the next character as it is.

use regex::Regex;

/// A pattern for paths.
pub(super) struct Glob(Option<Regex>);

impl Glob {
    /// A text that is no pattern matches every path, as in Helm.
    pub(super) fn new(pattern: &str) -> Self {
        let expression =
            Reading { text: pattern.chars().collect(), at: 0, choices: 0, out: String::new() }.expression();
        Glob(expression.and_then(|text| Regex::new(&text).ok()))
    }

    /// Whether a path fits.
    pub(super) fn fits(&self, path: &str) -> bool {
        self.0.as_ref().is_none_or(|pattern| pattern.is_match(path))
    }
}

struct Reading {
    text: Vec<char>,
    at: usize,
    /// How many choices are open.
    choices: usize,
    out: String,
}

impl Reading {
    fn expression(mut self) -> Option<String> {
        self.out.push_str(r"(?s)\A(?:");
        while let Some(c) = self.next() {
            match c {
                '*' if self.text.get(self.at) == Some(&'*') => {
                    self.at += 1;
                    self.out.push_str(".*");
                }
                '*' => self.out.push_str("[^/]*"),
                '?' => self.out.push_str("[^/]"),
                '[' => self.class()?,
                '{' => {
                    self.choices += 1;
                    self.out.push_str("(?:");
                }
                ',' if self.choices > 0 => self.out.push('|'),
                '}' if self.choices > 0 => {
                    self.choices -= 1;
                    self.out.push(')');
                }
                // A backslash at the very end stands for nothing.
                '\\' => {
                    if let Some(c) = self.next() {
                        self.literal(c);
                    }
                }
                c => self.literal(c),
            }
        }
        // A choice that is left open ends with the pattern.
        self.out.push_str(&")".repeat(self.choices));
        self.out.push_str(r")\z");
        Some(self.out)
    }

    fn next(&mut self) -> Option<char> {
        let c = self.text.get(self.at).copied();
        self.at += usize::from(c.is_some());
        c
    }

    fn literal(&mut self, c: char) {
        self.out.push_str(&regex::escape(&c.to_string()));
    }

    /// `[…]`, its bracket read: either one range or a list of characters, not both.
    fn class(&mut self) -> Option<()> {
        let negated = self.text.get(self.at) == Some(&'!');
        self.at += usize::from(negated);
        let escape = |c: char| regex::escape(&c.to_string());
        let members = if self.text.get(self.at + 1) == Some(&'-') {
            let (low, high) = (self.next()?, *self.text.get(self.at + 1)?);
            self.at += 2;
            if high < low || self.next()? != ']' {
                return None;
            }
            format!("{}-{}", escape(low), escape(high))
        } else {
            self.list()?
        };
        self.out.push_str(if negated { "[^" } else { "[" });
        self.out.push_str(&members);
        self.out.push(']');
        Some(())
    }

    fn list(&mut self) -> Option<String> {
        let mut members = String::new();
        loop {
            match self.next()? {
                ']' if members.is_empty() => return None,
                ']' => return Some(members),
                '\\' => members.push_str(&regex::escape(&self.next()?.to_string())),
                c => members.push_str(&regex::escape(&c.to_string())),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str, expected: bool) {
        assert_eq!(Glob::new(pattern).fits(path), expected, "{pattern} {path}");
    }

    #[test]
    fn stars_stop_at_a_slash_unless_there_are_two() {
        check("config/*", "config/a.toml", true);
        check("config/*", "config/deep/a.toml", false);
        check("config/**", "config/deep/a.toml", true);
        check("**.toml", "a.toml", true);
        check("**/*.toml", "a.toml", false);
        check("config/?.toml", "config/a.toml", true);
        check("*", "a\nb", true);
        check("", "", true);
        check("", "a", false);
    }

    #[test]
    fn classes_and_choices_name_what_may_stand_there() {
        check("[ab].txt", "b.txt", true);
        check("[!ab].txt", "b.txt", false);
        check("[!ab].txt", "c.txt", true);
        check("[a-c].txt", "b.txt", true);
        check("[!a-c].txt", "b.txt", false);
        check("{foo,bar/*}.yaml", "bar/x.yaml", true);
        check("{foo,bar/*}.yaml", "baz.yaml", false);
        check("{a,{b,c}}", "c", true);
        check("a,b", "a,b", true);
        check(r"\*", "*", true);
        check(r"\*", "a", false);
        check("a.b", "axb", false);
    }

    #[test]
    fn what_is_no_pattern_matches_everything() {
        check("[a-zA-Z]", "anything", true);
        check("[", "anything", true);
        check("[]", "anything", true);
        check("[c-a]", "anything", true);
    }
}
