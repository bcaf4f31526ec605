//! JSON to values, with the error texts of Go's `encoding/json`: templates print them.

use crate::helm::template::quote::quote;
use crate::helm::value::{DEPTH, Dict, DictKind, Text, Value};

/// What a text says.
pub(super) struct Read {
    pub(super) value: Value,
    /// A number that is none in Go, in Go's words. It is nil in the value, and everything else is there.
    pub(super) problem: Option<String>,
}

/// Reads one value that takes up the whole text. The error is Go's.
pub(super) fn read(text: &[u8]) -> Result<Read, String> {
    let mut reader = Reader { text, at: 0, problem: None };
    let value = reader.value(DEPTH)?;
    match reader.peek() {
        None => Ok(Read { value, problem: reader.problem }),
        Some(_) => Err(reader.invalid("after top-level value")),
    }
}

struct Reader<'a> {
    text: &'a [u8],
    at: usize,
    problem: Option<String>,
}

const END: &str = "unexpected end of JSON input";

impl Reader<'_> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while matches!(self.text.get(self.at), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// What is wrong with the current byte.
    fn invalid(&self, context: &str) -> String {
        // Go puts a blank behind the text to see whether it ends there.
        let within = !context.starts_with("looking") && !context.starts_with("after ")
            || context.starts_with("after decimal");
        let byte = match self.text.get(self.at) {
            Some(byte) => byte,
            None if within => &b' ',
            None => return END.to_owned(),
        };
        let shown = match byte {
            b'\'' => "'\\''".to_owned(),
            b'"' => "'\"'".to_owned(),
            byte => {
                let quoted = quote(char::from(*byte).encode_utf8(&mut [0; 2]).as_bytes(), false);
                format!("'{}'", quoted.trim_matches('"'))
            }
        };
        format!("invalid character {shown} {context}")
    }

    fn value(&mut self, levels: usize) -> Result<Value, String> {
        let below = levels.checked_sub(1).ok_or("exceeded max depth")?;
        match self.peek() {
            Some(b'{') => self.object(below),
            Some(b'[') => self.array(below),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.literal("true", Value::Bool(true)),
            Some(b'f') => self.literal("false", Value::Bool(false)),
            Some(b'n') => self.literal("null", Value::Nil),
            _ => Err(self.invalid("looking for beginning of value")),
        }
    }

    fn object(&mut self, levels: usize) -> Result<Value, String> {
        self.at += 1;
        let dict = Dict::new(DictKind::Any);
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(dict.into());
        }
        loop {
            if self.peek() != Some(b'"') {
                return Err(self.invalid("looking for beginning of object key string"));
            }
            let key = self.string()?;
            if self.peek() != Some(b':') {
                return Err(self.invalid("after object key"));
            }
            self.at += 1;
            let value = self.value(levels)?;
            dict.insert(&key.as_str(), value);
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => break,
                _ => return Err(self.invalid("after object key:value pair")),
            }
        }
        self.at += 1;
        Ok(dict.into())
    }

    fn array(&mut self, levels: usize) -> Result<Value, String> {
        self.at += 1;
        let mut items = Vec::new();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::list(items));
        }
        loop {
            items.push(self.value(levels)?);
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => break,
                _ => return Err(self.invalid("after array element")),
            }
        }
        self.at += 1;
        Ok(Value::list(items))
    }

    fn literal(&mut self, word: &str, value: Value) -> Result<Value, String> {
        for expected in word.bytes() {
            if self.text.get(self.at) != Some(&expected) {
                let context = format!("in literal {word} (expecting '{}')", char::from(expected));
                return Err(self.invalid(&context));
            }
            self.at += 1;
        }
        Ok(value)
    }

    fn digits(&mut self) -> usize {
        let count = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        count
    }

    fn number(&mut self) -> Result<Value, String> {
        let begin = self.at;
        if self.text.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else if self.digits() == 0 {
            return Err(self.invalid("in numeric literal"));
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.invalid("after decimal point in numeric literal"));
            }
        }
        if matches!(self.text.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.text.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.invalid("in exponent of numeric literal"));
            }
        }
        let number = std::str::from_utf8(&self.text[begin..self.at]).unwrap_or_default();
        match number.parse::<f64>() {
            Ok(value) if value.is_finite() => Ok(Value::Float(value)),
            _ => {
                self.problem.get_or_insert_with(|| {
                    format!("json: cannot unmarshal number {number} into Go value of type float64")
                });
                Ok(Value::Nil)
            }
        }
    }

    fn string(&mut self) -> Result<Text, String> {
        self.at += 1;
        let mut out = Vec::new();
        loop {
            let byte = *self.text.get(self.at).ok_or(END)?;
            match byte {
                b'"' => break,
                b'\\' => {
                    self.at += 1;
                    self.escape(&mut out)?;
                    continue;
                }
                0..0x20 => return Err(self.invalid("in string literal")),
                byte => out.push(byte),
            }
            self.at += 1;
        }
        self.at += 1;
        // Bytes that are no text become U+FFFD.
        Ok(Text::from(&*Text::from_bytes(&out).as_str()))
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<(), String> {
        let byte = match self.text.get(self.at).copied().unwrap_or(b' ') {
            b'u' => {
                self.at += 1;
                let c = self.unicode()?;
                out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            byte @ (b'"' | b'\\' | b'/') => byte,
            b'b' => 8,
            b'f' => 12,
            b'n' => b'\n',
            b'r' => b'\r',
            b't' => b'\t',
            _ => return Err(self.invalid("in string escape code")),
        };
        out.push(byte);
        self.at += 1;
        Ok(())
    }

    fn hexadecimal(&mut self) -> Result<u32, String> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.text.get(self.at).and_then(|byte| char::from(*byte).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.invalid("in \\u hexadecimal character escape"))?;
            self.at += 1;
        }
        Ok(code)
    }

    /// The character of an escape with four hexadecimal digits; two halves of one are put together, one half alone is U+FFFD.
    fn unicode(&mut self) -> Result<char, String> {
        let first = self.hexadecimal()?;
        if (0xd800..0xdc00).contains(&first) && self.text.get(self.at..self.at + 2) == Some(b"\\u") {
            let before = self.at;
            self.at += 2;
            let second = self.hexadecimal()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or('\u{fffd}'));
            }
            self.at = before;
        }
        Ok(char::from_u32(first).unwrap_or('\u{fffd}'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_or_refused_as_in_go() {
        fn check(text: &str, expected: &str) {
            let read = match read(text.as_bytes()) {
                Ok(read) => crate::yaml::emit(&read.value.to_document().unwrap().into()),
                Err(e) => e,
            };
            assert_eq!(read, expected, "{text}");
        }
        check(r#" {"a": [1, -2.5e1, "x\u00e9\ud83d\ude00\ud800"], "a": null} "#, "a: null\n");
        check(r#"["\ud83d\u0041"]"#, "- \u{fffd}A\n");
        check("", "unexpected end of JSON input");
        check("[1", "unexpected end of JSON input");
        check("[1 2]", "invalid character '2' after array element");
        check("{a}", "invalid character 'a' looking for beginning of object key string");
        check("{\"a\" 1}", "invalid character '1' after object key");
        check("{\"a\":1 2}", "invalid character '2' after object key:value pair");
        check("tru", "invalid character ' ' in literal true (expecting 'e')");
        check("[1.", "invalid character ' ' after decimal point in numeric literal");
        check("\"\\u00", "invalid character ' ' in \\u hexadecimal character escape");
        check("\"\\", "invalid character ' ' in string escape code");
        check("\"a", "unexpected end of JSON input");
        check("trux", "invalid character 'x' in literal true (expecting 'e')");
        check("é", "invalid character 'Ã' looking for beginning of value");
        check("1.x", "invalid character 'x' after decimal point in numeric literal");
        check("01", "invalid character '1' after top-level value");
        check("\"\\q\"", "invalid character 'q' in string escape code");
        check("\"\n\"", "invalid character '\\n' in string literal");
        check("'", "invalid character '\\'' looking for beginning of value");
    }
}
