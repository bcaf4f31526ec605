//! Texts in quotes, as Go's `strconv.Quote` writes them.

use std::sync::LazyLock;

use regex::Regex;

/// The characters of the Unicode that Go has.
static KNOWN: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\p{Age=15.0}$").ok());

/// The text between double quotes with everything escaped that does not print. `ascii`: everything beyond ASCII, too.
pub(crate) fn quote(text: &[u8], ascii: bool) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for chunk in text.utf8_chunks() {
        for c in chunk.valid().chars() {
            push_escaped(&mut out, c, '"', ascii);
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out.push('"');
    out
}

/// A character between single quotes.
pub(super) fn quote_char(c: char, ascii: bool) -> String {
    let mut out = String::from("'");
    push_escaped(&mut out, c, '\'', ascii);
    out.push('\'');
    out
}

/// Whether Go would write the text between backquotes: one line, nothing but tabs that does not print, no backquote.
pub(super) fn can_backquote(text: &[u8]) -> bool {
    std::str::from_utf8(text).is_ok_and(|text| {
        !text.contains(['\u{feff}', '`', '\u{7f}']) && text.chars().all(|c| c == '\t' || c >= ' ')
    })
}

fn push_escaped(out: &mut String, c: char, quote: char, ascii: bool) {
    match c {
        '\\' => out.push_str("\\\\"),
        c if c == quote => {
            out.push('\\');
            out.push(c);
        }
        '\u{7}' => out.push_str("\\a"),
        '\u{8}' => out.push_str("\\b"),
        '\u{c}' => out.push_str("\\f"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        '\u{b}' => out.push_str("\\v"),
        c if is_print(c) && (c.is_ascii() || !ascii) => out.push(c),
        c if c < ' ' || c == '\u{7f}' => out.push_str(&format!("\\x{:02x}", u32::from(c))),
        c if u32::from(c) < 0x1_0000 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
        c => out.push_str(&format!("\\U{:08x}", u32::from(c))),
    }
}

/// Whether a character is a letter, mark, number, punctuation, symbol or the ASCII space: Go's `unicode.IsPrint`.
///
/// Rust's escaping for debugging has the same classes, but for combining marks, which it only escapes where a text begins, and for what
/// Unicode has got since Go's tables were made.
pub(crate) fn is_print(c: char) -> bool {
    match c {
        ' '..='~' => true,
        c if c.is_ascii() => false,
        c => {
            let mut buffer = [b'a'; 5];
            let length = c.encode_utf8(&mut buffer[1..]).len();
            std::str::from_utf8(&buffer[..=length]).is_ok_and(|text| {
                text.escape_debug().nth(1) == Some(c)
                    && KNOWN.as_ref().is_none_or(|known| known.is_match(&text[1..]))
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_print_is_escaped() {
        assert_eq!(
            quote("a\"b\\\n\t\u{0}\u{7f}é\u{a0}\u{200b}😀\u{301}".as_bytes(), false),
            "\"a\\\"b\\\\\\n\\t\\x00\\x7fé\\u00a0\\u200b😀\u{301}\""
        );
        assert_eq!(quote("\u{2ffb}\u{2ffc}".as_bytes(), false), "\"\u{2ffb}\\u2ffc\"");
        assert_eq!(quote("é😀".as_bytes(), true), "\"\\u00e9\\U0001f600\"");
        assert_eq!(quote(b"\xffa", false), "\"\\xffa\"");
        assert_eq!(quote_char('\'', false), "'\\''");
        assert!(can_backquote(b"a\tb") && !can_backquote(b"a\nb") && !can_backquote(b"`"));
    }
}
