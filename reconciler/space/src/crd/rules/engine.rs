//! The narrow interface to the crate that runs CEL. Nothing else knows it but the values it is given.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use cel::{Context, Env, ExecutionError, Program, Value as Cel};

use super::cost;

/// The standard library with optional values, strings, lists and numbers.
static ENVIRONMENT: LazyLock<Arc<Env>> = LazyLock::new(|| {
    let mut environment = Env::stdlib();
    for extension in [cel::extensions::strings, cel::extensions::lists, cel::extensions::math] {
        // What an extension brings is known at build time; a clash would show in every test.
        let _clash = environment.add_extension(extension);
    }
    Arc::new(environment)
});

/// What a rule may speak of.
pub(super) struct Variables {
    /// `self`.
    pub(super) own: Cel,
    /// `oldSelf`.
    pub(super) old: Option<Cel>,
    /// Whether `oldSelf` is an optional value, and the rule runs without it, too.
    pub(super) optional_old: bool,
    /// The size of the largest list or map in them.
    pub(super) largest: usize,
}

/// What became of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It holds.
    True,
    /// It does not hold.
    False,
    /// It is about a change, and there is nothing to compare with.
    Waits,
    /// It could not be evaluated on this value.
    Failed(String),
    /// It would take too long.
    TooExpensive,
    /// The engine does not know what it needs.
    Unsupported(String),
}

/// Compiled rules of one check.
#[derive(Default)]
pub(super) struct Engine(BTreeMap<String, Option<Arc<Program>>>);

impl Engine {
    /// Whether a rule holds.
    pub(super) fn holds(&mut self, rule: &str, variables: &Variables) -> Outcome {
        let Some(program) = self.program(rule) else {
            return Outcome::Unsupported("it does not parse".into());
        };
        if program.references().has_variable("oldSelf") && variables.old.is_none() && !variables.optional_old
        {
            return Outcome::Waits;
        }
        if cost::is_too_much(program.expression(), variables.largest) {
            return Outcome::TooExpensive;
        }
        match run(&program, variables) {
            Ok(Cel::Bool(true)) => Outcome::True,
            Ok(Cel::Bool(false)) => Outcome::False,
            Ok(other) => Outcome::Unsupported(format!("it gives a {}", other.type_of())),
            Err(Stopped::Failed(why)) => Outcome::Failed(why),
            Err(Stopped::Unsupported(why)) => Outcome::Unsupported(why),
        }
    }

    /// The text that an expression gives.
    pub(super) fn text(&mut self, expression: &str, variables: &Variables) -> Option<String> {
        let program = self.program(expression)?;
        if cost::is_too_much(program.expression(), variables.largest) {
            return None;
        }
        match run(&program, variables) {
            Ok(Cel::String(text)) => Some(text.to_string()),
            _ => None,
        }
    }

    fn program(&mut self, text: &str) -> Option<Arc<Program>> {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        // A young parser must not take a request down with it.
        let compiled = catch_unwind(|| ENVIRONMENT.compile(text).ok()).ok().flatten().map(Arc::new);
        self.0.insert(text.to_owned(), compiled.clone());
        compiled
    }
}

enum Stopped {
    Failed(String),
    Unsupported(String),
}

fn run(program: &Program, variables: &Variables) -> Result<Cel, Stopped> {
    let evaluated = catch_unwind(AssertUnwindSafe(|| {
        let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
        context.add_variable_from_value("self", variables.own.clone());
        match (&variables.old, variables.optional_old) {
            (Some(old), false) => context.add_variable_from_value("oldSelf", old.clone()),
            (old, true) => context.add_variable_from_value("oldSelf", optional(old.as_ref())?),
            (None, false) => {}
        }
        program.execute(&context)
    }));
    match evaluated {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(stopped(&error)),
        Err(_) => Err(Stopped::Unsupported("the engine broke off".into())),
    }
}

/// A value, or none, as CEL's optional.
fn optional(value: Option<&Cel>) -> Result<Cel, ExecutionError> {
    let mut context = Context::with_env(Arc::clone(&ENVIRONMENT));
    let text = match value {
        Some(value) => {
            context.add_variable_from_value("value", value.clone());
            "optional.of(value)"
        }
        None => "optional.none()",
    };
    match ENVIRONMENT.compile(text) {
        Ok(program) => program.execute(&context),
        Err(_) => Err(ExecutionError::undeclared_reference("optional")),
    }
}

/// Errors that the value causes are the object's fault; all others are the engine's.
fn stopped(error: &ExecutionError) -> Stopped {
    match error {
        ExecutionError::NoSuchKey(key) => Stopped::Failed(format!("no such key: {key}")),
        ExecutionError::IndexOutOfBounds(_) => Stopped::Failed("index out of bounds".into()),
        ExecutionError::DivisionByZero(_) => Stopped::Failed("division by zero".into()),
        ExecutionError::RemainderByZero(_) => Stopped::Failed("modulus by zero".into()),
        ExecutionError::Overflow(..) => Stopped::Failed("integer overflow".into()),
        ExecutionError::UndeclaredReference(name) => {
            Stopped::Unsupported(format!("{name} is not known here"))
        }
        // The texts of other errors may hold values.
        _ => Stopped::Unsupported("an operation on these types is not known here".into()),
    }
}
