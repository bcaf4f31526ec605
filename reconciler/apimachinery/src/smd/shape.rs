//! What a schema says about ownership of a value: the four forms that server-side apply knows.
//!
//! The rules by which a schema becomes a shape are those of kube-openapi's `schemaconv`, which kube-apiserver uses for built-in kinds and CRDs alike:
//!
//! * a list is owned as a whole unless its type is `set` or `map`; a map is owned field by field unless its type is `atomic`;
//! * what is not described (`x-kubernetes-preserve-unknown-fields`, an object without properties, `additionalProperties: true`) is *deduced* from the value:
//!   maps by field, lists as a whole; preserving unknown fields goes down into the schemas below;
//! * `RawExtension`, the place of built-in kinds that holds any JSON, is owned as a whole;
//! * a field of an object that has properties, but not this one, does not exist, and validation says so.
//!
//! `apiVersion`, `kind` and `metadata` of an object, and of an embedded one, are always known, whatever a CRD says about them.

use std::sync::LazyLock;

use serde_json::Value;

use crate::schema::{Additional, ListType, MapType, Scalar, Schema, Slot, ValueType};

/// How a value is owned and merged. Cheap to copy; borrowed from a schema.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'s>(Form<'s>);

#[derive(Clone, Copy, Debug)]
enum Form<'s> {
    Declared(Declared<'s>),
    /// From the value: maps by field, lists as a whole.
    Deduced,
    /// One leaf, whatever it holds.
    Whole,
    /// A field that the schema does not have.
    Undeclared,
}

#[derive(Clone, Copy, Debug)]
struct Declared<'s> {
    schema: &'s Schema,
    map_type: MapType,
    /// Whether unknown fields are kept here, because the schema or one above says so.
    preserve: bool,
    /// Whether the value is a Kubernetes object.
    object: bool,
}

/// The forms a value of one shape may take: usually one, all three where the type is not declared.
#[derive(Clone, Copy, Default)]
pub(super) struct Atom<'s> {
    pub(super) scalar: Option<ScalarForm>,
    pub(super) list: Option<ListForm<'s>>,
    pub(super) map: Option<MapForm<'s>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum ScalarForm {
    Number,
    Text,
    Boolean,
    /// Any scalar.
    Any,
}

#[derive(Clone, Copy)]
pub(super) struct ListForm<'s> {
    pub(super) relation: Relation<'s>,
    pub(super) items: Shape<'s>,
}

/// What identifies the items of a list.
#[derive(Clone, Copy)]
pub(super) enum Relation<'s> {
    /// Nothing: the list is one leaf.
    Whole,
    /// Their value.
    Set,
    /// The values of these fields.
    Keyed(&'s [Box<str>]),
}

#[derive(Clone, Copy)]
pub(super) struct MapForm<'s> {
    pub(super) whole: bool,
    fields: Option<Declared<'s>>,
    /// The shape of what is not declared.
    pub(super) rest: Shape<'s>,
}

impl<'s> Shape<'s> {
    /// The shape of a Kubernetes object of a kind with this schema.
    pub fn of_object(schema: &'s Schema) -> Self {
        Self(Form::Declared(Declared {
            schema,
            map_type: schema.map_type,
            preserve: schema.preserve_unknown,
            object: true,
        }))
    }

    /// The shape of a value with this schema that is not an object by itself.
    pub fn of_value(schema: &'s Schema) -> Self {
        Self::declared(schema, schema.map_type, false)
    }

    /// The shape of a value about which nothing is known: maps by field, lists as a whole.
    pub fn deduced() -> Self {
        Self(Form::Deduced)
    }

    /// The declared fields, if any are.
    pub(super) fn declared_slots(self) -> Option<impl Iterator<Item = (&'s str, &'s Slot)>> {
        match self.0 {
            Form::Declared(declared) => {
                Some(declared.schema.properties.iter().map(|(name, slot)| (&**name, slot)))
            }
            _ => None,
        }
    }

    pub(super) fn is_undeclared(self) -> bool {
        matches!(self.0, Form::Undeclared)
    }

    /// Whether nothing is declared here, so that a change of the schema cannot be seen.
    pub(super) fn is_deduced(self) -> bool {
        matches!(self.0, Form::Deduced | Form::Whole)
    }

    fn declared(schema: &'s Schema, map_type: MapType, preserve: bool) -> Self {
        Self(Form::Declared(Declared {
            schema,
            map_type,
            preserve: preserve || schema.preserve_unknown,
            object: schema.embedded,
        }))
    }

    fn of_slot(slot: &'s Slot, preserve: bool) -> Self {
        Self::declared(slot.schema(), slot.map_type(), preserve)
    }

    /// The forms of the value, none for a field that does not exist.
    pub(super) fn atom(self) -> Atom<'s> {
        match self.0 {
            Form::Declared(declared) => declared.atom(),
            Form::Deduced => untyped(Shape(Form::Deduced), false),
            Form::Whole => untyped(Shape(Form::Whole), true),
            Form::Undeclared => Atom::default(),
        }
    }
}

/// Any scalar, any list as a whole, any map.
fn untyped(rest: Shape<'_>, whole: bool) -> Atom<'_> {
    Atom {
        scalar: Some(ScalarForm::Any),
        list: Some(ListForm { relation: Relation::Whole, items: Shape(Form::Whole) }),
        map: Some(MapForm { whole, fields: None, rest }),
    }
}

impl<'s> Declared<'s> {
    fn atom(self) -> Atom<'s> {
        if self.schema.scalar == Some(Scalar::IntOrString) {
            // Its schema declares no type, so ownership takes anything; validation does not.
            return untyped(Shape(Form::Deduced), false);
        }
        if self.schema.scalar.is_some() {
            return Atom { scalar: Some(self.scalar_form()), ..Atom::default() };
        }
        if self.is_raw() {
            return untyped(Shape(Form::Whole), true);
        }
        match self.schema.value_type {
            ValueType::Object => Atom { map: Some(self.map_form()), ..Atom::default() },
            ValueType::Array => Atom { list: Some(self.list_form()), ..Atom::default() },
            ValueType::Any => Atom {
                scalar: Some(ScalarForm::Any),
                list: Some(self.list_form()),
                map: Some(self.map_form()),
            },
            _ => Atom { scalar: Some(self.scalar_form()), ..Atom::default() },
        }
    }

    /// `RawExtension`, and nothing else.
    fn is_raw(self) -> bool {
        self.schema.value_type == ValueType::Object && matches!(self.schema.additional, Additional::Any)
    }

    fn scalar_form(self) -> ScalarForm {
        let plain = matches!(self.schema.format.as_deref(), None | Some("byte"));
        match (self.schema.scalar, self.schema.value_type) {
            (None, ValueType::Integer | ValueType::Number) => ScalarForm::Number,
            (None, ValueType::Boolean) => ScalarForm::Boolean,
            (None, ValueType::String) if plain => ScalarForm::Text,
            // A format may have a second form: a quantity is a number or a text.
            (Some(Scalar::Quantity | Scalar::IntOrString | Scalar::Time | Scalar::MicroTime) | None, _) => {
                ScalarForm::Any
            }
        }
    }

    fn list_form(self) -> ListForm<'s> {
        let relation = match &self.schema.list_type {
            ListType::Atomic => Relation::Whole,
            ListType::Set => Relation::Set,
            ListType::Map(keys) => Relation::Keyed(keys),
        };
        let items =
            self.schema.item_slot().map_or(Shape(Form::Whole), |slot| Shape::of_slot(slot, self.preserve));
        ListForm { relation, items }
    }

    fn map_form(self) -> MapForm<'s> {
        let open = self.preserve || (self.schema.properties.is_empty() && !self.object);
        let rest = match &self.schema.additional {
            Additional::Values(slot) => Shape::of_slot(slot, self.preserve),
            Additional::Any => Shape(Form::Deduced),
            Additional::None if open => Shape(Form::Deduced),
            Additional::None => Shape(Form::Undeclared),
        };
        MapForm { whole: self.map_type == MapType::Atomic, fields: Some(self), rest }
    }

    fn field(self, name: &str) -> Option<Shape<'s>> {
        let slot = self.schema.properties.get(name);
        if self.object && name == "metadata" {
            let described = slot.filter(|slot| slot.schema().properties.contains_key("ownerReferences"));
            return Some(described.map_or(Shape::of_value(&OBJECT_META), |slot| Shape::of_slot(slot, false)));
        }
        if self.object && slot.is_none() && matches!(name, "apiVersion" | "kind") {
            return Some(Shape::of_value(&TEXT));
        }
        slot.map(|slot| Shape::of_slot(slot, self.preserve))
    }
}

impl ListForm<'_> {
    /// Whether the list is one leaf.
    pub(super) fn is_whole(&self) -> bool {
        matches!(self.relation, Relation::Whole)
    }
}

impl<'s> MapForm<'s> {
    /// The shape of a declared field.
    pub(super) fn declared(&self, name: &str) -> Option<Shape<'s>> {
        self.fields?.field(name)
    }

    /// The shape of a field, declared or not.
    pub(super) fn field(&self, name: &str) -> Shape<'s> {
        self.declared(name).unwrap_or(self.rest)
    }

    /// The declared default of a field.
    pub(super) fn default_of(&self, name: &str) -> Option<&'s Value> {
        let default = self.fields?.schema.properties.get(name)?.default.as_ref();
        default.filter(|value| !value.is_null())
    }

    /// Whether the map says nothing about its fields.
    pub(super) fn is_deduced(&self) -> bool {
        self.rest.is_deduced() && self.fields.is_none_or(|f| f.schema.properties.is_empty())
    }
}

impl Atom<'_> {
    /// The one form that the value has; all forms for null, for no value, and for a value that fits none.
    pub(super) fn narrow(self, value: Option<&Value>) -> Self {
        match value {
            Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) if self.scalar.is_some() => {
                Self { list: None, map: None, ..self }
            }
            Some(Value::Array(_)) if self.list.is_some() => Self { scalar: None, map: None, ..self },
            Some(Value::Object(_)) if self.map.is_some() => Self { scalar: None, list: None, ..self },
            _ => self,
        }
    }

    /// Whether two narrowings of one shape came out the same.
    pub(super) fn same_forms(&self, other: &Self) -> bool {
        self.scalar.is_some() == other.scalar.is_some()
            && self.list.is_some() == other.list.is_some()
            && self.map.is_some() == other.map.is_some()
    }
}

static TEXT: LazyLock<Schema> =
    LazyLock::new(|| Schema { value_type: ValueType::String, ..Schema::default() });

/// `ObjectMeta` as far as ownership goes: finalizers are a set, owner references are keyed by uid and each of them is a whole.
static OBJECT_META: LazyLock<Schema> = LazyLock::new(|| {
    let object = || Schema { value_type: ValueType::Object, ..Schema::default() };
    let list = |list_type, items| Schema {
        value_type: ValueType::Array,
        list_type,
        items: Some(Box::new(Slot::from(items))),
        ..Schema::default()
    };
    let texts = Schema { additional: Additional::Values(Box::new(Slot::from(TEXT.clone()))), ..object() };
    let owner = Schema {
        properties: [("uid".into(), Slot::from(TEXT.clone()))].into(),
        preserve_unknown: true,
        map_type: MapType::Atomic,
        ..object()
    };
    let number = Schema { value_type: ValueType::Integer, ..Schema::default() };
    let time = Schema { scalar: Some(Scalar::Time), ..TEXT.clone() };
    let entry = Schema { preserve_unknown: true, ..object() };
    let mut properties = std::collections::BTreeMap::new();
    let mut field = |name: &str, schema: Schema| drop(properties.insert(name.into(), Slot::from(schema)));
    for name in ["name", "generateName", "namespace", "uid", "resourceVersion", "selfLink"] {
        field(name, TEXT.clone());
    }
    for name in ["creationTimestamp", "deletionTimestamp"] {
        field(name, time.clone());
    }
    for name in ["generation", "deletionGracePeriodSeconds"] {
        field(name, number.clone());
    }
    for name in ["labels", "annotations"] {
        field(name, texts.clone());
    }
    field("finalizers", list(ListType::Set, TEXT.clone()));
    field("ownerReferences", list(ListType::Map(vec!["uid".into()]), owner));
    field("managedFields", list(ListType::Atomic, entry));
    Schema { properties, ..object() }
});
