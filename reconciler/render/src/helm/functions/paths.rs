//! Sprig's functions for paths. Those for the operating system do the same: it is the one of containers.

use super::Param::Text as AText;
use super::{Body, Function, fixed, text};
use crate::helm::value::Value;

const BASE: Body = |_, arguments| Ok(Value::text(base(&text(arguments, 0).as_str())));
const DIR: Body = |_, arguments| Ok(Value::text(dir(&text(arguments, 0).as_str())));
const CLEAN: Body = |_, arguments| Ok(Value::text(clean(&text(arguments, 0).as_str())));
const EXT: Body = |_, arguments| Ok(Value::text(ext(&text(arguments, 0).as_str())));
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

fn base(path: &str) -> String {
    if path.is_empty() {
        return ".".to_owned();
    }
    match path.trim_end_matches('/').rsplit('/').next() {
        Some("") | None => "/".to_owned(),
        Some(base) => base.to_owned(),
    }
}

fn dir(path: &str) -> String {
    clean(&path[..path.rfind('/').map_or(0, |at| at + 1)])
}

fn ext(path: &str) -> &str {
    let name = &path[path.rfind('/').map_or(0, |at| at + 1)..];
    name.rfind('.').map_or("", |at| &name[at..])
}

fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match kept.last() {
                Some(last) if *last != ".." => {
                    kept.pop();
                }
                _ if rooted => {}
                _ => kept.push(".."),
            },
            part => kept.push(part),
        }
    }
    let joined = kept.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
