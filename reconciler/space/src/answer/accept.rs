//! The header `Accept`.
//!
//! Rules: `k8s.io/apiserver/pkg/endpoints/handlers/negotiation`. Parameters `as`, `g` and `v` ask for a transformation; the first entry that can be served
//! wins, higher quality first.

use crate::status::{Answer, ApiError};
use crate::table::IncludeObject;

/// What can be produced, as the error lists it.
pub(crate) const PRODUCED: &[&str] = &["application/json", "application/yaml"];

/// The shape of the objects in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Whole objects.
    Object,
    /// `PartialObjectMetadata` and lists of it.
    Metadata,
    /// A `Table`.
    Table(IncludeObject),
}

/// What an answer shall be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Accept {
    /// The shape.
    pub(crate) form: Form,
    /// YAML instead of JSON.
    pub(crate) yaml: bool,
    /// `meta.k8s.io/v1beta1` instead of v1 for Table and PartialObjectMetadata.
    pub(crate) beta: bool,
}

impl Accept {
    /// Whole objects as JSON.
    pub(crate) const JSON: Self = Self { form: Form::Object, yaml: false, beta: false };

    /// Reads the header; `include` is the query parameter `includeObject`.
    ///
    /// # Errors
    /// 406 if nothing in it can be produced, 400 for an unknown `includeObject`.
    pub(crate) fn parse(header: Option<&str>, include: Option<&str>) -> Answer<Self> {
        let include = match include {
            None | Some("" | "Metadata") => IncludeObject::Metadata,
            Some("None") => IncludeObject::None,
            Some("Object") => IncludeObject::Object,
            Some(other) => {
                return Err(ApiError::bad_request(format!("unrecognized includeObject value: {other:?}")));
            }
        };
        let Some(header) = header.filter(|header| !header.trim().is_empty()) else { return Ok(Self::JSON) };
        let mut entries: Vec<(f32, Entry<'_>)> = header.split(',').map(Entry::parse).collect();
        // A stable sort: equal quality keeps the order of the header.
        entries.sort_by(|a, b| b.0.total_cmp(&a.0));
        let accepted = entries.iter().find_map(|(_, entry)| entry.accepted(include));
        accepted.ok_or_else(|| ApiError::not_acceptable(PRODUCED))
    }

    /// The media type of an answer.
    pub(crate) fn content_type(self) -> &'static str {
        if self.yaml { "application/yaml" } else { "application/json" }
    }

    /// `meta.k8s.io/v1`.
    pub(crate) fn meta_version(self) -> &'static str {
        if self.beta { "meta.k8s.io/v1beta1" } else { "meta.k8s.io/v1" }
    }
}

/// One entry of the header.
#[derive(Default)]
struct Entry<'a> {
    media_type: &'a str,
    transform: &'a str,
    group: &'a str,
    version: &'a str,
}

impl<'a> Entry<'a> {
    /// The entry and its quality.
    fn parse(text: &'a str) -> (f32, Self) {
        let mut parts = text.split(';').map(str::trim);
        let mut entry = Self { media_type: parts.next().unwrap_or_default(), ..Self::default() };
        let mut quality = 1.0;
        for part in parts {
            match part.split_once('=').map(|(key, value)| (key.trim(), value.trim())) {
                Some(("as", value)) => entry.transform = value,
                Some(("g", value)) => entry.group = value,
                Some(("v", value)) => entry.version = value,
                Some(("q", value)) => quality = value.parse().unwrap_or(1.0),
                _ => {}
            }
        }
        (quality, entry)
    }

    fn accepted(&self, include: IncludeObject) -> Option<Accept> {
        let yaml = match self.media_type {
            "application/json" | "*/*" | "application/*" => false,
            "application/yaml" => true,
            _ => return None,
        };
        let form = match self.transform {
            "" => Form::Object,
            "PartialObjectMetadata" | "PartialObjectMetadataList" => Form::Metadata,
            "Table" => Form::Table(include),
            _ => return None,
        };
        let known = self.group == "meta.k8s.io" && matches!(self.version, "v1" | "v1beta1");
        if form != Form::Object && !known {
            return None;
        }
        Some(Accept { form, yaml, beta: self.version == "v1beta1" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &str, expected: Option<Accept>) {
        assert_eq!(Accept::parse(Some(header), None).ok(), expected, "{header}");
    }

    #[test]
    fn the_first_entry_that_can_be_produced_wins() {
        let json = Accept::JSON;
        let table = Accept { form: Form::Table(IncludeObject::Metadata), ..json };
        check("", Some(json));
        check("*/*", Some(json));
        check("application/json", Some(json));
        check("application/vnd.kubernetes.protobuf,application/json", Some(json));
        check("application/vnd.kubernetes.protobuf", None);
        check("text/csv", None);
        check("application/yaml", Some(Accept { yaml: true, ..json }));
        check("application/json;q=0.5, application/yaml", Some(Accept { yaml: true, ..json }));
        check("application/json;as=Table;v=v1;g=meta.k8s.io,application/json", Some(table));
        check("application/json;as=Table;g=meta.k8s.io;v=v1beta1", Some(Accept { beta: true, ..table }));
        check("application/json;as=Table;v=v9;g=meta.k8s.io, application/json", Some(json));
        check(
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            Some(Accept { form: Form::Metadata, ..json }),
        );
    }
}
