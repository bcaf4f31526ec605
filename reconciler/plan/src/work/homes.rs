//! Which work holds which object: where it is, if that may stay, else first-fit.

use std::collections::{BTreeMap, BTreeSet};

use apimachinery::{Name, ObjectId};

use super::naming::Names;
use super::size::{Load, weight};
use super::wanted::Wanted;
use super::{BINDING_LABEL, HARD_LIMIT_BYTES, Mailbox, ObservedWork, naming, order};
use crate::PolicyName;

/// A work that objects live in, observed or new.
#[derive(Clone, Debug)]
pub(super) struct Home {
    /// The Binding that it belongs to.
    pub(super) binding: PolicyName,
    /// Its objects, wanted ones only.
    pub(super) objects: BTreeSet<ObjectId>,
    load: Load,
    /// Weight of what still has to leave, or is held: it counts for the hard limit only, and only until then.
    ballast: usize,
}

/// Homes by the name of the work.
pub(super) type Homes = BTreeMap<Name, Home>;

/// Gives every wanted object exactly one home.
pub(super) fn assign(
    mailbox: &Mailbox,
    ours: &[&ObservedWork],
    wanted: &BTreeMap<ObjectId, Wanted>,
) -> Homes {
    let mut town = Town::settled(mailbox, ours, wanted);
    let mut homeless: Vec<&ObjectId> = wanted.keys().filter(|id| !town.housed.contains(id)).collect();
    homeless.sort_by_cached_key(|id| order::key(id));
    for id in homeless {
        if let Some(object) = wanted.get(id) {
            town.house(id, object);
        }
    }
    town.homes
}

/// Homes while they are being assigned.
struct Town<'a> {
    mailbox: &'a Mailbox,
    homes: Homes,
    housed: BTreeSet<ObjectId>,
    /// Works that may have room, by Binding, in the order in which they were made.
    open: BTreeMap<PolicyName, Vec<Name>>,
    names: Names,
}

impl<'a> Town<'a> {
    /// Everybody who may stay stays.
    fn settled(mailbox: &'a Mailbox, ours: &[&ObservedWork], wanted: &BTreeMap<ObjectId, Wanted>) -> Self {
        let labels: BTreeMap<String, &PolicyName> =
            mailbox.bindings.keys().map(|policy| (naming::label_value(policy.as_str()), policy)).collect();
        let mut town = Self {
            mailbox,
            homes: Homes::new(),
            housed: BTreeSet::new(),
            open: BTreeMap::new(),
            names: Names::new(mailbox),
        };
        for work in ours.iter().filter(|w| !w.deleting) {
            let label = work.labels.get(BINDING_LABEL);
            if let Some(binding) = label.and_then(|label| labels.get(label)) {
                let home = stay(mailbox, work, binding, (wanted, &mut town.housed));
                town.add(work.name.clone(), home);
            }
        }
        town
    }

    fn add(&mut self, name: Name, home: Home) {
        self.open.entry(home.binding.clone()).or_default().push(name.clone());
        self.homes.insert(name, home);
    }

    /// First-fit into a work of the first Binding that selects the object, else a new one.
    fn house(&mut self, id: &ObjectId, object: &Wanted) {
        let Some(binding) = object.bindings.first() else { return };
        let open = self.open.get(binding).map(Vec::as_slice).unwrap_or_default();
        let fits =
            open.iter().find(|name| self.homes.get(*name).is_some_and(|h| h.admits(object, self.mailbox)));
        let name = match fits {
            Some(name) => name.clone(),
            None => match self.found(binding, object) {
                Some(name) => name,
                None => return,
            },
        };
        let Some(home) = self.homes.get_mut(&name) else { return };
        home.take(id, object.weight);
        // A work that is full is not looked at again: with one object per work the search would be quadratic.
        if !home.load.admits(1, self.mailbox.limits)
            && let Some(open) = self.open.get_mut(binding)
        {
            open.retain(|other| *other != name);
        }
    }

    /// A new work.
    fn found(&mut self, binding: &PolicyName, object: &Wanted) -> Option<Name> {
        let bound = self.mailbox.bindings.get(binding)?;
        let single = (self.mailbox.limits.max_objects <= 1).then_some(object.uid.as_str());
        let name = self.names.free(self.mailbox, (binding, bound), single);
        self.add(name.clone(), Home::new(binding.clone()));
        Some(name)
    }
}

/// What stays in a work: in the order of its manifests, while they fit; content grows, and limits are settings.
fn stay(
    mailbox: &Mailbox,
    work: &ObservedWork,
    binding: &PolicyName,
    (wanted, housed): (&BTreeMap<ObjectId, Wanted>, &mut BTreeSet<ObjectId>),
) -> Home {
    let mut home = Home::new(binding.clone());
    for manifest in &work.manifests {
        let id = manifest.object.id();
        let stays = wanted
            .get(&id)
            .filter(|w| w.bindings.contains(binding) && !housed.contains(&id))
            .filter(|w| home.load.admits(w.weight, mailbox.limits));
        match stays {
            Some(object) => {
                housed.insert(id.clone());
                home.take(&id, object.weight);
            }
            None if wanted.contains_key(&id) || mailbox.held.contains(&id) => {
                home.ballast += weight(manifest.object.bytes());
            }
            None => {}
        }
    }
    home
}

impl Home {
    fn new(binding: PolicyName) -> Self {
        Self { binding, objects: BTreeSet::new(), load: Load::default(), ballast: 0 }
    }

    fn take(&mut self, id: &ObjectId, weight: usize) {
        self.load = self.load.with(weight);
        self.objects.insert(id.clone());
    }

    /// Whether a new object may join. An observed work that is empty but for what leaves it is going away, unless something fits into it.
    fn admits(&self, object: &Wanted, mailbox: &Mailbox) -> bool {
        self.load.admits(object.weight, mailbox.limits)
            && self.load.bytes + self.ballast + object.weight <= HARD_LIMIT_BYTES
    }
}
