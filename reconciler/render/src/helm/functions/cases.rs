//! Upper and lower case: rune by rune with the simple mappings, as Go does it, where Rust would make `SS` of `ß`.

use super::Param::Text as AText;
use super::{Function, fixed, text};
use crate::helm::classes::{is_letter, is_lower, is_number, is_punctuation, is_upper};
use crate::helm::value::Value;

pub(super) const TABLE: &[Function] = &[
    fixed("upper", &[AText], |_, arguments| Ok(Value::text(runes(&text(arguments, 0).as_str(), upper)))),
    fixed("lower", &[AText], |_, arguments| Ok(Value::text(runes(&text(arguments, 0).as_str(), lower)))),
    fixed("title", &[AText], |_, arguments| Ok(Value::text(title(&text(arguments, 0).as_str())))),
    fixed("untitle", &[AText], |_, arguments| Ok(Value::text(untitle(&text(arguments, 0).as_str())))),
    fixed("swapcase", &[AText], |_, arguments| Ok(Value::text(runes(&text(arguments, 0).as_str(), swap)))),
    fixed("camelcase", &[AText], |_, arguments| Ok(Value::text(pascal(&text(arguments, 0).as_str())))),
    fixed("snakecase", &[AText], |_, arguments| {
        Ok(Value::text(separated(&text(arguments, 0).as_str(), '_')))
    }),
    fixed("kebabcase", &[AText], |_, arguments| {
        Ok(Value::text(separated(&text(arguments, 0).as_str(), '-')))
    }),
];

fn runes(text: &str, map: fn(char) -> char) -> String {
    text.chars().map(map).collect()
}

fn upper(c: char) -> char {
    let mut mapped = c.to_uppercase();
    match (mapped.next(), mapped.next()) {
        (Some(upper), None) => upper,
        _ => c,
    }
}

fn lower(c: char) -> char {
    c.to_lowercase().next().unwrap_or(c)
}

/// The case of a first letter: some letters are two in one, and have a third form for it; Georgian has none.
fn title_case(c: char) -> char {
    match c {
        'Ǆ'..='ǆ' => 'ǅ',
        'Ǉ'..='ǉ' => 'ǈ',
        'Ǌ'..='ǌ' => 'ǋ',
        'Ǳ'..='ǳ' => 'ǲ',
        'ა'..='ჿ' => c,
        _ => upper(c),
    }
}

fn swap(c: char) -> char {
    match c {
        c if is_lower(c) => upper(c),
        c if is_letter(c) => lower(c),
        c => c,
    }
}

/// Go's `strings.Title`: a word begins behind anything but a letter, a digit or an underscore.
fn title(text: &str) -> String {
    let mut before = ' ';
    text.chars()
        .map(|c| {
            let begins = if before.is_ascii() {
                !before.is_ascii_alphanumeric() && before != '_'
            } else {
                before.is_whitespace()
            };
            before = c;
            if begins { title_case(c) } else { c }
        })
        .collect()
}

/// The first letter of every word that white space separates becomes small.
fn untitle(text: &str) -> String {
    let mut begins = true;
    text.chars()
        .map(|c| {
            let first = std::mem::replace(&mut begins, c.is_whitespace());
            if first && !c.is_whitespace() { lower(c) } else { c }
        })
        .collect()
}

fn is_connector(c: char) -> bool {
    c == '-' || c == '_' || c.is_whitespace()
}

/// `some_words` becomes `SomeWords`, `GOLANG` becomes `Golang`; connectors in front stay.
fn pascal(text: &str) -> String {
    let mut rest = text.chars();
    let mut out: String = rest.by_ref().take_while(|c| is_connector(*c)).collect();
    // `take_while` has eaten the first letter.
    let Some(first) = text.chars().nth(out.chars().count()) else {
        // A quirk of xstrings: of connectors alone it writes the last one twice.
        out.extend(text.chars().next_back());
        return out;
    };
    let mut in_capitals = is_upper(first);
    let mut held = upper(first);
    for mut c in rest {
        if is_connector(c) && is_connector(held) {
            out.push(held);
            held = c;
            continue;
        }
        let before = held;
        if is_connector(before) {
            in_capitals = is_upper(c);
            c = upper(c);
        } else {
            if in_capitals {
                if is_upper(c) {
                    c = lower(c);
                } else {
                    in_capitals = false;
                }
            }
            out.push(before);
        }
        held = c;
    }
    out.push(held);
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Word {
    Number,
    Capitals,
    Letters,
    Connector,
    Punctuation,
    Other,
}

fn makes_words(c: char) -> bool {
    // Han characters make no words.
    let han = matches!(u32::from(c), 0x3400..=0x4d85 | 0x4e00..=0x9fcc | 0x2_0000..=0x2_b81d);
    is_letter(c) && !han
}

fn kind_of(c: char) -> Word {
    match c {
        c if is_connector(c) => Word::Connector,
        c if is_punctuation(c) => Word::Punctuation,
        c if is_upper(c) => Word::Capitals,
        c if makes_words(c) => Word::Letters,
        c if is_number(c) => Word::Number,
        _ => Word::Other,
    }
}

/// The next word and its length in characters. `HTTPServer` begins with `HTTP`, `Server` is one word.
fn next_word(text: &[char]) -> Option<(Word, usize)> {
    let kind = kind_of(*text.first()?);
    let run = |like: fn(char) -> bool| text.iter().take_while(|c| like(**c)).count();
    let length = match kind {
        Word::Capitals => {
            let capitals = run(is_upper);
            match text.get(capitals) {
                Some(c) if makes_words(*c) && capitals > 1 => capitals - 1,
                Some(c) if makes_words(*c) => {
                    1 + text[1..].iter().take_while(|c| makes_words(**c) && !is_upper(**c)).count()
                }
                _ => capitals,
            }
        }
        Word::Connector => run(is_connector),
        Word::Punctuation => run(is_punctuation),
        Word::Letters => run(|c| makes_words(c) && !is_upper(c)),
        Word::Number => run(is_number),
        Word::Other => run(|c| kind_of(c) == Word::Other),
    };
    Some((kind, length.max(1)))
}

/// `HTTPServer2xx` becomes `http_server_2xx`. The rules for numbers are xstrings': one belongs to the word before it, unless small
/// letters follow.
struct Separate<'a> {
    text: &'a [char],
    separator: char,
    out: String,
}

impl Separate<'_> {
    fn next(&mut self) -> Option<(Word, usize)> {
        next_word(self.text)
    }

    fn take(&mut self, (kind, length): (Word, usize)) {
        let (word, rest) = self.text.split_at(length);
        self.text = rest;
        match kind {
            Word::Connector => self.out.extend(word.iter().map(|_| self.separator)),
            Word::Capitals => self.out.extend(word.iter().map(|c| if is_upper(*c) { lower(*c) } else { *c })),
            _ => self.out.extend(word),
        }
    }

    fn take_letters_and_numbers(&mut self) {
        while let Some(word @ (Word::Letters | Word::Number, _)) = self.next() {
            self.take(word);
        }
    }

    /// A separator, unless a connector, punctuation or nothing comes.
    fn separate(&mut self) {
        if !matches!(self.next(), None | Some((Word::Connector | Word::Punctuation, _))) {
            self.out.push(self.separator);
        }
    }

    fn run(mut self) -> String {
        while let Some(word) = self.next() {
            if word.1 == self.text.len() {
                self.take(word);
                break;
            }
            self.take(word);
            match word.0 {
                Word::Number => {
                    self.take_letters_and_numbers();
                    self.separate();
                }
                Word::Connector | Word::Punctuation => {}
                _ => self.behind_word(),
            }
        }
        self.out
    }

    fn behind_word(&mut self) {
        let Some(number @ (Word::Number, length)) = self.next() else { return self.separate() };
        if length == self.text.len() {
            return;
        }
        let Some((Word::Letters, _)) = next_word(&self.text[length..]) else {
            self.take(number);
            return self.separate();
        };
        self.out.push(self.separator);
        self.take_letters_and_numbers();
        self.separate();
    }
}

fn separated(text: &str, separator: char) -> String {
    let text: Vec<char> = text.chars().collect();
    Separate { text: &text, separator, out: String::with_capacity(text.len() + 8) }.run()
}
