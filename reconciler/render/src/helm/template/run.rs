//! Walks trees and prints.

use std::collections::HashMap;
use std::rc::Rc;

use regex::Regex;

use super::parser::parse;
use super::printf;
use super::tree::{Body, Branch, Node, Pipe, Source, Tree};
use super::with_stack;
use crate::helm::budget::Budget;
use crate::helm::engine::EngineOptions;
use crate::helm::fault::{Fault, TPL_TEXT, TemplateError};
use crate::helm::functions::{Machine, compile};
use crate::helm::value::{Dict, IntKind, Text, UintKind, Value, WeakDict};
use crate::tree::Deadline;

/// What an expression gives. None is Go's value of no type, which an empty interface becomes at the end of a pipeline: fields of
/// it are nothing again, where a field of a nil in a map is an error.
pub(super) type Seen = Option<Value>;

/// Templates by name. What a `tpl` defines lies over what is defined around it.
#[derive(Default)]
pub(crate) struct Templates {
    trees: HashMap<Rc<str>, Rc<Tree>>,
    below: Option<Rc<Templates>>,
}

impl Templates {
    pub(super) fn find(&self, name: &str) -> Option<&Rc<Tree>> {
        let mut layer = Some(self);
        while let Some(templates) = layer {
            if let Some(tree) = templates.trees.get(name) {
                return Some(tree);
            }
            layer = templates.below.as_deref();
        }
        None
    }

    /// A later definition replaces an earlier one, but an empty one replaces none.
    pub(crate) fn add(&mut self, tree: Rc<Tree>) {
        if self.find(&tree.name).is_none() || !tree.is_empty() {
            self.trees.insert(Rc::clone(&tree.name), tree);
        }
    }
}

/// How a body ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Next,
    Break,
    Continue,
}

/// How many levels of everything that nests may be open at once; it bounds the stack.
const LEVELS: u64 = 20_000;

/// A render under way.
pub(crate) struct Run<'a> {
    pub(super) options: &'a EngineOptions,
    pub(super) budget: Budget,
    pub(super) templates: Rc<Templates>,
    /// The tree being walked.
    pub(super) tree: Rc<Tree>,
    /// Its variables, the innermost last.
    pub(super) variables: Vec<(Rc<str>, Seen)>,
    /// What it printed.
    out: Vec<u8>,
    /// How many templates are within each other.
    depth: u64,
    /// How many of them print into a text. Outside of all of them printing counts as output.
    captures: u64,
    pub(super) levels: u64,
    /// Arguments of `tpl` that were read already.
    parsed: HashMap<Vec<u8>, Vec<Rc<Tree>>>,
    /// Regular expressions that were compiled already.
    expressions: HashMap<String, Regex>,
    /// Maps that were given something which may lead back to them.
    changed: Vec<WeakDict>,
}

/// Maps that hold themselves would never go away.
impl Drop for Run<'_> {
    fn drop(&mut self) {
        self.changed.iter().for_each(WeakDict::clear);
    }
}

impl<'a> Run<'a> {
    /// A render of these templates, for as long as there is time.
    pub(crate) fn new(templates: Templates, options: &'a EngineOptions, deadline: Option<Deadline>) -> Self {
        let source = Source { name: Rc::from(""), text: Rc::from([]) };
        let nothing = Tree { name: Rc::from(""), source: Rc::new(source), body: Body::new() };
        Run {
            options,
            budget: Budget::new(options.limits).until(deadline),
            templates: Rc::new(templates),
            tree: Rc::new(nothing),
            variables: Vec::new(),
            out: Vec::new(),
            depth: 0,
            captures: 0,
            levels: 0,
            parsed: HashMap::new(),
            expressions: HashMap::new(),
            changed: Vec::new(),
        }
    }

    /// Prints a template with this value as dot.
    pub(crate) fn render(&mut self, name: &str, dot: Value) -> Result<Vec<u8>, TemplateError> {
        let done = match self.templates.find(name).cloned() {
            Some(tree) => self.execute(&tree, &Some(dot)),
            None => Ok(()),
        };
        let out = std::mem::take(&mut self.out);
        match done {
            Ok(()) => Ok(out),
            Err(fault) => Err(fault.anywhere(name)),
        }
    }

    /// Walks a template; it sees none of the variables around it.
    fn execute(&mut self, tree: &Rc<Tree>, dot: &Seen) -> Result<(), Fault> {
        let limit = self.options.limits.include_depth;
        if self.depth >= limit {
            return Err(Fault::Limit { what: "templates within templates", limit });
        }
        let outer_tree = std::mem::replace(&mut self.tree, Rc::clone(tree));
        let outer_variables = std::mem::replace(&mut self.variables, vec![(Rc::from("$"), dot.clone())]);
        self.depth += 1;
        let done = self.walk(&tree.body, dot);
        self.depth -= 1;
        self.variables = outer_variables;
        self.tree = outer_tree;
        done.map(|_| ())
    }

    /// What a template prints, as a text.
    fn captured(&mut self, tree: &Rc<Tree>, dot: &Seen) -> Result<Vec<u8>, Fault> {
        let outer = std::mem::take(&mut self.out);
        self.captures += 1;
        let done = self.execute(tree, dot);
        self.captures -= 1;
        let inner = std::mem::replace(&mut self.out, outer);
        done.map(|()| inner).map_err(Fault::included)
    }

    /// Does something one level further in.
    pub(super) fn deeper<T>(&mut self, act: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, Fault> {
        if self.levels >= LEVELS {
            return Err(Fault::Limit { what: "levels of nesting", limit: LEVELS });
        }
        self.levels += 1;
        let result = with_stack(|| act(self));
        self.levels -= 1;
        result
    }

    fn walk(&mut self, body: &Body, dot: &Seen) -> Result<Flow, Fault> {
        self.deeper(|run| {
            for node in body {
                match run.node(node, dot)? {
                    Flow::Next => {}
                    flow => return Ok(flow),
                }
            }
            Ok(Flow::Next)
        })
    }

    fn node(&mut self, node: &Node, dot: &Seen) -> Result<Flow, Fault> {
        match node {
            Node::Text(text) => self.print(text.as_bytes())?,
            Node::Action(pipe) => {
                let value = self.pipeline(pipe, dot)?;
                if pipe.variables.is_empty() {
                    self.print_value(value).map_err(|fault| self.in_pipe(fault, pipe))?;
                }
            }
            Node::Branch { kind: Branch::Range, pipe, body, otherwise } => {
                return self.range(pipe, (body, otherwise.as_ref()), dot);
            }
            Node::Branch { kind, pipe, body, otherwise } => {
                return self.branch((*kind, pipe), (body, otherwise.as_ref()), dot);
            }
            Node::Template { at, name, pipe } => self.template(*at, name, pipe.as_ref(), dot)?,
            Node::Break => return Ok(Flow::Break),
            Node::Continue => return Ok(Flow::Continue),
        }
        Ok(Flow::Next)
    }

    fn print(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let counted =
            if self.captures > 0 { self.budget.produce(bytes.len()) } else { self.budget.print(bytes.len()) };
        counted?;
        self.budget.spend(1)?;
        self.out.extend_from_slice(bytes);
        Ok(())
    }

    fn print_value(&mut self, value: Seen) -> Result<(), Fault> {
        let Some(value) = value else { return self.print(b"<no value>") };
        if let Value::String(text) = &value {
            return self.print(text.as_bytes());
        }
        self.budget.weigh(&value)?;
        let text = printf::sprint(std::slice::from_ref(&value), self.budget.room());
        let text = text.map_err(|_| self.budget.overflow())?;
        self.print(text.as_bytes())
    }

    fn in_pipe(&self, fault: Fault, pipe: &Pipe) -> Fault {
        let shown = pipe.commands.first().map(super::tree::Command::shown).unwrap_or_default();
        fault.located(|| self.tree.source.place(pipe.at), shown)
    }

    fn branch(
        &mut self,
        (kind, pipe): (Branch, &Pipe),
        (body, otherwise): (&Body, Option<&Body>),
        dot: &Seen,
    ) -> Result<Flow, Fault> {
        let mark = self.variables.len();
        let value = self.pipeline(pipe, dot)?;
        let flow = if value.as_ref().is_some_and(Value::is_true) {
            self.walk(body, if kind == Branch::With { &value } else { dot })
        } else if let Some(otherwise) = otherwise {
            self.walk(otherwise, dot)
        } else {
            Ok(Flow::Next)
        };
        self.variables.truncate(mark);
        flow
    }

    fn range(
        &mut self,
        pipe: &Pipe,
        (body, otherwise): (&Body, Option<&Body>),
        dot: &Seen,
    ) -> Result<Flow, Fault> {
        let mark = self.variables.len();
        let value = self.pipeline(pipe, dot)?;
        let elements = Elements::of(value, pipe).map_err(|fault| self.in_pipe(fault, pipe))?;
        let inner = self.variables.len();
        let mut ran = false;
        for (index, element) in elements {
            ran = true;
            let ready = self
                .budget
                .spend(1)
                .and_then(|()| self.loop_variables(pipe, inner, (index, element.clone())));
            ready.map_err(|fault| self.in_pipe(fault, pipe))?;
            let flow = self.walk(body, &element)?;
            self.variables.truncate(inner);
            if flow == Flow::Break {
                break;
            }
        }
        let flow = match otherwise {
            Some(otherwise) if !ran => self.walk(otherwise, dot)?,
            _ => Flow::Next,
        };
        // In `else` a `break` ends this loop, which has ended, and a `continue` goes on with the one around it: a quirk of Go.
        let flow = if flow == Flow::Break { Flow::Next } else { flow };
        self.variables.truncate(mark);
        Ok(flow)
    }

    /// Sets the variables of a loop: with one it is the element, with two the index comes first.
    fn loop_variables(
        &mut self,
        pipe: &Pipe,
        top: usize,
        (index, element): (Seen, Seen),
    ) -> Result<(), Fault> {
        let values = match pipe.variables.len() {
            0 => return Ok(()),
            1 => vec![element],
            _ => vec![index, element],
        };
        for (at, (name, value)) in pipe.variables.iter().zip(values).enumerate() {
            if pipe.assigns {
                self.assign(name, value)?;
            } else if let Some((_, held)) = self.variables.get_mut(top - pipe.variables.len() + at) {
                *held = value;
            }
        }
        Ok(())
    }

    /// Gives an existing variable another value.
    pub(super) fn assign(&mut self, name: &str, value: Seen) -> Result<(), Fault> {
        match self.variables.iter_mut().rev().find(|(held, _)| **held == *name) {
            Some((_, held)) => {
                *held = value;
                Ok(())
            }
            None => Err(Fault::wrong(format!("undefined variable: {name}"))),
        }
    }

    fn template(&mut self, at: u32, name: &Rc<str>, pipe: Option<&Pipe>, dot: &Seen) -> Result<(), Fault> {
        let place = |run: &Self| run.tree.source.place(at);
        let shown = || format!("template {name:?}");
        let Some(tree) = self.templates.find(name).cloned() else {
            let fault = Fault::wrong(format!("template {name:?} not defined"));
            return Err(fault.located(|| place(self), shown()));
        };
        let dot = match pipe {
            Some(pipe) => self.pipeline(pipe, dot)?,
            None => None,
        };
        self.execute(&tree, &dot).map_err(|fault| fault.included().located(|| place(self), shown()))
    }
}

impl Machine for Run<'_> {
    fn budget(&mut self) -> &mut Budget {
        &mut self.budget
    }

    fn now(&self) -> Option<i64> {
        self.options.now_unix_s
    }

    fn changed(&mut self, dict: &Dict) -> Result<(), Fault> {
        self.budget.produce(size_of::<WeakDict>())?;
        self.changed.push(dict.downgraded());
        Ok(())
    }

    fn expression(&mut self, pattern: &str) -> Result<Regex, String> {
        if let Some(expression) = self.expressions.get(pattern) {
            return Ok(expression.clone());
        }
        let expression = compile(pattern)?;
        self.expressions.insert(pattern.to_owned(), expression.clone());
        Ok(expression)
    }

    fn include(&mut self, name: &str, dot: Value) -> Result<Text, Fault> {
        let Some(tree) = self.templates.find(name).cloned() else {
            return Err(Fault::wrong(format!("there is no template {name:?}")));
        };
        // Go forgets the type of a nil on the way through `any`.
        let dot = if matches!(dot, Value::Nil) { None } else { Some(dot) };
        self.captured(&tree, &dot).map(Text::from)
    }

    fn expand(&mut self, template: &Text, dot: Value) -> Result<Text, Fault> {
        let trees = match self.parsed.get(template.as_bytes()) {
            Some(trees) => trees.clone(),
            None => {
                self.budget.spend(template.len() as u64 / 16 + 1)?;
                let source = Source { name: Rc::from(TPL_TEXT), text: Rc::from(template.as_bytes()) };
                let trees = parse(&Rc::new(source)).map_err(|error| Fault::Included(Box::new(error)))?;
                self.parsed.insert(template.as_bytes().to_vec(), trees.clone());
                trees
            }
        };
        let mut layer = Templates { trees: HashMap::new(), below: Some(Rc::clone(&self.templates)) };
        trees.iter().cloned().for_each(|tree| layer.add(tree));
        // Not by its name: one that is empty does not replace that of a `tpl` around it, but is what runs.
        let Some(tree) = trees.iter().find(|tree| &*tree.name == TPL_TEXT).cloned() else {
            return Ok(Text::from(""));
        };
        let outer = std::mem::replace(&mut self.templates, Rc::new(layer));
        let dot = if matches!(dot, Value::Nil) { None } else { Some(dot) };
        let printed = self.captured(&tree, &dot);
        self.templates = outer;
        printed.map(|bytes| Text::from(without_no_value(bytes)))
    }
}

/// Helm removes what Go prints for a value that is not there.
pub(crate) fn without_no_value(bytes: Vec<u8>) -> Vec<u8> {
    const MARK: &[u8] = b"<no value>";
    if !bytes.windows(MARK.len()).any(|window| window == MARK) {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes.as_slice();
    while let Some(at) = rest.windows(MARK.len()).position(|window| window == MARK) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + MARK.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// What a loop goes over, with index or key.
enum Elements {
    None,
    Numbers { value: Value, at: i64, end: i64 },
    List { items: crate::helm::value::List, at: usize },
    Entries(std::vec::IntoIter<(Rc<str>, Value)>),
    Bytes { bytes: Rc<[u8]>, at: usize },
}

impl Elements {
    fn of(value: Seen, pipe: &Pipe) -> Result<Self, Fault> {
        let count = |value: Value, end: i64| {
            if pipe.variables.len() > 1 {
                return Err(Fault::wrong("can't use a number to iterate over more than one variable"));
            }
            Ok(Elements::Numbers { value, at: 0, end })
        };
        match value {
            None | Some(Value::Nil) => Ok(Elements::None),
            Some(value @ Value::Int(_, end)) => count(value, end),
            Some(value @ Value::Uint(_, end)) => count(value, i64::try_from(end).unwrap_or(i64::MAX)),
            Some(Value::List(items)) => Ok(Elements::List { items, at: 0 }),
            Some(Value::Dict(dict)) => Ok(Elements::Entries(dict.entries().into_iter())),
            Some(Value::Bytes(bytes)) => Ok(Elements::Bytes { bytes, at: 0 }),
            Some(Value::Host(object)) => match object.plain() {
                Some(plain) => Elements::of(Some(plain), pipe),
                None => Err(Fault::wrong(format!("range can't iterate over {}", object.type_name()))),
            },
            Some(value) => Err(Fault::wrong(format!("range can't iterate over {}", value.type_name()))),
        }
    }
}

impl Iterator for Elements {
    type Item = (Seen, Seen);

    fn next(&mut self) -> Option<(Seen, Seen)> {
        let index = |at: usize| Some(Value::int(i64::try_from(at).unwrap_or(i64::MAX)));
        match self {
            Elements::None => None,
            Elements::Numbers { value, at, end } => {
                if at >= end {
                    return None;
                }
                *at += 1;
                let number = match value {
                    Value::Int(kind, _) => Value::Int(*kind, *at - 1),
                    Value::Uint(kind, _) => Value::Uint(*kind, at.unsigned_abs() - 1),
                    _ => Value::Int(IntKind::Int, *at - 1),
                };
                Some((None, Some(number)))
            }
            Elements::List { items, at } => {
                let item = items.get(*at)?.clone();
                *at += 1;
                Some((index(*at - 1), Some(item)))
            }
            Elements::Entries(entries) => {
                entries.next().map(|(key, value)| (Some(Value::text(key)), Some(value)))
            }
            Elements::Bytes { bytes, at } => {
                let byte = *bytes.get(*at)?;
                *at += 1;
                Some((index(*at - 1), Some(Value::Uint(UintKind::Uint8, u64::from(byte)))))
            }
        }
    }
}
