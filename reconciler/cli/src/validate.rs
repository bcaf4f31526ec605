//! `gitstellar validate [REPO]`.

use std::path::PathBuf;
use std::process::ExitCode;

use ::plan::finding::{Severity, said_and_shown};
use ::plan::review::{self, Options};
use ::render::Directory;
use apimachinery::kinds::KindTable;
use hub::declare;

use crate::rendering::RenderingArgs;
use crate::repository;

/// Arguments of `validate`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Directory of the repository; its files as they are, committed or not
    #[arg(default_value = ".")]
    repository: PathBuf,
    /// Print JSON
    #[arg(short, long, value_enum, default_value_t = Format::Text)]
    output: Format,
    #[command(flatten)]
    rendering: RenderingArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Text,
    Json,
}

/// Prints the findings; fails when one of them is a blocker.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let root = repository::root_of(&args.repository)?;
    let tree = Directory::open(&root)?;
    let path = args.repository.canonicalize()?;
    let below = path.strip_prefix(&root)?.to_string_lossy().into_owned();
    let declared = declare::declare(&tree, &below, KindTable::built_in(), &args.rendering.options()?)?;
    let review = review::review(None, &declared.declaration, &Options::default());
    if args.output == Format::Json {
        println!("{}", serde_json::to_string_pretty(&review.findings)?);
    } else {
        for finding in &review.findings {
            let place = finding
                .file
                .as_ref()
                .map(|file| format!("{file}:{}: ", finding.line.unwrap_or(1)))
                .unwrap_or_default();
            let (said, shown) = said_and_shown(&finding.message);
            println!("{place}{}: {said} [{}]", finding.severity, finding.id);
            if let Some(line) = shown {
                println!("  | {line}");
            }
        }
        let units = declared.declaration.units.len();
        let objects: usize = declared.declaration.units.iter().map(|unit| unit.objects.len()).sum();
        let policies = declared.declaration.policies.len();
        println!(
            "{units} units, {objects} objects, {policies} policies, {} clusters; {} findings",
            declared.declaration.clusters.len(),
            review.findings.len()
        );
    }
    let blocked = review.findings.iter().any(|finding| finding.severity == Severity::Blocker);
    Ok(if blocked { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}
