//! Typed names. Kubernetes passes all of these as strings, and mixing them up is the classic mistake.
//!
//! None of the types validates: they hold what an API server accepted or what a manifest says, and the place that reads
//! foreign input decides what is legal there. All are cheap to clone (shared text) and order like their text.

use std::fmt;

/// Declares a typed name: cheap to clone, ordered like its text, no validation. For other rooms' names, too.
#[macro_export]
macro_rules! typed_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(from = "String", into = "String")]
        pub struct $name(std::sync::Arc<str>);

        impl $name {
            /// Wraps the text as it is.
            pub fn new(text: impl Into<std::sync::Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// Whether the text is empty.
            pub fn is_empty(&self) -> bool {
                self.0.is_empty()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{:?}", &*self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(text.into())
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text.into())
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.0.as_ref().to_owned()
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                &*self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                &*self.0 == *other
            }
        }
    };
}

typed_name! {
    /// An API group: `apps`, or the empty text for the core group.
    Group
}
typed_name! {
    /// A version inside a group: `v1`, `v1beta1`.
    Version
}
typed_name! {
    /// A kind: `Deployment`.
    Kind
}
typed_name! {
    /// The lowercase plural that stands in paths, `deployments`; Kubernetes calls it the resource.
    Plural
}
typed_name! {
    /// A namespace. Cluster-scoped objects have none, which is `Option::None`, never the empty text.
    Namespace
}
typed_name! {
    /// The name of an object.
    Name
}

/// A group and a version, written `apps/v1`, or `v1` for the core group.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupVersion {
    /// The group, empty for core.
    pub group: Group,
    /// The version.
    pub version: Version,
}

impl GroupVersion {
    /// Splits `apiVersion`: what stands before the only slash is the group.
    pub fn parse(api_version: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.into(), version: version.into() }
    }
}

impl fmt::Display for GroupVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() { self.version.fmt(f) } else { write!(f, "{}/{}", self.group, self.version) }
    }
}

/// A group and a kind: what identifies a kind whatever version it is written in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupKind {
    /// The group, empty for core.
    pub group: Group,
    /// The kind.
    pub kind: Kind,
}

impl GroupKind {
    /// From plain text.
    pub fn new(group: &str, kind: &str) -> Self {
        Self { group: group.into(), kind: kind.into() }
    }
}

impl fmt::Display for GroupKind {
    /// `Deployment.apps`, or `Secret` for the core group.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() { self.kind.fmt(f) } else { write!(f, "{}.{}", self.kind, self.group) }
    }
}

/// A kind in one version.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupVersionKind {
    /// The group, empty for core.
    pub group: Group,
    /// The version.
    pub version: Version,
    /// The kind.
    pub kind: Kind,
}

impl GroupVersionKind {
    /// From plain text.
    pub fn new(group: &str, version: &str, kind: &str) -> Self {
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// Without the version.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.group.clone(), kind: self.kind.clone() }
    }

    /// Without the kind.
    pub fn group_version(&self) -> GroupVersion {
        GroupVersion { group: self.group.clone(), version: self.version.clone() }
    }

    /// The text of `apiVersion`.
    pub fn api_version(&self) -> String {
        self.group_version().to_string()
    }
}

impl fmt::Display for GroupVersionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, Kind={}", self.group_version(), self.kind)
    }
}

/// A group and a resource: what selectors, paths and rights speak of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupResource {
    /// The group, empty for core.
    pub group: Group,
    /// The lowercase plural.
    pub plural: Plural,
}

impl GroupResource {
    /// From plain text.
    pub fn new(group: &str, plural: &str) -> Self {
        Self { group: group.into(), plural: plural.into() }
    }
}

impl fmt::Display for GroupResource {
    /// `deployments.apps`, or `secrets` for the core group.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.group.is_empty() { self.plural.fmt(f) } else { write!(f, "{}.{}", self.plural, self.group) }
    }
}

/// A resource in one version: what a path of the API names.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct GroupVersionResource {
    /// The group, empty for core.
    pub group: Group,
    /// The version.
    pub version: Version,
    /// The lowercase plural.
    pub plural: Plural,
}

impl GroupVersionResource {
    /// From plain text.
    pub fn new(group: &str, version: &str, plural: &str) -> Self {
        Self { group: group.into(), version: version.into(), plural: plural.into() }
    }

    /// Without the version.
    pub fn group_resource(&self) -> GroupResource {
        GroupResource { group: self.group.clone(), plural: self.plural.clone() }
    }
}

/// The identity of an object in one API server: the version it is written in does not count.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectId {
    /// The group, empty for core.
    pub group: Group,
    /// The kind.
    pub kind: Kind,
    /// The namespace, `None` for a cluster-scoped object.
    pub namespace: Option<Namespace>,
    /// The name.
    pub name: Name,
}

impl ObjectId {
    /// From plain text.
    pub fn new(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> Self {
        Self {
            group: group.into(),
            kind: kind.into(),
            namespace: namespace.map(Into::into),
            name: name.into(),
        }
    }

    /// Group and kind.
    pub fn group_kind(&self) -> GroupKind {
        GroupKind { group: self.group.clone(), kind: self.kind.clone() }
    }
}

impl fmt::Display for ObjectId {
    /// `Deployment.apps shop/cart`, or `Namespace shop`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.namespace {
            Some(namespace) => write!(f, "{} {namespace}/{}", self.group_kind(), self.name),
            None => write!(f, "{} {}", self.group_kind(), self.name),
        }
    }
}
