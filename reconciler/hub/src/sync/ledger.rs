//! The ledger: which objects of the WDS a source owns. ConfigMaps of at most 500 entries in namespace `gitstellar-system`.

use apimachinery::{Namespace, Object, ObjectId};
use plan::SourceName;
use plan::sync::LedgerEntry;
use runtime::{ApiError, Connection, DeleteOptions, Manager, Mirror, Target};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::install::HUB_MANAGER;
use crate::world::{name, resources, system_namespace};

/// Label on every ConfigMap of a ledger; its value is the source.
pub const LEDGER_LABEL: &str = "gitstellar.io/ledger";

/// Why a ledger cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// A ConfigMap of the ledger does not hold what we wrote. Nothing is pruned on a guess.
    #[error(
        "the ledger ConfigMap gitstellar-system/{config_map} is damaged: {detail}; restore it, or delete it to give up ownership of the objects it lists"
    )]
    Damaged {
        /// Which.
        config_map: String,
        /// What does not parse.
        detail: String,
    },
}

#[derive(Serialize, Deserialize)]
struct Row {
    #[serde(default, skip_serializing_if = "String::is_empty")]
    group: String,
    kind: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    uid: Option<String>,
}

/// The entries of a source, from the mirror of the WDS.
///
/// # Errors
/// When a ConfigMap does not parse.
pub fn entries(wds: &Mirror, source: &SourceName) -> Result<Vec<LedgerEntry>, LedgerError> {
    let mut entries = Vec::new();
    for config_map in of_source(wds, source) {
        let text = config_map
            .to_value()
            .pointer("/data/entries")
            .and_then(|v| v.as_str().map(str::to_owned))
            .unwrap_or_default();
        let rows: Vec<Row> = serde_json::from_str(&text).map_err(|error| LedgerError::Damaged {
            config_map: config_map.header().name.to_string(),
            detail: error.to_string(),
        })?;
        entries.extend(rows.into_iter().map(|row| LedgerEntry {
            id: ObjectId::new(&row.group, &row.kind, row.namespace.as_deref(), &row.name),
            uid: row.uid,
        }));
    }
    entries.sort();
    entries.dedup();
    Ok(entries)
}

/// Whose ledger a ConfigMap of the system namespace is part of.
pub fn source_of(config_map: &Object) -> Option<SourceName> {
    config_map.header().label(LEDGER_LABEL).map(SourceName::from)
}

fn of_source(wds: &Mirror, source: &SourceName) -> Vec<Object> {
    let is_its = |map: &Object| map.header().label(LEDGER_LABEL) == Some(source.as_str());
    wds.select(&resources::config_maps().group_resource(), Some(&system_namespace()), is_its)
}

/// Writes a ledger: changed chunks are applied, superfluous ones deleted. What is written is noted in the mirror, so that the next pass does not read an older one.
pub(super) async fn write(
    wds: &Connection,
    mirror: &Mirror,
    source: &SourceName,
    entries: &[LedgerEntry],
) -> Result<(), ApiError> {
    let resource = resources::config_maps();
    let chunks = plan::sync::ledger_chunks(entries);
    let manager = Manager { name: HUB_MANAGER, force: true };
    let wanted: Vec<Object> =
        chunks.iter().enumerate().filter_map(|(index, chunk)| config_map(source, index, chunk)).collect();
    let stored = of_source(mirror, source);
    for chunk in &wanted {
        let same =
            stored.iter().any(|map| map.header().name == chunk.header().name && data(map) == data(chunk));
        if !same {
            mirror.note(&resource.group_resource(), wds.apply(&resource, chunk, manager).await?);
        }
    }
    for map in stored.iter().filter(|map| wanted.iter().all(|chunk| chunk.header().name != map.header().name))
    {
        let namespace: Namespace = system_namespace();
        let target = Target {
            resource: &resource,
            namespace: Some(&namespace),
            name: &map.header().name,
            subresource: "",
        };
        wds.delete(
            target,
            &DeleteOptions {
                uid: map.header().uid.as_deref().map(str::to_owned),
                ..DeleteOptions::default()
            },
        )
        .await?;
    }
    Ok(())
}

fn data(map: &Object) -> Option<serde_json::Value> {
    map.to_value().get("data").cloned()
}

fn config_map(source: &SourceName, index: usize, entries: &[LedgerEntry]) -> Option<Object> {
    let rows: Vec<Row> = entries
        .iter()
        .map(|entry| Row {
            group: entry.id.group.to_string(),
            kind: entry.id.kind.to_string(),
            namespace: entry.id.namespace.as_ref().map(ToString::to_string),
            name: entry.id.name.to_string(),
            uid: entry.uid.clone(),
        })
        .collect();
    let object = json!({
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {
            "name": name(&format!("ledger-{source}-{index}")).as_str(),
            "namespace": plan::names::SYSTEM_NAMESPACE,
            "labels": { LEDGER_LABEL: source.as_str() },
        },
        "data": { "entries": serde_json::to_string(&rows).ok()? },
    });
    Object::from_value(&object).ok()
}
