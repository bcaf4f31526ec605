//! What a validator found, in words of ours.

use boon::{ErrorKind, ValidationError};
use serde_json::Value as Json;

use super::patterns::Originals;
use crate::helm::functions::is_multiple;

/// Alternatives that are told one by one.
const ALTERNATIVES: usize = 8;

/// What the words are about.
pub(super) struct Findings<'a> {
    pub(super) originals: &'a Originals,
    pub(super) values: &'a Json,
}

impl Findings<'_> {
    /// The findings that no other finding explains further, each with its place.
    pub(super) fn told(&self, error: &ValidationError<'_, '_>) -> Vec<String> {
        let mut said = Vec::new();
        self.collect(error, &mut said);
        // The order of members in the validator is that of a hash map.
        said.sort();
        said.dedup();
        said.into_iter().map(|(place, what)| format!("at '{place}': {what}")).collect()
    }

    fn collect(&self, error: &ValidationError<'_, '_>, said: &mut Vec<(String, String)>) {
        if !holds(error) {
            return;
        }
        let here = || error.instance_location.to_string();
        match &error.kind {
            ErrorKind::PropertyName { prop } => {
                let about = self.about(error);
                said.push(match self.named_at(error.schema_url) {
                    Ok(place) => (place, format!("the name '{prop}'{about}")),
                    Err(asks) => (String::new(), format!("the name '{prop}' of a map of #{asks}{about}")),
                });
            }
            ErrorKind::AnyOf if !error.causes.is_empty() => {
                said.push((here(), self.alternatives("anyOf", error)));
            }
            ErrorKind::OneOf(None) if !error.causes.is_empty() => {
                said.push((here(), self.alternatives("oneOf", error)));
            }
            kind if error.causes.is_empty() || is_count(kind) => {
                said.push((here(), self.message(kind)));
            }
            _ => error.causes.iter().for_each(|cause| self.collect(cause, said)),
        }
    }

    /// Why each of several alternatives does not fit.
    fn alternatives(&self, keyword: &str, error: &ValidationError<'_, '_>) -> String {
        let here = error.instance_location.to_string();
        let alternative = |cause| {
            let mut said = Vec::new();
            self.collect(cause, &mut said);
            said.sort();
            said.dedup();
            let said = said.into_iter().map(|(place, what)| match place.strip_prefix(&here) {
                Some("") => what,
                Some(below) => format!("at '{below}': {what}"),
                None => format!("at '{place}': {what}"),
            });
            said.collect::<Vec<_>>().join(", and ")
        };
        let count = error.causes.len();
        let mut shown: Vec<String> = error.causes.iter().take(ALTERNATIVES).map(alternative).collect();
        if count > ALTERNATIVES {
            shown.push(format!("and {} more", count - ALTERNATIVES));
        }
        format!("matches none of {count} alternatives of {keyword}: {}", shown.join("; "))
    }

    /// What is wrong with a name.
    fn about(&self, error: &ValidationError<'_, '_>) -> String {
        let mut said = Vec::new();
        error.causes.iter().for_each(|cause| self.collect(cause, &mut said));
        said.sort();
        said.dedup();
        let about = said.iter().map(|(_, what)| what.strip_prefix("value ").unwrap_or(what));
        let about = about.collect::<Vec<_>>().join(", and ");
        if about.starts_with("does ") || about.starts_with("is ") {
            format!(" {about}")
        } else {
            format!(": {about}")
        }
    }

    /// The map whose names a schema is about: the validator forgets it. The error is the schema's own place, where that does not tell.
    fn named_at(&self, schema: &str) -> Result<String, String> {
        let schema = schema.split_once('#').map_or("", |(_, fragment)| fragment);
        let mut steps = schema.split('/').skip(1);
        let (mut place, mut value) = (String::new(), self.values);
        while let Some(keyword) = steps.next() {
            match keyword {
                "allOf" | "anyOf" | "oneOf" => _ = steps.next(),
                "if" | "then" | "else" => {}
                "properties" => {
                    let name = steps.next().unwrap_or_default();
                    let below = value.pointer(&format!("/{name}"));
                    value = below.ok_or_else(|| schema.to_owned())?;
                    place.push_str(&format!("/{name}"));
                }
                _ => return Err(schema.to_owned()),
            }
        }
        Ok(place)
    }

    /// What is wrong, in words that hold nothing of the values but names, counts and kinds.
    fn message(&self, kind: &ErrorKind<'_, '_>) -> String {
        match kind {
            ErrorKind::Format { want, .. } => format!("value is not valid {want}"),
            ErrorKind::Pattern { want, .. } => {
                format!("value does not match pattern '{}'", self.originals.of(want))
            }
            ErrorKind::ContentEncoding { want, .. } => format!("value is not {want} encoded"),
            ErrorKind::ContentMediaType { want, .. } => format!("value is not of media type {want}"),
            ErrorKind::Minimum { want, .. } => format!("must be >= {want}"),
            ErrorKind::Maximum { want, .. } => format!("must be <= {want}"),
            ErrorKind::ExclusiveMinimum { want, .. } => format!("must be > {want}"),
            ErrorKind::ExclusiveMaximum { want, .. } => format!("must be < {want}"),
            ErrorKind::MultipleOf { want, .. } => format!("must be a multiple of {want}"),
            ErrorKind::Contains => "no item matches what `contains` asks".to_owned(),
            ErrorKind::MinContains { got, want } => {
                format!("{} items match what `contains` asks, at least {want} must", got.len())
            }
            ErrorKind::MaxContains { got, want } => {
                format!("{} items match what `contains` asks, at most {want} may", got.len())
            }
            ErrorKind::Not => "matches what `not` forbids".to_owned(),
            ErrorKind::OneOf(Some((one, other))) => {
                format!("matches the alternatives {one} and {other} of oneOf, exactly one is allowed")
            }
            ErrorKind::FalseSchema => "is not allowed (false schema)".to_owned(),
            // The rest speaks of the schema, of kinds, of counts and of member names.
            other => other.to_string(),
        }
    }
}

/// What is said of the items as a whole; why each of them does not fit explains nothing.
fn is_count(kind: &ErrorKind<'_, '_>) -> bool {
    matches!(kind, ErrorKind::Contains | ErrorKind::MinContains { .. })
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
