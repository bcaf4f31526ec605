//! Continue tokens: where the next page begins, and at which version the list was taken.
//!
//! The form is Kubernetes' own (`k8s.io/apiserver/pkg/storage/continue.go`): base64 of `{"v":"meta.k8s.io/v1","rv":5,"start":"key\u0000"}`. Version -1 goes on with the
//! newest state; such a token comes with the 410 that answers a token whose version is forgotten.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::status::{Answer, ApiError};

/// The content of a token.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Continue {
    v: String,
    rv: i64,
    start: String,
}

/// Where a list begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// At its beginning, now.
    Now,
    /// At a version.
    At {
        version: u64,
        /// After this key.
        after: Option<String>,
    },
    /// After a key, now.
    Inconsistent { after: String },
}

impl Start {
    /// The key that the list begins after.
    pub(super) fn after(&self) -> Option<&str> {
        match self {
            Self::Now => None,
            Self::At { after, .. } => after.as_deref(),
            Self::Inconsistent { after } => Some(after),
        }
    }
}

impl Continue {
    /// The token for what follows a key.
    pub(super) fn token(version: u64, last_key: &str) -> String {
        Self::encoded(i64::try_from(version).unwrap_or(i64::MAX), last_key)
    }

    fn encoded(rv: i64, last_key: &str) -> String {
        let token = Self { v: "meta.k8s.io/v1".into(), rv, start: format!("{last_key}\0") };
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&token).unwrap_or_default())
    }

    /// Reads a token.
    pub(super) fn read(token: &str) -> Answer<Start> {
        let wrong = |detail: &str| ApiError::bad_request(format!("continue key is not valid{detail}"));
        let bytes = URL_SAFE_NO_PAD
            .decode(token.trim_end_matches('='))
            .map_err(|error| wrong(&format!(": {error}")))?;
        let token: Self = serde_json::from_slice(&bytes).map_err(|error| wrong(&format!(": {error}")))?;
        if token.v != "meta.k8s.io/v1" {
            return Err(wrong(": server does not recognize this encoded version"));
        }
        let after = token.start.trim_end_matches('\0').to_owned();
        if after.is_empty() {
            return Err(wrong(": encoded start key empty (version meta.k8s.io/v1)"));
        }
        match token.rv {
            0 => Err(wrong(": incorrect encoded start resourceVersion (version meta.k8s.io/v1)")),
            version @ 1.. => Ok(Start::At { version: version.unsigned_abs(), after: Some(after) }),
            _ => Ok(Start::Inconsistent { after }),
        }
    }

    /// The answer when the version of a list is forgotten.
    pub(super) fn expired(start: &Start) -> ApiError {
        match start.after() {
            None => ApiError::expired("The resourceVersion for the provided list is too old."),
            Some(after) => ApiError::expired_page(
                "The provided continue parameter is too old to display a consistent list result. You can start a new list \
                 without the continue parameter, or use the continue token in this response to retrieve the remainder of \
                 the results. Continuing with the provided token results in an inconsistent list - objects that were \
                 created, modified, or deleted between the time the first chunk was returned and now may show up in the list.",
                Self::encoded(-1, after),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_reads_back_and_nonsense_is_refused() {
        let token = Continue::token(7, "shop/cart");
        assert_eq!(Continue::read(&token), Ok(Start::At { version: 7, after: Some("shop/cart".into()) }));
        let start = Start::At { version: 7, after: Some("shop/cart".into()) };
        let again = Continue::expired(&start).failure().continue_token.clone();
        assert_eq!(Continue::read(&again), Ok(Start::Inconsistent { after: "shop/cart".into() }));
        for nonsense in ["nonsense", "e30", ""] {
            let error = Continue::read(nonsense).unwrap_err();
            assert!(error.to_string().starts_with("continue key is not valid"), "{error}");
        }
    }
}
