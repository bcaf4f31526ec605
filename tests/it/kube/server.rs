//! One real kube-apiserver with the controllers that give it its manners.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};

use super::assets;
use super::etcd::{self, Etcd, START_LIMIT, free_port};
use super::leash::Leashed;
use super::pki::Pki;
use crate::conformance::Target;
use crate::harness::{Skip, eventually};

/// The controllers that run. None of them acts on workloads: what a Deployment does is `sim`'s.
const CONTROLLERS: &str = "garbage-collector-controller,namespace-controller,\
    certificatesigningrequest-signing-controller,certificatesigningrequest-approving-controller,\
    certificatesigningrequest-cleaner-controller,serviceaccount-controller,serviceaccount-token-controller,\
    root-ca-certificate-publisher-controller,clusterrole-aggregation-controller";

/// Namespaces that a fresh API server makes for itself; each gets a service account and the root authority from the controllers.
const SYSTEM_NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// How long a controller may take to act, on a busy machine.
pub const CONTROLLERS_LIMIT: Duration = Duration::from_secs(120);

/// Attempts to find a port that is still free when the server takes it.
const PORT_ATTEMPTS: usize = 3;

/// A running API server, ended on drop.
pub struct ApiServer {
    name: String,
    url: String,
    token: String,
    ca_pem: String,
    prefix: String,
    started_in: Duration,
    target: Target,
    // Ended in this order: controllers complain about a server that is gone.
    controllers: Mutex<Option<Leashed>>,
    process: Mutex<Leashed>,
    etcd: Arc<Etcd>,
    directory: tempfile::TempDir,
}

impl ApiServer {
    /// Starts a server with an empty store and waits until it is ready and its controllers have made what a fresh cluster has.
    ///
    /// Once a start has failed, later ones fail at once: what waits for minutes in vain should do so once, not per trial.
    pub fn start(name: &str) -> Result<Self> {
        static FAILED: OnceLock<()> = OnceLock::new();
        ensure!(FAILED.get().is_none(), "an API server could not be started before, see the first failure");
        let started = Self::start_unless_failed(name);
        if started.as_ref().is_err_and(|error| !error.is::<Skip>()) {
            let _ = FAILED.set(());
        }
        started
    }

    fn start_unless_failed(name: &str) -> Result<Self> {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let started = Instant::now();
        let program = assets::program("kube-apiserver")?;
        let etcd = etcd::etcd()?;
        let prefix = format!("/{name}-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let directory = tempfile::Builder::new().prefix(&format!("gitstellar-{name}-")).tempdir()?;
        let pki = Pki::new(name)?;
        pki.write(directory.path())?;
        let token = BASE64.encode(rcgen::KeyPair::generate()?.public_key_raw()).replace(['+', '/', '='], "x");
        std::fs::write(directory.path().join("tokens.csv"), format!("{token},admin,admin,system:masters\n"))?;

        let launch = Launch {
            program,
            directory: directory.path(),
            etcd: &etcd,
            prefix: &prefix,
            token: &token,
            ca: &pki.ca,
        };
        let (url, target, process) = launch.run().with_context(|| format!("starting API server {name}"))?;
        let mut server = Self {
            name: name.to_owned(),
            url,
            token,
            ca_pem: pki.ca,
            prefix,
            started_in: Duration::ZERO,
            target,
            controllers: Mutex::new(None),
            process: Mutex::new(process),
            etcd,
            directory,
        };
        std::fs::write(server.kubeconfig_path(), server.kubeconfig())?;
        server.start_controllers().with_context(|| format!("starting the controllers of {name}"))?;
        server.started_in = started.elapsed();
        Ok(server)
    }

    /// What it was called at the start.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// `https://127.0.0.1:PORT`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The certificate authority to trust, in PEM.
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// A bearer token of group `system:masters`.
    pub fn admin_token(&self) -> &str {
        &self.token
    }

    /// For raw requests.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// A kubeconfig with one context, named after the server.
    pub fn kubeconfig(&self) -> String {
        let (name, url, token) = (&self.name, &self.url, &self.token);
        let ca = BASE64.encode(&self.ca_pem);
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {name}\n\
             clusters:\n- name: {name}\n  cluster:\n    server: {url}\n    certificate-authority-data: {ca}\n\
             users:\n- name: {name}\n  user:\n    token: {token}\n\
             contexts:\n- name: {name}\n  context:\n    cluster: {name}\n    user: {name}\n"
        )
    }

    /// The same as a file, which lives as long as the server.
    pub fn kubeconfig_path(&self) -> PathBuf {
        self.directory.path().join("kubeconfig")
    }

    /// A client of kube-rs with the admin token.
    pub async fn client(&self) -> Result<::kube::Client> {
        let kubeconfig = ::kube::config::Kubeconfig::from_yaml(&self.kubeconfig())?;
        let options = ::kube::config::KubeConfigOptions::default();
        Ok(::kube::Client::try_from(::kube::Config::from_custom_kubeconfig(kubeconfig, &options).await?)?)
    }

    /// Where its keys are in etcd.
    pub fn etcd_prefix(&self) -> &str {
        &self.prefix
    }

    /// The etcd it keeps them in.
    pub fn etcd(&self) -> &Etcd {
        &self.etcd
    }

    /// From the first process to the last controller being ready.
    pub fn started_in(&self) -> Duration {
        self.started_in
    }

    /// Resident memory in MiB of the API server and of its controllers.
    pub fn memory_mib(&self) -> (u64, u64) {
        let controllers = self.controllers.lock().unwrap_or_else(PoisonError::into_inner);
        let server = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        (server.memory_mib(), controllers.as_ref().map_or(0, Leashed::memory_mib))
    }

    fn start_controllers(&self) -> Result<()> {
        let program = assets::program("kube-controller-manager")?;
        let file = |name: &str| self.directory.path().join(name).display().to_string();
        let arguments = [
            format!("--kubeconfig={}", file("kubeconfig")),
            format!("--controllers={CONTROLLERS}"),
            format!("--cluster-signing-cert-file={}", file("ca.crt")),
            format!("--cluster-signing-key-file={}", file("ca.key")),
            format!("--root-ca-file={}", file("ca.crt")),
            format!("--service-account-private-key-file={}", file("service-account.key")),
            "--leader-elect=false".into(),
            "--secure-port=0".into(),
            "--kube-api-qps=200".into(),
            "--kube-api-burst=400".into(),
        ];
        let mut process =
            Leashed::start(&program, &arguments, &self.directory.path().join("controllers.log"))?;
        let wanted: Vec<String> = SYSTEM_NAMESPACES
            .iter()
            .flat_map(|namespace| {
                let base = format!("/api/v1/namespaces/{namespace}");
                [format!("{base}/serviceaccounts/default"), format!("{base}/configmaps/kube-root-ca.crt")]
            })
            .collect();
        eventually("its controllers work", START_LIMIT, || {
            process.still_runs()?;
            for path in &wanted {
                if self.target.get(path)?.status != 200 {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .with_context(|| process.last_words())?;
        *self.controllers.lock().unwrap_or_else(PoisonError::into_inner) = Some(process);
        Ok(())
    }
}

/// What the process of a server is started from.
struct Launch<'a> {
    program: PathBuf,
    directory: &'a Path,
    etcd: &'a Etcd,
    prefix: &'a str,
    token: &'a str,
    ca: &'a str,
}

impl Launch<'_> {
    /// Starts the process on a free port, and on another one if somebody else was faster.
    fn run(&self) -> Result<(String, Target, Leashed)> {
        let mut attempt = 1;
        loop {
            match self.run_on(free_port()?) {
                Err(error)
                    if attempt < PORT_ATTEMPTS && format!("{error:#}").contains("address already in use") =>
                {
                    attempt += 1;
                }
                result => return result,
            }
        }
    }

    fn run_on(&self, port: u16) -> Result<(String, Target, Leashed)> {
        let url = format!("https://127.0.0.1:{port}");
        let target = Target::new(&url, self.token, self.ca)?;
        let mut process =
            Leashed::start(&self.program, &self.arguments(port), &self.directory.join("apiserver.log"))?;
        eventually("the API server is ready", START_LIMIT, || {
            process.still_runs()?;
            Ok(target.get("/readyz").ok().filter(|reply| reply.status == 200))
        })
        .with_context(|| process.last_words())?;
        Ok((url, target, process))
    }

    fn arguments(&self, port: u16) -> Vec<String> {
        let file = |name: &str| self.directory.join(name).display().to_string();
        vec![
            format!("--etcd-servers={}", self.etcd.url()),
            format!("--etcd-prefix={}", self.prefix),
            // Compaction is etcd's, which all servers share: none of them may cut the history of the others.
            "--etcd-compaction-interval=0".into(),
            "--bind-address=127.0.0.1".into(),
            "--advertise-address=127.0.0.1".into(),
            format!("--secure-port={port}"),
            format!("--tls-cert-file={}", file("serving.crt")),
            format!("--tls-private-key-file={}", file("serving.key")),
            format!("--client-ca-file={}", file("ca.crt")),
            format!("--token-auth-file={}", file("tokens.csv")),
            "--service-account-issuer=https://kubernetes.default.svc.cluster.local".into(),
            format!("--service-account-key-file={}", file("service-account.pub")),
            format!("--service-account-signing-key-file={}", file("service-account.key")),
            "--service-cluster-ip-range=10.96.0.0/16".into(),
            "--authorization-mode=RBAC".into(),
            "--allow-privileged=true".into(),
            // Nothing runs here that could be reached at the endpoints of Service kubernetes, and their heartbeat is noise in etcd.
            "--endpoint-reconciler-type=none".into(),
            // Tests are few and friendly; fairness costs memory and start time.
            "--enable-priority-and-fairness=false".into(),
            "--max-requests-inflight=200".into(),
            "--max-mutating-requests-inflight=100".into(),
            "--profiling=false".into(),
        ]
    }
}
