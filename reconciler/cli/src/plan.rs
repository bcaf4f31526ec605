//! `gitstellar plan`: the placement review, offline.

use std::path::PathBuf;
use std::process::ExitCode;

use ::plan::Inventory;
use ::plan::review::{self, MarkdownOptions, Options};
use anyhow::Context as _;
use git::Repository;
use hub::declare::Commits;

use crate::rendering::RenderingArgs;
use crate::repository;

/// Arguments of `plan`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The repository
    #[arg(long, default_value = ".")]
    repo: PathBuf,
    /// Directory of the source inside the repository
    #[arg(long, default_value = "")]
    path: String,
    /// The revision that is in force; without it everything appears
    #[arg(long)]
    base: Option<String>,
    /// The revision under review
    #[arg(long, default_value = "HEAD")]
    head: String,
    /// The inventory snapshot of a status commit: a file, or REVISION:PATH; without it the clusters are those of clusters/
    #[arg(long, value_name = "FILE|REV:PATH")]
    inventory: Option<String>,
    /// Exit with 2 when anything changes
    #[arg(long)]
    exit_code: bool,
    /// How to print
    #[arg(short, long, value_enum, default_value_t = Format::Table)]
    output: Format,
    #[command(flatten)]
    rendering: RenderingArgs,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Table,
    Markdown,
    Json,
}

/// Exit code for blockers, and with `--exit-code` for any change.
const ATTENTION: u8 = 2;

/// Prints the review.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let repository = repository::open(&args.repo)?;
    let mut commits = Commits::new(args.rendering.options()?);
    let mut declared = |revision| repository::declared_at(&repository, revision, &args.path, &mut commits);
    let base = args.base.as_deref().map(&mut declared).transpose()?;
    let (head_commit, head) = declared(&args.head)?;
    let inventory = args.inventory.as_deref().map(|at| inventory(&repository, at)).transpose()?;
    let options = Options {
        base: base.as_ref().map(|(commit, _)| commit.to_string()),
        head: Some(head_commit.to_string()),
        inventory,
        ..Options::default()
    };
    let review =
        review::review(base.as_ref().map(|(_, declared)| &declared.declaration), &head.declaration, &options);
    match args.output {
        Format::Json => println!("{}", review.to_json()),
        Format::Markdown => print!("{}", review::markdown(&review, &MarkdownOptions::default())),
        Format::Table => print!("{}", review::table(&review)),
    }
    let attention = review.has_blockers() || (args.exit_code && review.has_changes());
    Ok(if attention { ExitCode::from(ATTENTION) } else { ExitCode::SUCCESS })
}

fn inventory(repository: &Repository, at: &str) -> anyhow::Result<Inventory> {
    let file = std::path::Path::new(at);
    let text = if file.exists() {
        std::fs::read(file).with_context(|| format!("cannot read the inventory {at}"))?
    } else {
        let (revision, path) =
            at.split_once(':').with_context(|| format!("{at} is neither a file nor REVISION:PATH"))?;
        let tree = repository.tree(repository.resolve(revision)?)?;
        match tree.entry(path)? {
            Some(git::Entry::File { blob }) => tree.read(blob)?.to_vec(),
            _ => anyhow::bail!("there is no file {path} in revision {revision}"),
        }
    };
    let snapshot = ::plan::report::parse_snapshot(&text)
        .with_context(|| format!("{at} is not an inventory snapshot"))?;
    Ok(snapshot.clusters)
}
