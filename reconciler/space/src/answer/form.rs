//! Objects in the form that was asked for.
//!
//! Whole objects in the storage version are sent as the bytes that are stored; every other form is made of a parsed object.

use std::sync::Arc;

use apimachinery::Timestamp;
use bytes::Bytes;
use serde_json::{Value, json};

use super::{Accept, Form};
use crate::cache::{self, Happened};
use crate::convert;
use crate::resource::Endpoint;
use crate::space::Stored;
use crate::table;

/// How objects of one endpoint are shaped for one request.
#[derive(Clone, Debug)]
pub(crate) struct Shaped {
    /// Which version is asked for.
    pub(crate) endpoint: Endpoint,
    /// In which form.
    pub(crate) accept: Accept,
    /// For the ages in tables.
    pub(crate) now: Timestamp,
}

/// The metadata of a list.
#[derive(Clone, Debug, Default)]
pub(crate) struct ListMeta {
    /// The version of the list.
    pub(crate) version: u64,
    /// The token for the next page; empty on the last.
    pub(crate) next: String,
    /// How many are left after this page, if that is known.
    pub(crate) remaining: Option<usize>,
}

impl ListMeta {
    fn to_value(&self) -> Value {
        let mut meta = json!({ "resourceVersion": self.version.to_string() });
        if !self.next.is_empty() {
            meta["continue"] = self.next.as_str().into();
            if let Some(remaining) = self.remaining {
                meta["remainingItemCount"] = remaining.into();
            }
        }
        meta
    }
}

impl Shaped {
    /// One object.
    pub(crate) fn one(&self, stored: &Stored) -> Bytes {
        if self.is_stored_form(stored) {
            return self.text(Bytes::from_owner(Arc::clone(stored.object.bytes())));
        }
        self.value(&convert::read(&self.endpoint, stored))
    }

    /// One object that is not stored, in the endpoint's version.
    pub(crate) fn value(&self, object: &Value) -> Bytes {
        let shaped = match self.accept.form {
            Form::Object => object.to_string(),
            Form::Metadata => self.metadata(object).to_string(),
            Form::Table(include) => {
                let row = table::row(&self.endpoint, object, include, self.now);
                let version = object.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
                self.table(&[row], &json!({ "resourceVersion": version }), true).to_string()
            }
        };
        self.text(shaped.into())
    }

    /// A list.
    pub(crate) fn list(&self, items: &[Arc<Stored>], meta: &ListMeta) -> Bytes {
        let meta = meta.to_value();
        match self.accept.form {
            Form::Object => self.text(self.objects(items, &meta)),
            Form::Metadata => {
                let items: Vec<Value> = items
                    .iter()
                    .map(|stored| self.metadata(&convert::read(&self.endpoint, stored)))
                    .collect();
                let list = json!({
                    "kind": "PartialObjectMetadataList", "apiVersion": self.accept.meta_version(),
                    "metadata": meta, "items": items,
                });
                self.text(list.to_string().into())
            }
            Form::Table(include) => {
                let row = |stored: &Arc<Stored>| {
                    table::row(&self.endpoint, &convert::read(&self.endpoint, stored), include, self.now)
                };
                let rows: Vec<Value> = items.iter().map(row).collect();
                self.text(self.table(&rows, &meta, true).to_string().into())
            }
        }
    }

    /// One line of a watch. `first` is the first line: it alone carries the columns of a table.
    pub(crate) fn line(&self, happened: Happened, stored: &Stored, first: bool) -> Bytes {
        if self.is_stored_form(stored) {
            return cache::frame(happened.as_str(), stored.object.bytes());
        }
        let object = convert::read(&self.endpoint, stored);
        cache::frame(happened.as_str(), self.inner(&object, first).to_string().as_bytes())
    }

    /// The line of a bookmark at a version; `initial_end` marks the end of a streamed list.
    pub(crate) fn bookmark(&self, version: u64, initial_end: bool, first: bool) -> Bytes {
        let mut metadata = json!({ "resourceVersion": version.to_string() });
        if initial_end {
            metadata["annotations"] = json!({ "k8s.io/initial-events-end": "true" });
        }
        let gvk = self.endpoint.gvk();
        let object = json!({ "kind": gvk.kind, "apiVersion": gvk.api_version(), "metadata": metadata });
        cache::frame("BOOKMARK", self.inner(&object, first).to_string().as_bytes())
    }

    /// Whether stored bytes can be sent as they are.
    pub(crate) fn is_stored_form(&self, stored: &Stored) -> bool {
        self.accept.form == Form::Object
            && stored.object.header().gvk.version == self.endpoint.version().version
            && stored.object.header().gvk.group == self.endpoint.resource.group
    }

    fn inner(&self, object: &Value, first: bool) -> Value {
        match self.accept.form {
            Form::Object => object.clone(),
            Form::Metadata => self.metadata(object),
            Form::Table(include) => {
                let row = table::row(&self.endpoint, object, include, self.now);
                let version = object.pointer("/metadata/resourceVersion").cloned().unwrap_or_default();
                self.table(&[row], &json!({ "resourceVersion": version }), first)
            }
        }
    }

    fn metadata(&self, object: &Value) -> Value {
        json!({
            "kind": "PartialObjectMetadata", "apiVersion": self.accept.meta_version(),
            "metadata": object.get("metadata"),
        })
    }

    fn table(&self, rows: &[Value], meta: &Value, columns: bool) -> Value {
        let columns = if columns { Value::Array(table::columns(&self.endpoint)) } else { Value::Null };
        json!({
            "kind": "Table", "apiVersion": self.accept.meta_version(), "metadata": meta,
            "columnDefinitions": columns, "rows": rows,
        })
    }

    /// A list of whole objects. Items of built-in kinds do not say their kind, those of custom kinds do: so the server has it.
    fn objects(&self, items: &[Arc<Stored>], meta: &Value) -> Bytes {
        let resource = &self.endpoint.resource;
        let head = json!({
            "kind": resource.list_kind, "apiVersion": self.endpoint.gvk().api_version(), "metadata": meta,
        })
        .to_string();
        let size: usize = items.iter().map(|stored| stored.object.bytes().len() + 1).sum();
        let mut out = Vec::with_capacity(head.len() + size + 16);
        out.extend_from_slice(&head.as_bytes()[..head.len() - 1]);
        out.extend_from_slice(b",\"items\":[");
        for (index, stored) in items.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            let converted;
            let bytes: &[u8] = if self.is_stored_form(stored) {
                stored.object.bytes()
            } else {
                converted = convert::read(&self.endpoint, stored).to_string();
                converted.as_bytes()
            };
            if resource.is_custom() { out.extend_from_slice(bytes) } else { without_type(bytes, &mut out) }
        }
        out.extend_from_slice(b"]}");
        out.into()
    }

    /// JSON as it is, or as YAML.
    fn text(&self, json: Bytes) -> Bytes {
        if !self.accept.yaml {
            return json;
        }
        let value: Value = serde_json::from_slice(&json).unwrap_or_default();
        // A JSON tree has nothing that YAML could not say; and JSON is YAML.
        serde_saphyr::to_string(&value).map_or(json, Bytes::from)
    }
}

/// Appends a canonical JSON object without its top-level `apiVersion` and `kind`.
pub(crate) fn without_type(object: &[u8], out: &mut Vec<u8>) {
    let Some(mut at) = object.first().filter(|&&byte| byte == b'{').map(|_| 1) else {
        out.extend_from_slice(object);
        return;
    };
    out.push(b'{');
    let (mut first, mut left) = (true, 2);
    while left > 0 && at < object.len() && object[at] != b'}' {
        let end = member_end(object, at);
        let member = &object[at..end];
        if member.starts_with(b"\"apiVersion\":") || member.starts_with(b"\"kind\":") {
            left -= 1;
        } else {
            if !first {
                out.push(b',');
            }
            first = false;
            out.extend_from_slice(member);
        }
        at = if object.get(end) == Some(&b',') { end + 1 } else { end };
    }
    // What is left needs no more looking at.
    if !first && object.get(at).is_some_and(|&byte| byte != b'}') {
        out.push(b',');
    }
    out.extend_from_slice(&object[at.min(object.len())..]);
}

/// Where a member of an object ends: at the comma or brace that follows it.
fn member_end(object: &[u8], start: usize) -> usize {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (offset, &byte) in object[start..].iter().enumerate() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth > 0 => depth -= 1,
            b',' | b'}' if depth == 0 => return start + offset,
            _ => {}
        }
    }
    object.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_type_is_left_out_and_nothing_else() {
        let cases = [
            json!({"apiVersion": "v1", "kind": "A", "metadata": {"kind": "b", "apiVersion": "c"}}),
            json!({"apiVersion": "v1", "data": {"a\"}": "{,\\", "kind": "x"}, "kind": "A", "zz": [1, {"kind": 2}]}),
            json!({"apiVersion": "v1", "kind": "A"}),
            json!({"a": 1, "b": 2}),
            json!({"a": 1, "kind": "b"}),
            json!({}),
        ];
        for case in cases {
            let mut out = Vec::new();
            without_type(case.to_string().as_bytes(), &mut out);
            let mut expected = case.clone();
            let fields = expected.as_object_mut().unwrap();
            fields.remove("kind");
            fields.remove("apiVersion");
            assert_eq!(String::from_utf8(out).unwrap(), expected.to_string(), "{case}");
        }
    }
}
