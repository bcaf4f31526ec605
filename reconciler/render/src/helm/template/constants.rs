//! Quoted texts and numbers, as Go's `strconv` reads them.

use std::str::Chars;

use super::tree::Number;
use crate::helm::value::Text;

/// The text between quotes, escapes replaced. None: an escape is wrong.
pub(crate) fn unquote(quoted: &str) -> Option<Text> {
    let quote = quoted.chars().next()?;
    let inner = quoted.get(1..quoted.len().checked_sub(1)?)?;
    if quote == '`' {
        return Some(inner.replace('\r', "").into());
    }
    if !inner.contains('\\') {
        return Some(inner.into());
    }
    let mut bytes = Vec::with_capacity(inner.len());
    let mut rest = inner.chars();
    while let Some(c) = rest.next() {
        match c {
            '\\' => match escape(&mut rest, quote)? {
                Escaped::Byte(byte) => bytes.push(byte),
                Escaped::Rune(c) => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
            },
            c => bytes.extend(c.encode_utf8(&mut [0; 4]).bytes()),
        }
    }
    Some(bytes.into())
}

/// The number a character between single quotes stands for.
pub(crate) fn character(quoted: &str) -> Option<Number> {
    let mut rest = quoted.get(1..quoted.len().checked_sub(1)?)?.chars();
    let code = match rest.next()? {
        '\\' => match escape(&mut rest, '\'')? {
            Escaped::Byte(byte) => i64::from(byte),
            Escaped::Rune(c) => i64::from(u32::from(c)),
        },
        '\'' => return None,
        c => i64::from(u32::from(c)),
    };
    if rest.next().is_some() {
        return None;
    }
    Some(Number { int: Some(code), float: code as f64, looks_float: false })
}

enum Escaped {
    Byte(u8),
    Rune(char),
}

fn escape(rest: &mut Chars<'_>, quote: char) -> Option<Escaped> {
    let byte = match rest.next()? {
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 11,
        '\\' => b'\\',
        c if c == quote => return Some(Escaped::Rune(c)),
        'x' => u8::try_from(digits(rest, 2, 16)?).ok()?,
        'u' => return char::from_u32(digits(rest, 4, 16)?).map(Escaped::Rune),
        'U' => return char::from_u32(digits(rest, 8, 16)?).map(Escaped::Rune),
        c @ '0'..='7' => {
            let more = digits(rest, 2, 8)?;
            u8::try_from(c.to_digit(8)? * 64 + more).ok()?
        }
        _ => return None,
    };
    Some(Escaped::Byte(byte))
}

fn digits(rest: &mut Chars<'_>, count: usize, radix: u32) -> Option<u32> {
    (0..count)
        .try_fold(0_u32, |value, _| value.checked_mul(radix)?.checked_add(rest.next()?.to_digit(radix)?))
}

/// A number as it is written in a template.
pub(crate) fn number(text: &str) -> Option<Number> {
    let looks_hex = {
        let digits = text.trim_start_matches(['+', '-']);
        digits.len() > 2 && (digits.starts_with("0x") || digits.starts_with("0X"))
    };
    // Go looks at the text from its first byte, so a signed hexadecimal integer with an `e` counts as a float.
    let hex_int = looks_hex && text.starts_with('0') && !text.contains(['p', 'P']);
    let looks_float = !hex_int && text.contains(['.', 'e', 'E', 'p', 'P']);
    let mut number = Number { int: parse_int(text), float: 0.0, looks_float };
    if let Some(int) = number.int {
        number.float = int as f64;
    } else if let Some(uint) = parse_uint(text) {
        number.float = uint as f64;
    } else {
        if !text.contains(['.', 'e', 'E', 'p', 'P']) {
            return None;
        }
        let float = parse_float(text)?;
        number.float = float;
        // A float that is an integer may stand where an integer is wanted.
        number.int = ((float as i64) as f64 == float).then_some(float as i64);
    }
    Some(number)
}

/// Go's `ParseInt(text, 0, 64)`.
pub(crate) fn parse_int(text: &str) -> Option<i64> {
    let (negative, digits) = match text.as_bytes().first()? {
        b'-' => (true, &text[1..]),
        b'+' => (false, &text[1..]),
        _ => (false, text),
    };
    let magnitude = parse_uint(digits)?;
    if negative { 0_i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// Go's `ParseUint(text, 0, 64)`: a prefix gives the base, underscores may separate digits.
pub(crate) fn parse_uint(text: &str) -> Option<u64> {
    let bytes = text.as_bytes();
    let (radix, digits) = match bytes {
        [b'0', b'x' | b'X', ..] => (16, &text[2..]),
        [b'0', b'o' | b'O', ..] => (8, &text[2..]),
        [b'0', b'b' | b'B', ..] => (2, &text[2..]),
        [b'0', _, ..] => (8, &text[1..]),
        _ => (10, text),
    };
    if digits.starts_with(['+', '-']) || !underscores_separate(text) {
        return None;
    }
    u64::from_str_radix(&digits.replace('_', ""), radix).ok()
}

/// Underscores stand between digits, or between a prefix and a digit.
fn underscores_separate(text: &str) -> bool {
    if !text.contains('_') {
        return true;
    }
    let bytes = text.trim_start_matches(['+', '-']).as_bytes();
    let prefixed = matches!(bytes, [b'0', b'x' | b'X' | b'o' | b'O' | b'b' | b'B', ..]);
    let is_digit = |at: Option<usize>| at.and_then(|at| bytes.get(at)).is_some_and(u8::is_ascii_alphanumeric);
    bytes.iter().enumerate().all(|(at, byte)| {
        let before = is_digit(at.checked_sub(1)) || (prefixed && at == 2);
        *byte != b'_' || (before && is_digit(Some(at + 1)))
    })
}

/// Go's `ParseFloat(text, 64)`; none also where the number is out of range.
pub(crate) fn parse_float(text: &str) -> Option<f64> {
    let unsigned = text.trim_start_matches(['+', '-']);
    if text.len() > unsigned.len() + 1 {
        return None;
    }
    let lower = unsigned.to_ascii_lowercase();
    let value = match lower.as_str() {
        "inf" | "infinity" => f64::INFINITY,
        "nan" => f64::NAN,
        _ if lower.starts_with("0x") => hex_float(lower.get(2..)?)?,
        _ => {
            let plain = if lower.contains('_') {
                if !underscores_separate(&lower) {
                    return None;
                }
                lower.replace('_', "")
            } else {
                lower
            };
            let sound = plain.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-'));
            let value: f64 = if sound { plain.parse().ok()? } else { return None };
            if value.is_infinite() {
                return None;
            }
            value
        }
    };
    Some(if text.starts_with('-') { -value } else { value })
}

/// `1f.8p-3` behind its `0x`. The exponent must be there.
fn hex_float(text: &str) -> Option<f64> {
    let (mantissa, exponent) = text.split_once('p')?;
    let exponent: i32 = exponent.parse().ok()?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 || whole.len() + fraction.len() > 15 {
        return None;
    }
    let digits = u64::from_str_radix(&format!("{whole}{fraction}"), 16).ok()?;
    let shift = exponent.checked_sub(i32::try_from(fraction.len() * 4).ok()?)?;
    let value = digits as f64 * 2_f64.powi(shift);
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_texts_are_read_as_go_reads_them() {
        fn check(quoted: &str, expected: Option<&[u8]>) {
            let read = unquote(quoted);
            assert_eq!(read.as_ref().map(Text::as_bytes), expected, "{quoted}");
        }
        check(r#""a\tb\"""#, Some(b"a\tb\""));
        check(r#""\x41\101\u00e9\xff""#, Some(b"AA\xc3\xa9\xff"));
        check(r#""\'""#, None);
        check(r#""\ud800""#, None);
        check(r#""\400""#, None);
        check("`a\\n\r\n`", Some(b"a\\n\n"));
    }

    #[test]
    fn numbers_are_read_as_go_reads_them() {
        fn check(text: &str, int: Option<i64>, float: f64, looks_float: bool) {
            let number = number(text).unwrap();
            assert_eq!((number.int, number.float, number.looks_float), (int, float, looks_float), "{text}");
        }
        check("1", Some(1), 1.0, false);
        check("-0x1F", Some(-31), -31.0, false);
        check("0b101", Some(5), 5.0, false);
        check("017", Some(15), 15.0, false);
        check("0o17", Some(15), 15.0, false);
        check("1_000", Some(1000), 1000.0, false);
        check("1e3", Some(1000), 1000.0, true);
        check("1.5", None, 1.5, true);
        check(".5", None, 0.5, true);
        check("0x1p-2", None, 0.25, true);
        check("0xfe", Some(254), 254.0, false);
        check("18446744073709551615", None, 18_446_744_073_709_551_615.0, false);
        for wrong in ["08", "1__0", "_1", "1_", "18446744073709551616", ".", "-", "1e", "1.e400"] {
            assert!(number(wrong).is_none(), "{wrong}");
        }
        assert_eq!(character("'a'").and_then(|n| n.int), Some(97));
        assert_eq!(character(r"'\n'").and_then(|n| n.int), Some(10));
        assert!(character("'ab'").is_none());
    }
}
