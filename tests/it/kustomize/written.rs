//! Trees written by hand, for what a generator hardly finds: `trees/*.txt`.
//!
//! `=== what it is about` begins a tree, `--- path` a file of it. The directory `top` is built; what is expected is what the reference prints.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};

use super::trees::Case;

/// A tree and what it is about.
pub struct Written {
    pub about: String,
    pub case: Case,
}

/// All trees below a directory.
pub fn all(directory: &Path) -> anyhow::Result<Vec<Written>> {
    let mut paths: Vec<_> =
        fs::read_dir(directory)?.map(|entry| entry.map(|e| e.path())).collect::<Result<_, _>>()?;
    paths.sort();
    let mut found = Vec::new();
    for path in paths {
        let text = format!("\n{}", fs::read_to_string(&path)?);
        for tree in text.split("\n=== ").skip(1) {
            let written = tree_of(tree).with_context(|| path.display().to_string())?;
            found.push(written);
        }
    }
    Ok(found)
}

fn tree_of(text: &str) -> anyhow::Result<Written> {
    let (about, rest) = text.split_once('\n').context("a tree has files")?;
    let mut files = BTreeMap::new();
    for file in format!("\n{rest}").split("\n--- ").skip(1) {
        let (name, content) = file.split_once('\n').unwrap_or((file, ""));
        files.insert(name.to_owned(), format!("{content}\n").into_bytes());
    }
    ensure!(files.keys().any(|name| name.starts_with("top/")), "{about}: there is no directory `top`");
    Ok(Written { about: about.to_owned(), case: Case { files, build: "top", unordered: false } })
}
