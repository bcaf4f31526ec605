//! Constants as they are written in templates: of every kind that Go knows, the odd ones among them.

use proptest::prelude::*;
use proptest::sample::select;

/// A strategy of texts of templates.
pub type Written = BoxedStrategy<String>;

/// One of some texts, as it stands.
pub fn one(texts: &'static [&'static str]) -> Written {
    select(texts).prop_map(str::to_owned).boxed()
}

/// Texts with something in them that a function may stumble over.
const TEXTS: &[&str] = &[
    "a",
    "",
    "abc",
    "Hello World",
    "foo-bar_baz qux",
    "fooBarHTTPServer2X",
    "  padded\t",
    "line\nbreak\n\n  indented\n",
    "ünïcödé",
    "日本語 テキスト",
    "🎉 party",
    "a,b,,c",
    "true",
    "0",
    "12",
    "-3.50",
    "1e3",
    "0x1F",
    "007",
    "1_000",
    "null",
    "<no value>",
    "<b>&\"'</b>",
    "a: b",
    "- x",
    "# no",
    "$1.00 %d%",
    "a/b/../c.tar.gz",
    "e\u{301}ß İǆ",
    "\u{0}\u{7}\u{1b}\u{85}\u{200b}\u{feff}",
    "back\\slash`tick",
    "\r\nwin\r\n",
    "The quick brown fox jumps over the lazy dog, again and again.",
];

/// Any text, as a value.
pub fn any_text() -> BoxedStrategy<String> {
    prop_oneof![6 => one(TEXTS), 2 => "[ -~]{0,10}", 1 => "[\\PC&&\\p{Age=15.0}]{0,5}", 1 => "[a-c,. ]{0,12}"]
        .boxed()
}

/// A text between quotes or backquotes.
pub fn quoted(text: &str, raw: bool) -> String {
    if raw && !text.contains(['`', '\r', '\u{feff}']) {
        return format!("`{text}`");
    }
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if c.is_control() && u32::from(c) < 128 => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c if c.is_control() || c == '\u{feff}' => out.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => out.push(c),
        }
    }
    out + "\""
}

/// A constant of these texts.
pub fn quoted_of(texts: BoxedStrategy<String>) -> Written {
    (texts, any::<bool>()).prop_map(|(text, raw)| quoted(&text, raw)).boxed()
}

/// A text constant.
pub fn text() -> Written {
    let bytes = one(&[r#""\xff\x00a""#, r#""\xe6\x97""#, r#""\u00e9\U0001F389""#, r#""\101\a\b\f\v""#]);
    prop_oneof![20 => quoted_of(any_text()), 1 => bytes].boxed()
}

/// A text constant from a pool.
pub fn form(texts: &'static [&'static str]) -> Written {
    quoted_of(one(texts))
}

/// An `int`.
pub fn int() -> Written {
    let usual = one(&["0", "1", "-1", "2", "7", "42", "100", "65", "1000000", "123456789012"]);
    let odd = one(&[
        "1_000",
        "0x1F",
        "-0xff",
        "0b101",
        "0o17",
        "017",
        "'a'",
        r"'\n'",
        r"'\x41'",
        r"'\u65e5'",
        "'日'",
        r"'\''",
        "9223372036854775807",
        "-9223372036854775808",
        "1e3",
        "0x1p4",
        "+5",
        "-0",
        "0X_1f",
        "2.0",
    ]);
    prop_oneof![4 => usual, 1 => odd].boxed()
}

/// An `int` that may say how often something is done.
pub fn count() -> Written {
    let usual = one(&["2", "0", "1", "3", "5", "10", "16"]);
    prop_oneof![12 => usual, 1 => one(&["-1", "-3", "'\\x05'", "0x8", "80", "4.0"])].boxed()
}

/// A `float64`.
pub fn float() -> Written {
    let usual = one(&["1.5", "0.1", "-2.25", "3.14159", "100.0", "2.5"]);
    let odd = one(&["-0.0", "1e21", "1e20", "1e-7", "0x1p-2", ".5", "5.", "1e100", "123456789.0", "1_0.2_5"]);
    prop_oneof![3 => usual, 1 => odd].boxed()
}

/// What is no constant at all, or one that does not fit.
pub fn wrong() -> Written {
    one(&[
        "9223372036854775808",
        "18446744073709551615",
        "1e400",
        "08",
        "1__0",
        "0x",
        "''",
        "'ab'",
        r#""\q""#,
        r#""\'""#,
        r"'\u12'",
        "nil",
        "1.5.2",
        "_",
        "$",
        "\"a\"\"b\"",
    ])
}

/// A choice that is hardly ever taken.
pub fn rarely(written: Written) -> Option<(u32, Written)> {
    Some((1, prop_oneof![29 => Just(String::new()), 1 => written].boxed()))
}
