//! One schema type for built-in kinds and for the structural schemas of CRDs.
//!
//! A [`Schema`] says what is true of a value wherever it stands; a [`Slot`] is a place that holds a value (a property, the items of a list, the
//! values of a map) and says what is true of the place: its default, whether null may stand there, how a strategic merge patch treats it.
//! The split is that of Kubernetes' OpenAPI, where a property refers to a shared definition and adds `default` or a patch strategy to it. Definitions
//! are shared, and may be recursive (`JSONSchemaProps`): a slot refers to its schema by a [`Link`] that is resolved when it is followed.
//!
//! Sources of the facts: `api/openapi-spec/v3` of Kubernetes for built-in kinds (see [`crate::kinds`]), `openAPIV3Schema` of a CRD for custom kinds.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Number, Value};

use crate::facts;

mod decode;
mod default;
mod format;
#[cfg(test)]
mod golden;
mod lists;
mod openapi;
mod parse;
pub mod pattern;
mod prune;
mod strict;
mod structural;
mod validate;

pub use decode::DecodeFault;
pub use openapi::{OPENAPI_REFERENCE_PREFIX, to_openapi};
pub use strict::{duplicate_fields, strict_decoding_error};
pub use structural::check_structural;

/// What a value must look like, what it may hold, and how lists and maps in it are merged.
#[derive(Clone, Debug, Default)]
pub struct Schema {
    /// The declared type.
    pub value_type: ValueType,
    /// The declared format, as it is written: `int32`, `date-time`, `byte`.
    pub format: Option<Box<str>>,
    /// Known types of Kubernetes whose JSON form is a scalar with rules of its own.
    pub scalar: Option<Scalar>,
    /// Declared fields of an object.
    pub properties: BTreeMap<Box<str>, Slot>,
    /// What an object may hold besides its properties.
    pub additional: Additional,
    /// The items of a list.
    pub items: Option<Box<Slot>>,
    /// Fields that must be present.
    pub required: Vec<Box<str>>,
    /// `x-kubernetes-list-type` and `x-kubernetes-list-map-keys`.
    pub list_type: ListType,
    /// `x-kubernetes-map-type`: whether an object or map is owned field by field or as a whole.
    pub map_type: MapType,
    /// `x-kubernetes-preserve-unknown-fields: true`: nothing is pruned here.
    pub preserve_unknown: bool,
    /// `x-kubernetes-embedded-resource: true`: apiVersion, kind and metadata are implied.
    pub embedded: bool,
    /// Constraints on the value; most schemas have none.
    pub limits: Option<Box<Limits>>,
    /// `x-kubernetes-validations`, in order, verbatim.
    pub rules: Vec<Rule>,
}

/// The declared type of a value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ValueType {
    /// None declared.
    #[default]
    Any,
    /// A JSON object: a struct with properties or a map.
    Object,
    /// A JSON array.
    Array,
    /// A string.
    String,
    /// A whole number.
    Integer,
    /// Any number.
    Number,
    /// `true` or `false`.
    Boolean,
}

/// Types of Kubernetes whose JSON form is a scalar with rules of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// `resource.Quantity`: a string or a number, stored canonically. Built-in kinds only: what generated CRDs declare as int-or-string with a pattern is stored as it came.
    Quantity,
    /// `intstr.IntOrString`, and `x-kubernetes-int-or-string: true`.
    IntOrString,
    /// `metav1.Time`.
    Time,
    /// `metav1.MicroTime`.
    MicroTime,
}

/// What an object may hold besides its properties.
#[derive(Clone, Debug, Default)]
pub enum Additional {
    /// Not said: unknown fields are pruned, unless `preserve_unknown`.
    #[default]
    None,
    /// Any JSON, unpruned: `RawExtension` and its like in built-in kinds. (A truth value as `additionalProperties` of a CRD is a map of untyped values.)
    Any,
    /// A map: every value has this schema.
    Values(Box<Slot>),
}

/// How a list is owned and merged by server-side apply.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListType {
    /// As a whole; also what holds when nothing is declared.
    #[default]
    Atomic,
    /// Each scalar is an element of a set.
    Set,
    /// Elements are identified by the values of these fields.
    Map(Vec<Box<str>>),
}

/// How an object is owned and merged by server-side apply.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MapType {
    /// Field by field; also what holds when nothing is declared.
    #[default]
    Granular,
    /// As a whole.
    Atomic,
}

/// A place that holds a value.
#[derive(Clone, Debug)]
pub struct Slot {
    /// The default that the schema declares. Built-in kinds declare the zero value of required scalars (`""`) and `{}` for structs, too.
    pub default: Option<Value>,
    /// Whether null is a value here (`nullable: true`). Built-in kinds take null everywhere, as "absent".
    pub nullable: bool,
    /// How a strategic merge patch treats the value.
    pub patch: PatchStrategy,
    /// What becomes of a zero value here when the API server stores it.
    pub zero: ZeroValue,
    /// The map type where the place says another one than the shared schema.
    pub map_type: Option<MapType>,
    /// The schema of the value, by reference.
    pub link: Link,
}

/// `x-kubernetes-patch-strategy` and `x-kubernetes-patch-merge-key`, of built-in kinds only. The default is to replace lists and to merge objects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PatchStrategy {
    /// Strategy `merge`: the list is merged, by [`key`](Self::key) or, without a key, as a set of scalars.
    pub merge: bool,
    /// Strategy `retainKeys`: fields that the patch does not name in `$retainKeys` are dropped.
    pub retain_keys: bool,
    /// Strategy `replace`: the object is replaced instead of merged.
    pub replace: bool,
    /// The merge key of a list of objects.
    pub key: Option<Box<str>>,
}

/// What becomes of a zero value (`false`, `0`, `""`, `[]`, `{}`) when the API server stores it: whether the Go field is a pointer and has `omitempty`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZeroValue {
    /// It stays. Always so in custom kinds.
    #[default]
    Kept,
    /// The field vanishes.
    Dropped,
    /// A list or map without `omitempty`: it becomes null.
    Null,
    /// A pointer without `omitempty`: zero stays, and absence becomes null.
    KeptOrNull,
}

/// A reference to a schema, cheap to clone, resolved when it is followed.
#[derive(Clone, Debug)]
pub struct Link(Target);

#[derive(Clone, Debug)]
enum Target {
    Own(Arc<Schema>),
    /// A definition of the table of built-in kinds; definitions refer to each other, also in circles.
    BuiltIn(u32),
}

/// Constraints on a value. Lengths are in characters, as in OpenAPI.
#[derive(Clone, Debug, Default)]
pub struct Limits {
    /// `enum`.
    pub allowed: Vec<Value>,
    /// `minimum`.
    pub minimum: Option<Number>,
    /// `maximum`.
    pub maximum: Option<Number>,
    /// `exclusiveMinimum: true`.
    pub exclusive_minimum: bool,
    /// `exclusiveMaximum: true`.
    pub exclusive_maximum: bool,
    /// `multipleOf`.
    pub multiple_of: Option<Number>,
    /// `minLength`.
    pub min_length: Option<u64>,
    /// `maxLength`.
    pub max_length: Option<u64>,
    /// `pattern`.
    pub pattern: Option<pattern::Pattern>,
    /// `minItems`.
    pub min_items: Option<u64>,
    /// `maxItems`.
    pub max_items: Option<u64>,
    /// `minProperties`.
    pub min_properties: Option<u64>,
    /// `maxProperties`.
    pub max_properties: Option<u64>,
    /// `allOf`: constraints only, no structure of their own.
    pub all_of: Vec<Schema>,
    /// `anyOf`.
    pub any_of: Vec<Schema>,
    /// `oneOf`.
    pub one_of: Vec<Schema>,
    /// `not`.
    pub not: Option<Box<Schema>>,
    /// `additionalProperties: false`.
    pub no_additional: bool,
}

/// One entry of `x-kubernetes-validations`. The text is kept, not compiled.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rule {
    /// The CEL expression.
    pub rule: Box<str>,
    /// The message when it is false.
    pub message: Option<Box<str>>,
    /// A CEL expression that gives the message.
    pub message_expression: Option<Box<str>>,
    /// `FieldValueInvalid` (also when absent), `FieldValueForbidden`, `FieldValueRequired` or `FieldValueDuplicate`.
    pub reason: Option<Box<str>>,
    /// The path of the field that is to blame, relative to the schema that holds the rule.
    pub field_path: Option<Box<str>>,
    /// `optionalOldSelf`.
    pub optional_old_self: bool,
}

impl Link {
    /// A link to a schema of its own.
    pub fn new(schema: Schema) -> Self {
        Self(Target::Own(Arc::new(schema)))
    }

    /// A link to a definition of the table of built-in kinds.
    pub(crate) fn built_in(id: u32) -> Self {
        Self(Target::BuiltIn(id))
    }

    /// The schema.
    pub fn schema(&self) -> &Schema {
        match &self.0 {
            Target::Own(schema) => schema,
            Target::BuiltIn(id) => facts::schema(*id),
        }
    }

    /// The OpenAPI name of the definition, `io.k8s.api.core.v1.PodSpec`; `None` for a schema of its own.
    pub fn definition(&self) -> Option<&'static str> {
        match &self.0 {
            Target::Own(_) => None,
            Target::BuiltIn(id) => Some(facts::name(*id)),
        }
    }
}

impl Slot {
    /// A place about which nothing is said.
    pub fn new(link: Link) -> Self {
        Self {
            default: None,
            nullable: false,
            patch: PatchStrategy::default(),
            zero: ZeroValue::default(),
            map_type: None,
            link,
        }
    }

    /// The schema of the value.
    pub fn schema(&self) -> &Schema {
        self.link.schema()
    }

    /// The link to the schema, to keep it beyond a borrow.
    pub fn link(&self) -> &Link {
        &self.link
    }

    /// How the object in this place is owned: what the place says, else what the schema says.
    pub fn map_type(&self) -> MapType {
        self.map_type.unwrap_or(self.schema().map_type)
    }
}

impl From<Schema> for Slot {
    fn from(schema: Schema) -> Self {
        Self::new(Link::new(schema))
    }
}

impl Schema {
    /// The place of a field of an object: a declared property, else the values of a map.
    pub fn slot(&self, field: &str) -> Option<&Slot> {
        self.properties.get(field).or(match &self.additional {
            Additional::Values(slot) => Some(slot),
            Additional::None | Additional::Any => None,
        })
    }

    /// The place of the items of a list.
    pub fn item_slot(&self) -> Option<&Slot> {
        self.items.as_deref()
    }

    /// Whether the schema says nothing about the inside of an object: `RawExtension`, `FieldsV1`, `JSON`. Server-side apply then owns the value as a whole,
    /// or field by field as it finds it where `preserve_unknown` is set.
    pub fn is_untyped(&self) -> bool {
        matches!(self.value_type, ValueType::Any | ValueType::Object)
            && self.scalar.is_none()
            && self.properties.is_empty()
            && self.items.is_none()
            && !matches!(self.additional, Additional::Values(_))
    }
}
