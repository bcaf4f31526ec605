//! What a render may use up, and what it has used.

use super::engine::EngineLimits;
use super::fault::Fault;
use super::value::{DEPTH, TooDeep, Value};
use crate::tree::Deadline;

/// Steps between two looks at the time: one step is quick, or its bytes are limited.
const STEPS_PER_LOOK: u64 = 256;
/// What a text in a list takes beside its bytes.
const PART_BYTES: usize = 64;
/// Steps for a byte of bytes that are walked one by one: some encoders make a value of each.
const STEPS_PER_BYTE: u64 = 4;

/// The budget of one render. Every amount only grows; what was made and dropped again counts, too.
pub(crate) struct Budget {
    limits: EngineLimits,
    steps: u64,
    produced: u64,
    output: u64,
    deadline: Option<Deadline>,
    /// The step at which the time is looked at.
    next_look: u64,
}

impl Budget {
    /// Nothing used yet.
    pub(crate) fn new(limits: EngineLimits) -> Self {
        Budget { limits, steps: 0, produced: 0, output: 0, deadline: None, next_look: STEPS_PER_LOOK }
    }

    /// The same, for as long as there is time.
    pub(crate) fn until(mut self, deadline: Option<Deadline>) -> Self {
        self.deadline = deadline;
        self
    }

    /// Takes steps.
    pub(crate) fn spend(&mut self, steps: u64) -> Result<(), Fault> {
        self.steps = self.steps.saturating_add(steps);
        within(self.steps, self.limits.steps, "steps of templates")?;
        if self.steps < self.next_look {
            return Ok(());
        }
        self.next_look = self.steps.saturating_add(STEPS_PER_LOOK);
        match &self.deadline {
            Some(deadline) if deadline.is_over() => {
                Err(Fault::Limit { what: "seconds for the unit", limit: deadline.seconds() })
            }
            _ => Ok(()),
        }
    }

    /// Makes bytes that a template goes on with. Asked before they are made, so that they never are where they are too many.
    pub(crate) fn produce(&mut self, bytes: usize) -> Result<(), Fault> {
        self.produced = self.produced.saturating_add(bytes as u64);
        within(self.produced, self.limits.produced_bytes, "bytes made by templates")
    }

    /// Makes one more part of a list, of so many bytes. Asked before it is made.
    pub(crate) fn part(&mut self, bytes: usize) -> Result<(), Fault> {
        self.spend(1)?;
        self.produce(bytes.saturating_add(PART_BYTES))
    }

    /// Prints bytes.
    pub(crate) fn print(&mut self, bytes: usize) -> Result<(), Fault> {
        self.output = self.output.saturating_add(bytes as u64);
        within(self.output, self.limits.output_bytes, "bytes of output")
    }

    /// How many bytes may still be made.
    pub(crate) fn room(&self) -> usize {
        usize::try_from(self.limits.produced_bytes.saturating_sub(self.produced)).unwrap_or(usize::MAX)
    }

    /// Nothing fitted any more.
    pub(crate) fn overflow(&self) -> Fault {
        Fault::Limit { what: "bytes made by templates", limit: self.limits.produced_bytes }
    }

    /// Counts what a function will see that walks the whole value: lists may share their items, so that a small value unfolds into
    /// one that fits nowhere.
    pub(crate) fn weigh(&mut self, value: &Value) -> Result<(), Fault> {
        match value {
            Value::List(_) | Value::Dict(_) | Value::Host(_) => self.weigh_levels(value, DEPTH),
            Value::String(text) => self.produce(text.len()),
            Value::Bytes(bytes) => self.weigh_bytes(bytes),
            _ => Ok(()),
        }
    }

    fn weigh_bytes(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.spend((bytes.len() as u64).saturating_mul(STEPS_PER_BYTE))?;
        self.produce(bytes.len())
    }

    fn weigh_levels(&mut self, value: &Value, levels: usize) -> Result<(), Fault> {
        let below = levels.checked_sub(1).ok_or_else(|| Fault::wrong(TooDeep.to_string()))?;
        self.spend(1)?;
        match value {
            Value::List(list) => list.iter().try_for_each(|item| self.weigh_levels(item, below)),
            Value::Dict(dict) => dict.entries().iter().try_for_each(|(key, value)| {
                self.produce(key.len())?;
                self.weigh_levels(value, below)
            }),
            Value::Host(object) => match object.plain() {
                Some(plain) => self.weigh_levels(&plain, below),
                None => Ok(()),
            },
            Value::String(text) => self.produce(text.len()),
            Value::Bytes(bytes) => self.weigh_bytes(bytes),
            _ => Ok(()),
        }
    }
}

fn within(used: u64, limit: u64, what: &'static str) -> Result<(), Fault> {
    if used > limit { Err(Fault::Limit { what, limit }) } else { Ok(()) }
}
