//! Bodies in Kubernetes' protobuf envelope: `k8s\0`, then a `runtime.Unknown` that names the kind and holds its message. Typed Go clients send them since
//! client-go 0.32 (kubectl for `create <kind>` and `auth`). Answers stay JSON: those clients accept it.
//!
//! The messages of all stable built-in kinds are known from a table ([`table`]), so there is no code per kind. What comes out is what Go's JSON encoder
//! would have written for the same object: `omitempty` fields that are zero are left out.

mod decode;
mod table;
mod wire;

use serde_json::Value;

use crate::status::{Answer, ApiError};

use decode::Fault;
use wire::Reader;

/// What every body begins with.
const MAGIC: &[u8] = b"k8s\0";

/// The object in a protobuf body, as JSON.
///
/// # Errors
/// 415 with advice for kinds that are not decoded, 400 for a malformed body.
pub(crate) fn decode(body: &[u8]) -> Answer<Value> {
    let malformed =
        |fault: Fault| ApiError::bad_request(format!("the protobuf body cannot be read: {fault}"));
    let envelope = body
        .strip_prefix(MAGIC)
        .ok_or_else(|| ApiError::bad_request("the protobuf body does not begin with the bytes k8s\\0"))?;
    let envelope = Envelope::read(envelope).map_err(malformed)?;
    let Some(message) = table::message_of(&envelope.api_version, &envelope.kind) else {
        return Err(ApiError::unsupported_body(format!(
            "protobuf bodies of kind {} in {} are not accepted by this server: send application/json (kubectl: \
             create ... --dry-run=client -o yaml | kubectl apply -f -)",
            envelope.kind, envelope.api_version
        )));
    };
    let mut object = decode::message(message, envelope.raw).map_err(malformed)?;
    object.insert("apiVersion".into(), envelope.api_version.into());
    object.insert("kind".into(), envelope.kind.into());
    Ok(Value::Object(object))
}

/// `runtime.Unknown`: typeMeta = 1 {apiVersion = 1, kind = 2}, raw = 2. Encodings (3, 4) are not used by any client.
#[derive(Default)]
struct Envelope<'a> {
    api_version: String,
    kind: String,
    raw: &'a [u8],
}

impl<'a> Envelope<'a> {
    fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut envelope = Self::default();
        for field in Reader::new(bytes) {
            let field = field?;
            match field.number {
                1 => envelope.read_type(field.bytes()?)?,
                2 => envelope.raw = field.bytes()?,
                _ => {}
            }
        }
        Ok(envelope)
    }

    fn read_type(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        for field in Reader::new(bytes) {
            let field = field?;
            match field.number {
                1 => field.text()?.clone_into(&mut self.api_version),
                2 => field.text()?.clone_into(&mut self.kind),
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
