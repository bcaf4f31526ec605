//! `gitstellar get units|clusters|placement`.

use std::process::ExitCode;
use std::time::Duration;

use comfy_table::{Table, presets};
use hub::world::resources;
use runtime::Connection;
use serde_json::{Value, json};

use crate::spaces::WdsArgs;

/// Arguments of `get`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to show
    #[arg(value_enum)]
    what: What,
    #[command(flatten)]
    wds: WdsArgs,
    /// Context of the inventory and transport space
    #[arg(long, default_value = "its1")]
    its_context: String,
    /// Show again whenever something changed
    #[arg(short, long)]
    watch: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Units,
    Clusters,
    Placement,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Table,
    Json,
}

const WATCH_INTERVAL: Duration = Duration::from_secs(1);

/// Prints, with `-w` again at each change.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut shown = None;
    loop {
        let rows = rows(&args).await?;
        if shown.as_ref() != Some(&rows) {
            print(&args, &rows);
            shown = Some(rows);
        }
        if !args.watch {
            return Ok(ExitCode::SUCCESS);
        }
        tokio::time::sleep(WATCH_INTERVAL).await;
    }
}

async fn rows(args: &Args) -> anyhow::Result<Vec<Value>> {
    Ok(match args.what {
        What::Units => units(&args.wds.connect().await?).await?,
        What::Clusters => clusters(&args.wds.connect_to(&args.its_context).await?).await?,
        What::Placement => placement(&args.wds.connect().await?).await?,
    })
}

fn print(args: &Args, rows: &[Value]) {
    if args.output == Format::Json {
        println!("{}", Value::from(rows.to_vec()));
        return;
    }
    let columns: &[&str] = match args.what {
        What::Units => &["name", "ready", "objects", "clusters", "placed", "commit", "message"],
        What::Clusters => &["name", "accepted", "labels"],
        What::Placement => &["object", "clusters", "policies"],
    };
    println!("{}", table(columns, rows));
}

/// A borderless table, as kubectl prints them.
pub(crate) fn table(columns: &[&str], rows: &[Value]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_header(columns.iter().map(|column| column.to_uppercase()));
    for row in rows {
        table.add_row(columns.iter().map(|column| cell(&row[*column])));
    }
    // The preset pads each cell on both sides; kubectl's tables begin at the margin.
    table
        .lines()
        .map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned())
        .collect::<Vec<_>>()
        .join("\n")
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(cell).collect::<Vec<_>>().join(","),
        Value::Object(map) => {
            map.iter().map(|(k, v)| format!("{k}={}", cell(v))).collect::<Vec<_>>().join(",")
        }
        other => other.to_string(),
    }
}

async fn units(wds: &Connection) -> anyhow::Result<Vec<Value>> {
    let units = wds.list(&resources::units(), None, None).await?;
    Ok(units
        .iter()
        .map(|unit| {
            let value = unit.to_value();
            let status = &value["status"];
            let ready = status["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == "Ready").cloned().unwrap_or_default();
            json!({
                "name": unit.header().name.as_str(), "ready": ready["status"], "objects": status["objects"], "clusters": status["clusters"],
                "placed": format!("{}/{}", status["ready"], status["placed"]),
                "commit": status["commit"].as_str().unwrap_or_default().chars().take(7).collect::<String>(), "message": ready["message"],
            })
        })
        .collect())
}

async fn clusters(its: &Connection) -> anyhow::Result<Vec<Value>> {
    let clusters = its.list(&resources::managed_clusters(), None, None).await?;
    Ok(clusters
        .iter()
        .map(|cluster| {
            let value = cluster.to_value();
            json!({ "name": cluster.header().name.as_str(), "accepted": value["spec"]["hubAcceptsClient"], "labels": value["metadata"]["labels"] })
        })
        .collect())
}

async fn placement(wds: &Connection) -> anyhow::Result<Vec<Value>> {
    let mut rows = std::collections::BTreeMap::<
        String,
        (std::collections::BTreeSet<String>, std::collections::BTreeSet<String>),
    >::new();
    for binding in wds.list(&resources::bindings(), None, None).await? {
        let value = binding.to_value();
        let clusters: Vec<String> = value["spec"]["destinations"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|d| d["clusterId"].as_str().map(str::to_owned))
            .collect();
        for scope in ["clusterScope", "namespaceScope"] {
            for entry in value["spec"]["workload"][scope].as_array().into_iter().flatten() {
                let text = |field: &str| entry[field].as_str().unwrap_or_default();
                let group =
                    if text("group").is_empty() { String::new() } else { format!(".{}", text("group")) };
                let namespace = if text("namespace").is_empty() {
                    String::new()
                } else {
                    format!("{}/", text("namespace"))
                };
                let row = rows
                    .entry(format!("{}{group} {namespace}{}", text("resource"), text("name")))
                    .or_default();
                row.0.extend(clusters.iter().cloned());
                row.1.insert(binding.header().name.to_string());
            }
        }
    }
    Ok(rows.into_iter().map(|(object, (clusters, policies))| json!({ "object": object, "clusters": clusters, "policies": policies })).collect())
}
