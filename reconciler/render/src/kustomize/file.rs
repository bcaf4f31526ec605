//! The kustomization file: every field, typed, with the line it is on.

mod parts;

use std::collections::BTreeMap;

pub(super) use parts::{
    GeneratorArgs, GeneratorOptions, ImageEntry, LabelEntry, PatchEntry, Replica, Selector, SortOptions,
    VarEntry,
};
pub(super) use parts::{field_specs, generator_fields, gvk, image_entry, patch_fields, replica, selector};

use parts::{generator_args, patch_entry, sort_options};

use super::charts::{self, ChartEntry};
use super::decode::{Fields, Located, Reading};
use super::error::KustomizeError;
use super::replacements::{ReplacementEntry, replacement_entry};
use crate::object::Origin;
use crate::tree::RepoPath;
use crate::yaml::Node;

/// The names a kustomization file may have; exactly one may exist in a directory.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A decoded kustomization file.
#[derive(Debug, Clone)]
pub(super) struct Kustomization {
    pub(super) file: RepoPath,
    pub(super) component: bool,
    pub(super) resources: Vec<Located>,
    pub(super) components: Vec<Located>,
    pub(super) configurations: Vec<Located>,
    pub(super) crds: Vec<Located>,
    pub(super) generators: Vec<Located>,
    pub(super) transformers: Vec<Located>,
    pub(super) validators: Vec<Located>,
    pub(super) namespace: Option<Located>,
    pub(super) prefix: String,
    pub(super) suffix: String,
    pub(super) labels: Vec<LabelEntry>,
    pub(super) common_labels: BTreeMap<String, String>,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) strategic: Vec<Located>,
    pub(super) patches: Vec<PatchEntry>,
    pub(super) json_patches: Vec<PatchEntry>,
    pub(super) images: Vec<ImageEntry>,
    pub(super) replicas: Vec<Replica>,
    pub(super) config_maps: Vec<GeneratorArgs>,
    pub(super) secrets: Vec<GeneratorArgs>,
    pub(super) generator_options: Option<GeneratorOptions>,
    pub(super) replacements: Vec<ReplacementEntry>,
    pub(super) vars: Vec<VarEntry>,
    pub(super) openapi: Option<Located>,
    /// A version of the built-in schema is named. There is one table, so this only keeps later documents out.
    pub(super) openapi_version: bool,
    pub(super) sort: Option<SortOptions>,
    pub(super) build_metadata: BuildMetadata,
    pub(super) charts: Vec<ChartEntry>,
}

/// Which bookkeeping is written into the objects.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct BuildMetadata {
    /// Anything is listed, known or not.
    pub(super) any: bool,
    pub(super) managed_by: bool,
    pub(super) origin: bool,
    pub(super) transformers: bool,
}

/// The only schema upstream brings along.
const BUILT_IN_SCHEMA: &str = "v1.21.2";
const KUSTOMIZATION_VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";

impl Kustomization {
    /// Decodes the first document of a kustomization file.
    pub(super) fn decode(file: &RepoPath, node: &Node) -> Result<Self, KustomizeError> {
        let mut f = Fields::of(file, node, Reading::Kustomization)?;
        let component = header(&mut f)?;
        refuse_empty(file, node)?;
        let mut resources = f.texts("resources")?;
        resources.extend(f.texts("bases")?);
        let mut images = f.each("images", image_entry)?;
        images.extend(f.each("imageTags", image_entry)?);
        let (openapi, openapi_version) = openapi(&mut f)?;
        let decoded = Kustomization {
            file: file.clone(),
            component,
            resources,
            components: f.texts("components")?,
            configurations: f.texts("configurations")?,
            crds: f.texts("crds")?,
            generators: f.texts("generators")?,
            transformers: f.texts("transformers")?,
            validators: f.texts("validators")?,
            namespace: f.located("namespace")?,
            prefix: f.text_or_empty("namePrefix")?,
            suffix: f.text_or_empty("nameSuffix")?,
            labels: f.each("labels", parts::label_entry)?,
            common_labels: f.text_map("commonLabels")?,
            annotations: f.text_map("commonAnnotations")?,
            strategic: f.texts("patchesStrategicMerge")?,
            patches: f.each("patches", patch_entry)?,
            json_patches: f.each("patchesJson6902", patch_entry)?,
            images,
            replicas: f.each("replicas", replica)?,
            config_maps: f.each("configMapGenerator", generator_args)?,
            secrets: f.each("secretGenerator", generator_args)?,
            generator_options: f.nested("generatorOptions", parts::generator_options)?,
            replacements: f.each("replacements", replacement_entry)?,
            vars: f.each("vars", parts::var_entry)?,
            openapi,
            openapi_version,
            sort: f.nested("sortOptions", sort_options)?,
            build_metadata: build_metadata(&mut f)?,
            charts: charts::entries(&mut f)?,
        };
        f.finish()?;
        Ok(decoded)
    }
}

/// apiVersion and kind may be missing, but must be right where they are present. Returns whether this is a Component.
fn header(f: &mut Fields<'_>) -> Result<bool, KustomizeError> {
    let (version, kind) = (f.text_or_empty("apiVersion")?, f.text_or_empty("kind")?);
    f.nested("metadata", object_meta)?;
    let component = match kind.as_str() {
        "" | "Kustomization" => false,
        "Component" => true,
        _ => return Err(f.error("kind should be Kustomization or Component")),
    };
    let wanted = if component { COMPONENT_VERSION } else { KUSTOMIZATION_VERSION };
    if version.is_empty() || version == wanted {
        return Ok(component);
    }
    Err(f.error(format!("apiVersion for {kind} should be {wanted}")))
}

/// The metadata of a kustomization file means nothing, but it is decoded.
fn object_meta(mut f: Fields<'_>) -> Result<(), KustomizeError> {
    f.text("name")?;
    f.text("namespace")?;
    f.text_map("labels")?;
    f.text_map("annotations")?;
    f.finish()
}

/// What is said of a kustomization that names nothing.
pub(super) const EMPTY: &str =
    "kustomization.yaml is empty; list what it builds under `resources`, or write `resources: []`";

/// A file that says nothing is refused: most likely something was forgotten.
fn refuse_empty(file: &RepoPath, node: &Node) -> Result<(), KustomizeError> {
    let says = |(key, value): (&str, &Node)| {
        !["apiVersion", "kind"].iter().any(|header| key.eq_ignore_ascii_case(header))
            && !value.is_null()
            && value.as_str() != Some("")
    };
    if node.as_map().is_none_or(|map| map.iter().any(says)) {
        return Ok(());
    }
    Err(KustomizeError::file(Origin::new(file, 1), EMPTY))
}

fn openapi(f: &mut Fields<'_>) -> Result<(Option<Located>, bool), KustomizeError> {
    let path = f.nested("openapi", |mut f| {
        let path = f.text("path")?;
        let version = f.text("version")?;
        let at = f.at().clone();
        if path.is_some() && version.is_some() {
            return Err(f.error("either path or version, not both"));
        }
        if version.as_ref().is_some_and(|version| !version.is_empty() && version != BUILT_IN_SCHEMA) {
            return Err(
                f.error(format!("the specified OpenAPI version is not built in; it is {BUILT_IN_SCHEMA}"))
            );
        }
        f.finish()?;
        Ok((path.map(|text| Located { text, at }), version.is_some()))
    })?;
    Ok(path.unwrap_or_default())
}

/// Options nobody knows mean nothing, as upstream.
fn build_metadata(f: &mut Fields<'_>) -> Result<BuildMetadata, KustomizeError> {
    let options = f.texts("buildMetadata")?;
    let has = |name: &str| options.iter().any(|option| option.text == name);
    Ok(BuildMetadata {
        any: !options.is_empty(),
        managed_by: has("managedByLabel"),
        origin: has("originAnnotations"),
        transformers: has("transformerAnnotations"),
    })
}
