//! Secrets of type `kubernetes.io/service-account-token`: long-lived tokens of service accounts, for whoever asks for one by making such a Secret.

use std::sync::Arc;

use apimachinery::GroupResource;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::identity::Identity;
use crate::space::{Next, Place, Space, Stored};
use crate::status::{Answer, ApiError};

const TYPE: &str = "kubernetes.io/service-account-token";
const ACCOUNT_NAME: &str = "kubernetes.io/service-account.name";
const ACCOUNT_UID: &str = "kubernetes.io/service-account.uid";

/// Whether a resource holds such Secrets.
pub(crate) fn may_hold_tokens(resource: &GroupResource) -> bool {
    resource.group.is_empty() && resource.plural == "secrets"
}

/// Puts a token, the certificate authority and the namespace into a Secret that asks for it; one that has a token keeps it, also over restarts of the server.
///
/// # Errors
/// A store that cannot write; no source of randomness.
pub(crate) async fn fill(space: &Arc<Space>, place: &Place) -> Answer<()> {
    let Some(stored) = space.get(place) else { return Ok(()) };
    let (Some(namespace), header) = (&place.namespace, stored.object.header()) else { return Ok(()) };
    let Some(account) = header.annotation(ACCOUNT_NAME).map(str::to_owned) else { return Ok(()) };
    let secret = stored.object.to_value();
    if secret["type"] != TYPE || header.deleting {
        return Ok(());
    }
    let of_account = Place::new(GroupResource::new("", "serviceaccounts"), Some(namespace), &account);
    let Some(found) = space.get(&of_account) else { return Ok(()) };
    let identity = identity(namespace, &account);
    if let Some(token) = token(&secret) {
        space.host().tokens.insert_for(space.name(), &token, identity);
        return Ok(());
    }
    let uid = found.object.header().uid.as_deref().unwrap_or_default().to_owned();
    let token = space.issue_token(identity).ok_or_else(|| ApiError::internal("no randomness for a token"))?;
    let filled = json!({
        "token": STANDARD.encode(token),
        "namespace": STANDARD.encode(namespace),
        "ca.crt": STANDARD.encode(space.host().ca_pem.as_bytes()),
    });
    space.change(place, |stored| Ok(next(stored, &filled, &uid))).await.map(drop)
}

/// Who a service account is to the server.
fn identity(namespace: &str, account: &str) -> Identity {
    let all_of_namespace = format!("system:serviceaccounts:{namespace}");
    let user = format!("system:serviceaccount:{namespace}:{account}");
    Identity::new(&user, &["system:serviceaccounts", &all_of_namespace])
}

/// The token that a Secret holds.
fn token(secret: &Value) -> Option<String> {
    let encoded = secret.pointer("/data/token")?.as_str().filter(|text| !text.is_empty())?;
    String::from_utf8(STANDARD.decode(encoded).ok()?).ok()
}

fn next(stored: Option<&Stored>, filled: &Value, uid: &str) -> Next {
    let Some(stored) = stored else { return Next::Keep };
    let mut secret = stored.object.to_value();
    if token(&secret).is_some() {
        return Next::Keep;
    }
    for (field, value) in filled.as_object().into_iter().flatten() {
        secret["data"][field] = value.clone();
    }
    secret["metadata"]["annotations"][ACCOUNT_UID] = json!(uid);
    Next::Put(secret)
}
