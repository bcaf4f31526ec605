//! What is served, by group and version, in the order of preference.

use std::collections::BTreeMap;
use std::sync::Arc;

use apimachinery::kinds::{KindTable, version_priority};
use apimachinery::{Digest, GroupVersionKind, GroupVersionResource};

use crate::registry::Registry;
use crate::resource::{Origin, Resource, ServedVersion};

/// All groups.
pub(super) struct Catalogue {
    pub(super) groups: Vec<Group>,
}

/// A group; the empty name is the core group.
pub(super) struct Group {
    pub(super) name: String,
    /// The preferred one first.
    pub(super) versions: Vec<Version>,
}

/// One version of a group.
pub(super) struct Version {
    pub(super) name: String,
    /// By plural.
    pub(super) resources: Vec<Entry>,
}

/// A resource in one version.
pub(super) struct Entry {
    pub(super) resource: Arc<Resource>,
    pub(super) verbs: Vec<Box<str>>,
    pub(super) subresources: Vec<Subresource>,
    /// The version it is listed under.
    pub(super) gvk: GroupVersionKind,
}

/// A subresource and the kind that it takes and gives.
pub(super) struct Subresource {
    pub(super) name: Box<str>,
    pub(super) gvk: GroupVersionKind,
    pub(super) verbs: Vec<Box<str>>,
}

impl Catalogue {
    pub(super) fn of(registry: &Registry) -> Self {
        let mut groups = BTreeMap::<&str, BTreeMap<&str, Vec<Entry>>>::new();
        for resource in registry.iter() {
            for version in resource.versions.iter().filter(|version| version.served) {
                let versions = groups.entry(resource.group.as_str()).or_default();
                versions.entry(version.version.as_str()).or_default().push(Entry::of(resource, version));
            }
        }
        let mut groups: Vec<Group> =
            groups.into_iter().map(|(name, versions)| Group::of(name, versions)).collect();
        let order: Vec<String> =
            KindTable::built_in().groups().into_iter().map(|(group, _)| group.to_string()).collect();
        // Stable: groups that are not built in stay ordered by name, after the others.
        groups
            .sort_by_key(|group| order.iter().position(|known| *known == group.name).unwrap_or(order.len()));
        Self { groups }
    }

    pub(super) fn group(&self, name: &str) -> Option<&Group> {
        self.groups.iter().find(|group| group.name == name)
    }
}

impl Group {
    fn of(name: &str, versions: BTreeMap<&str, Vec<Entry>>) -> Self {
        let mut versions: Vec<Version> = versions
            .into_iter()
            .map(|(name, resources)| Version { name: name.to_owned(), resources })
            .collect();
        versions.sort_by_key(|version| version_priority(&version.name));
        Self { name: name.to_owned(), versions }
    }
}

/// What a CRD's objects can be asked for, and what reviews can.
const ALL_VERBS: [&str; 8] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const OBJECT_VERBS: [&str; 3] = ["get", "patch", "update"];

fn boxed(verbs: &[&str]) -> Vec<Box<str>> {
    verbs.iter().map(|&verb| verb.into()).collect()
}

impl Entry {
    fn of(resource: &Arc<Resource>, version: &ServedVersion) -> Self {
        let gvk = resource.gvk(&version.version);
        let gvr = GroupVersionResource {
            group: resource.group.clone(),
            version: version.version.clone(),
            plural: resource.plural.clone(),
        };
        let known = KindTable::built_in().resource(&gvr).filter(|_| !resource.is_custom());
        let mut entry =
            Self { resource: Arc::clone(resource), verbs: Vec::new(), subresources: Vec::new(), gvk };
        match known {
            Some(known) => {
                entry.verbs.clone_from(&known.verbs);
                let served = known.subresources.iter().filter(|sub| serves(version, &sub.name));
                entry.subresources = served
                    .map(|sub| Subresource {
                        name: sub.name.clone(),
                        gvk: sub.gvk.clone(),
                        verbs: sub.verbs.clone(),
                    })
                    .collect();
            }
            None => entry.describe_custom(version),
        }
        entry
    }

    fn describe_custom(&mut self, version: &ServedVersion) {
        let terminating = matches!(self.resource.origin, Origin::Custom { terminating: true, .. });
        // The server lists custom verbs in an order of its own; while the definition goes, objects can only go.
        let custom = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
        self.verbs = match &self.resource.origin {
            Origin::Review => boxed(&["create"]),
            Origin::BuiltIn => boxed(&ALL_VERBS),
            Origin::Custom { .. } if terminating => {
                boxed(&["delete", "deletecollection", "get", "list", "watch"])
            }
            Origin::Custom { .. } => boxed(&custom),
        };
        if version.status {
            let (name, gvk) = ("status".into(), self.gvk.clone());
            self.subresources.push(Subresource { name, gvk, verbs: boxed(&OBJECT_VERBS) });
        }
        if version.scale.is_some() {
            let gvk = GroupVersionKind::new("autoscaling", "v1", "Scale");
            self.subresources.push(Subresource { name: "scale".into(), gvk, verbs: boxed(&OBJECT_VERBS) });
        }
    }

    /// A name for the version that objects are stored in; `None` for what is not stored.
    pub(super) fn storage_version_hash(&self) -> Option<String> {
        use base64::Engine as _;
        if self.resource.origin == Origin::Review {
            return None;
        }
        let stored = self.resource.gvk(&self.resource.storage);
        let digest = Digest::of(format!("{}/{}/{}", stored.group, stored.version, stored.kind).as_bytes());
        let first: Vec<u8> = digest.to_string().as_bytes()[..16]
            .chunks(2)
            .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        Some(base64::engine::general_purpose::STANDARD.encode(first))
    }
}

fn serves(version: &ServedVersion, subresource: &str) -> bool {
    match subresource {
        // They reach into a node: asked for, they say that nothing runs here.
        "attach" | "exec" | "log" | "portforward" | "proxy" => false,
        "status" => version.status,
        "scale" => version.scale.is_some(),
        other => version.subresources.iter().any(|served| &**served == other),
    }
}
