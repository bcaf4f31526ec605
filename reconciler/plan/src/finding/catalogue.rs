//! All finding ids. A repository may refer to them, so an id is never reused and never renamed.

use std::fmt::Write as _;

use super::FindingId;
use super::Severity::{self, Blocker, Note, Warning};

/// What there is to know of one id.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The id.
    pub id: FindingId,
    /// The severities it comes with, the usual one first.
    pub severities: &'static [Severity],
    /// What it means, and when which severity.
    pub meaning: &'static str,
}

const fn entry(id: FindingId, severities: &'static [Severity], meaning: &'static str) -> Entry {
    Entry { id, severities, meaning }
}

/// All ids, sorted.
pub const ALL: &[Entry] = &[
    entry(
        "cluster-file-odd",
        &[Warning],
        "A document in `clusters/` is neither a ManagedCluster nor a ConfigMap of properties; it is ignored.",
    ),
    entry(
        "crd-delete",
        &[Blocker],
        "A CustomResourceDefinition disappears from a cluster; every object of its kind goes with it.",
    ),
    entry(
        "createonly-dead-change",
        &[Warning],
        "The content of an object changed, but it is create-only on clusters that have it already: they keep the old content.",
    ),
    entry("duplicate-object", &[Blocker], "One object is declared twice; only the first declaration counts."),
    entry("encrypted-object", &[Warning], "An object is SOPS cipher text: it is never applied."),
    entry(
        "file-unreadable",
        &[Blocker],
        "A file of `policies/` or `clusters/` cannot be read. What its directory declared before stays as it is.",
    ),
    entry(
        "history-rewritten",
        &[Note],
        "The branch of a source was force-pushed: its tip does not contain the commit that was in force, and `spec.rewrites` accepts that.",
    ),
    entry(
        "kind-not-served",
        &[Warning],
        "Nothing declares the kind or version of an object, or its CRD does not go to a cluster that the object goes to. The objects wait until it is served; an unknown kind is taken as namespaced.",
    ),
    entry("last-placement-lost", &[Blocker], "An object stays in git but leaves its last cluster."),
    entry(
        "mutated-in-wds",
        &[Warning],
        "The WDS stored other values than were applied: a mutating webhook changes them.",
    ),
    entry(
        "not-allowed",
        &[Blocker],
        "The source may not write this object: `spec.allow` of its GitSource, or what no repository may write (the group gitstellar.io, the namespace gitstellar-system).",
    ),
    entry(
        "not-an-object",
        &[Blocker],
        "A document is no Kubernetes object: something that every object has is missing or of the wrong type. Everything else of its unit goes on.",
    ),
    entry(
        "ns-delete",
        &[Blocker],
        "A Namespace disappears from a cluster; everything in it goes with it, also what others put there.",
    ),
    entry(
        "ns-missing",
        &[Warning],
        "Nothing declares the Namespace of an object, or the Namespace does not go to a cluster that the object goes to.",
    ),
    entry("object-too-big", &[Blocker], "An object is larger than a ManifestWork may be, 500 KiB."),
    entry(
        "object-unbound",
        &[Note, Warning],
        "No policy selects an object. A warning when one did before the change.",
    ),
    entry(
        "object-unnamed",
        &[Warning],
        "An object has generateName and no name: it cannot be applied, only created, so it is not placed.",
    ),
    entry(
        "overlap",
        &[Note],
        "Several policies place the same objects on the same clusters; what they ask for is merged.",
    ),
    entry(
        "policy-invalid-selector",
        &[Blocker],
        "A part of a policy, or the cluster selector of an object, cannot be understood; it selects nothing.",
    ),
    entry(
        "policy-no-clusters",
        &[Warning, Blocker],
        "A policy selects no cluster. A blocker when it selected some before the change.",
    ),
    entry("policy-no-objects", &[Warning], "A clause of a policy matches no object."),
    entry(
        "removal-held",
        &[Warning],
        "The removals of this change exceed the removal budget: after the merge they wait for approval.",
    ),
    entry(
        "resource-is-kind",
        &[Warning],
        "A clause names a kind where a lowercase plural belongs, `Deployment` for `deployments`; it matches nothing.",
    ),
    entry(
        "singleton-conflict",
        &[Blocker],
        "A policy asks for the status of the one cluster that runs an object, but not exactly one does.",
    ),
    entry(
        "ssa-duplicate-key",
        &[Warning],
        "A list has two entries of one key, which server-side apply refuses; the object is written with Update instead.",
    ),
    entry("unit-duplicate-name", &[Blocker], "Two units have the same name."),
    entry("unit-failed", &[Blocker], "A unit could not be rendered; what it placed before stays as it is."),
    entry(
        "unit-fetch-failed",
        &[Blocker],
        "Something that a unit takes from elsewhere (a base of another repository, an archive of a chart) could not be fetched; it is tried again, and what the unit placed before stays as it is.",
    ),
    entry(
        "unit-name-invalid",
        &[Blocker],
        "The name of a discovered unit is not a legal label value: letters, digits, `-`, `_`, `.`, a letter or digit at both ends.",
    ),
    entry(
        "unit-name-too-long",
        &[Blocker],
        "The name of a unit is not a legal label value, which it becomes: at most 63 characters, letters, digits, `-`, `_`, `.`.",
    ),
    entry(
        "unit-over-limit",
        &[Blocker],
        "A unit exceeds one of the [limits](limits.md) of a render (size, nesting, aliases, output, steps, time); what it placed before stays as it is.",
    ),
    entry(
        "unit-refused",
        &[Blocker],
        "A unit asks for something that a render never does (leave the repository, use the network, run a program); what it placed before stays as it is.",
    ),
];

/// The entry of an id.
pub fn find(id: &str) -> Option<&'static Entry> {
    ALL.iter().find(|entry| entry.id == id)
}

/// `docs/reference/findings.md`.
pub fn reference() -> String {
    let mut text = String::from(
        "# Findings\n\nWhat `gitstellar plan` and `gitstellar validate` report. A blocker makes `plan` exit with 2; ids never change.\n\n\
         | id | severity | meaning |\n|---|---|---|\n",
    );
    for entry in ALL {
        let severities: Vec<String> = entry.severities.iter().map(ToString::to_string).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(text, "| `{}` | {} | {} |", entry.id, severities.join(" or "), entry.meaning);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{ALL, find, reference};

    #[test]
    fn ids_are_sorted_and_unique() {
        assert!(ALL.windows(2).all(|pair| pair[0].id < pair[1].id));
        assert!(find("ns-missing").is_some() && find("nothing").is_none());
    }

    #[test]
    fn the_reference_names_all() {
        let text = reference();
        assert!(ALL.iter().all(|entry| text.contains(&format!("| `{}` |", entry.id))));
        assert!(!text.contains('\r'));
    }
}
