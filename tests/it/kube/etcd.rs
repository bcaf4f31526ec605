//! The one etcd of a test process; every API server keeps its objects in it under a prefix of its own.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};

use super::assets;
use super::leash::Leashed;
use crate::harness::eventually;

/// How long a process may take to answer on a busy machine.
pub const START_LIMIT: Duration = Duration::from_secs(180);

/// Operations in one transaction; etcd's own limit is 128.
const TRANSACTION_OPERATIONS: usize = 100;

/// Revisions before the first API server: every server then has a past that it knows nothing of, as an old cluster has.
const EARLY_REVISIONS: usize = 20;

/// Bytes of one answer of the gateway; a fresh API server's keys are about 1 MiB.
const ANSWER_BYTES: u64 = 256 << 20;

/// A running etcd without durability, on the loopback address.
pub struct Etcd {
    url: String,
    process: Mutex<Leashed>,
    // After the process, so that it is gone when its files go.
    _directory: tempfile::TempDir,
}

static ETCD: Mutex<Option<Arc<Etcd>>> = Mutex::new(None);

/// The etcd of this test process, started on first use.
pub fn etcd() -> Result<Arc<Etcd>> {
    let mut slot = ETCD.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(etcd) = &*slot {
        return Ok(etcd.clone());
    }
    let etcd = Arc::new(start()?);
    *slot = Some(etcd.clone());
    Ok(etcd)
}

/// Forgets the etcd; it ends when the last API server that uses it does.
pub fn stop() {
    ETCD.lock().unwrap_or_else(PoisonError::into_inner).take();
}

/// A port that nobody listened on a moment ago. Somebody else may take it before its user does; who needs certainty tries again.
pub fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn start() -> Result<Etcd> {
    let program = assets::program("etcd")?;
    let directory = tempfile::Builder::new().prefix("gitstellar-etcd-").tempdir()?;
    let (url, peer_url) =
        (format!("http://127.0.0.1:{}", free_port()?), format!("http://127.0.0.1:{}", free_port()?));
    let arguments = [
        format!("--data-dir={}", directory.path().join("data").display()),
        format!("--listen-client-urls={url}"),
        format!("--advertise-client-urls={url}"),
        format!("--listen-peer-urls={peer_url}"),
        format!("--initial-advertise-peer-urls={peer_url}"),
        format!("--initial-cluster=default={peer_url}"),
        "--unsafe-no-fsync".into(),
        "--log-level=warn".into(),
        // Readers of API servers ask etcd for its progress often; the default answers only every ten minutes.
        "--experimental-watch-progress-notify-interval=5s".into(),
    ];
    let process = Leashed::start(&program, &arguments, &directory.path().join("log"))?;
    let etcd = Etcd { url, process: Mutex::new(process), _directory: directory };
    eventually("etcd answers", START_LIMIT, || {
        etcd.process.lock().unwrap_or_else(PoisonError::into_inner).still_runs()?;
        Ok(etcd.call("maintenance/status", &json!({})).ok())
    })?;
    for _ in 0..EARLY_REVISIONS {
        etcd.write(&[], &[("/early", "")])?;
    }
    Ok(etcd)
}

impl Etcd {
    /// Where API servers reach it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Resident memory in MiB.
    pub fn memory_mib(&self) -> u64 {
        self.process.lock().unwrap_or_else(PoisonError::into_inner).memory_mib()
    }

    /// All keys that start with `prefix`, with their values (as the gateway writes them, in base64).
    pub fn values(&self, prefix: &str) -> Result<BTreeMap<String, String>> {
        self.range(prefix, false, |pair| pair["value"].as_str().unwrap_or_default().to_owned())
    }

    /// All keys that start with `prefix`, with the revision of their last change; a fraction of the work of [`Self::values`].
    pub fn revisions(&self, prefix: &str) -> Result<BTreeMap<String, String>> {
        self.range(prefix, true, |pair| pair["mod_revision"].as_str().unwrap_or_default().to_owned())
    }

    fn range(
        &self,
        prefix: &str,
        keys_only: bool,
        about: impl Fn(&Value) -> String,
    ) -> Result<BTreeMap<String, String>> {
        let mut end = prefix.as_bytes().to_vec();
        *end.last_mut().context("a prefix is not empty")? += 1;
        let range =
            json!({ "key": BASE64.encode(prefix), "range_end": BASE64.encode(end), "keys_only": keys_only });
        let answer = self.call("kv/range", &range)?;
        let pairs = answer["kvs"].as_array().map(Vec::as_slice).unwrap_or_default();
        pairs
            .iter()
            .map(|pair| {
                let key = BASE64.decode(pair["key"].as_str().context("a pair has a key")?)?;
                Ok((String::from_utf8(key)?, about(pair)))
            })
            .collect()
    }

    /// Deletes keys and puts pairs, in as few transactions as possible.
    pub fn write(&self, delete: &[&str], put: &[(&str, &str)]) -> Result<()> {
        let deletions =
            delete.iter().map(|key| json!({ "request_delete_range": { "key": BASE64.encode(key) } }));
        let puts = put
            .iter()
            .map(|(key, value)| json!({ "request_put": { "key": BASE64.encode(key), "value": value } }));
        let operations: Vec<Value> = deletions.chain(puts).collect();
        for some in operations.chunks(TRANSACTION_OPERATIONS) {
            let answer = self.call("kv/txn", &json!({ "success": some }))?;
            ensure!(answer["succeeded"] == true, "etcd refused a transaction: {answer}");
        }
        Ok(())
    }

    fn call(&self, method: &str, body: &Value) -> Result<Value> {
        let mut answer = ureq::post(format!("{}/v3/{method}", self.url)).send_json(body)?;
        Ok(answer.body_mut().with_config().limit(ANSWER_BYTES).read_json()?)
    }
}
