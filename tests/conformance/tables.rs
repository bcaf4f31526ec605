//! What `kubectl get` prints: the server makes the columns.

use anyhow::Context;
use serde_json::{Value, json};

use super::scratch::{CONTROLLERS, Scratch, config_map, deployment, text, version};
use super::target::TABLE;
use super::{Case, Target, cases};
use crate::harness::{Outcome, eventually, same};

pub const CASES: &[(&str, Case)] = cases![
    a_table_of_deployments_has_their_columns,
    a_table_of_pods_has_their_columns,
    a_table_of_config_maps_counts_data,
    a_row_holds_as_much_of_its_object_as_asked,
    one_object_is_a_table_of_one_row,
    a_watch_of_tables_sends_the_columns_once,
    metadata_alone_can_be_asked_for,
];

/// The names of a table's columns, those that `-o wide` adds in brackets.
fn columns(table: &Value) -> anyhow::Result<Vec<String>> {
    let columns = table["columnDefinitions"].as_array().context("a table has columns")?;
    Ok(columns
        .iter()
        .map(|column| {
            let name = column["name"].as_str().unwrap_or_default();
            if column["priority"] == 0 { name.to_owned() } else { format!("[{name}]") }
        })
        .collect())
}

/// The cells of the first row, without the age, which depends on the time.
fn cells(table: &Value, count: usize) -> anyhow::Result<Vec<&Value>> {
    let row = table["rows"][0]["cells"].as_array().context("there is a first row")?;
    Ok(row.iter().take(count).collect())
}

fn a_table_of_deployments_has_their_columns(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.apps("deployments"), &deployment("web"))?.expect(201)?;
    let table = target.get_as(&scratch.apps("deployments"), TABLE)?.expect(200)?;
    same("kind", (&table["apiVersion"], &table["kind"]), (&"meta.k8s.io/v1".into(), &"Table".into()))?;
    let expected =
        ["Name", "Ready", "Up-to-date", "Available", "Age", "[Containers]", "[Images]", "[Selector]"];
    same("columns", columns(&table)?, expected.map(str::to_owned).to_vec())?;
    let expected = [json!("web"), json!("0/2"), json!(0), json!(0)];
    same("cells", cells(&table, 4)?, expected.iter().collect())
}

fn a_table_of_pods_has_their_columns(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let body = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "one" },
        "spec": { "containers": [{ "name": "web", "image": "nginx:1.27" }] }
    });
    // Refused until the namespace has its service account, which a controller makes.
    eventually("the pod is made", CONTROLLERS, || {
        let reply = target.post(&scratch.core("pods"), &body)?;
        Ok(if reply.status == 403 { None } else { Some(reply.expect(201)?) })
    })?;
    let table = target.get_as(&scratch.core("pods"), TABLE)?.expect(200)?;
    let expected = [
        "Name",
        "Ready",
        "Status",
        "Restarts",
        "Age",
        "[IP]",
        "[Node]",
        "[Nominated Node]",
        "[Readiness Gates]",
    ];
    same("columns", columns(&table)?, expected.map(str::to_owned).to_vec())?;
    let expected = [json!("one"), json!("0/1"), json!("Pending"), json!("0")];
    same("cells", cells(&table, 4)?, expected.iter().collect())
}

fn a_table_of_config_maps_counts_data(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.core("configmaps"), &config_map("a", "value"))?.expect(201)?;
    let table = target.get_as(&scratch.core("configmaps"), TABLE)?.expect(200)?;
    same("columns", columns(&table)?, ["Name", "Data", "Age"].map(str::to_owned).to_vec())?;
    same("cells", cells(&table, 2)?, vec![&json!("a"), &json!(1)])
}

fn a_row_holds_as_much_of_its_object_as_asked(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.core("configmaps"), &config_map("a", "value"))?.expect(201)?;
    let path = scratch.core("configmaps");
    let row = |query: &str| -> anyhow::Result<Value> {
        Ok(target.get_as(&format!("{path}{query}"), TABLE)?.expect(200)?["rows"][0].take())
    };
    let metadata = row("")?;
    same("by default", &metadata["object"]["kind"], &"PartialObjectMetadata".into())?;
    same("data by default", metadata["object"].get("data"), None)?;
    same("all of it", &row("?includeObject=Object")?["object"]["data"], &json!({ "key": "value" }))?;
    let nothing = row("?includeObject=None")?;
    same("nothing", nothing["object"].is_null(), true)
}

fn one_object_is_a_table_of_one_row(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.core("configmaps"), &config_map("a", "value"))?.expect(201)?;
    let table = target.get_as(&scratch.core("configmaps/a"), TABLE)?.expect(200)?;
    same("rows", table["rows"].as_array().map(Vec::len), Some(1))?;
    same("cells", cells(&table, 2)?, vec![&json!("a"), &json!(1)])
}

fn a_watch_of_tables_sends_the_columns_once(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let collection = scratch.core("configmaps");
    let before = target.post(&collection, &config_map("before", "value"))?.expect(201)?;
    for name in ["a", "b"] {
        target.post(&collection, &config_map(name, "value"))?.expect(201)?;
    }
    // The root authority that a cluster adds to the namespace is left out, it may come at any time.
    let query = format!(
        "watch=true&timeoutSeconds=30&resourceVersion={}&fieldSelector=metadata.name%21%3Dkube-root-ca.crt",
        version(&before)?
    );
    let mut watch = target.watch_as(&format!("{collection}?{query}"), TABLE)?;
    let (first, second) = (watch.expect("ADDED")?, watch.expect("ADDED")?);
    same("kind", text(&first, "/kind")?, "Table")?;
    same(
        "columns of the first event",
        columns(&first)?,
        ["Name", "Data", "Age"].map(str::to_owned).to_vec(),
    )?;
    same("cells of the first event", cells(&first, 2)?, vec![&json!("a"), &json!(1)])?;
    same("columns of the second event", &second["columnDefinitions"], &Value::Null)?;
    same("cells of the second event", cells(&second, 2)?, vec![&json!("b"), &json!(1)])
}

fn metadata_alone_can_be_asked_for(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.post(&scratch.core("configmaps"), &config_map("a", "value"))?.expect(201)?;
    let accept = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
    let object = target.get_as(&scratch.core("configmaps/a"), accept)?.expect(200)?;
    let kind = (text(&object, "/apiVersion")?, text(&object, "/kind")?);
    same("kind", kind, ("meta.k8s.io/v1", "PartialObjectMetadata"))?;
    same("data", object.get("data"), None)?;
    let accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    let list = target.get_as(&scratch.core("configmaps"), accept)?.expect(200)?;
    same("kind of the list", text(&list, "/kind")?, "PartialObjectMetadataList")?;
    same("kind of its items", text(&list, "/items/0/kind")?, "PartialObjectMetadata")
}
