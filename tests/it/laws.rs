//! The laws of the rooms, as `docs/ARCHITECTURE.md` states them: who may use whom, which crates a room must never see, and budgets that only ever shrink.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use libtest_mimic::Trial;

use crate::harness::{Outcome, trial};

/// Which rooms a room may use. `cli` may use every room.
const EDGES: [(&str, &[&str]); 11] = [
    ("apimachinery", &[]),
    ("runtime", &["apimachinery"]),
    ("plan", &["apimachinery"]),
    ("api", &["apimachinery", "plan"]),
    ("render", &["apimachinery", "plan"]),
    ("git", &[]),
    ("space", &["apimachinery"]),
    ("sim", &["apimachinery", "runtime"]),
    ("hub", &["apimachinery", "runtime", "git", "render", "api", "plan"]),
    ("agent", &["apimachinery", "runtime", "api", "plan"]),
    ("cli", &["apimachinery", "runtime", "plan", "api", "render", "git", "space", "sim", "hub", "agent"]),
];

/// What keeps pure rooms pure, and one room the only user of something.
const FORBIDDEN: [(&str, &[&str]); 8] = [
    (
        "apimachinery",
        &["tokio", "kube", "git2", "axum", "hyper", "redb", "ureq", "notify", "getrandom", "rand"],
    ),
    (
        "plan",
        &["tokio", "kube", "git2", "axum", "hyper", "redb", "ureq", "notify", "jiff", "getrandom", "rand"],
    ),
    ("render", &["tokio", "kube", "git2", "axum", "hyper", "redb", "ureq", "notify"]),
    ("git", &["tokio", "kube", "k8s-openapi", "serde_json"]),
    ("space", &["git2", "kube"]),
    ("sim", &["git2", "api"]),
    ("hub", &["git2", "redb"]),
    ("agent", &["git2", "redb"]),
];

const LONGEST_FUNCTION: usize = 70;
const LONGEST_FILE: usize = 700;
const MOST_PARAMETERS: usize = 5;

pub fn trials() -> Vec<Trial> {
    vec![
        trial("laws::rooms_use_only_the_rooms_they_may", edges),
        trial("laws::rooms_do_not_see_forbidden_crates", forbidden),
        trial("laws::files_functions_and_parameter_lists_stay_short", budgets),
        trial("laws::every_finding_of_the_code_is_in_the_catalogue", findings),
        trial("laws::nothing_is_left_unfinished_in_the_code", unfinished),
    ]
}

fn rooms() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The `[dependencies]` of a room; development dependencies are its own affair.
fn dependencies(room: &str) -> anyhow::Result<BTreeSet<String>> {
    let text = std::fs::read_to_string(rooms().join(room).join("Cargo.toml"))?;
    let section = text.split("\n[dependencies]\n").nth(1).unwrap_or_default();
    let lines = section.lines().take_while(|line| !line.starts_with('['));
    Ok(lines
        .filter_map(|line| {
            line.split(['.', ' ', '='])
                .next()
                .filter(|name| !name.is_empty() && !name.starts_with('#'))
                .map(str::to_owned)
        })
        .collect())
}

fn edges() -> Outcome {
    let allowed: BTreeMap<&str, &[&str]> = EDGES.into_iter().collect();
    for entry in std::fs::read_dir(rooms())? {
        let room = entry?.file_name().to_string_lossy().into_owned();
        let Some(may) = allowed.get(room.as_str()) else {
            anyhow::bail!("room {room} has no law: add it to the table and to docs/ARCHITECTURE.md")
        };
        for used in dependencies(&room)?.iter().filter(|used| allowed.contains_key(used.as_str())) {
            anyhow::ensure!(may.contains(&used.as_str()), "{room} must not use {used}");
        }
    }
    Ok(())
}

fn forbidden() -> Outcome {
    for (room, crates) in FORBIDDEN {
        let used = dependencies(room)?;
        for one in crates {
            anyhow::ensure!(!used.contains(*one), "{room} must not use the crate {one}");
        }
    }
    Ok(())
}

fn sources() -> anyhow::Result<Vec<(PathBuf, String)>> {
    let mut found = Vec::new();
    let mut open =
        ["../tests/it", "../tests/conformance", "../tests/fuzz/src"].map(|path| rooms().join(path)).to_vec();
    open.push(rooms());
    while let Some(directory) = open.pop() {
        for entry in std::fs::read_dir(&directory)? {
            let path = entry?.path();
            if path.is_dir() && !path.ends_with("target") {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path)?;
                found.push((path, text));
            }
        }
    }
    Ok(found)
}

fn budgets() -> Outcome {
    let mut broken = Vec::new();
    for (path, text) in sources()? {
        let lines: Vec<&str> = text.lines().collect();
        if lines.len() > LONGEST_FILE {
            broken.push(format!("{} has {} lines", path.display(), lines.len()));
        }
        for (at, line) in lines.iter().enumerate().filter(|(_, line)| is_function(line)) {
            let long = length(&lines[at..]);
            let parameters = parameters(&lines[at..]);
            let place = format!("{}:{}", path.display(), at + 1);
            if long > LONGEST_FUNCTION {
                broken.push(format!("{place}: {long} lines: {}", line.trim()));
            }
            if parameters > MOST_PARAMETERS {
                broken.push(format!("{place}: {parameters} parameters: {}", line.trim()));
            }
        }
    }
    anyhow::ensure!(broken.is_empty(), "over budget:\n{}", broken.join("\n"));
    Ok(())
}

fn is_function(line: &str) -> bool {
    let line = line.trim_start();
    let line = line
        .strip_prefix("pub ")
        .or_else(|| line.strip_prefix("pub(crate) "))
        .or_else(|| line.strip_prefix("pub(super) "))
        .unwrap_or(line);
    ["fn ", "async fn ", "const fn ", "unsafe fn ", "extern \"C\" fn "]
        .iter()
        .any(|start| line.starts_with(start))
}

/// Lines up to the closing brace, which rustfmt puts at the indentation of the first line.
fn length(lines: &[&str]) -> usize {
    let Some(first) = lines.first() else { return 0 };
    if first.ends_with('}') || first.ends_with(';') {
        return 1;
    }
    let indent = first.len() - first.trim_start().len();
    let ends = |line: &&str| {
        line.len() - line.trim_start().len() == indent
            && (line.trim_start().starts_with('}') || line.trim_end().ends_with(';'))
    };
    lines.iter().skip(1).position(ends).map_or(1, |at| at + 2)
}

/// Parameters of a signature: commas at the first level of its parentheses. `self` counts for nothing.
fn parameters(lines: &[&str]) -> usize {
    let signature: String = lines.iter().take(20).copied().collect::<Vec<_>>().join(" ");
    let Some(open) = signature.find("fn ").and_then(|from| signature[from..].find('(').map(|at| from + at))
    else {
        return 0;
    };
    let mut depth = 0_i32;
    let mut counted = 0;
    let mut parameter = String::new();
    let mut previous = ' ';
    for c in signature[open..].chars() {
        match c {
            '(' | '[' | '<' | '{' => depth += 1,
            '>' if previous == '-' || previous == '=' => {}
            ')' | ']' | '>' | '}' => depth -= 1,
            _ => {}
        }
        let ended = depth == 0 || (c == ',' && depth == 1);
        if ended {
            let name = parameter.trim_start_matches('(').trim();
            let is_self = name
                .trim_start_matches(['&', '\''])
                .trim_start_matches("mut ")
                .split([':', ' '])
                .any(|word| word == "self");
            counted += usize::from(!name.is_empty() && !is_self);
            parameter.clear();
        } else {
            parameter.push(c);
        }
        if depth == 0 {
            break;
        }
        previous = c;
    }
    counted
}

/// An id that is not in the catalogue is one that nobody can look up.
fn findings() -> Outcome {
    let known: BTreeSet<&str> = plan::finding::catalogue::ALL.iter().map(|entry| entry.id).collect();
    let begins = ["Finding::blocker(", "Finding::warning(", "Finding::note(", "id: "];
    let mut found = 0;
    for (path, text) in sources()?.into_iter().filter(|(path, _)| !path.ends_with("tests.rs")) {
        let product = text.split("#[cfg(test)]").next().unwrap_or_default();
        for (at, begin) in begins.iter().flat_map(|begin| product.match_indices(begin)) {
            let id = product[at + begin.len()..]
                .trim_start()
                .strip_prefix('"')
                .and_then(|rest| rest.split('"').next());
            if let Some(id) = id.filter(|_| path.to_string_lossy().contains("/src/")) {
                found += 1;
                anyhow::ensure!(
                    known.contains(id),
                    "{}: {id} is not in the catalogue of findings",
                    path.display()
                );
            }
        }
    }
    anyhow::ensure!(found > 20, "only {found} findings were found in the code");
    Ok(())
}

/// The words that mark unfinished code, written so that this file does not hold them.
fn unfinished() -> Outcome {
    let marks = [
        concat!("to", "do!("),
        concat!("unimple", "mented!("),
        concat!("FIX", "ME"),
        concat!("#[ig", "nore"),
    ];
    for (path, text) in sources()? {
        for mark in marks {
            anyhow::ensure!(!text.contains(mark), "{} holds {mark}", path.display());
        }
    }
    Ok(())
}
