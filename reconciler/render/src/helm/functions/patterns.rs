//! Go's regular expressions in the syntax of the crate regex.
//!
//! Both are automata without backtracking. Where the same text means something else the translation says what Go means: `\d`, `\w`,
//! `\s` and `\b` are ASCII, `[a[b]` holds a bracket, `\Q…\E` quotes, a `{` that begins no repetition is a brace, `\<` is a less-than.

use regex::{Regex, RegexBuilder};

/// Bytes of a compiled expression.
const LARGEST: usize = 2 << 20;

/// Compiles an expression of Go. The error says what is wrong, without the text it is about.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = translated(pattern)?;
    RegexBuilder::new(&translated).size_limit(LARGEST).build().map_err(|e| match e {
        regex::Error::CompiledTooBig(_) => "error parsing regexp: expression is too large".to_owned(),
        _ => "error parsing regexp: invalid expression".to_owned(),
    })
}

/// The expression in the syntax of the crate regex. It is not compiled yet, so that it may still be none.
fn translated(pattern: &str) -> Result<String, String> {
    let mut translator =
        Translator { rest: pattern, out: String::with_capacity(pattern.len() + 8), repeated: true };
    translator.run().map_err(|message| format!("error parsing regexp: {message}"))?;
    Ok(translator.out)
}

/// An expression of Go in the syntax of the crate regex, for those who compile it themselves; it can be compiled.
///
/// It holds neither `\d`, `\w`, `\s` nor `\a`, so that it stays as it is where somebody takes it for one of ECMA-262.
pub(crate) fn compilable(pattern: &str) -> Result<String, String> {
    compile(pattern).map(|expression| expression.as_str().to_owned())
}

struct Translator<'a> {
    rest: &'a str,
    out: String,
    /// Whether nothing stands before that could be repeated.
    repeated: bool,
}

/// A member of a class: one character, or text that stands for several.
enum Member {
    One(char),
    Several(String),
}

const DIGITS: &str = "0-9";
const WORDS: &str = "0-9A-Za-z_";
const SPACES: &str = "\\t\\n\\x0C\\r ";
const MOST_REPEATS: u32 = 1000;

impl<'a> Translator<'a> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.chars().next()?;
        self.rest = &self.rest[c.len_utf8()..];
        Some(c)
    }

    fn take(&mut self, end: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn run(&mut self) -> Result<(), &'static str> {
        while let Some(c) = self.next() {
            match c {
                '\\' => self.escape()?,
                '[' => {
                    self.class()?;
                    self.repeated = false;
                }
                '(' => self.group()?,
                '*' | '+' | '?' => {
                    self.out.push(c);
                    self.after_repeat()?;
                }
                '{' => self.brace()?,
                '|' => {
                    self.out.push('|');
                    self.repeated = true;
                }
                // Rust would repeat an assertion, Go does, too.
                c => {
                    self.out.push(c);
                    self.repeated = false;
                }
            }
        }
        Ok(())
    }

    /// A repetition may be lazy, but not be repeated.
    fn after_repeat(&mut self) -> Result<(), &'static str> {
        if self.repeated {
            return Err("missing argument to repetition operator, or a nested one");
        }
        if self.rest.starts_with('?') {
            self.out.push('?');
            self.take(1);
        }
        self.repeated = true;
        if self.rest.starts_with(['*', '+', '?']) {
            Err("invalid nested repetition operator")
        } else {
            Ok(())
        }
    }

    fn brace(&mut self) -> Result<(), &'static str> {
        let inner = self.rest.split_once('}').map(|(inner, _)| inner);
        let bounds = inner.and_then(|inner| {
            let (least, most) = inner.split_once(',').unwrap_or((inner, inner));
            let is_number = |text: &str| {
                text.bytes().all(|b| b.is_ascii_digit()) && (text.len() < 2 || !text.starts_with('0'))
            };
            let number = |text: &str| is_number(text).then(|| text.parse::<u32>());
            match (number(least)?, number(most)?) {
                (Ok(least), Ok(most)) => Some(least <= most && most <= MOST_REPEATS),
                (Ok(least), Err(_)) if most.is_empty() => Some(least <= MOST_REPEATS),
                (Err(_), _) if least.is_empty() => None,
                _ => Some(false),
            }
        });
        match (bounds, inner) {
            (Some(true), Some(inner)) => {
                self.out.push_str(&format!("{{{inner}}}"));
                self.take(inner.len() + 1);
                self.after_repeat()
            }
            (Some(false), _) => Err("invalid repeat count"),
            _ => {
                self.out.push_str("\\{");
                self.repeated = false;
                Ok(())
            }
        }
    }

    fn group(&mut self) -> Result<(), &'static str> {
        self.out.push('(');
        self.repeated = true;
        if let Some(flags) = self.rest.strip_prefix('?')
            && !flags.starts_with("P<")
            && !flags.starts_with('<')
        {
            let end = flags.find([':', ')']).ok_or("missing closing )")?;
            if !flags[..end].chars().all(|c| matches!(c, 'i' | 'm' | 's' | 'U' | '-')) {
                return Err("invalid or unsupported Perl syntax");
            }
            let flags = self.take(end + 2);
            self.out.push_str(flags);
            return Ok(());
        }
        if self.rest.starts_with('?') {
            let end = self.rest.find('>').ok_or("invalid named capture")?;
            let name = self.take(end + 1);
            self.out.push_str(name);
        }
        Ok(())
    }

    fn escape(&mut self) -> Result<(), &'static str> {
        self.repeated = false;
        match self.rest.chars().next() {
            Some('Q') => {
                self.take(1);
                let quoted = self.rest.find("\\E").unwrap_or(self.rest.len());
                let quoted = self.take(quoted);
                self.out.push_str(&regex::escape(quoted));
                self.take(2.min(self.rest.len()));
            }
            Some('b') => {
                self.take(1);
                self.out.push_str("(?-u:\\b)");
            }
            Some(c @ ('A' | 'B' | 'z')) => {
                self.take(1);
                self.out.push('\\');
                self.out.push(c);
            }
            _ => match self.escaped_member()? {
                Member::One(c) => self.out.push_str(&regex::escape(c.encode_utf8(&mut [0; 4]))),
                Member::Several(members) => {
                    match members.strip_prefix("[^").and_then(|m| m.strip_suffix(']')) {
                        Some(negated) => self.out.push_str(&format!("[^{negated}]")),
                        None => self.out.push_str(&format!("[{members}]")),
                    }
                }
            },
        }
        Ok(())
    }

    /// What follows a backslash, in a class or outside.
    fn escaped_member(&mut self) -> Result<Member, &'static str> {
        let several = |text: String| Ok(Member::Several(text));
        match self.next().ok_or("trailing backslash at end of expression")? {
            'd' => several(DIGITS.to_owned()),
            'w' => several(WORDS.to_owned()),
            's' => several(SPACES.to_owned()),
            'D' => several(format!("[^{DIGITS}]")),
            'W' => several(format!("[^{WORDS}]")),
            'S' => several(format!("[^{SPACES}]")),
            c @ ('p' | 'P') => {
                let end = if self.rest.starts_with('{') { self.rest.find('}') } else { Some(0) };
                let end = end.filter(|end| *end < self.rest.len()).ok_or("invalid character class range")?;
                let width = self.rest[end..].chars().next().map_or(1, char::len_utf8);
                let name = self.take(end + width);
                several(format!("\\{c}{name}"))
            }
            'a' => Ok(Member::One('\u{7}')),
            'f' => Ok(Member::One('\u{c}')),
            'n' => Ok(Member::One('\n')),
            'r' => Ok(Member::One('\r')),
            't' => Ok(Member::One('\t')),
            'v' => Ok(Member::One('\u{b}')),
            'x' => self.hexadecimal(),
            c @ '0'..='7' => self.octal(c),
            c if c.is_ascii() && !c.is_ascii_alphanumeric() => Ok(Member::One(c)),
            _ => Err("invalid escape sequence"),
        }
    }

    fn hexadecimal(&mut self) -> Result<Member, &'static str> {
        let wrong = "invalid escape sequence";
        let digits = if self.rest.starts_with('{') {
            let end = self.rest.find('}').ok_or(wrong)?;
            self.take(end + 1).trim_matches(['{', '}'])
        } else if self.rest.is_char_boundary(2) && self.rest.len() >= 2 {
            self.take(2)
        } else {
            return Err(wrong);
        };
        let code = u32::from_str_radix(digits, 16).map_err(|_| wrong)?;
        char::from_u32(code).map(Member::One).ok_or(wrong)
    }

    fn octal(&mut self, first: char) -> Result<Member, &'static str> {
        let more = self.rest.bytes().take(2).take_while(|b| matches!(b, b'0'..=b'7')).count();
        if first != '0' && more == 0 {
            return Err("invalid escape sequence");
        }
        let digits = format!("{first}{}", self.take(more));
        let code = u32::from_str_radix(&digits, 8).map_err(|_| "invalid escape sequence")?;
        char::from_u32(code).map(Member::One).ok_or("invalid escape sequence")
    }

    fn class(&mut self) -> Result<(), &'static str> {
        self.out.push('[');
        if self.rest.starts_with('^') {
            self.take(1);
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let missing = "missing closing ]";
            if self.rest.is_empty() {
                return Err(missing);
            }
            if self.rest.starts_with(']') && !first {
                self.take(1);
                self.out.push(']');
                return Ok(());
            }
            first = false;
            if let Some(name) = posix(self.rest) {
                let name = self.take(name);
                self.out.push_str(name);
                continue;
            }
            match self.member()? {
                Member::Several(members) => self.out.push_str(&members),
                Member::One(low) => {
                    let mut after = self.rest.chars();
                    let ranges = after.next() == Some('-') && !matches!(after.next(), None | Some(']'));
                    self.out.push_str(&code(low));
                    if ranges {
                        self.take(1);
                        let Member::One(high) = self.member()? else {
                            return Err("invalid character class range");
                        };
                        if high < low {
                            return Err("invalid character class range");
                        }
                        self.out.push_str(&format!("-{}", code(high)));
                    }
                }
            }
        }
    }

    fn member(&mut self) -> Result<Member, &'static str> {
        match self.next() {
            Some('\\') => self.escaped_member(),
            Some(c) => Ok(Member::One(c)),
            None => Err("missing closing ]"),
        }
    }
}

/// A character as its number, which means nothing else in a class.
fn code(c: char) -> String {
    format!("\\x{{{:X}}}", u32::from(c))
}

/// The length of `[:alpha:]` and its kin.
fn posix(text: &str) -> Option<usize> {
    let end = text.strip_prefix("[:")?.find(":]")?;
    let name = text.get(2..2 + end)?;
    let known = [
        "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space",
        "upper", "word", "xdigit",
    ];
    known.contains(&name.trim_start_matches('^')).then_some(end + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_mean_what_they_mean_in_go() {
        fn check(pattern: &str, text: &str, expected: bool) {
            assert_eq!(compile(pattern).unwrap().is_match(text), expected, "{pattern} on {text}");
        }
        check(r"^\d+$", "12", true);
        check(r"^\d+$", "١٢", false);
        check(r"^\w+$", "é", false);
        check(r"^[\w.-]+$", "a.b-c", true);
        check(r"^[^\s]+$", "a b", false);
        check(r"^[\D]$", "1", false);
        check(r"^[a[]$", "[", true);
        check(r"^[a&&b]+$", "a&b", true);
        check(r"^[]a]$", "]", true);
        check(r"\Qa.b\E", "axb", false);
        check(r"^\Qa.b\E+$", "a.bb", true);
        check("^{{a}}$", "{{a}}", true);
        check(r"^a{,2}$", "a{,2}", true);
        check(r"^a{2}$", "aa", true);
        check(r"^a{0}{00}$", "{00}", true);
        check(r"\<a\>", "<a>", true);
        check(r"^[[:alpha:]_]+$", "ab_", true);
        check(r"^[+--]$", ",", true);
        check(r"(?i)^ABC$", "abc", true);
        check(r"^\x41\x{42}\101$", "ABA", true);
        for wrong in [r"a**", r"(?x)a", r"\1", r"[z-a]", r"a{1001}", r"*a", r"\u0041", "[a", "(a", r"a\"] {
            assert!(compile(wrong).is_err(), "{wrong}");
        }
    }
}
