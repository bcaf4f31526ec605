//! Acting in the name of another: `Impersonate-User` and `Impersonate-Group`, for who has the right `impersonate`.
//!
//! Source: `pkg/endpoints/filters/impersonation`. Identities here have no UID and no extra fields, so impersonating those is refused instead of ignored.

use apimachinery::GroupResource;
use http::HeaderMap;

use crate::identity::Identity;
use crate::space::Space;
use crate::status::{Answer, ApiError};

use super::{Asked, AskedResource, decide};

const USER: &str = "impersonate-user";
const GROUP: &str = "impersonate-group";
const UID: &str = "impersonate-uid";
const EXTRA_PREFIX: &str = "impersonate-extra-";
const AUTHENTICATED: &str = "system:authenticated";

/// Who a request is made as; `None` if as whoever sent it.
///
/// # Errors
/// 403 without the right, 400 for groups without a user.
pub(crate) fn impersonated(space: &Space, who: &Identity, headers: &HeaderMap) -> Answer<Option<Identity>> {
    if !headers.keys().any(|name| name.as_str().starts_with("impersonate-")) {
        return Ok(None);
    }
    if headers.keys().any(|name| name == UID || name.as_str().starts_with(EXTRA_PREFIX)) {
        return Err(ApiError::bad_request("this server cannot impersonate UIDs and extra fields"));
    }
    let all = |name: &str| -> Vec<String> {
        let values = headers.get_all(name).iter();
        values.filter_map(|value| value.to_str().ok()).map(str::to_owned).collect()
    };
    let mut groups = all(GROUP);
    let Some(user) = all(USER).into_iter().find(|user| !user.is_empty()) else {
        if groups.is_empty() {
            return Ok(None);
        }
        return Err(ApiError::bad_request(format!(
            "requested groups {groups:?} without impersonating a user"
        )));
    };
    match service_account(&user) {
        Some((namespace, name)) => {
            permit(space, who, ("serviceaccounts", namespace, name))?;
            if groups.is_empty() {
                groups.push("system:serviceaccounts".into());
                groups.push(format!("system:serviceaccounts:{namespace}"));
            }
        }
        None => permit(space, who, ("users", "", &user))?,
    }
    for group in all(GROUP) {
        permit(space, who, ("groups", "", &group))?;
    }
    if !groups.iter().any(|group| group == AUTHENTICATED || group == "system:unauthenticated") {
        groups.push(AUTHENTICATED.into());
    }
    Ok(Some(Identity { user, groups }))
}

/// Namespace and name of a service account's user name.
fn service_account(user: &str) -> Option<(&str, &str)> {
    user.strip_prefix("system:serviceaccount:")?.split_once(':').filter(|(_, name)| !name.contains(':'))
}

/// Whether somebody may act as a user, group or service account, given as resource, namespace and name.
fn permit(space: &Space, who: &Identity, (resource, namespace, name): (&str, &str, &str)) -> Answer<()> {
    let asked = Asked::Resource(AskedResource {
        verb: "impersonate".into(),
        resource: resource.into(),
        namespace: namespace.into(),
        name: name.into(),
        ..AskedResource::default()
    });
    let verdict = decide(space, who, &asked);
    if verdict.allowed {
        return Ok(());
    }
    let scope = match namespace {
        "" => "at the cluster scope".to_owned(),
        namespace => format!("in the namespace {namespace:?}"),
    };
    let reason = if verdict.reason.is_empty() { String::new() } else { format!(": {}", verdict.reason) };
    let detail = format!(
        "User {:?} cannot impersonate resource {resource:?} in API group \"\" {scope}{reason}",
        who.user
    );
    Err(ApiError::forbidden(&GroupResource::new("", resource), name, &detail))
}
