//! One rule, and whether it covers what is asked.

use serde::Deserialize;
use serde_json::Value;

/// What somebody wants to do, in the vocabulary of rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// With a resource.
    Resource(AskedResource),
    /// With a path that is no resource: `/healthz`.
    Path {
        /// The HTTP method in lower case.
        verb: String,
        /// The path.
        path: String,
    },
}

/// A resource that somebody wants to do something with. Everything may be empty, and in a review `*`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct AskedResource {
    pub(crate) verb: String,
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Asked {
    /// The namespace, empty for none.
    pub(crate) fn namespace(&self) -> &str {
        match self {
            Self::Resource(resource) => &resource.namespace,
            Self::Path { .. } => "",
        }
    }
}

/// A `PolicyRule`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Rule {
    #[serde(deserialize_with = "texts")]
    pub(crate) verbs: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub(crate) api_groups: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub(crate) resources: Vec<String>,
    #[serde(deserialize_with = "texts")]
    pub(crate) resource_names: Vec<String>,
    #[serde(rename = "nonResourceURLs", deserialize_with = "texts")]
    pub(crate) urls: Vec<String>,
}

/// Null is the empty list.
fn texts<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Vec<String>, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or_default())
}

/// What stands for everything.
pub(super) const ALL: &str = "*";

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|entry| entry == ALL || entry == wanted)
}

impl Rule {
    /// The rules of a role. One that cannot be read grants nothing.
    pub(crate) fn all_of(role: &Value) -> Vec<Self> {
        let rules = role.get("rules").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        rules.iter().filter_map(|rule| Self::deserialize(rule).ok()).collect()
    }

    /// What a master may do.
    pub(crate) fn everything() -> Vec<Self> {
        let all = || vec![ALL.to_owned()];
        let resources = Self { verbs: all(), api_groups: all(), resources: all(), ..Self::default() };
        vec![resources, Self { verbs: all(), urls: all(), ..Self::default() }]
    }

    /// `{APIGroups:[""], Resources:["secrets"], Verbs:["get"]}`, as the server's messages have it.
    pub(super) fn compact(&self) -> String {
        let lists = [
            ("APIGroups", &self.api_groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.urls),
            ("ResourceNames", &self.resource_names),
            ("Verbs", &self.verbs),
        ];
        let parts = lists.into_iter().filter(|(_, list)| !list.is_empty()).map(|(name, list)| {
            let quoted: Vec<String> = list.iter().map(|entry| format!("{entry:?}")).collect();
            format!("{name}:[{}]", quoted.join(" "))
        });
        format!("{{{}}}", parts.collect::<Vec<_>>().join(", "))
    }

    /// Whether the rule covers what is asked.
    pub(crate) fn allows(&self, asked: &Asked) -> bool {
        match asked {
            Asked::Path { verb, path } => {
                has(&self.verbs, verb) && self.urls.iter().any(|url| covers(url, path))
            }
            Asked::Resource(asked) => {
                has(&self.verbs, &asked.verb)
                    && has(&self.api_groups, &asked.group)
                    && self.allows_resource(asked)
                    && (self.resource_names.is_empty() || self.resource_names.contains(&asked.name))
            }
        }
    }

    /// A subresource is named with its resource, `pods/log`, or for all resources, `*/scale`.
    fn allows_resource(&self, asked: &AskedResource) -> bool {
        if asked.subresource.is_empty() {
            return has(&self.resources, &asked.resource);
        }
        let full = format!("{}/{}", asked.resource, asked.subresource);
        self.resources.iter().any(|entry| {
            entry == ALL || *entry == full || entry.strip_prefix("*/") == Some(asked.subresource.as_str())
        })
    }
}

/// `/healthz` itself, or `/healthz/*` for what is below it.
fn covers(url: &str, path: &str) -> bool {
    match url.strip_suffix(ALL) {
        Some(prefix) => path.starts_with(prefix),
        None => url == path,
    }
}
