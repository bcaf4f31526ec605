//! The image transformer.

use regex::Regex;

use super::super::error::KustomizeError;
use super::super::fieldspec::{FieldSpec, Leaf};
use super::super::file::ImageEntry;
use super::super::resmap::ResMap;
use crate::yaml::{Node, Value, resolve_text};

/// One image entry with its name compiled.
pub(in super::super) struct ImageRule<'e> {
    entry: &'e ImageEntry,
    pattern: Regex,
}

impl<'e> ImageRule<'e> {
    /// The entry's name is a regular expression, a quirk that registries with dots in their names rely on.
    pub(in super::super) fn new(entry: &'e ImageEntry) -> Result<Self, KustomizeError> {
        let pattern = format!(r"^(?:{})(:[a-zA-Z0-9_.{{}}-]*)?(@sha256:[a-zA-Z0-9_.{{}}-]*)?$", entry.name);
        let pattern = Regex::new(&pattern).map_err(|_| {
            KustomizeError::step(
                &entry.at,
                "images",
                format!("the name '{}' is no regular expression", entry.name),
            )
        })?;
        Ok(ImageRule { entry, pattern })
    }

    fn rewrite(&self, field: &mut Node) -> Result<(), String> {
        let Some(text) = field.scalar_text() else {
            let message = format!("an image must be text, it is {}", field.kind_name());
            return if field.is_null() { Ok(()) } else { Err(message) };
        };
        self.replace(field, &text);
        Ok(())
    }

    /// Replaces a field that reads like this text, where the entry is about it.
    fn replace(&self, field: &mut Node, text: &str) {
        if !self.pattern.is_match(text) {
            return;
        }
        let (name, tag, digest) = split(text);
        let entry = self.entry;
        let name = if entry.new_name.is_empty() { name } else { &entry.new_name };
        let (mut tag, mut digest) = (tag.to_owned(), digest.to_owned());
        if !entry.new_tag.is_empty() && !entry.digest.is_empty() {
            (tag, digest) = (entry.new_tag.clone(), entry.digest.clone());
        } else if !entry.new_tag.is_empty() {
            (tag, digest) = (entry.new_tag.clone(), String::new());
        } else if !entry.digest.is_empty() {
            (tag, digest) = (String::new(), entry.digest.clone());
        } else if !entry.tag_suffix.is_empty() {
            tag.push_str(&entry.tag_suffix);
            digest.clear();
        }
        let mut image = name.to_owned();
        if !tag.is_empty() {
            image.push(':');
            image.push_str(&tag);
        }
        if !digest.is_empty() {
            image.push('@');
            image.push_str(&digest);
        }
        field.value = if field.quoted { Value::String(image) } else { resolve_text(&image) };
        field.untyped = !field.quoted;
    }
}

/// (name, tag, digest); a colon before the first slash is a port.
fn split(image: &str) -> (&str, &str, &str) {
    let (rest, digest) = image.split_once('@').unwrap_or((image, ""));
    let after_host = rest.find('/').map_or(0, |slash| slash + 1);
    match rest[after_host..].find(':') {
        Some(colon) => (&rest[..after_host + colon], &rest[after_host + colon + 1..], digest),
        None => (rest, "", digest),
    }
}

/// Applies one entry to every object but custom resource definitions.
pub(in super::super) fn set_images(
    objects: &mut ResMap,
    rule: &ImageRule<'_>,
    specs: &[FieldSpec],
) -> Result<(), KustomizeError> {
    for at in 0..objects.len() {
        let resource = objects.get_mut(at);
        if resource.kind() == "CustomResourceDefinition" {
            continue;
        }
        let origin = resource.origin.clone();
        let fail = |message: String| KustomizeError::step(&origin, "images", message);
        anywhere(&mut resource.node, rule).map_err(fail)?;
        let gvk = resource.gvk().to_owned();
        for spec in specs.iter().filter(|spec| spec.matches(gvk.as_ref())) {
            let path: &FieldSpec = &FieldSpec { create: false, ..spec.clone() };
            path.apply(&mut resource.node, Leaf::Scalar, &mut |field| rule.rewrite(field)).map_err(fail)?;
        }
    }
    Ok(())
}

/// Every list called `containers` or `initContainers`, wherever it is.
fn anywhere(node: &mut Node, rule: &ImageRule<'_>) -> Result<(), String> {
    match &mut node.value {
        Value::Seq(items) => items.iter_mut().try_for_each(|item| anywhere(item, rule)),
        Value::Map(map) => map.iter_mut().try_for_each(|(key, value)| {
            anywhere(value, rule)?;
            if !matches!(key, "containers" | "initContainers") {
                return Ok(());
            }
            let items = value.as_seq_mut().map(Vec::as_mut_slice).unwrap_or_default();
            items.iter_mut().try_for_each(|item| {
                let found = item.kind_name();
                match &mut item.value {
                    Value::Map(map) => {
                        map.get_mut("image").map_or(Ok(()), |image| in_a_container(image, rule))
                    }
                    Value::Null | Value::Blank => Ok(()),
                    _ => Err(format!("a container must be a map, it is {found}")),
                }
            })
        }),
        _ => Ok(()),
    }
}

/// Here kustomize takes a null for the text that it is written as, which a name like `.*` matches.
fn in_a_container(image: &mut Node, rule: &ImageRule<'_>) -> Result<(), String> {
    match image.value {
        Value::Null => rule.replace(image, "null"),
        Value::Blank => rule.replace(image, ""),
        _ => return rule.rewrite(image),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::Origin;
    use crate::tree::RepoPath;

    #[test]
    fn images_are_taken_apart_and_put_together() {
        fn check(image: &str, (new_name, new_tag, suffix, digest): (&str, &str, &str, &str), expected: &str) {
            let (name, _, _) = split(image);
            let entry = ImageEntry {
                at: Origin::new(&RepoPath::root(), 1),
                name: name.to_owned(),
                new_name: new_name.to_owned(),
                new_tag: new_tag.to_owned(),
                tag_suffix: suffix.to_owned(),
                digest: digest.to_owned(),
            };
            let mut node = Node::text(image);
            ImageRule::new(&entry).unwrap().rewrite(&mut node).unwrap();
            assert_eq!(node.as_str(), Some(expected));
        }
        check("nginx:1.7", ("", "v2", "", ""), "nginx:v2");
        check("host:5000/a/nginx", ("n", "v2", "", ""), "n:v2");
        check("nginx:1@sha256:aa", ("", "v2", "", ""), "nginx:v2");
        check("nginx:1", ("", "", "", "sha256:bb"), "nginx@sha256:bb");
        check("nginx:1@sha256:aa", ("", "", "-x", ""), "nginx:1-x");
        check("nginx:1", ("", "2", "", "sha256:bb"), "nginx:2@sha256:bb");
    }
}
