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
    spiced(list(either(vec![(10, item), (2, gone.boxed()), (1, directive)]), 0..=most))
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
        let fixed = ["/kind", "/apiVersion", "/metadata/name"].contains(&path.as_str());
        let (mut op, mut value) = (self.op, self.value.clone());
        match held {
            _ if fixed => (op, path) = ("add", "/new".to_owned()),
            _ if self.wild && path != "/metadata" => {
                path.extend(self.behind.iter().flat_map(|part| ["/", part]))
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

/// Where a replacement reads or writes.
const FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.labels.app",
    "metadata.labels.[app.kubernetes.io/name]",
    "metadata.annotations.note",
    "metadata.annotations",
    "spec.replicas",
    "spec.template.spec.containers.0.image",
    "spec.template.spec.containers.[name=main].image",
    "spec.template.spec.containers.*.image",
    "spec.template.spec.containers.[name=main].env.[name=A].value",
    "spec.template.spec.containers.*.env.*.value",
    "spec.template.metadata.labels.app",
    "spec.ports.0.port",
    "spec.ports.[name=http].port",
    "spec.selector",
    "spec.selector.app",
    "spec.rules.0.host",
    "spec.items.[name=a].value",
    "spec.items",
    "spec.size",
    "spec.nested.deep.a",
    "data.a",
    "data.b",
    "data.config\\.yaml",
    "data.settings\\.json.a.b",
    "data",
    "type",
];

fn options() -> S {
    record(vec![
        may(0.4, "delimiter", one_of(&[":", "/", ".", "-"])),
        may(0.4, "index", raw(&["0", "1", "-1", "5"])),
        may(0.4, "create", raw(&["true", "false"])),
    ])
}

/// A replacement, for fields that objects have, or for ones of a pool.
#[derive(Debug, Clone)]
pub struct Replacement {
    source: Index,
    source_path: Index,
    options: Y,
    literal: Option<Y>,
    target: Index,
    target_path: Index,
    wild: Option<Y>,
    target_options: Option<Y>,
    style: usize,
}

pub fn replacement() -> impl Strategy<Value = Replacement> {
    let options =
        record(vec![may(0.8, "delimiter", one_of(&[":", "/", "."])), may(0.4, "index", raw(&["0", "1"]))]);
    let wild = record(vec![
        must("select", selector()),
        may(0.2, "reject", list(selector(), 1..=1)),
        may(0.9, "fieldPaths", list(one_of(FIELDS), 1..=2)),
    ]);
    (
        (any::<Index>(), any::<Index>(), either(vec![(4, raw(&["null"])), (1, options)])),
        prop::option::weighted(0.1, tempting()),
        (any::<Index>(), any::<Index>(), prop::option::weighted(0.2, wild)),
        prop::option::weighted(0.4, self::options()),
        0_usize..4,
    )
        .prop_map(
            |(
                (source, source_path, options),
                literal,
                (target, target_path, wild),
                target_options,
                style,
            )| Replacement {
                source,
                source_path,
                options,
                literal,
                target,
                target_path,
                wild,
                target_options,
                style,
            },
        )
}

/// A path with dots. Elements of lists are written by position, by name, or all of them.
fn dotted(object: &Y, parts: &[String], style: usize) -> String {
    let mut here = object;
    let mut written = Vec::new();
    for part in parts {
        let next = match here {
            Y::Seq(items) => part.parse::<usize>().ok().and_then(|at| items.get(at)),
            value => value.get(part),
        };
        let Some(next) = next else { break };
        written.push(match (here, next.text_at(&["name"])) {
            (Y::Seq(_), name) if style == 1 && !name.is_empty() => format!("[name={name}]"),
            (Y::Seq(_), _) if style == 2 => "*".to_owned(),
            (Y::Map(_), _) if part.contains('.') && style == 3 => format!("[{part}]"),
            _ => part.replace('.', "\\."),
        });
        here = next;
    }
    written.join(".")
}

impl Replacement {
    pub fn written(&self, objects: &[Y]) -> Y {
        let named = |object: &Y| {
            Y::map([
                ("kind", Y::text(object.text_at(&["kind"]))),
                ("name", Y::text(object.text_at(&["metadata", "name"]))),
            ])
        };
        // Copying whole metadata copies the notes of the reference, and a number is no name: neither is of interest.
        let interesting = |parts: &[String]| {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            !matches!(
                parts[..],
                ["metadata"] | ["metadata", "name" | "annotations"] | ["kind" | "apiVersion"]
            )
        };
        // A literal has no type, which shows when it takes the place of a list or a map: another quirk without interest.
        let splits = self.options != Y::Raw("null") || self.target_options.is_some();
        let fits = |value: &Y| (self.literal.is_none() && !splits) || matches!(value, Y::Raw(_) | Y::Text(_));
        let path = |object: &Y, index: &Index, style| {
            let paths: Vec<_> = object
                .paths()
                .into_iter()
                .filter(|(parts, value)| interesting(parts) && fits(value))
                .map(|(parts, _)| parts)
                .collect();
            match paths.get(index.index(paths.len().max(1))) {
                Some(parts) => dotted(object, parts, style),
                None => "metadata.labels".to_owned(),
            }
        };
        let source = &objects[self.source.index(objects.len())];
        let mut from = named(source);
        // A path of a source names one value: a wildcard would only be an error.
        from.set("fieldPath", Y::text(path(source, &self.source_path, self.style % 2)));
        if self.options != Y::Raw("null") {
            from.set("options", self.options.clone());
        }
        let target = &objects[self.target.index(objects.len())];
        let mut to = self.wild.clone().unwrap_or_else(|| {
            Y::map([
                ("select", named(target)),
                ("fieldPaths", Y::Seq(vec![Y::text(path(target, &self.target_path, self.style))])),
            ])
        });
        if let Some(options) = &self.target_options {
            to.set("options", options.clone());
        }
        let from = match &self.literal {
            Some(literal) => ("sourceValue", literal.clone()),
            None => ("source", from),
        };
        Y::map([from, ("targets", Y::Seq(vec![to]))])
    }
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
    let image = record(vec![
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
    ]);
    let label_entry = record(vec![
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
    ]);
    let global = record(vec![
        may(0.5, "disableNameSuffixHash", raw(&["true", "false"])),
        may(0.3, "labels", dictionary(LABELS, text("g"), 1)),
        may(0.3, "annotations", dictionary(&["note"], text("g"), 1)),
        may(0.1, "immutable", raw(&["true"])),
    ]);
    record(vec![
        may(0.35, "namePrefix", one_of(&["a-", "pre-", "x"])),
        may(0.2, "nameSuffix", one_of(&["-z", "-v1"])),
        may(0.3, "namespace", one_of(NAMESPACES)),
        may(0.2, "commonLabels", dictionary(LABELS, one_of(&["common", "yes", "1"]), 2)),
        may(0.2, "labels", list(label_entry, 1..=2)),
        may(0.2, "commonAnnotations", dictionary(&["note", "by"], one_of(TEXTS), 2)),
        may(0.25, "images", list(image, 1..=2)),
        may(
            0.08,
            "replicas",
            list(record(vec![must("name", one_of(NAMES)), must("count", raw(&["0", "4"]))]), 1..=1),
        ),
        may(0.15, "generatorOptions", global),
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

/// A document of `transformers`.
pub fn transformer() -> S {
    let of = |kind: &'static str, mut members: Vec<super::text::Member>| {
        let mut all = vec![
            must("apiVersion", text("builtin")),
            must("kind", text(kind)),
            must(
                "metadata",
                record(vec![must("name", one_of(&["t1", "t2", "t3"])), may(0.4, "namespace", text("ops"))]),
            ),
        ];
        all.append(&mut members);
        record(all)
    };
    let specs = |texts: &'static [&'static str]| raw(texts);
    either(vec![
        (
            2,
            of(
                "LabelTransformer",
                vec![
                    must("labels", raw(&["{t: \"1\"}", "{t: 1, u: true}"])),
                    must(
                        "fieldSpecs",
                        specs(&[
                            "[{path: metadata/labels, create: true}]",
                            "[{path: spec/labels, kind: Widget, create: true}, {path: metadata/labels}]",
                        ]),
                    ),
                ],
            ),
        ),
        (
            2,
            of(
                "AnnotationsTransformer",
                vec![
                    must("annotations", raw(&["{t: x}"])),
                    must("fieldSpecs", specs(&["[{path: metadata/annotations, create: true}]"])),
                ],
            ),
        ),
        (
            2,
            of(
                "NamespaceTransformer",
                vec![
                    may(0.5, "unsetOnly", raw(&["true"])),
                    may(
                        0.4,
                        "setRoleBindingSubjects",
                        one_of(&["none", "allServiceAccounts", "defaultOnly"]),
                    ),
                    must(
                        "fieldSpecs",
                        specs(&[
                            "[{path: metadata/namespace, create: true}]",
                            "[{path: metadata/name, kind: Namespace, create: true}]",
                        ]),
                    ),
                ],
            ),
        ),
        (
            2,
            of(
                "PrefixTransformer",
                vec![
                    must("prefix", text("t-")),
                    must(
                        "fieldSpecs",
                        specs(&["[{path: metadata/name}]", "[{path: metadata/name, kind: Deployment}]"]),
                    ),
                ],
            ),
        ),
        (
            1,
            of(
                "PrefixSuffixTransformer",
                vec![
                    must("prefix", text("t-")),
                    may(0.5, "suffix", text("-t")),
                    must("fieldSpecs", specs(&["[{path: metadata/name}]"])),
                ],
            ),
        ),
        (
            1,
            of(
                "SuffixTransformer",
                vec![must("suffix", text("-t")), must("fieldSpecs", specs(&["[{path: metadata/name}]"]))],
            ),
        ),
        (
            1,
            of(
                "ImageTagTransformer",
                vec![
                    must("imageTag", raw(&["{name: nginx, newTag: t}"])),
                    may(0.5, "fieldSpecs", specs(&["[{path: spec/template/spec/containers/image}]", "[]"])),
                ],
            ),
        ),
        (
            1,
            of(
                "ReplicaCountTransformer",
                vec![
                    must("replica", record(vec![must("name", one_of(NAMES)), must("count", raw(&["9"]))])),
                    must("fieldSpecs", specs(&["[{path: spec/replicas, create: true, kind: Deployment}]"])),
                ],
            ),
        ),
        (
            1,
            of(
                "PatchTransformer",
                vec![
                    must("patch", text("[{op: add, path: /metadata/labels/pt, value: x}]")),
                    must("target", selector()),
                ],
            ),
        ),
        (
            1,
            of(
                "ValueAddTransformer",
                vec![
                    must("value", one_of(&["v", "8"])),
                    must(
                        "targets",
                        list(
                            record(vec![
                                may(0.8, "selector", selector()),
                                must(
                                    "fieldPath",
                                    one_of(&[
                                        "metadata/namespace",
                                        "metadata/annotations/va",
                                        "spec/replicas",
                                        "metadata/labels/app",
                                    ]),
                                ),
                                may(0.3, "filePathPosition", raw(&["1", "2"])),
                            ]),
                            1..=1,
                        ),
                    ),
                ],
            ),
        ),
        (1, of("HashTransformer", vec![])),
    ])
}
