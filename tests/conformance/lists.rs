//! Collections: selecting, paging, and deleting them.

use anyhow::{Context, ensure};
use serde_json::{Value, json};

use super::scratch::{Scratch, config_map, names, text, version};
use super::{Case, Target, cases};
use crate::harness::{Outcome, same};

pub const CASES: &[(&str, Case)] = cases![
    a_list_has_the_kind_of_its_items_and_a_resource_version,
    label_selectors_select,
    field_selectors_select_names_and_namespaces,
    a_field_without_selector_support_is_refused,
    a_malformed_selector_is_refused,
    pages_add_up_to_the_list_of_the_first_page,
    a_malformed_continue_token_is_refused,
    a_list_at_any_version_answers,
    a_collection_is_deleted_by_selector,
    a_list_of_all_namespaces_is_ordered_by_namespace_and_name,
];

/// ConfigMaps a, b, c with the labels n=<name>, and odd=true on a and c.
fn three(target: &Target) -> anyhow::Result<Scratch> {
    let scratch = Scratch::new(target)?;
    for (name, odd) in [("c", true), ("a", true), ("b", false)] {
        let mut body = config_map(name, "value");
        body["metadata"]["labels"] =
            if odd { json!({ "n": name, "odd": "true" }) } else { json!({ "n": name }) };
        target.post(&scratch.core("configmaps"), &body)?.expect(201)?;
    }
    Ok(scratch)
}

/// Names of the ConfigMaps of the case; a cluster adds its root authority to every namespace, which is left out.
fn listed(target: &Target, scratch: &Scratch, query: &str) -> anyhow::Result<Vec<String>> {
    let list = target.get(&scratch.core(&format!("configmaps?{query}")))?.expect(200)?;
    Ok(names(&list).into_iter().filter(|name| *name != "kube-root-ca.crt").map(str::to_owned).collect())
}

fn a_list_has_the_kind_of_its_items_and_a_resource_version(target: &Target) -> Outcome {
    let scratch = three(target)?;
    let list = target.get(&scratch.core("configmaps"))?.expect(200)?;
    same("kind", (text(&list, "/apiVersion")?, text(&list, "/kind")?), ("v1", "ConfigMapList"))?;
    same("an item says no kind", list["items"][0].get("kind"), None)?;
    version(&list)?;
    same("order", listed(target, &scratch, "")?, vec!["a".to_owned(), "b".into(), "c".into()])
}

fn label_selectors_select(target: &Target) -> Outcome {
    let scratch = three(target)?;
    for (selector, expected) in [
        ("odd%3Dtrue", vec!["a", "c"]),
        ("odd%3D%3Dtrue,n%21%3Da", vec!["c"]),
        ("n,%21odd", vec!["b"]),
        ("n%20in%20(a,b)", vec!["a", "b"]),
        ("n%20notin%20(a),odd", vec!["c"]),
        ("n,odd%21%3Dtrue", vec!["b"]),
    ] {
        let seen = listed(target, &scratch, &format!("labelSelector={selector}"))?;
        same(selector, seen.iter().map(String::as_str).collect(), expected)?;
    }
    Ok(())
}

fn field_selectors_select_names_and_namespaces(target: &Target) -> Outcome {
    let scratch = three(target)?;
    same("by name", listed(target, &scratch, "fieldSelector=metadata.name%3Db")?, vec!["b".to_owned()])?;
    let not = listed(target, &scratch, "fieldSelector=metadata.name%21%3Db")?;
    same("by not being a name", not, vec!["a".to_owned(), "c".into()])?;
    let all = format!("/api/v1/configmaps?fieldSelector=metadata.namespace%3D{}", scratch.namespace);
    let list = target.get(&all)?.expect(200)?;
    ensure!(names(&list).contains(&"a"), "by namespace: {list}");
    ensure!(names(&list).len() <= 4, "nothing of others: {list}");
    Ok(())
}

fn a_field_without_selector_support_is_refused(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let status =
        target.get(&scratch.core("configmaps?fieldSelector=data.key%3Da"))?.refused(400, "BadRequest")?;
    same(
        "message",
        text(&status, "/message")?,
        "\"data.key\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
    )
}

fn a_malformed_selector_is_refused(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    target.get(&scratch.core("configmaps?labelSelector=a%20in"))?.refused(400, "BadRequest")?;
    target.get(&scratch.core("configmaps?labelSelector=-a%3Db"))?.refused(400, "BadRequest")?;
    Ok(())
}

fn pages_add_up_to_the_list_of_the_first_page(target: &Target) -> Outcome {
    let scratch = three(target)?;
    let path = scratch.core("configmaps?labelSelector=n&limit=2");
    let first = target.get(&path)?.expect(200)?;
    same("the first page", names(&first), vec!["a", "b"])?;
    let token = text(&first, "/metadata/continue")?;
    // Made after the first page was read, so not part of the list.
    let mut late = config_map("d", "value");
    late["metadata"]["labels"] = json!({ "n": "d" });
    target.post(&scratch.core("configmaps"), &late)?.expect(201)?;
    let last = target.get(&format!("{path}&continue={token}"))?.expect(200)?;
    same("the last page", names(&last), vec!["c"])?;
    same("resourceVersion of the pages", version(&last)?, version(&first)?)?;
    same("continue of the last page", last["metadata"]["continue"].as_str().unwrap_or_default(), "")
}

fn a_malformed_continue_token_is_refused(target: &Target) -> Outcome {
    let scratch = Scratch::new(target)?;
    let status =
        target.get(&scratch.core("configmaps?limit=1&continue=nonsense"))?.refused(400, "BadRequest")?;
    ensure!(text(&status, "/message")?.contains("continue key is not valid"), "{status}");
    Ok(())
}

fn a_list_at_any_version_answers(target: &Target) -> Outcome {
    let scratch = three(target)?;
    let now = version(&target.get(&scratch.core("configmaps"))?.expect(200)?)?;
    let expected = vec!["a".to_owned(), "b".into(), "c".into()];
    let recent =
        listed(target, &scratch, &format!("resourceVersion={now}&resourceVersionMatch=NotOlderThan"))?;
    same("not older than now", recent, expected.clone())?;
    let exact = listed(target, &scratch, &format!("resourceVersion={now}&resourceVersionMatch=Exact"))?;
    same("exactly now", exact, expected)?;
    target.get(&scratch.core("configmaps?resourceVersion=0"))?.expect(200)?;
    let status =
        target.get(&scratch.core("configmaps?resourceVersionMatch=Exact"))?.refused(422, "Invalid")?;
    same("field", text(&status, "/details/causes/0/field")?, "resourceVersionMatch")
}

fn a_collection_is_deleted_by_selector(target: &Target) -> Outcome {
    let scratch = three(target)?;
    let deleted = target.delete(&scratch.core("configmaps?labelSelector=odd%3Dtrue"))?.expect(200)?;
    same("the deleted ones are answered", names(&deleted), vec!["a", "c"])?;
    same("what is left", listed(target, &scratch, "")?, vec!["b".to_owned()])
}

fn a_list_of_all_namespaces_is_ordered_by_namespace_and_name(target: &Target) -> Outcome {
    three(target)?;
    let list = target.get("/api/v1/configmaps")?.expect(200)?;
    let items = list["items"].as_array().context("a list has items")?;
    let key = |item: &Value| -> anyhow::Result<(String, String)> {
        Ok((text(item, "/metadata/namespace")?.to_owned(), text(item, "/metadata/name")?.to_owned()))
    };
    let seen = items.iter().map(key).collect::<anyhow::Result<Vec<_>>>()?;
    ensure!(seen.is_sorted(), "{seen:?}");
    Ok(())
}
