//! Addresses of pods.

use std::collections::{BTreeMap, BTreeSet};

use crate::kind::{Id, Kind};
use crate::node;
use crate::world::World;

/// Which pod has which address of which node's network.
#[derive(Default)]
pub(crate) struct Addresses {
    /// Whether those that were given before this process started are known.
    complete: bool,
    of_pods: BTreeMap<Id, String>,
    taken: BTreeSet<String>,
}

impl Addresses {
    /// The address of a pod on a node: the one it has, or the next free one.
    pub(crate) fn give(&mut self, world: &World, pod: &Id, node: u8, own: &str) -> String {
        if !self.complete {
            let pods = world.ids(Kind::Pod);
            let pods =
                pods.iter().filter_map(|id| world.get(id)).filter(|pod| !pod.flag("/spec/hostNetwork"));
            for pod in pods {
                self.keep(Id::new(Kind::Pod, pod.namespace(), pod.name()), pod.text("/status/podIP"));
            }
            self.complete = true;
        }
        self.keep(pod.clone(), own);
        if let Some(known) = self.of_pods.get(pod) {
            return known.clone();
        }
        let network = node::network(node);
        // .0 and .255 of each block stay free, as do the first few, which a real node uses itself.
        let hosts = (0..=255_u16).flat_map(|third| (2..255_u16).map(move |fourth| (third, fourth)));
        let mut free = hosts.map(|(third, fourth)| format!("{network}.{third}.{fourth}"));
        let address = free
            .find(|address| !self.taken.contains(address))
            .unwrap_or_else(|| format!("{network}.255.255"));
        self.keep(pod.clone(), &address);
        address
    }

    fn keep(&mut self, pod: Id, address: &str) {
        if !address.is_empty() {
            self.taken.insert(address.to_owned());
            self.of_pods.insert(pod, address.to_owned());
        }
    }

    /// The pod is gone.
    pub(crate) fn free(&mut self, pod: &Id) {
        if let Some(address) = self.of_pods.remove(pod) {
            self.taken.remove(&address);
        }
    }
}
