//! `gitstellar approve HASH`: releases exactly one held list of removals.

use std::process::ExitCode;

use anyhow::bail;
use hub::publish::APPROVE_ANNOTATION;
use hub::world::resources;
use runtime::Target;
use serde_json::json;

use crate::spaces::WdsArgs;

/// Arguments of `approve`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The hash that the GitSource shows in status.held
    hash: String,
    #[command(flatten)]
    wds: WdsArgs,
}

/// Writes the approval to the GitSource that holds the list.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let wds = args.wds.connect().await?;
    let resource = resources::git_sources();
    let mut known = Vec::new();
    for source in wds.list(&resource, None, None).await? {
        let value = source.to_value();
        let held =
            value.pointer("/status/held").and_then(|held| held.as_array()).cloned().unwrap_or_default();
        for list in &held {
            let hash = list["hash"].as_str().unwrap_or_default();
            // People copy the beginning of a hash; twelve digits name a list as well as all of them.
            if args.hash.len() >= 12 && hash.starts_with(&args.hash) {
                let patch = json!({ "metadata": { "annotations": { APPROVE_ANNOTATION: hash } } });
                let target = Target {
                    resource: &resource,
                    namespace: None,
                    name: &source.header().name,
                    subresource: "",
                };
                wds.merge(target, &patch, "gitstellar-approve").await?;
                println!("approved: {} removals of source {}", list["count"], source.header().name);
                return Ok(ExitCode::SUCCESS);
            }
            known.push(format!(
                "{hash}  {}: {} removals, {}",
                source.header().name,
                list["count"],
                list["reason"].as_str().unwrap_or_default()
            ));
        }
    }
    if known.is_empty() {
        bail!("no list of removals waits for approval");
    }
    bail!(
        "no held list has a hash that begins with {} (give at least 12 digits); these wait:\n{}",
        args.hash,
        known.join("\n")
    )
}
