//! A server, and what objects need there: namespaces, and the custom kinds that they are of.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use apimachinery::kinds::{CustomKind, KindTable, Resource};
use apimachinery::{GroupKind, Object, ObjectId, Version};
use plan::sync::{ApplyStep, WriteMode};
use plan::{DeclaredObject, Origin, SourceName};
use serde_json::{Map, Value, json};

use super::Specimen;
use super::law::{SOURCE, UNIT};
use crate::conformance::{Patch, Target};
use crate::harness::{block_on, eventually};
use crate::kube;

/// How long a server may take to serve a kind, to give a namespace its service account, and to remove something.
const LIMIT: Duration = Duration::from_secs(60);

/// What plays the API server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Server {
    /// kube-apiserver.
    Real,
    /// Room `space`.
    Space,
}

impl Server {
    pub fn name(self) -> &'static str {
        match self {
            Self::Real => "real",
            Self::Space => "space",
        }
    }

    /// Runs something on a new server that nobody else uses meanwhile.
    pub fn with<T>(self, run: impl FnOnce(&Target) -> Result<T>) -> Result<T> {
        match self {
            Self::Real => run(kube::servers(1)?.get(0).target()),
            Self::Space => {
                let server = block_on(space::Server::open(space::Options::in_memory()))?;
                block_on(server.create_space(SOURCE))?;
                let outcome = run(&Target::new(&server.url(SOURCE), server.admin_token(), server.ca_pem())?);
                block_on(server.shutdown());
                outcome
            }
        }
    }
}

/// A server with its kinds. Objects are taken away after each look, so they meet only what serves them.
pub struct Ground<'a> {
    target: &'a Target,
    /// Built-in kinds, and custom ones as far as the server serves them.
    pub kinds: KindTable,
    /// How often a name was given: an object that still waits for its finalizers would stand in the way of the next of its name.
    given: BTreeMap<(GroupKind, String), usize>,
    namespaces: usize,
    /// Paths of the CRDs that are served.
    crds: BTreeSet<String>,
}

/// What a server says to a write.
pub enum Written {
    Stored(Object),
    /// Code and reason.
    Refused(String),
}

impl<'a> Ground<'a> {
    pub fn new(target: &'a Target) -> Result<Self> {
        Ok(Self {
            target,
            kinds: KindTable::built_in().clone(),
            given: BTreeMap::new(),
            namespaces: 0,
            crds: BTreeSet::new(),
        })
    }

    /// Makes the server serve the custom kinds of the CRDs among the specimens, and those that specimens are of without a CRD: these may hold anything.
    pub fn serve_custom_kinds(&mut self, specimens: &[Specimen]) -> Result<()> {
        let crds = specimens.iter().map(|specimen| &specimen.value).filter(|value| is_crd(value));
        for crd in crds.cloned().collect::<Vec<_>>() {
            self.serve(&crd)?;
        }
        let lacking: BTreeSet<(String, String, String)> = specimens
            .iter()
            .filter_map(|specimen| {
                let text = |key: &str| specimen.value.get(key).and_then(Value::as_str);
                let (group, version) = text("apiVersion")?.split_once('/')?;
                Some((group.to_owned(), version.to_owned(), text("kind")?.to_owned()))
            })
            .filter(|(group, _, kind)| {
                may_have_crds(group) && self.kinds.versions(&GroupKind::new(group, kind)).is_empty()
            })
            .collect();
        for (group, version, kind) in lacking {
            self.serve(&crd_of_anything(&group, &version, &kind))?;
        }
        Ok(())
    }

    fn serve(&mut self, crd: &Value) -> Result<()> {
        let Ok(custom) = CustomKind::from_crd(crd) else { return Ok(()) };
        let resource = custom.group_resource();
        let path = format!(
            "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{}.{}",
            resource.plural, resource.group
        );
        let mut crd = crd.clone();
        // Groups of the Kubernetes project want to know who allowed them.
        crd["metadata"]["annotations"]["api-approved.kubernetes.io"] = "unapproved, for a test".into();
        let made =
            self.target.patch(&format!("{path}?fieldManager=ground&force=true"), Patch::Apply, &crd)?;
        if made.status >= 400 {
            return Ok(());
        }
        self.crds.insert(path);
        for served in custom.resources() {
            let list = format!("/apis/{}/{}", served.gvk.api_version(), served.plural);
            eventually(&format!("{list} is served"), LIMIT, || {
                Ok((self.target.get(&list)?.status == 200).then_some(()))
            })?;
        }
        self.kinds.add(&custom);
        Ok(())
    }

    /// A specimen as a unit declares it; `None` for what is no object. Of several objects with one name each gets a place of its own.
    pub fn declare(&mut self, specimen: &Specimen) -> Result<Option<DeclaredObject>> {
        let Ok(object) = Object::from_value(&specimen.value) else { return Ok(None) };
        let header = object.header();
        let kind = header.gvk.group_kind();
        let turn = {
            let given = self.given.entry((kind.clone(), header.name.to_string())).or_default();
            *given += 1;
            *given - 1
        };
        let mut value = specimen.value.clone();
        let Some(metadata) = value.get_mut("metadata").and_then(Value::as_object_mut) else {
            return Ok(None);
        };
        if self.kinds.scope(&kind) == Some(apimachinery::kinds::Scope::Cluster) {
            metadata.remove("namespace");
            if turn > 0 && kind == GroupKind::new("", "Namespace") {
                metadata.insert("name".to_owned(), format!("{}-{turn}", header.name).into());
            }
        } else {
            metadata.insert("namespace".to_owned(), self.namespace(turn)?.into());
        }
        let labels = metadata.entry("labels").or_insert(Value::Null);
        if labels.is_null() {
            *labels = Value::Object(Map::new());
        }
        if let Some(labels) = labels.as_object_mut() {
            labels.insert(plan::names::UNIT_LABEL.to_owned(), UNIT.into());
        }
        let normal = apimachinery::normal::normal_form(&value, &self.kinds);
        let Ok(object) = Object::from_value(&normal) else { return Ok(None) };
        let origin = Origin { file: specimen.origin.clone(), line: 1 };
        Ok(Some(DeclaredObject { object, origin, encrypted: specimen.encrypted }))
    }

    /// The namespace of that number; with a service account, or Pods would be refused.
    fn namespace(&mut self, number: usize) -> Result<String> {
        let name = |number: usize| format!("law-{number}");
        while self.namespaces <= number {
            let name = name(self.namespaces);
            let namespace = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": name } });
            self.target.post("/api/v1/namespaces", &namespace)?.expect(201)?;
            let account = format!("/api/v1/namespaces/{name}/serviceaccounts/default");
            eventually(&format!("{name} has a service account"), LIMIT, || {
                Ok((self.target.get(&account)?.status == 200).then_some(()))
            })?;
            self.namespaces += 1;
        }
        Ok(name(number))
    }

    /// Writes as sync does.
    pub fn write(&self, step: &ApplyStep) -> Result<Written> {
        let Some(collection) = self.collection(&step.object.id(), Some(&step.object.header().gvk.version))
        else {
            return Ok(Written::Refused("404 the kind is not served".to_owned()));
        };
        let manager = SourceName::from(SOURCE).field_manager();
        let (name, body) = (encoded(step.object.header().name.as_str()), step.object.to_value());
        let reply = match step.mode {
            WriteMode::Apply => {
                let path = format!("{collection}/{name}?fieldManager={manager}");
                let reply = self.target.patch(&path, Patch::Apply, &body)?;
                // Somebody's fields are in the way, of the CRDs that were served before.
                if reply.status == 409 {
                    self.target.patch(&format!("{path}&force=true"), Patch::Apply, &body)?
                } else {
                    reply
                }
            }
            WriteMode::Update => self.target.post(&format!("{collection}?fieldManager={manager}"), &body)?,
        };
        match reply.status {
            200 | 201 => Ok(Written::Stored(Object::from_value(&reply.body)?)),
            400..500 => {
                let reason = reply.body["reason"].as_str().unwrap_or_default();
                let message = reply.body["message"].as_str().unwrap_or_default();
                Ok(Written::Refused(format!("{} {reason}: {message}", reply.status)))
            }
            // What does not fit its schema is an error of the server's, in its own eyes.
            500 if reply.text.contains("failed to create typed") || reply.text.contains("schema") => {
                Ok(Written::Refused(format!("500 {}", reply.body["message"].as_str().unwrap_or_default())))
            }
            other => bail!("{other} {}", reply.text),
        }
    }

    /// An object in the version that watches see, or in another one.
    pub fn get(&self, id: &ObjectId, version: Option<&Version>) -> Result<Option<Object>> {
        let collection =
            self.collection(id, version).context("an object that was written is of a served kind")?;
        let reply = self.target.get(&format!("{collection}/{}", encoded(id.name.as_str())))?;
        if reply.status == 404 {
            return Ok(None);
        }
        Ok(Some(Object::from_value(&reply.expect(200)?)?))
    }

    /// Takes an object away, whatever finalizers it declares; of a cluster-scoped one waits until it is gone, whatever finalizers the server gave it.
    pub fn remove(&self, object: &Object) -> Result<()> {
        let id = object.id();
        if is_crd(&object.to_value()) {
            return Ok(());
        }
        let Some(collection) = self.collection(&id, Some(&object.header().gvk.version)) else {
            return Ok(());
        };
        let path = format!("{collection}/{}", encoded(id.name.as_str()));
        let without_finalizers = json!({ "metadata": { "finalizers": null } });
        if object.to_value().pointer("/metadata/finalizers").is_some() {
            self.target.patch(&path, Patch::Merge, &without_finalizers)?;
        }
        let deleted = self.target.delete(&path)?.status;
        if id.namespace.is_some() || id.kind == "Namespace" || deleted >= 400 {
            return Ok(());
        }
        eventually(&format!("{id} is gone"), LIMIT, || {
            if self.target.get(&path)?.status == 404 {
                return Ok(Some(()));
            }
            self.target.patch(&path, Patch::Merge, &without_finalizers)?;
            // The controller that collects the rules of a ClusterRole may have made it anew.
            self.target.delete(&path)?;
            Ok(None)
        })
    }

    /// Takes the custom kinds away, so that whoever uses the server next need not wait for that.
    pub fn clear(&self) -> Result<()> {
        for crd in &self.crds {
            self.target.delete(crd)?;
        }
        for crd in &self.crds {
            eventually(&format!("{crd} is gone"), LIMIT, || {
                Ok((self.target.get(crd)?.status == 404).then_some(()))
            })?;
        }
        Ok(())
    }

    /// The collection of an object, in the version that watches see, or in another one.
    fn collection(&self, id: &ObjectId, version: Option<&Version>) -> Option<String> {
        let kind = id.group_kind();
        let resource: &Resource = match version {
            Some(version) => {
                self.kinds.versions(&kind).iter().find(|resource| resource.gvk.version == *version)?
            }
            None => self.kinds.preferred(&kind)?,
        };
        let version = resource.gvk.api_version();
        let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
        Some(match &id.namespace {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{}", resource.plural),
            None => format!("{root}/{}", resource.plural),
        })
    }
}

/// As a segment of a path: templates give objects names that none can have.
fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    name.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

/// None of the server's own groups.
fn may_have_crds(group: &str) -> bool {
    group.contains('.') && KindTable::built_in().groups().iter().all(|(own, _)| own != group)
}

fn is_crd(value: &Value) -> bool {
    value["kind"] == "CustomResourceDefinition"
}

/// A namespaced kind about whose objects nothing is said.
fn crd_of_anything(group: &str, version: &str, kind: &str) -> Value {
    let plural = plan::names::guessed_plural(&kind.into()).to_string();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("{plural}.{group}") },
        "spec": {
            "group": group, "scope": "Namespaced", "names": { "kind": kind, "plural": plural },
            "versions": [{
                "name": version, "served": true, "storage": true,
                "schema": { "openAPIV3Schema": { "type": "object", "x-kubernetes-preserve-unknown-fields": true } },
            }],
        },
    })
}
