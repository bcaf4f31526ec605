//! The three patch types of the Kubernetes API that carry a document; the fourth, server-side apply, is [`crate::smd`].
//!
//! | module | content type |
//! |---|---|
//! | [`json`] | `application/json-patch+json`, RFC 6902 |
//! | [`merge`] | `application/merge-patch+json`, RFC 7396 |
//! | [`strategic`] | `application/strategic-merge-patch+json`, built-in kinds only |
//!
//! All work on JSON trees, leave the original untouched, and are total: any input gives a document or an error.

pub mod json;
pub mod merge;
pub mod strategic;
