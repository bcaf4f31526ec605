//! Why a unit could not be rendered, told as a whole: where, what, why, what to do about it, and the line of the file.
//!
//! Values of a line are left out, because it may be one of a Secret.

use std::error::Error;
use std::fmt;

use crate::helm::HelmError;
use crate::kustomize::KustomizeError;
use crate::object::Origin;
use crate::plain::PlainError;
use crate::tree::{Files, TreeError};
use crate::yaml::masked_line;

/// Why a unit could not be rendered. Its text tells everything, causes included.
#[derive(Debug)]
pub struct RenderError {
    problem: Box<Problem>,
    /// The line at its place, values left out.
    line: Option<String>,
}

/// What is wrong, in the words of a dialect.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    #[error(transparent)]
    Tree(#[from] TreeError),
    #[error(transparent)]
    Plain(#[from] PlainError),
    #[error(transparent)]
    Kustomize(#[from] KustomizeError),
    #[error(transparent)]
    Helm(#[from] HelmError),
}

/// What kind of trouble a render is in. Each has a finding of its own, and its id never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Something is wrong in the repository: finding `unit-failed`.
    Failed,
    /// A limit is exceeded: finding `unit-over-limit`.
    OverLimit,
    /// Something is asked for that a render never does (leave the repository, use the network, run a program): finding `unit-refused`.
    Refused,
    /// Something of another place could not be fetched, and may be there at the next attempt: finding `unit-fetch-failed`.
    Unreachable,
}

impl RenderError {
    /// A problem with what was read of `files`.
    pub(crate) fn new(problem: Problem, files: &Files<'_>) -> Self {
        let shows_its_line = problem.to_string().contains('\n');
        let line = problem.place().filter(|_| !shows_its_line).and_then(|at| {
            let bytes = files.read(&at.file).ok()?;
            let text = std::str::from_utf8(&bytes).ok()?;
            let is_template = matches!(problem, Problem::Helm(HelmError::Template { .. }));
            let line = if is_template { actions(text, at.line) } else { masked_line(text, at.line) };
            (!line.trim().is_empty()).then_some(line)
        });
        Self { problem: Box::new(problem), line }
    }

    /// What kind of trouble this is.
    pub fn trouble(&self) -> Trouble {
        match &*self.problem {
            Problem::Tree(error) => error.trouble(),
            Problem::Plain(error) => error.trouble(),
            Problem::Kustomize(error) => error.trouble(),
            Problem::Helm(error) => error.trouble(),
        }
    }

    /// The file and the line, where they are known.
    pub fn place(&self) -> Option<Origin> {
        self.problem.place()
    }
}

impl Problem {
    fn place(&self) -> Option<Origin> {
        match self {
            Problem::Tree(_) => None,
            Problem::Plain(error) => error.place(),
            Problem::Kustomize(error) => error.place(),
            Problem::Helm(error) => error.place(),
        }
    }
}

/// A line of a template: its actions, which messages quote as well, and nothing of the text between them.
fn actions(text: &str, line: u32) -> String {
    let mut rest = (line as usize).checked_sub(1).and_then(|skip| text.lines().nth(skip)).unwrap_or_default();
    let mut shown = String::new();
    while let Some((before, (action, after))) =
        rest.split_once("{{").and_then(|(before, rest)| Some((before, rest.split_once("}}")?)))
    {
        shown.push_str(if before.trim().is_empty() { "" } else { "… " });
        shown.push_str(&format!("{{{{{action}}}}} "));
        rest = after;
    }
    shown.push_str(if rest.trim().is_empty() { "" } else { "…" });
    shown.trim_end().to_owned()
}

impl fmt::Display for RenderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = self.problem.to_string();
        let mut next = self.problem.source();
        while let Some(cause) = next {
            let said = cause.to_string();
            // Some tell their causes themselves.
            if !text.contains(&said) {
                text.push_str(": ");
                text.push_str(&said);
            }
            next = cause.source();
        }
        f.write_str(&text)?;
        self.line.as_ref().map_or(Ok(()), |line| write!(f, "\n  | {line}"))
    }
}

// No source: the text has them all.
impl Error for RenderError {}
