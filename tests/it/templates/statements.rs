//! Texts of templates: actions with text between, and everything that steers them.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::strategy::Union;

use super::expressions::{Expressions, Made, any_call, expressions};
use super::functions::Kind;
use super::literals::{self, Written, any_text, one};

/// What may be used at a place: the variables of the template, and `break` and `continue`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Scope {
    declared: bool,
    in_loop: bool,
}

const SCOPES: [Scope; 4] = [
    Scope { declared: false, in_loop: false },
    Scope { declared: false, in_loop: true },
    Scope { declared: true, in_loop: false },
    Scope { declared: true, in_loop: true },
];

impl Scope {
    fn variables(self) -> Vec<(&'static str, Kind)> {
        let declared: &[_] = if self.declared {
            &[("$a", Kind::Text), ("$b", Kind::Int), ("$c", Kind::List), ("$d", Kind::Dict)]
        } else {
            &[]
        };
        let of_loop: &[_] = if self.in_loop { &[("$k", Kind::Any), ("$v", Kind::Any)] } else { &[] };
        [declared, of_loop].concat()
    }
}

/// Expressions of a scope, deep ones and shallow ones.
type Grammar = (Expressions, Expressions);

/// Bodies of every scope.
type Bodies = BTreeMap<Scope, Written>;

/// How deep calls are within each other, and how deep control structures.
const CALLS: u32 = 3;
const BLOCKS: u32 = 2;

/// A template with definitions, variables and a body.
pub fn template() -> Written {
    let made: BTreeMap<Scope, Grammar> = SCOPES
        .into_iter()
        .map(|scope| {
            let named = scope.variables();
            (scope, (expressions(CALLS, &named), expressions(1, &named)))
        })
        .collect();
    let bodies = bodies(&made);
    let outside = &made[&SCOPES[0]].0;
    // What a definition calls is not defined by the template, so that none calls itself.
    let defined = |name: &'static str| {
        let body = bodies[&SCOPES[0]]
            .clone()
            .prop_map(|body| body.replace("\"one\"", "\"in one\"").replace("\"two\"", "\"in one\""));
        body.prop_map(move |body| format!("{{{{ define \"{name}\" }}}}{body}{{{{ end }}}}"))
    };
    let declared = (
        outside[&Kind::Text].clone(),
        outside[&Kind::Int].clone(),
        outside[&Kind::List].clone(),
        outside[&Kind::Dict].clone(),
    )
        .prop_map(|(a, b, c, d)| {
            let lines = [("$a", a), ("$b", b), ("$c", c), ("$d", d)];
            lines.map(|(name, value)| format!("{{{{- {name} := {} }}}}\n", value.text)).concat()
        });
    let with_variables = (declared, bodies[&SCOPES[2]].clone()).prop_map(|(declared, body)| declared + &body);
    let main = prop_oneof![3 => bodies[&SCOPES[0]].clone(), 2 => with_variables];
    let again = prop::option::weighted(
        0.03,
        one(&["{{ define \"two\" }}twice{{ end }}", "{{ define \"two\" }} {{ end }}"]),
    );
    (defined("one"), defined("two"), again, main, any::<bool>())
        .prop_map(|(one, two, again, main, last)| {
            let definitions = one + &two + &again.unwrap_or_default();
            let leaf = "{{ define \"in one\" }}{{ kindOf . }}{{ end }}";
            if last { main + &definitions + leaf } else { definitions + leaf + &main }
        })
        .boxed()
}

fn bodies(made: &BTreeMap<Scope, Grammar>) -> Bodies {
    let body = |nodes: Union<Written>, most: usize| {
        prop::collection::vec(nodes, 0..=most).prop_map(|nodes| nodes.concat()).boxed()
    };
    let simple: Bodies = SCOPES
        .into_iter()
        .map(|scope| (scope, body(Union::new_weighted(simple_nodes(scope, &made[&scope])), 3)))
        .collect();
    (0..BLOCKS).fold(simple, |below, _| {
        let level = |scope: Scope| {
            let mut nodes = simple_nodes(scope, &made[&scope]);
            nodes.extend(blocks(scope, &made[&scope].0, &below));
            body(Union::new_weighted(nodes), 3)
        };
        SCOPES.into_iter().map(|scope| (scope, level(scope))).collect()
    })
}

/// An action of what stands between its delimiters, which trim or do not.
fn action(inside: impl Strategy<Value = String> + 'static) -> Written {
    let left = prop_oneof![4 => one(&["{{ "]), 1 => one(&["{{- ", "{{", "{{-\n", "{{\n\t"])];
    let right = prop_oneof![4 => one(&[" }}"]), 1 => one(&[" -}}", "}}", "\n-}}", "\r\n}}"])];
    (left, inside, right)
        .prop_map(|(left, inside, right)| {
            // A sign or a comment would be taken for a part of the delimiter.
            let left = if left == "{{" && inside.starts_with('-') { "{{ ".to_owned() } else { left };
            left + &inside + &right
        })
        .boxed()
}

/// What is no template, or one that hardly does.
const WRONG: &[&str] = &[
    "{{ end }}",
    "{{ if }}{{ end }}",
    "{{",
    "{{ .Values.s.. }}",
    "{{ $undefined }}",
    "{{ else }}",
    "{{ . \"x\" }}",
    "{{ .Values.s \"x\" }}",
    "{{ nil }}",
    "{{ break }}",
    "{{}}",
    "{{ 1 | 2 }}",
    "{{ template \"nothing\" }}",
    "{{ include \"nothing\" . }}",
    "{{ noSuchFunction }}",
    "{{ .Values.s.x }}",
    "{{ .Values.d.a-b }}",
    "{{ (1).x }}",
    "{{ define \"x\" }}",
    "{{ \"a\" | }}",
    "{{ template \"one\" . . }}",
    "{{/* open",
    "{{ range $i = .Values.l }}{{ end }}",
    "{{ len nil }}",
    "{{ $.Values.l.a }}",
    "{{- - 1 }}",
    "{{ ( 1 }}",
    "{{ not }}",
    "{{ print . | . }}",
    "{{ true.x }}",
    "{{ .5x }}",
    "{{ \"x\".y }}",
    "{{ 'é' }}",
    "{{ $x := 1 | $y := 2 }}",
    "{{ with $x := 1 }}{{ $x }}{{ end }}{{ $x }}",
    "{{ nil | print }}",
    "{{ .nil }}",
    "{{ $.Values.true }}",
    "{{ if true }}{{ else if }}{{ end }}",
    "{{ range 3 }}{{ else if true }}{{ end }}",
    "{{ if true }}a{{ else with 1 }}b{{ end }}",
    "{{ with 0 }}a{{ else if 1 }}b{{ end }}",
    "{{ block \"b\" }}{{ end }}",
    "{{ print(1)(2) }}",
    "{{ print (1) (2).x }}",
    "{{ print\"a\" }}",
    "{{ print 1.Values }}",
    "{{ $.Values.d.a.b.c.d }}",
    "{{ -1 }}{{ +1 }}{{ - 1 }}",
    "{{ template \"one\" | print }}",
    "{{ range $a, $b, $c := .Values.l }}{{ end }}",
    "{{ $a, $b := 1 }}",
    "{{ break | print }}",
    "{{ continue }}",
];

fn simple_nodes(scope: Scope, (made, shallow): &Grammar) -> Vec<(u32, Written)> {
    let text = prop_oneof![
        6 => one(&["x", " ", "\n", "  \n  ", "a: ", "- ", "\t"]),
        1 => one(&["}}", "{", "{ {", "é", "/* */", "-", "\r\n", "\u{a0}", "\u{0}"]),
        1 => any_text().prop_filter("that would be an action", |text| !text.contains("{{")),
    ];
    let printed = made[&Kind::Any].clone().prop_map(|value| value.text);
    let texts = made[&Kind::Text].clone().prop_map(|value| value.text);
    let comment = one(&["{{/* c */}}", "{{- /* {{ }} */ -}}", "{{/* a\n b */ -}}", "{{- /**/}}"]);
    let called = (one(&["one", "two"]), given(made), one(&["include", "template"]))
        .prop_map(|(name, dot, how)| format!("{how} \"{name}\" {dot}"));
    let wrong = one(WRONG);
    let mut nodes =
        vec![(6, text.boxed()), (7, action(printed)), (5, action(texts)), (1, comment), (2, action(called))];
    nodes.push((1, tpl()));
    let ends =
        one(&["", " | toJson", " | typeOf", " | toYaml", " | printf \"%5v|%-8q\" 1", " | print | quote"]);
    nodes.push((6, action((any_call(shallow), ends).prop_map(|(call, end)| call.text + &end))));
    if scope.declared {
        let value = made[&Kind::Any].clone().prop_map(|value| value.text);
        let assigned = (one(&["$a", "$b", "$c", "$d", "$_", "$x"]), prop::bool::weighted(0.6), value)
            .prop_map(|(name, declares, value)| {
                let declares = declares || matches!(name.as_str(), "$_" | "$x");
                format!("{name} {}= {value}", if declares { ":" } else { "" })
            });
        nodes.push((3, action(assigned)));
    }
    if scope.in_loop {
        let leave =
            (made[&Kind::Bool].clone(), one(&["break", "continue"])).prop_map(|(condition, leave)| {
                format!("{{{{ if {} }}}}x{{{{ {leave} }}}}{{{{ end }}}}", condition.text)
            });
        nodes.push((2, leave.boxed()));
    }
    nodes.extend(literals::rarely(wrong));
    nodes
}

/// A text that is a template of its own.
fn tpl() -> Written {
    let texts = one(&[
        "{{ .Values.s }}",
        "{{ $.Values.n }}{{ define \"one\" }}inner{{ end }}{{ include \"one\" . }}",
        "{{- .Template.Name -}}",
        "{{ .Values | toJson }}",
        "{{/* nothing */}}",
        "{{ define \"two\" }}only{{ end }}",
        "{{ template \"two\" . }}",
        "{{ tpl \"{{ .Values.missing }}\" . }}|",
        "{{ .Values.missing }}<no value>",
        "{{ $x := 1 }}{{ if . }}{{ $x = 2 }}{{ end }}{{ $x }}",
        "{{ range .Values.l }}{{ . }}{{ end }}",
    ]);
    (literals::quoted_of(texts), one(&["$", ".", "(dict \"Values\" $.Values)"]))
        .prop_map(|(text, dot)| format!("{{{{ tpl {text} {dot} }}}}"))
        .boxed()
}

/// What a definition is given: what it needs, or not.
fn given(made: &Expressions) -> Written {
    let inside = made[&Kind::Any]
        .clone()
        .prop_map(|value| format!("(dict \"Values\" $.Values \"dot\" {})", value.argument()));
    let odd = made[&Kind::Any].clone().prop_map(|value| value.argument());
    prop_oneof![4 => one(&["$", "."]), 3 => inside, 1 => odd].boxed()
}

/// What holds other text.
fn blocks(scope: Scope, made: &Expressions, below: &Bodies) -> Vec<(u32, Written)> {
    let of = |kind: Kind| made[&kind].clone();
    let inner = below[&scope].clone();
    let end = || action(one(&["end"]));
    let condition =
        || prop_oneof![2 => of(Kind::Bool), 1 => of(Kind::Any), 1 => declared("$a", of(Kind::Text))];
    let branch = (
        one(&["if", "if", "with"]),
        condition(),
        inner.clone(),
        prop::option::of((condition(), inner.clone())),
        prop::option::of(inner.clone()),
        end(),
    )
        .prop_map(|(word, condition, body, other, otherwise, end)| {
            let mut text = format!("{{{{- {word} {} }}}}{body}", condition.text);
            if let Some((condition, body)) = other {
                text += &format!("{{{{ else {word} {} -}}}}{body}", condition.text);
            }
            text + &otherwise.map(|body| format!("{{{{- else }}}}{body}")).unwrap_or_default() + &end
        });
    let looped = below[&Scope { in_loop: true, ..scope }].clone();
    let range = (
        one(&["$k, $v :=", "$k, $v :=", "$_, $v :="]),
        ranged(made),
        looped,
        prop::option::of(inner.clone()),
        end(),
    )
        .prop_map(|(variables, over, body, otherwise, end)| {
            // Both variables are there, whatever the loop declares.
            let outer = "{{- $k := 0 }}{{- $v := 0 }}";
            let text = format!("{outer}{{{{- range {variables} {} }}}}{body}", over.text);
            text + &otherwise.map(|body| format!("{{{{ else }}}}{body}")).unwrap_or_default() + &end
        });
    let bare = (ranged_or_count(made), inner.clone(), end())
        .prop_map(|(over, body, end)| format!("{{{{ range {} }}}}{{{{ . }}}}{body}{end}", over.text));
    let block = (
        one(&["b1", "b2", "b3", "b4", "b5", "b6", "b7", "b8", "b9"]),
        given(made),
        below[&SCOPES[0]].clone(),
    )
        .prop_map(|(name, dot, body)| format!("{{{{ block \"{name}\" {dot} }}}}{body}{{{{ end }}}}"));
    vec![(3, branch.boxed()), (2, range.boxed()), (1, bare.boxed()), (1, block.boxed())]
}

/// A condition that declares a variable.
fn declared(name: &'static str, made: Made) -> Made {
    made.prop_map(move |mut value| {
        value.text = format!("{name} := {}", value.text);
        value
    })
    .boxed()
}

/// What a loop with two variables goes over. Never a number that is left to chance: Go would count for hours.
fn ranged(made: &Expressions) -> Made {
    let of = |kind: Kind| made[&kind].clone();
    prop_oneof![4 => of(Kind::List), 2 => of(Kind::Words), 4 => of(Kind::Dict), 1 => of(Kind::Text), 1 => of(Kind::Count), 1 => of(Kind::Float)]
        .boxed()
}

fn ranged_or_count(made: &Expressions) -> Made {
    prop_oneof![3 => ranged(made), 1 => made[&Kind::Count].clone()].boxed()
}
