//! What one kustomization may read, and how texts become objects.

use std::cell::Cell;
use std::sync::Arc;

use super::error::KustomizeError;
use super::file::PatchEntry;
use super::patch::PatchText;
use super::remote::{Address, Remotes};
use super::resource::Resource;
use crate::helm::HelmOptions;
use crate::object::Origin;
use crate::tree::{Files, Found, PathError, RepoPath, TreeError};
use crate::yaml::{Limits, Loader, Node, Profile, Value};

/// What all kustomizations of a build share.
pub(super) struct Build<'b> {
    pub(super) files: &'b Files<'b>,
    pub(super) limits: Limits,
    /// A kustomization reads files only in or below its own directory.
    pub(super) restricted: bool,
    pub(super) documents: &'b Cell<u64>,
    /// How charts are released, where the kustomization does not say.
    pub(super) helm: &'b HelmOptions,
    /// Where bases of other repositories may come from.
    pub(super) remotes: Option<&'b Remotes>,
}

/// The file access of one kustomization.
#[derive(Clone)]
pub(super) struct Source<'b> {
    pub(super) build: &'b Build<'b>,
    pub(super) dir: RepoPath,
}

/// What a `resources` entry turned out to be.
pub(super) enum Entry {
    File(RepoPath),
    Directory(RepoPath),
}

impl<'b> Source<'b> {
    /// Finds what an entry names: a file first, then a directory, here or in another repository.
    pub(super) fn entry(&self, text: &str, at: &Origin) -> Result<Entry, KustomizeError> {
        if is_remote(text) {
            return self.remote(text, at);
        }
        if text.trim().is_empty() {
            let message = "an entry is empty; name a file or a directory, or remove it";
            return Err(KustomizeError::file(at.clone(), message));
        }
        let path = self.path(text, at)?;
        match self.build.files.find(&path).map_err(|source| self.unreadable(text, at, source))? {
            Found::File { .. } => Ok(Entry::File(path)),
            Found::Directory { path: real } => Ok(Entry::Directory(real)),
            Found::Other | Found::Nothing => Err(self.unreadable(text, at, TreeError::Missing { path })),
        }
    }

    /// Finds the directory of a remote address, fetching it where it is allowed.
    fn remote(&self, text: &str, at: &Origin) -> Result<Entry, KustomizeError> {
        let refused = |hint: &str| refused_remote(text, at, hint);
        let Some(remotes) = self.build.remotes else { return Err(refused(NO_REMOTES)) };
        let address = Address::parse(text).map_err(refused)?;
        if !remotes.allow(&address.host) {
            return Err(refused(&format!("its host is none of those that are allowed; {NO_REMOTES}")));
        }
        let files = self.build.files;
        if !files.is_mounted(&address.mount) {
            let tree = files.off_the_clock(|| remotes.tree(&address.commit)).map_err(|source| {
                KustomizeError::Remote { at: at.clone(), address: without_credentials(text), source }
            })?;
            files.mount(address.mount, tree);
        }
        match files.find(&address.dir).map_err(|source| self.unreadable(text, at, source))? {
            Found::Directory { path: real } => Ok(Entry::Directory(real)),
            _ => Err(self.unreadable(text, at, TreeError::NotADirectory { path: address.dir })),
        }
    }

    /// A path that a file of this kustomization names. It stays in the repository of the file.
    pub(super) fn path(&self, text: &str, at: &Origin) -> Result<RepoPath, KustomizeError> {
        let path = self.dir.join(text).map_err(|e| self.unreadable(text, at, e.into()))?;
        if self.build.files.share_a_tree(&self.dir, &path) {
            return Ok(path);
        }
        let escapes = PathError::Escapes { path: text.to_owned(), base: self.dir.clone() };
        Err(self.unreadable(text, at, escapes.into()))
    }

    fn unreadable(&self, text: &str, at: &Origin, source: TreeError) -> KustomizeError {
        let hint = if text.contains('*') { " (patterns are not expanded; list each file)" } else { "" };
        KustomizeError::Read { at: at.clone(), what: format!("'{text}' cannot be read{hint}"), source }
    }

    /// The path and the bytes of a file that the kustomization at `at` names.
    pub(super) fn named_file(
        &self,
        text: &str,
        at: &Origin,
    ) -> Result<(RepoPath, Arc<[u8]>), KustomizeError> {
        if is_remote(text) {
            return Err(refused_remote(text, at, NO_FILES));
        }
        let path = self.path(text, at)?;
        self.check_restriction(&path, at)?;
        let bytes = self.build.files.read(&path).map_err(|source| self.unreadable(text, at, source))?;
        Ok((path, bytes))
    }

    pub(super) fn read_file(&self, text: &str, at: &Origin) -> Result<Arc<[u8]>, KustomizeError> {
        self.named_file(text, at).map(|(_, bytes)| bytes)
    }

    fn check_restriction(&self, path: &RepoPath, at: &Origin) -> Result<(), KustomizeError> {
        if !self.build.restricted {
            return Ok(());
        }
        let found =
            self.build.files.find(path).map_err(|source| self.unreadable(path.as_str(), at, source))?;
        let Found::File { path: real, .. } = found else { return Ok(()) };
        if real.is_within(&self.dir) {
            return Ok(());
        }
        let message = format!("security; file '/{real}' is not in or below '/{}'", self.dir.as_str());
        Err(KustomizeError::Refused {
            at: at.clone(),
            what: format!("a file of another directory ({message})"),
            hint: "move it below the kustomization, or lift the load restriction".to_owned(),
        })
    }

    fn load(&self, profile: Profile, bytes: &[u8], at: &Origin) -> Result<Vec<Node>, KustomizeError> {
        let loader = Loader { profile, limits: self.build.limits };
        Ok(self.build.files.parse(loader, (at.file.as_str(), bytes), self.build.documents)?)
    }

    /// The documents of a resource or patch.
    pub(super) fn documents(&self, bytes: &[u8], at: &Origin) -> Result<Vec<Node>, KustomizeError> {
        self.load(Profile::Kustomize, bytes, at)
    }

    /// The documents of a configuration: kustomization files and what is decoded like them.
    pub(super) fn configuration(&self, bytes: &[u8], at: &Origin) -> Result<Vec<Node>, KustomizeError> {
        self.load(Profile::Kubectl, bytes, at)
    }

    /// The objects of a resource file, lists expanded at the end.
    pub(super) fn objects(&self, path: &RepoPath, at: &Origin) -> Result<Vec<Resource>, KustomizeError> {
        self.check_restriction(path, at)?;
        let read = self.build.files.read(path);
        let bytes = read.map_err(|source| self.unreadable(path.as_str(), at, source))?;
        let whole = Origin::new(path, 0);
        self.expanded(self.documents(&bytes, &whole)?, &whole)
    }

    /// Documents as objects, lists expanded at the end.
    pub(super) fn expanded(
        &self,
        documents: Vec<Node>,
        whole: &Origin,
    ) -> Result<Vec<Resource>, KustomizeError> {
        let mut queue: std::collections::VecDeque<Node> = documents.into();
        let mut objects = Vec::new();
        while let Some(mut node) = queue.pop_front() {
            if node.is_null() {
                continue;
            }
            let is_list = node.str_at(&["kind"]).is_some_and(|kind| kind.ends_with("List"));
            if is_list && let Some(items) = node.as_map_mut().and_then(|map| map.remove("items")) {
                match items.value {
                    Value::Seq(items) => queue.extend(items),
                    Value::Null | Value::Blank => {}
                    _ => {
                        let at = Origin { line: node.pos.line, ..whole.clone() };
                        return Err(KustomizeError::Object {
                            at,
                            message: "items of a list must be a list".to_owned(),
                        });
                    }
                }
                continue;
            }
            let line = if whole.line > 0 { whole.line } else { node.pos.line };
            objects.push(self.object(node, Origin { line, ..whole.clone() })?);
        }
        Ok(objects)
    }

    /// A document as an object: it needs a kind and a name.
    pub(super) fn object(&self, node: Node, at: Origin) -> Result<Resource, KustomizeError> {
        let fail = |message: &str| KustomizeError::Object { at: at.clone(), message: message.to_owned() };
        if node.as_map().is_none() {
            return Err(fail("a document must be a map with apiVersion, kind and metadata"));
        }
        for path in [&["kind"][..], &["metadata", "name"]] {
            if let Some(number) =
                node.at(path).filter(|node| node.as_str().is_none() && node.scalar_text().is_some())
            {
                let (path, found) = (path.join("."), number.kind_name());
                return Err(fail(&format!("{path} must be text, it is {found}; put it in quotes")));
            }
        }
        if let Some(other) = node
            .at(&["metadata", "annotations"])
            .filter(|node| node.as_seq().is_some_and(|list| !list.is_empty()))
        {
            return Err(fail(&format!("metadata.annotations must be a map, it is {}", other.kind_name())));
        }
        let kind = node.str_at(&["kind"]).unwrap_or_default();
        if kind.is_empty() {
            return Err(fail("Object 'Kind' is missing; every document needs a kind"));
        }
        let name = node.str_at(&["metadata", "name"]).unwrap_or_default();
        if name.is_empty() && !kind.ends_with("List") {
            return Err(fail("missing metadata.name in object; every object needs a name"));
        }
        Ok(Resource::new(node, at))
    }

    /// The text of a patch entry: of its file or inline.
    pub(super) fn text_of(&self, entry: &PatchEntry) -> Result<PatchText, KustomizeError> {
        // A patch without a file reads nothing, and there may be many.
        let late = |source| self.unreadable("the next patch", &entry.at, source);
        self.build.files.check_time(&entry.at.file).map_err(late)?;
        let fail = |message: &str| Err(KustomizeError::step(&entry.at, "patch", message));
        match (entry.path.is_empty(), entry.text.is_empty()) {
            (true, true) => fail("must specify one of patch and path"),
            (false, false) => fail("specify either patch or path, not both"),
            (false, true) => {
                let (path, bytes) = self.named_file(&entry.path, &entry.at)?;
                Ok(PatchText { bytes, at: Origin::new(&path, 1), inline: false })
            }
            (true, false) => Ok(PatchText {
                bytes: Arc::from(entry.text.trim_end().as_bytes()),
                at: entry.at.clone(),
                inline: true,
            }),
        }
    }
}

/// Whether an entry is an address and not a path.
pub(crate) fn is_remote(text: &str) -> bool {
    text.contains("://")
        || text.starts_with("git@")
        || text.starts_with("git::")
        || text.contains("?ref=")
        || text.starts_with("github.com/")
        || text.starts_with("github.com:")
}

const NO_REMOTES: &str = "copy the files into the repository, or let whoever runs gitstellar allow the host with --allow-remote HOST";
const NO_FILES: &str = "a file has to be in the repository; copy it there";

fn refused_remote(text: &str, at: &Origin, hint: &str) -> KustomizeError {
    KustomizeError::Refused {
        at: at.clone(),
        what: format!("the remote address '{}'", without_credentials(text)),
        hint: hint.to_owned(),
    }
}

fn without_credentials(text: &str) -> String {
    match (text.find("://"), text.find('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}…{}", &text[..scheme + 3], &text[at..]),
        _ => text.to_owned(),
    }
}
