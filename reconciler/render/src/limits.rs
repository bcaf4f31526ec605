//! Every limit of a render, by the name that an operator sets it with. All are on by default.
//!
//! They are the operator's: nothing in a repository can change one. What exceeds a limit fails its unit, and no other.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use apimachinery::Clock;
use apimachinery::quantity::Quantity;

use crate::unit::RenderOptions;

/// One limit.
pub struct Limit {
    /// What it is called in `--limit NAME=NUMBER`.
    pub name: &'static str,
    /// What it bounds.
    pub meaning: &'static str,
    /// More than this cannot be asked for: the limit protects the program's own stack.
    pub most: u64,
    get: fn(&RenderOptions) -> u64,
    set: fn(&mut RenderOptions, u64),
}

impl Limit {
    /// Its value in these options.
    pub fn of(&self, options: &RenderOptions) -> u64 {
        (self.get)(options)
    }
}

const fn limit(
    name: &'static str,
    meaning: &'static str,
    get: fn(&RenderOptions) -> u64,
    set: fn(&mut RenderOptions, u64),
) -> Limit {
    Limit { name, meaning, most: u64::MAX, get, set }
}

/// A number of things in memory: never more than fit.
fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

/// All limits.
pub const LIMITS: [Limit; 14] = [
    Limit {
        // More is never read from a commit.
        most: 32 << 20,
        ..limit("file-bytes", "Bytes of one file", |o| o.limits.file_bytes, |o, n| o.limits.file_bytes = n)
    },
    limit(
        "file-values",
        "Values in one YAML file, those that aliases stand for included",
        |o| o.limits.nodes as u64,
        |o, n| o.limits.nodes = count(n),
    ),
    Limit {
        most: 200,
        ..limit(
            "file-depth",
            "Levels of nesting in one YAML file, aliases expanded",
            |o| o.limits.depth as u64,
            |o, n| o.limits.depth = count(n),
        )
    },
    limit(
        "file-documents",
        "Documents in one YAML file",
        |o| o.limits.documents as u64,
        |o, n| o.limits.documents = count(n),
    ),
    limit(
        "unit-objects",
        "Objects of one unit",
        |o| o.plain.max_objects as u64,
        |o, n| {
            o.plain.max_objects = count(n);
            o.kustomize.max_objects = count(n);
            o.helm.max_objects = count(n);
        },
    ),
    limit(
        "unit-seconds",
        "Seconds for one unit, looked at at files, patches and while templates run",
        |o| o.time.most.as_secs(),
        |o, n| o.time.most = Duration::from_secs(n),
    ),
    limit(
        "chart-bytes",
        "Bytes of one chart, unpacked, with everything in it",
        |o| o.helm.chart.bytes,
        |o, n| o.helm.chart.bytes = n,
    ),
    limit(
        "chart-files",
        "Files of one chart, with everything packed into it",
        |o| o.helm.chart.files as u64,
        |o, n| o.helm.chart.files = count(n),
    ),
    Limit {
        most: 100,
        ..limit(
            "chart-depth",
            "Charts inside each other",
            |o| o.helm.chart.depth as u64,
            |o, n| o.helm.chart.depth = count(n),
        )
    },
    limit(
        "chart-inflation",
        "How many times its own size a chart's archive may unpack to, once that is more than a mebibyte",
        |o| o.helm.chart.inflation,
        |o, n| o.helm.chart.inflation = n,
    ),
    limit(
        "template-steps",
        "Actions, calls and items of lists in all templates of one release",
        |o| o.helm.templates.limits.steps,
        |o, n| o.helm.templates.limits.steps = n,
    ),
    limit(
        "template-output-bytes",
        "Bytes that all templates of one release print",
        |o| o.helm.templates.limits.output_bytes,
        |o, n| o.helm.templates.limits.output_bytes = n,
    ),
    limit(
        "template-made-bytes",
        "Bytes of all texts that functions and includes make on the way",
        |o| o.helm.templates.limits.produced_bytes,
        |o, n| o.helm.templates.limits.produced_bytes = n,
    ),
    Limit {
        most: 10_000,
        ..limit(
            "template-depth",
            "Templates within templates",
            |o| o.helm.templates.limits.include_depth,
            |o, n| o.helm.templates.limits.include_depth = n,
        )
    },
];

/// A limit that cannot be set.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// No such name.
    #[error("there is no limit {name:?}; there are {}", LIMITS.map(|limit| limit.name).join(", "))]
    Unknown {
        /// What was asked for.
        name: String,
    },
    /// No number, or none that can be.
    #[error("{name} takes a whole number from 1 to {most}, also as 16Mi or 2M, and not {text:?}")]
    Number {
        /// The limit.
        name: &'static str,
        /// The largest value.
        most: u64,
        /// What was asked for.
        text: String,
    },
}

impl RenderOptions {
    /// Sets one limit, given as `NAME=NUMBER`; the number may have the suffixes of a quantity.
    ///
    /// # Errors
    /// When there is no such limit, or it cannot have this value.
    pub fn set_limit(&mut self, text: &str) -> Result<(), LimitError> {
        let (name, number) = text.split_once('=').unwrap_or((text, ""));
        let Some(limit) = LIMITS.iter().find(|limit| limit.name == name) else {
            return Err(LimitError::Unknown { name: name.to_owned() });
        };
        let whole = Quantity::parse(number).ok().filter(|quantity| {
            // A quantity rounds up to whole numbers; what is no whole number is a mistake.
            quantity.scaled(0).and_then(|whole| whole.checked_mul(1000)) == quantity.scaled(-3)
        });
        let whole = whole.and_then(|quantity| u64::try_from(quantity.scaled(0)?).ok());
        match whole.filter(|whole| (1..=limit.most).contains(whole)) {
            Some(whole) => {
                (limit.set)(self, whole);
                Ok(())
            }
            None => Err(LimitError::Number { name: limit.name, most: limit.most, text: number.to_owned() }),
        }
    }
}

/// How long a unit may take, and whose clock says so. This room has none: without one, time does not count.
#[derive(Clone)]
pub struct TimeLimit {
    /// The longest that one unit may take.
    pub most: Duration,
    /// The clock.
    pub clock: Option<Arc<dyn Clock>>,
}

impl Default for TimeLimit {
    fn default() -> Self {
        TimeLimit { most: Duration::from_secs(60), clock: None }
    }
}

impl fmt::Debug for TimeLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeLimit").field("most", &self.most).finish_non_exhaustive()
    }
}

/// Equal when the same time counts by the same clock.
impl PartialEq for TimeLimit {
    fn eq(&self, other: &Self) -> bool {
        let same_clock = match (&self.clock, &other.clock) {
            (Some(own), Some(other)) => Arc::ptr_eq(own, other),
            (own, other) => own.is_none() && other.is_none(),
        };
        self.most == other.most && same_clock
    }
}

impl Eq for TimeLimit {}

/// `docs/reference/limits.md`.
pub fn limits_reference() -> String {
    let mut text = String::from(
        "# Limits\n\nWhat one unit of a repository may use up. All are on; `--limit NAME=NUMBER` of `up`, `hub`, `plan`, `explain`, `validate` and `render` changes one, and \
         `16Mi` or `2M` are numbers, too. Nothing in a repository changes one. A unit that exceeds a limit fails alone, with finding `unit-over-limit`.\n\n\
         | name | default | what it bounds |\n|---|---|---|\n",
    );
    let defaults = RenderOptions::default();
    for limit in &LIMITS {
        text.push_str(&format!("| `{}` | {} | {} |\n", limit.name, limit.of(&defaults), limit.meaning));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_is_set_by_its_name_and_nothing_else_changes() {
        for (at, limit) in LIMITS.iter().enumerate() {
            let mut options = RenderOptions::default();
            options.set_limit(&format!("{}=7", limit.name)).unwrap();
            for (other, held) in LIMITS.iter().enumerate() {
                let expected = if other == at { 7 } else { held.of(&RenderOptions::default()) };
                assert_eq!(held.of(&options), expected, "{} by {}", held.name, limit.name);
            }
        }
    }

    #[test]
    fn numbers_are_whole_positive_and_may_have_a_suffix() {
        fn check(text: &str, expected: Result<u64, &str>) {
            let mut options = RenderOptions::default();
            let set = options.set_limit(text).map(|()| options.limits.file_bytes);
            assert_eq!(set.map_err(|error| error.to_string()), expected.map_err(str::to_owned), "{text}");
        }
        check("file-bytes=16Mi", Ok(16 << 20));
        check("file-bytes=2k", Ok(2000));
        check(
            "file-bytes=1500m",
            Err("file-bytes takes a whole number from 1 to 33554432, also as 16Mi or 2M, and not \"1500m\""),
        );
        check(
            "file-depth=201",
            Err("file-depth takes a whole number from 1 to 200, also as 16Mi or 2M, and not \"201\""),
        );
        for wrong in ["file-bytes", "file-bytes=", "file-bytes=0", "file-bytes=-1", "file-bytes=many"] {
            assert!(RenderOptions::default().set_limit(wrong).is_err(), "{wrong}");
        }
        let unknown = RenderOptions::default().set_limit("bytes=1").unwrap_err().to_string();
        assert!(
            unknown.starts_with("there is no limit \"bytes\"; there are file-bytes, file-values"),
            "{unknown}"
        );
    }
}
