//! The messages of built-in kinds: one committed text, written by `facts/main.go`.
//!
//! One message per line: its name, the kinds it is the message of (`apps/v1/Deployment`, several with commas, or nothing), and its fields, each
//! `NUMBER FLAG JSONNAME = TYPE` without spaces. The flag is `?` where a zero value is left out of the JSON, `~` where the fields of the message belong to the outer
//! object (an embedded struct). Types: `s` string, `b` boolean, `i` whole number, `f` double, `y` bytes, `T` Time, `U` MicroTime,
//! `Q` Quantity, `I` IntOrString, `R` a message whose field 1 is JSON text, `L` a message whose field 1 is a list of strings, `A` `B` `P` the
//! JSONSchemaPropsOr{Array,Bool,StringArray} of definitions, `@name` a message, `[x` a list, `{x` a map with string keys.

use std::collections::BTreeMap;
use std::sync::LazyLock;

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("messages.txt")));

/// The type of a field.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Bool,
    Integer,
    Float,
    Bytes,
    Time,
    MicroTime,
    Quantity,
    IntOrString,
    Json,
    Texts,
    SchemaOrArray,
    SchemaOrBool,
    SchemaOrTexts,
    /// By name; resolved when it is followed, as messages may be recursive.
    Message(&'static str),
    List(Box<Type>),
    Map(Box<Type>),
}

/// A field of a message.
#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    /// A zero value is left out.
    pub(super) omit_zero: bool,
    /// The fields of the message belong to the outer object.
    pub(super) inline: bool,
    pub(super) name: &'static str,
    pub(super) field_type: Type,
}

/// A message.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) fields: Vec<Field>,
}

struct Table {
    messages: BTreeMap<&'static str, Message>,
    /// From `<apiVersion>/<kind>`.
    kinds: BTreeMap<&'static str, &'static str>,
}

/// The message of a kind. `DeleteOptions` are known to every group and version.
pub(super) fn message_of(api_version: &str, kind: &str) -> Option<&'static Message> {
    let api_version = if kind == "DeleteOptions" { "v1" } else { api_version };
    let name = TABLE.kinds.get(format!("{api_version}/{kind}").as_str())?;
    TABLE.messages.get(name)
}

/// A message by its name in the table.
pub(super) fn message(name: &str) -> Option<&'static Message> {
    TABLE.messages.get(name)
}

impl Table {
    fn parse(text: &'static str) -> Self {
        let mut table = Self { messages: BTreeMap::new(), kinds: BTreeMap::new() };
        for line in text.lines() {
            let mut words = line.split(' ');
            let (Some(name), Some(kinds)) = (words.next(), words.next()) else { continue };
            for kind in kinds.split(',').filter(|kind| !kind.is_empty()) {
                table.kinds.insert(kind, name);
            }
            table.messages.insert(name, Message { fields: words.filter_map(field).collect() });
        }
        table
    }
}

fn field(word: &'static str) -> Option<Field> {
    let (left, field_type) = word.split_once('=')?;
    let digits = left.find(|c: char| !c.is_ascii_digit()).unwrap_or(left.len());
    let (number, rest) = left.split_at_checked(digits)?;
    let (omit_zero, inline) = (rest.starts_with('?'), rest.starts_with('~'));
    Some(Field {
        number: number.parse().ok()?,
        omit_zero,
        inline,
        name: rest.trim_start_matches(['?', '~']),
        field_type: parse_type(field_type)?,
    })
}

fn parse_type(text: &'static str) -> Option<Type> {
    let rest = text.get(1..)?;
    Some(match text.as_bytes().first()? {
        b's' => Type::Text,
        b'b' => Type::Bool,
        b'i' => Type::Integer,
        b'f' => Type::Float,
        b'y' => Type::Bytes,
        b'T' => Type::Time,
        b'U' => Type::MicroTime,
        b'Q' => Type::Quantity,
        b'I' => Type::IntOrString,
        b'R' => Type::Json,
        b'L' => Type::Texts,
        b'A' => Type::SchemaOrArray,
        b'B' => Type::SchemaOrBool,
        b'P' => Type::SchemaOrTexts,
        b'@' => Type::Message(rest),
        b'[' => Type::List(Box::new(parse_type(rest)?)),
        b'{' => Type::Map(Box::new(parse_type(rest)?)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages_in<'a>(field_type: &'a Type, found: &mut Vec<&'a str>) {
        match field_type {
            Type::Message(name) => found.push(name),
            Type::List(inner) | Type::Map(inner) => messages_in(inner, found),
            _ => {}
        }
    }

    #[test]
    fn every_word_of_the_table_is_understood_and_every_message_exists() {
        let text = include_str!("messages.txt");
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let message = &TABLE.messages[words[0]];
            assert_eq!(message.fields.len(), words.len() - 2, "{line}");
            for field in &message.fields {
                let mut named = Vec::new();
                messages_in(&field.field_type, &mut named);
                assert!(named.iter().all(|name| TABLE.messages.contains_key(name)), "{line}");
            }
        }
        assert_eq!(TABLE.messages.len(), text.lines().count());
    }

    #[test]
    fn the_kinds_that_kubectl_creates_are_known() {
        let kinds = [
            ("v1", "Namespace"),
            ("v1", "ConfigMap"),
            ("v1", "Secret"),
            ("v1", "Service"),
            ("v1", "ServiceAccount"),
            ("v1", "ResourceQuota"),
            ("v1", "Event"),
            ("apps/v1", "Deployment"),
            ("batch/v1", "Job"),
            ("batch/v1", "CronJob"),
            ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
            ("networking.k8s.io/v1", "Ingress"),
            ("policy/v1", "PodDisruptionBudget"),
            ("scheduling.k8s.io/v1", "PriorityClass"),
            ("coordination.k8s.io/v1", "Lease"),
            ("authentication.k8s.io/v1", "TokenRequest"),
            ("authentication.k8s.io/v1", "SelfSubjectReview"),
            ("authorization.k8s.io/v1", "SelfSubjectAccessReview"),
            ("apps/v1", "DeleteOptions"),
        ];
        for (api_version, kind) in kinds {
            assert!(message_of(api_version, kind).is_some(), "{api_version} {kind}");
        }
        assert!(message_of("v1", "Widget").is_none());
    }
}
