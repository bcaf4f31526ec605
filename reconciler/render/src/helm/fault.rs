//! What goes wrong in templates.

/// Why a function, a method or an operation failed; the engine adds where.
///
/// Messages name kinds and places, never a value: it may be a Secret's. What an author says with `fail` and `required` is passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// The template says so: `fail` or `required`.
    #[error("{0}")]
    Failed(String),
    /// An argument, operand or field is not what it has to be.
    #[error("{0}")]
    Wrong(String),
    /// Something that a render never does.
    #[error("the function {function} is refused: {why}")]
    Refused {
        /// The name of the function.
        function: &'static str,
        /// What it would need.
        why: &'static str,
    },
    /// A budget of the render is spent.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: u64,
    },
    /// The place is known already.
    #[error(transparent)]
    Elsewhere(Box<TemplateError>),
    /// The place is known already, in another template that this one includes; the place of that is missing yet.
    #[error(transparent)]
    Included(Box<TemplateError>),
}

impl Fault {
    /// Something is not what it has to be.
    pub(crate) fn wrong(message: impl Into<String>) -> Self {
        Fault::Wrong(message.into())
    }

    /// Adds where it happened, unless that is known. `what` is the part of the template.
    pub(crate) fn located(self, place: impl FnOnce() -> Place, what: String) -> Self {
        match self {
            Fault::Elsewhere(_) => self,
            // Nobody has a file of what a template gave to `tpl`: the call is the place.
            Fault::Included(mut error) if &*error.at.template == TPL_TEXT => {
                let line = std::mem::replace(&mut error.at, place()).line;
                let mut lines = std::mem::take(&mut error.tpl_lines).into_vec();
                if lines.len() < MOST_SHOWN {
                    lines.push(line);
                }
                error.tpl_lines = lines.into();
                Fault::Elsewhere(error)
            }
            Fault::Included(mut error) => {
                let mut within = std::mem::take(&mut error.within).into_vec();
                if within.len() < MOST_SHOWN {
                    within.push(place());
                }
                error.within = within.into();
                Fault::Elsewhere(error)
            }
            _ => Fault::Elsewhere(Box::new(TemplateError::new(place(), self.problem(what)))),
        }
    }

    /// The same fault for the template that includes this one.
    pub(crate) fn included(self) -> Self {
        match self {
            Fault::Elsewhere(error) => Fault::Included(error),
            fault => fault,
        }
    }

    /// The error, wherever it happened.
    pub(crate) fn anywhere(self, template: &str) -> TemplateError {
        let place = || Place { template: template.into(), ..Place::default() };
        match self {
            Fault::Elsewhere(error) | Fault::Included(error) => *error,
            fault => TemplateError::new(place(), fault.problem(String::new())),
        }
    }

    fn problem(self, what: String) -> TemplateProblem {
        match self {
            Fault::Failed(message) => TemplateProblem::Failed(message),
            Fault::Wrong(message) => TemplateProblem::Action { what, message },
            Fault::Refused { function, why } => TemplateProblem::Refused { function, why },
            Fault::Limit { what, limit } => TemplateProblem::Limit { what, limit },
            Fault::Elsewhere(error) | Fault::Included(error) => error.problem,
        }
    }
}

/// How a text is called that a template gives to `tpl`.
pub(super) const TPL_TEXT: &str = "gotpl";

/// How many templates around an error are named.
const MOST_SHOWN: usize = 5;

/// Where in a template.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Place {
    /// The template's name: its path, the name of the chart first.
    pub template: Box<str>,
    /// The line, from 1.
    pub line: u32,
    /// The column in bytes, from 0 as Go counts it; 0 where only the line is known.
    pub column: u32,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if &*self.template == TPL_TEXT {
            return write!(f, "line {} of the text given to tpl", self.line);
        }
        write!(f, "{}:{}", self.template, self.line)?;
        if self.column > 0 { write!(f, ":{}", self.column) } else { Ok(()) }
    }
}

/// Why the templates of a chart could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{at}: {}", self.what())]
pub struct TemplateError {
    /// Where.
    pub at: Place,
    /// Where it is in what the template gives to `tpl`, if it is there: the line, then that of the text around that text.
    pub tpl_lines: Box<[u32]>,
    /// Where the template was included, the innermost place first.
    pub within: Box<[Place]>,
    /// What.
    pub problem: TemplateProblem,
}

impl TemplateError {
    /// Everything but the place: what is wrong, where the template was included, and what to do.
    pub(crate) fn what(&self) -> String {
        let line = |line| format!("line {line} of the text given to tpl: ");
        let text: String = self.tpl_lines.iter().rev().map(line).collect();
        format!("{text}{}{}; {}", self.problem, included(&self.within), self.problem.advice())
    }

    pub(crate) fn new(at: Place, problem: TemplateProblem) -> Self {
        TemplateError { at, tpl_lines: Box::default(), within: Box::default(), problem }
    }
}

fn included(within: &[Place]) -> String {
    within.iter().map(|place| format!(", included at {place}")).collect()
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateProblem {
    /// The text is no template.
    #[error("{0}")]
    Syntax(String),
    /// An action failed.
    #[error("{what}: {message}")]
    Action {
        /// The action, as it is written.
        what: String,
        /// Why it failed.
        message: String,
    },
    /// `fail` or `required` was called.
    #[error("{0}")]
    Failed(String),
    /// A function that a render never calls.
    #[error("the function {function} is refused: {why}")]
    Refused {
        /// Its name.
        function: &'static str,
        /// What it would need.
        why: &'static str,
    },
    /// A budget is spent.
    #[error("more than {limit} {what}")]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How much there may be.
        limit: u64,
    },
}

impl TemplateProblem {
    /// The stable name of the problem.
    pub fn id(&self) -> &'static str {
        match self {
            TemplateProblem::Syntax(_) => "template-syntax",
            TemplateProblem::Action { .. } => "template-action",
            TemplateProblem::Failed(_) => "template-failed",
            TemplateProblem::Refused { .. } => "template-refused",
            TemplateProblem::Limit { .. } => "template-limit",
        }
    }

    /// What to do about it.
    pub fn advice(&self) -> &'static str {
        match self {
            TemplateProblem::Syntax(_) => "correct the template",
            TemplateProblem::Action { .. } => "correct the template, or the values it reads",
            TemplateProblem::Failed(_) => "the chart asks for other values",
            TemplateProblem::Refused { .. } => {
                "give the chart a value that avoids it, or set `engine: cli` to render with a helm binary"
            }
            TemplateProblem::Limit { .. } => "simplify the templates or their values, or raise the limit",
        }
    }
}
