//! What a definition must be. Source: `apiextensions/validation/validation.go`; schemas are checked by [`apimachinery::schema`].

use std::collections::BTreeSet;

use apimachinery::field_error::{FieldError, FieldPath};
use apimachinery::kinds::CustomKind;
use serde_json::{Value, json};

use crate::status::Cause;

use super::custom::cause;
use super::{condition, text};

const APPROVAL: &str = "api-approved.kubernetes.io";
const APPROVAL_LINK: &str = "see https://github.com/kubernetes/enhancements/pull/1111";

/// All that is wrong with a definition, which has its defaults. `old` is given for updates.
pub(super) fn definition(new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut errors = Vec::new();
    name(new, &mut errors);
    group(new, &mut errors);
    scope(new, &mut errors);
    versions(new, &mut errors);
    required_names(new, &mut errors);
    names(&new["spec"]["names"], &FieldPath::new("spec.names"), &mut errors);
    common(new, &mut errors);
    conversion(new, &mut errors);
    names(&new["status"]["acceptedNames"], &FieldPath::new("status.acceptedNames"), &mut errors);
    if let Some(old) = old {
        immutable(new, old, &mut errors);
    }
    stored_versions(new, &mut errors);
    approval(new, old, &mut errors);
    if new.pointer("/spec/preserveUnknownFields") == Some(&Value::Bool(true)) {
        let detail = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        errors.push(FieldError::invalid(&FieldPath::new("spec.preserveUnknownFields"), json!(true), detail));
    }
    errors.iter().map(cause).collect()
}

fn name(new: &Value, errors: &mut Vec<FieldError>) {
    let found = text(new, "/metadata/name");
    let required = format!("{}.{}", text(new, "/spec/names/plural"), text(new, "/spec/group"));
    let other = (found != required).then_some("must be spec.names.plural+\".\"+spec.group");
    for detail in not_a_subdomain(found).into_iter().chain(other) {
        errors.push(FieldError::invalid(&FieldPath::new("metadata.name"), json!(found), detail));
    }
}

fn group(new: &Value, errors: &mut Vec<FieldError>) {
    let path = FieldPath::new("spec.group");
    let group = text(new, "/spec/group");
    if group.is_empty() {
        errors.push(FieldError::required(&path, ""));
    } else if let Some(detail) = not_a_subdomain(group) {
        errors.push(FieldError::invalid(&path, json!(group), detail));
    } else if !group.contains('.') {
        errors.push(FieldError::invalid(&path, json!(group), "should be a domain with at least one dot"));
    }
}

fn scope(new: &Value, errors: &mut Vec<FieldError>) {
    let path = FieldPath::new("spec.scope");
    match text(new, "/spec/scope") {
        "" => errors.push(FieldError::required(&path, "")),
        "Cluster" | "Namespaced" => {}
        other => errors.push(FieldError::not_supported(&path, json!(other), ["Cluster", "Namespaced"])),
    }
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

/// What the versions have of their own. What all versions say alike the server moves to the top of the spec, and there it reports what is wrong.
const OWN: [&str; 4] = ["schema", "subresources", "additionalPrinterColumns", "selectableFields"];

fn is_common(all: &[Value], field: &str) -> bool {
    let of = |version: &Value| version.get(field).filter(|found| !found.is_null()).cloned();
    all.first().map(of).is_some_and(|first| all.iter().all(|version| of(version) == first))
}

fn versions(new: &Value, errors: &mut Vec<FieldError>) {
    let path = FieldPath::new("spec.versions");
    let all = list(new, "/spec/versions");
    for (index, version) in all.iter().enumerate() {
        if version.pointer("/schema/openAPIV3Schema").is_none_or(Value::is_null) {
            let path = path.index(index).child("schema").child("openAPIV3Schema");
            errors.push(FieldError::required(&path, ""));
        }
    }
    let kind = CustomKind::from_crd(new).ok();
    for (index, raw) in all.iter().enumerate() {
        version(raw, &path.index(index), errors);
        for field in OWN.into_iter().filter(|field| !is_common(all, field)) {
            own(raw, field, &path.index(index).child(field), kind.as_ref(), errors);
        }
    }
    let shown = || new.pointer("/spec/versions").cloned().unwrap_or_else(|| json!([]));
    let names: BTreeSet<&str> = all.iter().map(|version| text(version, "/name")).collect();
    if names.len() != all.len() {
        errors.push(FieldError::invalid(&path, shown(), "must contain unique version names"));
    }
    if all.iter().filter(|version| version["storage"] == true).count() != 1 {
        let detail = "must have exactly one version marked as storage version";
        errors.push(FieldError::invalid(&path, shown(), detail));
    }
    let first = all.first().map(|version| text(version, "/name")).filter(|name| !name.is_empty());
    if let Some((name, detail)) = first.and_then(|name| Some((name, not_a_label(name)?))) {
        errors.push(FieldError::invalid(&FieldPath::new("spec.version"), json!(name), detail));
    }
}

fn common(new: &Value, errors: &mut Vec<FieldError>) {
    let all = list(new, "/spec/versions");
    let Some(first) = all.first() else { return };
    let kind = CustomKind::from_crd(new).ok();
    for field in OWN.into_iter().filter(|field| is_common(all, field)) {
        let at = if field == "schema" { "validation" } else { field };
        own(first, field, &FieldPath::new("spec").child(at), kind.as_ref(), errors);
    }
}

fn version(raw: &Value, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let name = text(raw, "/name");
    if let Some(detail) = not_a_label(name) {
        errors.push(FieldError::invalid(&path.child("name"), json!(name), detail));
    }
    if let Some(warning) = raw.get("deprecationWarning").and_then(Value::as_str) {
        let path = path.child("deprecationWarning");
        let mut invalid = |detail: &str| errors.push(FieldError::invalid(&path, json!(warning), detail));
        match () {
            () if raw["deprecated"] != true => invalid("can only be set for deprecated versions"),
            () if warning.len() > 256 => invalid("must be <= 256 characters long"),
            () if warning.is_empty() => invalid("must not be an empty string"),
            () => {}
        }
    }
}

/// One of a version's own fields, which stands at `path`.
fn own(
    version: &Value,
    field: &str,
    path: &FieldPath,
    kind: Option<&CustomKind>,
    errors: &mut Vec<FieldError>,
) {
    match field {
        "schema" => schema(version, path, kind, errors),
        "subresources" => {
            if let Some(scale) = version.pointer("/subresources/scale").filter(|scale| !scale.is_null()) {
                scale_paths(scale, path, errors);
            }
        }
        "additionalPrinterColumns" => {
            for (index, column) in list(version, "/additionalPrinterColumns").iter().enumerate() {
                printer_column(column, &path.index(index), errors);
            }
        }
        _ => selectable_fields(version, path, errors),
    }
}

/// Schemas are checked where kinds are read, which says `spec.versions[…].schema`.
fn schema(version: &Value, path: &FieldPath, kind: Option<&CustomKind>, errors: &mut Vec<FieldError>) {
    if version.pointer("/schema/openAPIV3Schema").is_none_or(Value::is_null) {
        return;
    }
    let parsed =
        kind.and_then(|kind| kind.versions.iter().find(|parsed| parsed.name == text(version, "/name")));
    for fault in parsed.iter().flat_map(|parsed| &parsed.faults) {
        let mut fault = fault.clone();
        if let Some((_, inside)) = fault.path.as_str().split_once("].schema.") {
            fault.path = FieldPath::new(format!("{path}.{inside}"));
        }
        errors.push(fault);
    }
}

fn scale_paths(scale: &Value, path: &FieldPath, errors: &mut Vec<FieldError>) {
    let fields = [
        ("specReplicasPath", true, &[".spec."][..], "should be a json path under .spec"),
        ("statusReplicasPath", true, &[".status."], "should be a json path under .status"),
        (
            "labelSelectorPath",
            false,
            &[".spec.", ".status."],
            "should be a json path under either .spec or .status",
        ),
    ];
    for (field, needed, prefixes, detail) in fields {
        let path = path.child("scale").child(field);
        let found = scale.get(field).and_then(Value::as_str).unwrap_or_default();
        if found.is_empty() {
            if needed {
                errors.push(FieldError::required(&path, ""));
            }
        } else if !found.starts_with('.') {
            let detail = "must be a simple json path starting with .";
            errors.push(FieldError::invalid(&path, json!(found), detail));
        } else if !prefixes.iter().any(|prefix| found.starts_with(prefix)) {
            errors.push(FieldError::invalid(&path, json!(found), detail));
        }
    }
}

fn printer_column(column: &Value, path: &FieldPath, errors: &mut Vec<FieldError>) {
    const TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
    const FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];
    let field = |name: &str| column.get(name).and_then(Value::as_str).unwrap_or_default();
    if field("name").is_empty() {
        errors.push(FieldError::required(&path.child("name"), ""));
    }
    let one_of = |all: &[&str]| format!("must be one of {}", all.join(","));
    match field("type") {
        "" => errors.push(FieldError::required(&path.child("type"), one_of(&TYPES))),
        known if TYPES.contains(&known) => {}
        other => errors.push(FieldError::invalid(&path.child("type"), json!(other), one_of(&TYPES))),
    }
    match field("format") {
        "" => {}
        known if FORMATS.contains(&known) => {}
        other => errors.push(FieldError::invalid(&path.child("format"), json!(other), one_of(&FORMATS))),
    }
    // The server names the Go field here.
    let path = path.child("JSONPath");
    match field("jsonPath") {
        "" => errors.push(FieldError::required(&path, "")),
        simple if simple.starts_with('.') => {}
        other => {
            let detail = "must be a simple json path starting with .";
            errors.push(FieldError::invalid(&path, json!(other), detail));
        }
    }
}

fn selectable_fields(version: &Value, path: &FieldPath, errors: &mut Vec<FieldError>) {
    const MOST: usize = 8;
    let mut seen = BTreeSet::new();
    for (index, field) in list(version, "/selectableFields").iter().enumerate() {
        let path = path.index(index).child("jsonPath");
        let found = text(field, "/jsonPath");
        if found.is_empty() {
            errors.push(FieldError::required(&path, ""));
            continue;
        }
        let schema = match selected(version.pointer("/schema/openAPIV3Schema"), found) {
            Ok(schema) => schema,
            Err(detail) => {
                let detail = format!("is an invalid path: {detail}");
                errors.push(FieldError::invalid(&path, json!(found), detail));
                continue;
            }
        };
        if found == ".metadata" || found.starts_with(".metadata.") {
            errors.push(FieldError::invalid(&path, json!(found), "must not point to fields in metadata"));
        }
        if !matches!(text(schema, "/type"), "string" | "boolean" | "integer") {
            let detail = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
            errors.push(FieldError::invalid(&path, json!(found), detail));
        }
        if !seen.insert(found) {
            errors.push(FieldError::duplicate(&path, json!(found)));
        }
    }
    if seen.len() > MOST {
        errors.push(FieldError::too_many(path, seen.len(), MOST as u64));
    }
}

/// The schema of the field that a path selects. Source: `apiserver/schema/cel/validation.go`.
fn selected<'a>(mut schema: Option<&'a Value>, path: &str) -> Result<&'a Value, String> {
    const UNKNOWN: &str = "does not refer to a valid field";
    let Some(fields) = path.strip_prefix('.') else {
        let end = path.find(['.', '[', ']']).filter(|end| *end > 0).unwrap_or(path.len());
        return Err(match path.starts_with('[') {
            true => "array notation is not allowed".to_owned(),
            false => format!("expected [ or . but got: {}", &path[..end]),
        });
    };
    for field in fields.split('.') {
        let (field, array) = field.split_once('[').map_or((field, false), |(field, _)| (field, true));
        if field.is_empty() {
            return Err("unexpected end of JSON path".to_owned());
        }
        let named = schema.and_then(|schema| schema.pointer("/properties")?.get(field));
        schema = named.or_else(|| schema?.get("additionalProperties"));
        schema.ok_or(UNKNOWN)?;
        if array {
            return Err("array notation is not allowed".to_owned());
        }
    }
    schema.ok_or_else(|| UNKNOWN.to_owned())
}

fn required_names(new: &Value, errors: &mut Vec<FieldError>) {
    for field in ["plural", "singular", "kind", "listKind"] {
        if text(new, &format!("/spec/names/{field}")).is_empty() {
            errors.push(FieldError::required(&FieldPath::new("spec.names").child(field), ""));
        }
    }
}

fn names(names: &Value, path: &FieldPath, errors: &mut Vec<FieldError>) {
    for (field, mixed_case) in [("plural", false), ("singular", false), ("kind", true), ("listKind", true)] {
        let name = names.get(field).and_then(Value::as_str).unwrap_or_default();
        let (checked, prefix) = match mixed_case {
            true => (name.to_lowercase(), "may have mixed case, but should otherwise match: "),
            false => (name.to_owned(), ""),
        };
        if let Some(detail) = not_a_label(&checked).filter(|_| !name.is_empty()) {
            errors.push(FieldError::invalid(&path.child(field), json!(name), format!("{prefix}{detail}")));
        }
    }
    for field in ["shortNames", "categories"] {
        for (index, name) in list(names, &format!("/{field}")).iter().enumerate() {
            let name = name.as_str().unwrap_or_default();
            if let Some(detail) = not_a_label(name) {
                errors.push(FieldError::invalid(&path.child(field).index(index), json!(name), detail));
            }
        }
    }
    let (kind, list_kind) = (text(names, "/kind"), text(names, "/listKind"));
    if !kind.is_empty() && kind == list_kind {
        let detail = "kind and listKind may not be the same";
        errors.push(FieldError::invalid(&path.child("listKind"), json!(list_kind), detail));
    }
}

fn conversion(new: &Value, errors: &mut Vec<FieldError>) {
    let path = FieldPath::new("spec.conversion");
    let conversion = new.pointer("/spec/conversion").unwrap_or(&Value::Null);
    let strategy = text(conversion, "/strategy");
    // Fields have the names of the server's internal type here.
    let (client, reviews) = (path.child("webhookClientConfig"), path.child("conversionReviewVersions"));
    match strategy {
        _ if conversion.is_null() => return,
        "" => errors.push(FieldError::required(&path.child("strategy"), "")),
        "None" | "Webhook" => {}
        other => {
            let path = path.child("strategy");
            errors.push(FieldError::not_supported(&path, json!(other), ["None", "Webhook"]));
        }
    }
    let config = conversion.pointer("/webhook/clientConfig").filter(|config| !config.is_null());
    let versions = list(conversion, "/webhook/conversionReviewVersions");
    if strategy != "Webhook" {
        let detail = "should not be set when strategy is not set to Webhook";
        if config.is_some() {
            errors.push(FieldError::forbidden(&client, detail));
        }
        if !versions.is_empty() {
            errors.push(FieldError::forbidden(&reviews, detail));
        }
        return;
    }
    let set = |config: &Value, field: &str| config.get(field).is_some_and(|found| !found.is_null());
    match config {
        None => errors.push(FieldError::required(&client, "required when strategy is set to Webhook")),
        Some(config) if set(config, "url") == set(config, "service") => {
            errors.push(FieldError::required(&client, "exactly one of url or service is required"));
        }
        Some(_) => {}
    }
    review_versions(versions, &reviews, errors);
}

fn review_versions(versions: &[Value], path: &FieldPath, errors: &mut Vec<FieldError>) {
    if versions.is_empty() {
        errors.push(FieldError::required(path, ""));
        return;
    }
    let mut seen = BTreeSet::new();
    for (index, version) in versions.iter().enumerate() {
        let name = version.as_str().unwrap_or_default();
        let detail = if seen.insert(name) { not_a_label(name) } else { Some("duplicate version") };
        if let Some(detail) = detail {
            errors.push(FieldError::invalid(&path.index(index), json!(name), detail));
        }
    }
    if !seen.contains("v1") && !seen.contains("v1beta1") {
        errors.push(FieldError::invalid(path, json!(versions), "must include at least one of v1, v1beta1"));
    }
}

fn immutable(new: &Value, old: &Value, errors: &mut Vec<FieldError>) {
    let established = condition(old, "Established").is_some_and(|found| found["status"] == "True");
    let fields =
        [("scope", established), ("names.kind", established), ("group", true), ("names.plural", true)];
    for (field, fixed) in fields {
        let pointer = format!("/spec/{}", field.replace('.', "/"));
        if fixed && new.pointer(&pointer) != old.pointer(&pointer) {
            let path = FieldPath::new(format!("spec.{field}"));
            errors.push(FieldError::invalid(&path, json!(text(new, &pointer)), "field is immutable"));
        }
    }
}

fn stored_versions(new: &Value, errors: &mut Vec<FieldError>) {
    let path = FieldPath::new("status.storedVersions");
    let stored = list(new, "/status/storedVersions");
    if stored.is_empty() {
        errors.push(FieldError::invalid(&path, json!([]), "must have at least one stored version"));
    }
    for (index, version) in stored.iter().enumerate() {
        let name = version.as_str().unwrap_or_default();
        if !list(new, "/spec/versions").iter().any(|version| text(version, "/name") == name) {
            let detail = format!(
                "missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until a storage \
                 migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions"
            );
            errors.push(FieldError::invalid(&path.index(index), json!(name), detail));
        }
    }
}

/// Whether a group belongs to the Kubernetes community, which wants to be asked.
pub(super) fn is_protected(group: &str) -> bool {
    ["k8s.io", "kubernetes.io"]
        .iter()
        .any(|domain| group.strip_suffix(domain).is_some_and(|rest| rest.is_empty() || rest.ends_with('.')))
}

#[derive(PartialEq, Eq)]
enum Approval {
    Missing,
    Bypassed,
    Approved,
    Invalid,
}

fn approval_of(definition: &Value) -> Approval {
    let annotation = definition.pointer("/metadata/annotations").and_then(|all| all.get(APPROVAL));
    match annotation.and_then(Value::as_str).unwrap_or_default() {
        "" => Approval::Missing,
        bypassed if bypassed.starts_with("unapproved") => Approval::Bypassed,
        url if url.split_once("://").is_some_and(|(scheme, host)| !scheme.is_empty() && !host.is_empty()) => {
            Approval::Approved
        }
        _ => Approval::Invalid,
    }
}

fn approval(new: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
    let state = approval_of(new);
    if !is_protected(text(new, "/spec/group")) || old.is_some_and(|old| approval_of(old) == state) {
        return;
    }
    let path = FieldPath::new("metadata.annotations").key(APPROVAL);
    match state {
        Approval::Bypassed | Approval::Approved => {}
        Approval::Missing => {
            let detail =
                format!("protected groups must have approval annotation {APPROVAL:?}, {APPROVAL_LINK}");
            errors.push(FieldError::required(&path, detail));
        }
        Approval::Invalid => {
            let detail = format!(
                "protected groups must have approval annotation {APPROVAL:?} with either a URL or a reason starting with \"unapproved\", \
                 {APPROVAL_LINK}"
            );
            let found = new.pointer("/metadata/annotations").and_then(|all| all.get(APPROVAL)).cloned();
            errors.push(FieldError::invalid(&path, found.unwrap_or_default(), detail));
        }
    }
}

fn not_a_label(name: &str) -> Option<&'static str> {
    let fits = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.ends_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    if name.len() > 63 {
        return Some("must be no more than 63 bytes");
    }
    (!fits).then_some(
        "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an \
         alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')",
    )
}

fn not_a_subdomain(name: &str) -> Option<&'static str> {
    if name.len() > 253 {
        return Some("must be no more than 253 bytes");
    }
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = name.split('.').all(|label| {
        label.starts_with(alphanumeric)
            && label.ends_with(alphanumeric)
            && label.chars().all(|c| alphanumeric(c) || c == '-')
    });
    (!fits).then_some(
        "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an \
         alphanumeric character (e.g. 'example.com', regex used for validation is \
         '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')",
    )
}
