//! What each commit of the series declares, and whether a state of an object follows from the commits.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, ensure};
use serde_json::Value;

use super::super::recorder::Seen;
use super::super::stage::{At, CONFIG_MAP, DEPLOYMENT, Kind};
use crate::harness::Outcome;

pub const APPLIED: Kind =
    Kind("work.open-cluster-management.io", "v1", "AppliedManifestWork", "appliedmanifestworks", false);

/// Where an object may stand.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Place {
    Wds,
    /// An entry of a Binding.
    Binding(String),
    Mailbox(String),
    Cluster(String),
}

/// The files of one commit: a cart that grows, settings that change, extras that stay for two commits, and a roamer that changes sides at each.
pub fn write(write: impl Fn(&str, &str) -> Outcome, number: usize) -> Outcome {
    let map = |name: &str, n: usize| {
        format!(
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name}, namespace: shop }}\ndata: {{ number: \"{n}\" }}\n"
        )
    };
    write(
        "apps/shop/cart.yaml",
        &format!(
            "apiVersion: v1
kind: Namespace
metadata: {{ name: shop }}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{ name: cart, namespace: shop }}
spec:
  replicas: {number}
  selector: {{ matchLabels: {{ app: cart }} }}
  template:
    metadata: {{ labels: {{ app: cart }} }}
    spec: {{ containers: [{{ name: cart, image: 'cart:1' }}] }}
---
{}",
            map("settings", number)
        ),
    )?;
    let extras: Vec<String> = extras(number).map(|k| map(&format!("extra-{k}"), k)).collect();
    write("apps/shop/extras.yaml", &extras.join("---\n"))?;
    write("apps/roamer/roamer.yaml", &map("roamer", 0))?;
    write("policies/shop.yaml", &policy("shop", "[{ matchLabels: { tier: production } }]"))?;
    // The Namespace goes everywhere, as the roamer needs it.
    write(
        "policies/namespace.yaml",
        "apiVersion: control.kubestellar.io/v1alpha1
kind: BindingPolicy
metadata: { name: namespace }
spec:
  clusterSelectors: [{}]
  downsync: [{ resources: [namespaces], objectNames: [shop] }]
",
    )?;
    let tier = if number.is_multiple_of(2) { "production" } else { "edge" };
    write("policies/roamer.yaml", &policy("roamer", &format!("[{{ matchLabels: {{ tier: {tier} }} }}]")))
}

fn policy(unit: &str, clusters: &str) -> String {
    format!(
        "apiVersion: control.kubestellar.io/v1alpha1
kind: BindingPolicy
metadata: {{ name: {unit} }}
spec:
  clusterSelectors: {clusters}
  downsync: [{{ resources: [deployments, configmaps], objectSelectors: [{{ matchLabels: {{ gitstellar.io/unit: {unit} }} }}] }}]
"
    )
}

fn extras(number: usize) -> impl Iterator<Item = usize> {
    number.saturating_sub(1).max(1)..=number
}

/// The objects that any commit up to this one declared.
pub fn objects(number: usize) -> Vec<String> {
    let extras = (1..=number).map(|k| format!("extra-{k}"));
    ["cart", "settings", "roamer"].map(str::to_owned).into_iter().chain(extras).collect()
}

pub fn at(object: &str) -> At<'_> {
    At(if object == "cart" { DEPLOYMENT } else { CONFIG_MAP }, Some("shop"), object)
}

/// The number that an object carries.
pub fn content(object: &Value) -> Option<usize> {
    let of_map = || object["data"]["number"].as_str()?.parse().ok();
    object["spec"]["replicas"].as_u64().and_then(|n| usize::try_from(n).ok()).or_else(of_map)
}

/// What a commit puts at a place: the number that an object carries there; `None` where it is not. Commit 0 is what was there before.
pub fn declared(place: &Place, object: &str, commit: usize) -> Option<usize> {
    if commit == 0 || !goes_to(place, object, commit) {
        return None;
    }
    match object.strip_prefix("extra-") {
        Some(k) => extras(commit).find(|extra| *k == extra.to_string()),
        None if object == "roamer" => Some(0),
        None => Some(commit),
    }
}

fn goes_to(place: &Place, object: &str, commit: usize) -> bool {
    let roams = object == "roamer";
    match place {
        Place::Wds => true,
        Place::Binding(policy) => (policy == "roamer") == roams && policy != "namespace",
        Place::Mailbox(cluster) | Place::Cluster(cluster) => {
            (cluster == "cluster3") == (roams && !commit.is_multiple_of(2))
        }
    }
}

/// How far each object has come at each place.
#[derive(Default)]
pub struct Ledger {
    /// The last commit that was made.
    made: usize,
    /// The earliest commit that explains what stands there, and what stands there.
    known: BTreeMap<(Place, String), (usize, Option<usize>)>,
    /// Others write in the clusters, too: what stands there may change without a commit.
    simulated: bool,
    /// What the works of each mailbox hold.
    works: BTreeMap<(String, String), BTreeMap<String, Option<usize>>>,
}

impl Ledger {
    /// For clusters where workloads are simulated, after some commits.
    pub fn of_simulated_clusters(made: usize) -> Self {
        Self { made, simulated: true, ..Self::default() }
    }

    pub fn heard(&mut self, what: &str) {
        if let Some(number) = what.strip_prefix("commit ") {
            self.made = number.parse().unwrap();
        }
    }

    /// An error unless the commits explain it.
    pub fn saw(&mut self, seen: &Seen) -> Outcome {
        let (kind, name) = seen.object.split_once(' ').context("an object has a kind and a name")?;
        match kind {
            "Deployment" | "ConfigMap" => self.saw_object(seen, name),
            "Binding" => {
                let entries =
                    seen.state.iter().flat_map(|state| array(&state["spec"]["workload"]["namespaceScope"]));
                let there: BTreeMap<String, Option<usize>> =
                    entries.filter_map(|e| Some((e["name"].as_str()?.to_owned(), None))).collect();
                self.saw_all(&Place::Binding(name.to_owned()), &there)
            }
            "ManifestWork" => self.saw_work(seen, name),
            _ => Ok(()),
        }
    }

    fn saw_object(&mut self, seen: &Seen, name: &str) -> Outcome {
        let Some(object) = name.strip_prefix("shop/").filter(|object| *object != "kube-root-ca.crt") else {
            return Ok(());
        };
        let place = match seen.space.as_str() {
            "wds1" => Place::Wds,
            cluster => Place::Cluster(cluster.to_owned()),
        };
        let content =
            seen.state.as_ref().map(|state| content(state).context("it carries no number")).transpose()?;
        let before = self.known.get(&(place.clone(), object.to_owned())).and_then(|(_, content)| *content);
        let moves = seen.state.as_ref().is_some_and(|s| s["metadata"]["deletionTimestamp"].is_string());
        let by_others = self.simulated && place != Place::Wds;
        ensure!(
            before.is_none() || before != content || moves || by_others,
            "{object} in {place:?} is written once more"
        );
        self.step(&place, object, content)
    }

    fn saw_work(&mut self, seen: &Seen, name: &str) -> Outcome {
        let (mailbox, work) = name.split_once('/').context("a work is in a mailbox")?;
        let key = (mailbox.to_owned(), work.to_owned());
        match &seen.state {
            Some(state) => {
                let manifests = array(&state["spec"]["workload"]["manifests"]).into_iter();
                let manifests = manifests.filter(|m| m["kind"] != "Namespace");
                let held =
                    manifests.filter_map(|m| Some((m["metadata"]["name"].as_str()?.to_owned(), content(m))));
                self.works.insert(key, held.collect());
            }
            None => drop(self.works.remove(&key)),
        }
        let of_mailbox = self.works.iter().filter(|((of, _), _)| of == mailbox);
        let there = of_mailbox.flat_map(|(_, held)| held.clone()).collect();
        self.saw_all(&Place::Mailbox(mailbox.to_owned()), &there)
    }

    /// Everything that stands at a place.
    fn saw_all(&mut self, place: &Place, there: &BTreeMap<String, Option<usize>>) -> Outcome {
        let known = self.known.keys().filter(|(of, _)| of == place).map(|(_, object)| object.clone());
        let objects: BTreeSet<String> = known.chain(there.keys().cloned()).collect();
        for object in objects {
            let content = match (there.get(&object), place) {
                (None, _) => None,
                // A Binding names objects and says nothing of their content: any that a commit gave them will do.
                (Some(_), Place::Binding(_)) => {
                    let at = self.known.get(&(place.clone(), object.clone())).map_or(0, |(at, _)| *at);
                    (at..=self.made).find_map(|commit| declared(place, &object, commit))
                }
                (Some(content), _) => *content,
            };
            self.step(place, &object, content)?;
        }
        Ok(())
    }

    /// Moves an object on to the earliest commit, from the one it has come to up to the last that was made, that explains its state.
    fn step(&mut self, place: &Place, object: &str, content: Option<usize>) -> Outcome {
        let key = (place.clone(), object.to_owned());
        let (at, before) = self.known.get(&key).copied().unwrap_or((0, None));
        let found = (at..=self.made).find(|commit| declared(place, object, *commit) == content);
        let found = found.with_context(|| {
            let made = self.made;
            format!("{object} in {place:?} goes from {before:?} to {content:?}: no commit from {at} to {made} asks for that")
        })?;
        self.known.insert(key, (found, content));
        Ok(())
    }
}

fn array(value: &Value) -> Vec<&Value> {
    value.as_array().into_iter().flatten().collect()
}
