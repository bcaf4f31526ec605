//! Get, list and watch.

use std::sync::Arc;

use bytes::Bytes;

use crate::answer::{Accept, ListMeta, Shaped};
use crate::cache::{Forgotten, Range};
use crate::request::Query;
use crate::resource::Endpoint;
use crate::space::{Place, Space, Stored};
use crate::status::{Answer, ApiError};

mod options;
mod page;
mod select;
pub(crate) mod watch;

pub(crate) use options::ListOptions;
pub(crate) use select::Selection;

use options::VersionMatch;
use page::{Continue, Start};

/// What to read, for whom.
#[derive(Debug)]
pub(crate) struct Reading {
    pub(crate) space: Arc<Space>,
    pub(crate) endpoint: Endpoint,
    /// `None`: all namespaces, or cluster scope.
    pub(crate) namespace: Option<String>,
    /// The name in the path, empty for collections.
    pub(crate) name: String,
    pub(crate) accept: Accept,
}

impl Reading {
    /// How objects are answered.
    pub(crate) fn shaped(&self) -> Shaped {
        Shaped { endpoint: self.endpoint.clone(), accept: self.accept, now: self.space.host().clock.now() }
    }

    /// Where the object is.
    pub(crate) fn place(&self) -> Place {
        Place::new(self.endpoint.resource.stored_as(), self.namespace.as_deref(), &self.name)
    }
}

/// One object.
///
/// # Errors
/// 404; 400 for a malformed resourceVersion; 504 for one in the future.
pub(crate) fn get(reading: &Reading, query: &Query) -> Answer<Bytes> {
    let wanted = options::version(query.get("resourceVersion"))?;
    let current = reading.space.version();
    if wanted.is_some_and(|wanted| wanted > current) {
        return Err(ApiError::too_large_resource_version(wanted.unwrap_or_default(), current));
    }
    let stored = find(reading)?;
    Ok(reading.shaped().one(&stored))
}

/// The stored object that a path names.
///
/// # Errors
/// 404.
pub(crate) fn find(reading: &Reading) -> Answer<Arc<Stored>> {
    let absent = || ApiError::not_found(&reading.endpoint.resource.group_resource(), &reading.name);
    reading.space.get(&reading.place()).ok_or_else(absent)
}

/// A list, or a page of one.
///
/// # Errors
/// 400 for malformed selectors, versions and tokens; 410 for a version or token that is too old; 504 for a version in the future.
pub(crate) fn list(reading: &Reading, options: &ListOptions) -> Answer<Bytes> {
    let selection = Selection::parse(&reading.endpoint, options)?;
    let page = page(reading, options, &selection)?;
    Ok(reading.shaped().list(&page.items, &page.meta))
}

/// Some selected objects.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) items: Vec<Arc<Stored>>,
    pub(crate) meta: ListMeta,
}

/// The objects that the options ask for.
///
/// # Errors
/// As [`list`].
pub(crate) fn page(reading: &Reading, options: &ListOptions, selection: &Selection) -> Answer<Page> {
    let space = &reading.space;
    let cache = space.cache(&reading.endpoint.resource.stored_as());
    // Read before the list: what is committed by now is in it.
    let committed = space.version();
    let start = Continue::start(options, committed)?;
    let range = Range { namespace: reading.namespace.as_deref(), after: start.after() };
    let (listing, version) = match start {
        Start::Now | Start::Inconsistent { .. } => {
            let listing = cache.list(range);
            let version = committed.max(listing.version);
            (listing, version)
        }
        Start::At { version, .. } => {
            let expired = |_: Forgotten| Continue::expired(&start);
            (cache.list_at(version, range).map_err(expired)?, version)
        }
    };
    let mut page = Page { meta: ListMeta { version, ..ListMeta::default() }, ..Page::default() };
    let limit = options.limit.unwrap_or(usize::MAX);
    let mut last = None;
    let total = listing.items.len();
    for (index, (key, stored)) in listing.items.into_iter().enumerate() {
        if page.items.len() == limit {
            if selection.is_everything() {
                page.meta.remaining = Some(total - index);
            } else if !selection.matches(&stored) {
                continue;
            }
            page.meta.next = Continue::token(version, last.as_deref().unwrap_or_default());
            break;
        }
        if selection.matches(&stored) {
            page.items.push(stored);
            last = Some(key);
        }
    }
    Ok(page)
}

impl Continue {
    /// Where a list begins.
    fn start(options: &ListOptions, committed: u64) -> Answer<Start> {
        if let Some(token) = &options.continue_token {
            if options.version.is_some_and(|version| version > 0) {
                let message = "specifying resource version is not allowed when using continue";
                return Err(ApiError::bad_request(message));
            }
            return Self::read(token);
        }
        match (options.version, options.version_match) {
            (Some(version), _) if version > committed => {
                Err(ApiError::too_large_resource_version(version, committed))
            }
            (Some(version), Some(VersionMatch::Exact)) => Ok(Start::At { version, after: None }),
            _ => Ok(Start::Now),
        }
    }
}
