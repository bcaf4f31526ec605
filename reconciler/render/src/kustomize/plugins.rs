//! Builtin generators and transformers that are configured by documents instead of fields.

mod value_add;

use super::build::Stage;
use super::charts;
use super::decode::{Fields, Located, Reading};
use super::error::KustomizeError;
use super::fieldspec::FieldSpec;
use super::file::{
    PatchEntry, Replica, field_specs, generator_fields, image_entry, patch_fields, replica, selector,
};
use super::generate::{Generated, generate};
use super::load::{Entry, Source};
use super::patch;
use super::replacements::{self, replacement_entry};
use super::resmap::ResMap;
use super::resource::{Configured, Resource};
use super::schema::Schemas;
use super::transform::{
    Affix, ImageRule, NamespaceRule, Subjects, affix, set_images, set_namespace, set_replicas, set_texts,
    step,
};
use crate::object::Origin;
use crate::tree::RepoPath;
use crate::yaml::Node;

type Result<T> = std::result::Result<T, KustomizeError>;

/// A configuration document and the access of the kustomization that lists it.
pub(super) struct Plugin {
    pub(super) resource: Resource,
}

impl Plugin {
    pub(super) fn configured(&self, file: &RepoPath) -> Configured {
        Configured {
            file: file.clone(),
            api_version: self.resource.node.str_at(&["apiVersion"]).unwrap_or_default().to_owned(),
            kind: self.resource.kind().to_owned(),
            name: self.resource.name().to_owned(),
            namespace: self.resource.namespace().to_owned(),
        }
    }
}

/// Reads the entries of `generators`, `transformers` or `validators`: inline documents, then files, and directories with
/// kustomizations. The inline ones come first, wherever they are listed.
pub(super) fn load(
    source: &Source<'_>,
    entries: &[Located],
    directory: &mut dyn FnMut(RepoPath, &Origin) -> Result<ResMap>,
) -> Result<Vec<Plugin>> {
    let mut found = ResMap::default();
    let mut named = Vec::new();
    for entry in entries {
        match inline(source, entry) {
            Ok(resources) => resources.into_iter().try_for_each(|resource| found.append(resource))?,
            Err(error) if entry.text.contains('\n') => return Err(error),
            Err(_) => named.push(entry),
        }
    }
    for entry in named {
        match source.entry(&entry.text, &entry.at)? {
            Entry::File(path) => {
                source
                    .objects(&path, &entry.at)?
                    .into_iter()
                    .try_for_each(|resource| found.append(resource))?;
            }
            Entry::Directory(path) => found.append_all(directory(path, &entry.at)?)?,
        }
    }
    let plugins: Vec<Plugin> =
        found.into_resources().into_iter().map(|resource| Plugin { resource }).collect();
    plugins.iter().try_for_each(check)?;
    Ok(plugins)
}

fn inline(source: &Source<'_>, entry: &Located) -> Result<Vec<Resource>> {
    source.expanded(source.documents(entry.text.as_bytes(), &entry.at)?, &entry.at)
}

/// Only builtin kinds run; anything that would start a program or a container is refused.
fn check(plugin: &Plugin) -> Result<()> {
    let resource = &plugin.resource;
    let at = resource.origin.clone();
    let builtin = resource.node.str_at(&["apiVersion"]) == Some("builtin");
    if builtin && KINDS.contains(&resource.kind()) {
        return Ok(());
    }
    let function = ["config.kubernetes.io/function", "config.k8s.io/function"];
    if !builtin && function.iter().any(|key| resource.annotation(key).is_some()) {
        return Err(KustomizeError::Refused {
            at,
            what: format!("the function of {}", resource.current()),
            hint: "a render starts no program and no container".to_owned(),
        });
    }
    Err(KustomizeError::Refused {
        at,
        what: format!("unable to load builtin {}: the plugin", resource.gvk()),
        hint: format!("only these builtin kinds run: {}", KINDS.join(", ")),
    })
}

const KINDS: &[&str] = &[
    "AnnotationsTransformer",
    "ConfigMapGenerator",
    "HashTransformer",
    "HelmChartInflationGenerator",
    "IAMPolicyGenerator",
    "ImageTagTransformer",
    "LabelTransformer",
    "NamespaceTransformer",
    "PatchJson6902Transformer",
    "PatchStrategicMergeTransformer",
    "PatchTransformer",
    "PrefixSuffixTransformer",
    "PrefixTransformer",
    "ReplacementTransformer",
    "ReplicaCountTransformer",
    "SecretGenerator",
    "SuffixTransformer",
    "ValueAddTransformer",
];

/// Runs a generator.
pub(super) fn run_generator(source: &Source<'_>, plugin: &Plugin) -> Result<Vec<Resource>> {
    let node = &plugin.resource.node;
    let origin = &plugin.resource.origin;
    let mut f = header(node, origin)?;
    let what = match plugin.resource.kind() {
        "ConfigMapGenerator" => Generated::ConfigMap,
        "SecretGenerator" => Generated::Secret,
        "IAMPolicyGenerator" => return Ok(vec![iam_policy(f, origin)?]),
        "HelmChartInflationGenerator" => return charts::inflate(source, &charts::document(f)?, ""),
        kind => return Err(KustomizeError::step(origin, kind, "is a transformer, not a generator")),
    };
    let mut args = generator_fields(&mut f)?;
    f.finish()?;
    args.at = origin.clone();
    if args.name.is_empty() {
        plugin.resource.name().clone_into(&mut args.name);
    }
    if args.namespace.is_empty() {
        plugin.resource.namespace().clone_into(&mut args.namespace);
    }
    Ok(vec![generate(source, what, &args, None)?])
}

fn header<'a>(node: &'a Node, origin: &'a Origin) -> Result<Fields<'a>> {
    Fields::of(&origin.file, node, Reading::Plugin)
}

fn iam_policy(mut f: Fields<'_>, origin: &Origin) -> Result<Resource> {
    let cloud = f.text_or_empty("cloud")?;
    let account = f.nested("kubernetesService", |mut f| {
        let pair = (f.text_or_empty("namespace")?, f.text_or_empty("name")?);
        f.finish()?;
        Ok(pair)
    })?;
    let target = f.nested("serviceAccount", |mut f| {
        let pair = (f.text_or_empty("name")?, f.text_or_empty("projectId")?);
        f.finish()?;
        Ok(pair)
    })?;
    if cloud != "gke" {
        return Err(f.error(format!("cloud provider {cloud} not supported yet")));
    }
    f.finish()?;
    let (namespace, name) = account.unwrap_or_default();
    let (target, project) = target.unwrap_or_default();
    let mut node = Node::map();
    if let Some(map) = node.as_map_mut() {
        map.insert("apiVersion", Node::text("v1"));
        map.insert("kind", Node::text("ServiceAccount"));
        map.insert("metadata", Node::map());
    }
    let mut resource = Resource::new(node, origin.clone());
    resource.set_name(&name);
    resource.set_namespace(&namespace);
    let email = format!("{target}@{project}.iam.gserviceaccount.com");
    resource.set_annotation("iam.gke.io/gcp-service-account", &email);
    Ok(resource)
}

/// Runs a transformer.
pub(super) fn run_transformer(
    source: &Source<'_>,
    plugin: &Plugin,
    objects: &mut ResMap,
    schemas: &Schemas,
) -> Result<()> {
    let resource = &plugin.resource;
    let origin = &resource.origin;
    let mut f = header(&resource.node, origin)?;
    match resource.kind() {
        "AnnotationsTransformer" => texts(f, objects, "annotations"),
        "LabelTransformer" => texts(f, objects, "labels"),
        "HashTransformer" => {
            // Upstream reads no configuration of this one.
            Stage::add_hashes(objects);
            Ok(())
        }
        "ImageTagTransformer" => image(f, objects),
        "NamespaceTransformer" => namespace(f, resource, objects),
        "PrefixTransformer" => ends(f, objects, &[Affix::Prefix]),
        "SuffixTransformer" => ends(f, objects, &[Affix::Suffix]),
        "PrefixSuffixTransformer" => ends(f, objects, &[Affix::Prefix, Affix::Suffix]),
        "PatchTransformer" => {
            let entry = patch_fields(&mut f)?;
            patch::apply_entry(source, objects, &entry, schemas)
        }
        "PatchJson6902Transformer" => json(f, (source, origin), objects),
        "PatchStrategicMergeTransformer" => strategic(f, (source, origin), objects, schemas),
        "ReplacementTransformer" => {
            let entries = f.each("replacements", replacement_entry)?;
            replacements::apply(source, objects, &entries)
        }
        "ReplicaCountTransformer" => {
            let entry = match f.item("replica") {
                Some(item) => replica(item)?,
                None => Replica { at: origin.clone(), name: String::new(), count: 0 },
            };
            set_replicas(objects, &entry, &field_specs(&mut f, "fieldSpecs")?)
        }
        "ValueAddTransformer" => value_add::run(f, source, objects),
        kind => Err(KustomizeError::step(origin, kind, "is a generator, not a transformer")),
    }
}

fn texts(mut f: Fields<'_>, objects: &mut ResMap, name: &str) -> Result<()> {
    let pairs = f.text_map(name)?;
    set_texts(objects, &pairs, &field_specs(&mut f, "fieldSpecs")?)
}

fn ends(mut f: Fields<'_>, objects: &mut ResMap, ends: &[Affix]) -> Result<()> {
    let (prefix, suffix) = (f.text_or_empty("prefix")?, f.text_or_empty("suffix")?);
    let origin = f.at().clone();
    let Some(specs) = optional_specs(&mut f)? else {
        return Err(
            f.error("fieldSpecs is missing; list the fields that hold names, for instance metadata/name")
        );
    };
    for end in ends {
        let (text, name) = match end {
            Affix::Prefix => (&prefix, "PrefixTransformer"),
            Affix::Suffix => (&suffix, "SuffixTransformer"),
        };
        affix(objects, *end, text, &specs).map_err(step(&origin, name))?;
    }
    Ok(())
}

/// Field specs for which an empty list and none are not the same.
fn optional_specs(f: &mut Fields<'_>) -> Result<Option<Vec<FieldSpec>>> {
    if !f.has("fieldSpecs") {
        return Ok(None);
    }
    field_specs(f, "fieldSpecs").map(Some)
}

fn image(mut f: Fields<'_>, objects: &mut ResMap) -> Result<()> {
    let Some(item) = f.item("imageTag") else { return Ok(()) };
    let entry = image_entry(item)?;
    set_images(objects, &ImageRule::new(&entry)?, &field_specs(&mut f, "fieldSpecs")?)
}

fn namespace(mut f: Fields<'_>, resource: &Resource, objects: &mut ResMap) -> Result<()> {
    let subjects = match f.text_or_empty("setRoleBindingSubjects")?.as_str() {
        "" | "defaultOnly" => Subjects::DefaultOnly,
        "allServiceAccounts" => Subjects::AllServiceAccounts,
        "none" => Subjects::None,
        other => return Err(f.error(format!("invalid value for setRoleBindingSubjects: {other}"))),
    };
    let rule = NamespaceRule {
        at: resource.origin.clone(),
        namespace: resource.namespace().to_owned(),
        specs: field_specs(&mut f, "fieldSpecs")?,
        unset_only: f.flag("unsetOnly")?,
        subjects,
    };
    set_namespace(objects, &rule)
}

fn json(mut f: Fields<'_>, (source, origin): (&Source<'_>, &Origin), objects: &mut ResMap) -> Result<()> {
    let entry = PatchEntry {
        at: origin.clone(),
        path: f.text_or_empty("path")?,
        text: f.text_or_empty("jsonOp")?,
        target: f.nested("target", selector)?,
        allow_name_change: false,
        allow_kind_change: false,
    };
    f.finish()?;
    patch::apply_json(source, objects, &entry)
}

fn strategic(
    mut f: Fields<'_>,
    (source, origin): (&Source<'_>, &Origin),
    objects: &mut ResMap,
    schemas: &Schemas,
) -> Result<()> {
    let mut items = f.texts("paths")?;
    if let Some(text) = f.text("patches")? {
        items.push(Located { text, at: origin.clone() });
    }
    f.finish()?;
    let patches = patch::strategic_items(source, &items)?;
    patch::apply_strategic(objects, &patches, schemas)
}
