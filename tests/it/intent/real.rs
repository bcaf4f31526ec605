//! The objects of public repositories: every document of `../shared/input` that is an object, and what its kustomizations build.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use anyhow::Result;
use render::yaml::{Loader, Profile};
use render::{Directory, RenderOptions, RepoPath};
use serde_json::Value;

use super::Specimen;
use crate::harness::Skip;

pub fn specimens() -> Result<Vec<Specimen>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/input");
    if !root.is_dir() {
        return Err(Skip(
            "../shared/input is not there: it holds the objects of public repositories".to_owned(),
        )
        .into());
    }
    let mut found = Found { root: &root, specimens: Vec::new(), seen: BTreeSet::new() };
    let mut directories = vec![root.clone()];
    while let Some(directory) = directories.pop() {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(&directory)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
        entries.sort();
        for path in &entries {
            found.file(path)?;
        }
        if entries
            .iter()
            .any(|path| path.ends_with("kustomization.yaml") || path.ends_with("kustomization.yml"))
        {
            found.kustomization(&directory)?;
        }
        directories.extend(entries.into_iter().filter(|path| path.is_dir()).rev());
    }
    Ok(found.specimens)
}

struct Found<'a> {
    root: &'a Path,
    specimens: Vec<Specimen>,
    /// The same object often stands in many places.
    seen: BTreeSet<String>,
}

impl Found<'_> {
    /// Templates and broken files are somebody else's: `render` has trials of what it says about them.
    fn file(&mut self, path: &Path) -> Result<()> {
        let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
        if !["yaml", "yml", "json"].contains(&extension) || !path.is_file() {
            return Ok(());
        }
        let name = self.name_of(path);
        for node in Loader::new(Profile::Kubectl).load(&name, &std::fs::read(path)?).unwrap_or_default() {
            let encrypted = node.at(&["sops", "mac"]).is_some();
            self.add(&format!("{name}:{}", node.pos.line), node.to_json(), encrypted);
        }
        Ok(())
    }

    /// Kustomizations that need what is not there (charts, remote bases) build nothing.
    fn kustomization(&mut self, directory: &Path) -> Result<()> {
        let name = self.name_of(directory);
        let tree = Directory::open(self.root)?;
        let built = render::render_unit(&tree, &RepoPath::parse(&name)?, &RenderOptions::default());
        for object in built.into_iter().flat_map(|built| built.objects) {
            let origin = format!("{name}, built from {}", object.origin);
            self.add(&origin, object.to_json(), object.sops_encrypted);
        }
        Ok(())
    }

    fn add(&mut self, origin: &str, value: Value, encrypted: bool) {
        let text = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        if let (true, Some(items)) =
            (text("/kind").ends_with("List"), value.get("items").and_then(Value::as_array))
        {
            for (index, item) in items.iter().enumerate() {
                self.add(&format!("{origin}, item {index}"), item.clone(), encrypted);
            }
            return;
        }
        let is_object =
            ["/apiVersion", "/kind", "/metadata/name"].iter().all(|pointer| !text(pointer).is_empty());
        let is_ours = text("/apiVersion").starts_with("kustomize.config.k8s.io");
        if is_object && !is_ours && self.seen.insert(value.to_string()) {
            self.specimens.push(Specimen { origin: origin.to_owned(), value, encrypted });
        }
    }

    fn name_of(&self, path: &Path) -> String {
        path.strip_prefix(self.root).unwrap_or(path).to_string_lossy().into_owned()
    }
}
