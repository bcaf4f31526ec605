//! Bodies of requests: their size, their media type, and the JSON tree in them.

use apimachinery::schema::duplicate_fields;
use bytes::{BufMut as _, Bytes, BytesMut};
use http_body_util::BodyExt as _;
use hyper::body::{Body as HttpBody, Buf};
use serde_json::Value;

use crate::proto;
use crate::status::{Answer, ApiError};

mod yaml;

/// Largest body, in bytes: kube-apiserver's limit.
pub(crate) const MAX_BYTES: usize = 3 << 20;

/// The media types that objects can be read from, as the error lists them.
pub(crate) const READABLE: &[&str] =
    &["application/json", "application/yaml", "application/vnd.kubernetes.protobuf"];

/// Reads a body to its end.
///
/// # Errors
/// 413 if it is too large, 400 if the client went away.
pub(crate) async fn read<B>(body: B) -> Answer<Bytes>
where
    B: HttpBody + Send,
    B::Data: Buf + Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    if body.size_hint().lower() > MAX_BYTES as u64 {
        return Err(ApiError::too_large(MAX_BYTES));
    }
    let mut body = std::pin::pin!(body);
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.as_mut().frame().await {
        let frame =
            frame.map_err(|error| ApiError::bad_request(format!("reading the body: {}", error.into())))?;
        if let Ok(data) = frame.into_data() {
            if bytes.len() + data.remaining() > MAX_BYTES {
                return Err(ApiError::too_large(MAX_BYTES));
            }
            bytes.put(data);
        }
    }
    Ok(bytes.freeze())
}

/// A body as a JSON tree, with the paths of fields that stand in it twice.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) value: Value,
    pub(crate) duplicates: Vec<String>,
}

/// Decodes an object by its media type; no media type is JSON.
///
/// # Errors
/// 415 for another media type, 400 for what cannot be parsed.
pub(crate) fn decode(content_type: &str, bytes: &[u8]) -> Answer<Decoded> {
    match media_type(content_type) {
        "" | "application/json" => json(bytes),
        "application/yaml" => yaml::decode(bytes),
        "application/vnd.kubernetes.protobuf" => {
            Ok(Decoded { value: proto::decode(bytes)?, duplicates: Vec::new() })
        }
        _ => Err(ApiError::unsupported_media_type(READABLE)),
    }
}

/// Decodes what may be JSON or YAML whatever its media type says: server-side apply, delete options.
///
/// # Errors
/// 400 for what cannot be parsed.
pub(crate) fn decode_lenient(bytes: &[u8]) -> Answer<Decoded> {
    if bytes.trim_ascii_start().starts_with(b"{") { json(bytes) } else { yaml::decode(bytes) }
}

/// The media type without parameters, as it is written.
pub(crate) fn media_type(content_type: &str) -> &str {
    content_type.split(';').next().unwrap_or_default().trim()
}

fn json(bytes: &[u8]) -> Answer<Decoded> {
    let value = serde_json::from_slice(bytes).map_err(|error| {
        ApiError::bad_request(format!("couldn't get version/kind; json parse error: {error}"))
    })?;
    Ok(Decoded { value, duplicates: duplicate_fields(bytes) })
}
