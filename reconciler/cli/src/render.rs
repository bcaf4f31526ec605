//! `gitstellar render PATH`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use ::render::kustomize::FILE_NAMES;
use ::render::{Directory, HelmOptions, LOCK_FILE, Order, RepoPath, render_unit};
use anyhow::Context as _;
use hub::declare;

use crate::rendering::RenderingArgs;
use crate::repository;

/// Arguments of `render`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Directory of a unit: a kustomization, a chart, or manifests
    #[arg(default_value = ".")]
    path: PathBuf,
    /// Order of the objects of a kustomization: as it says, none, or kustomize's legacy order
    #[arg(long, value_enum)]
    reorder: Option<Reorder>,
    /// LoadRestrictionsNone lets a kustomization read files outside its own directory; symlinks stay confined to the repository
    #[arg(long, value_enum, default_value_t = LoadRestrictor::RootOnly)]
    load_restrictor: LoadRestrictor,
    #[command(flatten)]
    chart: ChartArgs,
    #[command(flatten)]
    rendering: RenderingArgs,
}

/// What a chart is released with. What is not given here is as gitstellar.yaml says of the unit.
#[derive(clap::Args, Debug)]
#[command(next_help_heading = "Charts")]
struct ChartArgs {
    /// Values file, over what gitstellar.yaml says; may be repeated, later ones win
    #[arg(short = 'f', long, value_name = "FILE")]
    values: Vec<PathBuf>,
    /// Name of the release; without it the name of the unit
    #[arg(long, value_name = "NAME")]
    release_name: Option<String>,
    /// Namespace of the release
    #[arg(short, long)]
    namespace: Option<String>,
    /// Kubernetes version that templates see
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// API version that templates see, beyond those that Helm assumes of every cluster; may be repeated
    #[arg(short, long, value_name = "VERSION", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Leave out crds/
    #[arg(long)]
    skip_crds: bool,
    /// Leave out hooks that test
    #[arg(long)]
    skip_tests: bool,
    /// Take values that break the chart's schema
    #[arg(long)]
    skip_schema_validation: bool,
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
    let operator = args.rendering.options()?;
    let mut options = declare::options_at(&Directory::open(&root)?, &inside(&root, &path)?, &operator)?;
    options.kustomize.order = match args.reorder {
        None => Order::default(),
        Some(Reorder::None) => Order::Input,
        Some(Reorder::Legacy) => Order::Legacy,
    };
    options.kustomize.own_directory_only = args.load_restrictor == LoadRestrictor::RootOnly;
    args.chart.overrule(&mut options.helm)?;
    let confined = confines(&root, &path);
    options.helm.lock = inside(confined, &root)?.child(LOCK_FILE);
    let root = confined;
    let rendered = render_unit(&Directory::open(root)?, &inside(root, &path)?, &options)?;
    print!("{}", rendered.to_yaml());
    Ok(ExitCode::SUCCESS)
}

/// What a render may not leave: the repository. A kustomization outside of any may take its bases from anywhere, as with kustomize.
fn confines<'p>(root: &'p Path, path: &'p Path) -> &'p Path {
    let alone = root == path && !path.join(".git").exists();
    if alone && FILE_NAMES.iter().any(|name| path.join(name).exists()) {
        return path.ancestors().last().unwrap_or(root);
    }
    root
}

/// A canonical path as one of the repository.
fn inside(root: &Path, path: &Path) -> anyhow::Result<RepoPath> {
    let relative = path
        .strip_prefix(root)
        .with_context(|| format!("{} is not in the repository {}", path.display(), root.display()))?;
    Ok(RepoPath::parse(&relative.to_string_lossy().replace('\\', "/"))?)
}

impl ChartArgs {
    fn overrule(&self, options: &mut HelmOptions) -> anyhow::Result<()> {
        for file in &self.values {
            let name = file.display().to_string();
            let bytes = std::fs::read(file).with_context(|| format!("values file {name}"))?;
            options.add_values(&name, &bytes)?;
        }
        if let Some(name) = &self.release_name {
            options.release_name = Some(name.clone());
        }
        if let Some(namespace) = &self.namespace {
            // As with Helm, an empty one is none.
            options.namespace = if namespace.is_empty() { "default".to_owned() } else { namespace.clone() };
        }
        if let Some(version) = &self.kube_version {
            options.kube_version = Some(version.clone()).filter(|version| !version.is_empty());
        }
        options.api_versions.extend(self.api_versions.iter().cloned());
        options.skip_crds |= self.skip_crds;
        options.skip_tests |= self.skip_tests;
        options.skip_schema_validation |= self.skip_schema_validation;
        Ok(())
    }
}
