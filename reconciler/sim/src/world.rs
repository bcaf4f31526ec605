//! What all controllers of one cluster share: where they look, where they write, how time passes.

use std::sync::Arc;
use std::time::Duration;

use apimachinery::clock::rfc3339_seconds;
use apimachinery::selector::Selector;
use apimachinery::{Clock, Object};
use runtime::{Connection, Mirror};

use crate::events::Recorder;
use crate::faults::{self, Faults};
use crate::kind::{self, Id, Kind};
use crate::live::Live;
use crate::memory::Memory;
use crate::naming;
use crate::owner;
use crate::pace::Pace;

/// One cluster.
pub(crate) struct World {
    pub cluster: Connection,
    pub mirror: Mirror,
    pub clock: Arc<dyn Clock>,
    pub pace: Pace,
    pub seed: u64,
    /// What `/version` says, for nodes.
    pub version: String,
    pub memory: Memory,
    pub events: Recorder,
    /// Held while a pod is created in a namespace with a quota: counting and creating are one step then.
    pub quota: tokio::sync::Mutex<()>,
}

impl World {
    /// One object, if it is there.
    pub(crate) fn get(&self, id: &Id) -> Option<Live> {
        self.mirror.get(&id.key()).map(Live::of)
    }

    /// Objects of one namespace, by what a quick look at each says. Sorted by name.
    pub(crate) fn select(&self, kind: Kind, namespace: &str, wanted: impl Fn(&Object) -> bool) -> Vec<Live> {
        let namespace = kind::namespace(namespace);
        let found = self.mirror.select(&kind.resource().group_resource(), namespace.as_ref(), wanted);
        found.into_iter().map(Live::of).collect()
    }

    /// Objects of one namespace with matching labels.
    pub(crate) fn labelled(&self, kind: Kind, namespace: &str, selector: &Selector) -> Vec<Live> {
        self.select(kind, namespace, |object| selector.matches(&object.header().labels))
    }

    /// What may belong to an owner: in its namespace, and with matching labels or speaking of it.
    pub(crate) fn candidates(&self, kind: Kind, of: &Live, selector: &Selector) -> Vec<Live> {
        self.select(kind, of.namespace(), |object| owner::may_concern(of, selector, object))
    }

    /// What an owner controls, whatever the labels.
    pub(crate) fn controlled(&self, kind: Kind, of: &Live) -> Vec<Live> {
        let mut found = self.candidates(kind, of, &Selector::nothing());
        found.retain(|object| owner::controls(of, object));
        found
    }

    /// Keys of all objects of a kind.
    pub(crate) fn ids(&self, kind: Kind) -> Vec<Id> {
        let objects = self.mirror.list(&kind.resource().group_resource());
        let id = |object: &Object| {
            let header = object.header();
            let namespace = header.namespace.as_ref().map_or("", apimachinery::Namespace::as_str);
            Id::new(kind, namespace, header.name.as_str())
        };
        objects.iter().map(id).collect()
    }

    /// The failures that are asked for now.
    pub(crate) fn faults(&self) -> Faults {
        Faults::of(self.get(&config_id()).as_ref())
    }

    /// Now, as a `metav1.Time`.
    pub(crate) fn now(&self) -> String {
        rfc3339_seconds(self.clock.now())
    }

    /// How long `aspect` of an object has been `state`.
    pub(crate) fn elapsed(&self, id: &Id, aspect: &'static str, state: &str) -> Duration {
        self.memory.elapsed(id, aspect, state, self.clock.monotonic())
    }

    /// A name that is not taken, for the next object of an owner.
    pub(crate) fn free_name(&self, kind: Kind, owner: (&Id, &str), base: &str) -> String {
        let (id, uid) = owner;
        let seed = self.seed.to_string();
        loop {
            let number = self.memory.next_number(id).to_string();
            let name = naming::generated(base, &naming::suffix(&[&seed, uid, &number], 5));
            if self.mirror.get(&Id::new(kind, &id.namespace, &name).key()).is_none() {
                return name;
            }
        }
    }
}

/// The ConfigMap that asks for failures.
pub(crate) fn config_id() -> Id {
    Id::new(Kind::ConfigMap, faults::CONFIG_NAMESPACE, faults::CONFIG_NAME)
}
