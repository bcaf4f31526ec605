//! Several files in one input, in a form that people can write and a fuzzer can cut: `=== name` begins a file, `=== name -> target` is a symlink.

use render::MemTree;

/// The files of an input; what stands before the first mark has the empty name.
pub fn parts(bytes: &[u8]) -> Vec<(String, &[u8])> {
    let mut parts = Vec::new();
    let (mut name, mut start, mut at) = (String::new(), 0, 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if let Some(next) = line.strip_prefix(b"=== ") {
            parts.push((std::mem::take(&mut name), &bytes[start..at]));
            name = String::from_utf8_lossy(next).trim().to_owned();
            start = at + line.len();
        }
        at += line.len();
    }
    parts.push((name, &bytes[start..]));
    parts
}

/// Two parts: what stands before the first mark, and what after it.
pub fn pair(bytes: &[u8]) -> (&[u8], &[u8]) {
    let parts = parts(bytes);
    (parts[0].1, parts.get(1).map_or(&[], |(_, part)| part))
}

/// Puts the named files into a tree.
pub fn into_tree(bytes: &[u8], tree: MemTree) -> MemTree {
    parts(bytes).into_iter().filter(|(name, _)| !name.is_empty()).fold(tree, |tree, (name, part)| match name
        .split_once(" -> ")
    {
        Some((link, target)) => tree.with_symlink(link, target),
        None => tree.with(&name, part),
    })
}

/// JSON, or YAML that becomes JSON; nothing else.
pub fn json(bytes: &[u8]) -> Option<serde_json::Value> {
    let loader = render::yaml::Loader::new(render::yaml::Profile::Kubectl);
    let mut documents = loader.load("input", bytes).ok()?;
    (documents.len() == 1).then(|| documents.remove(0).to_json())
}
