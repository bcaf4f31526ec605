//! What becomes of an object that is applied: defaults, normal forms, allocations, and who owns which field.
//!
//! Beside each `stored/<kind>.yaml` lies `<kind>.json`, what the real kube-apiserver stored, without what differs from time to time.
//! `UPDATE_EXPECT=1` rewrites it from the real server; the other targets must agree with it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use super::scratch::{CONTROLLERS, Scratch, text};
use super::target::Patch;
use super::{Provide, Target};
use crate::harness::{Outcome, eventually, trial};

/// One trial per file.
pub fn trials(name: &'static str, target: Provide) -> Vec<Trial> {
    let mut inputs: Vec<PathBuf> = std::fs::read_dir(directory())
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    inputs.sort();
    let sentence = |input: &Path| input.file_stem().map(|stem| stem.to_string_lossy().replace('-', "_"));
    inputs
        .into_iter()
        .filter_map(|input| {
            let name_of_trial = format!("conformance::stored::{}::{name}", sentence(&input)?);
            Some(trial(name_of_trial, move || check(&target()?, &input, name == "real")))
        })
        .collect()
}

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/conformance/stored")
}

fn check(target: &Target, input: &Path, decides: bool) -> Outcome {
    let object: Value = serde_saphyr::from_str(&std::fs::read_to_string(input)?)?;
    let scratch = Scratch::new(target)?;
    let path = path(target, &scratch, &object)?;
    // A Pod is refused until its namespace has a service account.
    let applied = eventually("the object is applied", CONTROLLERS, || {
        let reply = target.patch(&format!("{path}?fieldManager=conformance"), Patch::Apply, &object)?;
        Ok(if reply.status == 403 { None } else { Some(reply.expect(201)?) })
    })?;
    target.delete(&path)?.fine()?;
    let seen = lasting(applied)?;
    let file = input.with_extension("json");
    if decides && std::env::var_os("UPDATE_EXPECT").is_some() {
        return Ok(std::fs::write(file, printed(&seen)?)?);
    }
    let expected: Value = serde_json::from_str(&std::fs::read_to_string(&file)?)?;
    let (expected, seen) = (printed(&expected)?, printed(&seen)?);
    let differences = similar::TextDiff::from_lines(&expected, &seen).unified_diff().to_string();
    ensure!(differences.is_empty(), "it was stored otherwise (UPDATE_EXPECT=1 accepts it):\n{differences}");
    Ok(())
}

/// JSON for people, with sorted keys whatever the features of serde_json.
fn printed(value: &Value) -> Result<String> {
    fn sorted(value: &Value) -> Value {
        match value {
            Value::Array(items) => items.iter().map(sorted).collect(),
            Value::Object(fields) => {
                let mut fields: Vec<_> =
                    fields.iter().map(|(key, field)| (key.clone(), sorted(field))).collect();
                fields.sort_by(|one, other| one.0.cmp(&other.0));
                fields.into_iter().collect()
            }
            plain => plain.clone(),
        }
    }
    Ok(serde_json::to_string_pretty(&sorted(value))? + "\n")
}

/// Where an object lives, by what the server says of its kind.
fn path(target: &Target, scratch: &Scratch, object: &Value) -> Result<String> {
    let (version, kind) = (text(object, "/apiVersion")?, text(object, "/kind")?);
    let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    let list = target.get(&root)?.expect(200)?;
    let resources = list["resources"].as_array().context("a version has resources")?;
    let main = |resource: &&Value| {
        resource["kind"] == kind && !resource["name"].as_str().unwrap_or("/").contains('/')
    };
    let resource = resources.iter().find(main).with_context(|| format!("{kind} is not served"))?;
    let (plural, name) = (text(resource, "/name")?, text(object, "/metadata/name")?);
    Ok(match resource["namespaced"].as_bool() {
        Some(true) => format!("{root}/namespaces/{}/{plural}/{name}", scratch.namespace),
        Some(false) => format!("{root}/{plural}/{name}"),
        None => bail!("{kind} is of no scope"),
    })
}

/// The object without what differs from time to time: identity, time, and what was allocated at random.
fn lasting(mut object: Value) -> Result<Value> {
    let uid = text(&object, "/metadata/uid")?.to_owned();
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or("no namespace").to_owned();
    let metadata = object["metadata"].as_object_mut().context("metadata")?;
    for key in ["uid", "resourceVersion", "creationTimestamp"] {
        metadata.remove(key).with_context(|| format!("an object has metadata.{key}"))?;
    }
    for entry in metadata["managedFields"].as_array_mut().into_iter().flatten() {
        entry.as_object_mut().and_then(|entry| entry.remove("time")).context("an entry has a time")?;
    }
    for port in object.pointer_mut("/spec/ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if port.get("nodePort").is_some() {
            port["nodePort"] = json!("PORT");
        }
    }
    replace(&mut object, &|text| {
        let known = text.replace(&uid, "UID").replace(&namespace, "NAMESPACE");
        match known.strip_prefix("kube-api-access-") {
            Some(_) => "kube-api-access-RANDOM".into(),
            None if known.starts_with("10.") => "ADDRESS".into(),
            None if known.len() == 20 && known.ends_with('Z') && known.starts_with("20") => "TIME".into(),
            None => known,
        }
    });
    Ok(object)
}

/// Replaces all texts below a value.
fn replace(value: &mut Value, with: &dyn Fn(&str) -> String) {
    match value {
        Value::String(text) => *text = with(text),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, with)),
        Value::Object(fields) => fields.values_mut().for_each(|field| replace(field, with)),
        _ => {}
    }
}
