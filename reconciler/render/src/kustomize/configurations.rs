//! Extra field specs: `configurations` files, and OpenAPI files of `crds`.

use super::decode::{Fields, Located};
use super::error::KustomizeError;
use super::fieldspec::FieldSpec;
use super::file::field_specs;
use super::id::Gvk;
use super::load::Source;
use super::specs::{NameReference, Specs};
use crate::object::Origin;
use crate::tree::RepoPath;
use crate::yaml::Node;

type Result<T> = std::result::Result<T, KustomizeError>;

/// What the listed files add to the defaults.
pub(super) fn specs(source: &Source<'_>, configurations: &[Located], crds: &[Located]) -> Result<Specs> {
    let mut specs = Specs::default();
    let mut add = |more: &Specs, at: &Origin| {
        specs.merge(more).map_err(|e| KustomizeError::step(at, "configurations", e))
    };
    for named in configurations {
        let (file, bytes) = source.named_file(&named.text, &named.at)?;
        for document in source.configuration(&bytes, &Origin::new(&file, 1))? {
            add(&configuration(&file, &document)?, &named.at)?;
        }
    }
    for named in crds {
        let (file, bytes) = source.named_file(&named.text, &named.at)?;
        for document in source.configuration(&bytes, &Origin::new(&file, 1))? {
            add(&from_definitions(&document), &named.at)?;
        }
    }
    Ok(specs)
}

fn configuration(file: &RepoPath, document: &Node) -> Result<Specs> {
    let mut f = Fields::new(file, "", document)?;
    let specs = Specs {
        prefix: field_specs(&mut f, "namePrefix")?,
        suffix: field_specs(&mut f, "nameSuffix")?,
        namespace: field_specs(&mut f, "namespace")?,
        common_labels: field_specs(&mut f, "commonLabels")?,
        template_labels: field_specs(&mut f, "templateLabels")?,
        labels: field_specs(&mut f, "labels")?,
        annotations: field_specs(&mut f, "commonAnnotations")?,
        images: field_specs(&mut f, "images")?,
        replicas: field_specs(&mut f, "replicas")?,
        variables: field_specs(&mut f, "varReference")?,
        references: f.each("nameReference", name_reference)?,
    };
    f.take("apiVersion");
    f.take("kind");
    f.take("metadata");
    f.finish()?;
    Ok(specs)
}

fn name_reference(file: &RepoPath, what: &str, node: &Node) -> Result<NameReference> {
    let mut f = Fields::new(file, what, node)?;
    let target = Gvk {
        group: f.text_or_empty("group")?,
        version: f.text_or_empty("version")?,
        kind: f.text_or_empty("kind")?,
    };
    let referrers = field_specs(&mut f, "fieldSpecs")?;
    f.finish()?;
    Ok(NameReference { target, referrers })
}

/// Extensions in an OpenAPI definition say which of its fields hold names, labels or annotations.
fn from_definitions(document: &Node) -> Specs {
    let mut specs = Specs::default();
    let definitions = document.as_map().map(|map| map.iter().collect::<Vec<_>>()).unwrap_or_default();
    for (name, definition) in definitions {
        let schema = definition.get("Schema").unwrap_or(definition);
        let Some(properties) = schema.get("properties").and_then(Node::as_map) else { continue };
        // Only definitions of whole objects count.
        if !["kind", "apiVersion", "metadata"].iter().all(|member| properties.contains_key(member)) {
            continue;
        }
        let kind = name.rsplit('.').next().unwrap_or(name);
        let mut walk = Walk { document, kind, specs: &mut specs, depth: 0 };
        walk.properties(schema, "");
    }
    specs
}

struct Walk<'w> {
    document: &'w Node,
    kind: &'w str,
    specs: &'w mut Specs,
    depth: usize,
}

impl Walk<'_> {
    fn properties(&mut self, schema: &Node, path: &str) {
        // Definitions may refer to themselves.
        if self.depth > 10 {
            return;
        }
        self.depth += 1;
        for (name, property) in
            schema.get("properties").and_then(Node::as_map).map(crate::yaml::Map::iter).into_iter().flatten()
        {
            let path = if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
            self.property(property, &path);
            let target = property.str_at(&["$ref"]).or_else(|| property.str_at(&["items", "$ref"]));
            let target = target.map(|name| name.rsplit('/').next().unwrap_or(name));
            if let Some(next) = target.and_then(|name| self.document.get(name)) {
                let schema = next.get("Schema").unwrap_or(next).clone();
                self.properties(&schema, &path);
            }
        }
        self.depth -= 1;
    }

    fn property(&mut self, property: &Node, path: &str) {
        let has = |name: &str| property.get(name).is_some();
        let spec = |path: &str| FieldSpec::new(self.kind, path, false);
        if has("x-kubernetes-annotation") {
            self.specs.annotations.push(spec(path));
        }
        if has("x-kubernetes-label-selector") {
            self.specs.common_labels.push(spec(path));
        }
        if has("x-kubernetes-identity") {
            self.specs.prefix.push(spec(path));
        }
        let Some(kind) = property.str_at(&["x-kubernetes-object-ref-kind"]) else { return };
        let api_version = property.str_at(&["x-kubernetes-object-ref-api-version"]).unwrap_or_default();
        let key = property.str_at(&["x-kubernetes-object-ref-name-key"]).unwrap_or("name");
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let target = Gvk { group: group.to_owned(), version: version.to_owned(), kind: kind.to_owned() };
        let referrers = vec![spec(&format!("{path}/{key}"))];
        self.specs.references.push(NameReference { target, referrers });
    }
}
