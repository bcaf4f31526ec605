//! The files of a chart's directory, in the order of its paths.

use std::sync::Arc;

use super::budget::Budget;
use super::ignore::{self, Rules};
use super::{ChartError, ChartFile, without_bom};
use crate::object::Origin;
use crate::tree::{Files, Found, RepoPath};

/// Directories inside each other. It also ends a link that leads to a directory above it.
const MAX_DEPTH: usize = 64;

pub(super) fn of_directory(
    files: &Files<'_>,
    dir: &RepoPath,
    budget: &mut Budget,
) -> Result<Vec<ChartFile>, ChartError> {
    let rules_file = dir.child(ignore::FILE_NAME);
    let text = match files.find(&rules_file)? {
        Found::File { .. } => String::from_utf8_lossy(without_bom(&files.read(&rules_file)?)).into_owned(),
        _ => String::new(),
    };
    let mut walk = Walk { files, dir, rules: Rules::parse(&rules_file, &text)?, budget, found: Vec::new() };
    walk.enter(dir, "", 0)?;
    Ok(walk.found)
}

struct Walk<'a> {
    files: &'a Files<'a>,
    dir: &'a RepoPath,
    rules: Rules,
    budget: &'a mut Budget,
    found: Vec<ChartFile>,
}

impl Walk<'_> {
    /// `below` is the path of `dir` inside the chart, with a slash at its end where it is not empty.
    fn enter(&mut self, dir: &RepoPath, below: &str, depth: usize) -> Result<(), ChartError> {
        let fail = |path: &RepoPath, message: &str| Err(ChartError::file(&Origin::new(path, 0), message));
        if depth > MAX_DEPTH {
            return fail(dir, "too many directories inside each other, or a link to a directory above");
        }
        for (name, _) in self.files.list(dir)? {
            let path = dir.child(&name);
            let name = format!("{below}{name}");
            match self.files.find(&path)? {
                Found::Directory { path: real } => {
                    if !self.rules.leave_out(&name, true) {
                        self.enter(&real, &format!("{name}/"), depth + 1)?;
                    }
                }
                Found::File { size, .. } => {
                    if !self.rules.leave_out(&name, false) {
                        self.budget
                            .take(size)
                            .map_err(|source| ChartError::TooMuch { chart: self.dir.clone(), source })?;
                        let bytes = Arc::from(without_bom(&self.files.read(&path)?));
                        self.found.push(ChartFile { name, bytes, origin: path, packed: None });
                    }
                }
                Found::Other if !self.rules.leave_out(&name, false) => {
                    return fail(&path, "is neither a file nor a directory; leave it out with .helmignore");
                }
                Found::Nothing => return fail(&path, "is a symlink to nothing; remove it"),
                Found::Other => {}
            }
        }
        Ok(())
    }
}
