//! Generated documents of `transformers`.

use super::changes::selector;
use super::objects::NAMES;
use super::text::{Member, S, either, list, may, must, one_of, raw, record, text};

const EVERYWHERE: &[&str] = &["[{path: metadata/labels, create: true}]"];
const LABELS_OF_SOME: &[&str] = &[
    "[{path: metadata/labels, create: true}]",
    "[{path: spec/labels, kind: Widget, create: true}, {path: metadata/labels}]",
];
const ANNOTATIONS: &[&str] = &["[{path: metadata/annotations, create: true}]"];
const NAME: &[&str] = &["[{path: metadata/name}]"];
const NAME_OF_SOME: &[&str] = &["[{path: metadata/name}]", "[{path: metadata/name, kind: Deployment}]"];
const NAMESPACE: &[&str] =
    &["[{path: metadata/namespace, create: true}]", "[{path: metadata/name, kind: Namespace, create: true}]"];
const IMAGE: &[&str] = &["[{path: spec/template/spec/containers/image}]", "[]"];
const REPLICAS: &[&str] = &["[{path: spec/replicas, create: true, kind: Deployment}]"];

/// A document of `transformers`.
pub fn transformer() -> S {
    either(vec![(5, texts()), (6, identities()), (4, contents())])
}

fn of(kind: &'static str, mut members: Vec<Member>) -> S {
    let metadata =
        record(vec![must("name", one_of(&["t1", "t2", "t3"])), may(0.4, "namespace", text("ops"))]);
    let mut all =
        vec![must("apiVersion", text("builtin")), must("kind", text(kind)), must("metadata", metadata)];
    all.append(&mut members);
    record(all)
}

fn specs(texts: &'static [&'static str]) -> Member {
    must("fieldSpecs", raw(texts))
}

fn texts() -> S {
    let labels = must("labels", raw(&["{t: \"1\"}", "{t: 1, u: true}"]));
    either(vec![
        (2, of("LabelTransformer", vec![labels, specs(LABELS_OF_SOME)])),
        (2, of("AnnotationsTransformer", vec![must("annotations", raw(&["{t: x}"])), specs(ANNOTATIONS)])),
        (1, of("LabelTransformer", vec![must("labels", raw(&["{t: yes}"])), specs(EVERYWHERE)])),
    ])
}

fn identities() -> S {
    let subjects = one_of(&["none", "allServiceAccounts", "defaultOnly"]);
    let namespace = vec![
        may(0.5, "unsetOnly", raw(&["true"])),
        may(0.4, "setRoleBindingSubjects", subjects),
        specs(NAMESPACE),
    ];
    let both = vec![must("prefix", text("t-")), may(0.5, "suffix", text("-t")), specs(NAME)];
    either(vec![
        (2, of("NamespaceTransformer", namespace)),
        (2, of("PrefixTransformer", vec![must("prefix", text("t-")), specs(NAME_OF_SOME)])),
        (1, of("PrefixSuffixTransformer", both)),
        (1, of("SuffixTransformer", vec![must("suffix", text("-t")), specs(NAME)])),
        (1, of("HashTransformer", vec![])),
    ])
}

fn contents() -> S {
    let image =
        vec![must("imageTag", raw(&["{name: nginx, newTag: t}"])), may(0.5, "fieldSpecs", raw(IMAGE))];
    let replica = record(vec![must("name", one_of(NAMES)), must("count", raw(&["9"]))]);
    let position = vec![may(0.3, "filePathPosition", raw(&["1", "2"]))];
    let patch = text("[{op: add, path: /metadata/labels/pt, value: x}]");
    either(vec![
        (1, of("ImageTagTransformer", image)),
        (1, of("ReplicaCountTransformer", vec![must("replica", replica), specs(REPLICAS)])),
        (1, of("PatchTransformer", vec![must("patch", patch), must("target", selector())])),
        (
            1,
            value_add(
                "v",
                position,
                &["metadata/namespace", "metadata/annotations/va", "metadata/labels/app"],
            ),
        ),
        (1, value_add("8", vec![], &["spec/replicas"])),
    ])
}

fn value_add(value: &'static str, mut more: Vec<Member>, paths: &'static [&'static str]) -> S {
    more.extend([may(0.8, "selector", selector()), must("fieldPath", one_of(paths))]);
    let target = record(more);
    of("ValueAddTransformer", vec![must("value", text(value)), must("targets", list(target, 1..=1))])
}
