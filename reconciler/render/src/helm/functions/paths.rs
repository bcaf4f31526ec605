//! Sprig's functions for paths. Those for the operating system do the same: it is the one of containers.
//! They work on bytes: a path that is no UTF-8 stays what it is.

use super::Param::Text as AText;
use super::{Body, Function, fixed, text};
use crate::helm::value::Value;

const BASE: Body = |_, arguments| Ok(Value::text(base(text(arguments, 0).as_bytes())));
const DIR: Body = |_, arguments| Ok(Value::text(dir(text(arguments, 0).as_bytes())));
const CLEAN: Body = |_, arguments| Ok(Value::text(clean(text(arguments, 0).as_bytes())));
const EXT: Body = |_, arguments| Ok(Value::text(ext(text(arguments, 0).as_bytes())));
const IS_ABS: Body = |_, arguments| Ok(Value::Bool(text(arguments, 0).as_bytes().starts_with(b"/")));

pub(super) const TABLE: &[Function] = &[
    fixed("base", &[AText], BASE),
    fixed("dir", &[AText], DIR),
    fixed("clean", &[AText], CLEAN),
    fixed("ext", &[AText], EXT),
    fixed("isAbs", &[AText], IS_ABS),
    fixed("osBase", &[AText], BASE),
    fixed("osDir", &[AText], DIR),
    fixed("osClean", &[AText], CLEAN),
    fixed("osExt", &[AText], EXT),
    fixed("osIsAbs", &[AText], IS_ABS),
];

/// Where the last element of a path begins.
fn last(path: &[u8]) -> usize {
    path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1)
}

fn base(path: &[u8]) -> &[u8] {
    let end = path.iter().rposition(|byte| *byte != b'/').map_or(0, |at| at + 1);
    match (path.is_empty(), path.get(..end).unwrap_or_default()) {
        (true, _) => b".",
        (false, []) => b"/",
        (false, named) => named.get(last(named)..).unwrap_or_default(),
    }
}

fn dir(path: &[u8]) -> Vec<u8> {
    clean(path.get(..last(path)).unwrap_or_default())
}

fn ext(path: &[u8]) -> &[u8] {
    let name = path.get(last(path)..).unwrap_or_default();
    name.iter().rposition(|byte| *byte == b'.').and_then(|at| name.get(at..)).unwrap_or_default()
}

fn clean(path: &[u8]) -> Vec<u8> {
    let rooted = path.starts_with(b"/");
    let mut kept: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => match kept.last() {
                Some(last) if *last != b".." => {
                    kept.pop();
                }
                _ if rooted => {}
                _ => kept.push(b".."),
            },
            part => kept.push(part),
        }
    }
    let joined = kept.join(&b'/');
    match (rooted, joined.is_empty()) {
        (true, _) => [b"/", joined.as_slice()].concat(),
        (false, true) => b".".to_vec(),
        (false, false) => joined,
    }
}
