//! A whole repository: `gitstellar.yaml`, units of every dialect, policies and clusters.

use apimachinery::kinds::KindTable;
use hub::declare::{declare, limited};
use render::MemTree;

use super::bundle;

/// `gitstellar.yaml` is what stands before the first mark, unless that is empty.
pub fn repository(bytes: &[u8]) {
    let (first, _) = bundle::pair(bytes);
    let tree = MemTree::of(&[
        ("apps/web/cm.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: web}, data: {k: v}}\n"),
        ("apps/api/kustomization.yaml", "resources: [cm.yaml]\nnamePrefix: x-\n"),
        ("apps/api/cm.yaml", "{apiVersion: v1, kind: ConfigMap, metadata: {name: api}}\n"),
    ]);
    let tree = if first.is_empty() { tree } else { tree.with("gitstellar.yaml", first) };
    let tree = bundle::into_tree(bytes, tree);
    let once = declare(&tree, "", KindTable::built_in(), &limited());
    let twice = declare(&tree, "", KindTable::built_in(), &limited());
    let (Ok(once), Ok(twice)) = (&once, &twice) else {
        assert_eq!(once.err().map(|error| error.to_string()), twice.err().map(|error| error.to_string()));
        return;
    };
    assert_eq!(format!("{:?}", once.declaration), format!("{:?}", twice.declaration));
    let units = &once.declaration.units;
    assert!(units.is_sorted_by(|a, b| a.name < b.name), "units are sorted, of one name there is one");
    for unit in units {
        assert!(unit.failure.is_none() || unit.objects.is_empty(), "a failed unit has objects");
        for object in unit.objects.iter() {
            let label = object.object.header().label(plan::UNIT_LABEL);
            assert_eq!(label, Some(unit.name.as_str()), "{}", object.origin);
        }
    }
    let texts = once.declaration.findings.iter().chain(units.iter().filter_map(|unit| unit.failure.as_ref()));
    for finding in texts {
        assert!(!finding.message.is_empty());
    }
}
