//! `gitstellar render PATH`.

use std::path::PathBuf;
use std::process::ExitCode;

use ::render::{Directory, KustomizeOptions, Order, RenderOptions, RepoPath, render_unit};

use crate::repository;

/// Arguments of `render`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Directory of a unit: a kustomization, or manifests
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Order of the objects: as the kustomization says, none, or kustomize's legacy order
    #[arg(long, value_enum)]
    reorder: Option<Reorder>,
    /// LoadRestrictionsNone lets a kustomization read files outside its own directory; symlinks stay confined to the repository
    #[arg(long, value_enum, default_value_t = LoadRestrictor::RootOnly)]
    load_restrictor: LoadRestrictor,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum Reorder {
    None,
    Legacy,
}

#[derive(clap::ValueEnum, Clone, Copy, Debug, PartialEq, Eq)]
enum LoadRestrictor {
    #[value(name = "LoadRestrictionsRootOnly")]
    RootOnly,
    #[value(name = "LoadRestrictionsNone")]
    None,
}

/// Prints the manifests as one YAML stream.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let path = args.path.canonicalize()?;
    let root = repository::root_of(&path)?;
    let tree = Directory::open(&root)?;
    let relative = path.strip_prefix(&root)?.to_string_lossy().replace('\\', "/");
    let at = if relative.is_empty() { RepoPath::root() } else { RepoPath::parse(&relative)? };
    let order = match args.reorder {
        None => Order::default(),
        Some(Reorder::None) => Order::Input,
        Some(Reorder::Legacy) => Order::Legacy,
    };
    let kustomize = KustomizeOptions {
        order,
        own_directory_only: args.load_restrictor == LoadRestrictor::RootOnly,
        ..KustomizeOptions::default()
    };
    let rendered = render_unit(&tree, &at, &RenderOptions { kustomize, ..RenderOptions::default() })?;
    print!("{}", rendered.to_yaml());
    Ok(ExitCode::SUCCESS)
}
