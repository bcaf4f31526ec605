//! Slices. No function changes one in place, but for `sortAlpha`, which puts the texts of a `[]string` in order for all who hold it.

use std::cell::OnceCell;
use std::ops::Deref;
use std::rc::Rc;

use super::{Value, unravel};

/// Which of Go's slice types a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ListKind {
    /// `[]interface {}`.
    Any,
    /// `[]string`: results of `splitList`, `keys`, `regexFindAll`.
    Strings,
    /// `[]int`: results of `until`.
    Ints,
    /// `[][]interface {}`: results of `chunk`.
    Lists,
    /// `[]map[string]interface {}`: arrays of tables in TOML.
    Dicts,
}

impl ListKind {
    pub(super) fn type_name(self) -> &'static str {
        match self {
            ListKind::Any => "[]interface {}",
            ListKind::Strings => "[]string",
            ListKind::Ints => "[]int",
            ListKind::Lists => "[][]interface {}",
            ListKind::Dicts => "[]map[string]interface {}",
        }
    }
}

/// A slice.
#[derive(Clone)]
pub(crate) struct List(Rc<Body>);

struct Body {
    kind: ListKind,
    /// Go's nil slice: empty like another, but `null` in JSON and YAML.
    nil: bool,
    items: Vec<Value>,
    /// The items in order, once somebody has sorted them. Whoever looks at the items at that moment goes on seeing them as they were.
    sorted: OnceCell<Vec<Value>>,
}

impl List {
    /// A list of these items.
    pub(crate) fn new(kind: ListKind, items: Vec<Value>) -> Self {
        List(Rc::new(Body { kind, nil: false, items, sorted: OnceCell::new() }))
    }

    /// A nil slice.
    pub(crate) fn nil(kind: ListKind) -> Self {
        List(Rc::new(Body { kind, nil: true, items: Vec::new(), sorted: OnceCell::new() }))
    }

    /// Its Go type.
    pub(crate) fn kind(&self) -> ListKind {
        self.0.kind
    }

    /// Whether it is Go's nil slice.
    pub(crate) fn is_nil(&self) -> bool {
        self.0.nil
    }

    /// Puts the items into this order, for every holder of the list. The order is that of `sortAlpha`, so a second time changes nothing.
    pub(crate) fn sort_to(&self, sorted: Vec<Value>) {
        let _ = self.0.sorted.set(sorted);
    }

    pub(super) fn dismantle(mut self, open: &mut Vec<Value>) {
        if let Some(body) = Rc::get_mut(&mut self.0) {
            open.append(&mut body.items);
        }
    }
}

impl Deref for List {
    type Target = [Value];

    fn deref(&self) -> &[Value] {
        self.0.sorted.get().unwrap_or(&self.0.items)
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if !self.items.is_empty() {
            unravel(std::mem::take(&mut self.items));
        }
    }
}
