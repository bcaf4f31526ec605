//! `gitstellar explain KIND/NAME`.

use std::path::PathBuf;
use std::process::ExitCode;

use ::plan::kinds::Kinds;
use ::plan::placement::Expansion;
use ::plan::{ClusterName, explain};
use anyhow::{Context as _, bail};
use apimachinery::ObjectId;
use apimachinery::kinds::{KindTable, Scope};
use hub::declare::Commits;

use crate::rendering::RenderingArgs;
use crate::repository;

/// Arguments of `explain`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// The object, `deployment/web`
    object: String,
    /// Its namespace
    #[arg(short, long, default_value = "default")]
    namespace: String,
    /// The cluster that is asked about
    #[arg(long)]
    cluster: Option<String>,
    /// The repository
    #[arg(long, default_value = ".")]
    repo: PathBuf,
    /// The revision
    #[arg(long, default_value = "HEAD")]
    rev: String,
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

/// Prints the explanation.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let repository = repository::open(&args.repo)?;
    let mut commits = Commits::new(args.rendering.options()?);
    let (_, declared) = repository::declared_at(&repository, &args.rev, "", &mut commits)?;
    let (kind, name) =
        args.object.split_once('/').with_context(|| format!("{} is not KIND/NAME", args.object))?;
    let id = object_id(&declared.declaration, kind, name, &args.namespace)?;
    let cluster = args.cluster.as_deref().map(ClusterName::from);
    let declaration = &declared.declaration;
    let expansion = Expansion::new(declaration, &declaration.clusters, &Kinds::built_in(), None);
    let explanation = explain::explain_declared(&expansion, &id, cluster.as_ref());
    if args.output == Format::Json {
        println!("{}", serde_json::to_string_pretty(&explanation)?);
    } else {
        for line in explain::text::lines(&explanation) {
            println!("{line}");
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What people type as a kind: a kind, a plural, a short name; also of kinds whose CRD the repository holds.
fn object_id(
    declaration: &::plan::Declaration,
    kind: &str,
    name: &str,
    namespace: &str,
) -> anyhow::Result<ObjectId> {
    let mut kinds = KindTable::built_in().clone();
    for object in declaration.units.iter().flat_map(|unit| unit.objects.iter()) {
        if object.object.header().gvk.kind == "CustomResourceDefinition"
            && let Ok(custom) = apimachinery::kinds::CustomKind::from_crd(&object.object.to_value())
        {
            kinds.add(&custom);
        }
    }
    let Some(resource) = kinds.named(kind).first().copied().cloned() else {
        bail!("no kind is called {kind}; write it as kubectl does: deployment, deploy, deployments.apps");
    };
    let namespace = (resource.scope == Scope::Namespaced).then_some(namespace);
    Ok(ObjectId::new(resource.gvk.group.as_str(), resource.gvk.kind.as_str(), namespace, name))
}
