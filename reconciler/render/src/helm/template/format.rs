//! How values print: Go's `fmt`, verbs, flags, padding and its error texts.

use super::quote::{can_backquote, quote, quote_char};
use crate::helm::value::{Dict, Host, IntKind, List, UintKind, Value};

/// What stands between `%` and the verb.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%#v`: values as Go source.
    pub(super) go_syntax: bool,
    /// `%+v`: the names of fields, too.
    pub(super) plus_v: bool,
}

/// Collects what is printed, up to a number of bytes.
pub(super) struct Printer {
    pub(super) out: Vec<u8>,
    pub(super) flags: Flags,
    /// While an error text is printed, methods are not asked.
    erroring: bool,
    /// Within how many lists, maps and structs what is printed stands.
    depth: usize,
    room: usize,
    /// Whether there was no room for something.
    pub(super) full: bool,
}

impl Printer {
    pub(super) fn new(room: usize) -> Self {
        Printer { out: Vec::new(), flags: Flags::default(), erroring: false, depth: 0, room, full: false }
    }

    pub(super) fn write(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        if self.full || self.out.len() + text.len() > self.room {
            self.full = true;
        } else {
            self.out.extend_from_slice(text);
        }
    }

    fn padding(&mut self, count: usize) {
        let fill = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        if self.full || self.out.len() + count > self.room {
            self.full = true;
        } else {
            self.out.resize(self.out.len() + count, fill);
        }
    }

    /// The text, filled up to the width.
    pub(super) fn pad(&mut self, text: impl AsRef<[u8]>) {
        let text = text.as_ref();
        let missing = self.flags.width.unwrap_or(0).saturating_sub(runes(text));
        if !self.flags.minus {
            self.padding(missing);
        }
        self.write(text);
        if self.flags.minus {
            self.padding(missing);
        }
    }

    fn pad_without_zeros(&mut self, text: impl AsRef<[u8]>) {
        let zero = std::mem::take(&mut self.flags.zero);
        self.pad(text);
        self.flags.zero = zero;
    }

    /// One argument of a format.
    pub(super) fn argument(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Nil, 'T' | 'v') => self.pad("<nil>"),
            (Value::Nil, _) => self.write(format!("%!{verb}(<nil>)")),
            (_, 'T') => self.string(value.type_name().as_bytes(), 's', value),
            // There are no addresses here: a render that printed one would never be the same twice.
            (Value::List(_) | Value::Dict(_) | Value::Bytes(_) | Value::Host(_), 'p') => self.pad("0x0"),
            _ => self.value(value, verb),
        }
    }

    pub(super) fn value(&mut self, value: &Value, verb: char) {
        let stringable =
            !self.erroring && !self.flags.go_syntax && matches!(verb, 'v' | 's' | 'x' | 'X' | 'q');
        match value {
            // An error would be wrapped, where there were one and something to wrap it with.
            Value::Dict(_)
            | Value::List(_)
            | Value::Host(_)
            | Value::Int(IntKind::Duration | IntKind::Month | IntKind::Weekday, _)
                if verb == 'w' && !self.erroring =>
            {
                self.bad_verb(value, verb);
            }
            Value::Nil if self.flags.go_syntax => self.write("interface {}(nil)"),
            Value::Nil => self.write("<nil>"),
            Value::Bool(b) => match verb {
                't' | 'v' => self.pad(if *b { "true" } else { "false" }),
                _ => self.bad_verb(value, verb),
            },
            Value::Int(kind @ (IntKind::Duration | IntKind::Month | IntKind::Weekday), number)
                if stringable =>
            {
                let text = crate::helm::functions::named_number(*kind, *number);
                self.string(text.as_bytes(), verb, value);
            }
            Value::Int(_, number) => self.integer(number.unsigned_abs(), *number < 0, verb, value),
            Value::Uint(_, number) => self.integer(*number, false, verb, value),
            Value::Float(number) => self.float(*number, verb, value),
            Value::String(text) => self.string(text.as_bytes(), verb, value),
            Value::Bytes(bytes) => self.bytes(bytes, verb, value),
            Value::List(list) => self.list(list, verb),
            Value::Dict(dict) => self.dict(dict, verb),
            Value::Host(object) => match object.plain() {
                Some(plain) if !stringable || object.kind() != "ptr" => self.value(&plain, verb),
                _ if stringable && object.has_string_method() => {
                    self.string(object.display().as_bytes(), verb, value);
                }
                _ => match object.parts() {
                    // It would be an address, and verbs that are not for numbers do not fit one.
                    Some(_) if self.depth > 0 && object.kind() == "ptr" && !"vdobxX".contains(verb) => {
                        self.bad_verb(value, verb);
                    }
                    Some(parts) => self.structure(&**object, &parts, verb),
                    None => self.write(object.display()),
                },
            },
        }
    }

    /// The fields of a struct.
    fn structure(&mut self, object: &dyn Host, parts: &[(&'static str, Value)], verb: char) {
        let name = object.type_name();
        let pointer = if name.starts_with('*') { "&" } else { "" };
        self.write(pointer);
        if self.flags.go_syntax {
            self.write(name.trim_start_matches('*'));
        }
        self.write("{");
        for (at, (name, value)) in parts.iter().enumerate() {
            if at > 0 {
                self.write(if self.flags.go_syntax { ", " } else { " " });
            }
            if self.flags.go_syntax || self.flags.plus_v {
                self.write(format!("{name}:"));
            }
            self.inner(value, verb);
        }
        self.write("}");
    }

    /// A part of something.
    fn inner(&mut self, value: &Value, verb: char) {
        self.depth += 1;
        self.value(value, verb);
        self.depth -= 1;
    }

    fn bad_verb(&mut self, value: &Value, verb: char) {
        self.write(format!("%!{verb}({}=", value.type_name()));
        self.erroring = true;
        let depth = std::mem::take(&mut self.depth);
        self.value(value, 'v');
        self.depth = depth;
        self.erroring = false;
        self.write(")");
    }

    fn list(&mut self, list: &List, verb: char) {
        if self.flags.go_syntax {
            self.write(Value::List(list.clone()).type_name());
            if list.is_nil() {
                return self.write("(nil)");
            }
        }
        let (open, between, close) = if self.flags.go_syntax { ("{", ", ", "}") } else { ("[", " ", "]") };
        self.write(open);
        for (at, item) in list.iter().enumerate() {
            if at > 0 {
                self.write(between);
            }
            self.inner(item, verb);
        }
        self.write(close);
    }

    fn dict(&mut self, dict: &Dict, verb: char) {
        let (open, between, close) = if self.flags.go_syntax {
            self.write(Value::Dict(dict.clone()).type_name());
            ("{", ", ", "}")
        } else {
            ("map[", " ", "]")
        };
        self.write(open);
        for (at, (key, value)) in dict.entries().into_iter().enumerate() {
            if at > 0 {
                self.write(between);
            }
            self.inner(&Value::text(key), verb);
            self.write(":");
            self.inner(&value, verb);
        }
        self.write(close);
    }

    fn string(&mut self, text: &[u8], verb: char, value: &Value) {
        match verb {
            'v' if self.flags.go_syntax => self.quoted(text),
            'v' | 's' => self.pad(self.truncated(text)),
            'q' => self.quoted(text),
            'x' => self.hex(text, false),
            'X' => self.hex(text, true),
            _ => self.bad_verb(value, verb),
        }
    }

    fn bytes(&mut self, bytes: &[u8], verb: char, value: &Value) {
        match verb {
            'v' if self.flags.go_syntax => {
                let items: Vec<String> = bytes.iter().map(|byte| format!("{byte:#x}")).collect();
                self.write(format!("[]byte{{{}}}", items.join(", ")));
            }
            's' => self.pad(self.truncated(bytes)),
            'q' | 'x' | 'X' => self.string(bytes, verb, value),
            _ => {
                self.write("[");
                for (at, byte) in bytes.iter().enumerate() {
                    if at > 0 {
                        self.write(" ");
                    }
                    let number = Value::Uint(UintKind::Uint8, u64::from(*byte));
                    self.integer(u64::from(*byte), false, verb, &number);
                }
                self.write("]");
            }
        }
    }

    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        let Some(most) = self.flags.precision else { return text };
        let mut at = 0;
        for _ in 0..most {
            let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) else { return text };
            at += rune_length(rest);
        }
        text.get(..at).unwrap_or(text)
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        if self.flags.sharp && can_backquote(text) {
            return self.pad([b"`", text, b"`"].concat());
        }
        self.pad(quote(text, self.flags.plus));
    }

    fn hex(&mut self, text: &[u8], upper: bool) {
        let text = &text[..self.flags.precision.unwrap_or(text.len()).min(text.len())];
        let prefix = match (self.flags.sharp && !text.is_empty(), upper) {
            (false, _) => "",
            (true, false) => "0x",
            (true, true) => "0X",
        };
        let mut out = String::from(prefix);
        for (at, byte) in text.iter().enumerate() {
            if at > 0 && self.flags.space {
                out.push(' ');
                out.push_str(prefix);
            }
            out.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(out);
    }

    fn integer(&mut self, magnitude: u64, negative: bool, verb: char, value: &Value) {
        let digits = match verb {
            'v' if self.flags.go_syntax && matches!(value, Value::Uint(..)) => format!("{magnitude:#x}"),
            'v' | 'd' => magnitude.to_string(),
            'b' => format!("{magnitude:b}"),
            'o' | 'O' => format!("{magnitude:o}"),
            'x' => format!("{magnitude:x}"),
            'X' => format!("{magnitude:X}"),
            'c' => {
                return self.pad(rune(magnitude, negative).to_string());
            }
            'q' => return self.pad(quote_char(rune(magnitude, negative), self.flags.plus)),
            'U' => return self.unicode(magnitude, negative),
            _ => return self.bad_verb(value, verb),
        };
        if self.flags.precision == Some(0) && magnitude == 0 {
            let zero = std::mem::take(&mut self.flags.zero);
            self.padding(self.flags.width.unwrap_or(0));
            self.flags.zero = zero;
            return;
        }
        let sign = match (negative, self.flags.plus, self.flags.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            _ => "",
        };
        let least = match (self.flags.precision, self.flags.width) {
            (Some(precision), _) => precision,
            (None, Some(width)) if self.flags.zero && !self.flags.minus => width.saturating_sub(sign.len()),
            _ => 0,
        };
        let zeros = least.saturating_sub(digits.len());
        let octal_shows = zeros > 0 || digits.starts_with('0');
        let prefix = match verb {
            'O' if self.flags.sharp && !octal_shows => "0o0",
            'O' => "0o",
            'b' if self.flags.sharp => "0b",
            'o' if self.flags.sharp && !octal_shows => "0",
            'x' if self.flags.sharp => "0x",
            'X' if self.flags.sharp => "0X",
            _ => "",
        };
        if zeros > self.room {
            self.full = true;
            return;
        }
        self.pad_without_zeros(format!("{sign}{prefix}{}{digits}", "0".repeat(zeros)));
    }

    fn unicode(&mut self, magnitude: u64, negative: bool) {
        let code = if negative { magnitude.wrapping_neg() } else { magnitude };
        let digits = format!("{code:X}");
        let least = self.flags.precision.unwrap_or(4).clamp(4, self.room.max(4));
        let mut text = format!("U+{}{digits}", "0".repeat(least.saturating_sub(digits.len())));
        let c = u32::try_from(code).ok().and_then(char::from_u32).filter(|c| super::quote::is_print(*c));
        if let (true, Some(c)) = (self.flags.sharp, c) {
            text.push_str(&format!(" '{c}'"));
        }
        self.pad_without_zeros(text);
    }

    fn float(&mut self, number: f64, verb: char, value: &Value) {
        let (verb, default) = match verb {
            'v' => ('g', None),
            'g' | 'G' | 'x' | 'X' | 'b' => (verb, None),
            'e' | 'E' | 'f' => (verb, Some(6)),
            'F' => ('f', Some(6)),
            _ => return self.bad_verb(value, verb),
        };
        let precision = self.flags.precision.or(default);
        if precision.is_some_and(|precision| precision > self.room) {
            self.full = true;
            return;
        }
        let mut text = super::float::format(number.abs(), verb, precision);
        let negative = number.is_sign_negative() && !number.is_nan();
        let sign = match (negative, self.flags.plus, self.flags.space) {
            (true, ..) => "-",
            (false, true, _) => "+",
            (false, false, true) => " ",
            (false, false, false) if number.is_infinite() => "+",
            _ => "",
        };
        if !number.is_finite() {
            return self.pad_without_zeros(format!("{sign}{text}"));
        }
        if self.flags.sharp && verb != 'b' {
            text = super::float::with_point(&text, verb, precision);
        }
        let width = self.flags.width.unwrap_or(0);
        if self.flags.zero && !self.flags.minus && width > text.len() + sign.len() {
            self.write(sign);
            self.padding(width - text.len() - sign.len());
            self.write(text);
        } else {
            self.pad_without_zeros(format!("{sign}{text}"));
        }
    }
}

/// The rune of a number; U+FFFD for none.
fn rune(magnitude: u64, negative: bool) -> char {
    let code = if negative { None } else { u32::try_from(magnitude).ok() };
    code.and_then(char::from_u32).unwrap_or('\u{fffd}')
}

/// How many bytes the first rune has; one for a byte that begins none.
fn rune_length(text: &[u8]) -> usize {
    let window = text.get(..4.min(text.len())).unwrap_or_default();
    window.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next()).map_or(1, char::len_utf8)
}

fn runes(text: &[u8]) -> usize {
    text.utf8_chunks().map(|chunk| chunk.valid().chars().count() + chunk.invalid().len()).sum()
}
