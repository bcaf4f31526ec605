//! Sets of field paths: sorted trees, so that every operation is one pass over both.

use std::cmp::Ordering;

use super::path::{FieldPath, PathElement};

/// A set of field paths. A path being a member says nothing about the paths above or below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    /// Sorted by element, without duplicates, none of them [vacant](Node::vacant).
    pub(super) nodes: Vec<Node>,
}

/// What is in the set at one element and below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) element: PathElement,
    pub(super) mark: Mark,
}

/// Membership of one place and of the places below it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) member: bool,
    pub(super) below: FieldSet,
}

impl Mark {
    /// Nothing here and nothing below.
    pub(super) fn vacant(&self) -> bool {
        !self.member && self.below.is_empty()
    }

    /// The place itself and nothing below.
    pub(super) fn leaf() -> Self {
        Self { member: true, below: FieldSet::default() }
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        Self { member: self.member || other.member, below: self.below.union(&other.below) }
    }
}

static EMPTY: FieldSet = FieldSet { nodes: Vec::new() };

impl FieldSet {
    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether no path is a member.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.nodes.iter().map(|n| usize::from(n.mark.member) + n.mark.below.len()).sum()
    }

    /// Adds a path; the paths above it stay as they are. The empty path is not added: nobody owns the root.
    pub fn insert(&mut self, path: &[PathElement]) {
        let Some((first, rest)) = path.split_first() else { return };
        let index = match self.find(first) {
            Ok(index) => index,
            Err(index) => {
                self.nodes.insert(index, Node { element: first.clone(), mark: Mark::default() });
                index
            }
        };
        // `find` gave a position inside the list, or one where a node was inserted.
        let Some(node) = self.nodes.get_mut(index) else { return };
        if rest.is_empty() {
            node.mark.member = true;
        } else {
            node.mark.below.insert(rest);
        }
    }

    /// Whether the path is a member.
    pub fn contains(&self, path: &[PathElement]) -> bool {
        let Some((first, rest)) = path.split_first() else { return false };
        match self.mark(first) {
            Some(mark) if rest.is_empty() => mark.member,
            Some(mark) => mark.below.contains(rest),
            None => false,
        }
    }

    /// The paths below an element, without it.
    pub fn below(&self, element: &PathElement) -> &FieldSet {
        self.mark(element).map_or(&EMPTY, |mark| &mark.below)
    }

    pub(super) fn mark(&self, element: &PathElement) -> Option<&Mark> {
        self.find(element).ok().and_then(|index| self.nodes.get(index)).map(|node| &node.mark)
    }

    fn find(&self, element: &PathElement) -> Result<usize, usize> {
        self.nodes.binary_search_by(|node| node.element.cmp(element))
    }

    /// From marks in any order; those of the same element are united, vacant ones dropped.
    pub(super) fn from_marks(marks: impl IntoIterator<Item = (PathElement, Mark)>) -> Self {
        let mut nodes: Vec<Node> = marks
            .into_iter()
            .filter(|(_, mark)| !mark.vacant())
            .map(|(element, mark)| Node { element, mark })
            .collect();
        nodes.sort_by(|a, b| a.element.cmp(&b.element));
        nodes.dedup_by(|later, earlier| {
            let same = later.element == earlier.element;
            if same {
                earlier.mark = earlier.mark.union(&later.mark);
            }
            same
        });
        Self { nodes }
    }

    /// The members: those of one level before those of the levels below, as the API server lists them.
    pub fn paths(&self) -> Vec<FieldPath> {
        let mut out = Vec::new();
        self.collect(&mut Vec::new(), &mut out);
        out
    }

    fn collect(&self, prefix: &mut Vec<PathElement>, out: &mut Vec<FieldPath>) {
        for node in self.nodes.iter().filter(|n| n.mark.member) {
            let mut path = prefix.clone();
            path.push(node.element.clone());
            out.push(FieldPath(path));
        }
        for node in &self.nodes {
            prefix.push(node.element.clone());
            node.mark.below.collect(prefix, out);
            prefix.pop();
        }
    }

    /// Members of either.
    pub fn union(&self, other: &Self) -> Self {
        let mut nodes = Vec::with_capacity(self.nodes.len().max(other.nodes.len()));
        zip(self, other, |element, left, right| {
            let mark = match (left, right) {
                (Some(a), Some(b)) => a.union(b),
                (Some(mark), None) | (None, Some(mark)) => mark.clone(),
                (None, None) => return,
            };
            nodes.push(Node { element: element.clone(), mark });
        });
        Self { nodes }
    }

    /// Members of both.
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |a, b| {
            let b = b?;
            Some(Mark { member: a.member && b.member, below: a.below.intersection(&b.below) })
        })
    }

    /// Members of this set that are not members of the other. Taking away a path does not take away what is below it.
    pub fn difference(&self, other: &Self) -> Self {
        self.combine(other, |a, b| {
            Some(match b {
                None => a.clone(),
                Some(b) => Mark { member: a.member && !b.member, below: a.below.difference(&b.below) },
            })
        })
    }

    /// Members of this set that are neither members of the other nor below one.
    pub fn recursive_difference(&self, other: &Self) -> Self {
        self.combine(other, |a, b| match b {
            None => Some(a.clone()),
            Some(b) if b.member => None,
            Some(b) => Some(Mark { member: a.member, below: a.below.recursive_difference(&b.below) }),
        })
    }

    /// Members that have no member below them.
    pub fn leaves(&self) -> Self {
        let marks = self.nodes.iter().map(|node| {
            let mark = &node.mark;
            let member = mark.member && mark.below.is_empty();
            (node.element.clone(), Mark { member, below: mark.below.leaves() })
        });
        Self::from_marks(marks)
    }

    /// Keeps, for each element of this set, what the function makes of both sides.
    fn combine(&self, other: &Self, combine: impl Fn(&Mark, Option<&Mark>) -> Option<Mark>) -> Self {
        let mut nodes = Vec::new();
        zip(self, other, |element, left, right| {
            let Some(mark) = left.and_then(|left| combine(left, right)).filter(|mark| !mark.vacant()) else {
                return;
            };
            nodes.push(Node { element: element.clone(), mark });
        });
        Self { nodes }
    }
}

/// Visits the elements of both sets in order, each once.
fn zip(left: &FieldSet, right: &FieldSet, mut visit: impl FnMut(&PathElement, Option<&Mark>, Option<&Mark>)) {
    let (mut l, mut r) = (left.nodes.iter().peekable(), right.nodes.iter().peekable());
    loop {
        let order = match (l.peek(), r.peek()) {
            (Some(a), Some(b)) => a.element.cmp(&b.element),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        let a = if order.is_le() { l.next() } else { None };
        let b = if order.is_ge() { r.next() } else { None };
        if let Some(node) = a.or(b) {
            visit(&node.element, a.map(|n| &n.mark), b.map(|n| &n.mark));
        }
    }
}

impl FromIterator<FieldPath> for FieldSet {
    fn from_iter<I: IntoIterator<Item = FieldPath>>(paths: I) -> Self {
        let mut set = Self::new();
        for path in paths {
            set.insert(&path.0);
        }
        set
    }
}

impl std::fmt::Display for FieldSet {
    /// One path per line.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (i, path) in self.paths().iter().enumerate() {
            let newline = if i > 0 { "\n" } else { "" };
            write!(f, "{newline}{path}")?;
        }
        Ok(())
    }
}
