//! One commit after another: each costs what it changes.

use apimachinery::kinds::KindTable;

use super::{Declared, GitTree, Memory, RepositoryError};

/// What commits of one repository declare. A commit may follow any other, also an older one; the less they differ, the less it costs.
#[derive(Default)]
pub struct Commits {
    memory: Memory,
    last: Option<GitTree>,
}

impl Commits {
    /// Nothing known yet. `operator` has the limits, and the helm binary that units may ask for.
    pub fn new(operator: render::RenderOptions) -> Self {
        Self { memory: Memory::new(operator), last: None }
    }

    /// What a commit declares; see [`super::declare`].
    ///
    /// # Errors
    /// As [`super::declare`].
    pub fn declare(
        &mut self,
        tree: git::Tree,
        root: &str,
        kinds: &KindTable,
    ) -> Result<Declared, RepositoryError> {
        let tree = GitTree::new(tree);
        let changes = self.last.as_ref().and_then(|last| tree.changes_since(last));
        self.memory.turn(changes.as_ref());
        let declared = self.memory.declare(&tree, root, kinds);
        self.last = Some(tree);
        declared
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use git::{NewCommit, Repository};
    use proptest::prelude::*;

    use super::*;

    type Files = BTreeMap<String, String>;

    fn tree(repository: &Repository, files: &Files) -> git::Tree {
        let new = NewCommit {
            files: files.iter().map(|(path, text)| (path.clone(), text.clone().into_bytes())).collect(),
            parent: None,
            message: "m".to_owned(),
            author: ("a".to_owned(), "a@example.com".to_owned()),
            time_s: 1,
        };
        repository.tree(repository.commit_files(&new).unwrap().unwrap()).unwrap()
    }

    /// Everything that a declaration says, as text.
    fn said(declared: &Declared) -> String {
        let declaration = &declared.declaration;
        let objects = |objects: &[plan::DeclaredObject]| {
            let lines =
                objects.iter().map(|o| format!("{} {:?} {}", o.origin, o.encrypted, o.object.to_value()));
            lines.collect::<Vec<_>>()
        };
        let units: Vec<_> =
            declaration.units.iter().map(|u| (&u.name, &u.path, &u.failure, objects(&u.objects))).collect();
        let policies = objects(&declaration.policies);
        format!("{units:#?} {policies:#?} {:#?} {:#?}", declaration.clusters, declaration.findings)
    }

    fn declare(commits: &mut Commits, tree: git::Tree) -> Declared {
        commits.declare(tree, "", KindTable::built_in()).unwrap()
    }

    fn manifest(name: &str) -> String {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: {name} }}\n")
    }

    #[test]
    fn a_commit_that_changes_one_file_parses_that_file() {
        let directory = tempfile::tempdir().unwrap();
        let repository = Repository::open_or_create_bare(directory.path()).unwrap();
        let mut files: Files = (0..60)
            .map(|i| (format!("apps/u{}/{i}.yaml", i / 3), manifest(&format!("n{i}"))))
            .chain([("policies/p.yaml".to_owned(), manifest("p"))])
            .collect();
        let mut commits = Commits::default();
        assert_eq!(declare(&mut commits, tree(&repository, &files)).documents_parsed, 61);
        assert_eq!(declare(&mut commits, tree(&repository, &files)).documents_parsed, 0);
        files.insert("apps/u7/22.yaml".to_owned(), manifest("changed"));
        let declared = declare(&mut commits, tree(&repository, &files));
        assert_eq!(declared.documents_parsed, 1);
        assert_eq!(said(&declared), said(&declare(&mut Commits::default(), tree(&repository, &files))));
    }

    #[test]
    fn of_two_discovered_units_with_one_name_neither_is_rendered() {
        let directory = tempfile::tempdir().unwrap();
        let repository = Repository::open_or_create_bare(directory.path()).unwrap();
        let mut files = Files::from([("web/a.yaml".to_owned(), manifest("old"))]);
        let mut commits = Commits::default();
        let alone = declare(&mut commits, tree(&repository, &files)).declaration;
        assert_eq!((alone.units[0].objects.len(), alone.findings.len()), (1, 0));
        files.insert("apps/web/b.yaml".to_owned(), manifest("new"));
        let clash = declare(&mut commits, tree(&repository, &files)).declaration;
        let [unit] = &clash.units[..] else { panic!("{:?}", clash.units) };
        assert!(unit.objects.is_empty() && unit.failure.is_some(), "what it placed stays: {unit:?}");
        let ids: Vec<_> = clash.findings.iter().map(|finding| finding.id).collect();
        assert_eq!(ids, ["unit-duplicate-name"], "said once");
    }

    /// Files that refer to each other in every way that matters to what is kept: bases, files beside them, CRDs, a repository file, broken ones.
    const PATHS: [&str; 9] = [
        "apps/a/a.yaml",
        "apps/a/deep/b.yaml",
        "apps/base/kustomization.yaml",
        "apps/base/c.yaml",
        "apps/over/kustomization.yaml",
        "crds/crd.yaml",
        "policies/p.yaml",
        "clusters/c.yaml",
        "gitstellar.yaml",
    ];

    fn text(path: usize, variant: u8) -> Option<String> {
        let name = format!("v{variant}");
        Some(match (path, variant) {
            (_, 0) => return None,
            (8, 1) => "apiVersion: gitstellar.io/v1alpha1\nkind: Repository\nunits: [{path: apps/a}, {path: apps/over, namespace: team}]\n".to_owned(),
            (8, 2) => "apiVersion: gitstellar.io/v1alpha1\nkind: Repository\nunits: [{path: apps/a}, {path: apps/base, name: a}]\n".to_owned(),
            (8, _) => return None,
            (_, 3) => "kind: [".to_owned(),
            (2, _) => format!("resources: [c.yaml]\nnamePrefix: {name}-\n"),
            (4, 1) => "resources: [../base]\n".to_owned(),
            (4, _) => "resources: [../base, ../a/a.yaml]\nnameSuffix: -x\n".to_owned(),
            (5, _) => format!("apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata: {{ name: things.x.io }}\nspec:\n  group: x.io\n  scope: {}\n  names: {{ plural: things, kind: Thing }}\n  versions: [{{ name: v1, served: true, storage: true, schema: {{ openAPIV3Schema: {{ type: object }} }} }}]\n", if variant == 1 { "Cluster" } else { "Namespaced" }),
            (1, _) => format!("apiVersion: x.io/v1\nkind: Thing\nmetadata: {{ name: {name} }}\n"),
            (7, _) => format!("apiVersion: cluster.open-cluster-management.io/v1\nkind: ManagedCluster\nmetadata: {{ name: {name} }}\n"),
            _ => manifest(&name),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]
        #[test]
        fn whatever_came_before_a_commit_declares_what_it_declares_alone(
            edits in proptest::collection::vec((0..PATHS.len(), 0_u8..4), 1..40),
        ) {
            let directory = tempfile::tempdir().unwrap();
            let repository = Repository::open_or_create_bare(directory.path()).unwrap();
            let mut files = Files::from([("README.md".to_owned(), "x".to_owned())]);
            let mut commits = Commits::default();
            for edits in edits.chunks(3) {
                for &(path, variant) in edits {
                    match text(path, variant) {
                        Some(text) => files.insert(PATHS[path].to_owned(), text),
                        None => files.remove(PATHS[path]),
                    };
                }
                let declared = declare(&mut commits, tree(&repository, &files));
                let alone = declare(&mut Commits::default(), tree(&repository, &files));
                prop_assert_eq!(said(&declared), said(&alone));
            }
        }
    }
}
