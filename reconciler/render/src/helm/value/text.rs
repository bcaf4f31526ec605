//! Go strings: any bytes, nearly always UTF-8.

use std::borrow::Cow;
use std::rc::Rc;

/// A Go `string`. Cutting at a byte position or decoding base64 can give bytes that are no UTF-8, and hashing or encoding them
/// again must not lose any.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Text(Form);

#[derive(Clone)]
enum Form {
    Utf8(Rc<str>),
    /// Never valid UTF-8.
    Raw(Rc<[u8]>),
}

impl Form {
    fn bytes(&self) -> &[u8] {
        match self {
            Form::Utf8(text) => text.as_bytes(),
            Form::Raw(bytes) => bytes,
        }
    }
}

impl PartialEq for Form {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for Form {}

impl PartialOrd for Form {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Form {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.bytes().cmp(other.bytes())
    }
}

impl Text {
    /// Text from any bytes.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        match std::str::from_utf8(bytes) {
            Ok(text) => Text(Form::Utf8(text.into())),
            Err(_) => Text(Form::Raw(bytes.into())),
        }
    }

    /// The bytes.
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.bytes()
    }

    /// The text; what is no UTF-8 shows as U+FFFD, as it does when Go looks at the runes.
    pub(crate) fn as_str(&self) -> Cow<'_, str> {
        match &self.0 {
            Form::Utf8(text) => Cow::Borrowed(text),
            Form::Raw(bytes) => Cow::Owned(lossy(bytes)),
        }
    }

    /// The length in bytes.
    pub(crate) fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.as_bytes().is_empty()
    }

    /// The bytes from `from` up to `to`.
    pub(crate) fn cut(&self, from: usize, to: usize) -> Option<Text> {
        let whole = self.as_bytes();
        if from == 0 && to == whole.len() {
            return Some(self.clone());
        }
        whole.get(from..to).map(Text::from_bytes)
    }
}

/// Go replaces every byte that begins no rune by one U+FFFD; Rust's own function replaces longer runs by one.
fn lossy(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().map(|_| '\u{fffd}'));
    }
    out
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Text(Form::Utf8(text.into()))
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text(Form::Utf8(text.into()))
    }
}

impl From<&[u8]> for Text {
    fn from(bytes: &[u8]) -> Self {
        Text::from_bytes(bytes)
    }
}

impl From<Vec<u8>> for Text {
    fn from(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(e) => Text(Form::Raw(e.into_bytes().into())),
        }
    }
}

impl From<Rc<str>> for Text {
    fn from(text: Rc<str>) -> Self {
        Text(Form::Utf8(text))
    }
}
