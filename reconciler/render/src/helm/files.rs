//! `.Files`: the files of a chart that are no templates, as templates see them.

use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;

use base64::Engine as _;

use super::chart::ChartFile;
use super::fault::Fault;
use super::glob::Glob;
use super::value::{Dict, DictKind, Host, Text, Value};
use crate::yaml::{self, Map, Node};

/// Files by their path in the chart. Nothing else can be reached: a name is a key of this map, never a path of a file system (ATK-6).
pub(super) struct ChartFiles {
    files: BTreeMap<String, Arc<[u8]>>,
}

impl ChartFiles {
    pub(super) fn new(files: &[ChartFile]) -> Self {
        ChartFiles { files: files.iter().map(|file| (file.name.clone(), Arc::clone(&file.bytes))).collect() }
    }

    fn bytes(&self, name: &str) -> &[u8] {
        self.files.get(name).map_or(&[], |bytes| bytes)
    }

    fn glob(&self, pattern: &str) -> ChartFiles {
        let pattern = Glob::new(pattern);
        let found = self.files.iter().filter(|(name, _)| pattern.fits(name));
        ChartFiles { files: found.map(|(name, bytes)| (name.clone(), Arc::clone(bytes))).collect() }
    }

    /// A line each, the end of the last one left out.
    fn lines(&self, name: &str) -> Value {
        let bytes = self.bytes(name);
        if bytes.is_empty() {
            return Value::texts::<Text>([]);
        }
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        Value::texts(bytes.split(|byte| *byte == b'\n').map(Text::from_bytes))
    }

    /// A YAML map from the last part of each path to what `write` makes of the bytes.
    fn mapped(&self, write: impl Fn(&[u8]) -> String) -> Value {
        let entry = |(name, bytes): (&String, &Arc<[u8]>)| {
            let base = name.rsplit('/').next().unwrap_or(name);
            (Box::from(base), Node::text(write(bytes)))
        };
        let map = Map::from_entries(self.files.iter().map(entry).collect());
        let text = yaml::emit(&yaml::Value::Map(map).into());
        Value::text(text.strip_suffix('\n').unwrap_or(&text))
    }
}

impl Host for ChartFiles {
    fn type_name(&self) -> &'static str {
        "engine.files"
    }

    fn kind(&self) -> &'static str {
        "map"
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, Fault>> {
        let with_text = |use_it: &dyn Fn(&str) -> Value| match arguments {
            [Value::String(text)] => Ok(use_it(&text.as_str())),
            [other] => {
                let found = other.type_name();
                Err(Fault::wrong(format!("wrong type for value; expected string; got {found}")))
            }
            _ => Err(Fault::wrong(count(name, 1, arguments.len()))),
        };
        let alone = |use_it: &dyn Fn() -> Value| match arguments {
            [] => Ok(use_it()),
            _ => Err(Fault::wrong(count(name, 0, arguments.len()))),
        };
        Some(match name {
            "Get" => with_text(&|file| Value::String(Text::from_bytes(self.bytes(file)))),
            "GetBytes" => with_text(&|file| Value::Bytes(Rc::from(self.bytes(file)))),
            "Glob" => with_text(&|pattern| Value::host(self.glob(pattern))),
            "Lines" => with_text(&|file| self.lines(file)),
            "AsConfig" => alone(&|| self.mapped(|bytes| Text::from_bytes(bytes).as_str().into_owned())),
            "AsSecrets" => {
                alone(&|| self.mapped(|bytes| base64::engine::general_purpose::STANDARD.encode(bytes)))
            }
            _ => return None,
        })
    }

    fn plain(&self) -> Option<Value> {
        let entry = |(name, bytes): (&String, &Arc<[u8]>)| {
            (Rc::from(name.as_str()), Value::Bytes(Rc::from(&**bytes)))
        };
        Some(Value::Dict(Dict::from_entries(DictKind::Any, self.files.iter().map(entry))))
    }

    fn display(&self) -> String {
        let entry = |(name, bytes): (&String, &Arc<[u8]>)| {
            let numbers: Vec<String> = bytes.iter().map(u8::to_string).collect();
            format!("{name}:[{}]", numbers.join(" "))
        };
        format!("map[{}]", self.files.iter().map(entry).collect::<Vec<_>>().join(" "))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn count(name: &str, wanted: usize, got: usize) -> String {
    format!("wrong number of args for {name}: want {wanted} got {got}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::RepoPath;

    fn files(held: &[(&str, &[u8])]) -> ChartFiles {
        let file = |(name, bytes): &(&str, &[u8])| ChartFile {
            name: (*name).to_owned(),
            bytes: Arc::from(*bytes),
            origin: RepoPath::root(),
            packed: None,
        };
        ChartFiles::new(&held.iter().map(file).collect::<Vec<_>>())
    }

    fn text(value: &Value) -> String {
        value.as_text().map(|text| text.as_str().into_owned()).unwrap_or_default()
    }

    fn called(files: &ChartFiles, method: &str, argument: &str) -> Value {
        files.call(method, &[Value::from(argument)]).unwrap().unwrap()
    }

    #[test]
    fn files_are_read_by_the_name_they_have_in_the_chart() {
        let files = files(&[("conf/a.toml", b"x = 1\ny = 2\n"), ("b", b"")]);
        assert_eq!(text(&called(&files, "Get", "conf/a.toml")), "x = 1\ny = 2\n");
        assert_eq!(text(&called(&files, "Get", "missing")), "");
        let Value::List(lines) = called(&files, "Lines", "conf/a.toml") else { unreachable!() };
        assert_eq!(lines.iter().map(text).collect::<Vec<_>>(), ["x = 1", "y = 2"]);
        let Value::List(lines) = called(&files, "Lines", "b") else { unreachable!() };
        assert!(lines.is_empty());
    }

    #[test]
    fn atk_6_a_name_that_leads_out_of_the_chart_names_nothing() {
        let files = files(&[("a", b"secret")]);
        for name in ["../a", "/a", "./a", "x/../a", "/etc/passwd"] {
            assert_eq!(text(&called(&files, "Get", name)), "", "{name}");
        }
    }

    #[test]
    fn groups_become_the_data_of_config_maps_and_secrets() {
        let files = files(&[("conf/a.txt", b"yes"), ("conf/b.bin", b"\xff\x00"), ("c", b"c")]);
        let Value::Host(group) = called(&files, "Glob", "conf/*") else { unreachable!() };
        let config = group.call("AsConfig", &[]).unwrap().unwrap();
        assert_eq!(text(&config), "a.txt: \"yes\"\nb.bin: \"\u{fffd}\\0\"");
        let secrets = group.call("AsSecrets", &[]).unwrap().unwrap();
        assert_eq!(text(&secrets), "a.txt: eWVz\nb.bin: /wA=");
        let Value::Host(nothing) = called(&files, "Glob", "none/*") else { unreachable!() };
        assert_eq!(text(&nothing.call("AsConfig", &[]).unwrap().unwrap()), "{}");
    }

    #[test]
    fn a_call_that_does_not_fit_is_an_error() {
        let files = files(&[]);
        assert!(files.call("Get", &[Value::int(1)]).unwrap().is_err());
        assert!(files.call("Get", &[]).unwrap().is_err());
        assert!(files.call("Open", &[]).is_none());
    }
}
