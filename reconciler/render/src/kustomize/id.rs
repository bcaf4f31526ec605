//! Kinds and identities as kustomize compares them.

use std::fmt;

use super::scope::is_cluster_scoped;

/// Stands in for the namespace of kinds that have none.
pub(super) const NO_NAMESPACE: &str = "_non_namespaceable_";

/// Group, version and kind. As a selector, empty parts match anything.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Gvk {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
}

/// Group, version and kind, borrowed from an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct GvkRef<'a> {
    pub(super) group: &'a str,
    pub(super) version: &'a str,
    pub(super) kind: &'a str,
}

impl<'a> GvkRef<'a> {
    pub(super) fn new(api_version: &'a str, kind: &'a str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        GvkRef { group, version, kind }
    }

    pub(super) fn to_owned(self) -> Gvk {
        Gvk { group: self.group.to_owned(), version: self.version.to_owned(), kind: self.kind.to_owned() }
    }

    /// Whether every non-empty part of the selector is equal.
    pub(super) fn is_selected(&self, selector: &Gvk) -> bool {
        let fits = |want: &str, have: &str| want.is_empty() || want == have;
        fits(&selector.kind, self.kind)
            && fits(&selector.group, self.group)
            && fits(&selector.version, self.version)
    }
}

impl Gvk {
    pub(super) fn of_kind(kind: &str) -> Self {
        Gvk { kind: kind.to_owned(), ..Gvk::default() }
    }

    pub(super) fn as_ref(&self) -> GvkRef<'_> {
        GvkRef { group: &self.group, version: &self.version, kind: &self.kind }
    }

    pub(super) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

impl fmt::Display for GvkRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or = |text: &'_ str, none: &'static str| {
            if text.is_empty() { none.to_owned() } else { text.to_owned() }
        };
        write!(
            f,
            "{}.{}.{}",
            or(self.kind, "[noKind]"),
            or(self.version, "[noVer]"),
            or(self.group, "[noGrp]")
        )
    }
}

/// The identity of an object: kind, name and namespace.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct ResId {
    pub(super) gvk: Gvk,
    pub(super) name: String,
    pub(super) namespace: String,
}

impl ResId {
    pub(super) fn as_ref(&self) -> IdRef<'_> {
        IdRef { gvk: self.gvk.as_ref(), name: &self.name, namespace: &self.namespace }
    }
}

impl fmt::Display for ResId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

/// An identity, borrowed.
#[derive(Debug, Clone, Copy)]
pub(super) struct IdRef<'a> {
    pub(super) gvk: GvkRef<'a>,
    pub(super) name: &'a str,
    pub(super) namespace: &'a str,
}

impl<'a> IdRef<'a> {
    /// A sentinel for kinds that are certainly cluster-scoped, `default` for an empty namespace, else the namespace.
    pub(super) fn effective_namespace(&self) -> &'a str {
        if self.is_cluster_scoped() {
            NO_NAMESPACE
        } else if self.namespace.is_empty() {
            "default"
        } else {
            self.namespace
        }
    }

    pub(super) fn is_cluster_scoped(&self) -> bool {
        is_cluster_scoped(self.gvk)
    }

    pub(super) fn same(&self, other: &IdRef<'_>) -> bool {
        self.gvk == other.gvk
            && self.name == other.name
            && self.effective_namespace() == other.effective_namespace()
    }
}

impl fmt::Display for IdRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if self.name.is_empty() { "[noName]" } else { self.name };
        let namespace = if self.namespace.is_empty() { "[noNs]" } else { self.namespace };
        write!(f, "{}/{name}.{namespace}", self.gvk)
    }
}
