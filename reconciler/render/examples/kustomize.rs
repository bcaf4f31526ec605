//! Prints what a directory renders to: `kustomize [--reorder none|legacy] [--load-restrictor LoadRestrictionsNone] [--root DIR] DIR`;
//! with `--discover`, the units below it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use render::{Directory, Order, RenderOptions, RepoPath, discover, render_unit};

fn run() -> Result<(), Box<dyn std::error::Error>> {
    let mut options = RenderOptions::default();
    let (mut root, mut path) = (PathBuf::from("/"), PathBuf::from("."));
    let mut units_only = false;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--reorder" if args.next().as_deref() == Some("none") => options.kustomize.order = Order::Input,
            "--reorder" => {}
            "--load-restrictor" => {
                options.kustomize.own_directory_only = args.next().as_deref() != Some("LoadRestrictionsNone");
            }
            "--discover" => units_only = true,
            "--root" => root = args.next().unwrap_or_default().into(),
            _ => path = arg.into(),
        }
    }
    let root = std::fs::canonicalize(root)?;
    let full = std::fs::canonicalize(path)?;
    let tree = Directory::open(&root)?;
    let unit = RepoPath::parse(full.strip_prefix(&root)?.to_str().ok_or("the path is not text")?)?;
    if units_only {
        for found in discover(&tree, &unit)? {
            let problem = found.problem.map(|problem| format!("  ! {problem}")).unwrap_or_default();
            writeln!(std::io::stdout(), "{} {:?} {}{problem}", found.name, found.kind, found.path)?;
        }
        return Ok(());
    }
    let rendered = render_unit(&tree, &unit, &options)?;
    std::io::stdout().write_all(rendered.to_yaml().as_bytes())?;
    Ok(())
}

fn main() -> ExitCode {
    let Err(error) = run() else { return ExitCode::SUCCESS };
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(&format!(": {inner}"));
        source = inner.source();
    }
    let _ = writeln!(std::io::stderr(), "{text}");
    ExitCode::FAILURE
}
