//! Generated changes: patches, replacements, selectors, and what generators and the small transformers are told.

use proptest::prelude::*;
use proptest::sample::Index;

use super::objects::{
    CONTAINERS, IMAGES, KEYS, LABELS, NAMES, NAMESPACES, TEXTS, anything, container, env, mount, name,
    pod_spec, port, template, tempting, volume,
};
use super::text::{S, Y, dictionary, either, list, may, must, one_of, raw, record, set_of, text};

/// What a strategic patch may say about a value: itself, that it goes, or how it is merged.
fn spiced(value: S) -> S {
    either(vec![
        (50, value),
        (3, raw(&["null"])),
        (1, raw(&["{$patch: delete}", "{$patch: replace, x: y}", "{}", "[]"])),
    ])
}

fn directed(item: S, most: usize) -> S {
    let directive = raw(&["{$patch: replace}", "{$patch: delete}", "{$patch: merge}"]);
    let gone = item.clone().prop_map(|mut item| {
        item.set("$patch", Y::text("delete"));
        item
    });
    let items = list(either(vec![(10, item), (2, gone.boxed()), (1, directive)]), 0..=most);
    spiced(items.prop_map(without_contradictions).boxed())
}

/// A directive about the list beside ones about its elements is a contradiction, and what comes out an accident of the reference's steps.
fn without_contradictions(mut list: Y) -> Y {
    let is_directive = |item: &Y| matches!(item, Y::Raw(text) if text.starts_with("{$patch"));
    if let Y::Seq(items) = &mut list
        && let Some(first) = items.iter().position(is_directive)
    {
        let mut at = 0..;
        items
            .retain(|item| at.next() == Some(first) || (!is_directive(item) && item.get("$patch").is_none()));
    }
    list
}

fn pod_spec_patch() -> S {
    let partial = record(vec![
        may(0.97, "name", one_of(CONTAINERS)),
        may(0.4, "image", spiced(one_of(IMAGES))),
        may(0.4, "env", directed(env(), 3)),
        may(0.3, "ports", directed(port(), 3)),
        may(0.2, "volumeMounts", directed(mount(), 2)),
        may(0.2, "args", spiced(list(tempting(), 0..=2))),
        may(0.1, "resources", spiced(raw(&["{limits: {cpu: \"2\"}}", "{limits: null}"]))),
    ]);
    either(vec![
        (
            4,
            record(vec![
                may(0.7, "containers", directed(either(vec![(3, partial.clone()), (1, container())]), 2)),
                may(0.2, "initContainers", directed(partial, 1)),
                may(0.3, "volumes", directed(volume(), 2)),
                may(0.2, "imagePullSecrets", directed(record(vec![must("name", name())]), 2)),
                may(0.1, "nodeSelector", spiced(dictionary(&["disk", "zone"], spiced(tempting()), 2))),
                may(0.1, "tolerations", spiced(raw(&["[{key: z}]", "[]"]))),
                may(
                    0.1,
                    "hostAliases",
                    directed(record(vec![must("ip", one_of(&["1.1.1.1", "3.3.3.3"]))]), 2),
                ),
            ]),
        ),
        (1, pod_spec()),
    ])
}

fn spec_patch() -> S {
    let service_port = record(vec![
        may(0.95, "port", raw(&["80", "443", "9"])),
        may(0.4, "protocol", one_of(&["TCP", "UDP"])),
        may(0.4, "name", one_of(&["http", "new"])),
    ]);
    let in_template = record(vec![
        may(
            0.3,
            "metadata",
            record(vec![
                may(0.8, "labels", dictionary(LABELS, spiced(text("p")), 2)),
                may(0.3, "annotations", spiced(dictionary(&["note", "p"], spiced(tempting()), 2))),
            ]),
        ),
        may(0.9, "spec", spiced(pod_spec_patch())),
    ]);
    either(vec![
        (
            6,
            record(vec![
                may(0.4, "replicas", spiced(raw(&["7"]))),
                may(0.8, "template", spiced(in_template)),
                may(0.1, "selector", spiced(raw(&["{matchLabels: {p: q}}"]))),
                may(
                    0.1,
                    "strategy",
                    spiced(raw(&[
                        "{type: Recreate, rollingUpdate: null}",
                        "{$retainKeys: [type], type: Recreate}",
                    ])),
                ),
            ]),
        ),
        (
            2,
            record(vec![
                may(0.8, "ports", directed(service_port, 3)),
                may(0.4, "selector", spiced(dictionary(LABELS, spiced(text("p")), 2))),
            ]),
        ),
        (2, pod_spec_patch()),
        (
            2,
            record(vec![
                may(
                    0.6,
                    "items",
                    directed(
                        record(vec![must("name", one_of(&["a", "c"])), may(0.5, "value", anything())]),
                        2,
                    ),
                ),
                may(0.3, "size", spiced(anything())),
                may(0.2, "nested", spiced(raw(&["{deep: {a: null, z: 1}}", "{containers: []}"]))),
            ]),
        ),
        (1, template()),
    ])
}

/// The body of a strategic patch; kind and name come from the object it is for.
pub fn strategic() -> S {
    let metadata = record(vec![
        may(0.4, "labels", spiced(dictionary(LABELS, spiced(tempting()), 2))),
        may(0.4, "annotations", spiced(dictionary(&["note", "p"], spiced(anything()), 2))),
        may(0.05, "finalizers", directed_texts()),
    ]);
    record(vec![
        may(0.5, "metadata", metadata),
        may(0.6, "spec", spiced(spec_patch())),
        may(0.3, "data", spiced(dictionary(KEYS, spiced(anything()), 3))),
        may(0.05, "rules", spiced(raw(&["[{verbs: [list]}]", "[]"]))),
        may(
            0.05,
            "webhooks",
            directed(
                record(vec![
                    must("name", one_of(&["a.example.com", "c.example.com"])),
                    may(0.5, "sideEffects", text("None")),
                ]),
                2,
            ),
        ),
        may(0.03, "$patch", one_of(&["delete", "replace", "merge"])),
    ])
}

fn directed_texts() -> S {
    spiced(list(one_of(&["a/b", "e/f"]), 0..=2))
}

/// One JSON operation, for a path that the object has.
#[derive(Debug, Clone)]
pub struct Operation {
    op: &'static str,
    path: Index,
    value: Y,
    /// Whether the operation need not fit what is there.
    wild: bool,
    /// What is put behind the path then: a new member, or the end of a list.
    behind: Option<&'static str>,
}

pub fn operation() -> impl Strategy<Value = Operation> {
    let op = prop::sample::select(vec!["add", "add", "add", "replace", "replace", "remove", "test", "copy"]);
    let value = either(vec![
        (4, anything()),
        (2, raw(&["{a: b}", "[1, 2]", "{name: main, image: nginx}", "{}", "[]"])),
    ]);
    let behind = prop::option::weighted(0.3, prop::sample::select(vec!["new", "-", "0", "-1", "x~1y"]));
    (op, any::<Index>(), value, prop::bool::weighted(0.1), behind)
        .prop_map(|(op, path, value, wild, behind)| Operation { op, path, value, wild, behind })
}

impl Operation {
    /// The operation as it is written for this object.
    pub fn written(&self, object: &Y) -> Y {
        let paths = object.paths();
        let (parts, held) = &paths[self.path.index(paths.len())];
        let escaped = |part: &String| format!("/{}", part.replace('~', "~0").replace('/', "~1"));
        let mut path: String = parts.iter().map(escaped).collect();
        // What identifies an object is better left to the other changes.
        let (mut op, mut value) = (self.op, self.value.clone());
        let fixed = match path.as_str() {
            "/kind" | "/apiVersion" | "/metadata/name" => true,
            // A namespace that is no text means nothing to an API server, and nothing to us.
            "/metadata/namespace" => !matches!(value, Y::Text(_)),
            _ => false,
        };
        match held {
            _ if fixed => (op, path) = ("add", "/new".to_owned()),
            _ if self.wild && path != "/metadata" => {
                path.extend(self.behind.iter().flat_map(|part| ["/", part]));
            }
            Y::Map(_) => (op, path) = ("add", format!("{path}/new")),
            Y::Seq(items) => {
                path = format!("{path}/{}", if items.is_empty() { "-" } else { "0" });
                (op, value) = ("add", items.first().cloned().unwrap_or(Y::Raw("{}")));
            }
            _ if op == "test" => value = (*held).clone(),
            _ => {}
        }
        let mut written = Y::map([("op", Y::text(op)), ("path", Y::text(path))]);
        match op {
            "copy" => written.set("from", Y::text("/kind")),
            "remove" => {}
            _ => written.set("value", value),
        }
        written
    }
}

/// What chooses objects.
pub fn selector() -> S {
    record(vec![
        may(
            0.6,
            "kind",
            one_of(&[
                "Deployment",
                "Service",
                "ConfigMap",
                "StatefulSet",
                "Widget",
                "Deployment|Service",
                "Secret",
                ".*Set",
            ]),
        ),
        may(0.4, "name", one_of(&["web", "api", "web.*", ".*", "db|cache", "we"])),
        may(0.1, "namespace", one_of(&["shop", "default", "s.*"])),
        may(0.1, "group", one_of(&["apps", "a.*"])),
        may(0.1, "version", one_of(&["v1", "v.*"])),
        may(0.1, "labelSelector", one_of(&["app=web", "app in (web, x),!team", "app", "app!=x"])),
        may(0.1, "annotationSelector", one_of(&["note=plain", "!note"])),
    ])
}

/// An entry of `configMapGenerator` or `secretGenerator`. The files it names are those of [`FILES`].
pub fn generator() -> S {
    let options = record(vec![
        may(0.4, "labels", dictionary(LABELS, one_of(TEXTS), 2)),
        may(0.4, "annotations", dictionary(&["note", "g"], one_of(TEXTS), 2)),
        may(0.3, "disableNameSuffixHash", raw(&["true", "false"])),
        may(0.1, "immutable", raw(&["true"])),
    ]);
    record(vec![
        must("name", one_of(&["settings", "settings", "web", "creds"])),
        may(0.2, "namespace", one_of(NAMESPACES)),
        may(0.15, "behavior", one_of(&["create", "merge", "replace"])),
        may(
            0.5,
            "literals",
            set_of(
                one_of(&[
                    "a=1",
                    "b=x=y",
                    "c='quoted'",
                    "d=\"q",
                    "e=",
                    "f=multi\nline",
                    "a b=1",
                    "V=$(WEB_NAME)",
                ]),
                0..=2,
            ),
        ),
        may(
            0.3,
            "files",
            set_of(
                one_of(&["app.properties", "renamed=app.properties", "conf/binary.bin", "conf/long.txt"]),
                0..=2,
            ),
        ),
        may(0.2, "envs", list(one_of(&["vars.env"]), 1..=1)),
        may(0.05, "env", text("vars.env")),
        may(0.3, "options", options),
    ])
}

/// What generators may read, in every directory that has one.
pub const FILES: &[(&str, &[u8])] = &[
    ("app.properties", b"key=value\nother=1\n"),
    (
        "conf/binary.bin",
        &[
            0, 159, 146, 150, 255, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21,
            22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45,
            46, 47, 48, 49, 50, 51, 52, 53, 54, 55, 56, 57, 58, 59, 60,
        ],
    ),
    (
        "conf/long.txt",
        b"a text that needs more than one line of base64 because it goes on for a while\nand has two lines",
    ),
    ("vars.env", b"\xef\xbb\xbf# comment\n\n  A=1\nB = two \nC\nD='q'\nE=x=y\r\n"),
];

/// Fields of a kustomization that need no objects to be right.
pub fn settings() -> S {
    record(vec![
        may(0.35, "namePrefix", one_of(&["a-", "pre-", "x"])),
        may(0.2, "nameSuffix", one_of(&["-z", "-v1"])),
        may(0.3, "namespace", one_of(NAMESPACES)),
        may(0.2, "commonLabels", dictionary(LABELS, one_of(&["common", "yes", "1"]), 2)),
        may(0.2, "labels", list(label_entry(), 1..=2)),
        may(0.2, "commonAnnotations", dictionary(&["note", "by"], one_of(TEXTS), 2)),
        may(0.25, "images", list(image_entry(), 1..=2)),
        may(
            0.08,
            "replicas",
            list(record(vec![must("name", one_of(NAMES)), must("count", raw(&["0", "4"]))]), 1..=1),
        ),
        may(0.15, "generatorOptions", global_options()),
        may(
            0.05,
            "buildMetadata",
            raw(&[
                "[originAnnotations]",
                "[transformerAnnotations]",
                "[originAnnotations, transformerAnnotations]",
                "[]",
            ]),
        ),
        may(
            0.1,
            "sortOptions",
            raw(&[
                "{order: fifo}",
                "{order: legacy}",
                "{order: legacy, legacySortOptions: {orderFirst: [Service, Widget], orderLast: [ConfigMap]}}",
            ]),
        ),
    ])
}

fn image_entry() -> S {
    record(vec![
        must(
            "name",
            one_of(&[
                "nginx",
                "registry.example.com:5000/team/web",
                "docker.io/library/redis",
                ".*",
                "foo.bar/nginx",
            ]),
        ),
        may(0.3, "newName", one_of(&["mirror/nginx", "host:1/x"])),
        may(0.5, "newTag", one_of(&["v2", "1.0"])),
        may(0.2, "digest", text("sha256:cccc")),
        may(0.1, "tagSuffix", text("-debug")),
    ])
}

fn label_entry() -> S {
    record(vec![
        must("pairs", dictionary(&["team", "owner", "app"], one_of(&["a", "yes", "1.0", ""]), 2)),
        may(0.4, "includeSelectors", raw(&["true", "false"])),
        may(0.4, "includeTemplates", raw(&["true", "false"])),
        may(
            0.1,
            "fields",
            raw(&[
                "[{path: spec/labels, create: true, kind: Widget}]",
                "[{path: spec/template/metadata/labels, kind: Widget}]",
            ]),
        ),
    ])
}

fn global_options() -> S {
    record(vec![
        may(0.5, "disableNameSuffixHash", raw(&["true", "false"])),
        may(0.3, "labels", dictionary(LABELS, text("g"), 1)),
        may(0.3, "annotations", dictionary(&["note"], text("g"), 1)),
        may(0.1, "immutable", raw(&["true"])),
    ])
}
