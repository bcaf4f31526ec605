//! The fuzz targets of `tests/fuzz`, each over its seeds and over mutations of them. A search of hours is libFuzzer's business; this keeps what it found found.
//!
//! `GITSTELLAR_FUZZ_SEED` and `GITSTELLAR_FUZZ_RUNS` choose other mutations, and more of them.

#[path = "../fuzz/src/lib.rs"]
mod targets;

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use libtest_mimic::Trial;

use crate::harness::{Outcome, same, trial};

/// Mutated inputs of each target in a plain `cargo test`.
const RUNS: u64 = 40;
/// The seed of a plain `cargo test`: the same inputs every time.
const SEED: u64 = 20_261_129;
/// Longer inputs find nothing that shorter ones do not, and take longer.
const LONGEST: usize = 4096;

pub fn trials() -> Vec<Trial> {
    let mut trials = vec![trial("fuzz::every_target_has_a_program_and_seeds", programs)];
    trials.extend(targets::ALL.map(|(name, _)| trial(format!("fuzz::r_5_{name}"), move || search(name))));
    trials
}

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fuzz")
}

/// The inputs in the repository, sorted by name.
fn seeds(target: &str) -> anyhow::Result<Vec<Vec<u8>>> {
    let directory = home().join("seeds").join(target);
    let listed =
        std::fs::read_dir(&directory).with_context(|| format!("{} has no seeds", directory.display()))?;
    let mut files = listed.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    files.sort();
    files.iter().map(|file| Ok(std::fs::read(file)?)).collect()
}

fn programs() -> Outcome {
    let manifest = std::fs::read_to_string(home().join("Cargo.toml"))?;
    let named: BTreeSet<&str> =
        manifest.split("[[bin]]\nname = \"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    same("the programs of tests/fuzz", named, targets::ALL.iter().map(|(name, _)| *name).collect())?;
    for (name, _) in targets::ALL {
        let program = std::fs::read_to_string(home().join(format!("fuzz_targets/{name}.rs")))?;
        anyhow::ensure!(program.contains(&format!("fuzz::run(\"{name}\"")), "{name}.rs runs another target");
        anyhow::ensure!(!seeds(name)?.is_empty(), "{name} has no seeds");
    }
    let (seed, runs) = seed_and_runs()?;
    println!(
        "fuzz: {runs} mutations for each of {} targets, GITSTELLAR_FUZZ_SEED={seed}",
        targets::ALL.len()
    );
    Ok(())
}

fn seed_and_runs() -> anyhow::Result<(u64, u64)> {
    let number = |variable: &str, default| match std::env::var(variable) {
        Ok(text) => text.parse().with_context(|| format!("{variable} is no number")),
        Err(_) => Ok(default),
    };
    Ok((number("GITSTELLAR_FUZZ_SEED", SEED)?, number("GITSTELLAR_FUZZ_RUNS", RUNS)?))
}

fn search(name: &str) -> Outcome {
    let (seed, runs) = seed_and_runs()?;
    let seeds = seeds(name)?;
    for input in &seeds {
        attempt(name, input).with_context(|| format!("{name}: a seed breaks a law"))?;
    }
    let mut mutator = Mutator {
        state: seed ^ name.bytes().fold(0, |sum: u64, byte| sum.wrapping_mul(31) ^ u64::from(byte)),
        seeds: &seeds,
    };
    for run in 0..runs {
        let input = mutator.input();
        attempt(name, &input)
            .with_context(|| format!("{name}: run {run} of GITSTELLAR_FUZZ_SEED={seed} breaks a law"))?;
    }
    Ok(())
}

fn attempt(name: &str, input: &[u8]) -> Outcome {
    catch_unwind(|| targets::run(name, input)).map_err(|panic| {
        let shown = input.escape_ascii().to_string();
        anyhow::anyhow!("{}\nwith the input b\"{shown}\"", said(panic.as_ref()))
    })
}

fn said(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked")
}

/// Cuts, doubles, crosses and overwrites seeds. The same state gives the same inputs on every machine.
struct Mutator<'a> {
    state: u64,
    seeds: &'a [Vec<u8>],
}

/// What the formats give a meaning to.
const WORDS: [&str; 40] = [
    "\n",
    " ",
    "  ",
    ": ",
    "- ",
    "{",
    "}",
    "[",
    "]",
    "\"",
    "'",
    "|\n",
    ">-\n",
    "&a ",
    "*a",
    "<<: ",
    "!!binary ",
    "? ",
    "---\n",
    "...\n",
    "#",
    "\\",
    "\t",
    "\r\n",
    "\u{feff}",
    "\0",
    "null",
    "~",
    "-1",
    "0x1f",
    "1e999",
    "9223372036854775808",
    "..",
    "/",
    "=== ",
    "{{",
    "}}",
    "$patch: delete",
    "*",
    "\u{1f600}",
];

impl Mutator<'_> {
    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.state ^ (self.state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        let drawn = self.next() % (end.max(1) as u64);
        usize::try_from(drawn).unwrap_or_default()
    }

    fn seed(&mut self) -> Vec<u8> {
        let at = self.below(self.seeds.len());
        self.seeds[at].clone()
    }

    /// A piece of `bytes`.
    fn piece(&mut self, bytes: &[u8]) -> std::ops::Range<usize> {
        let start = self.below(bytes.len() + 1);
        start..start + self.below((bytes.len() - start).min(64) + 1)
    }

    fn input(&mut self) -> Vec<u8> {
        let mut input = self.seed();
        for _ in 0..=self.below(6) {
            self.mutate(&mut input);
        }
        input.truncate(LONGEST);
        input
    }

    fn mutate(&mut self, input: &mut Vec<u8>) {
        let at = self.below(input.len() + 1);
        let piece = self.piece(input);
        match self.below(7) {
            0 => drop(input.drain(piece)),
            1 => {
                let doubled = input[piece].to_vec();
                input.splice(at..at, doubled);
            }
            2 => {
                let other = self.seed();
                let taken = self.piece(&other);
                input.splice(piece, other[taken].iter().copied());
            }
            3 if at < input.len() => input[at] ^= 1 << self.below(8),
            4 if at < input.len() => input[at] = self.next().to_le_bytes()[0],
            _ => {
                let word = WORDS[self.below(WORDS.len())];
                input.splice(at..at, word.bytes());
            }
        }
    }
}
