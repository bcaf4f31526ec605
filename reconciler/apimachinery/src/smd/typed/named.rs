//! The declared fields above a path.

use crate::smd::path::PathElement;
use crate::smd::set::{FieldSet, Mark};
use crate::smd::shape::Shape;

/// The set together with every declared field that a member lies below: with `.spec.replicas`, also `.spec`. Entries of maps and items of lists are
/// not added.
pub(in crate::smd) fn with_named_fields(set: &FieldSet, shape: Shape<'_>) -> FieldSet {
    let atom = shape.atom();
    FieldSet::from_marks(set.nodes.iter().map(|node| {
        let (named, below) = match &node.element {
            PathElement::Field(name) => {
                let map = atom.map.as_ref();
                (map.is_some_and(|m| m.declared(name).is_some()), map.map(|m| m.field(name)))
            }
            PathElement::Key(_) => (false, atom.list.map(|list| list.items)),
            PathElement::Value(_) | PathElement::Index(_) => (false, None),
        };
        let below =
            below.map_or_else(|| node.mark.below.clone(), |shape| with_named_fields(&node.mark.below, shape));
        (node.element.clone(), Mark { member: node.mark.member || named, below })
    }))
}
