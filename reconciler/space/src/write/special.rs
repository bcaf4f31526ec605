//! POST to a subresource: eviction and binding of pods, tokens of service accounts.

use apimachinery::clock::rfc3339_seconds;
use serde_json::{Value, json};

use super::options::WriteOptions;
use super::{Writing, delete, meta, update};
use crate::answer;
use crate::body;
use crate::handler::Warned;
use crate::identity::Identity;
use crate::space::Next;
use crate::status::{Answer, ApiError};

pub(super) async fn post(writing: &Writing) -> Answer<Warned> {
    let options = WriteOptions::parse(&writing.query, &writing.user_agent, "CreateOptions")?;
    match (writing.reading.endpoint.resource.kind.as_str(), writing.subresource.as_str()) {
        ("Pod", "eviction") => evict(writing, &options).await,
        ("Pod", "binding") => bind(writing, &options).await,
        ("ServiceAccount", "token") => token(writing),
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// Disruption budgets are not counted here: whoever runs pods counts them.
async fn evict(writing: &Writing, options: &WriteOptions) -> Answer<Warned> {
    let eviction = body::decode(&writing.content_type, &writing.body)?.value;
    delete::evict(writing, &eviction["deleteOptions"], options.dry_run).await?;
    Ok((answer::json(201, &success()), Vec::new()))
}

/// Puts a pod on a node.
async fn bind(writing: &Writing, options: &WriteOptions) -> Answer<Warned> {
    let binding = body::decode(&writing.content_type, &writing.body)?.value;
    let node = binding.pointer("/target/name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let reading = &writing.reading;
    let resource = reading.endpoint.resource.group_resource();
    let now = rfc3339_seconds(reading.space.host().clock.now());
    if node.is_empty() {
        return Err(ApiError::bad_request("target.name is required"));
    }
    let place = reading.place();
    let bound = reading.space.change(&place, |stored| {
        let stored = stored.ok_or_else(|| update::absent(writing))?;
        let mut pod = stored.object.to_value();
        if stored.object.header().deleting {
            let detail = format!("pod {} is being deleted, cannot be assigned to a host", reading.name);
            return Err(ApiError::conflict(&resource, &reading.name, &detail));
        }
        let current = pod["spec"]["nodeName"].as_str().unwrap_or_default();
        if !current.is_empty() {
            let detail = format!("pod {} is already assigned to node {current:?}", reading.name);
            return Err(ApiError::conflict(&resource, &reading.name, &detail));
        }
        pod["spec"]["nodeName"] = node.as_str().into();
        scheduled(&mut pod, &now);
        Ok(if options.dry_run { Next::Keep } else { Next::Put(pod) })
    });
    bound.await?;
    Ok((answer::json(201, &success()), Vec::new()))
}

fn scheduled(pod: &mut Value, now: &str) {
    let condition = json!({
        "type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now,
    });
    let conditions = &mut pod["status"]["conditions"];
    if !conditions.is_array() {
        *conditions = json!([]);
    }
    if let Some(conditions) = conditions.as_array_mut() {
        conditions.retain(|condition| condition["type"] != "PodScheduled");
        conditions.push(condition);
    }
}

/// A bearer token of a service account. It is valid as long as the server runs, whatever was asked for, and says so.
fn token(writing: &Writing) -> Answer<Warned> {
    let reading = &writing.reading;
    let stored = crate::read::find(reading)?;
    let mut request = body::decode(&writing.content_type, &writing.body)?.value;
    if !request.is_object() {
        request = json!({});
    }
    let namespace = reading.namespace.as_deref().unwrap_or_default();
    let user = format!("system:serviceaccount:{namespace}:{}", reading.name);
    let groups = ["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
    let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
    let token = reading.space.issue_token(Identity::new(&user, &groups));
    let token = token.ok_or_else(|| ApiError::internal("no randomness for a token"))?;
    let host = reading.space.host();
    let seconds = request.pointer("/spec/expirationSeconds").and_then(Value::as_i64).unwrap_or(3600);
    let now = host.clock.now();
    let expires = now.checked_add(jiff::SignedDuration::from_secs(seconds)).unwrap_or(now);
    request["kind"] = "TokenRequest".into();
    request["apiVersion"] = "authentication.k8s.io/v1".into();
    request["spec"]["expirationSeconds"] = seconds.into();
    request["status"] = json!({ "token": token, "expirationTimestamp": rfc3339_seconds(expires) });
    meta::set(&mut request, "name", reading.name.as_str());
    meta::set(&mut request, "namespace", namespace);
    meta::set(&mut request, "creationTimestamp", rfc3339_seconds(now));
    // The account is named so that a token of one that was made anew under the same name can be told from this.
    if let Some(uid) = stored.object.header().uid.as_deref() {
        meta::set(&mut request, "uid", uid);
    }
    Ok((answer::json(201, &request), Vec::new()))
}

fn success() -> Value {
    json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201 })
}
