use super::super::schema::Schemas;
use super::*;
use crate::yaml::{Loader, Profile};

/// Cases measured on the reference; `container` is one member of a container.
#[test]
fn lists_merge_as_measured_on_the_reference() {
    fn check(target: &str, patch: &str, expected: &str) {
        let wrap = |member: &str| {
            let text = format!(
                "{{apiVersion: apps/v1, kind: Deployment, spec: {{template: {{spec: {{containers: [{{name: a, {member}}}]}}}}}}}}"
            );
            Loader::new(Profile::Kustomize).load("f", text.as_bytes()).unwrap().remove(0)
        };
        let merged = merge(wrap(target), wrap(patch), &Schemas::default()).unwrap().unwrap();
        let expected = wrap(expected);
        assert_eq!(merged.to_json(), expected.to_json(), "{target} + {patch}");
    }
    check(
        "env: [{name: A}, {name: B}]",
        "env: [{name: B, value: x}]",
        "env: [{name: B, value: x}, {name: A}]",
    );
    check("env: [{name: A}, {name: B}]", "env: [{name: B, $patch: delete}]", "env: [{name: A}]");
    check("env: [{name: A}]", "env: [{name: A, $patch: delete}]", "env: []");
    check(
        "env: [{name: A, value: x}]",
        "env: [{name: A, value: ~, valueFrom: {x: ~}}]",
        "env: [{name: A, valueFrom: {}}]",
    );
    check("env: [{name: A}]", "env: [{$patch: replace}, {name: C}]", "env: [{name: C}]");
    check(
        "env: [{name: X, value: a}, {name: X, value: b}]",
        "env: [{name: X, value: c}]",
        "env: [{name: X, value: b}]",
    );
    check(
        "env: [{name: X}]",
        "env: [{name: X, value: c}, {name: X, value: d}]",
        "env: [{name: X, value: c}]",
    );
    check("args: [a, b]", "args: [c]", "args: [c]");
    check("x: [{a: 1}]", "x: [{$patch: delete}]", "x: [{$patch: delete}]");
    check(
        "ports: [{containerPort: 80, protocol: TCP, name: w}]",
        "ports: [{containerPort: 80, name: q}]",
        "ports: [{containerPort: 80, protocol: TCP, name: w}]",
    );
    check(
        "ports: [{containerPort: 80, name: w}]",
        "ports: [{containerPort: 80, name: q}]",
        "ports: [{containerPort: 80, name: q}]",
    );
    check("x: {a: 1, b: 2}", "x: {$patch: replace, c: 3}", "x: {c: 3}");
    check("x: {a: ~, b: 2}", "x: {b: ~}", "x: {a: ~}");
    check("y: 1", "x: {a: {c: ~, $patch: delete}, b: [{d: ~}]}", "y: 1, x: {b: [{d: ~}]}");
}
