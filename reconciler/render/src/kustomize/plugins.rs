//! Builtin generators and transformers that are configured by documents instead of fields.

use std::collections::BTreeMap;

use super::build::Stage;
use super::charts;
use super::decode::{Fields, Located};
use super::error::KustomizeError;
use super::file;
use super::file::{ImageEntry, PatchEntry, field_specs, image_entry, patch_fields, replica};
use super::generate::{Generated, generate};
use super::load::{Entry, Source};
use super::patch;
use super::replacements::{self, replacement_entry};
use super::resmap::ResMap;
use super::resource::{Configured, Resource};
use super::schema::Schemas;
use super::transform::{
    Affix, ImageRule, NamespaceRule, Subjects, affix, at, set_images, set_namespace, set_replicas, set_texts,
};
use crate::object::Origin;
use crate::yaml::Node;

type Result<T> = std::result::Result<T, KustomizeError>;

/// A configuration document and the access of the kustomization that lists it.
pub(super) struct Plugin {
    pub(super) resource: Resource,
}

impl Plugin {
    pub(super) fn configured(&self, file: &crate::tree::RepoPath) -> Configured {
        Configured {
            file: file.clone(),
            api_version: self.resource.node.str_at(&["apiVersion"]).unwrap_or_default().to_owned(),
            kind: self.resource.kind().to_owned(),
            name: self.resource.name().to_owned(),
            namespace: self.resource.namespace().to_owned(),
        }
    }
}

/// Reads the entries of `generators` or `transformers`: inline documents, files, or directories with kustomizations.
pub(super) fn load(
    source: &Source<'_>,
    entries: &[Located],
    directory: &mut dyn FnMut(crate::tree::RepoPath, &Origin) -> Result<ResMap>,
) -> Result<Vec<Plugin>> {
    let mut plugins = Vec::new();
    for entry in entries {
        let resources = if entry.text.contains('\n') {
            source.expanded(source.documents(entry.text.as_bytes(), &entry.at)?, &entry.at)?
        } else {
            match source.entry(&entry.text, &entry.at)? {
                Entry::File(path) => source.objects(&path, &entry.at)?,
                Entry::Directory(path) => directory(path, &entry.at)?.into_resources(),
            }
        };
        plugins.extend(resources.into_iter().map(|resource| Plugin { resource }));
    }
    plugins.iter().try_for_each(check)?;
    Ok(plugins)
}

/// Only builtin kinds run; anything that would start a program or a container is refused.
fn check(plugin: &Plugin) -> Result<()> {
    let resource = &plugin.resource;
    let at = resource.origin.clone();
    let function = ["config.kubernetes.io/function", "config.k8s.io/function"];
    if function.iter().any(|key| resource.annotation(key).is_some()) {
        return Err(KustomizeError::Refused {
            at,
            what: format!("the function of {}", resource.current()),
            hint: "a render starts no program and no container".to_owned(),
        });
    }
    let builtin = resource.node.str_at(&["apiVersion"]) == Some("builtin");
    if builtin && KINDS.contains(&resource.kind()) {
        return Ok(());
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
    "PrefixTransformer",
    "ReplacementTransformer",
    "ReplicaCountTransformer",
    "SecretGenerator",
    "SuffixTransformer",
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
    let mut args = file::generator_fields(&mut f)?;
    f.finish()?;
    args.at = origin.clone();
    plugin.resource.name().clone_into(&mut args.name);
    plugin.resource.namespace().clone_into(&mut args.namespace);
    Ok(vec![generate(source, what, &args, None)?])
}

fn header<'a>(node: &'a Node, origin: &'a Origin) -> Result<Fields<'a>> {
    let mut f = Fields::new(&origin.file, "", node)?.lenient();
    for name in ["apiVersion", "kind", "metadata"] {
        f.take(name);
    }
    Ok(f)
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
        "PrefixTransformer" => ends(f, objects, Affix::Prefix),
        "SuffixTransformer" => ends(f, objects, Affix::Suffix),
        "PatchTransformer" => {
            let entry = patch_fields(&mut f)?;
            f.finish()?;
            patch::apply_entry(source, objects, &entry, schemas)
        }
        "PatchJson6902Transformer" => json(f, (source, origin), objects),
        "PatchStrategicMergeTransformer" => strategic(f, (source, origin), objects, schemas),
        "ReplacementTransformer" => {
            let entries = f.each("replacements", replacement_entry)?;
            f.finish()?;
            replacements::apply(source, objects, &entries)
        }
        "ReplicaCountTransformer" => {
            let Some(node) = f.take("replica") else { return Err(f.error("replica is missing")) };
            let entry = replica(&origin.file, "replica", node)?;
            let specs = field_specs(&mut f, "fieldSpecs")?;
            f.finish()?;
            set_replicas(objects, &entry, &specs)
        }
        kind => Err(KustomizeError::step(origin, kind, "is a generator, not a transformer")),
    }
}

fn texts(mut f: Fields<'_>, objects: &mut ResMap, name: &str) -> Result<()> {
    let pairs: BTreeMap<String, String> = f.text_map(name)?;
    let specs = field_specs(&mut f, "fieldSpecs")?;
    f.finish()?;
    set_texts(objects, &pairs, &specs)
}

fn ends(mut f: Fields<'_>, objects: &mut ResMap, end: Affix) -> Result<()> {
    let (name, step) =
        if end == Affix::Prefix { ("prefix", "PrefixTransformer") } else { ("suffix", "SuffixTransformer") };
    let text = f.text_or_empty(name)?;
    let specs = field_specs(&mut f, "fieldSpecs")?;
    let origin = f.at().clone();
    f.finish()?;
    affix(objects, end, &text, &specs).map_err(at(&origin, step))
}

fn image(mut f: Fields<'_>, objects: &mut ResMap) -> Result<()> {
    let Some(node) = f.take("imageTag") else { return Err(f.error("imageTag is missing")) };
    let entry: ImageEntry = image_entry(f.file(), "imageTag", node)?;
    let specs = field_specs(&mut f, "fieldSpecs")?;
    f.finish()?;
    set_images(objects, &ImageRule::new(&entry)?, &specs)
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
    f.finish()?;
    set_namespace(objects, &rule)
}

fn json(mut f: Fields<'_>, (source, origin): (&Source<'_>, &Origin), objects: &mut ResMap) -> Result<()> {
    let entry = PatchEntry {
        at: origin.clone(),
        path: f.text_or_empty("path")?,
        text: f.text_or_empty("jsonOp")?,
        target: f.nested("target", file::selector)?,
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
