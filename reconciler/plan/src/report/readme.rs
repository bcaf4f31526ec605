//! `README.md` of the status ref: what a person wants to know who opens the branch in a browser.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

use super::{ReportInput, ReportedUnit, gist, is_under_way, short};
use crate::escape::{self, code_outside_tables, prose};
use crate::finding::{counted, said_and_shown};
use crate::status::Truth;
use crate::{ClusterName, UnitName};

/// More columns than this are no table any more; then clusters are counted.
const MAX_COLUMNS: usize = 12;
/// Rows per list of failures, findings and removals.
const MAX_ROWS: usize = 50;

pub(super) fn readme(input: &ReportInput) -> String {
    let mut text = String::new();
    // Writing into a String cannot fail.
    let _ = write(&mut text, input);
    text
}

fn write(text: &mut String, input: &ReportInput) -> fmt::Result {
    let source = input.source.as_ref().map_or("status", |source| source.as_str());
    let gist = gist(input);
    let ready = gist.ready.values().filter(|ready| **ready).count();
    writeln!(text, "# {}\n", prose(source))?;
    if input.commit.is_empty() {
        writeln!(text, "Nothing of {} has been read.\n", prose(&input.git_ref))?;
    } else {
        writeln!(
            text,
            "Commit `{}` of {}: **{ready} of {} ready**{}.\n",
            short(&input.commit),
            prose(&input.git_ref),
            counted(gist.ready.len(), "unit"),
            if is_under_way(input) { ", changes are under way" } else { "" }
        )?;
    }
    if !input.absent.is_empty() {
        let names: Vec<String> = input.absent.iter().map(|name| prose(name.as_str())).collect();
        writeln!(text, "Declared, and not joined yet: {}.\n", names.join(", "))?;
    }
    units(text, input)?;
    not_ready(text, input)?;
    held(text, input)?;
    findings(text, input)?;
    writeln!(
        text,
        "This branch is written by gitstellar and shares no history with the source; edits are overwritten."
    )
}

fn units(text: &mut String, input: &ReportInput) -> fmt::Result {
    if input.units.is_empty() {
        return writeln!(text, "The source declares no unit.\n");
    }
    let clusters: BTreeSet<&ClusterName> =
        input.units.values().flat_map(|unit| unit.pairs.iter().map(|p| &p.pair.cluster)).collect();
    let columns = if clusters.len() <= MAX_COLUMNS { clusters } else { BTreeSet::new() };
    let mut head = vec!["unit".to_owned(), "ready".to_owned(), "objects".to_owned(), "clusters".to_owned()];
    head.extend(columns.iter().map(|cluster| prose(cluster.as_str())));
    row(text, &head)?;
    row(text, &vec!["---".to_owned(); head.len()])?;
    for (name, unit) in &input.units {
        row(text, &unit_row(name, unit, &columns))?;
    }
    writeln!(text)
}

fn unit_row(name: &UnitName, unit: &ReportedUnit, columns: &BTreeSet<&ClusterName>) -> Vec<String> {
    let counts = unit.status.counts;
    let ready = unit.status.conditions.iter().find(|c| c.kind == "Ready");
    let ready = match ready.map(|c| (c.status, c.reason)) {
        Some((Truth::True, _)) => "✅".to_owned(),
        Some((Truth::False, "Progressing")) => "⏳".to_owned(),
        Some((Truth::False, _)) => "❌".to_owned(),
        Some((Truth::Unknown, _)) | None => "–".to_owned(),
    };
    let link = format!("[{}](units/{}.json)", prose(name.as_str()), super::file_name(name));
    let mut cells = vec![link, ready, counts.objects.to_string(), counts.clusters.to_string()];
    let by_cluster = cells_by_cluster(unit);
    cells.extend(columns.iter().map(|c| by_cluster.get(c).map_or_else(String::new, Cell::to_string)));
    cells
}

/// One unit on one cluster.
#[derive(Default)]
struct Cell {
    ready: usize,
    placed: usize,
    failed: bool,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.failed, self.ready == self.placed) {
            (true, _) => write!(f, "❌ {}/{}", self.ready, self.placed),
            (false, true) => write!(f, "✅ {}", self.placed),
            (false, false) => write!(f, "⏳ {}/{}", self.ready, self.placed),
        }
    }
}

fn cells_by_cluster(unit: &ReportedUnit) -> BTreeMap<&ClusterName, Cell> {
    let mut cells: BTreeMap<&ClusterName, Cell> = BTreeMap::new();
    for pair in &unit.pairs {
        let cell = cells.entry(&pair.pair.cluster).or_default();
        cell.placed += 1;
        cell.ready += usize::from(pair.state.is_ready());
        cell.failed |= pair.state.is_trouble();
    }
    cells
}

fn not_ready(text: &mut String, input: &ReportInput) -> fmt::Result {
    let of_units = input
        .units
        .iter()
        .flat_map(|(name, unit)| unit.status.failures.iter().map(move |failure| (name.as_str(), failure)));
    let rows: Vec<(&str, String)> = of_units
        .chain(input.failures.iter().map(|failure| ("", failure)))
        .map(|(unit, failure)| (unit, failure.to_string()))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Not ready\n")?;
    for (unit, failure) in rows.iter().take(MAX_ROWS) {
        let unit = if unit.is_empty() { String::new() } else { format!("**{}**: ", prose(unit)) };
        item(text, &unit, failure)?;
    }
    more(text, rows.len())
}

fn held(text: &mut String, input: &ReportInput) -> fmt::Result {
    if input.held.is_empty() {
        return Ok(());
    }
    writeln!(text, "## Removals that wait for approval\n")?;
    for held in &input.held {
        writeln!(text, "{}, {}.", prose(&held.reason), counted(held.pairs.len(), "placement"))?;
        let approve = code_outside_tables(&format!("gitstellar approve {}", held.hash));
        writeln!(text, "{approve} releases exactly these:\n")?;
        for pair in held.pairs.iter().take(MAX_ROWS) {
            writeln!(text, "- {}", prose(&pair.to_string()))?;
        }
        more(text, held.pairs.len())?;
    }
    Ok(())
}

fn findings(text: &mut String, input: &ReportInput) -> fmt::Result {
    if input.findings.is_empty() {
        return Ok(());
    }
    let mut findings = input.findings.clone();
    findings.sort();
    writeln!(text, "## Findings\n")?;
    for finding in findings.iter().take(MAX_ROWS) {
        item(text, "", &finding.to_string())?;
    }
    more(text, findings.len())
}

/// One item of a list: what is said, and below it the line of a file.
fn item(text: &mut String, lead: &str, message: &str) -> fmt::Result {
    let (said, shown) = said_and_shown(message);
    writeln!(text, "- {lead}{}", escape::message(said))?;
    shown.map_or(Ok(()), |line| writeln!(text, "  {}", code_outside_tables(line)))
}

fn more(text: &mut String, rows: usize) -> fmt::Result {
    if rows > MAX_ROWS {
        writeln!(text, "- and {} more", rows - MAX_ROWS)?;
    }
    writeln!(text)
}

fn row(text: &mut String, cells: &[String]) -> fmt::Result {
    writeln!(text, "| {} |", cells.join(" | "))
}
