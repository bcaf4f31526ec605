//! A mailbox with its agent and its cluster, in memory: enough of both to see what becomes of objects.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{GroupResource, Name, Object, ObjectId};

use super::*;

/// One work as the ITS stores it.
#[derive(Clone, Debug)]
struct Stored {
    uid: String,
    version: u64,
    generation: i64,
    content: WorkContent,
    deleting: bool,
    seen: Option<i64>,
    applied: BTreeMap<ObjectId, AppliedCondition>,
}

/// A mailbox, its agent and its cluster.
#[derive(Default)]
pub(super) struct Simulation {
    works: BTreeMap<Name, Stored>,
    /// Objects in the cluster with the works that own them.
    pub(super) cluster: BTreeMap<ObjectId, BTreeSet<String>>,
    /// Objects that the agent deleted, ever.
    pub(super) deleted: BTreeSet<ObjectId>,
    /// Objects that the cluster refuses, with the message.
    pub(super) refuses: BTreeMap<ObjectId, String>,
    writes: u64,
}

pub(super) fn object_id(name: &str) -> ObjectId {
    ObjectId::new("", "ConfigMap", Some("shop"), name)
}

pub(super) fn object(name: &str, bytes: usize) -> Object {
    let value = serde_json::json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop"},
        "data": {"text": "x".repeat(bytes)},
    });
    Object::from_value(&value).unwrap()
}

pub(super) fn bound(name: &str, bytes: usize) -> Bound {
    Bound {
        uid: format!("uid-{name}"),
        resource: GroupResource::new("", "configmaps"),
        content: Content::Ship(object(name, bytes)),
        duplicate_keys: false,
        adopt: false,
    }
}

pub(super) fn mailbox(limits: Limits) -> Mailbox {
    Mailbox {
        cluster: "c1".into(),
        wds: "wds1".into(),
        hub: "hub-1".into(),
        take_over: false,
        agent: Agent::Ours,
        limits,
        bindings: BTreeMap::new(),
        contents: BTreeMap::new(),
        held: BTreeSet::new(),
        observed: Vec::new(),
    }
}

impl Mailbox {
    /// A Binding over objects that are updated.
    pub(super) fn bind(&mut self, policy: &str, names: &[&str]) {
        let objects = names.iter().map(|n| (object_id(n), false)).collect();
        let bound = BoundHere { uid: format!("uid-{policy}"), generation: 1, objects };
        self.bindings.insert(policy.into(), bound);
    }

    pub(super) fn contain(&mut self, name: &str, bytes: usize) {
        self.contents.insert(object_id(name), bound(name, bytes));
    }
}

impl Simulation {
    /// The mailbox as it is listed.
    pub(super) fn observed(&self) -> Vec<ObservedWork> {
        self.works.iter().map(|(name, stored)| stored.observed(name)).collect()
    }

    /// One decision, and the writes that `admit` lets through.
    pub(super) fn act(&mut self, mailbox: &mut Mailbox, mut admit: impl FnMut() -> bool) -> WorkPlan {
        mailbox.observed = self.observed();
        let plan = reconcile(mailbox);
        for change in &plan.changes {
            if admit() {
                self.write(change);
            }
        }
        plan
    }

    fn write(&mut self, change: &WorkChange) {
        self.writes += 1;
        let version = self.writes;
        match change {
            WorkChange::Create(content) => {
                let uid = format!("work-{version}");
                let stored = Stored {
                    uid,
                    version,
                    generation: 1,
                    content: content.clone(),
                    deleting: false,
                    seen: None,
                    applied: BTreeMap::new(),
                };
                assert!(self.works.insert(content.name.clone(), stored).is_none(), "the name is taken");
            }
            WorkChange::Update { resource_version, content } => {
                let stored = self.works.get_mut(&content.name).unwrap();
                assert_eq!(*resource_version, stored.version.to_string());
                assert!(!content.manifests.is_empty());
                stored.generation += i64::from(stored.content.manifests != content.manifests);
                (stored.version, stored.content) = (version, content.clone());
            }
            WorkChange::Delete { name, uid, .. } => {
                let stored = self.works.get_mut(name).unwrap();
                assert_eq!(*uid, stored.uid);
                (stored.version, stored.deleting) = (version, true);
            }
        }
    }

    pub(super) fn names(&self) -> Vec<Name> {
        self.works.keys().cloned().collect()
    }

    /// What each work holds, `p-wds1-0: a b`.
    pub(super) fn holdings(&self) -> Vec<String> {
        let line = |(name, stored): (&Name, &Stored)| {
            let ids = stored.content.manifests.iter().map(|m| m.object.id().name.to_string());
            format!("{name}: {}", ids.collect::<Vec<_>>().join(" "))
        };
        self.works.iter().map(line).collect()
    }

    /// The agent looks at one work.
    pub(super) fn agent(&mut self, name: &Name) {
        let Some(stored) = self.works.get_mut(name) else { return };
        let mut wanted = BTreeSet::new();
        if !stored.deleting {
            stored.applied.clear();
            for manifest in &stored.content.manifests {
                let id = manifest.object.id();
                let refused = self.refuses.get(&id).cloned();
                if refused.is_none() {
                    self.cluster.entry(id.clone()).or_default().insert(stored.uid.clone());
                }
                let applied = AppliedCondition {
                    ok: refused.is_none(),
                    observed_generation: None,
                    message: refused.unwrap_or_default(),
                };
                stored.applied.insert(id.clone(), applied);
                wanted.insert(id);
            }
            stored.seen = Some(stored.generation);
        }
        let uid = stored.uid.clone();
        if stored.deleting {
            self.works.remove(name);
        }
        self.disown(&uid, &wanted);
    }

    fn disown(&mut self, work: &str, wanted: &BTreeSet<ObjectId>) {
        for (id, owners) in &mut self.cluster {
            if !wanted.contains(id) && owners.remove(work) && owners.is_empty() {
                self.deleted.insert(id.clone());
            }
        }
        self.cluster.retain(|_, owners| !owners.is_empty());
    }

    /// Acts and lets the agent work until nothing is written any more.
    pub(super) fn settle(&mut self, mailbox: &mut Mailbox) -> WorkPlan {
        for _ in 0..30 {
            let plan = self.act(mailbox, || true);
            for name in self.names() {
                self.agent(&name);
            }
            if plan.changes.is_empty() && plan.moving.is_empty() {
                return plan;
            }
        }
        panic!("it does not come to rest: {:?}", self.holdings());
    }
}

impl Stored {
    fn observed(&self, name: &Name) -> ObservedWork {
        let manifest = |m: &Manifest| ObservedManifest {
            object: m.object.clone(),
            resource: m.resource.clone(),
            strategy: m.strategy,
            wants_generation: m.wants_generation,
            applied: self.applied.get(&m.object.id()).cloned(),
            owned_once: false,
        };
        ObservedWork {
            name: name.clone(),
            uid: self.uid.clone(),
            resource_version: self.version.to_string(),
            generation: self.generation,
            labels: self.content.labels.clone(),
            annotations: self.content.annotations.clone(),
            deleting: self.deleting,
            applied_generation: self.seen,
            manifests: self.content.manifests.iter().map(manifest).collect(),
        }
    }
}
