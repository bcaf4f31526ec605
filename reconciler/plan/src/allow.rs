//! What a source may do: `GitSource.spec.allow`.
//!
//! Whoever may write a repository may write anything into it; the limits stand with the source, in the WDS, where its administrator wrote them. A source with any
//! limit is a guest: its policies place its own objects only.

use std::collections::BTreeMap;

use apimachinery::ObjectId;

use crate::policy::CONTROL_GROUP;
use crate::{ClusterName, SourceName};

/// What a source may write and where it may place it. Absent lists allow everything, empty ones nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allow {
    /// Clusters that its objects may go to, whoever's policy places them, and whose labels and properties it may declare.
    pub clusters: Option<Vec<Pattern>>,
    /// Namespaces that it may write into, and declare. Other objects without a namespace then need `kinds` to name them.
    pub namespaces: Option<Vec<Pattern>>,
    /// Kinds that it may write, `Deployment.apps`, `ConfigMap`.
    pub kinds: Option<Vec<Pattern>>,
}

/// A name in which `*` stands for any characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pattern(String);

impl Pattern {
    /// From its text.
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Whether the whole of `text` fits. Every `*` but the last takes as little as it can, which is enough for a match to be found if there is one.
    pub fn fits(&self, text: &str) -> bool {
        let Some((start, rest)) = self.0.split_once('*') else { return self.0 == text };
        let Some(mut left) = text.strip_prefix(start) else { return false };
        let (middle, end) = rest.rsplit_once('*').map_or((None, rest), |(middle, end)| (Some(middle), end));
        for part in middle.into_iter().flat_map(|middle| middle.split('*')) {
            match left.find(part) {
                Some(at) => left = &left[at + part.len()..],
                None => return false,
            }
        }
        left.ends_with(end)
    }
}

fn admit(list: Option<&Vec<Pattern>>, text: &str) -> bool {
    list.is_none_or(|list| list.iter().any(|pattern| pattern.fits(text)))
}

impl Allow {
    /// Whether the source is limited at all.
    pub fn is_guest(&self) -> bool {
        *self != Self::default()
    }

    /// Why the source may not write an object; `None` when it may.
    pub fn refuses(&self, id: &ObjectId) -> Option<String> {
        let kind = id.group_kind();
        if !admit(self.kinds.as_ref(), &kind.to_string()) {
            return Some(format!("its GitSource does not allow the kind {kind} (spec.allow.kinds)"));
        }
        let is_namespace = id.group.is_empty() && id.kind == "Namespace";
        let namespace = id.namespace.as_ref().map(ToString::to_string);
        match namespace.or_else(|| is_namespace.then(|| id.name.to_string())) {
            Some(namespace) if !admit(self.namespaces.as_ref(), &namespace) => Some(format!(
                "its GitSource does not allow the namespace {namespace} (spec.allow.namespaces)"
            )),
            // A policy of a guest reaches no further than the guest; other things outside all namespaces reach everywhere.
            None if self.namespaces.is_some() && self.kinds.is_none() && id.group != CONTROL_GROUP => {
                Some(format!(
                    "its GitSource allows namespaces only, and a {kind} is in none; name the kind in spec.allow.kinds, too"
                ))
            }
            _ => None,
        }
    }

    /// Whether objects of the source may go to a cluster, and whether it may say something of it.
    pub fn admits_cluster(&self, cluster: &ClusterName) -> bool {
        admit(self.clusters.as_ref(), cluster.as_str())
    }
}

/// The limits of all sources that have any.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(BTreeMap<SourceName, Allow>);

/// Why a policy may not place an object on a cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Withheld {
    /// This source's objects, or policies, may not reach that cluster.
    Cluster(SourceName),
    /// The policy is this guest's, and the object is not.
    NotItsOwn(SourceName),
}

impl FromIterator<(SourceName, Allow)> for Grants {
    fn from_iter<T: IntoIterator<Item = (SourceName, Allow)>>(sources: T) -> Self {
        Self(sources.into_iter().filter(|(_, allow)| allow.is_guest()).collect())
    }
}

impl Grants {
    /// Whether nobody is limited: then nothing needs to be asked.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Why a policy of `policy` may not place an object of `object` on `cluster`; `None` when it may. A policy or object that no source declares is a person's,
    /// who has the rights that the WDS gives.
    pub fn withheld(
        &self,
        policy: Option<&SourceName>,
        object: Option<&SourceName>,
        cluster: &ClusterName,
    ) -> Option<Withheld> {
        let guest = policy.filter(|source| self.0.contains_key(*source));
        if let Some(guest) = guest.filter(|guest| Some(*guest) != object) {
            return Some(Withheld::NotItsOwn(guest.clone()));
        }
        let refusing =
            |source: &&SourceName| self.0.get(*source).is_some_and(|allow| !allow.admits_cluster(cluster));
        policy.into_iter().chain(object).find(refusing).map(|source| Withheld::Cluster(source.clone()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patterns(texts: &[&str]) -> Option<Vec<Pattern>> {
        Some(texts.iter().map(|text| Pattern::new(text)).collect())
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        for (pattern, fitting, others) in [
            ("shop", &["shop"][..], &["shop-2", "a-shop", ""][..]),
            ("*", &["", "shop"], &[]),
            ("team-*", &["team-a", "team-"], &["team", "a-team-b"]),
            ("*-eu", &["a-eu", "-eu"], &["eu", "a-eu-1"]),
            ("a*b*c", &["abc", "axbxc", "abbcc", "abcbc"], &["ab", "acb", "abcx"]),
            ("a*a", &["aa", "aba"], &["a"]),
            ("*.apps", &["Deployment.apps"], &["Deployment", "ConfigMap"]),
            ("a**b", &["ab", "axb"], &["a"]),
        ] {
            for text in fitting {
                assert!(Pattern::new(pattern).fits(text), "{pattern} {text}");
            }
            for text in others {
                assert!(!Pattern::new(pattern).fits(text), "{pattern} {text}");
            }
        }
    }

    fn object(group: &str, kind: &str, namespace: Option<&str>, name: &str) -> ObjectId {
        ObjectId::new(group, kind, namespace, name)
    }

    #[test]
    fn atk_35_a_source_that_is_limited_to_namespaces_writes_nothing_outside() {
        let limited = Allow { namespaces: patterns(&["team-a", "team-a-*"]), ..Allow::default() };
        let with_kinds = Allow {
            kinds: patterns(&["*.apps", "ClusterRole.rbac.authorization.k8s.io"]),
            ..limited.clone()
        };
        let nothing = Allow { kinds: patterns(&[]), ..Allow::default() };
        for (id, in_limited, in_kinds) in [
            (object("apps", "Deployment", Some("team-a"), "x"), true, true),
            (object("apps", "Deployment", Some("team-a-2"), "x"), true, true),
            (object("apps", "Deployment", Some("team-b"), "x"), false, false),
            (object("", "ConfigMap", Some("team-a"), "x"), true, false),
            (object("", "Namespace", None, "team-a"), true, false),
            (object("", "Namespace", None, "team-b"), false, false),
            (object("rbac.authorization.k8s.io", "ClusterRole", None, "x"), false, true),
            (object("rbac.authorization.k8s.io", "ClusterRoleBinding", None, "x"), false, false),
            (object("apiextensions.k8s.io", "CustomResourceDefinition", None, "x"), false, false),
            (object("control.kubestellar.io", "BindingPolicy", None, "x"), true, false),
        ] {
            assert_eq!(limited.refuses(&id).is_none(), in_limited, "{id}");
            assert_eq!(with_kinds.refuses(&id).is_none(), in_kinds, "{id}");
            assert_eq!(Allow::default().refuses(&id), None, "{id}");
            assert!(nothing.refuses(&id).is_some(), "{id}");
        }
    }

    #[test]
    fn atk_37_a_guest_places_its_own_objects_on_its_own_clusters_only() {
        let guest = Allow { clusters: patterns(&["eu-*"]), ..Allow::default() };
        let grants: Grants =
            [("guest".into(), guest), ("host".into(), Allow::default())].into_iter().collect();
        let (guest, host) = (SourceName::from("guest"), SourceName::from("host"));
        let (eu, us) = (ClusterName::from("eu-1"), ClusterName::from("us-1"));
        let cluster = Some(Withheld::Cluster(guest.clone()));
        let foreign = Some(Withheld::NotItsOwn(guest.clone()));
        for (policy, object, here, there) in [
            (Some(&guest), Some(&guest), None, cluster.clone()),
            (Some(&guest), Some(&host), foreign.clone(), foreign.clone()),
            (Some(&guest), None, foreign.clone(), foreign),
            (Some(&host), Some(&guest), None, cluster.clone()),
            (None, Some(&guest), None, cluster),
            (Some(&host), Some(&host), None, None),
            (None, None, None, None),
        ] {
            assert_eq!(grants.withheld(policy, object, &eu), here, "{policy:?} {object:?}");
            assert_eq!(grants.withheld(policy, object, &us), there, "{policy:?} {object:?}");
        }
        assert!([("host".into(), Allow::default())].into_iter().collect::<Grants>().is_empty());
    }
}
