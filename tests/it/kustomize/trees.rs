//! Generated trees of kustomizations: bases, a component, an overlay in between, and the one that is built.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::sample::Index;

use super::changes::{FILES, Operation, generator, operation, selector, settings, strategic};
use super::extras::{DEFINITIONS, Extra, SCHEMA, extra, generator_document};
use super::objects::any_object;
use super::replacements::{Replacement, replacement};
use super::text::Y;
use super::transformers::transformer;

/// What both programs are given.
#[derive(Debug, Clone)]
pub struct Case {
    /// Files by path, below one directory.
    pub files: BTreeMap<String, Vec<u8>>,
    /// The directory that is built.
    pub build: &'static str,
    /// `--reorder none`.
    pub unordered: bool,
}

/// What becomes of objects that share kind and name: they stay when their namespaces differ, or only one of them does.
type Strict = bool;

/// One directory with a kustomization, before it is known what the others hold.
#[derive(Debug, Clone)]
struct Part {
    objects: Vec<Y>,
    layout: Layout,
    settings: Y,
    config_maps: Vec<Y>,
    secrets: Vec<Y>,
    patches: Vec<Patch>,
    replacements: Vec<Replacement>,
    vars: bool,
    transformers: Vec<Y>,
    configurations: Option<&'static str>,
    extra: Option<Extra>,
    /// The replacements are in a file.
    filed: bool,
}

#[derive(Debug, Clone, Copy)]
enum Layout {
    FilePerObject,
    OneFile,
    List,
}

#[derive(Debug, Clone)]
struct Patch {
    object: Index,
    body: Body,
    form: Form,
}

#[derive(Debug, Clone)]
enum Body {
    Strategic(Y),
    Json(Vec<Operation>),
}

#[derive(Debug, Clone)]
enum Form {
    /// In `patches`, for the object itself.
    Plain,
    /// In `patches`, for all that a selector finds.
    Selected(Y),
    /// In `patches`, with options.
    Options(&'static str),
    /// In the older fields.
    Legacy,
    /// In a file.
    File,
}

fn patch() -> impl Strategy<Value = Patch> {
    let body = prop_oneof![
        3 => strategic().prop_map(Body::Strategic),
        2 => prop::collection::vec(operation(), 1..=2).prop_map(Body::Json),
    ];
    let form = prop_oneof![
        4 => Just(Form::Plain),
        2 => selector().prop_map(Form::Selected),
        1 => prop::sample::select(vec!["{allowNameChange: true}", "{allowKindChange: true}"]).prop_map(Form::Options),
        2 => Just(Form::Legacy),
        2 => Just(Form::File),
    ];
    (any::<Index>(), body, form).prop_map(|(object, body, form)| Patch { object, body, form })
}

const CONFIGURATIONS: &[&str] = &[
    "nameReference:\n- kind: Secret\n  version: v1\n  fieldSpecs:\n  - {path: spec/secretName, kind: Widget}\n- kind: Widget\n  fieldSpecs:\n  - {path: spec/widgetRef/name, kind: Widget}\n",
    "commonLabels:\n- {path: spec/template/metadata/labels, create: true, kind: Widget}\n",
    "labels:\n- {path: spec/labels, create: true, kind: Widget}\n",
    "images:\n- {path: spec/nested/containers/image, kind: Widget}\nreplicas:\n- {path: spec/size, create: true, kind: Widget}\n",
    "namePrefix:\n- {path: metadata/name, kind: Widget}\n",
    "namespace:\n- {path: spec/where, create: true, kind: Widget}\nvarReference:\n- {path: spec/size, kind: Widget}\n",
    "commonAnnotations:\n- {path: spec/notes, create: true, kind: Widget}\n",
];

fn part(objects: std::ops::RangeInclusive<usize>, most_changes: usize) -> impl Strategy<Value = Part> {
    let layout = prop_oneof![Just(Layout::FilePerObject), Just(Layout::OneFile), Just(Layout::List)];
    (
        (prop::collection::vec(any_object(), objects), layout, settings()),
        prop::collection::vec(generator(), 0..=1),
        prop::collection::vec(generator(), 0..=1),
        prop::option::weighted(0.5, prop::collection::vec(patch(), 1..=most_changes))
            .prop_map(Option::unwrap_or_default),
        sometimes(0.2, replacement()),
        prop::bool::weighted(0.15),
        sometimes(0.1, transformer()),
        (
            prop::option::weighted(0.1, prop::sample::select(CONFIGURATIONS)),
            prop::option::weighted(0.1, extra()),
            prop::bool::weighted(0.3),
        ),
    )
        .prop_map(
            |(
                (objects, layout, settings),
                config_maps,
                secrets,
                patches,
                replacements,
                vars,
                transformers,
                (configurations, extra, filed),
            )| Part {
                objects,
                layout,
                settings,
                config_maps,
                secrets,
                patches,
                replacements,
                vars,
                transformers,
                configurations,
                extra,
                filed,
            },
        )
}

fn sometimes<T: Strategy + 'static>(often: f64, strategy: T) -> impl Strategy<Value = Vec<T::Value>>
where
    T::Value: 'static,
{
    prop::option::weighted(often, strategy).prop_map(|value| value.into_iter().collect())
}

/// A tree that both programs must render alike.
pub fn case() -> impl Strategy<Value = Case> {
    (
        part(1..=5, 1),
        prop::option::weighted(0.4, part(0..=3, 1)),
        prop::option::weighted(0.3, part(0..=2, 1)),
        prop::option::weighted(0.3, part(0..=1, 1)),
        part(0..=2, 2),
        any::<bool>(),
        prop::bool::weighted(0.8),
    )
        .prop_map(
            |(base, other, component, between, top, unordered, strict): (_, _, _, _, _, _, Strict)| {
                let mut tree = Assembly { strict, ..Assembly::default() };
                tree.add("base", &base, &[], &[]);
                if let Some(other) = other {
                    tree.add("other", &other, &[], &[]);
                }
                let below: &[&'static str] = if tree.has("other") { &["base", "other"] } else { &["base"] };
                if let Some(between) = between {
                    tree.add("between", &between, below, &[]);
                }
                if let Some(component) = component {
                    tree.add("component", &component, &[], &[]);
                }
                let below: &[&'static str] = if tree.has("between") { &["between"] } else { below };
                let components: &[&'static str] = if tree.has("component") { &["component"] } else { &[] };
                tree.add("top", &top, below, components);
                Case { files: tree.files, build: "top", unordered }
            },
        )
}

#[derive(Default)]
struct Assembly {
    files: BTreeMap<String, Vec<u8>>,
    /// The objects that exist so far: kind, name and namespace are used once in a tree, else most trees would only be conflicts.
    objects: Vec<Y>,
    used: BTreeSet<(String, String, String)>,
    strict: Strict,
}

impl Assembly {
    fn has(&self, dir: &str) -> bool {
        self.files.contains_key(&format!("{dir}/kustomization.yaml"))
    }

    fn write(&mut self, dir: &str, name: &str, text: impl Into<Vec<u8>>) {
        self.files.insert(format!("{dir}/{name}"), text.into());
    }

    fn add(&mut self, dir: &str, part: &Part, below: &[&str], components: &[&str]) {
        // A directory without anything below it sees its own objects only; a component sees those of its parent.
        let hidden = if below.is_empty() && dir != "component" {
            std::mem::take(&mut self.objects)
        } else {
            Vec::new()
        };
        self.kustomization(dir, part, below, components);
        self.objects.splice(0..0, hidden);
    }

    fn kustomization(&mut self, dir: &str, part: &Part, below: &[&str], components: &[&str]) {
        let mut file = Y::Map(Vec::new());
        if dir == "component" {
            file.set("apiVersion", Y::text("kustomize.config.k8s.io/v1alpha1"));
            file.set("kind", Y::text("Component"));
        }
        let mut resources: Vec<Y> = below.iter().map(|name| Y::text(format!("../{name}"))).collect();
        resources.extend(self.resources(dir, part));
        file.set("resources", Y::Seq(resources));
        if !components.is_empty() {
            file.set(
                "components",
                Y::Seq(components.iter().map(|name| Y::text(format!("../{name}"))).collect()),
            );
        }
        if let Y::Map(members) = &part.settings {
            let fits = |key: &str, value: &Y| key != "replicas" || self.scales(value);
            members
                .iter()
                .filter(|(key, value)| fits(key, value))
                .for_each(|(key, value)| file.set(key, value.clone()));
        }
        for (field, kind, entries) in [
            ("configMapGenerator", "ConfigMap", &part.config_maps),
            ("secretGenerator", "Secret", &part.secrets),
        ] {
            if !entries.is_empty() {
                let entries = entries.iter().map(|entry| self.behaving(kind, entry)).collect();
                file.set(field, Y::Seq(entries));
                FILES.iter().for_each(|(name, bytes)| self.write(dir, name, *bytes));
            }
        }
        self.patches(dir, part, &mut file);
        self.replacements(dir, part, &mut file);
        if part.vars && !self.objects.is_empty() {
            file.set("vars", Y::Seq(vec![variable(dir, &self.objects[0])]));
        }
        if !part.transformers.is_empty() {
            let documents = part.transformers.iter().map(|held| Y::text(held.document())).collect();
            file.set("transformers", Y::Seq(documents));
        }
        if let Some(text) = part.configurations {
            self.write(dir, "configuration.yaml", text);
            file.set("configurations", Y::Seq(vec![Y::text("configuration.yaml")]));
        }
        // A schema that is named after other directories were read stands beside the built-in one or not, as these had it.
        let comes_first = !matches!(dir, "other" | "component");
        if let Some(extra) =
            part.extra.as_ref().filter(|extra| comes_first || !matches!(extra, Extra::Schema))
        {
            self.extra(dir, extra, &mut file);
        }
        self.write(dir, "kustomization.yaml", file.document());
    }

    fn extra(&mut self, dir: &str, extra: &Extra, file: &mut Y) {
        let inline = |document: &Y| Y::Seq(vec![Y::text(document.document())]);
        match extra {
            Extra::Generator(kind, entry) => {
                let entry = self.behaving(kind, entry);
                file.set("generators", inline(&generator_document(kind, &entry)));
                FILES.iter().for_each(|(name, bytes)| self.write(dir, name, *bytes));
            }
            Extra::Validator(document) => file.set("validators", inline(document)),
            Extra::Schema => {
                self.write(dir, "schema.json", SCHEMA);
                file.set("openapi", Y::map([("path", Y::text("schema.json"))]));
            }
            Extra::Definitions => {
                self.write(dir, "definitions.json", DEFINITIONS);
                file.set("crds", Y::Seq(vec![Y::text("definitions.json")]));
            }
        }
    }

    /// Whether there is something to scale under the name of the first entry.
    fn scales(&self, replicas: &Y) -> bool {
        let Y::Seq(entries) = replicas else { return false };
        let kinds = ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"];
        entries.iter().all(|entry| {
            self.objects.iter().any(|object| {
                kinds.contains(&object.text_at(&["kind"]))
                    && object.text_at(&["metadata", "name"]) == entry.text_at(&["name"])
            })
        })
    }

    /// A generator that merges with what is there, or makes what is not, under a name that no other directory has.
    fn behaving(&mut self, kind: &str, entry: &Y) -> Y {
        let mut entry = entry.clone();
        let name = entry.text_at(&["name"]).to_owned();
        let namespace = entry.text_at(&["namespace"]).to_owned();
        let exists = self.objects.iter().any(|object| {
            object.text_at(&["kind"]) == kind
                && object.text_at(&["metadata", "name"]) == name
                && object.text_at(&["metadata", "namespace"]) == namespace
        });
        let merges = ["merge", "replace"].contains(&entry.text_at(&["behavior"]));
        if exists {
            if !merges {
                entry.set("behavior", Y::text("merge"));
            }
            return entry;
        }
        if merges {
            entry.set("behavior", Y::text("create"));
        }
        let free = |name: &str| !self.used.contains(&(kind.to_owned(), name.to_owned(), String::new()));
        let mut names = std::iter::once(name.clone()).chain((2..).map(|number| format!("{name}-{number}")));
        let name = names.find(|name| free(name)).unwrap_or_default();
        self.used.insert((kind.to_owned(), name.clone(), String::new()));
        entry.set("name", Y::text(name.clone()));
        let mut metadata = Y::map([("name", Y::text(name))]);
        if !namespace.is_empty() {
            metadata.set("namespace", Y::text(namespace));
        }
        // From here on it is an object like others, which patches and replacements may change.
        let object = [("apiVersion", Y::text("v1")), ("kind", Y::text(kind)), ("metadata", metadata)];
        self.objects.push(Y::map(object));
        entry
    }

    fn resources(&mut self, dir: &str, part: &Part) -> Vec<Y> {
        let strict = self.strict;
        let id = |object: &Y| {
            let text = |path: &[&str]| object.text_at(path).to_owned();
            let namespace = if strict { String::new() } else { text(&["metadata", "namespace"]) };
            (text(&["kind"]), text(&["metadata", "name"]), namespace)
        };
        let fresh: Vec<Y> =
            part.objects.iter().filter(|object| self.used.insert(id(object))).cloned().collect();
        self.objects.extend(fresh.iter().cloned());
        if fresh.is_empty() {
            return Vec::new();
        }
        match part.layout {
            Layout::FilePerObject => {
                let name = |at: usize| format!("object-{at}.yaml");
                for (at, object) in fresh.iter().enumerate() {
                    self.write(dir, &name(at), object.document());
                }
                (0..fresh.len()).map(|at| Y::text(name(at))).collect()
            }
            Layout::OneFile => {
                let documents: Vec<String> = fresh.iter().map(Y::document).collect();
                self.write(dir, "all.yaml", documents.join("---\n"));
                vec![Y::text("all.yaml")]
            }
            Layout::List => {
                let list = Y::map([
                    ("apiVersion", Y::text("v1")),
                    ("kind", Y::text("List")),
                    ("items", Y::Seq(fresh)),
                ]);
                self.write(dir, "list.yaml", list.document());
                vec![Y::text("list.yaml")]
            }
        }
    }

    fn patches(&mut self, dir: &str, part: &Part, file: &mut Y) {
        let (mut entries, mut strategic, mut json) = (Vec::new(), Vec::new(), Vec::new());
        if self.objects.is_empty() {
            return;
        }
        for (at, patch) in part.patches.iter().enumerate() {
            let object = &self.objects[patch.object.index(self.objects.len())];
            let target = exact(object);
            let text = match &patch.body {
                Body::Strategic(body) => addressed(body, object).document(),
                Body::Json(operations) => {
                    Y::Seq(operations.iter().map(|held| held.written(object)).collect()).document()
                }
            };
            let is_json = matches!(patch.body, Body::Json(_));
            let mut entry = match (&patch.form, is_json) {
                (Form::Legacy, false) => {
                    strategic.push(Y::text(text));
                    continue;
                }
                (Form::File, _) => {
                    let name = format!("patch-{at}.yaml");
                    self.write(dir, &name, text);
                    Y::map([("path", Y::text(name))])
                }
                _ => Y::map([("patch", Y::text(text))]),
            };
            match &patch.form {
                Form::Selected(selector) => entry.set("target", selector.clone()),
                Form::Options(options) => entry.set("options", Y::Raw(options)),
                _ => {}
            }
            if is_json && entry.get("target").is_none() {
                entry.set("target", target);
            }
            if is_json && matches!(patch.form, Form::Legacy) { json.push(entry) } else { entries.push(entry) }
        }
        for (field, list) in
            [("patches", entries), ("patchesStrategicMerge", strategic), ("patchesJson6902", json)]
        {
            if !list.is_empty() {
                file.set(field, Y::Seq(list));
            }
        }
    }

    fn replacements(&mut self, dir: &str, part: &Part, file: &mut Y) {
        if self.objects.is_empty() || part.replacements.is_empty() {
            return;
        }
        let mut entries = Y::Seq(part.replacements.iter().map(|held| held.written(&self.objects)).collect());
        if part.filed {
            self.write(dir, "replacements.yaml", entries.document());
            entries = Y::Seq(vec![Y::map([("path", Y::text("replacements.yaml"))])]);
        }
        file.set("replacements", entries);
    }
}

/// What `target` says to mean this object.
fn exact(object: &Y) -> Y {
    let api_version = object.text_at(&["apiVersion"]);
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let mut target = Y::map([
        ("version", Y::text(version)),
        ("kind", Y::text(object.text_at(&["kind"]))),
        ("name", Y::text(object.text_at(&["metadata", "name"]))),
    ]);
    if !group.is_empty() {
        target.set("group", Y::text(group));
    }
    target
}

/// A strategic patch for this object.
fn addressed(body: &Y, object: &Y) -> Y {
    let mut patch = Y::map([
        ("apiVersion", Y::text(object.text_at(&["apiVersion"]))),
        ("kind", Y::text(object.text_at(&["kind"]))),
    ]);
    let mut metadata = Y::map([("name", Y::text(object.text_at(&["metadata", "name"])))]);
    let namespace = object.text_at(&["metadata", "namespace"]);
    if !namespace.is_empty() {
        metadata.set("namespace", Y::text(namespace));
    }
    if let Some(Y::Map(members)) = body.get("metadata") {
        members.iter().for_each(|(key, value)| metadata.set(key, value.clone()));
    }
    patch.set("metadata", metadata);
    if let Y::Map(members) = body {
        members
            .iter()
            .filter(|(key, _)| key != "metadata")
            .for_each(|(key, value)| patch.set(key, value.clone()));
    }
    patch
}

/// A variable over an object; each directory has its own name for it, but one that texts refer to.
fn variable(dir: &str, object: &Y) -> Y {
    let name = if dir == "base" { "WEB_NAME".to_owned() } else { format!("{}_NAME", dir.to_uppercase()) };
    Y::map([
        ("name", Y::text(name)),
        (
            "objref",
            Y::map([
                ("apiVersion", Y::text(object.text_at(&["apiVersion"]))),
                ("kind", Y::text(object.text_at(&["kind"]))),
                ("name", Y::text(object.text_at(&["metadata", "name"]))),
            ]),
        ),
    ])
}
