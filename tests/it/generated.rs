//! Files that are generated and committed. `UPDATE_EXPECT=1` writes them anew.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use api::crds::{self, Role};
use libtest_mimic::Trial;

use crate::harness::{Outcome, trial, write_file};

pub fn trials() -> Vec<Trial> {
    vec![
        trial("generated::the_crds_in_charts_are_those_of_the_types", crds),
        trial("generated::the_reference_of_findings_is_the_catalogue", || {
            check(&BTreeMap::from([(
                root().join("docs/reference/findings.md"),
                plan::finding::catalogue::reference(),
            )]))
        }),
        trial("generated::the_reference_of_limits_is_the_table", || {
            check(&BTreeMap::from([(root().join("docs/reference/limits.md"), render::limits_reference())]))
        }),
        trial("generated::the_reference_of_commands_is_what_the_program_says", || {
            check(&BTreeMap::from([(root().join("docs/reference/commands.md"), cli::reference())]))
        }),
    ]
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn crds() -> Outcome {
    let mut files = BTreeMap::new();
    for role in [Role::Wds, Role::Its, Role::Wec] {
        for crd in crds::needed_by(role) {
            let text = serde_saphyr::to_string(&crd)?;
            files.insert(root().join("charts/crds").join(format!("{}.yaml", crds::name(&crd))), text);
        }
    }
    check(&files)
}

fn check(files: &BTreeMap<PathBuf, String>) -> Outcome {
    for (path, wanted) in files {
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            write_file(path, wanted)?;
        }
        let found = std::fs::read_to_string(path).unwrap_or_default();
        anyhow::ensure!(
            found == *wanted,
            "{} is not what is generated; run the tests with UPDATE_EXPECT=1",
            path.display()
        );
    }
    Ok(())
}
