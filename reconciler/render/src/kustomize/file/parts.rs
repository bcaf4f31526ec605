//! The parts of a kustomization file that transformer configurations share.

use std::collections::BTreeMap;

use super::super::bounds::MAX_PATH;
use super::super::decode::{Fields, Item, Located};
use super::super::error::KustomizeError;
use super::super::fieldspec::{FieldSpec, split_path};
use super::super::id::Gvk;
use super::super::resource::Behavior;
use crate::object::Origin;

type Result<T> = std::result::Result<T, KustomizeError>;

/// One entry of `labels`.
#[derive(Debug, Clone)]
pub(in super::super) struct LabelEntry {
    pub(in super::super) at: Origin,
    pub(in super::super) pairs: BTreeMap<String, String>,
    pub(in super::super) selectors: bool,
    pub(in super::super) templates: bool,
    /// Whether claim templates are labelled; where nothing is said they follow selectors and templates.
    pub(in super::super) claim_templates: Option<bool>,
    pub(in super::super) fields: Vec<FieldSpec>,
}

pub(super) fn label_entry(item: Item<'_>) -> Result<LabelEntry> {
    let mut f = item.fields()?;
    let entry = LabelEntry {
        at: f.at().clone(),
        pairs: f.text_map("pairs")?,
        selectors: f.flag("includeSelectors")?,
        templates: f.flag("includeTemplates")?,
        claim_templates: f.switch("includeVolumeClaimTemplates")?,
        fields: field_specs(&mut f, "fields")?,
    };
    f.finish()?;
    Ok(entry)
}

/// A list of field specs.
pub(in super::super) fn field_specs(f: &mut Fields<'_>, name: &str) -> Result<Vec<FieldSpec>> {
    f.each(name, |item| {
        let mut f = item.fields()?;
        let path = split_path(&f.text_or_empty("path")?);
        if path.len() > MAX_PATH {
            return Err(f.error(format!("the path has more than {MAX_PATH} parts")));
        }
        let spec = FieldSpec { gvk: gvk(&mut f)?, path, create: f.flag("create")? };
        // Upstream's own examples carry this field, which nothing reads.
        f.take("skip");
        f.finish()?;
        Ok(spec)
    })
}

pub(in super::super) fn gvk(f: &mut Fields<'_>) -> Result<Gvk> {
    Ok(Gvk {
        group: f.text_or_empty("group")?,
        version: f.text_or_empty("version")?,
        kind: f.text_or_empty("kind")?,
    })
}

/// Chooses objects: patterns for kind and identity, and selectors over labels and annotations.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Selector {
    pub(in super::super) gvk: Gvk,
    pub(in super::super) name: String,
    pub(in super::super) namespace: String,
    pub(in super::super) labels: String,
    pub(in super::super) annotations: String,
}

pub(in super::super) fn selector(mut f: Fields<'_>) -> Result<Selector> {
    let selector = Selector {
        gvk: gvk(&mut f)?,
        name: f.text_or_empty("name")?,
        namespace: f.text_or_empty("namespace")?,
        labels: f.text_or_empty("labelSelector")?,
        annotations: f.text_or_empty("annotationSelector")?,
    };
    f.finish()?;
    Ok(selector)
}

/// One entry of `patches` or `patchesJson6902`.
#[derive(Debug, Clone)]
pub(in super::super) struct PatchEntry {
    pub(in super::super) at: Origin,
    pub(in super::super) path: String,
    pub(in super::super) text: String,
    pub(in super::super) target: Option<Selector>,
    pub(in super::super) allow_name_change: bool,
    pub(in super::super) allow_kind_change: bool,
}

pub(in super::super) fn patch_entry(item: Item<'_>) -> Result<PatchEntry> {
    let mut f = item.fields()?;
    let entry = patch_fields(&mut f)?;
    f.finish()?;
    Ok(entry)
}

pub(in super::super) fn patch_fields(f: &mut Fields<'_>) -> Result<PatchEntry> {
    let options = f.nested("options", |mut f| {
        let options = (f.flag("allowNameChange")?, f.flag("allowKindChange")?);
        f.finish()?;
        Ok(options)
    })?;
    let (allow_name_change, allow_kind_change) = options.unwrap_or_default();
    Ok(PatchEntry {
        at: f.at().clone(),
        path: f.text_or_empty("path")?,
        text: f.text_or_empty("patch")?,
        target: f.nested("target", selector)?,
        allow_name_change,
        allow_kind_change,
    })
}

/// One entry of `images`.
#[derive(Debug, Clone)]
pub(in super::super) struct ImageEntry {
    pub(in super::super) at: Origin,
    pub(in super::super) name: String,
    pub(in super::super) new_name: String,
    pub(in super::super) new_tag: String,
    pub(in super::super) tag_suffix: String,
    pub(in super::super) digest: String,
}

pub(in super::super) fn image_entry(item: Item<'_>) -> Result<ImageEntry> {
    let mut f = item.fields()?;
    let entry = ImageEntry {
        at: f.at().clone(),
        name: f.text_or_empty("name")?,
        new_name: f.text_or_empty("newName")?,
        new_tag: f.text_or_empty("newTag")?,
        tag_suffix: f.text_or_empty("tagSuffix")?,
        digest: f.text_or_empty("digest")?,
    };
    f.finish()?;
    Ok(entry)
}

/// One entry of `replicas`.
#[derive(Debug, Clone)]
pub(in super::super) struct Replica {
    pub(in super::super) at: Origin,
    pub(in super::super) name: String,
    pub(in super::super) count: i64,
}

pub(in super::super) fn replica(item: Item<'_>) -> Result<Replica> {
    let mut f = item.fields()?;
    let entry = Replica {
        at: f.at().clone(),
        name: f.text_or_empty("name")?,
        count: f.integer("count")?.unwrap_or_default(),
    };
    f.finish()?;
    Ok(entry)
}

/// Options of generators: labels and annotations of what they make, and two switches.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct GeneratorOptions {
    pub(in super::super) labels: BTreeMap<String, String>,
    pub(in super::super) annotations: BTreeMap<String, String>,
    pub(in super::super) no_hash: bool,
    pub(in super::super) immutable: bool,
}

pub(super) fn generator_options(mut f: Fields<'_>) -> Result<GeneratorOptions> {
    let options = GeneratorOptions {
        labels: f.text_map("labels")?,
        annotations: f.text_map("annotations")?,
        no_hash: f.flag("disableNameSuffixHash")?,
        immutable: f.flag("immutable")?,
    };
    f.finish()?;
    Ok(options)
}

/// One entry of `configMapGenerator` or `secretGenerator`.
#[derive(Debug, Clone)]
pub(in super::super) struct GeneratorArgs {
    pub(in super::super) at: Origin,
    pub(in super::super) name: String,
    pub(in super::super) namespace: String,
    pub(in super::super) behavior: Behavior,
    pub(in super::super) kind: String,
    pub(in super::super) files: Vec<Located>,
    pub(in super::super) envs: Vec<Located>,
    pub(in super::super) literals: Vec<Located>,
    pub(in super::super) options: Option<GeneratorOptions>,
}

pub(in super::super) fn generator_args(item: Item<'_>) -> Result<GeneratorArgs> {
    let mut f = item.fields()?;
    // The older form is known to kustomization files only; in the document of a generator it says nothing.
    let env = f.located("env")?;
    let mut args = generator_fields(&mut f)?;
    args.envs.extend(env);
    f.finish()?;
    Ok(args)
}

pub(in super::super) fn generator_fields(f: &mut Fields<'_>) -> Result<GeneratorArgs> {
    let behavior = match f.text_or_empty("behavior")?.as_str() {
        "replace" => Behavior::Replace,
        "merge" => Behavior::Merge,
        // Upstream takes any other word as "create".
        _ => Behavior::Create,
    };
    Ok(GeneratorArgs {
        at: f.at().clone(),
        name: f.text_or_empty("name")?,
        namespace: f.text_or_empty("namespace")?,
        behavior,
        kind: f.text_or_empty("type")?,
        files: f.texts("files")?,
        envs: f.texts("envs")?,
        literals: f.texts("literals")?,
        options: f.nested("options", generator_options)?,
    })
}

/// One entry of `vars`.
#[derive(Debug, Clone)]
pub(in super::super) struct VarEntry {
    pub(in super::super) at: Origin,
    pub(in super::super) name: String,
    pub(in super::super) gvk: Gvk,
    pub(in super::super) object: String,
    pub(in super::super) namespace: String,
    pub(in super::super) field: String,
}

pub(super) fn var_entry(item: Item<'_>) -> Result<VarEntry> {
    let mut f = item.fields()?;
    let name = f.text_or_empty("name")?;
    let at = f.at().clone();
    let reference = f.nested("objref", |mut f| {
        let api_version = f.text_or_empty("apiVersion")?;
        let mut kind = gvk(&mut f)?;
        if !api_version.is_empty() {
            let (group, version) = api_version.split_once('/').unwrap_or(("", &api_version));
            group.clone_into(&mut kind.group);
            version.clone_into(&mut kind.version);
        }
        let object = f.text_or_empty("name")?;
        let namespace = f.text_or_empty("namespace")?;
        f.finish()?;
        Ok((kind, object, namespace))
    })?;
    let field = f.nested("fieldref", |mut f| {
        let field = f.text_or_empty("fieldpath")?;
        f.finish()?;
        Ok(field)
    })?;
    let Some((gvk, object, namespace)) = reference else {
        return Err(f.error("objref is missing: name the object that holds the value"));
    };
    f.finish()?;
    let field = field.filter(|field| !field.is_empty()).unwrap_or_else(|| "metadata.name".to_owned());
    Ok(VarEntry { at, name, gvk, object, namespace, field })
}

/// `sortOptions`. Upstream reads those of the topmost file only, so they are checked there.
#[derive(Debug, Clone)]
pub(in super::super) struct SortOptions {
    pub(in super::super) at: Origin,
    pub(in super::super) order: String,
    /// The kinds to put first, and last.
    pub(in super::super) lists: Option<(Vec<String>, Vec<String>)>,
}

pub(in super::super) fn sort_options(mut f: Fields<'_>) -> Result<SortOptions> {
    let at = f.at().clone();
    let order = f.text_or_empty("order")?;
    let lists = f.nested("legacySortOptions", |mut f| {
        let plain = |list: Vec<Located>| list.into_iter().map(|item| item.text).collect::<Vec<_>>();
        let lists = (plain(f.texts("orderFirst")?), plain(f.texts("orderLast")?));
        f.finish()?;
        Ok(lists)
    })?;
    f.finish()?;
    Ok(SortOptions { at, order, lists })
}

impl SortOptions {
    /// Whether the legacy order is asked for.
    pub(in super::super) fn legacy(&self) -> Result<bool> {
        match (self.order.as_str(), &self.lists) {
            ("legacy", _) => Ok(true),
            ("fifo", None) => Ok(false),
            ("fifo", Some(_)) => Err(KustomizeError::file(
                self.at.clone(),
                "the field 'sortOptions.legacySortOptions' is set but the selected sort order is 'fifo', not 'legacy'",
            )),
            _ => Err(KustomizeError::file(
                self.at.clone(),
                "the field 'sortOptions.order' must be one of [fifo, legacy]",
            )),
        }
    }
}
