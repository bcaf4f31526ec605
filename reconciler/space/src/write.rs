//! Create, update, patch, delete: one pipeline for all kinds.
//!
//! A create goes: decode, complete ([`intake`]), metadata ([`meta`]), namespace, owners of fields ([`ownership`]), strategy, admission, validation, allocation, commit.
//! An update is the same on the newest state, decided again when another writer was faster, and no write at all when nothing changes.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use serde_json::Value;

use crate::answer::{self, Body};
use crate::handler::Warned;
use crate::identity::Identity;
use crate::read::Reading;
use crate::request::{Query, Verb};
use crate::resource::Origin;
use crate::space::Stored;
use crate::status::{Answer, ApiError};
use crate::{body, convert, review};

mod create;
pub(crate) mod delete;
pub(crate) mod delete_options;
mod intake;
pub(crate) mod meta;
mod options;
mod ownership;
mod patch;
pub(crate) mod scale;
mod special;
mod update;

use options::WriteOptions;
use ownership::Author;

/// A request to change something.
pub(crate) struct Writing {
    pub(crate) reading: Reading,
    pub(crate) verb: Verb,
    pub(crate) subresource: String,
    pub(crate) identity: Arc<Identity>,
    pub(crate) query: Query,
    pub(crate) content_type: String,
    pub(crate) user_agent: String,
    pub(crate) body: Bytes,
}

/// What a write has led to.
enum Written {
    /// This is stored.
    Stored(Arc<Stored>),
    /// This would be stored; in the storage version.
    Dry(Value),
}

impl Writing {
    fn author<'a>(&'a self, options: &'a WriteOptions) -> Author<'a> {
        Author {
            manager: &options.manager,
            now: self.reading.space.host().clock.now(),
            subresource: &self.subresource,
        }
    }

    /// The answer that shows an object.
    fn shown(&self, code: u16, written: &Written) -> Response<Body> {
        let shaped = self.reading.shaped();
        let bytes = match written {
            Written::Stored(stored) => shaped.one(stored),
            Written::Dry(object) => shaped.value(&convert::of_stored(&self.reading.endpoint, object)),
        };
        answer::whole(code, self.reading.accept.content_type(), bytes)
    }
}

/// Performs a write.
///
/// # Errors
/// What the server refuses, in its words.
pub(crate) async fn perform(writing: Writing) -> Answer<Warned> {
    let named = !writing.reading.name.is_empty();
    let review = writing.reading.endpoint.resource.origin == Origin::Review;
    match (writing.verb, writing.subresource.as_str(), named) {
        (Verb::Create, "", false) if review => answer_review(&writing),
        (Verb::Create, "", false) => create::create(&writing).await,
        (Verb::Create, _, true) if !writing.subresource.is_empty() => special::post(&writing).await,
        (Verb::Update | Verb::Patch, "scale", true) => scale::write(&writing).await,
        (Verb::Update, _, true) if !review => update::update(&writing).await,
        (Verb::Patch, _, true) if !review => patch::patch(&writing).await,
        (Verb::Delete, "", true) if !review => delete::delete(&writing).await,
        (Verb::DeleteCollection, "", false) if !review => delete::delete_collection(&writing).await,
        _ => Err(ApiError::method_not_allowed()),
    }
}

fn answer_review(writing: &Writing) -> Answer<Warned> {
    let options = WriteOptions::parse(&writing.query, &writing.user_agent, "CreateOptions")?;
    let endpoint = &writing.reading.endpoint;
    let mut warnings = Vec::new();
    let decoded = body::decode(&writing.content_type, &writing.body)?;
    let how = (intake::Origin::Sent, options.validation);
    let mut object = intake::complete(endpoint, decoded, how, &mut warnings)?;
    meta::place(&mut object, writing.reading.namespace.as_deref())?;
    let answer = review::review(&writing.reading.space, &writing.identity, endpoint, object)?;
    let bytes = writing.reading.shaped().value(&answer);
    Ok((answer::whole(201, writing.reading.accept.content_type(), bytes), warnings))
}
