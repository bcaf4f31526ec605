//! What holds of every render.

use render::yaml::{Limits, Loader, Profile};
use render::{
    EngineLimits, EngineOptions, HelmOptions, KustomizeOptions, MemTree, PlainOptions, RenderOptions,
    Rendered, RepoPath, Tree, render_unit,
};

/// A value that no error may repeat.
pub const CANARY: &str = "c4n4ry-4ud1t";

/// Objects that one render may have here.
const MAX_OBJECTS: usize = 200;
/// Bytes that the templates of one render may print here.
const MAX_OUTPUT: u64 = 1 << 20;

/// Limits that an input of a few kilobytes can reach.
pub fn options() -> RenderOptions {
    let limits = EngineLimits {
        steps: 100_000,
        output_bytes: MAX_OUTPUT,
        produced_bytes: 4 << 20,
        include_depth: 100,
    };
    RenderOptions {
        limits: Limits { file_bytes: 1 << 20, nodes: 20_000, depth: 60, documents: 200 },
        plain: PlainOptions { max_objects: MAX_OBJECTS, ..PlainOptions::default() },
        kustomize: KustomizeOptions { max_objects: MAX_OBJECTS, ..KustomizeOptions::default() },
        helm: HelmOptions {
            max_objects: MAX_OBJECTS,
            templates: EngineOptions { limits, now_unix_s: None },
            ..HelmOptions::default()
        },
        ..RenderOptions::default()
    }
}

/// Renders the unit at `path` and holds the laws: equal trees give equal bytes and equal errors; limits hold; only the tree is read; what is printed reads
/// back as the objects; an error says something, and no value of a file.
pub fn rendered(tree: &MemTree, path: &str, options: &RenderOptions) -> Result<Rendered, String> {
    let path = RepoPath::parse(path).unwrap();
    let once = render_unit(tree, &path, options).map_err(|error| error.to_string());
    let twice = render_unit(tree, &path, options).map_err(|error| error.to_string());
    match (&once, &twice) {
        (Ok(a), Ok(b)) => {
            assert_eq!(a.to_yaml(), b.to_yaml(), "two renders of one tree differ");
            hold(a, tree);
        }
        (Err(a), Err(b)) => {
            assert_eq!(a, b, "two renders of one tree fail differently");
            assert!(!a.is_empty(), "an error without a word");
            assert!(!a.contains(CANARY), "an error repeats what a file holds: {a}");
        }
        _ => assert!(once.is_ok() == twice.is_ok(), "one of two renders of one tree fails"),
    }
    once
}

fn hold(rendered: &Rendered, tree: &MemTree) {
    assert!(rendered.objects.len() <= MAX_OBJECTS, "{} objects", rendered.objects.len());
    if let Some(printed) = &rendered.printed {
        assert!(printed.len() as u64 <= 2 * MAX_OUTPUT, "{} bytes", printed.len());
    }
    for file in &rendered.read.files {
        assert!(tree.entry(file).unwrap().is_some(), "{file} was read and is not in the tree");
    }
    for object in &rendered.objects {
        // A patch may take its kind away; whoever applies it refuses it then.
        assert!(object.object.as_map().is_some(), "what is no map, from {}", object.origin);
        let text = object.to_yaml();
        let again = Loader::new(Profile::Kustomize).load("printed", text.as_bytes());
        assert!(again.is_ok(), "{again:?}\n{text}");
        let again = again.unwrap();
        assert_eq!(again.len(), 1, "{text}");
        // Printed as kustomize prints them, for whom they break lines; for the loader they are characters (docs/SHORTCOMINGS.md).
        if !text.contains(['\u{85}', '\u{2028}', '\u{2029}']) {
            assert_eq!(again[0].to_json(), object.to_json(), "{text}");
        }
    }
}
