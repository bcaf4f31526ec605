//! Go's classes of characters. They are general categories of Unicode, where Rust's methods are of derived properties: a combining mark is
//! `alphabetic` there, and `Ⅷ` is `uppercase`.

use std::sync::LazyLock;

use regex::Regex;

/// The characters of a category. `None` would be a category that there is not; the tests use every one.
type Class = LazyLock<Option<Regex>>;

static LETTERS: Class = LazyLock::new(|| Regex::new(r"\p{L}").ok());
static UPPER: Class = LazyLock::new(|| Regex::new(r"\p{Lu}").ok());
static LOWER: Class = LazyLock::new(|| Regex::new(r"\p{Ll}").ok());
static DIGITS: Class = LazyLock::new(|| Regex::new(r"\p{Nd}").ok());
static NUMBERS: Class = LazyLock::new(|| Regex::new(r"\p{N}").ok());
static PUNCTUATION: Class = LazyLock::new(|| Regex::new(r"\p{P}").ok());

fn is_in(class: &Class, c: char) -> bool {
    let mut bytes = [0; 4];
    class.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut bytes)))
}

/// `unicode.IsLetter`.
pub(super) fn is_letter(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphabetic() } else { is_in(&LETTERS, c) }
}

/// `unicode.IsUpper`.
pub(super) fn is_upper(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_uppercase() } else { is_in(&UPPER, c) }
}

/// `unicode.IsLower`.
pub(super) fn is_lower(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_lowercase() } else { is_in(&LOWER, c) }
}

/// `unicode.IsDigit`: decimal digits of any script.
pub(super) fn is_digit(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { is_in(&DIGITS, c) }
}

/// `unicode.IsNumber`: digits, and characters such as `½`.
pub(super) fn is_number(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { is_in(&NUMBERS, c) }
}

/// `unicode.IsPunct`: of ASCII, punctuation without its symbols.
pub(super) fn is_punctuation(c: char) -> bool {
    is_in(&PUNCTUATION, c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_categories() {
        let classes =
            |c: char| [is_letter(c), is_upper(c), is_lower(c), is_digit(c), is_number(c), is_punctuation(c)];
        assert_eq!(classes('É'), [true, true, false, false, false, false]);
        assert_eq!(classes('ⓐ'), [false; 6], "a symbol, though with a case");
        assert_eq!(classes('\u{301}'), [false; 6], "a combining mark");
        assert_eq!(classes('Ⅷ'), [false, false, false, false, true, false]);
        assert_eq!(classes('٣'), [false, false, false, true, true, false]);
        assert_eq!(classes('½'), [false, false, false, false, true, false]);
        assert_eq!(classes('„'), [false, false, false, false, false, true]);
        assert_eq!(classes('$'), [false; 6], "a symbol");
    }
}
