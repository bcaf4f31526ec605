//! What field validation reports besides unknown fields: keys that stand twice in one object.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use crate::goprint;

/// No more than this many findings are reported of one document, as upstream.
const MAX_REPORTED: usize = 100;

/// The paths of keys that stand twice in one object of a JSON text (`spec.replicas`), each once, in the order of the text. Nothing for what is not JSON.
pub fn duplicate_fields(json: &[u8]) -> Vec<String> {
    let found = RefCell::new(Vec::new());
    let mut deserializer = serde_json::Deserializer::from_slice(json);
    // A text that breaks off has been reported, or will be, by whoever parses it.
    let _ = Scan { path: &Path::Root, found: &found }.deserialize(&mut deserializer);
    found.into_inner()
}

/// The message of a refused or warned about document; `None` when there is nothing to say.
/// Source: `runtime.NewStrictDecodingError`.
pub fn strict_decoding_error(unknown: &[String], duplicate: &[String]) -> Option<String> {
    let reports: Vec<String> = unknown
        .iter()
        .map(|path| format!("unknown field {}", goprint::quote(path)))
        .chain(duplicate.iter().map(|path| format!("duplicate field {}", goprint::quote(path))))
        .collect();
    (!reports.is_empty()).then(|| format!("strict decoding error: {}", reports.join(", ")))
}

enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn text(&self) -> String {
        match self {
            Self::Root => String::new(),
            Self::Field(Self::Root, name) => (*name).to_owned(),
            Self::Field(parent, name) => format!("{}.{name}", parent.text()),
            Self::Item(parent, index) => format!("{}[{index}]", parent.text()),
        }
    }
}

struct Scan<'a> {
    path: &'a Path<'a>,
    found: &'a RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Scan<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Scan<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut index = 0;
        let path = self.path;
        while seq.next_element_seed(Scan { path: &Path::Item(path, index), found: self.found })?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = std::collections::BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = Path::Field(self.path, &key);
            if seen.contains(&key) {
                self.report(&path).map_err(A::Error::custom)?;
            }
            map.next_value_seed(Scan { path: &path, found: self.found })?;
            seen.insert(key);
        }
        Ok(())
    }
}

impl Scan<'_> {
    fn report(&self, path: &Path) -> Result<(), &'static str> {
        let text = path.text();
        let mut found = self.found.borrow_mut();
        if !found.contains(&text) {
            found.push(text);
        }
        if found.len() < MAX_REPORTED { Ok(()) } else { Err("enough") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_stand_twice_are_named_once() {
        #[track_caller]
        fn check(json: &str, expected: &[&str]) {
            assert_eq!(duplicate_fields(json.as_bytes()), expected);
        }
        check(r#"{"a":1,"b":{"a":1}}"#, &[]);
        check(r#"{"a":1,"a":2,"a":3}"#, &["a"]);
        check(r#"{"spec":{"l":[{"n":1},{"n":1,"n":2.5}]}}"#, &["spec.l[1].n"]);
        check(r#"{"a":{"b":1,"b":2},"a":{"b":null,"b":true}}"#, &["a.b", "a"]);
        check("nonsense", &[]);
        check(r#"{"a":1,"a":"#, &["a"]);
    }

    #[test]
    fn findings_are_worded_like_upstream() {
        assert_eq!(strict_decoding_error(&[], &[]), None);
        assert_eq!(
            strict_decoding_error(&["spec.x".into()], &["spec.y".into()]).unwrap(),
            r#"strict decoding error: unknown field "spec.x", duplicate field "spec.y""#
        );
    }
}
