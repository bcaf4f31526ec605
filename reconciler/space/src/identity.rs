//! Who asks: bearer tokens and the identities behind them.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use apimachinery::Digest;
use subtle::ConstantTimeEq as _;

/// The group whose members may do everything.
pub const MASTERS: &str = "system:masters";

/// An authenticated caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// `system:admin`, `system:serviceaccount:<namespace>:<name>`, or any other name.
    pub user: String,
    /// Its groups, `system:authenticated` among them.
    pub groups: Vec<String>,
}

impl Identity {
    /// A user with these groups and `system:authenticated`.
    pub fn new(user: &str, groups: &[&str]) -> Self {
        let mut groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
        if !groups.iter().any(|group| group == "system:authenticated") {
            groups.push("system:authenticated".to_owned());
        }
        Self { user: user.to_owned(), groups }
    }

    /// The administrator of all spaces.
    pub fn admin() -> Self {
        Self::new("system:admin", &[MASTERS])
    }

    /// Whether it may do everything, RBAC or not.
    pub fn is_master(&self) -> bool {
        self.groups.iter().any(|group| group == MASTERS)
    }
}

/// The tokens of one server. Only their digests are held.
#[derive(Debug, Default)]
pub(crate) struct Tokens(RwLock<BTreeMap<Digest, Holder>>);

/// Who holds a token.
#[derive(Debug)]
struct Holder {
    identity: Arc<Identity>,
    /// The only space that knows this identity; `None` for the users of the whole server.
    space: Option<Arc<str>>,
}

impl Tokens {
    /// Adds a token that is valid in all spaces.
    pub(crate) fn insert(&self, token: &str, identity: Identity) {
        self.hold(token, identity, None);
    }

    /// Adds a token that is valid in one space: a service account of the same name in another space is somebody else.
    pub(crate) fn insert_for(&self, space: &Arc<str>, token: &str, identity: Identity) {
        self.hold(token, identity, Some(Arc::clone(space)));
    }

    fn hold(&self, token: &str, identity: Identity, space: Option<Arc<str>>) {
        let mut tokens = self.0.write().unwrap_or_else(PoisonError::into_inner);
        tokens.insert(Digest::of(token.as_bytes()), Holder { identity: Arc::new(identity), space });
    }

    /// Who holds the token in `Authorization: Bearer …`, in a space or, with `None`, outside of all.
    ///
    /// The search compares digests, whose bytes nobody can choose, so how long it takes tells nothing of a token; the match itself is confirmed in
    /// constant time.
    pub(crate) fn authenticate(&self, token: &str, space: Option<&str>) -> Option<Arc<Identity>> {
        let given = Digest::of(token.as_bytes());
        let tokens = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let (known, holder) = tokens.get_key_value(&given)?;
        let same = bool::from(known.to_string().as_bytes().ct_eq(given.to_string().as_bytes()));
        let here = holder.space.is_none() || holder.space.as_deref() == space;
        (same && here).then(|| Arc::clone(&holder.identity))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_leads_to_its_identity_and_nothing_else_does() {
        let tokens = Tokens::default();
        tokens.insert("s3cret", Identity::admin());
        assert!(tokens.authenticate("s3cret", Some("one")).is_some_and(|identity| identity.is_master()));
        assert!(tokens.authenticate("s3cret", None).is_some());
        assert_eq!(tokens.authenticate("s3cre", Some("one")), None);
        assert_eq!(tokens.authenticate("", None), None);
    }

    #[test]
    fn a_token_of_a_space_is_worth_nothing_elsewhere() {
        let tokens = Tokens::default();
        tokens.insert_for(&"one".into(), "t", Identity::new("system:serviceaccount:n:a", &[]));
        assert!(tokens.authenticate("t", Some("one")).is_some());
        assert_eq!(tokens.authenticate("t", Some("two")), None);
        assert_eq!(tokens.authenticate("t", None), None);
    }
}
