//! What `kubectl get` prints: the server makes the columns.

use anyhow::Context;
use serde_json::{Value, json};

use super::scratch::{CONTROLLERS, Scratch, config_map, deployment};
use super::target::TABLE;
use super::{Case, Target, cases};
use crate::harness::{Outcome, eventually, same};

pub const CASES: &[(&str, Case)] = cases![
    a_table_of_deployments_has_their_columns,
    a_table_of_pods_has_their_columns,
    a_table_of_config_maps_counts_data,
    a_row_holds_as_much_of_its_object_as_asked,
    one_object_is_a_table_of_one_row,
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
