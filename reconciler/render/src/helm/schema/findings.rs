//! What a validator found, in words of ours.

use boon::{ErrorKind, ValidationError};

use super::patterns::Originals;
use crate::helm::functions::is_multiple;

/// The findings that no other finding explains further.
pub(super) fn leaves(error: &ValidationError<'_, '_>, originals: &Originals, said: &mut Vec<String>) {
    if !holds(error) {
        return;
    }
    if error.causes.is_empty() {
        said.push(format!("at '{}': {}", error.instance_location, message(&error.kind, originals)));
    }
    error.causes.iter().for_each(|cause| leaves(cause, originals, said));
}

/// Whether a finding is one to Helm, too: the validator calculates multiples with floats, where Helm's is exact.
///
/// Only what the validator refuses is looked at again. What it takes it takes, and so it does where it wants no more than a yes or no:
/// in `if`, in `not`, and in the alternatives of `oneOf` behind one that fits.
fn holds(error: &ValidationError<'_, '_>) -> bool {
    match &error.kind {
        ErrorKind::MultipleOf { got, want } => {
            let exact = got.as_f64().zip(want.as_f64()).and_then(|(got, want)| is_multiple(got, want));
            exact != Some(true)
        }
        _ if error.causes.is_empty() => true,
        ErrorKind::AnyOf | ErrorKind::Contains => error.causes.iter().all(holds),
        ErrorKind::OneOf(None) => error.causes.iter().filter(|cause| !holds(cause)).count() != 1,
        ErrorKind::MinContains { .. } => true,
        _ => error.causes.iter().any(holds),
    }
}

/// What is wrong, in words that hold nothing of the values but names, counts and kinds.
fn message(kind: &ErrorKind<'_, '_>, originals: &Originals) -> String {
    match kind {
        ErrorKind::Format { want, .. } => format!("value is not valid {want}"),
        ErrorKind::Pattern { want, .. } => {
            format!("value does not match pattern '{}'", originals.of(want))
        }
        ErrorKind::ContentEncoding { want, .. } => format!("value is not {want} encoded"),
        ErrorKind::ContentMediaType { want, .. } => format!("value is not of media type {want}"),
        ErrorKind::Minimum { want, .. } => format!("must be >= {want}"),
        ErrorKind::Maximum { want, .. } => format!("must be <= {want}"),
        ErrorKind::ExclusiveMinimum { want, .. } => format!("must be > {want}"),
        ErrorKind::ExclusiveMaximum { want, .. } => format!("must be < {want}"),
        ErrorKind::MultipleOf { want, .. } => format!("must be a multiple of {want}"),
        // The rest speaks of the schema, of kinds, of counts and of member names.
        other => other.to_string(),
    }
}
