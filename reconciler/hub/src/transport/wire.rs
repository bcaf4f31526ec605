//! ManifestWorks between their wire form and `plan`'s content.

use std::collections::BTreeMap;

use api::ocm::work::{
    DeleteOption, FeedbackRule, JsonPath, ManifestCondition, ManifestConfig, ManifestWorkSpec,
    ManifestWorkStatus, ManifestsTemplate, ResourceIdentifier, ServerSideApplyConfig, UpdateStrategy,
};
use apimachinery::kinds::KindTable;
use apimachinery::{GroupResource, Object};
use plan::ClusterName;
use plan::work::{
    AppliedCondition, GENERATION_FEEDBACK, Manifest, ObservedManifest, ObservedWork, PROPAGATION_POLICY,
    Strategy, WORK_FIELD_MANAGER, WorkContent,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// A stored work; `None` when it does not parse, so that it is neither trusted nor overwritten.
pub fn observed(work: &Object, kinds: &KindTable) -> Option<ObservedWork> {
    let value = work.to_value();
    let spec = ManifestWorkSpec::deserialize(value.get("spec")?).ok()?;
    let status =
        value.get("status").and_then(|s| ManifestWorkStatus::deserialize(s).ok()).unwrap_or_default();
    let header = work.header();
    let conditions: BTreeMap<i32, &ManifestCondition> =
        status.resource_status.manifests.iter().map(|m| (m.resource_meta.ordinal, m)).collect();
    let manifests = spec.workload.manifests.iter().enumerate().filter_map(|(ordinal, manifest)| {
        let reported = i32::try_from(ordinal).ok().and_then(|ordinal| conditions.get(&ordinal).copied());
        observed_manifest(manifest, &spec.manifest_configs, reported, kinds)
    });
    let applied = status.conditions.iter().find(|c| c.type_ == "Applied");
    Some(ObservedWork {
        name: header.name.clone(),
        uid: header.uid.as_deref().unwrap_or_default().to_owned(),
        resource_version: header.resource_version.as_deref().unwrap_or_default().to_owned(),
        generation: header.generation.unwrap_or_default(),
        labels: header.labels.as_ref().clone(),
        annotations: header.annotations.as_ref().clone(),
        deleting: header.deleting,
        applied_generation: applied.and_then(|c| c.observed_generation),
        manifests: manifests.collect(),
    })
}

fn observed_manifest(
    manifest: &Value,
    configs: &[ManifestConfig],
    reported: Option<&ManifestCondition>,
    kinds: &KindTable,
) -> Option<ObservedManifest> {
    let object = Object::from_value(manifest).ok()?;
    let header = object.header();
    let config = configs.iter().find(|config| {
        let id = &config.resource_identifier;
        id.group == header.gvk.group.as_str()
            && id.name == header.name.as_str()
            && id.namespace == header.namespace.as_ref().map_or("", |n| n.as_str())
            && kinds.kind(&header.gvk).is_none_or(|known| known.plural.as_str() == id.resource)
    });
    let resource = config
        .map(|config| {
            GroupResource::new(&config.resource_identifier.group, &config.resource_identifier.resource)
        })
        .or_else(|| kinds.kind(&header.gvk).map(|known| known.group_resource()))
        .or_else(|| {
            reported.map(|r| GroupResource::new(&r.resource_meta.group, &r.resource_meta.resource))
        })?;
    // A report of another object at this ordinal is one of an older generation.
    let reported = reported.filter(|r| {
        r.resource_meta.kind == header.gvk.kind.as_str() && r.resource_meta.name == header.name.as_str()
    });
    let applied = reported.and_then(|r| r.conditions.iter().find(|c| c.type_ == "Applied"));
    let applied = applied.map(|c| AppliedCondition {
        ok: c.status == "True",
        observed_generation: c.observed_generation,
        message: c.message.clone(),
    });
    let owned_once = applied.as_ref().is_some_and(|applied| applied.ok);
    let wants_generation = config.is_some_and(|config| {
        config
            .feedback_rules
            .iter()
            .flat_map(|rule| &rule.json_paths)
            .any(|path| path.name == GENERATION_FEEDBACK)
    });
    let strategy = config.map_or(Strategy::Update, strategy_of);
    Some(ObservedManifest { object, resource, strategy, wants_generation, applied, owned_once })
}

fn strategy_of(config: &ManifestConfig) -> Strategy {
    let Some(strategy) = &config.update_strategy else { return Strategy::Update };
    match strategy.type_.as_str() {
        "CreateOnly" => Strategy::CreateOnly,
        "ReadOnly" => Strategy::ReadOnly,
        "ServerSideApply" => Strategy::ServerSideApply {
            force: strategy.server_side_apply.as_ref().is_some_and(|apply| apply.force),
        },
        _ => Strategy::Update,
    }
}

/// The wire form of a work. `stored` gives what is not ours to say: finalizers and foreign labels and annotations.
pub fn object(cluster: &ClusterName, content: &WorkContent, stored: Option<&Object>) -> Option<Object> {
    let mut work = stored.map_or_else(
        || {
            json!({
                "apiVersion": "work.open-cluster-management.io/v1", "kind": "ManifestWork",
                "metadata": { "name": content.name.as_str(), "namespace": cluster.as_str() },
            })
        },
        Object::to_value,
    );
    let metadata = work.get_mut("metadata")?.as_object_mut()?;
    metadata.remove("managedFields");
    for (field, ours) in [("labels", &content.labels), ("annotations", &content.annotations)] {
        let target = metadata.entry(field).or_insert_with(|| json!({}));
        for (key, value) in ours {
            target[key] = json!(value);
        }
    }
    let spec = ManifestWorkSpec {
        workload: ManifestsTemplate {
            manifests: content.manifests.iter().map(|m| m.object.to_value()).collect(),
        },
        delete_option: Some(DeleteOption {
            propagation_policy: PROPAGATION_POLICY.to_owned(),
            ..DeleteOption::default()
        }),
        manifest_configs: content.manifests.iter().map(config_of).collect(),
        executor: None,
    };
    work["spec"] = serde_json::to_value(spec).ok()?;
    Object::from_value(&work).ok()
}

fn config_of(manifest: &Manifest) -> ManifestConfig {
    let header = manifest.object.header();
    let apply = |force| ServerSideApplyConfig {
        force,
        field_manager: Some(WORK_FIELD_MANAGER.to_owned()),
        ignore_fields: Vec::new(),
    };
    let (type_, server_side_apply) = match manifest.strategy {
        Strategy::Update => ("Update", None),
        Strategy::CreateOnly => ("CreateOnly", None),
        Strategy::ReadOnly => ("ReadOnly", None),
        Strategy::ServerSideApply { force } => ("ServerSideApply", Some(apply(force))),
    };
    let generation = JsonPath {
        name: GENERATION_FEEDBACK.to_owned(),
        version: None,
        path: ".metadata.generation".to_owned(),
    };
    let rules = if manifest.wants_generation {
        vec![FeedbackRule { type_: "JSONPaths".to_owned(), json_paths: vec![generation] }]
    } else {
        Vec::new()
    };
    ManifestConfig {
        resource_identifier: ResourceIdentifier {
            group: manifest.resource.group.to_string(),
            resource: manifest.resource.plural.to_string(),
            name: header.name.to_string(),
            namespace: header.namespace.as_ref().map(ToString::to_string).unwrap_or_default(),
        },
        feedback_rules: rules,
        update_strategy: Some(UpdateStrategy { type_: type_.to_owned(), server_side_apply }),
    }
}
