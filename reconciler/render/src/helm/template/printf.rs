//! `print`, `println` and `printf`.

use super::format::{Flags, Printer};
use crate::helm::value::{Text, Value};

/// There was no room for the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Overflow;

fn finish(printer: Printer) -> Result<Text, Overflow> {
    if printer.full { Err(Overflow) } else { Ok(printer.out.into()) }
}

/// Go's `Sprint`: a blank between two operands when neither is text.
pub(crate) fn sprint(values: &[Value], room: usize) -> Result<Text, Overflow> {
    if let [Value::String(text)] = values {
        return Ok(text.clone());
    }
    let mut printer = Printer::new(room);
    for (at, value) in values.iter().enumerate() {
        let text_beside = values[..=at].iter().rev().take(2).any(|value| matches!(value, Value::String(_)));
        if at > 0 && !text_beside {
            printer.write(" ");
        }
        printer.argument(value, 'v');
    }
    finish(printer)
}

/// Go's `Sprintln`.
pub(crate) fn sprintln(values: &[Value], room: usize) -> Result<Text, Overflow> {
    let mut printer = Printer::new(room);
    for (at, value) in values.iter().enumerate() {
        if at > 0 {
            printer.write(" ");
        }
        printer.argument(value, 'v');
    }
    printer.write("\n");
    finish(printer)
}

/// Go's `Sprintf`.
pub(crate) fn sprintf(format: &Text, values: &[Value], room: usize) -> Result<Text, Overflow> {
    let mut directives = Directives {
        format: format.as_bytes(),
        at: 0,
        values,
        argument: 0,
        reordered: false,
        good: true,
        printer: Printer::new(room),
    };
    directives.run();
    finish(directives.printer)
}

/// Widths, precisions and argument numbers beyond this are not meant.
const LARGEST: usize = 1_000_000;

struct Directives<'a> {
    format: &'a [u8],
    at: usize,
    values: &'a [Value],
    /// The next argument.
    argument: usize,
    /// Whether an argument was asked for by number.
    reordered: bool,
    /// Whether the numbers of this directive made sense.
    good: bool,
    printer: Printer,
}

impl Directives<'_> {
    fn run(&mut self) {
        while self.at < self.format.len() && !self.printer.full {
            let text = self.format[self.at..].iter().take_while(|byte| **byte != b'%').count();
            self.printer.write(&self.format[self.at..self.at + text]);
            self.at += text + 1;
            if self.at > self.format.len() || !self.directive() {
                break;
            }
        }
        if !self.reordered && self.argument < self.values.len() {
            self.extra();
        }
    }

    /// One directive, its `%` being past. False: the format ends within it.
    fn directive(&mut self) -> bool {
        self.good = true;
        self.printer.flags = Flags::default();
        while let Some(byte) = self.format.get(self.at) {
            match byte {
                b'#' => self.printer.flags.sharp = true,
                b'0' => self.printer.flags.zero = true,
                b'+' => self.printer.flags.plus = true,
                b'-' => self.printer.flags.minus = true,
                b' ' => self.printer.flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        let after_number = self.number_in_brackets();
        let after_number = self.width(after_number);
        let after_number = self.precision(after_number);
        if !after_number {
            self.number_in_brackets();
        }
        let Some(verb) = self.verb() else {
            self.printer.write("%!(NOVERB)");
            return false;
        };
        match (verb, self.values.get(self.argument)) {
            ('%', _) => self.printer.write("%"),
            _ if !self.good => self.printer.write(format!("%!{verb}(BADINDEX)")),
            (_, None) => self.printer.write(format!("%!{verb}(MISSING)")),
            (_, Some(value)) => {
                if matches!(verb, 'v' | 'w') {
                    self.printer.flags.go_syntax = std::mem::take(&mut self.printer.flags.sharp);
                    self.printer.flags.plus_v = std::mem::take(&mut self.printer.flags.plus);
                }
                self.printer.argument(value, verb);
                self.argument += 1;
            }
        }
        true
    }

    fn verb(&mut self) -> Option<char> {
        let rest = self.format.get(self.at..).filter(|rest| !rest.is_empty())?;
        let window = &rest[..4.min(rest.len())];
        let verb = window.utf8_chunks().next().and_then(|chunk| chunk.valid().chars().next());
        self.at += verb.map_or(1, char::len_utf8);
        Some(verb.unwrap_or('\u{fffd}'))
    }

    fn peek(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// `[3]`: the argument to use next. Whether it was there.
    fn number_in_brackets(&mut self) -> bool {
        if self.peek() != Some(b'[') {
            return false;
        }
        self.reordered = true;
        let rest = &self.format[self.at + 1..];
        let Some(end) = rest.iter().position(|byte| *byte == b']') else {
            self.at += 1;
            self.good = false;
            return false;
        };
        self.at += end + 2;
        let number = std::str::from_utf8(&rest[..end])
            .ok()
            .filter(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
            .and_then(|text| text.parse::<usize>().ok())
            .filter(|number| *number <= LARGEST);
        match number {
            Some(number) if (1..=self.values.len()).contains(&number) => {
                self.argument = number - 1;
                true
            }
            Some(_) => {
                self.good = false;
                true
            }
            None => {
                self.good = false;
                false
            }
        }
    }

    /// A number from the format.
    fn digits(&mut self) -> Option<usize> {
        let begin = self.at;
        let mut number = 0;
        while let Some(byte @ b'0'..=b'9') = self.peek() {
            if number > LARGEST {
                self.at = self.format.len();
                return None;
            }
            number = number * 10 + usize::from(byte - b'0');
            self.at += 1;
        }
        (self.at > begin).then_some(number)
    }

    /// A number from an argument, for `*`.
    fn starred(&mut self) -> Option<i64> {
        let number = match self.values.get(self.argument)? {
            Value::Int(_, number) => Some(*number),
            Value::Uint(_, number) => i64::try_from(*number).ok(),
            _ => None,
        };
        self.argument += 1;
        number.filter(|number| number.unsigned_abs() <= LARGEST as u64)
    }

    fn width(&mut self, after_number: bool) -> bool {
        if self.peek() != Some(b'*') {
            self.printer.flags.width = self.digits();
            if after_number && self.printer.flags.width.is_some() {
                self.good = false;
            }
            return after_number;
        }
        self.at += 1;
        match self.starred() {
            None => self.printer.write("%!(BADWIDTH)"),
            Some(width) => {
                if width < 0 {
                    self.printer.flags.minus = true;
                    self.printer.flags.zero = false;
                }
                self.printer.flags.width = usize::try_from(width.unsigned_abs()).ok();
            }
        }
        false
    }

    fn precision(&mut self, after_number: bool) -> bool {
        if self.peek() != Some(b'.') || self.at + 1 >= self.format.len() {
            return after_number;
        }
        self.at += 1;
        if after_number {
            self.good = false;
        }
        let after_number = self.number_in_brackets();
        if self.peek() != Some(b'*') {
            self.printer.flags.precision = Some(self.digits().unwrap_or(0));
            return after_number;
        }
        self.at += 1;
        match self.starred() {
            Some(precision) if precision >= 0 => {
                self.printer.flags.precision = usize::try_from(precision).ok();
            }
            _ => self.printer.write("%!(BADPREC)"),
        }
        false
    }

    /// The arguments that no directive asked for.
    fn extra(&mut self) {
        self.printer.flags = Flags::default();
        self.printer.write("%!(EXTRA ");
        for (at, value) in self.values[self.argument..].iter().enumerate() {
            if at > 0 {
                self.printer.write(", ");
            }
            match value {
                Value::Nil => self.printer.write("<nil>"),
                value => {
                    self.printer.write(format!("{}=", value.type_name()));
                    self.printer.argument(value, 'v');
                }
            }
        }
        self.printer.write(")");
    }
}
