//! Evaluates pipelines: constants, variables, fields, methods and calls, with Go's rules of what may be given to what.

use std::rc::Rc;

use super::run::{Run, Seen};
use super::tree::{Command, Number, Operand, Pipe, Term};
use crate::helm::fault::Fault;
use crate::helm::functions::{Action, Function, Param, call_method};
use crate::helm::value::{Dict, DictKind, IntKind, Text, Value};

/// How many bytes of its arguments a function may look at for a step.
const BYTES_OF_A_STEP: u64 = 64;

/// The result of the command before in a pipeline; none for the first command.
type Piped = Option<Seen>;

/// A value as an argument of any type: one that is not there is nil.
fn any(value: Seen) -> Value {
    value.unwrap_or_default()
}

impl Run<'_> {
    /// The value of a pipeline, which its variables take.
    pub(super) fn pipeline(&mut self, pipe: &Pipe, dot: &Seen) -> Result<Seen, Fault> {
        let mut piped = None;
        for command in &pipe.commands {
            let value = self.deeper(|run| run.command(command, dot, piped))?;
            piped = Some(value.filter(|value| !matches!(value, Value::Nil)));
        }
        let value = piped.flatten();
        for name in &pipe.variables {
            if pipe.assigns {
                self.assign(name, value.clone())
                    .map_err(|fault| fault.located(|| self.tree.source.place(pipe.at), name.to_string()))?;
            } else {
                self.variables.push((Rc::clone(name), value.clone()));
            }
        }
        Ok(value)
    }

    fn command(&mut self, command: &Command, dot: &Seen, piped: Piped) -> Result<Seen, Fault> {
        let result = self.budget.spend(1).and_then(|()| self.unplaced_command(command, dot, piped));
        result.map_err(|fault| fault.located(|| self.tree.source.place(command.at), command.shown()))
    }

    fn unplaced_command(&mut self, command: &Command, dot: &Seen, piped: Piped) -> Result<Seen, Fault> {
        let Some((first, arguments)) = command.operands.split_first() else { return Ok(None) };
        match &first.term {
            Term::Field(path) => self.path(dot.clone(), path, (arguments, piped), dot),
            Term::Chain(operand, path) => {
                let receiver = self.operand(operand, dot)?;
                self.path(receiver, path, (arguments, piped), dot)
            }
            Term::Variable(name, path) => {
                let value = self.variable(name);
                if path.is_empty() {
                    no_arguments(first, arguments, piped.is_some())?;
                    return Ok(value);
                }
                self.path(value, path, (arguments, piped), dot)
            }
            Term::Function(function) => self.call(function, (arguments, piped), dot).map(Some),
            Term::Pipe(pipe) => {
                no_arguments(first, arguments, piped.is_some())?;
                self.pipeline(pipe, dot)
            }
            Term::Nil => Err(Fault::wrong("nil is not a command")),
            Term::Dot | Term::Bool(_) | Term::Number(_) | Term::Text(_) => {
                no_arguments(first, arguments, piped.is_some())?;
                self.operand(first, dot)
            }
        }
    }

    /// The value of an operand that nothing is given to, where any type will do.
    fn operand(&mut self, operand: &Operand, dot: &Seen) -> Result<Seen, Fault> {
        match &operand.term {
            Term::Dot => Ok(dot.clone()),
            Term::Nil => Ok(Some(Value::Nil)),
            Term::Bool(b) => Ok(Some(Value::Bool(*b))),
            Term::Number(number) => constant(*number).map(Some),
            Term::Text(text) => Ok(Some(Value::String(text.clone()))),
            Term::Field(path) => self.path(dot.clone(), path, (&[], None), dot),
            Term::Variable(name, path) => {
                let value = self.variable(name);
                if path.is_empty() { Ok(value) } else { self.path(value, path, (&[], None), dot) }
            }
            Term::Function(function) => self.call(function, (&[], None), dot).map(Some),
            Term::Pipe(pipe) => self.deeper(|run| run.pipeline(pipe, dot)),
            Term::Chain(operand, path) => {
                if matches!(operand.term, Term::Nil) {
                    return Err(Fault::wrong("indirection through explicit nil"));
                }
                let receiver = self.deeper(|run| run.operand(operand, dot))?;
                self.path(receiver, path, (&[], None), dot)
            }
        }
    }

    fn variable(&self, name: &str) -> Seen {
        self.variables.iter().rev().find(|(held, _)| **held == *name).and_then(|(_, value)| value.clone())
    }

    /// Follows `.a.b.c`; only the last one takes arguments.
    fn path(
        &mut self,
        receiver: Seen,
        path: &[Rc<str>],
        (arguments, piped): (&[Operand], Piped),
        dot: &Seen,
    ) -> Result<Seen, Fault> {
        let Some((last, before)) = path.split_last() else { return Ok(receiver) };
        let mut value = receiver;
        for name in before {
            value = self.field(value, name, (&[], None), dot)?;
        }
        self.field(value, last, (arguments, piped), dot)
    }

    /// A method, a field of an object, or a member of a map.
    fn field(
        &mut self,
        receiver: Seen,
        name: &str,
        (operands, piped): (&[Operand], Piped),
        dot: &Seen,
    ) -> Result<Seen, Fault> {
        let Some(receiver) = receiver else { return Ok(None) };
        if matches!(receiver, Value::Nil) {
            return Err(Fault::wrong(format!("nil pointer evaluating interface {{}}.{name}")));
        }
        let has_arguments = !operands.is_empty() || piped.is_some();
        if may_have_methods(&receiver) {
            let mut arguments = Vec::with_capacity(operands.len() + 1);
            for operand in operands {
                arguments.push(any(self.operand(operand, dot)?));
            }
            arguments.extend(piped.map(any));
            if let Some(result) = call_method(&receiver, name, &arguments) {
                return result.map(Some);
            }
        }
        if let Value::Host(object) = &receiver
            && let Some(value) = object.field(name)
        {
            if has_arguments {
                return Err(Fault::wrong(format!("{name} has arguments but cannot be invoked as function")));
            }
            return Ok(Some(value));
        }
        let Some(dict) = receiver.as_dict() else {
            let message = format!("can't evaluate field {name} in type {}", receiver.type_name());
            return Err(Fault::wrong(message));
        };
        if has_arguments {
            return Err(Fault::wrong(format!("{name} is not a method but has arguments")));
        }
        Ok(Some(dict.get(name).unwrap_or_else(|| dict.zero())))
    }

    fn call(
        &mut self,
        function: &'static Function,
        (operands, piped): (&[Operand], Piped),
        dot: &Seen,
    ) -> Result<Value, Fault> {
        let given = operands.len() + usize::from(piped.is_some());
        let fixed = function.params.len();
        if given < fixed || (given > fixed && function.rest.is_none()) {
            let least = if function.rest.is_some() { "at least " } else { "" };
            let message =
                format!("wrong number of args for {}: want {least}{fixed} got {given}", function.name);
            return Err(Fault::wrong(message));
        }
        let param = |at: usize| function.params.get(at).copied().or(function.rest).unwrap_or(Param::Any);
        let body = match function.action {
            Action::Refused(why) => return Err(Fault::Refused { function: function.name, why }),
            Action::And => return self.first_that(false, (operands, piped), dot),
            Action::Or => return self.first_that(true, (operands, piped), dot),
            Action::Body(body) => body,
        };
        let mut arguments = Vec::with_capacity(given);
        for (at, operand) in operands.iter().enumerate() {
            let argument = self.argument(operand, param(at), dot);
            arguments.push(argument.map_err(|fault| self.at_operand(fault, operand))?);
        }
        if let Some(value) = piped {
            arguments.push(accept(value, param(given - 1))?);
        }
        let bytes = arguments.iter().filter_map(Value::as_text).map(Text::len).sum::<usize>();
        self.budget.spend(bytes as u64 / BYTES_OF_A_STEP)?;
        let result = body(self, &arguments).map_err(|fault| match fault {
            Fault::Wrong(message) => Fault::Wrong(format!("error calling {}: {message}", function.name)),
            fault => fault,
        })?;
        match &result {
            Value::String(text) => self.budget.produce(text.len())?,
            Value::List(list) => self.budget.produce(list.len() * size_of::<Value>())?,
            _ => {}
        }
        Ok(result)
    }

    fn at_operand(&self, fault: Fault, operand: &Operand) -> Fault {
        fault.located(|| self.tree.source.place(operand.at), operand.shown())
    }

    /// `or` and `and`: the first argument whose truth is this, else the last one. What comes after it is not evaluated.
    fn first_that(
        &mut self,
        truth: bool,
        (operands, piped): (&[Operand], Piped),
        dot: &Seen,
    ) -> Result<Value, Fault> {
        let mut last = Value::Nil;
        for operand in operands {
            last = any(self.operand(operand, dot)?);
            if last.is_true() == truth {
                return Ok(last);
            }
        }
        Ok(piped.map_or(last, any))
    }

    /// An argument for a parameter: constants become what the parameter wants, everything else has to be it.
    fn argument(&mut self, operand: &Operand, param: Param, dot: &Seen) -> Result<Value, Fault> {
        let expected = |what: &str| Fault::wrong(format!("expected {what}; found {}", operand.shown()));
        match (&operand.term, param) {
            (Term::Nil, Param::Any) => Ok(Value::Nil),
            (Term::Nil, Param::Dict) => Ok(Value::Dict(Dict::nil(DictKind::Any))),
            (Term::Nil, param) => Err(Fault::wrong(format!("cannot assign nil to {}", param.type_name()))),
            (Term::Bool(b), Param::Any | Param::Bool) => Ok(Value::Bool(*b)),
            (Term::Number(number), Param::Any) => constant(*number),
            (Term::Number(number), Param::Int) => {
                number.int.map(Value::int).ok_or_else(|| expected("integer"))
            }
            (Term::Number(number), Param::Float) => Ok(Value::Float(number.float)),
            (Term::Text(text), Param::Any | Param::Text) => Ok(Value::String(text.clone())),
            (Term::Bool(_) | Term::Number(_) | Term::Text(_), param) => Err(expected(param.type_name())),
            _ => accept(self.operand(operand, dot)?, param),
        }
    }
}

/// Whether a value may be given to a parameter. Go converts nothing: an `int64` is no `int`.
fn accept(value: Seen, param: Param) -> Result<Value, Fault> {
    let wrong = |found: &str| {
        Fault::wrong(format!("wrong type for value; expected {}; got {found}", param.type_name()))
    };
    let Some(value) = value else {
        return match param {
            Param::Any => Ok(Value::Nil),
            Param::Dict => Ok(Value::Dict(Dict::nil(DictKind::Any))),
            _ => Err(Fault::wrong(format!("invalid value; expected {}", param.type_name()))),
        };
    };
    let fits = match (&value, param) {
        (_, Param::Any)
        | (Value::String(_), Param::Text)
        | (Value::Int(IntKind::Int, _), Param::Int)
        | (Value::Float(_), Param::Float)
        | (Value::Bool(_), Param::Bool) => true,
        (Value::Dict(dict), Param::Dict) if dict.kind() != DictKind::Strings => {
            return Ok(Value::Dict(dict.seen_as(DictKind::Any)));
        }
        (Value::Host(object), Param::Time) => object.type_name().trim_start_matches('*') == "time.Time",
        (Value::Nil, _) => return Err(wrong("interface {}")),
        _ => false,
    };
    match &value {
        Value::Host(object) if fits => Ok(object.copied().unwrap_or(value)),
        _ if fits => Ok(value),
        _ => Err(wrong(value.type_name())),
    }
}

/// A number where its type is not known.
fn constant(number: Number) -> Result<Value, Fault> {
    if number.looks_float {
        return Ok(Value::Float(number.float));
    }
    number.int.map(Value::int).ok_or_else(|| Fault::wrong("the constant overflows int"))
}

fn no_arguments(first: &Operand, arguments: &[Operand], piped: bool) -> Result<(), Fault> {
    if arguments.is_empty() && !piped {
        return Ok(());
    }
    Err(Fault::wrong(format!("can't give argument to non-function {}", first.shown())))
}

fn may_have_methods(value: &Value) -> bool {
    match value {
        Value::Host(_) => true,
        Value::Dict(dict) => dict.kind() == DictKind::Values,
        Value::Int(kind, _) => !matches!(kind, IntKind::Int | IntKind::Int64),
        _ => false,
    }
}
