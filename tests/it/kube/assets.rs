//! Where the Kubernetes programs come from.
//!
//! `KUBEBUILDER_ASSETS` names a directory that holds them (the convention of envtest). Otherwise they are built once from the modules
//! pinned in `tests/kube` with the machine's `go`, into a cache outside the tree that is keyed by everything that goes into the build.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::time::Instant;

use anyhow::{Context, Result, anyhow, bail, ensure};
use sha2::{Digest, Sha256};

use crate::harness::{Skip, unhurried};

/// A program that tests run. To add one, add a line to [`PROGRAMS`], and the package to the `tool` directives of its module, or write it there.
struct Program {
    name: &'static str,
    /// The directory of the module that pins it, below `tests/`.
    module: &'static str,
    package: &'static str,
}

const PROGRAMS: &[Program] = &[
    Program { name: "etcd", module: "kube", package: "go.etcd.io/etcd/server/v3" },
    Program { name: "kubectl", module: "kube", package: "k8s.io/kubernetes/cmd/kubectl" },
    Program { name: "kube-apiserver", module: "kube", package: "k8s.io/kubernetes/cmd/kube-apiserver" },
    Program {
        name: "kube-controller-manager",
        module: "kube",
        package: "k8s.io/kubernetes/cmd/kube-controller-manager",
    },
    Program { name: "helm", module: "kube/helm", package: "helm.sh/helm/v4/cmd/helm" },
    Program { name: "helm-driver", module: "kube/helm", package: "./driver" },
    Program { name: "kustomize-driver", module: "kube/kustomize", package: "./driver" },
];

/// What `KUBEBUILDER_ASSETS` must hold; everything else is taken from there if present, and built if not.
const ENVTEST: [&str; 3] = ["etcd", "kube-apiserver", "kubectl"];

/// Part of the key of the cache, as the link flags are.
const BUILD_FLAGS: &[&str] = &["-trimpath", "-buildvcs=false"];

/// The path of a program, or [`Skip`] where it can neither be found nor built. In CI (`CI=true`) that is a failure.
pub fn program(name: &str) -> Result<PathBuf> {
    if let Some(directory) = std::env::var_os("KUBEBUILDER_ASSETS") {
        let path = Path::new(&directory).join(name);
        if path.is_file() {
            return Ok(path);
        }
        if ENVTEST.contains(&name) {
            bail!(missing(format!("KUBEBUILDER_ASSETS has no {name}")));
        }
    }
    let program =
        PROGRAMS.iter().find(|program| program.name == name).context("not in the table of programs")?;
    let directory = cache_directory(program.module)?;
    let path = directory.join(name);
    if path.is_file() {
        return Ok(path);
    }
    go().map_err(missing)?;
    build_once(program, &directory)?;
    Ok(path)
}

/// A missing toolchain is a reason to skip where somebody develops, and a failure where nothing may go untested.
fn missing(reason: impl Into<String>) -> anyhow::Error {
    let reason = reason.into();
    match std::env::var("CI").as_deref() {
        Ok("true") => anyhow!("{reason} (a failure, as CI is set)"),
        _ => Skip(reason).into(),
    }
}

/// Whether there is a go toolchain; the answer is remembered.
fn go() -> Result<(), String> {
    static FOUND: OnceLock<bool> = OnceLock::new();
    let found = FOUND.get_or_init(|| {
        Command::new("go").arg("version").output().is_ok_and(|output| output.status.success())
    });
    if *found {
        return Ok(());
    }
    Err("the Kubernetes programs are not built: install go, or set KUBEBUILDER_ASSETS".into())
}

fn module_directory(module: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests").join(module)
}

/// `<cache>/gitstellar/<module>-<digest>/bin`.
fn cache_directory(module: &str) -> Result<PathBuf> {
    let source = module_directory(module);
    let mut digest = Sha256::new();
    for file in ["go.mod", "go.sum"] {
        digest.update(fs::read(source.join(file)).with_context(|| format!("reading {file} of {module}"))?);
    }
    // A module may bring a program of its own.
    if let Ok(own) = fs::read(source.join("driver/main.go")) {
        digest.update(own);
    }
    digest.update(BUILD_FLAGS.join(" "));
    digest.update(link_flags(&source)?);
    let hex: String = digest.finalize().iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .context("neither XDG_CACHE_HOME nor HOME is set")?;
    Ok(cache.join("gitstellar").join(format!("{}-{hex}", module.replace('/', "-"))).join("bin"))
}

/// A Kubernetes program only knows its version from the linker; it is the one pinned in go.mod.
fn link_flags(source: &Path) -> Result<String> {
    let pinned = fs::read_to_string(source.join("go.mod"))?;
    let mut flags = String::from("-s -w");
    if let Some(version) = pinned.lines().find_map(|line| line.trim().strip_prefix("k8s.io/kubernetes v")) {
        let version = version.split_whitespace().next().unwrap_or_default();
        let mut parts = version.split('.');
        let (major, minor) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        for package in ["k8s.io/component-base/version", "k8s.io/client-go/pkg/version"] {
            flags += &format!(
                " -X {package}.gitVersion=v{version} -X {package}.gitMajor={major} -X {package}.gitMinor={minor} \
                 -X {package}.gitTreeState=clean"
            );
        }
    }
    Ok(flags)
}

/// Builds one program unless another test run does so at this moment; then waits for that one's result.
fn build_once(program: &Program, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    let _unhurried = unhurried();
    let lock = File::create(directory.with_file_name("lock"))?;
    lock.lock().context("locking the cache of programs")?;
    let finished = directory.join(program.name);
    if finished.is_file() {
        return Ok(());
    }
    let started = Instant::now();
    eprintln!("building {} from tests/{} (once; the first one takes minutes)", program.name, program.module);
    let unfinished = tempfile::Builder::new().prefix("build-").tempdir_in(directory)?;
    let output = unfinished.path().join(program.name);
    let source = module_directory(program.module);
    let status = Command::new("go")
        .arg("build")
        .args(BUILD_FLAGS)
        .arg(format!("-ldflags={}", link_flags(&source)?))
        .arg("-o")
        .arg(&output)
        .arg(program.package)
        .current_dir(&source)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-mod=readonly")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()?;
    ensure!(status.success(), "go build of {} failed with {status}; its messages are above", program.name);
    fs::rename(&output, &finished)?;
    eprintln!("built {} in {} s", program.name, started.elapsed().as_secs());
    Ok(())
}
