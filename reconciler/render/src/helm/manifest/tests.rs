//! Documents, hooks and their order.

use std::sync::Arc;

use super::*;

fn sorted(templates: &[(&str, &str)]) -> Result<(Vec<Manifest>, Vec<Manifest>), HelmError> {
    let file = |text: &str| ChartFile {
        name: "templates/a.yaml".to_owned(),
        bytes: Arc::from(text.as_bytes()),
        origin: RepoPath::parse("web/templates/a.yaml").unwrap(),
        packed: None,
    };
    let files: Vec<ChartFile> = templates.iter().map(|(_, text)| file(text)).collect();
    let printed = templates.iter().zip(&files).map(|((source, text), file)| Printed { source, text, file });
    sort(printed.collect(), Limits::default())
}

fn shown(manifests: &[Manifest]) -> Vec<String> {
    let name = |manifest: &Manifest| {
        let (node, origin) = manifest.objects.first()?;
        Some(format!("{} {} {origin}", manifest.kind(), node.str_at(&["metadata", "name"])?))
    };
    manifests.iter().map(|manifest| name(manifest).unwrap_or_else(|| manifest.text.clone())).collect()
}

#[test]
fn documents_end_where_a_line_begins_with_dashes() {
    let check = |text: &str, expected: &[(&str, u32)]| assert_eq!(documents(text), expected, "{text:?}");
    check("", &[]);
    check("\n---\n---\n", &[]);
    check("a: 1\n", &[("a: 1\n", 1)]);
    check("---\na: 1\n---\n\n\nb: 2", &[("a: 1\n", 2), ("b: 2", 6)]);
    check("a: 1\n--- # why\nb: 2\n", &[("a: 1\n", 1), ("# why\nb: 2\n", 2)]);
    check("---a: 1", &[("a: 1", 1)]);
    check("a: '\n ---'", &[("a: '\n ---'", 1)]);
    check("------\nx", &[("---\nx", 1)]);
    check("--- ---", &[("---", 1)]);
    check("  \n\n---  \n  a: 1\n", &[("a: 1\n", 4)]);
}

#[test]
fn manifests_come_in_the_order_of_installation() {
    let text = "kind: Widget\nmetadata: {name: w}\n---\nkind: Deployment\nmetadata: {name: d}\n---\nkind: Service\nmetadata: {name: s}\n---\nkind: Apple\nmetadata: {name: a}\n---\n# only words\n";
    let (manifests, _) = sorted(&[
        ("web/templates/z.yaml", "kind: Service\nmetadata: {name: z}"),
        ("web/templates/a.yaml", text),
    ])
    .unwrap();
    assert_eq!(
        shown(&manifests),
        [
            "Service s web/templates/a.yaml:7",
            "Service z web/templates/a.yaml:1",
            "Deployment d web/templates/a.yaml:4",
            "# only words\n",
            "Apple a web/templates/a.yaml:10",
            "Widget w web/templates/a.yaml:1",
        ]
    );
}

#[test]
fn hooks_are_told_from_manifests_and_know_their_phase() {
    let hook = |events: &str, more: &str| {
        let text =
            format!("kind: Job\nmetadata:\n  name: j\n  annotations:\n    helm.sh/hook: {events}\n{more}");
        let (manifests, hooks) = sorted(&[("web/templates/a.yaml", &text)]).unwrap();
        assert!(manifests.is_empty());
        hooks.first().map(|manifest| (manifest.hook.unwrap(), manifest.test))
    };
    let is = |phase, weight, test| Some((Hook { phase, weight }, test));
    assert_eq!(hook("pre-install", ""), is(Phase::Before, 0, false));
    assert_eq!(hook("post-upgrade, pre-install", ""), is(Phase::Before, 0, false));
    assert_eq!(hook("POST-INSTALL", "    helm.sh/hook-weight: '-5'\n"), is(Phase::After, -5, false));
    assert_eq!(hook("post-delete", "    helm.sh/hook-weight: 7\n"), is(Phase::Removal, 7, false));
    assert_eq!(hook("test,post-install", "    helm.sh/hook-weight: soon\n"), is(Phase::After, 0, true));
    assert_eq!(hook("test-success", ""), is(Phase::Test, 0, true));
    assert_eq!(hook("pre-rollback", ""), is(Phase::Never, 0, false));
    assert_eq!(hook("crd-install", ""), None, "Helm installs no hook for an event that it does not know");
    assert_eq!(hook("null", ""), None);
}

#[test]
fn what_is_no_yaml_or_no_object_is_said_with_the_template_and_the_printed_line() {
    let check = |text: &str, said: &str| {
        let message = sorted(&[("web/templates/a.yaml", text)]).unwrap_err().to_string();
        assert!(message.contains(said), "{said}: {message}");
    };
    check(
        "a: 1\n---\nb: [\n",
        "web/templates/a.yaml:3: YAML parse error on what the template printed: web/templates/a.yaml:",
    );
    check("- a\n", "printed a document that is no object: the document must be a map");
    check("kind: [a]\n", "apiVersion and kind must be texts");
    check("metadata: []\n", "metadata must be a map");
    check("metadata: {annotations: [a]}\n", "metadata.annotations must be a map of texts");
    check("metadata: {annotations: {a: {}}}\n", "metadata.annotations must be a map of texts");
}

#[test]
fn what_a_helm_binary_prints_names_its_templates() {
    let text = "---\n# Source: web/templates/a.yaml\nkind: Service\nmetadata: {name: s}\n---\n# Source: web/templates/b.yaml\nkind: Job\nmetadata: {name: j, annotations: {helm.sh/hook: test}}\n";
    let files = [ChartFile {
        name: "templates/a.yaml".to_owned(),
        bytes: Arc::from(&b""[..]),
        origin: RepoPath::parse("apps/web/templates/a.yaml").unwrap(),
        packed: None,
    }];
    let chart = RepoPath::parse("apps/web").unwrap();
    let (manifests, hooks) = sourced(text, (&files, &chart), Limits::default()).unwrap();
    assert_eq!(shown(&manifests), ["Service s apps/web/templates/a.yaml:1"]);
    assert_eq!(
        (manifests[0].source.as_str(), hooks[0].source.as_str()),
        ("web/templates/a.yaml", "web/templates/b.yaml")
    );
    assert_eq!(shown(&hooks), ["Job j apps/web"]);
}
