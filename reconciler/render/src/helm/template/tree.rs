//! What the text of a template says.

use std::rc::Rc;

use crate::helm::fault::Place;
use crate::helm::functions::Function;
use crate::helm::value::Text;

/// The file (or the argument of `tpl`) that templates were read from.
pub(crate) struct Source {
    /// How messages and `.Template.Name` call it.
    pub(crate) name: Rc<str>,
    /// Its bytes.
    pub(crate) text: Rc<[u8]>,
}

impl Source {
    /// The place of a byte, as Go counts: lines from 1, columns in bytes from 0.
    pub(crate) fn place(&self, at: u32) -> Place {
        let before = self.text.get(..at as usize).unwrap_or(&self.text);
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count();
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Place { template: Box::from(&*self.name), line: small(line), column: small(column) }
    }
}

/// One named template.
pub(crate) struct Tree {
    /// Its name: that of the file, or of the `define`.
    pub(crate) name: Rc<str>,
    /// Where it was read from.
    pub(crate) source: Rc<Source>,
    /// What it does.
    pub(crate) body: Body,
}

impl Tree {
    /// Whether it holds nothing but white space and comments. Such a definition never replaces another one.
    pub(crate) fn is_empty(&self) -> bool {
        self.body.iter().all(|node| match node {
            Node::Text(text) => text.as_str().trim().is_empty(),
            _ => false,
        })
    }
}

/// Nodes in order.
pub(crate) type Body = Vec<Node>;

/// One element of a template.
pub(crate) enum Node {
    /// Text outside actions, printed as it is.
    Text(Text),
    /// `{{ pipeline }}`.
    Action(Pipe),
    /// `{{ if }}`, `{{ with }}`, `{{ range }}`.
    Branch {
        /// Which of them.
        kind: Branch,
        /// The pipeline that decides.
        pipe: Pipe,
        /// What to do then.
        body: Body,
        /// What to do else.
        otherwise: Option<Body>,
    },
    /// `{{ template "name" pipeline }}`, and what is left of a `{{ block }}`.
    Template {
        /// Where its name is.
        at: u32,
        /// The template to run.
        name: Rc<str>,
        /// Its dot; nil without.
        pipe: Option<Pipe>,
    },
    /// `{{ break }}`.
    Break,
    /// `{{ continue }}`.
    Continue,
}

/// Which control structure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Branch {
    /// `if`.
    If,
    /// `with`: the value becomes dot.
    With,
    /// `range`: each element becomes dot.
    Range,
}

/// `$a, $b := command | command`.
pub(crate) struct Pipe {
    /// Where it begins.
    pub(crate) at: u32,
    /// The variables that take the result.
    pub(crate) variables: Vec<Rc<str>>,
    /// Whether they exist already (`=`) or are declared (`:=`).
    pub(crate) assigns: bool,
    /// Each takes the result of the one before as its last argument.
    pub(crate) commands: Vec<Command>,
}

/// A function, method, field or constant with its arguments.
pub(crate) struct Command {
    /// Where it begins.
    pub(crate) at: u32,
    /// What is called, then the arguments. Never empty.
    pub(crate) operands: Vec<Operand>,
}

/// A part of a command.
pub(crate) struct Operand {
    /// Where it begins.
    pub(crate) at: u32,
    /// What it is.
    pub(crate) term: Term,
}

/// What an operand is.
pub(crate) enum Term {
    /// `.`
    Dot,
    /// `nil`
    Nil,
    /// `true`, `false`
    Bool(bool),
    /// A number or a character.
    Number(Number),
    /// A quoted text.
    Text(Text),
    /// `.a.b`
    Field(Vec<Rc<str>>),
    /// `$x.a.b`
    Variable(Rc<str>, Vec<Rc<str>>),
    /// A function by name.
    Function(&'static Function),
    /// `( pipeline )`
    Pipe(Box<Pipe>),
    /// `(pipeline).a.b`
    Chain(Box<Operand>, Vec<Rc<str>>),
}

/// A constant, and what it can stand for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Number {
    /// As a signed integer, if it is one.
    pub(crate) int: Option<i64>,
    /// As a floating point number.
    pub(crate) float: f64,
    /// Whether it is written like one: `1.0`, `1e3`.
    pub(crate) looks_float: bool,
}

impl Operand {
    /// The operand for messages, texts left out: one of them may be a password.
    pub(crate) fn shown(&self) -> String {
        let path = |fields: &[Rc<str>]| fields.iter().map(|field| format!(".{field}")).collect::<String>();
        match &self.term {
            Term::Dot => ".".to_owned(),
            Term::Nil => "nil".to_owned(),
            Term::Bool(b) => b.to_string(),
            Term::Number(number) => {
                number.int.map_or_else(|| number.float.to_string(), |int| int.to_string())
            }
            Term::Text(_) => "\"…\"".to_owned(),
            Term::Field(fields) => path(fields),
            Term::Variable(name, fields) => format!("{name}{}", path(fields)),
            Term::Function(function) => function.name.to_owned(),
            Term::Pipe(_) => "(…)".to_owned(),
            Term::Chain(operand, fields) => format!("{}{}", operand.shown(), path(fields)),
        }
    }
}

impl Command {
    /// The command for messages.
    pub(crate) fn shown(&self) -> String {
        let most = 6;
        let mut words: Vec<String> = self.operands.iter().take(most).map(Operand::shown).collect();
        if self.operands.len() > most {
            words.push("…".to_owned());
        }
        words.join(" ")
    }
}
