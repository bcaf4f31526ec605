//! Generated cases against a reference: both print the same, or both refuse.

use std::cell::{Cell, RefCell};
use std::fmt::Debug;

use anyhow::{anyhow, ensure};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

use crate::harness::Outcome;

/// How many cases, and which: `PROPTEST_CASES` of the seed `PROPTEST_RNG_SEED`, or these, the same each time.
pub fn config(cases: u32, seed: u64) -> Config {
    let asked = Config::default();
    Config {
        cases: if std::env::var_os("PROPTEST_CASES").is_some() { asked.cases } else { cases },
        rng_seed: match asked.rng_seed {
            RngSeed::Fixed(seed) => RngSeed::Fixed(seed),
            RngSeed::Random => RngSeed::Fixed(seed),
        },
        failure_persistence: None,
        // Milliseconds. A larger case in time is worth more than the smallest one after it.
        max_shrink_time: 120_000,
        ..asked
    }
}

/// Compares every case: `compare` tells whether both printed something, or how they differ. The smallest case that differs is told as it is `shown`.
pub fn run<C: Debug>(
    (cases, config): (&str, Config),
    strategy: impl Strategy<Value = C>,
    compare: impl FnMut(&C) -> anyhow::Result<bool>,
    shown: impl Fn(&C) -> String,
) -> Outcome {
    if let RngSeed::Fixed(seed) = config.rng_seed {
        println!("{} generated {cases} with PROPTEST_RNG_SEED={seed}", config.cases);
    }
    let compare = RefCell::new(compare);
    let (texts, refusals) = (Cell::new(0_u32), Cell::new(0_u32));
    let outcome = TestRunner::new(config).run(&strategy, |case| {
        let compared = (*compare.borrow_mut())(&case);
        let printed =
            compared.map_err(|error| TestCaseError::fail(format!("{error:#}\n{}", shown(&case))))?;
        let count = if printed { &texts } else { &refusals };
        count.set(count.get() + 1);
        Ok(())
    });
    println!("{} texts compared, {} more {cases} that both refuse", texts.get(), refusals.get());
    // The value of proptest's own message is the case in Rust's notation; the case as it is shown says it better.
    outcome.map_err(|error| match error {
        TestError::Fail(reason, _) => anyhow!("{reason}"),
        error @ TestError::Abort(_) => anyhow!("{error}"),
    })?;
    ensure!(texts.get() > refusals.get(), "most {cases} are refused: the generator is no good any more");
    Ok(())
}
