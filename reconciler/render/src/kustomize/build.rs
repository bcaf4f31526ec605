//! The pipeline.

use std::cell::Cell;
use std::collections::BTreeSet;

use super::charts;
use super::configurations;
use super::decode::Located;
use super::error::KustomizeError;
use super::file::{BuildMetadata, EMPTY, FILE_NAMES, GeneratorArgs, Kustomization, SortOptions};
use super::generate::{Generated, absorb, generate};
use super::hash;
use super::load::{Build, Entry, Source};
use super::metadata;
use super::order::{Order, legacy_key};
use super::patch;
use super::plugins;
use super::references;
use super::remote::Remotes;
use super::replacements;
use super::resmap::ResMap;
use super::resource::{Configured, Resource};
use super::schema::Schemas;
use super::specs::{Config, Specs};
use super::transform::{
    Affix, ImageRule, NamespaceRule, Subjects, affix, set_images, set_namespace, set_replicas, set_texts,
    step,
};
use super::validators;
use super::vars::{self, Vars};
use crate::helm::HelmOptions;
use crate::object::{Origin, RenderedObject};
use crate::tree::{Files, Found, RepoPath, TreeError};
use crate::yaml::Limits;

type Result<T> = std::result::Result<T, KustomizeError>;

/// Kustomizations inside each other; real trees have fewer than ten.
const MAX_DEPTH: usize = 64;

/// Options of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KustomizeOptions {
    /// The order of the output where the kustomization does not say.
    pub order: Order,
    /// Whether a kustomization may only read files in or below its own directory, as upstream. Nothing ever leaves the repository.
    pub own_directory_only: bool,
    /// The most objects a build may hold at any time.
    pub max_objects: usize,
    /// Where bases of other repositories may come from; without it nowhere.
    pub remotes: Option<Remotes>,
}

impl Default for KustomizeOptions {
    fn default() -> Self {
        KustomizeOptions {
            order: Order::Legacy,
            own_directory_only: true,
            max_objects: 200_000,
            remotes: None,
        }
    }
}

/// What a kustomization and its children add up to.
#[derive(Default)]
struct Accumulated {
    objects: ResMap,
    config: Config,
    vars: Vars,
}

impl Accumulated {
    /// Adds what a child or a component came to.
    fn absorb(&mut self, child: Accumulated, at: &Origin) -> Result<()> {
        self.objects.append_all(child.objects)?;
        self.config.merge(&child.config).map_err(step(at, "configurations"))?;
        for var in child.vars {
            if let Some(first) = self.vars.iter().find(|held| held.name == var.name) {
                let message = format!("var '{}' already encountered at {}", var.name, first.at);
                return Err(KustomizeError::step(&var.at, "vars", message));
            }
            self.vars.push(var);
        }
        Ok(())
    }
}

/// Builds the kustomization in `dir`.
pub(crate) fn build(
    files: &Files<'_>,
    dir: &RepoPath,
    (options, helm, limits): (&KustomizeOptions, &HelmOptions, Limits),
    documents: &Cell<u64>,
) -> Result<Vec<RenderedObject>> {
    let remotes = options.remotes.as_ref();
    let shared = Build { files, limits, restricted: options.own_directory_only, documents, helm, remotes };
    let mut stage = Stage {
        build: &shared,
        max_objects: options.max_objects,
        open: Vec::new(),
        schemas: Schemas::default(),
        metadata: None,
        namespace: String::new(),
    };
    let whole = Origin::new(dir, 0);
    let source = Source { build: &shared, dir: dir.clone() };
    let top = stage.read(&source, &whole)?;
    let sort = top.sort.clone();
    let mut all = stage.accumulate(&top, &source, None)?;
    Stage::add_hashes(&mut all.objects);
    let specs = all.config.specs();
    references::fix(&mut all.objects, specs)?;
    vars::resolve(&all.vars, &mut all.objects, &specs.variables)?;
    for at in 0..all.objects.len() {
        let resource = all.objects.get_mut(at);
        metadata::check(resource)?;
        metadata::tidy_annotations(&mut resource.node);
    }
    drop_local(&mut all.objects)?;
    let legacy = sort.as_ref().map_or(Ok(options.order == Order::Legacy), SortOptions::legacy)?;
    if legacy {
        // Upstream builds the list anew in the order, and refuses it if two have one name.
        all.objects.refuse_duplicates()?;
        let lists = sort.as_ref().and_then(|sort| sort.lists.as_ref());
        all.objects.sort_by_cached_key(|resource| legacy_key(resource, lists));
    }
    let wanted = stage.metadata.unwrap_or_default();
    let places = metadata::Places { files, dir };
    Ok(all
        .objects
        .into_resources()
        .into_iter()
        .map(|mut resource| {
            metadata::write(&mut resource, wanted, places);
            let original = resource.original_id();
            RenderedObject::new(resource.node, resource.origin, original)
        })
        .collect())
}

/// Drops the objects that are for local use. Upstream drops them by identity: one that has it in common with another stays. Here it finds what a patch or a
/// replacement gave the name of another.
fn drop_local(objects: &mut ResMap) -> Result<()> {
    let is_local = |resource: &Resource| {
        resource.annotation("config.kubernetes.io/local-config").is_some_and(|value| value != "false")
    };
    objects.refuse_duplicates_of(|resource| !is_local(resource))?;
    if !objects.iter().any(is_local) {
        return Ok(());
    }
    let others = objects.iter().filter(|resource| !is_local(resource));
    let kept: BTreeSet<String> = others.map(|resource| resource.current().to_string()).collect();
    objects.retain(|resource| kept.contains(&resource.current().to_string()));
    Ok(())
}

/// The recursion over kustomizations.
pub(super) struct Stage<'b> {
    build: &'b Build<'b>,
    max_objects: usize,
    /// The directories that are being built, outermost first.
    open: Vec<RepoPath>,
    /// One schema document per build; the first one named wins.
    schemas: Schemas,
    /// What the topmost file asks for.
    metadata: Option<BuildMetadata>,
    /// The namespace of the kustomization that is being built, or of the next one above that has one: that of its charts.
    namespace: String,
}

impl<'b> Stage<'b> {
    /// Appends the content hash to the names of generated objects.
    pub(super) fn add_hashes(objects: &mut ResMap) {
        for at in 0..objects.len() {
            let resource = objects.get_mut(at);
            if resource.needs_hash {
                let name = format!("{}-{}", resource.name(), hash::suffix(resource));
                resource.remember_id();
                resource.set_name(&name);
                objects.renamed(at);
            }
        }
    }

    /// Finds and decodes the kustomization file of a directory.
    fn read(&mut self, source: &Source<'b>, at: &Origin) -> Result<Kustomization> {
        let mut found = Vec::new();
        for name in FILE_NAMES {
            let path = source.dir.child(name);
            let looked = self.build.files.find(&path);
            let looked = looked.map_err(|e| read_error(at, &source.dir, e))?;
            if matches!(looked, Found::File { .. }) {
                found.push(path);
            }
        }
        let file = match found.as_slice() {
            [one] => one.clone(),
            [] => {
                let missing = TreeError::Missing { path: source.dir.child(FILE_NAMES[0]) };
                return Err(read_error(at, &source.dir, missing));
            }
            _ => {
                let message = format!("Found multiple kustomization files under {}; keep one", source.dir);
                return Err(KustomizeError::file(at.clone(), message));
            }
        };
        let whole = Origin::new(&file, 1);
        let bytes = self.build.files.read(&file).map_err(|e| read_error(at, &source.dir, e))?;
        let documents = source.configuration(&bytes, &whole)?;
        let Some(first) = documents.first() else {
            return Err(KustomizeError::file(whole, EMPTY));
        };
        Kustomization::decode(&file, first)
    }

    /// Opens the directory that an entry names.
    fn child(&mut self, dir: RepoPath, at: &Origin, into: Option<Accumulated>) -> Result<Accumulated> {
        let fail = |message: String| KustomizeError::file(at.clone(), message);
        if let Some(open) = self.open.iter().find(|open| open.is_within(&dir)) {
            return Err(fail(format!("cycle detected: '{dir}' holds or is '{open}', which is being built")));
        }
        if self.open.len() >= MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} kustomizations inside each other");
            return Err(KustomizeError::OverLimit { at: at.clone(), message });
        }
        let source = Source { build: self.build, dir };
        let kustomization = self.read(&source, at)?;
        let wants_component = into.is_some();
        if kustomization.component != wants_component {
            let name = |component: bool| if component { "Component" } else { "Kustomization" };
            return Err(fail(format!(
                "expected kind '{}' for path '/{}' but got '{}'; list it under {}",
                name(wants_component),
                source.dir.as_str(),
                name(kustomization.component),
                if wants_component { "resources" } else { "components" },
            )));
        }
        self.accumulate(&kustomization, &source, into)
    }

    /// Runs one kustomization; a component continues its parent's set.
    fn accumulate(
        &mut self,
        file: &Kustomization,
        source: &Source<'b>,
        into: Option<Accumulated>,
    ) -> Result<Accumulated> {
        self.open.push(source.dir.clone());
        self.metadata.get_or_insert(file.build_metadata);
        self.load_schema(file, source)?;
        let own = file.namespace.as_ref().map(|namespace| namespace.text.clone());
        let own = own.filter(|namespace| !namespace.is_empty()).unwrap_or_else(|| self.namespace.clone());
        let above = std::mem::replace(&mut self.namespace, own);
        let mut all = into.unwrap_or_default();
        for entry in &file.resources {
            self.resource(&mut all, source, entry)?;
        }
        let whole = Origin::new(&file.file, 1);
        let configured = configurations::configured(source, &file.configurations)?;
        all.config.merge(&configured).map_err(step(&whole, "configurations"))?;
        let from_crds = configurations::from_crds(source, &file.crds)?;
        all.config.merge(&from_crds).map_err(step(&whole, "crds"))?;
        self.generators(&mut all, file, source)?;
        for entry in &file.components {
            all = match source.entry(&entry.text, &entry.at)? {
                Entry::Directory(dir) => {
                    let component = self.child(dir, &entry.at, Some(all))?;
                    let mut again = Accumulated::default();
                    again.absorb(component, &entry.at)?;
                    again
                }
                Entry::File(_) => {
                    let message = format!("accumulating components: '{}' is no directory", entry.text);
                    return Err(KustomizeError::file(entry.at.clone(), message));
                }
            };
        }
        self.transform(&mut all.objects, all.config.specs(), file, source)?;
        self.external(&mut all.objects, file, source)?;
        vars::register(&mut all.vars, &file.vars, &mut all.objects)?;
        self.namespace = above;
        self.open.pop();
        Ok(all)
    }

    fn load_schema(&mut self, file: &Kustomization, source: &Source<'b>) -> Result<()> {
        if self.schemas.settled {
            return Ok(());
        }
        self.schemas.settled = file.openapi_version || file.openapi.is_some();
        let Some(path) = file.openapi.as_ref() else { return Ok(()) };
        let (name, bytes) = source.named_file(&path.text, &path.at)?;
        let mut documents = source.configuration(&bytes, &Origin::new(&name, 1))?;
        if !documents.is_empty() {
            self.schemas.custom = Some(documents.remove(0));
        }
        Ok(())
    }

    fn resource(&mut self, all: &mut Accumulated, source: &Source<'b>, entry: &Located) -> Result<()> {
        match source.entry(&entry.text, &entry.at)? {
            Entry::File(path) => {
                for mut resource in source.objects(&path, &entry.at)? {
                    resource.build.tracked = self.tracks();
                    self.schemas.note(resource.gvk());
                    all.objects.append(resource)?;
                }
            }
            Entry::Directory(dir) => {
                let child = self.child(dir, &entry.at, None)?;
                all.absorb(child, &entry.at)?;
            }
        }
        if all.objects.len() > self.max_objects {
            let message = format!("more than {} objects in one build; split it into units", self.max_objects);
            return Err(KustomizeError::OverLimit { at: entry.at.clone(), message });
        }
        Ok(())
    }

    fn generators(&mut self, all: &mut Accumulated, file: &Kustomization, source: &Source<'b>) -> Result<()> {
        let global = file.generator_options.as_ref();
        let configured = |kind: &str| Some(builtin(&file.file, kind));
        let both: [(Generated, &[GeneratorArgs], &str, &str); 2] = [
            (Generated::ConfigMap, &file.config_maps, "ConfigMapGenerator", "configMapGenerator"),
            (Generated::Secret, &file.secrets, "SecretGenerator", "secretGenerator"),
        ];
        for (what, entries, kind, step) in both {
            for args in entries {
                let mut made = generate(source, what, args, global)?;
                made.build.configured = configured(kind);
                made.build.tracked = self.tracks();
                absorb(&mut all.objects, made, step)?;
            }
        }
        for entry in &file.charts {
            for mut made in charts::inflate(source, entry, &self.namespace)? {
                made.build.configured = configured("HelmChartInflationGenerator");
                made.build.tracked = self.tracks();
                absorb(&mut all.objects, made, "helmCharts")?;
            }
        }
        let plugins =
            plugins::load(source, &file.generators, &mut |dir, at| Ok(self.child(dir, at, None)?.objects))?;
        for plugin in &plugins {
            for mut made in plugins::run_generator(source, plugin)? {
                made.build.configured = Some(plugin.configured(plugin_file(&plugin.resource, file)));
                made.build.tracked = self.tracks();
                absorb(&mut all.objects, made, "generators")?;
            }
        }
        Ok(())
    }

    /// The builtin transformers, in upstream's order.
    fn transform(
        &mut self,
        objects: &mut ResMap,
        specs: &Specs,
        file: &Kustomization,
        source: &Source<'b>,
    ) -> Result<()> {
        let done = |objects: &mut ResMap, kind: &str| self.finish_step(objects, || builtin(&file.file, kind));
        if !file.strategic.is_empty() {
            let patches = patch::strategic_items(source, &file.strategic)?;
            patch::apply_strategic(objects, &patches, &self.schemas)?;
            done(objects, "PatchStrategicMergeTransformer");
        }
        for entry in &file.patches {
            patch::apply_entry(source, objects, entry, &self.schemas)?;
            done(objects, "PatchTransformer");
        }
        if let Some(namespace) = file.namespace.as_ref().filter(|namespace| !namespace.text.is_empty()) {
            let rule = NamespaceRule {
                at: namespace.at.clone(),
                namespace: namespace.text.clone(),
                specs: specs.namespace.clone(),
                unset_only: false,
                subjects: Subjects::DefaultOnly,
            };
            set_namespace(objects, &rule)?;
            done(objects, "NamespaceTransformer");
        }
        let whole = Origin::new(&file.file, 1);
        for (end, text, specs, kind) in [
            (Affix::Prefix, &file.prefix, &specs.prefix, "PrefixTransformer"),
            (Affix::Suffix, &file.suffix, &specs.suffix, "SuffixTransformer"),
        ] {
            if !text.is_empty() {
                affix(objects, end, text, specs).map_err(step(&whole, kind))?;
                done(objects, kind);
            }
        }
        self.texts(objects, specs, file)?;
        for entry in &file.json_patches {
            patch::apply_json(source, objects, entry)?;
            done(objects, "PatchJson6902Transformer");
        }
        for entry in &file.replicas {
            set_replicas(objects, entry, &specs.replicas)?;
            done(objects, "ReplicaCountTransformer");
        }
        for entry in &file.images {
            set_images(objects, &ImageRule::new(entry)?, &specs.images)?;
            done(objects, "ImageTagTransformer");
        }
        if !file.replacements.is_empty() {
            replacements::apply(source, objects, &file.replacements)?;
            done(objects, "ReplacementTransformer");
        }
        Ok(())
    }

    /// Labels, then commonLabels, then commonAnnotations.
    fn texts(&self, objects: &mut ResMap, specs: &Specs, file: &Kustomization) -> Result<()> {
        let done = |objects: &mut ResMap, kind: &str| self.finish_step(objects, || builtin(&file.file, kind));
        for entry in &file.labels {
            let fields = specs.fields_of_labels(entry).map_err(step(&entry.at, "labels"))?;
            set_texts(objects, &entry.pairs, &fields)?;
            done(objects, "LabelTransformer");
        }
        if !file.common_labels.is_empty() || !file.labels.is_empty() {
            set_texts(objects, &file.common_labels, &specs.common_labels)?;
            done(objects, "LabelTransformer");
        }
        if !file.annotations.is_empty() {
            set_texts(objects, &file.annotations, &specs.annotations)?;
            done(objects, "AnnotationsTransformer");
        }
        Ok(())
    }

    /// `transformers` and `validators`.
    fn external(&mut self, objects: &mut ResMap, file: &Kustomization, source: &Source<'b>) -> Result<()> {
        let transformers =
            plugins::load(source, &file.transformers, &mut |dir, at| Ok(self.child(dir, at, None)?.objects))?;
        for plugin in &transformers {
            plugins::run_transformer(source, plugin, objects, &self.schemas)?;
            self.finish_step(objects, || plugin.configured(plugin_file(&plugin.resource, file)));
        }
        let validators =
            plugins::load(source, &file.validators, &mut |dir, at| Ok(self.child(dir, at, None)?.objects))?;
        for plugin in &validators {
            let before: Vec<Resource> = objects.iter().cloned().collect();
            plugins::run_transformer(source, plugin, objects, &self.schemas)?;
            validators::unchanged(&before, objects).map_err(step(&plugin.resource.origin, "validators"))?;
        }
        Ok(())
    }

    /// Whether the topmost file asks for any bookkeeping.
    fn tracks(&self) -> bool {
        self.metadata.is_some_and(|wanted| wanted.any)
    }

    /// Notes the step where the build asks for it, and drops emptied objects.
    fn finish_step(&self, objects: &mut ResMap, step: impl Fn() -> Configured) {
        if self.tracks() {
            for at in 0..objects.len() {
                let resource = objects.get_mut(at);
                metadata::annotations_to_texts(&mut resource.node);
                let build = &mut resource.build;
                // An object that comes from nowhere is taken for one that the step made.
                if build.tracked {
                    build.transformations.push(step());
                } else {
                    build.tracked = true;
                    build.configured = Some(step());
                }
            }
        }
        objects.drop_empties();
    }
}

fn builtin(file: &RepoPath, kind: &str) -> Configured {
    Configured {
        file: file.clone(),
        api_version: "builtin".to_owned(),
        kind: kind.to_owned(),
        name: String::new(),
        namespace: String::new(),
    }
}

/// The file a plugin is configured in.
fn plugin_file<'f>(resource: &'f Resource, file: &'f Kustomization) -> &'f RepoPath {
    if resource.origin.file.as_str().is_empty() { &file.file } else { &resource.origin.file }
}

fn read_error(at: &Origin, dir: &RepoPath, source: TreeError) -> KustomizeError {
    let what =
        format!("unable to find one of '{}' in directory '/{}'", FILE_NAMES.join("', '"), dir.as_str());
    KustomizeError::Read { at: at.clone(), what, source }
}
