//! The comment of a pull request. Layout rules: `spec/review.md` B.3.
//!
//! The first line says the verdict and the three numbers (people read the e-mail preview), findings come before details, blockers first, and each names
//! its cause. Many clusters are shown as variants. Sections are dropped whole, from the end, when the text grows over its limit: nothing is ever cut
//! inside a block. Everything that comes from a repository is escaped ([`super::escape`]); a value of a Secret never gets here.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::diff::ObjectDiff;
use super::summary::Counts;
use super::variants::{Variant, variants};
use super::{Change, FindingEntry, PlacementEntry, Review};
use crate::ClusterName;
use crate::escape::{code, code_outside_tables, comment, fenced, message};
use crate::finding::{Severity, counted, said_and_shown, some_of};

/// How the comment is written.
#[derive(Clone, Debug)]
pub struct MarkdownOptions {
    /// Tells the comments of several instances on one pull request apart.
    pub instance: String,
    /// At most this many characters (Unicode scalar values); GitHub takes 65,536.
    pub limit_chars: usize,
}

impl Default for MarkdownOptions {
    fn default() -> Self {
        Self { instance: "default".to_owned(), limit_chars: 65_000 }
    }
}

/// Up to this many clusters have a row each; above it variants do.
const MAX_CLUSTER_ROWS: usize = 12;
/// The most rows of a table.
const MAX_ROWS: usize = 25;
/// The most findings of one severity.
const MAX_FINDINGS: usize = 20;
/// The most objects listed for one variant.
const MAX_OBJECTS: usize = 50;

/// Writes the comment.
pub fn markdown(review: &Review, options: &MarkdownOptions) -> String {
    let variants = variants(&review.placements);
    let mut text = marker(review, options);
    text.push_str(&headline(review));
    let footer = footer(review);
    let mut sections = findings(&review.findings);
    sections.extend(table(review, &variants));
    sections.extend(moves(&review.placements));
    sections.extend(variants.iter().map(|variant| details(variant, variants.len())));
    sections.extend(diffs(&review.diffs));
    append_within(&mut text, &sections, &footer, options.limit_chars);
    text.push_str(&footer);
    text
}

/// Appends sections while they fit, leaving room for the footer and for saying that some did not.
fn append_within(text: &mut String, sections: &[String], footer: &str, limit: usize) {
    const NOTICE: &str = "\n*The rest does not fit here; `gitstellar plan` shows all of it.*\n";
    let chars = |text: &str| text.chars().count();
    let mut left = limit.saturating_sub(chars(text) + chars(footer) + chars(NOTICE));
    let mut dropped = false;
    for section in sections {
        let size = chars(section);
        if size <= left {
            text.push_str(section);
            left -= size;
        } else {
            dropped = true;
        }
    }
    if dropped {
        text.push_str(NOTICE);
    }
}

fn marker(review: &Review, options: &MarkdownOptions) -> String {
    format!(
        "<!-- gitstellar:{}:placement:v1 head={} plan=sha256:{} -->\n",
        comment(&options.instance),
        comment(review.head.as_deref().unwrap_or("-")),
        review.digest,
    )
}

/// The verdict in one line: blockers and warnings, clusters, placements.
pub fn headline(review: &Review) -> String {
    let summary = &review.summary;
    let mut verdict = Vec::new();
    for (count, icon, word) in
        [(summary.findings.blocker, "⛔", "blocker"), (summary.findings.warning, "⚠️", "warning")]
    {
        if count > 0 {
            verdict.push(format!("{icon} {}", counted(count, word)));
        }
    }
    if verdict.is_empty() {
        verdict.push("✅ nothing stands against it".to_owned());
    }
    let changes = match delta(&summary.changes) {
        none if none.is_empty() => "no placement changes".to_owned(),
        delta => format!("{delta} placements"),
    };
    format!(
        "### Placement review: {} — {} of {}, {changes}\n",
        verdict.join(", "),
        summary.touched.clusters,
        counted(summary.totals.clusters, "cluster"),
    )
}

/// `+4 ~6 −2 ↻1`, without what is zero.
fn delta(counts: &Counts) -> String {
    let parts = [("+", counts.appear), ("~", counts.change), ("−", counts.disappear), ("↻", counts.rebound)];
    let shown: Vec<String> =
        parts.iter().filter(|(_, count)| *count > 0).map(|(sign, count)| format!("{sign}{count}")).collect();
    shown.join(" ")
}

fn findings(findings: &[FindingEntry]) -> Vec<String> {
    let alerts = [(Severity::Blocker, "CAUTION"), (Severity::Warning, "WARNING"), (Severity::Note, "NOTE")];
    let mut sections = Vec::new();
    for (severity, alert) in alerts {
        let of_severity: Vec<&FindingEntry> = findings.iter().filter(|f| f.severity == severity).collect();
        if of_severity.is_empty() {
            continue;
        }
        let mut section = format!("\n> [!{alert}]\n");
        for finding in of_severity.iter().take(MAX_FINDINGS) {
            section.push_str(&finding_line(finding));
        }
        if of_severity.len() > MAX_FINDINGS {
            let _ = writeln!(section, "> - and {} more", of_severity.len() - MAX_FINDINGS);
        }
        sections.push(section);
    }
    sections
}

fn finding_line(finding: &FindingEntry) -> String {
    let cause = match (&finding.file, finding.line) {
        (Some(file), Some(line)) => format!(" — {}", code(&format!("{file}:{line}"))),
        (Some(file), None) => format!(" — {}", code(file)),
        _ => String::new(),
    };
    let (said, shown) = said_and_shown(&finding.message);
    let shown = shown.map(|line| format!(">   {}\n", code_outside_tables(line))).unwrap_or_default();
    format!("> - **{}** {}{cause}\n{shown}", finding.id, message(said))
}

/// Clusters, or variants of them, and what happens there.
fn table(review: &Review, variants: &[Variant]) -> Option<String> {
    let touched: usize = variants.iter().map(|variant| variant.clusters.len()).sum();
    if touched == 0 {
        return None;
    }
    let mut text = String::new();
    if touched <= MAX_CLUSTER_ROWS {
        text.push_str("\n| cluster | + | ~ | − | ↻ |\n|---|---:|---:|---:|---:|\n");
        for (cluster, counts) in review.summary.per_cluster.iter().filter(|(_, counts)| counts.any()) {
            let _ = writeln!(text, "| {} | {} |", code(cluster.as_str()), cells(counts));
        }
    } else {
        text.push_str("\n| variant | clusters | + | ~ | − | ↻ |\n|---|---|---:|---:|---:|---:|\n");
        for variant in variants.iter().take(MAX_ROWS) {
            let _ = writeln!(
                text,
                "| {} | {} | {} |",
                variant.label,
                cluster_list(&variant.clusters, 3),
                cells(&variant.counts)
            );
        }
        if variants.len() > MAX_ROWS {
            let _ = writeln!(text, "| and {} more variants | | | | | |", variants.len() - MAX_ROWS);
        }
    }
    let untouched = review.summary.totals.clusters.saturating_sub(touched);
    if untouched > 0 {
        let _ = writeln!(text, "\n{} untouched.", counted(untouched, "cluster"));
    }
    Some(text)
}

fn cells(counts: &Counts) -> String {
    let cell = |count: usize| if count == 0 { "·".to_owned() } else { count.to_string() };
    let removed = if counts.disappear == 0 { "·".to_owned() } else { format!("**{}**", counts.disappear) };
    format!("{} | {} | {removed} | {}", cell(counts.appear), cell(counts.change), cell(counts.rebound))
}

/// `3: a, b, c`, or only the names of a few.
fn cluster_list(clusters: &[&ClusterName], limit: usize) -> String {
    let names = some_of(clusters.iter().map(|cluster| code(cluster.as_str())), limit);
    if clusters.len() > limit { format!("{}: {names}", clusters.len()) } else { names }
}

/// Objects that leave some clusters and come to others with the same content: one move reads better than two lists.
fn moves(placements: &[PlacementEntry]) -> Option<String> {
    let mut ends: BTreeMap<_, (Vec<&PlacementEntry>, Vec<&PlacementEntry>)> = BTreeMap::new();
    for entry in placements {
        let id = (&entry.group, &entry.kind, &entry.namespace, &entry.name);
        match entry.change {
            Change::Appear => ends.entry(id).or_default().1.push(entry),
            Change::Disappear => ends.entry(id).or_default().0.push(entry),
            Change::Change | Change::Rebound | Change::Unchanged => {}
        }
    }
    let moved: Vec<String> = ends
        .into_values()
        .filter(|(from, to)| !from.is_empty() && !to.is_empty())
        .filter_map(|(from, to)| {
            let (old, new) = (from.first()?, to.first()?);
            let names = |entries: &[&PlacementEntry]| {
                some_of(entries.iter().map(|entry| code(entry.cluster.as_str())), 3)
            };
            let same = if old.hash.is_some() && old.hash == new.hash { " (content identical)" } else { "" };
            Some(format!("- {} {} → {}{same}\n", code(&label(new)), names(&from), names(&to)))
        })
        .collect();
    if moved.is_empty() {
        return None;
    }
    let shown: String = moved.iter().take(MAX_ROWS).cloned().collect();
    let more = moved.len().saturating_sub(MAX_ROWS);
    let rest = if more > 0 { format!("- and {more} more\n") } else { String::new() };
    Some(format!("\n**Moves**\n\n{shown}{rest}"))
}

/// `Deployment shop/web`.
fn label(entry: &PlacementEntry) -> String {
    if entry.namespace.is_empty() {
        format!("{} {}", entry.kind, entry.name)
    } else {
        format!("{} {}/{}", entry.kind, entry.namespace, entry.name)
    }
}

/// What happens in one variant, unit by unit.
fn details(variant: &Variant, variants: usize) -> String {
    let name = if variants > 1 { format!("{}: ", variant.label) } else { String::new() };
    let mut by_unit: BTreeMap<&str, Vec<&PlacementEntry>> = BTreeMap::new();
    for entry in &variant.entries {
        by_unit.entry(entry.unit.as_str()).or_default().push(entry);
    }
    let mut lines = Vec::new();
    for (unit, entries) in by_unit {
        lines.push(format!(" {}", if unit.is_empty() { "(no unit)" } else { unit }));
        lines.extend(entries.into_iter().map(detail));
    }
    let more = lines.len().saturating_sub(MAX_OBJECTS);
    lines.truncate(MAX_OBJECTS);
    if more > 0 {
        lines.push(format!(" and {more} more"));
    }
    format!(
        "\n<details><summary>{name}{} on {}</summary>\n\n{}\n</details>\n",
        delta(&variant.counts),
        cluster_summary(&variant.clusters),
        fenced("diff", &lines),
    )
}

/// Names in a `<summary>`, where Markdown is not read: only what cannot be HTML.
fn cluster_summary(clusters: &[&ClusterName]) -> String {
    let harmless = |name: &&&ClusterName| {
        name.as_str().replace(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '.' && c != '_', "?")
    };
    some_of(clusters.iter().collect::<Vec<_>>().iter().map(harmless), 3)
}

fn detail(entry: &PlacementEntry) -> String {
    let sign = match entry.change {
        Change::Appear => '+',
        Change::Disappear => '-',
        Change::Change => '!',
        Change::Rebound | Change::Unchanged => ' ',
    };
    let policies = some_of(entry.policies.iter(), 3);
    let word = match entry.change {
        Change::Change => " (changed)",
        Change::Rebound => " (same content, bound otherwise)",
        Change::Appear | Change::Disappear | Change::Unchanged => "",
    };
    format!("{sign}  {}{word}  by {policies}", label(entry))
}

/// What differs in changed objects, each once: it is the same wherever it goes.
fn diffs(diffs: &[ObjectDiff]) -> Vec<String> {
    diffs
        .iter()
        .map(|diff| {
            let place =
                if diff.namespace.is_empty() { String::new() } else { format!("{}/", diff.namespace) };
            let mut lines = vec![format!(" {} {place}{}", diff.kind, diff.name)];
            lines.extend(diff.lines.iter().cloned());
            if diff.omitted > 0 {
                lines.push(format!(" and {} more lines", diff.omitted));
            }
            format!("\n{}", fenced("diff", &lines))
        })
        .collect()
}

fn footer(review: &Review) -> String {
    let base = review.base.as_deref();
    let head = review.head.as_deref();
    let mut command = "gitstellar plan".to_owned();
    for (flag, value) in [("--base", base), ("--head", head)] {
        if let Some(value) = value {
            command = format!("{command} {flag} {value}");
        }
    }
    let short = review.digest.get(..12).unwrap_or_default();
    format!(
        "\n<sub>base {} · head {} · {} placements · plan {short} · locally: {}</sub>\n",
        code(base.unwrap_or("none")),
        code(head.unwrap_or("none")),
        review.placements.iter().filter(|entry| entry.change != Change::Disappear).count(),
        code(&command),
    )
}

#[cfg(test)]
mod tests;
