//! Objects that a template sees through fields and methods: `.Files`, `.Capabilities`, times, versions.

use std::any::Any;

use super::Value;
use crate::helm::fault::Fault;

/// A Go struct, pointer or named type with methods.
pub(crate) trait Host {
    /// Go's type, as `%T` prints it.
    fn type_name(&self) -> &'static str;

    /// Go's kind: `struct`, `ptr`, `map` or `slice`.
    fn kind(&self) -> &'static str;

    /// The exported field of this name. None: there is no such field, which is an error of the template.
    fn field(&self, _name: &str) -> Option<Value> {
        None
    }

    /// Calls the method of this name. None: there is no such method.
    fn call(&self, _name: &str, _arguments: &[Value]) -> Option<Result<Value, Fault>> {
        None
    }

    /// The map or list that an object of such a kind is, for ranging, indexing, its length and its truth.
    fn plain(&self) -> Option<Value> {
        None
    }

    /// How it prints (its `String` method, or what `%v` makes of it).
    fn display(&self) -> String;

    /// Whether it has a `String` method of its own, where a text is to be printed.
    fn has_string_method(&self) -> bool {
        true
    }

    /// The fields of a struct in Go's order, the private ones too: what prints where its `String` method is not asked. None: that
    /// is not known, and it prints as it always does.
    fn parts(&self) -> Option<Vec<(&'static str, Value)>> {
        None
    }

    /// What a function is given for it, where that is another thing: Go copies a struct, and the copy has no methods of its pointer.
    fn copied(&self) -> Option<Value> {
        None
    }

    /// What `deepCopy` makes of it, where that is another thing: fields that are private stay empty.
    fn deep_copied(&self) -> Option<Value> {
        None
    }

    /// The members of its JSON in their order, where that is not the one of their names.
    fn members(&self) -> Option<Vec<(&'static str, Value)>> {
        None
    }

    /// What JSON and YAML make of it.
    fn encoded(&self) -> Value {
        self.plain().unwrap_or_else(|| Value::text(self.display()))
    }

    /// For functions that know the very type.
    fn as_any(&self) -> &dyn Any;
}
