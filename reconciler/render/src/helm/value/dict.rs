//! Maps with text keys, shared by everyone who holds them.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::{Rc, Weak};

use super::{Value, unravel};

/// Which of Go's map types a map has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum DictKind {
    /// `map[string]interface {}`.
    #[default]
    Any,
    /// `common.Values`, the same with methods: `.Values` and `.Template`.
    Values,
    /// `map[string]string`: results of `split`.
    Strings,
}

impl DictKind {
    pub(super) fn type_name(self) -> &'static str {
        match self {
            DictKind::Any => "map[string]interface {}",
            DictKind::Values => "common.Values",
            DictKind::Strings => "map[string]string",
        }
    }
}

/// A map. A clone is the same map: what one holder changes all see.
///
/// No method hands out a borrow, so a template that changes a map while it ranges over it cannot get in its own way: it ranges over
/// the entries of before, where Go's order of such changes is undefined.
#[derive(Clone)]
pub(crate) struct Dict {
    /// A matter of who holds it: a function that takes a `common.Values` has a plain map.
    kind: DictKind,
    /// Go's nil map: empty, `null` in JSON, and nothing can be put into it.
    nil: bool,
    body: Rc<Body>,
}

struct Body {
    entries: RefCell<BTreeMap<Rc<str>, Value>>,
}

impl Dict {
    /// An empty map.
    pub(crate) fn new(kind: DictKind) -> Self {
        Dict::from_entries(kind, [])
    }

    /// A map of these entries; of two with one key the later one stays.
    pub(crate) fn from_entries(kind: DictKind, entries: impl IntoIterator<Item = (Rc<str>, Value)>) -> Self {
        Dict {
            kind,
            nil: false,
            body: Rc::new(Body { entries: RefCell::new(entries.into_iter().collect()) }),
        }
    }

    /// A nil map.
    pub(crate) fn nil(kind: DictKind) -> Self {
        Dict { nil: true, ..Dict::new(kind) }
    }

    /// A `map[string]interface {}` from names and values.
    pub(crate) fn of<const N: usize>(entries: [(&str, Value); N]) -> Self {
        Dict::from_entries(DictKind::Any, entries.map(|(key, value)| (Rc::from(key), value)))
    }

    /// The same entries now, under another Go type.
    pub(crate) fn as_kind(&self, kind: DictKind) -> Self {
        Dict::from_entries(kind, self.entries())
    }

    /// The same map under another Go type: a conversion, which copies nothing.
    pub(crate) fn seen_as(&self, kind: DictKind) -> Self {
        Dict { kind, ..self.clone() }
    }

    /// Its Go type.
    pub(crate) fn kind(&self) -> DictKind {
        self.kind
    }

    /// Whether it is Go's nil map.
    pub(crate) fn is_nil(&self) -> bool {
        self.nil
    }

    /// The value of a key.
    pub(crate) fn get(&self, key: &str) -> Option<Value> {
        self.body.entries.borrow().get(key).cloned()
    }

    /// Whether the key is there.
    pub(crate) fn contains_key(&self, key: &str) -> bool {
        self.body.entries.borrow().contains_key(key)
    }

    /// Sets a key.
    pub(crate) fn insert(&self, key: &str, value: Value) {
        let mut entries = self.body.entries.borrow_mut();
        let before = match entries.get_mut(key) {
            Some(held) => std::mem::replace(held, value),
            None => entries.insert(Rc::from(key), value).unwrap_or_default(),
        };
        // What was there may be the last holder of this very map's neighbours: it goes after the borrow.
        drop(entries);
        drop(before);
    }

    /// Removes a key.
    pub(crate) fn remove(&self, key: &str) {
        let before = self.body.entries.borrow_mut().remove(key);
        drop(before);
    }

    /// The entries of this moment, sorted by key.
    pub(crate) fn entries(&self) -> Vec<(Rc<str>, Value)> {
        self.body.entries.borrow().iter().map(|(key, value)| (Rc::clone(key), value.clone())).collect()
    }

    /// The keys of this moment, sorted.
    pub(crate) fn keys(&self) -> Vec<Rc<str>> {
        self.body.entries.borrow().keys().cloned().collect()
    }

    /// The number of entries.
    pub(crate) fn len(&self) -> usize {
        self.body.entries.borrow().len()
    }

    /// Whether there is no entry.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a key that is not there has: Go's zero value of the elements.
    pub(crate) fn zero(&self) -> Value {
        match self.kind() {
            DictKind::Strings => Value::text(""),
            DictKind::Any | DictKind::Values => Value::Nil,
        }
    }

    /// A reference that keeps nothing alive.
    pub(crate) fn downgraded(&self) -> WeakDict {
        WeakDict(Rc::downgrade(&self.body))
    }

    /// Whether both are one map.
    pub(crate) fn is(&self, other: &Dict) -> bool {
        Rc::ptr_eq(&self.body, &other.body)
    }

    pub(super) fn dismantle(mut self, open: &mut Vec<Value>) {
        if let Some(body) = Rc::get_mut(&mut self.body) {
            open.extend(std::mem::take(body.entries.get_mut()).into_values());
        }
    }
}

/// A map that may be gone.
pub(crate) struct WeakDict(Weak<Body>);

impl WeakDict {
    /// Removes every entry, if the map is still there. Ends cycles.
    pub(crate) fn clear(&self) {
        if let Some(body) = self.0.upgrade() {
            let before = std::mem::take(&mut *body.entries.borrow_mut());
            drop(before);
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let entries = std::mem::take(self.entries.get_mut());
        if !entries.is_empty() {
            unravel(entries.into_values().collect());
        }
    }
}
