//! Generated YAML: values as they are written, and strategies that put them together.

use std::fmt::Write as _;

use proptest::prelude::*;

/// A value as it is written in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Y {
    /// Written as it is: numbers, booleans, null and everything that tempts a reader of YAML.
    Raw(&'static str),
    /// Text, in quotes where it needs them.
    Text(String),
    Seq(Vec<Y>),
    Map(Vec<(String, Y)>),
}

impl Y {
    pub fn text(text: impl Into<String>) -> Self {
        Y::Text(text.into())
    }

    pub fn map<const N: usize>(members: [(&str, Y); N]) -> Self {
        Y::Map(members.into_iter().map(|(key, value)| (key.to_owned(), value)).collect())
    }

    pub fn get(&self, key: &str) -> Option<&Y> {
        match self {
            Y::Map(members) => members.iter().find(|(held, _)| held == key).map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn at(&self, path: &[&str]) -> Option<&Y> {
        path.iter().try_fold(self, |value, key| value.get(key))
    }

    /// The text at a path; empty where there is none.
    pub fn text_at(&self, path: &[&str]) -> &str {
        match self.at(path) {
            Some(Y::Text(text)) => text,
            Some(Y::Raw(text)) => text,
            _ => "",
        }
    }

    pub fn set(&mut self, key: &str, value: Y) {
        let Y::Map(members) = self else { return };
        match members.iter_mut().find(|(held, _)| held == key) {
            Some((_, held)) => *held = value,
            None => members.push((key.to_owned(), value)),
        }
    }

    /// Every path below this value, with the value there. List elements are known by their position.
    pub fn paths(&self) -> Vec<(Vec<String>, &Y)> {
        let mut found = Vec::new();
        let mut left = vec![(Vec::new(), self)];
        while let Some((path, value)) = left.pop() {
            let below = |key: &str| [path.as_slice(), &[key.to_owned()]].concat();
            match value {
                Y::Map(members) => left.extend(members.iter().map(|(key, value)| (below(key), value))),
                Y::Seq(items) => {
                    left.extend(items.iter().enumerate().map(|(at, item)| (below(&at.to_string()), item)));
                }
                _ => {}
            }
            if !path.is_empty() {
                found.push((path, value));
            }
        }
        found.sort_by(|a, b| a.0.cmp(&b.0));
        found
    }

    /// The value as a document in block style.
    pub fn document(&self) -> String {
        let mut out = String::new();
        match self {
            Y::Map(members) if !members.is_empty() => block_map(&mut out, members, 0),
            Y::Seq(items) if !items.is_empty() => block_seq(&mut out, items, 0),
            value => {
                value.flow(&mut out);
                out.push('\n');
            }
        }
        out
    }

    fn flow(&self, out: &mut String) {
        match self {
            Y::Raw(text) => out.push_str(text),
            Y::Text(text) => out.push_str(&quoted(text)),
            Y::Seq(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at > 0 { ", " } else { "" });
                    item.flow(out);
                }
                out.push(']');
            }
            Y::Map(members) => {
                out.push('{');
                for (at, (key, value)) in members.iter().enumerate() {
                    let _ = write!(out, "{}{}: ", if at > 0 { ", " } else { "" }, quoted(key));
                    value.flow(out);
                }
                out.push('}');
            }
        }
    }
}

fn quoted(text: &str) -> String {
    let plain = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-./".contains(&b))
        && !["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
            .contains(&text.to_ascii_lowercase().as_str());
    if plain { text.to_owned() } else { serde_json::to_string(text).unwrap_or_default() }
}

fn block_map(out: &mut String, members: &[(String, Y)], indent: usize) {
    for (at, (key, value)) in members.iter().enumerate() {
        if at > 0 {
            out.extend(std::iter::repeat_n(' ', indent));
        }
        let _ = write!(out, "{}:", quoted(key));
        below(out, value, indent);
    }
}

fn block_seq(out: &mut String, items: &[Y], indent: usize) {
    for item in items {
        out.extend(std::iter::repeat_n(' ', indent));
        out.push('-');
        match item {
            Y::Map(members) if !members.is_empty() => {
                out.push(' ');
                block_map(out, members, indent + 2);
            }
            item => below(out, item, indent),
        }
    }
}

/// What follows `key:` or `-`.
fn below(out: &mut String, value: &Y, indent: usize) {
    match value {
        Y::Map(members) if !members.is_empty() => {
            out.push('\n');
            out.extend(std::iter::repeat_n(' ', indent + 2));
            block_map(out, members, indent + 2);
        }
        Y::Seq(items) if !items.is_empty() => {
            out.push('\n');
            block_seq(out, items, indent + 2);
        }
        value => {
            out.push(' ');
            value.flow(out);
            out.push('\n');
        }
    }
}

/// A strategy of values.
pub type S = BoxedStrategy<Y>;

/// A member of a generated map, with how often it is there.
pub struct Member(f64, &'static str, S);

pub fn must(key: &'static str, value: S) -> Member {
    Member(1.0, key, value)
}

pub fn may(often: f64, key: &'static str, value: S) -> Member {
    Member(often, key, value)
}

/// A map of the members that are there.
pub fn record(members: Vec<Member>) -> S {
    let members: Vec<BoxedStrategy<Option<(String, Y)>>> = members
        .into_iter()
        .map(|Member(often, key, value)| {
            let value = value.prop_map(move |value| (key.to_owned(), value));
            if often >= 1.0 {
                value.prop_map(Some).boxed()
            } else {
                prop::option::weighted(often, value).boxed()
            }
        })
        .collect();
    members.prop_map(|members| Y::Map(members.into_iter().flatten().collect())).boxed()
}

pub fn list(items: S, size: std::ops::RangeInclusive<usize>) -> S {
    prop::collection::vec(items, size).prop_map(Y::Seq).boxed()
}

/// A list without repetitions.
pub fn set_of(items: S, size: std::ops::RangeInclusive<usize>) -> S {
    prop::collection::vec(items, size)
        .prop_map(|items| {
            let mut kept: Vec<Y> = Vec::new();
            items.into_iter().for_each(|item| {
                if !kept.contains(&item) {
                    kept.push(item);
                }
            });
            Y::Seq(kept)
        })
        .boxed()
}

/// A map with keys of a pool.
pub fn dictionary(keys: &'static [&'static str], values: S, most: usize) -> S {
    prop::collection::vec((prop::sample::select(keys), values), 0..=most)
        .prop_map(|members| {
            let mut map = Y::Map(Vec::new());
            members.into_iter().for_each(|(key, value)| map.set(key, value));
            map
        })
        .boxed()
}

/// One of some texts.
pub fn one_of(texts: &'static [&'static str]) -> S {
    prop::sample::select(texts).prop_map(Y::text).boxed()
}

/// One of some values, written as they are.
pub fn raw(texts: &'static [&'static str]) -> S {
    prop::sample::select(texts).prop_map(Y::Raw).boxed()
}

pub fn always(value: Y) -> S {
    Just(value).boxed()
}

pub fn text(text: &'static str) -> S {
    always(Y::text(text))
}

pub fn either(choices: Vec<(u32, S)>) -> S {
    prop::strategy::Union::new_weighted(choices).boxed()
}
