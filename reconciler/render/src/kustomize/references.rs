//! Name references: a renamed object takes the fields that name it along.
//!
//! Upstream compares every reference with every object. Here previous names are an index: (kind, name) to the objects that had
//! them, split by namespace, so a build stays linear in its references.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::error::KustomizeError;
use super::fieldspec::{FieldSpec, Leaf};
use super::id::{Gvk, GvkRef, IdRef};
use super::resmap::ResMap;
use super::resource::Resource;
use super::specs::Specs;
use crate::object::Origin;
use crate::yaml::{Node, Value};

/// An object that was renamed, with all that choosing between candidates needs.
struct Candidate {
    /// (group, version) now, and the kinds, names and namespaces it had.
    gvk: Gvk,
    previous: Vec<(String, String)>,
    original_namespace: String,
    name: String,
    namespace: String,
    effective_namespace: String,
    cluster_scoped: bool,
    is_account: bool,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
    origin: Origin,
}

impl Candidate {
    fn of(resource: &Resource) -> Self {
        let current = resource.current();
        let original = resource.original();
        Candidate {
            gvk: resource.gvk().to_owned(),
            previous: resource.history.iter().map(|held| (held.kind.clone(), held.name.clone())).collect(),
            original_namespace: original.effective_namespace().to_owned(),
            name: current.name.to_owned(),
            namespace: current.namespace.to_owned(),
            effective_namespace: current.effective_namespace().to_owned(),
            cluster_scoped: current.is_cluster_scoped(),
            is_account: resource.kind() == "ServiceAccount",
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
            origin: resource.origin.clone(),
        }
    }

    fn was(&self, selector: &Gvk) -> bool {
        self.previous.iter().any(|(kind, _)| {
            GvkRef { group: &self.gvk.group, version: &self.gvk.version, kind }.is_selected(selector)
        })
    }
}

/// Renamed objects by (a previous kind, a previous name), then by current effective namespace.
struct Index {
    candidates: Vec<Candidate>,
    by_name: HashMap<(String, String), BTreeMap<String, Vec<usize>>>,
    /// The namespaces that the objects of a namespace came from, renamed or not.
    origins: HashMap<String, BTreeSet<String>>,
}

impl Index {
    fn of(objects: &ResMap) -> Self {
        let candidates: Vec<Candidate> =
            objects.iter().filter(|held| !held.history.is_empty()).map(Candidate::of).collect();
        let mut by_name: HashMap<(String, String), BTreeMap<String, Vec<usize>>> = HashMap::new();
        for (at, candidate) in candidates.iter().enumerate() {
            // Upstream asks for the kind and for the name apart: an object that changed both may be meant by any pair of them.
            // A row without a kind means any.
            let kinds: BTreeSet<&str> = candidate.previous.iter().map(|(kind, _)| kind.as_str()).collect();
            let names: BTreeSet<&str> = candidate.previous.iter().map(|(_, name)| name.as_str()).collect();
            for kind in kinds.into_iter().chain([""]) {
                for name in &names {
                    let by_namespace = by_name.entry((kind.to_owned(), (*name).to_owned())).or_default();
                    by_namespace.entry(candidate.effective_namespace.clone()).or_default().push(at);
                }
            }
        }
        let mut origins: HashMap<String, BTreeSet<String>> = HashMap::new();
        for resource in objects.iter() {
            let (now, first) = (resource.current(), resource.original());
            let held = origins.entry(now.effective_namespace().to_owned()).or_default();
            held.insert(first.effective_namespace().to_owned());
        }
        Index { candidates, by_name, origins }
    }

    /// Whether any object that the referrer sees came from this namespace.
    fn came_from(&self, namespace: &str, referrer: &Referrer) -> bool {
        let from = |origins: &BTreeSet<String>| origins.contains(namespace);
        if referrer.cluster_scoped {
            return self.origins.values().any(from);
        }
        referrer.spaces().iter().filter_map(|space| self.origins.get(*space)).any(from)
    }
}

/// The facts of a referrer that choosing needs.
struct Referrer {
    effective_namespace: String,
    cluster_scoped: bool,
    /// Namespaces that its service-account subjects name, when it is a role binding.
    subject_namespaces: Vec<String>,
    role_ref: Option<Gvk>,
    prefixes: Vec<String>,
    suffixes: Vec<String>,
    origin: Origin,
}

impl Referrer {
    fn of(resource: &Resource) -> Self {
        let current = resource.current();
        Referrer {
            effective_namespace: current.effective_namespace().to_owned(),
            cluster_scoped: current.is_cluster_scoped(),
            subject_namespaces: subject_namespaces(resource),
            role_ref: role_ref(&resource.node),
            prefixes: resource.prefixes.clone(),
            suffixes: resource.suffixes.clone(),
            origin: resource.origin.clone(),
        }
    }
}

impl Referrer {
    /// The namespaces it sees, when it is in one itself.
    fn spaces(&self) -> Vec<&str> {
        let mut spaces: Vec<&str> = vec![super::id::NO_NAMESPACE, &self.effective_namespace];
        spaces.extend(self.subject_namespaces.iter().map(String::as_str));
        spaces.sort_unstable();
        spaces.dedup();
        spaces
    }
}

fn subject_namespaces(resource: &Resource) -> Vec<String> {
    if resource.kind() != "RoleBinding" {
        return Vec::new();
    }
    let subjects = resource.node.get("subjects").and_then(Node::as_seq).unwrap_or_default();
    subjects
        .iter()
        .filter(|subject| subject.str_at(&["kind"]) == Some("ServiceAccount"))
        .filter_map(|subject| subject.str_at(&["namespace"]).map(str::to_owned))
        .collect()
}

/// An explicit null is neither a namespace nor none.
fn refuse_blank_subject(resource: &Resource) -> Result<(), KustomizeError> {
    let subjects = resource.node.get("subjects").and_then(Node::as_seq).unwrap_or_default();
    let blank = |subject: &Node| {
        subject.str_at(&["kind"]) == Some("ServiceAccount")
            && subject.get("namespace").is_some_and(|namespace| namespace.as_str().is_none())
    };
    if resource.kind() != "RoleBinding" {
        return Ok(());
    }
    let message = if subjects.iter().any(|subject| subject.as_map().is_none()) {
        "a subject must be a map with kind and name"
    } else if subjects.iter().any(blank) {
        "Invalid Input: namespace is blank for resource; remove the field or name a namespace"
    } else {
        return Ok(());
    };
    Err(KustomizeError::step(&resource.origin, "subjects", message))
}

fn role_ref(node: &Node) -> Option<Gvk> {
    let role = node.get("roleRef")?;
    Some(Gvk {
        group: role.str_at(&["apiGroup"])?.to_owned(),
        version: String::new(),
        kind: role.str_at(&["kind"])?.to_owned(),
    })
}

/// Rewrites the references of every object to objects that were renamed.
pub(super) fn fix(objects: &mut ResMap, specs: &Specs) -> Result<(), KustomizeError> {
    objects.iter().try_for_each(refuse_blank_subject)?;
    let index = Index::of(objects);
    let mut by_kind: HashMap<&str, Vec<(&Gvk, &FieldSpec)>> = HashMap::new();
    for reference in &specs.references {
        for spec in &reference.referrers {
            by_kind.entry(&spec.gvk.kind).or_default().push((&reference.target, spec));
        }
    }
    for at in 0..objects.len() {
        let resource = objects.get(at);
        let original = resource.original();
        let rows: Vec<(&Gvk, &FieldSpec)> = [original.gvk.kind, ""]
            .iter()
            .filter_map(|kind| by_kind.get(kind))
            .flatten()
            .filter(|(_, spec)| spec.matches(original.gvk))
            .copied()
            .collect();
        if rows.is_empty() {
            continue;
        }
        let referrer = Referrer::of(resource);
        let node = &mut objects.get_mut(at).node;
        for (target, spec) in rows {
            let field = Field { index: &index, referrer: &referrer, target, spec };
            field.rewrite(node)?;
        }
    }
    Ok(())
}

/// How a reference is written: a name alone, or a map with a name and perhaps a namespace.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form<'a> {
    Name,
    Map(Option<&'a str>),
}

/// One field spec of one referrer.
struct Field<'a> {
    index: &'a Index,
    referrer: &'a Referrer,
    target: &'a Gvk,
    spec: &'a FieldSpec,
}

impl Field<'_> {
    fn rewrite(&self, node: &mut Node) -> Result<(), KustomizeError> {
        let mut failed = None;
        // The spec matched the original kind; the current one may differ, so the path alone is applied here.
        let outcome = self.spec.apply(node, Leaf::Scalar, &mut |field| {
            self.set(field).map_err(|e| {
                failed = Some(e);
                String::new()
            })
        });
        match (failed, outcome) {
            (Some(e), _) => Err(e),
            (None, Err(message)) => Err(self.fail(&message)),
            (None, Ok(())) => Ok(()),
        }
    }

    fn set(&self, field: &mut Node) -> Result<(), KustomizeError> {
        match &mut field.value {
            Value::Null | Value::Blank => Ok(()),
            Value::Seq(items) => items.iter_mut().try_for_each(|item| match item.value {
                Value::Null | Value::Blank => Ok(()),
                Value::Map(_) => self.set_map(item),
                Value::Seq(_) => Err(self.fail("a list of names holds another list")),
                _ => self.set_scalar(item),
            }),
            Value::Map(_) => self.set_map(field),
            _ => self.set_scalar(field),
        }
    }

    fn fail(&self, message: &str) -> KustomizeError {
        let step = format!("updating name reference in '{}' field", self.spec.path_text());
        KustomizeError::step(&self.referrer.origin, &step, message)
    }

    fn set_scalar(&self, field: &mut Node) -> Result<(), KustomizeError> {
        let Some(old) = field.scalar_text() else { return Ok(()) };
        let Some(found) = self.choose(&old, Form::Name)? else { return Ok(()) };
        if found.name != old {
            field.value = Value::String(found.name.clone());
        }
        Ok(())
    }

    /// A reference with `name` and perhaps `namespace`: both are written.
    fn set_map(&self, field: &mut Node) -> Result<(), KustomizeError> {
        let Some(map) = field.as_map_mut() else { return Ok(()) };
        let Some(name) = map.get("name") else {
            return Err(self.fail("path config error; no 'name' field in node"));
        };
        let old = name.scalar_text().unwrap_or_default();
        let namespace = map.get("namespace").map(|node| node.scalar_text().unwrap_or_default());
        let Some(found) = self.choose(&old, Form::Map(namespace.as_deref()))? else { return Ok(()) };
        if found.name == old && found.namespace.is_empty() {
            return Ok(());
        }
        map.insert("name", Node::text(found.name.as_str()));
        if !found.namespace.is_empty() {
            map.insert("namespace", Node::text(found.namespace.as_str()));
        }
        Ok(())
    }

    /// Objects that were called `name` and that the referrer can see.
    fn visible(&self, name: &str) -> Vec<&Candidate> {
        let kind = self.target.kind.clone();
        let Some(by_namespace) = self.index.by_name.get(&(kind, name.to_owned())) else { return Vec::new() };
        let all = |slots: &Vec<usize>| slots.iter().map(|at| &self.index.candidates[*at]).collect::<Vec<_>>();
        if self.referrer.cluster_scoped {
            return by_namespace.values().flat_map(all).collect();
        }
        let own = self.referrer.effective_namespace.as_str();
        self.referrer
            .spaces()
            .iter()
            .filter_map(|space| by_namespace.get(*space))
            .flat_map(all)
            // A subject names a namespace literally: objects that do not say theirs are not meant.
            .filter(|held| {
                held.cluster_scoped || held.effective_namespace == own || !held.namespace.is_empty()
            })
            .collect()
    }

    fn choose(&self, name: &str, form: Form<'_>) -> Result<Option<&Candidate>, KustomizeError> {
        let mut left = self.visible(name);
        if let Form::Map(Some(namespace)) = form {
            left = self.in_namespace(left, namespace);
        }
        left.retain(|held| held.was(self.target));
        if self.spec.path.ends_with(&["roleRef".to_owned(), "name".to_owned()])
            && let Some(role) = &self.referrer.role_ref
        {
            left.retain(|held| held.was(role));
        }
        if !self.referrer.cluster_scoped {
            left.retain(|held| {
                held.cluster_scoped
                    || held.is_account
                    || held.effective_namespace == self.referrer.effective_namespace
            });
        }
        for empty_fits in [true, false] {
            if left.len() > 1 {
                left.retain(|held| self.same_affixes(held, empty_fits));
            }
        }
        let Some(first) = left.first() else { return Ok(None) };
        if left
            .iter()
            .all(|held| held.name == first.name && (form == Form::Name || held.namespace == first.namespace))
        {
            return Ok(Some(first));
        }
        let candidates = left.iter().map(|held| {
            let id = IdRef { gvk: held.gvk.as_ref(), name: &held.name, namespace: &held.namespace };
            format!("{id} at {}", held.origin)
        });
        Err(KustomizeError::Ambiguous {
            at: self.referrer.origin.clone(),
            name: name.to_owned(),
            candidates: candidates.collect::<Vec<_>>().join(", "),
        })
    }

    /// Objects that came from the namespace; if nothing the referrer sees did, those that are in it now.
    fn in_namespace<'c>(&self, candidates: Vec<&'c Candidate>, namespace: &str) -> Vec<&'c Candidate> {
        let came_from = self.index.came_from(namespace, self.referrer);
        candidates
            .into_iter()
            .filter(|held| {
                let wanted = if came_from { &held.original_namespace } else { &held.effective_namespace };
                wanted == namespace && wanted != super::id::NO_NAMESPACE
            })
            .collect()
    }

    fn same_affixes(&self, held: &Candidate, empty_fits: bool) -> bool {
        let same = |mine: &[String], theirs: &[String]| {
            (empty_fits && (mine.is_empty() || theirs.is_empty())) || same_ending(mine, theirs)
        };
        same(&self.referrer.prefixes, &held.prefixes) && same(&self.referrer.suffixes, &held.suffixes)
    }
}

/// Whether the shorter list ends the longer one; an empty list only matches an empty one.
fn same_ending(a: &[String], b: &[String]) -> bool {
    let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if short.is_empty() { long.is_empty() } else { long.ends_with(short) }
}
