//! WorkStatus: the `.status` of each applied object, verbatim, beside the work in the mailbox.

use std::collections::{BTreeMap, BTreeSet};

use api::kubestellar::status::{SourceRef, StatusDetails, WorkStatusSpec};
use apimachinery::{Name, Namespace, Object, clock};
use runtime::{ApiError, DeleteOptions, Key, Reason, Resource, Target};
use serde_json::{Value, json};

use crate::observe::{Manifest, Work};
use crate::report::Outcome;
use crate::{AGENT_MANAGER, Agent, resources};

/// Kinds without a status worth returning; Secrets are not even looked at.
const SKIPPED: [&str; 7] =
    ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "Secret", "ConfigMap", "ServiceAccount"];
/// Works that bear a label with one of these prefixes are KubeStellar's, or ours.
const LABEL_PREFIXES: [&str; 2] = ["managed-by.kubestellar.io", "transport.kubestellar.io"];
const LONGEST_NAME: usize = 253;

/// Writes the WorkStatuses of a work, and deletes those of objects that left it.
pub(crate) async fn write(
    agent: &Agent,
    work: &Work,
    owner: &Object,
    outcomes: &BTreeMap<usize, Outcome>,
) -> Result<(), ApiError> {
    let reported = work
        .stored
        .header()
        .labels
        .keys()
        .any(|key| LABEL_PREFIXES.iter().any(|prefix| key.starts_with(prefix)));
    if !reported {
        return Ok(());
    }
    let mut wanted = BTreeSet::new();
    for manifest in &work.manifests {
        let kind = manifest.object.header().gvk.kind.as_str();
        let Some(outcome) = outcomes.get(&manifest.ordinal).filter(|_| !SKIPPED.contains(&kind)) else {
            continue;
        };
        if let (Some(live), Some(resource)) = (&outcome.live, &outcome.resource)
            && live.to_value().get("status").is_some()
        {
            let name = name(owner, manifest);
            write_one(agent, work, (&name, manifest, resource), (live, outcome)).await?;
            wanted.insert(name);
        }
    }
    forget(agent, work, &wanted).await
}

/// `<UID of the AppliedManifestWork>-<group and version>-<kind>-<namespace>-<name>`, as KubeStellar's agent names them.
fn name(owner: &Object, manifest: &Manifest) -> Name {
    let header = manifest.object.header();
    let uid = owner.header().uid.as_deref().unwrap_or_default();
    let namespace = header.namespace.as_ref().map_or("", |n| n.as_str());
    let text = format!(
        "{uid}-{}{}-{}-{namespace}-{}",
        header.gvk.group, header.gvk.version, header.gvk.kind, header.name
    );
    let mut text = text.to_lowercase();
    let mut end = text.len().min(LONGEST_NAME);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    Name::from(text.trim_end_matches(['-', '.']))
}

async fn write_one(
    agent: &Agent,
    work: &Work,
    (name, manifest, resource): (&Name, &Manifest, &Resource),
    (live, outcome): (&Object, &Outcome),
) -> Result<(), ApiError> {
    let its = &agent.settings.its;
    let statuses = resources::work_statuses();
    let namespace = Namespace::from(agent.settings.cluster.as_str());
    let key = Key { resource: statuses.group_resource(), namespace: Some(namespace), name: name.clone() };
    let status = live.to_value().get("status").cloned().unwrap_or_default();
    let details = StatusDetails {
        last_generation: live.header().generation.unwrap_or_default(),
        last_generation_is_applied: outcome.failure.is_none(),
        last_currency_update_time: clock::rfc3339_seconds(agent.settings.clock.now()),
    };
    let stored = match agent.mailbox.get(&key) {
        Some(stored) if same_details(&stored, &details) && same_labels(&stored, work) => stored,
        Some(stored) => {
            let mut value = stored.to_value();
            value["statusDetails"] = serde_json::to_value(&details).unwrap_or_default();
            value["metadata"]["labels"] = json!(work.stored.header().labels.as_ref());
            match Object::from_value(&value) {
                Ok(object) => its.replace(&statuses, &object, AGENT_MANAGER).await?,
                Err(_) => stored,
            }
        }
        None => match its
            .create(&statuses, &fresh(agent, work, (name, manifest, resource), &details)?, AGENT_MANAGER)
            .await
        {
            Ok(stored) => stored,
            // An earlier process wrote it, the mirror does not know yet.
            Err(error) if error.reason == Reason::AlreadyExists => return Ok(()),
            Err(error) => return Err(error),
        },
    };
    let mut value = stored.to_value();
    let newest = if value.get("status") == Some(&status) {
        stored
    } else {
        value["status"] = status;
        match Object::from_value(&value) {
            Ok(object) => its.replace_status(&statuses, &object, AGENT_MANAGER).await?,
            Err(_) => stored,
        }
    };
    agent.mailbox.note(&statuses.group_resource(), newest);
    Ok(())
}

fn same_details(stored: &Object, details: &StatusDetails) -> bool {
    let value = stored.to_value();
    value["statusDetails"]["lastGeneration"] == json!(details.last_generation)
        && value["statusDetails"]["lastGenerationIsApplied"] == json!(details.last_generation_is_applied)
}

fn same_labels(stored: &Object, work: &Work) -> bool {
    stored.header().labels == work.stored.header().labels
}

fn fresh(
    agent: &Agent,
    work: &Work,
    what: (&Name, &Manifest, &Resource),
    details: &StatusDetails,
) -> Result<Object, ApiError> {
    let (name, manifest, resource) = what;
    let header = manifest.object.header();
    let source_ref = SourceRef {
        group: header.gvk.group.to_string(),
        version: header.gvk.version.to_string(),
        resource: resource.plural.to_string(),
        kind: header.gvk.kind.to_string(),
        namespace: header.namespace.as_ref().map(ToString::to_string).unwrap_or_default(),
        name: header.name.to_string(),
    };
    let owner = json!({
        "apiVersion": "work.open-cluster-management.io/v1", "kind": "ManifestWork", "controller": true, "blockOwnerDeletion": true,
        "name": work.stored.header().name.as_str(), "uid": work.stored.header().uid.as_deref().unwrap_or_default(),
    });
    let value: Value = json!({
        "apiVersion": "control.kubestellar.io/v1alpha1", "kind": "WorkStatus",
        "metadata": {
            "name": name.as_str(), "namespace": agent.settings.cluster.as_str(),
            "labels": work.stored.header().labels.as_ref(), "ownerReferences": [owner],
        },
        "spec": WorkStatusSpec { source_ref },
        "statusDetails": details,
    });
    Object::from_value(&value).map_err(|error| {
        ApiError::untold("build a WorkStatus", &agent.settings.its, Reason::Invalid, error.to_string())
    })
}

/// Deletes the WorkStatuses of objects that left the work.
async fn forget(agent: &Agent, work: &Work, wanted: &BTreeSet<Name>) -> Result<(), ApiError> {
    let statuses = resources::work_statuses();
    let uid = work.stored.header().uid.as_deref().unwrap_or_default();
    for stored in agent.mailbox.list(&statuses.group_resource()) {
        let value = stored.to_value();
        let ours = value.pointer("/metadata/ownerReferences/0/uid").and_then(Value::as_str) == Some(uid);
        if ours && !wanted.contains(&stored.header().name) {
            let header = stored.header();
            let target = Target {
                resource: &statuses,
                namespace: header.namespace.as_ref(),
                name: &header.name,
                subresource: "",
            };
            let options =
                DeleteOptions { uid: header.uid.as_deref().map(str::to_owned), ..DeleteOptions::default() };
            agent.settings.its.delete(target, &options).await?;
        }
    }
    Ok(())
}
