//! Claims get volumes, volumes follow their claims, and what is in use stays.
//!
//! Source of order and words: `pkg/controller/volume/persistentvolume`, `pvcprotection`, `pvprotection`. A volume is made at once, whatever the class says of a
//! first consumer, and for every class by name, whether it is there or not; class `""` takes volumes that exist.

use apimachinery::quantity::Quantity;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use runtime::{Again, ApiError};
use serde_json::{Value, json};

use crate::kind::{Id, Kind};
use crate::live::Live;
use crate::pod;
use crate::queue::Controller;
use crate::step::{Actor, CONTROLLERS, Step};
use crate::world::World;

const ACTOR: Actor = Actor { manager: CONTROLLERS, component: "persistentvolume-controller" };

const PROVISIONER: &str = "sim.gitstellar.io/volumes";
const PROVISIONED_BY: &str = "pv.kubernetes.io/provisioned-by";
const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";
const VOLUME_PROTECTION: &str = "kubernetes.io/pv-protection";

/// Plays what claims have to do with.
pub(crate) struct Claims;

/// Plays what volumes have to do with.
pub(crate) struct Volumes;

impl Controller for Claims {
    fn name(&self) -> &'static str {
        "claim"
    }

    fn primary(&self) -> Kind {
        Kind::PersistentVolumeClaim
    }

    fn concerns(&self, world: &World, kind: Kind, object: &Live) -> Vec<Id> {
        match kind {
            Kind::Pod => {
                let claims = pod::claims(object).into_iter();
                claims.map(|name| Id::new(Kind::PersistentVolumeClaim, object.namespace(), &name)).collect()
            }
            Kind::PersistentVolume => match claim_of(object) {
                Some(id) => vec![id],
                None => world.ids(Kind::PersistentVolumeClaim),
            },
            _ => Vec::new(),
        }
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(claim) = world.get(id) else {
                world.memory.forget(id);
                return Ok(Again::WhenWoken);
            };
            if claim.deleting() {
                let users = world.select(Kind::Pod, claim.namespace(), |_| true);
                let used = users.iter().any(|pod| {
                    !pod::is_over(pod) && pod::claims(pod).iter().any(|name| name == claim.name())
                });
                let steps = if used { None } else { unprotect(&claim, CLAIM_PROTECTION) };
                world.act(ACTOR, steps.into_iter().collect()).await?;
                return Ok(Again::WhenWoken);
            }
            if let Some(left) = pod::left(world.pace.provision, world.elapsed(id, "provision", claim.uid())) {
                return Ok(Again::After(left));
            }
            let volumes: Vec<Live> =
                world.ids(Kind::PersistentVolume).iter().filter_map(|id| world.get(id)).collect();
            world.act(ACTOR, decide(&claim, &volumes)).await?;
            Ok(Again::WhenWoken)
        }
        .boxed()
    }
}

impl Controller for Volumes {
    fn name(&self) -> &'static str {
        "volume"
    }

    fn primary(&self) -> Kind {
        Kind::PersistentVolume
    }

    fn concerns(&self, world: &World, kind: Kind, object: &Live) -> Vec<Id> {
        if kind != Kind::PersistentVolumeClaim {
            return Vec::new();
        }
        let volume = match object.text("/spec/volumeName") {
            "" => format!("pvc-{}", object.uid()),
            name => name.to_owned(),
        };
        let id = Id::new(Kind::PersistentVolume, "", &volume);
        world.get(&id).map(|_| id).into_iter().collect()
    }

    fn reconcile<'a>(&'a self, world: &'a World, id: &'a Id) -> BoxFuture<'a, Result<Again, ApiError>> {
        async move {
            let Some(volume) = world.get(id) else { return Ok(Again::WhenWoken) };
            let claim = claim_of(&volume).and_then(|id| world.get(&id));
            world.act(ACTOR, follow(&volume, claim.as_ref())).await?;
            Ok(Again::WhenWoken)
        }
        .boxed()
    }
}

/// The claim that a volume is for.
fn claim_of(volume: &Live) -> Option<Id> {
    let name = volume.text("/spec/claimRef/name");
    (!name.is_empty())
        .then(|| Id::new(Kind::PersistentVolumeClaim, volume.text("/spec/claimRef/namespace"), name))
}

/// Takes away the finalizer that keeps what is in use.
fn unprotect(object: &Live, finalizer: &str) -> Option<Step> {
    let finalizers = object.items("/metadata/finalizers");
    let others: Vec<&Value> = finalizers.iter().filter(|known| **known != finalizer).collect();
    (others.len() != finalizers.len())
        .then(|| Step::patch(object, json!({ "metadata": { "finalizers": others } })))
}

/// Volume, binding and status of a claim.
fn decide(claim: &Live, volumes: &[Live]) -> Vec<Step> {
    let name = claim.text("/spec/volumeName");
    if name.is_empty() {
        return match claim.value.pointer("/spec/storageClassName") {
            Some(class) if class == "" => take(claim, volumes),
            _ => provision(claim, volumes),
        };
    }
    let volume = volumes.iter().find(|volume| volume.name() == name);
    let was_bound = claim.text("/status/phase") == "Bound";
    match volume {
        Some(volume) if claim_of(volume).is_none() => vec![reserve(volume, claim)],
        Some(volume) if volume.text("/spec/claimRef/uid") == claim.uid() => {
            let steps = grow(volume, claim);
            if steps.is_empty() { bound(claim, volume) } else { steps }
        }
        _ if was_bound => Step::status(claim, json!({ "phase": "Lost" })).into_iter().collect(),
        _ => Step::status(claim, json!({ "phase": "Pending" })).into_iter().collect(),
    }
}

fn bound(claim: &Live, volume: &Live) -> Vec<Step> {
    let mut status = claim.value.get("status").cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
    status["phase"] = json!("Bound");
    status["accessModes"] = claim.value.pointer("/spec/accessModes").cloned().unwrap_or_default();
    status["capacity"] = volume.value.pointer("/spec/capacity").cloned().unwrap_or_default();
    Step::status(claim, status).into_iter().collect()
}

/// Makes a volume for a claim, and binds the claim to it.
fn provision(claim: &Live, volumes: &[Live]) -> Vec<Step> {
    let name = format!("pvc-{}", claim.uid());
    let mut steps = Vec::new();
    if !volumes.iter().any(|volume| volume.name() == name) {
        steps.push(Step::Create(made(claim, &name)));
        steps.push(Step::tell(
            claim,
            "ProvisioningSucceeded",
            format!("Successfully provisioned volume {name}"),
        ));
    }
    steps.push(bind(claim, &name));
    steps
}

fn made(claim: &Live, name: &str) -> Value {
    let class = match claim.text("/spec/storageClassName") {
        "" => "standard",
        class => class,
    };
    json!({
        "apiVersion": "v1", "kind": "PersistentVolume",
        "metadata": { "name": name, "annotations": { PROVISIONED_BY: PROVISIONER } },
        "spec": {
            "accessModes": claim.value.pointer("/spec/accessModes").cloned().unwrap_or_else(|| json!(["ReadWriteOnce"])),
            "capacity": { "storage": requested(claim) },
            "claimRef": reference(claim),
            "csi": { "driver": "volumes.sim.gitstellar.io", "volumeHandle": claim.uid() },
            "persistentVolumeReclaimPolicy": "Delete", "storageClassName": class,
            "volumeMode": claim.value.pointer("/spec/volumeMode").cloned().unwrap_or_else(|| json!("Filesystem"))
        }
    })
}

fn requested(claim: &Live) -> &str {
    match claim.text("/spec/resources/requests/storage") {
        "" => "1Gi",
        amount => amount,
    }
}

fn reference(claim: &Live) -> Value {
    json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "namespace": claim.namespace(), "name": claim.name(), "uid": claim.uid() })
}

fn bind(claim: &Live, volume: &str) -> Step {
    let annotations = json!({
        "pv.kubernetes.io/bind-completed": "yes", "pv.kubernetes.io/bound-by-controller": "yes",
        "volume.kubernetes.io/storage-provisioner": PROVISIONER
    });
    Step::patch(
        claim,
        json!({ "metadata": { "annotations": annotations }, "spec": { "volumeName": volume } }),
    )
}

/// Binds to a volume that somebody made: the first that is free, or meant for this claim, and has all that is asked for.
fn take(claim: &Live, volumes: &[Live]) -> Vec<Step> {
    let fits = |volume: &&Live| {
        let meant = claim_of(volume).is_none_or(|id| Some(id) == claim.id());
        let modes = claim
            .items("/spec/accessModes")
            .iter()
            .all(|mode| volume.items("/spec/accessModes").contains(mode));
        let selector = claim.value.pointer("/spec/selector").is_none()
            || claim.selector("/spec/selector").matches(volume.labels());
        let classless = volume.text("/spec/storageClassName").is_empty();
        let large = amount(volume.text("/spec/capacity/storage")) >= amount(requested(claim));
        meant && modes && selector && classless && large && !volume.deleting()
    };
    match volumes.iter().find(fits) {
        Some(volume) => vec![bind(claim, volume.name())],
        None => {
            let pending = Step::status(claim, json!({ "phase": "Pending" }));
            let told = "no persistent volumes available for this claim and no storage class is set";
            let told = pending.is_some().then(|| Step::tell(claim, "FailedBinding", told));
            pending.into_iter().chain(told).collect()
        }
    }
}

fn amount(text: &str) -> f64 {
    Quantity::parse(text).map_or(0.0, |quantity| quantity.to_f64())
}

fn reserve(volume: &Live, claim: &Live) -> Step {
    Step::patch(volume, json!({ "spec": { "claimRef": reference(claim) } }))
}

/// A claim that asks for more than it has gets it.
fn grow(volume: &Live, claim: &Live) -> Vec<Step> {
    let wanted = requested(claim);
    let more = amount(wanted) > amount(volume.text("/spec/capacity/storage"));
    more.then(|| Step::patch(volume, json!({ "spec": { "capacity": { "storage": wanted } } })))
        .into_iter()
        .collect()
}

/// What becomes of a volume with its claim.
fn follow(volume: &Live, claim: Option<&Live>) -> Vec<Step> {
    let uid = volume.text("/spec/claimRef/uid");
    let claimed = claim.is_some_and(|claim| uid.is_empty() || claim.uid() == uid);
    if volume.deleting() {
        return if claimed { Vec::new() } else { unprotect(volume, VOLUME_PROTECTION).into_iter().collect() };
    }
    let phase = match (volume.value.pointer("/spec/claimRef").is_some(), claimed) {
        (false, _) => "Available",
        (true, true) => "Bound",
        // It is reserved for a claim that has not come yet.
        (true, false) if uid.is_empty() => "Available",
        (true, false) => "Released",
    };
    let ours = volume.annotation(PROVISIONED_BY) == Some(PROVISIONER);
    if phase == "Released" && ours && volume.text("/spec/persistentVolumeReclaimPolicy") == "Delete" {
        return vec![Step::delete(volume)];
    }
    let mut status =
        volume.value.get("status").cloned().filter(Value::is_object).unwrap_or_else(|| json!({}));
    status["phase"] = json!(phase);
    Step::status(volume, status).into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::live;

    fn claim(spec: &Value, status: &Value) -> Live {
        let mut whole =
            json!({ "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "2Gi" } } });
        whole.as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        let metadata = json!({ "name": "data", "finalizers": [CLAIM_PROTECTION] });
        live(
            json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": whole, "status": status }),
        )
    }

    /// The volume that is made for a claim, with other values in its spec.
    fn volume(name: &str, spec: &Value) -> Live {
        let mut value = made(&claim(&json!({}), &json!({})), name);
        value["spec"].as_object_mut().unwrap().extend(spec.as_object().unwrap().clone());
        live(value)
    }

    fn starts(steps: &[Step]) -> Vec<String> {
        let texts = steps.iter().map(ToString::to_string).filter(|step| !step.starts_with("tell"));
        texts.map(|step| step.split(" {").next().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_claim_gets_a_volume_then_is_bound() {
        #[track_caller]
        fn check(spec: &Value, volumes: &[Live], expected: &[&str]) {
            assert_eq!(starts(&decide(&claim(spec, &json!({})), volumes)), expected);
        }
        let mine = || volume("pvc-uid-of-data", &json!({}));
        let bind = "patch PersistentVolumeClaim shop/data";
        let status = "status PersistentVolumeClaim shop/data";
        check(&json!({}), &[], &["create PersistentVolume /pvc-uid-of-data", bind]);
        check(&json!({}), &[mine()], &[bind]);
        check(&json!({ "volumeName": "pvc-uid-of-data" }), &[mine()], &[status]);
        check(&json!({ "volumeName": "absent" }), &[], &[status]);
        let free = volume("disk", &json!({ "storageClassName": "", "claimRef": null }));
        check(&json!({ "storageClassName": "" }), &[free], &[bind]);
        let small = volume(
            "disk",
            &json!({ "storageClassName": "", "claimRef": null, "capacity": { "storage": "1Gi" } }),
        );
        check(&json!({ "storageClassName": "" }), &[small], &[status]);
        let more =
            json!({ "volumeName": "pvc-uid-of-data", "resources": { "requests": { "storage": "3Gi" } } });
        check(&more, &[mine()], &["patch PersistentVolume shop/pvc-uid-of-data"]);
    }

    #[test]
    fn a_bound_claim_is_left_alone() {
        let status =
            json!({ "phase": "Bound", "accessModes": ["ReadWriteOnce"], "capacity": { "storage": "2Gi" } });
        let bound = claim(&json!({ "volumeName": "pvc-uid-of-data" }), &status);
        assert!(decide(&bound, &[volume("pvc-uid-of-data", &json!({}))]).is_empty());
    }

    #[test]
    fn a_volume_follows_its_claim() {
        let made = volume("pvc-uid-of-data", &json!({}));
        let claim = claim(&json!({}), &json!({}));
        assert_eq!(starts(&follow(&made, Some(&claim))), ["status PersistentVolume shop/pvc-uid-of-data"]);
        assert_eq!(starts(&follow(&made, None)), ["delete PersistentVolume shop/pvc-uid-of-data"]);
        let kept = volume("disk", &json!({ "persistentVolumeReclaimPolicy": "Retain" }));
        assert_eq!(
            follow(&kept, None)[0].to_string(),
            r#"status PersistentVolume shop/disk {"phase":"Released"}"#
        );
        assert_eq!(
            unprotect(&claim, CLAIM_PROTECTION).unwrap().to_string(),
            r#"patch PersistentVolumeClaim shop/data {"metadata":{"finalizers":[]}}"#
        );
    }
}
