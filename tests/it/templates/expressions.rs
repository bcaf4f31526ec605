//! Expressions: of every kind, as deep as wanted, mostly of the kinds that functions ask for.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::Union;

use super::forms;
use super::functions::{self, Kind, Signature};
use super::literals::{self, Written, form, one};
use super::values::KEYS;

/// An expression, and whether it may stand as an argument without parentheses.
#[derive(Debug, Clone)]
pub struct Expression {
    pub text: String,
    pub operand: bool,
}

impl Expression {
    /// As an argument.
    pub fn argument(&self) -> String {
        if self.operand { self.text.clone() } else { format!("({})", self.text) }
    }
}

/// A strategy of expressions.
pub type Made = BoxedStrategy<Expression>;

/// The expressions of every kind.
pub type Expressions = BTreeMap<Kind, Made>;

fn operand(text: Written) -> Made {
    text.prop_map(|text| Expression { text, operand: true }).boxed()
}

/// Expressions with so many calls within each other. `named` are variables that are known, with their kinds.
pub fn expressions(depth: u32, named: &[(&'static str, Kind)]) -> Expressions {
    let simple: Expressions = Kind::ALL.iter().copied().map(|kind| (kind, leaf(kind, named))).collect();
    let signatures = functions::all();
    (0..depth).fold(simple.clone(), |below, _| {
        let level = |kind: Kind| {
            let mut choices = vec![(3, simple[&kind].clone())];
            if matches!(kind, Kind::Any | Kind::Scalar) {
                choices.extend(held_by(kind).iter().map(|kind| (2, below[kind].clone())));
            }
            if kind == Kind::Text {
                choices.push((1, printf(&below)));
            }
            if matches!(kind, Kind::Any | Kind::Text | Kind::Dict | Kind::List | Kind::Words) {
                choices.push((1, compound(kind, &below)));
            }
            let calls: Vec<Made> = signatures
                .iter()
                .filter(|signature| signature.result == kind)
                .map(|signature| call(signature, &below))
                .collect();
            if !calls.is_empty() {
                choices.push((7, Union::new(calls).boxed()));
            }
            Union::new_weighted(choices).boxed()
        };
        Kind::ALL.iter().copied().map(|kind| (kind, level(kind))).collect()
    })
}

/// What may stand where anything may.
fn held_by(kind: Kind) -> &'static [Kind] {
    use Kind::{Bool, Dict, Duration, Float, Int, List, Text, Time, Url, Version, Words};
    match kind {
        Kind::Scalar => &[Text, Int, Float, Bool],
        _ => &[Text, Int, Float, Bool, List, Words, Dict, Time, Duration, Version, Url],
    }
}

/// An argument: nearly always of the kind that is asked for. How often something is done is never left to chance.
fn argument(kind: Kind, below: &Expressions) -> Made {
    if matches!(kind, Kind::Count | Kind::Fresh | Kind::Time | Kind::Any) {
        return below[&kind].clone();
    }
    prop_oneof![200 => below[&kind].clone(), 3 => below[&Kind::Scalar].clone(), 1 => operand(literals::wrong())].boxed()
}

/// A call of any function, each as likely as the others.
pub fn any_call(below: &Expressions) -> Made {
    Union::new(functions::all().iter().map(|signature| call(signature, below))).boxed()
}

fn call(signature: &Signature, below: &Expressions) -> Made {
    let name = signature.name;
    let arguments: Vec<Made> = signature.arguments.iter().map(|kind| argument(*kind, below)).collect();
    let miscounted = prop::option::weighted(0.003, any::<bool>());
    (arguments, 0..4_u8, miscounted)
        .prop_map(move |(mut arguments, form, miscounted)| {
            match miscounted {
                Some(true) => arguments.push(Expression { text: "1".to_owned(), operand: true }),
                Some(false) => drop(arguments.pop()),
                None => {}
            }
            written_call(name, &arguments, form)
        })
        .boxed()
}

/// A call as it is usually written, or with its last argument piped into it.
fn written_call(name: &str, arguments: &[Expression], form: u8) -> Expression {
    let spaced =
        |items: &[Expression]| items.iter().map(|item| format!(" {}", item.argument())).collect::<String>();
    let text = match arguments.split_last() {
        Some((last, first)) if form == 1 => format!("{} | {name}{}", last.text, spaced(first)),
        Some((last, first)) if form == 2 => format!("{}|{name}{}", last.argument(), spaced(first)),
        _ => format!("{name}{}", spaced(arguments)),
    };
    Expression { text, operand: false }
}

fn printf(below: &Expressions) -> Made {
    let directive = prop_oneof![
        6 => ("%[-+# 0]{0,1}", "[1-9]?", prop_oneof![Just(String::new()), "\\.[0-4]?"], "[vvvdsqtTxXeEfFgGbcoOUw]")
            .prop_map(|(flags, width, precision, verb)| flags + &width + &precision + &verb),
        1 => one(&["%", "%%", "%!", "%z", "%[1]d", "%[2]v", "%*d", "%.*f", "%[3]q", "%08.3f", "%+v", "%#v", "% x", "%é", "%-08d"]),
    ];
    let piece = prop_oneof![2 => directive, 1 => one(&["a ", "é", "\n", ", "])];
    let format =
        literals::quoted_of(prop::collection::vec(piece, 1..4).prop_map(|pieces| pieces.concat()).boxed());
    // Of a time Go prints where its zone is in memory, unless the verb is one for texts.
    let printed = Union::new(
        held_by(Kind::Any).iter().filter(|kind| **kind != Kind::Time).map(|kind| below[kind].clone()),
    );
    (operand(format), prop::collection::vec(printed, 0..3), any::<bool>())
        .prop_map(|(format, arguments, piped)| {
            let all: Vec<Expression> = [vec![format], arguments].concat();
            written_call("printf", &all, u8::from(piped))
        })
        .boxed()
}

/// What is no call of a function: fields of results, methods, parentheses, and functions with an order of their own.
fn compound(kind: Kind, below: &Expressions) -> Made {
    let of = |kind: Kind| below[&kind].clone();
    let joined = |made: Made, map: fn(String) -> String| {
        made.prop_map(move |inner| Expression { text: map(inner.text), operand: false }).boxed()
    };
    match kind {
        Kind::Words => prop_oneof![
            joined(of(Kind::Dict), |dict| format!("keys ({dict}) | sortAlpha")),
            joined(of(Kind::Dict), |dict| format!("values ({dict}) | toStrings | sortAlpha")),
            joined(of(Kind::Dict), |dict| format!("keys ({dict}) ({dict}) | uniq | sortAlpha")),
        ]
        .boxed(),
        Kind::Text => prop_oneof![
            joined(of(Kind::Time), |time| format!("({time}).Format \"2006-01-02 15:04:05 MST\"")),
            joined(of(Kind::Time), |time| format!("({time}).Weekday.String")),
            joined(of(Kind::Duration), |span| format!("({span}).String")),
            joined(of(Kind::Version), |version| format!("({version}).String")),
            joined(of(Kind::Version), |version| format!("({version}).Prerelease")),
            joined(of(Kind::Dict), |dict| format!(
                "include \"one\" (dict \"Values\" $.Values \"dot\" ({dict}))"
            )),
            joined(of(Kind::Text), |text| format!("tpl ({text}) $")),
        ]
        .boxed(),
        Kind::Any => prop_oneof![
            (of(Kind::Dict), one(&["a", "b", "name", "A", "ключ", "_x", "a.b", "host", "_0", "_1"]))
                .prop_map(|(dict, field)| Expression {
                    text: format!("({}).{field}", dict.text),
                    operand: true
                }),
            joined(of(Kind::Url), |url| format!("({url}).path")),
            joined(of(Kind::Version), |version| format!("({version}).Minor")),
            joined(of(Kind::Time), |time| format!("({time}).Year")),
            joined(of(Kind::Time), |time| format!("({time}).Month")),
            joined(of(Kind::Duration), |span| format!("({span}).Hours")),
        ]
        .boxed(),
        _ => joined(of(kind), |inner| format!("(({inner}))")),
    }
}

/// Expressions without calls.
fn leaf(kind: Kind, named: &[(&'static str, Kind)]) -> Made {
    let mut choices = vec![(4, constant(kind))];
    let paths = paths(kind);
    if !paths.is_empty() {
        choices.push((4, one(paths)));
    }
    let variables: Vec<String> = named
        .iter()
        .filter(|(_, of)| *of == kind || kind == Kind::Any)
        .map(|(name, _)| (*name).to_owned())
        .collect();
    if !variables.is_empty() {
        choices.push((3, prop::sample::select(variables).boxed()));
    }
    operand(Union::new_weighted(choices).boxed())
}

fn keys() -> Written {
    form(KEYS)
}

fn constant(kind: Kind) -> Written {
    match kind {
        Kind::Text => literals::text(),
        Kind::Int => literals::int(),
        Kind::Count => literals::count(),
        Kind::Float => literals::float(),
        Kind::Bool => one(&["true", "false"]),
        Kind::Any | Kind::Scalar => {
            prop_oneof![3 => literals::text(), 2 => literals::int(), 1 => literals::float(), 1 => one(&["true", "false", "nil"])]
                .boxed()
        }
        Kind::List => one(&["(list)", "(list 1 2.5 \"x\" nil true)", "(list 3 1 2)", "(list (list 1) (dict \"a\" 1))", "(until 3)"]),
        Kind::Words => one(&["(list \"b\" \"a\" \"C\")", "(splitList \",\" \"x,,y\")", "(list \"\")"]),
        Kind::Dict => one(&["(dict)", "(dict \"a\" 1 \"b\" \"two\")", "(dict \"a\" (dict \"b\" (list 1)))", "(dict \"name\" nil)"]),
        Kind::Fresh => prop_oneof![
            Just("(dict)".to_owned()),
            Just("(deepCopy $.Values.d)".to_owned()),
            Just("(dict \"a\" (dict \"b\" 0 \"c\" 1))".to_owned()),
            (keys(), literals::text()).prop_map(|(key, text)| format!("(dict {key} {text})")),
        ]
        .boxed(),
        Kind::Key => keys(),
        Kind::Time => one(&[
            "(toDate \"2006-01-02\" \"2024-02-29\")",
            "(toDate \"2006-01-02T15:04:05Z07:00\" \"2023-07-09T23:59:58.123456789+05:30\")",
            "(toDate \"x\" \"y\")",
        ]),
        Kind::Duration => one(&["(mustToDuration \"1h2m3.5s\")", "(mustToDuration -90)", "(mustToDuration \"0s\")"]),
        Kind::Version => one(&["(semver \"1.2.3\")", "(semver \"v10.0-rc.1+b7\")"]),
        Kind::Url => one(&["(urlParse \"http://u:p@h.io:80/a/b?c=d#e\")", "(urlParse \"\")"]),
        kind => match forms::letters(kind) {
            Some(letters) => prop_oneof![3 => form(forms::known(kind)), 1 => literals::quoted_of(letters.boxed())].boxed(),
            None => form(forms::known(kind)),
        },
    }
}

/// Paths of the values that have a kind, and of other things that templates see.
fn paths(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Text => &[
            "$.Values.s",
            "$.Values.t",
            "$.Release.Name",
            "$.Chart.Name",
            "$.Chart.AppVersion",
            "$.Template.Name",
        ],
        Kind::Float => &["$.Values.n", "$.Values.m"],
        Kind::Bool => &["$.Values.b", "$.Release.IsInstall"],
        Kind::List => &["$.Values.l", "$.Values.u", "$.Values.w", "$.Chart.Keywords"],
        Kind::Words => &["$.Values.w"],
        Kind::Dict => &["$.Values.d", "$.Values.e", "$.Values", "$.Chart.Annotations", "$.Release"],
        Kind::Scalar => &["$.Values.s", "$.Values.n", "$.Values.m", "$.Values.z", "$.Values.b"],
        Kind::Any => &[
            "$.Values.x",
            ".",
            "$.Values.z",
            "$.Values.missing",
            "$.Values.d.a",
            "$.Values.d.b",
            "$.Values.e.a.b",
            "$.Values.missing.deeper",
            "$.Missing",
            "$.Values.x.a",
            "$.Values.s",
            "$.Values.n",
            "$.Values.l",
            "$.Values.d",
            "$.Chart.Version",
            "$.Chart.Maintainers",
            "$.Chart.missing",
            "$.Release.Revision",
            "$.Release.missing",
            "$.Capabilities.KubeVersion.Minor",
            "($.Capabilities.APIVersions.Has \"apps/v1\")",
            "($.Files.Get \"files/a.txt\")",
            "($.Files.Get \"nothing\")",
            "($.Files.GetBytes \"files/b.json\")",
            "($.Files.Lines \"files/a.txt\")",
            "($.Files.Glob \"files/*\").AsConfig",
            "($.Files.Glob \"files/*.txt\").AsSecrets",
            "($.Files.Glob \"**.json\")",
            "$.Template.BasePath",
            "$.Values.d.ключ",
            "$.Values.AsMap",
            "($.Values.PathValue \"s\")",
        ],
        _ => &[],
    }
}
