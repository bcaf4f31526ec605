//! Go's `text/template`, as of Go 1.26.
//!
//! | file | knows |
//! |---|---|
//! | `lexer`, `constants`, `parser` | text to trees |
//! | `tree` | what a template says |
//! | `run` | walking trees: printing, branches, loops, templates within templates |
//! | `evaluate` | pipelines, fields, methods, calls |
//! | `format`, `float`, `quote`, `printf` | how values print: Go's `fmt` and `strconv` |
//!
//! Absent on purpose: functions as values (`call` has nothing to call), channels, complex numbers, other delimiters.
//!
//! Why not the crate gotmpl (0.6.1), whose syntax tree is public: `{{- /* comment */}}` trims the text behind it, `"a""b"` are two
//! arguments, `"\xff"` is a letter, and undefined variables, unknown functions and a stray `break` are no errors of the parser.

pub(super) mod constants;
mod evaluate;
pub(super) mod float;
mod format;
mod lexer;
pub(super) mod parser;
pub(super) mod printf;
pub(super) mod quote;
pub(super) mod run;
pub(super) mod tree;

/// Makes sure that there is stack for what comes. Templates nest as deep as their author likes, threads differ in size.
pub(super) fn with_stack<T>(run: impl FnOnce() -> T) -> T {
    const NEEDED: usize = 512 << 10;
    const SEGMENT: usize = 4 << 20;
    stacker::maybe_grow(NEEDED, SEGMENT, run)
}
