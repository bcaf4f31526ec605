//! Who controls what: owner references, adopting and releasing.

use apimachinery::Object;
use apimachinery::selector::Selector;
use serde_json::{Value, json};

use crate::kind::{Id, Kind};
use crate::live::{Live, text};
use crate::step::Step;

/// The reference to the controller, if there is one.
pub(crate) fn controller(of: &Value) -> Option<&Value> {
    let references = of.pointer("/metadata/ownerReferences")?.as_array()?;
    references.iter().find(|reference| reference.get("controller") == Some(&Value::Bool(true)))
}

/// The controller of an object, if it is of a kind that is looked at. It may be gone.
pub(crate) fn controller_id(of: &Live) -> Option<Id> {
    let reference = controller(&of.value)?;
    let group = text(reference, "/apiVersion").split_once('/').map_or("", |(group, _)| group);
    let kind = Kind::named(group, text(reference, "/kind"))?;
    Some(Id::new(kind, of.namespace(), text(reference, "/name")))
}

/// Whether `owner` controls an object.
pub(crate) fn controls(owner: &Live, object: &Live) -> bool {
    controller(&object.value).is_some_and(|reference| text(reference, "/uid") == owner.uid())
}

/// The reference by which `owner` controls.
pub(crate) fn reference(owner: &Live) -> Value {
    let gvk = &owner.object.header().gvk;
    json!({
        "apiVersion": gvk.api_version(), "kind": gvk.kind.as_str(), "name": owner.name(), "uid": owner.uid(),
        "controller": true, "blockOwnerDeletion": true
    })
}

/// Whether an object may concern an owner: its labels match, or it speaks of the owner's UID. Quick, and never wrongly false.
pub(crate) fn may_concern(owner: &Live, selector: &Selector, object: &Object) -> bool {
    let speaks = || std::str::from_utf8(object.bytes()).is_ok_and(|text| text.contains(owner.uid()));
    selector.matches(&object.header().labels) || (!owner.uid().is_empty() && speaks())
}

/// What an owner controls, and the steps that adopt what matches and has no controller, and release what does not match any more.
/// Source: `PodControllerRefManager`.
pub(crate) fn claim(owner: &Live, selector: &Selector, candidates: Vec<Live>) -> (Vec<Live>, Vec<Step>) {
    let (mut owned, mut steps) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let matches = selector.matches(candidate.labels());
        match controller(&candidate.value) {
            Some(_) if !controls(owner, &candidate) => {}
            Some(_) if matches => owned.push(candidate),
            Some(_) if owner.deleting() => {}
            Some(_) => steps.push(release(owner, &candidate)),
            None if matches && !owner.deleting() && !candidate.deleting() => {
                steps.push(adopt(owner, &candidate));
            }
            None => {}
        }
    }
    (owned, steps)
}

fn adopt(owner: &Live, object: &Live) -> Step {
    let mut references = object.items("/metadata/ownerReferences").to_vec();
    references.push(reference(owner));
    Step::patch(object, json!({ "metadata": { "ownerReferences": references } }))
}

fn release(owner: &Live, object: &Live) -> Step {
    let others = object.items("/metadata/ownerReferences").iter();
    let others: Vec<&Value> = others.filter(|reference| text(reference, "/uid") != owner.uid()).collect();
    Step::patch(object, json!({ "metadata": { "ownerReferences": others } }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::live::live;

    fn pod(name: &str, app: &str, owner: Option<&Live>) -> Live {
        let references: Vec<Value> = owner.map(reference).into_iter().collect();
        let metadata = json!({ "name": name, "labels": { "app": app }, "ownerReferences": references });
        live(json!({ "apiVersion": "v1", "kind": "Pod", "metadata": metadata }))
    }

    #[test]
    fn what_matches_is_adopted_and_what_does_not_is_released() {
        let set = |name: &str| {
            live(json!({ "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": { "name": name } }))
        };
        let (mine, other) = (set("mine"), set("other"));
        let selector = Selector::parse("app=cart").unwrap();
        let candidates = vec![
            pod("mine", "cart", Some(&mine)),
            pod("released", "relabelled", Some(&mine)),
            pod("foreign", "cart", Some(&other)),
            pod("orphan", "cart", None),
            pod("stranger", "else", None),
        ];
        let (owned, steps) = claim(&mine, &selector, candidates);
        assert_eq!(owned.iter().map(Live::name).collect::<Vec<_>>(), ["mine"]);
        let patched: Vec<String> = steps.iter().map(ToString::to_string).collect();
        assert_eq!(
            patched,
            [
                r#"patch Pod shop/released {"metadata":{"ownerReferences":[]}}"#,
                r#"patch Pod shop/orphan {"metadata":{"ownerReferences":[{"apiVersion":"apps/v1","blockOwnerDeletion":true,"controller":true,"kind":"ReplicaSet","name":"mine","uid":"uid-of-mine"}]}}"#
            ]
        );
        assert_eq!(
            controller_id(&pod("a", "cart", Some(&mine))),
            Some(Id::new(Kind::ReplicaSet, "shop", "mine"))
        );
    }
}
