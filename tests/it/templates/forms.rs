//! Texts of a form: expressions, versions, layouts, addresses, documents.

use super::functions::Kind;

/// Texts of a form that are worth trying; of a kind without a form, separators.
pub fn known(kind: Kind) -> &'static [&'static str] {
    KNOWN.iter().find(|(of, _)| *of == kind).map_or(SEPARATORS, |(_, texts)| texts)
}

const SEPARATORS: &[&str] = &[",", "a", "", " ", "-", "/", ".", "é", "\n", "ab", "o"];

const KNOWN: &[(Kind, &[&str])] = &[
    (
        Kind::Pattern,
        &[
            "a+",
            "",
            "[a-c]",
            "(?i)HELLO",
            "(o)(w)?",
            "^\\s*",
            "\\d+|x",
            ".",
            "(?P<n>[a-z]+)-",
            "\\bfoo",
            "[[:upper:]]",
            "\\pL+",
            "(",
            "x{2,}",
            "(?s).*$",
            "[^,]*",
            "o$",
            "é|日",
        ],
    ),
    (
        Kind::VersionText,
        &[
            "1.2.3",
            "v1.2",
            "1",
            "1.2.3-beta.1",
            "1.2.3-beta.1+meta",
            "0.0.0",
            "10.20.30",
            "1.2.3.4",
            "v1.37.0",
            "1.02.3",
            "x",
            "",
            "1.2.3-0",
            "2.0.0-alpha",
        ],
    ),
    (
        Kind::VersionRange,
        &[
            "^1.2.0",
            "~1.2",
            ">=1.0.0 <2.0.0",
            ">= 1.2, < 3 || 4.x",
            "1.2.x",
            "*",
            "!=1.2.3",
            "=1.2.3",
            "1.2 - 1.4.5",
            ">1.2.3-0",
            "~0",
            "^0.0.3",
            "<=1.2.3-beta.2",
            "",
            "=>1",
            "~>1.2.3",
            "1",
            "a",
            ">=1.19-0",
        ],
    ),
    (
        Kind::Layout,
        &[
            "2006-01-02",
            "2006-01-02T15:04:05Z07:00",
            "Mon Jan _2 15:04:05 2006",
            "3:04PM",
            "02 Jan 06 15:04 -0700",
            "Monday, January 2",
            "2006.002",
            ".000 .999 ,000",
            "15h04 MST",
            "",
            "__2 1/2/6",
        ],
    ),
    (Kind::Zone, &["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Nowhere", "", "Local"]),
    (
        Kind::Span,
        &[
            "1h", "90s", "1h2m3.5s", "-1.5h", "100ms", "1us", "36h", "1w", "", "0", "2.5", " 5m ", "9000h",
            "1h1h", "+3s", "1m30",
        ],
    ),
    (
        Kind::Address,
        &[
            "http://example.com/a/b?x=1&y=2#f",
            "https://user:pa%20ss@host:8443",
            "/only/path",
            "mailto:a@b.c",
            "//host",
            "",
            "http://[::1]:80/",
            "http://a b",
            "%zz",
            "a?b",
            "#x",
            "http://h/%2f%20é?q=é",
        ],
    ),
    (
        Kind::Json,
        &[
            "{}",
            "{\"a\": 1, \"b\": [true, null, \"x\"]}",
            "{\"n\": 1e400}",
            "{\"n\": 12345678901234567890, \"m\": -0.0}",
            "{\"a\":{\"b\":{}}}",
            "{\"a\":1,\"a\":2}",
            " {\"u\": \"\\u00e9\\ud83c\\udf89 \\n\"} ",
            "{\"e\": 1E+2}",
        ],
    ),
    (Kind::JsonList, &["[]", "[1, \"a\", {\"b\": null}]", " [ [ ] , -0 ] ", "[1.0, 10000000, 1e21]"]),
    (
        Kind::Yaml,
        &[
            "a: 1\nb:\n- x\n- y: null\n",
            "{}",
            "",
            "a: yes\nb: 0x1F\nc: 1_000\nd: 2024-01-01\n",
            "a: |\n  x\n  y\nb: >-\n  p\n  q\n",
            "a: &x {k: v}\nb: *x\n",
            "<<: {a: 1}\nb: 2\n",
            "1: one\ntrue: yes\n",
            "a: 'it''s'\nb: \"\\u00e9\"\n",
            "a: 1\n---\nb: 2\n",
            "# only a comment\n",
        ],
    ),
    (Kind::YamlList, &["[]", "- 1\n- a: b\n- [x, ~]\n", "", "- |\n  t\n-\n"]),
    (
        Kind::Toml,
        &[
            "",
            "a = 1\nb = \"x\"\n",
            "[t]\nx = [1, 2]\ny = 1.5\n[[u]]\nz = true\n[[u]]\nz = false\n",
            "a.b.c = 'lit'\n",
            "n = 0x1F\nf = 1e3\nm = \"\"\"\nx\n\"\"\"\n",
            "e = {a = 1, b = [\"x\"]}\n",
        ],
    ),
    (Kind::Base64, &["aGVsbG8=", "", "aGVsbG8", "/+8=", "!!", "aGVs\nbG8="]),
    (
        Kind::Path,
        &["/a/b/c.txt", "a/../b", "", ".", "/", "a//b/./c/", "x.tar.gz", ".hidden", "../..", "a\\b"],
    ),
    (
        Kind::BasicType,
        &["string", "int", "int64", "float64", "bool", "slice", "map", "invalid", "ptr", "struct"],
    ),
    (Kind::Base32, &["NBSWY3DP", "", "NBSWY3DPEE======", "1"]),
    (
        Kind::GoType,
        &[
            "string",
            "int",
            "int64",
            "float64",
            "bool",
            "[]interface {}",
            "map[string]interface {}",
            "[]string",
            "time.Time",
            "<nil>",
            "semver.Version",
            "[]int",
            "common.Values",
            "map[string]string",
        ],
    ),
];

/// What texts of a form are made of, for those that nobody thought of. Not where Go's message would be printed that says what is wrong.
pub fn letters(kind: Kind) -> Option<&'static str> {
    Some(match kind {
        Kind::Pattern => {
            "(a|b|o|\\w|\\\\[dwsbDWSBAzQEnx]|[.*+?^$|()]|\\[\\^?[a-c\\]-]{1,3}\\]|\\{[0-3],?[0-3]?\\}|\\(\\?[:ims]){0,6}"
        }
        Kind::VersionText => "v?[0-9]{1,3}(\\.[0-9x]{1,2}){0,3}(-[a-z0-9.-]{0,4})?(\\+[a-z0-9.]{0,3})?",
        Kind::VersionRange => {
            "([<>=!~^]{0,2} ?v?[0-9*xX]{1,2}(\\.[0-9x*]){0,2}(-[a-z0-9.]{1,4})?(,| |\\|\\|| - )?){0,3}"
        }
        Kind::Layout => {
            "(2006|06|01|1|Jan|January|02|2|_2|__2|002|Mon|Monday|15|3|03|04|4|05|5|PM|pm|MST|-0700|-07:00|-07|Z0700|Z07:00|Z07|\\.000|\\.999|,0|-07:00:00|[ :/TaJ-]){0,7}"
        }
        Kind::Span => "[+-]?([0-9]{0,3}(\\.[0-9]{0,2})?(ns|us|µs|ms|s|m|h|d|)){0,3}",
        Kind::Address => {
            "([a-z]{1,4}:)?(//)?([a-z]{1,3}(:[a-z]?)?@)?[a-z.]{0,4}(:[0-9]{0,3})?(/|%2[fF]|%[2-7]| |é|\\?|#|&|=|a|b){0,6}"
        }
        Kind::Base64 => "[A-Za-z0-9+/]{0,7}={0,3}",
        Kind::Base32 => "[A-Z2-7]{0,9}={0,6}",
        Kind::Path => "(/|\\.|\\.\\.|a|b\\.c|é){0,7}",
        Kind::Json => "[{]( ?\"[a-c\\\\n]{0,2}\" ?: ?(-?[0-9.eE+-]{1,4}|true|nul|\\[\\]|\"x\") ?,?){0,2}[}]?",
        Kind::JsonList => {
            "\\[(-?[0-9]{1,4}(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,2})?|true|null|\\[\\]|\\{\\}|\"[ -!#-~]{0,2}\"|,){0,4}\\]?"
        }
        _ => return None,
    })
}
