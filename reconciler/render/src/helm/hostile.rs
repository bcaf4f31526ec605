//! Templates that want to take the machine down, by the cases of the security catalogue.

use std::rc::Rc;

use proptest::prelude::*;

use super::engine::{EngineLimits, EngineOptions, TemplateFile, render};
use super::fault::{TemplateError, TemplateProblem};
use super::value::{Dict, DictKind, Host, Value};

const LIMITS: EngineLimits =
    EngineLimits { steps: 200_000, output_bytes: 4 << 20, produced_bytes: 8 << 20, include_depth: 1000 };

fn rendered(text: &str) -> Result<String, TemplateError> {
    let context = Dict::new(DictKind::Values);
    context.insert("Values", Dict::of([("s", "text".into())]).as_kind(DictKind::Values).into());
    let file = TemplateFile {
        name: "chart/templates/a.yaml",
        text: text.as_bytes(),
        context,
        base_path: "chart/templates",
        rendered: true,
    };
    let options = EngineOptions { limits: LIMITS, now_unix_s: None };
    render(&[file], &options, None)
        .map(|mut templates| templates.pop().map(|one| one.text).unwrap_or_default())
}

/// The template is stopped by a budget, and the error says which and where.
fn stopped(text: &str) {
    let shown = &text[..text.len().min(200)];
    let error = rendered(text).expect_err(shown);
    assert!(matches!(error.problem, TemplateProblem::Limit { .. }), "{shown}: {error}");
    assert_eq!(error.problem.id(), "template-limit");
    assert_eq!(error.at.line, 1, "{shown}: {error}");
    assert!(!error.at.template.is_empty());
}

/// The template fails, but for no budget.
fn refused(text: &str, message: &str) {
    let shown = &text[..text.len().min(200)];
    let error = rendered(text).expect_err(shown).to_string();
    assert!(error.contains(message), "{shown}: {error}");
}

#[test]
fn atk_25_lists_and_texts_that_fit_nowhere_are_not_made() {
    stopped("{{ until 1000000000 }}");
    stopped("{{ untilStep 0 9000000000 1 }}");
    stopped("{{ seq 1000000000 }}");
    stopped("{{ range 9000000000 }}{{ end }}");
    stopped("{{ repeat 1000000000 \"xxxxxxxx\" }}");
    stopped("{{ indent 1000000000 \"x\" }}");
    stopped("{{ $x := repeat 30000 \"\\n\" }}{{ indent 30000 $x }}");
    stopped("{{ $x := repeat 30000 \"a\" }}{{ replace \"\" $x $x }}");
    stopped("{{ $x := repeat 30000 \"a\" }}{{ replace \"a\" $x $x }}");
    stopped("{{ $x := repeat 30000 \"a\" }}{{ regexReplaceAll \"a\" $x $x }}");
    stopped("{{ $x := repeat 30000 \"a\" }}{{ regexReplaceAllLiteral \"a\" $x $x }}");
    stopped("{{ $x := repeat 30000 \"a\" }}{{ wrapWith 1 $x $x }}");
    stopped("{{ $x := repeat 30000 \"a\" }}{{ join $x (splitList \"\" $x) }}");
    stopped("{{ $x := repeat 3000000 \"a\" }}{{ $_ := splitList \"\" $x }}");
    stopped("{{ $x := repeat 3000000 \"a\" }}{{ $_ := split \"\" $x }}");
    stopped("{{ $x := repeat 3000000 \"a\" }}{{ $_ := regexFindAll \"a\" $x -1 }}");
    stopped("{{ $x := repeat 3000000 \"a\" }}{{ $_ := regexSplit \"\" $x -1 }}");
    stopped("{{ $x := repeat 30000 \"a\" }}{{ $_ := regexReplaceAll \"a+\" $x (repeat 15000 \"$0\") }}");
    stopped("{{ printf (repeat 3000 \"%1000000[1]d\") 1 }}");
    stopped("{{ $x := \"a\" }}{{ range until 60 }}{{ $x = print $x $x }}{{ end }}{{ $x }}");
    stopped("{{ $x := \"a\" }}{{ range until 60 }}{{ $x = cat $x $x }}{{ end }}{{ $x }}");
    stopped("{{ $x := list 1 }}{{ range until 60 }}{{ $x = concat $x $x }}{{ end }}");
    stopped("{{ range until 100000 }}{{ repeat 1000 \"x\" }}{{ end }}");
    stopped("{{ range until 100000 }}{{ range until 100000 }}x{{ end }}{{ end }}");
}

#[test]
fn atk_25_long_texts_are_looked_through_once() {
    let done = |text: &str| assert!(rendered(text).is_ok(), "{text}");
    done("{{ contains (print (repeat 1000000 \"a\") \"b\") (repeat 2000000 \"a\") }}");
    done("{{ trimAll (print (repeat 1000000 \"b\") \"a\") (repeat 1000000 \"a\") }}");
    done("{{ trim (repeat 2000000 \" \") }}");
    done("{{ abbrevboth -9223372036854775808 10 \"a long enough text\" }}");
}

#[test]
fn atk_25_values_that_share_their_parts_are_not_unfolded() {
    for deep in [
        "toYaml",
        "toJson",
        "toPrettyJson",
        "toToml",
        "toYamlPretty",
        "deepCopy",
        "toString",
        "quote",
        "squote",
        "print",
        "html",
        "printf \"%v\"",
        "cat",
        "join \",\"",
        "sortAlpha",
        "toStrings",
    ] {
        stopped(&format!(
            "{{{{ $x := list 1 }}}}{{{{ range until 60 }}}}{{{{ $x = list $x $x }}}}{{{{ end }}}}{{{{ {deep} $x }}}}"
        ));
    }
    stopped("{{ $x := list 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ end }}{{ $x }}");
    stopped(
        "{{ $x := list 1 }}{{ $y := list 1 }}{{ range until 60 }}{{ $x = list $x $x }}{{ $y = list $y $y }}{{ end }}{{ deepEqual $x $y }}",
    );
    stopped(
        "{{ $x := repeat 100000 \"a\" }}{{ $l := list }}{{ range until 1000 }}{{ $l = append $l $x }}{{ end }}{{ toJson $l }}",
    );
    stopped("{{ $l := until 2000 }}{{ range until 1000 }}{{ $_ := uniq $l }}{{ end }}");
}

#[test]
fn atk_25_templates_that_include_themselves_end() {
    stopped("{{ define \"x\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}");
    stopped("{{ define \"x\" }}{{ template \"x\" . }}{{ end }}{{ template \"x\" . }}");
    stopped(
        "{{ define \"x\" }}{{ include \"y\" . }}{{ end }}{{ define \"y\" }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}",
    );
    stopped("{{ define \"x\" }}{{ tpl \"{{ include \\\"x\\\" . }}\" . }}{{ end }}{{ include \"x\" . }}");
    stopped("{{ $d := dict \"t\" \"{{ tpl .t . }}\" }}{{ tpl $d.t $d }}");
    stopped("{{ define \"x\" }}{{ include \"x\" . }}{{ include \"x\" . }}{{ end }}{{ include \"x\" . }}");
    let doubling = "{{ define \"x\" }}{{ if gt . 0 }}{{ include \"x\" (sub . 1 | int) }}{{ include \"x\" (sub . 1 | int) }}{{ end }}{{ end }}";
    stopped(&format!("{doubling}{{{{ include \"x\" 40 }}}}"));
    let nested = format!(
        "{{{{ define \"x\" }}}}{}{{{{ include \"x\" . }}}}{}{{{{ end }}}}{{{{ include \"x\" . }}}}",
        "{{ if true }}".repeat(300),
        "{{ end }}".repeat(300)
    );
    stopped(&nested);
}

#[test]
fn includes_as_deep_as_helm_allows_work() {
    let text = "{{ define \"x\" }}{{ if gt . 0 }}{{ include \"x\" (sub . 1 | int) }}{{ else }}end{{ end }}{{ end }}{{ include \"x\" 900 }}";
    assert_eq!(rendered(text).unwrap(), "end");
}

#[test]
fn atk_25_maps_that_hold_themselves_print_as_an_error() {
    let cycle = "{{ $d := dict }}{{ $_ := set $d \"d\" $d }}";
    assert_eq!(rendered(&format!("{cycle}{{{{ $d.d.d.d | kindOf }}}}")).unwrap(), "map");
    for deep in [
        "toYaml $d",
        "toJson $d",
        "toToml $d",
        "$d",
        "deepCopy $d",
        "merge (dict \"d\" (dict)) $d $d",
        "quote $d",
    ] {
        let result = rendered(&format!("{cycle}{{{{ {deep} }}}}"));
        assert!(deep.starts_with("merge") || result.is_err(), "{deep}");
    }
    let two = format!("{cycle}{{{{ $e := dict }}}}{{{{ $_ := set $e \"d\" $e }}}}");
    refused(&format!("{two}{{{{ deepEqual $d $e }}}}"), "nests deeper");
    refused(&format!("{two}{{{{ merge $d $e }}}}"), "nests deeper");
    let deep = "{{ $x := dict }}{{ range until 20000 }}{{ $x = dict \"a\" $x }}{{ end }}";
    refused(&format!("{deep}{{{{ toYaml $x }}}}"), "nests deeper");
    assert_eq!(rendered(&format!("{deep}ok")).unwrap(), "ok");
}

#[test]
fn atk_21_nesting_in_one_file_is_bounded() {
    stopped(&format!("{}{}", "{{ if true }}".repeat(100_000), "{{ end }}".repeat(100_000)));
    stopped(&format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000)));
    stopped(&format!("{{{{ if true }}}}{}{{{{ end }}}}", "{{ else if true }}".repeat(100_000)));
    refused(&"{{ define \"x\" }}".repeat(100_000), "unexpected");
    refused(&format!("{{{{ fromJson \"{}\" | toYaml | fail }}}}", "[".repeat(100_000)), "exceeded max depth");
    refused(&format!("{{{{ (fromYaml \"{}\").Error | fail }}}}", "[".repeat(100_000)), "levels of nesting");
    assert!(rendered(&format!("{{{{ (fromToml \"a={}\").Error | fail }}}}", "[".repeat(100_000))).is_err());
    assert!(rendered(&format!("{{{{ regexMatch \"{}\" \"a\" }}}}", "(".repeat(10_000))).is_ok());
}

/// An object that counts how many of it there are.
struct Counted(Rc<()>);

impl Host for Counted {
    fn type_name(&self) -> &'static str {
        "counted"
    }

    fn kind(&self) -> &'static str {
        "struct"
    }

    fn display(&self) -> String {
        Rc::strong_count(&self.0).to_string()
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

#[test]
fn maps_that_hold_themselves_are_gone_after_the_render() {
    let count = Rc::new(());
    let context = Dict::new(DictKind::Values);
    context.insert("object", Value::host(Counted(Rc::clone(&count))));
    let text = "{{ $d := dict \"o\" .object }}{{ $_ := set $d \"d\" (list $d) }}{{ $_ := merge . (dict \"a\" (dict \"b\" .)) }}ok";
    let file = TemplateFile {
        name: "chart/templates/a.yaml",
        text: text.as_bytes(),
        context,
        base_path: "chart/templates",
        rendered: true,
    };
    assert_eq!(render(&[file], &EngineOptions::default(), None).unwrap()[0].text, "ok");
    assert_eq!(Rc::strong_count(&count), 1);
}

#[test]
fn atk_24_expensive_expressions_are_refused_or_linear() {
    refused("{{ regexFind \"((((a{100}){100}){100}){100})\" \"a\" }}", "too large");
    assert_eq!(rendered("{{ regexMatch \"^(a+)+$\" (print (repeat 5000 \"a\") \"b\") }}").unwrap(), "false");
}

#[test]
fn atk_6_templates_reach_neither_cluster_nor_network_nor_environment() {
    assert_eq!(rendered("{{ lookup \"v1\" \"Secret\" \"kube-system\" \"\" }}").unwrap(), "map[]");
    assert_eq!(rendered("{{ getHostByName \"localhost\" }}").unwrap(), "");
    refused("{{ env \"HOME\" }}", "no access to the environment");
    refused("{{ tpl \"{{ expandenv \\\"$HOME\\\" }}\" . }}", "no access to the environment");
}

#[test]
fn what_a_render_never_does_is_refused_by_name_with_advice() {
    for call in [
        "now",
        "randAlphaNum 5",
        "uuidv4",
        "genCA \"a\" 1",
        "genPrivateKey \"rsa\"",
        "htpasswd \"a\" \"b\"",
        "ago 5",
        "shuffle \"a\"",
    ] {
        let error = rendered(&format!("{{{{ {call} }}}}")).expect_err(call);
        let name = call.split(' ').next().unwrap();
        assert_eq!(error.problem.id(), "template-refused");
        let text = error.to_string();
        assert!(
            text.contains(&format!("the function {name} is refused")) && text.contains("engine: cli"),
            "{text}"
        );
    }
    let unused = "{{ if .Values.missing }}{{ randAlphaNum 5 }}{{ else }}ok{{ end }}";
    assert_eq!(rendered(unused).unwrap(), "ok", "only a call is refused");
}

#[test]
fn errors_name_place_action_and_the_way_there_but_no_text_of_the_template() {
    let error =
        rendered("a: 1\nb: {{ define \"x\" }}{{ \"hunter2\" | trunc \"no\" }}{{ end }}{{ include \"x\" . }}")
            .unwrap_err();
    assert_eq!(
        error.to_string(),
        "chart/templates/a.yaml:2:40: \"…\": expected int; found \"…\", included at chart/templates/a.yaml:2:59; \
         correct the template, or the values it reads"
    );
    assert!(!format!("{error:?}").contains("hunter2"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn r5_no_text_makes_the_engine_panic(text in r"(\{\{-? ?|-?\}\}|[.$a-z0-9é]|[(|)=:,'`\\]|\x22| |\n|if |end|range |with |define \x22a\x22|\.Values|print |index |toYaml ){0,40}") {
        let _ = rendered(&text);
    }

    #[test]
    fn r5_no_format_makes_printf_panic(format in r"(%[-+# 0]{0,3}(\[[0-9x]{0,2}\])?([0-9]{0,7}|\*)(\.([0-9]{0,7}|\*))?[a-zA-Z%é]?){1,6}") {
        let _ = rendered(&format!("{{{{ printf {format:?} 1 -2.5 \"é\" nil (list 1 \"a\" nil) (dict \"a\" 1) true 'x' }}}}"));
    }
}
