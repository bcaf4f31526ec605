//! Field sets that were written under another schema.

use crate::smd::path::PathElement;
use crate::smd::set::{FieldSet, Mark};
use crate::smd::shape::Shape;

/// Brings a stored set in line with the schema of today: below a list or map that is owned as a whole by now, ownership of parts becomes ownership of the whole. The
/// other direction needs nothing: who owned the whole goes on owning that path.
pub(in crate::smd) fn reconcile(set: &FieldSet, shape: Shape<'_>) -> FieldSet {
    below(set, shape)
}

fn below(set: &FieldSet, shape: Shape<'_>) -> FieldSet {
    let atom = shape.atom();
    FieldSet::from_marks(set.nodes.iter().map(|node| {
        let child = match (&atom.map, &atom.list, &node.element) {
            (Some(map), _, PathElement::Field(name)) => Some(map.field(name)),
            (Some(map), ..) => Some(map.rest),
            (None, Some(list), _) if atom.scalar.is_none() => Some(list.items),
            _ => None,
        };
        let mark = child.map_or_else(|| node.mark.clone(), |shape| reconciled(&node.mark, shape));
        (node.element.clone(), mark)
    }))
}

fn reconciled(mark: &Mark, shape: Shape<'_>) -> Mark {
    if mark.below.is_empty() {
        return mark.clone();
    }
    let atom = shape.atom();
    let whole = match (&atom.map, &atom.list) {
        // Deduced maps say nothing about who owns them how.
        (Some(map), _) if map.is_deduced() => return mark.clone(),
        (Some(map), _) => map.whole,
        (None, Some(list)) => atom.scalar.is_none() && list.is_whole(),
        (None, None) => false,
    };
    if whole { Mark::leaf() } else { Mark { member: mark.member, below: below(&mark.below, shape) } }
}
