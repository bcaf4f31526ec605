//! All templates of a chart and its subcharts, parsed into one set of names and rendered in Helm's order.

use std::rc::Rc;

use super::fault::{Place, TemplateError, TemplateProblem};
use super::template::parser::parse;
use super::template::run::{Run, Templates, without_no_value};
use super::template::tree::Source;
use super::value::{Dict, DictKind, Value};
use crate::tree::Deadline;

/// One template file of a chart.
pub(crate) struct TemplateFile<'a> {
    /// Its path with the names of its charts in front: `parent/charts/child/templates/a.yaml`.
    pub(crate) name: &'a str,
    /// Its bytes.
    pub(crate) text: &'a [u8],
    /// The values its chart's templates see: `Values`, `Chart`, `Release`, `Capabilities`, `Files`, `Subcharts`. Every file of a chart
    /// has the same map, so what one template sets the next one sees. `Template` is put there by the render. Its kind is
    /// [`DictKind::Values`], as is that of `Values` in it: Helm's type has methods.
    pub(crate) context: Dict,
    /// What `.Template.BasePath` is: `parent/charts/child/templates`.
    pub(crate) base_path: &'a str,
    /// Whether its text is wanted. Partials (`_helpers.tpl`) and library charts are parsed only.
    pub(crate) rendered: bool,
}

/// What the templates of one render may use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EngineLimits {
    /// Actions executed, function calls and items of lists that functions make.
    pub steps: u64,
    /// Bytes of all rendered templates.
    pub output_bytes: u64,
    /// Bytes of all texts that functions and includes make on the way.
    pub produced_bytes: u64,
    /// Templates within templates: `template`, `include`, `tpl`.
    pub include_depth: u64,
}

impl Default for EngineLimits {
    fn default() -> Self {
        EngineLimits {
            steps: 20_000_000,
            output_bytes: 64 << 20,
            produced_bytes: 1 << 30,
            include_depth: 1000,
        }
    }
}

/// Options of a render of templates.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct EngineOptions {
    /// What the templates may use up.
    pub limits: EngineLimits,
    /// What `now` is, in seconds since 1970. None: there is no clock here, and `now` is refused.
    pub now_unix_s: Option<i64>,
}

/// The text of one template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RenderedTemplate {
    /// The name of its file.
    pub(crate) name: String,
    /// What it printed.
    pub(crate) text: String,
}

/// Renders the templates that are wanted, in Helm's order: deeper paths first, of equally deep ones the last name first; for as long as
/// there is time.
///
/// The maps of the contexts are used up: templates change them, and afterwards they may be empty.
pub(crate) fn render(
    templates: &[TemplateFile<'_>],
    options: &EngineOptions,
    deadline: Option<Deadline>,
) -> Result<Vec<RenderedTemplate>, TemplateError> {
    let mut files: Vec<&TemplateFile<'_>> = templates.iter().collect();
    files.sort_by(|a, b| depth(b.name).cmp(&depth(a.name)).then_with(|| b.name.cmp(a.name)));
    let mut parsed = Templates::default();
    for file in &files {
        let source = Source { name: Rc::from(file.name), text: Rc::from(file.text) };
        parse(&Rc::new(source))?.into_iter().for_each(|tree| parsed.add(tree));
    }
    let mut run = Run::new(parsed, options, deadline);
    let mut rendered = Vec::new();
    for file in files.iter().filter(|file| file.rendered) {
        let template = [("Name", Value::text(file.name)), ("BasePath", Value::text(file.base_path))];
        let template = template.map(|(key, value)| (Rc::from(key), value));
        file.context.insert("Template", Dict::from_entries(DictKind::Values, template).into());
        let bytes = run.render(file.name, file.context.clone().into())?;
        let text = String::from_utf8(without_no_value(bytes)).map_err(|_| {
            let at = Place { template: file.name.into(), ..Place::default() };
            let message = "what it prints is no UTF-8 text".to_owned();
            TemplateError::new(at, TemplateProblem::Action { what: "the template".to_owned(), message })
        })?;
        rendered.push(RenderedTemplate { name: file.name.to_owned(), text });
    }
    Ok(rendered)
}

fn depth(name: &str) -> usize {
    name.bytes().filter(|byte| *byte == b'/').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context() -> Dict {
        let context = Dict::new(DictKind::Values);
        context.insert("Values", Dict::new(DictKind::Values).into());
        context
    }

    #[test]
    fn deeper_files_come_first_and_outer_definitions_count() {
        let seen = "{{ $_ := set .Values \"seen\" (print .Values.seen \" \" .Template.Name) }}{{ .Values.seen }} \
                    {{ include \"name\" . }} {{ .Template.BasePath }}";
        let (parent, child) = (context(), context());
        let file = |name, text: &'static str, rendered| {
            let in_child = str::starts_with(name, "c/charts");
            TemplateFile {
                name,
                text: text.as_bytes(),
                context: if in_child { child.clone() } else { parent.clone() },
                base_path: if in_child { "c/charts/d/templates" } else { "c/templates" },
                rendered,
            }
        };
        let files = [
            file("c/templates/a.yaml", seen, true),
            file("c/templates/b.yaml", seen, true),
            file("c/templates/sub/z.yaml", seen, true),
            file("c/charts/d/templates/m.yaml", seen, true),
            file("c/templates/_h.tpl", "{{ define \"name\" }}parent{{ end }}", false),
            file("c/templates/_a.tpl", "{{ define \"name\" }} {{/* nothing */}} {{ end }}", false),
            file("c/charts/d/templates/_h.tpl", "{{ define \"name\" }}child{{ end }}", false),
        ];
        let rendered = render(&files, &EngineOptions::default(), None).unwrap();
        let texts: Vec<&str> = rendered.iter().map(|one| one.text.as_str()).collect();
        // As Helm 4.3.2 prints them, which sorts by name afterwards.
        let expected = [
            "<nil> c/charts/d/templates/m.yaml parent c/charts/d/templates",
            "<nil> c/templates/sub/z.yaml parent c/templates",
            "<nil> c/templates/sub/z.yaml c/templates/b.yaml parent c/templates",
            "<nil> c/templates/sub/z.yaml c/templates/b.yaml c/templates/a.yaml parent c/templates",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn the_time_is_what_the_options_say() {
        let text = "{{ now | unixEpoch }} {{ now | date \"2006-01-02\" }} {{ ago 0 }} {{ date \"2006\" \"no time\" }}";
        let file = TemplateFile {
            name: "c/templates/a.yaml",
            text: text.as_bytes(),
            context: context(),
            base_path: "c/templates",
            rendered: true,
        };
        let options = EngineOptions { now_unix_s: Some(86_400), ..EngineOptions::default() };
        assert_eq!(render(&[file], &options, None).unwrap()[0].text, "86400 1970-01-02 24h0m0s 1970");
    }
}
