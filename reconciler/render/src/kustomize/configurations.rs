//! Extra field specs: `configurations` files, and OpenAPI files of `crds`.

use super::decode::{Fields, Item, Located, Reading};
use super::error::KustomizeError;
use super::fieldspec::FieldSpec;
use super::file::field_specs;
use super::id::Gvk;
use super::load::Source;
use super::specs::{Config, NameReference, Specs};
use crate::object::Origin;
use crate::tree::RepoPath;
use crate::yaml::Node;

type Result<T> = std::result::Result<T, KustomizeError>;

/// Definitions inside each other; a definition may refer to itself, and upstream then never ends.
const MAX_DEPTH: usize = 20;

/// The defaults and what the `configurations` add to them.
pub(super) fn configured(source: &Source<'_>, configurations: &[Located]) -> Result<Config> {
    let mut config = Config::default_specs();
    if configurations.is_empty() {
        return Ok(config);
    }
    let mut added = Config::default();
    for named in configurations {
        let (file, bytes) = source.named_file(&named.text, &named.at)?;
        for document in source.configuration(&bytes, &Origin::new(&file, 1))?.iter().take(1) {
            let specs = configuration(&file, document)?;
            added.merge(&Config::of(specs)).map_err(conflict(&named.at))?;
        }
    }
    let at = configurations.first().map(|named| named.at.clone());
    config.merge(&added).map_err(conflict(&at.unwrap_or_else(|| Origin::new(&RepoPath::root(), 0))))?;
    Ok(config)
}

/// What the `crds` files say about their kinds.
pub(super) fn from_crds(source: &Source<'_>, crds: &[Located]) -> Result<Config> {
    let mut config = Config::default();
    for named in crds {
        let (file, bytes) = source.named_file(&named.text, &named.at)?;
        for document in source.configuration(&bytes, &Origin::new(&file, 1))?.iter().take(1) {
            if document.as_map().is_some_and(|map| map.iter().any(|(_, value)| value.as_map().is_none())) {
                let message =
                    "takes OpenAPI definitions of kinds; list a CustomResourceDefinition under `resources`";
                return Err(KustomizeError::step(&named.at, "crds", message));
            }
            from_definitions(document, &mut config).map_err(conflict(&named.at))?;
        }
    }
    Ok(config)
}

fn conflict(at: &Origin) -> impl Fn(String) -> KustomizeError {
    let at = at.clone();
    move |message| KustomizeError::step(&at, "configurations", message)
}

fn configuration(file: &RepoPath, document: &Node) -> Result<Specs> {
    let mut f = Fields::of(file, document, Reading::Configuration)?;
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
    f.finish()?;
    Ok(specs)
}

fn name_reference(item: Item<'_>) -> Result<NameReference> {
    let mut f = item.fields()?;
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
fn from_definitions(document: &Node, config: &mut Config) -> std::result::Result<(), String> {
    let definitions = document.as_map().map(|map| map.iter().collect::<Vec<_>>()).unwrap_or_default();
    for (name, definition) in definitions {
        let properties = schema_of(definition).and_then(|schema| schema.get("properties"));
        let Some(properties) = properties.and_then(Node::as_map) else { continue };
        // Only definitions of whole objects count.
        if !["kind", "apiVersion", "metadata"].iter().all(|member| properties.contains_key(member)) {
            continue;
        }
        let kind = name.rsplit('.').next().unwrap_or(name);
        let mut walk = Walk { document, kind, specs: Specs::default() };
        walk.properties(name, &mut Vec::new())?;
        config.merge(&Config::of(walk.specs))?;
    }
    Ok(())
}

fn schema_of(definition: &Node) -> Option<&Node> {
    let members = definition.as_map()?.iter();
    members.into_iter().find(|(key, _)| key.eq_ignore_ascii_case("schema")).map(|(_, schema)| schema)
}

struct Walk<'w> {
    document: &'w Node,
    kind: &'w str,
    specs: Specs,
}

impl<'w> Walk<'w> {
    fn properties(&mut self, definition: &str, path: &mut Vec<&'w str>) -> std::result::Result<(), String> {
        let document = self.document;
        let schema = document.get(definition).and_then(schema_of);
        let Some(properties) = schema.and_then(|schema| schema.get("properties")).and_then(Node::as_map)
        else {
            return Ok(());
        };
        if path.len() >= MAX_DEPTH {
            return Err(format!("definitions inside each other more than {MAX_DEPTH} levels: {definition}"));
        }
        for (name, property) in properties.iter() {
            path.push(name);
            self.property(property, &path.join("/"))?;
            if let Some(target) = property.str_at(&["$ref"]) {
                self.properties(target, path)?;
            }
            path.pop();
        }
        Ok(())
    }

    fn property(&mut self, property: &Node, path: &str) -> std::result::Result<(), String> {
        let text = |name: &str| property.str_at(&[name]);
        let spec = |path: &str| FieldSpec::new(self.kind, path, false);
        let mut specs = Specs::default();
        if text("x-kubernetes-annotation").is_some() {
            specs.annotations.push(spec(path));
        }
        if text("x-kubernetes-label-selector").is_some() {
            specs.common_labels.push(spec(path));
        }
        if text("x-kubernetes-identity").is_some() {
            specs.prefix.push(spec(path));
        }
        let reference = (text("x-kubernetes-object-ref-api-version"), text("x-kubernetes-object-ref-kind"));
        if let (Some(version), Some(kind)) = reference {
            let key = text("x-kubernetes-object-ref-name-key").unwrap_or("name");
            // The whole apiVersion is taken for the version: a quirk, so references to kinds with a group never match.
            let target = Gvk { group: String::new(), version: version.to_owned(), kind: kind.to_owned() };
            let referrers = vec![spec(&format!("{path}/{key}"))];
            specs.references.push(NameReference { target, referrers });
        }
        self.specs.merge(&specs)
    }
}
