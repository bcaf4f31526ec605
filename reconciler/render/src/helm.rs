//! The Helm dialect (`spec/rendering.md` section 5): the text of templates as Helm 4 renders them.
//!
//! | file | knows |
//! |---|---|
//! | `value` | Go's dynamic values: shared maps, texts of any bytes, objects with methods |
//! | `engine` | a chart's templates, their order, their budgets |
//! | `template` | Go's `text/template`: lexer, parser, tree, executor, printing |
//! | `functions` | what templates can call: Go's, Sprig's and Helm's functions, one file per family |
//! | `fault` | what goes wrong |
//!
//! Absent on purpose: a clock, randomness, keys and certificates, the network, the environment. The functions that need one are
//! refused by name (`functions::refused`).

mod engine;
mod fault;
mod value;

pub use engine::{EngineLimits, EngineOptions};
pub use fault::{Place, TemplateError, TemplateProblem};
