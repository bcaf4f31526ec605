//! API servers that trials take turns with, reset to new in between.
//!
//! Starting a server takes seconds, deleting what a trial left takes milliseconds: its keys are taken out of etcd behind its back, and the
//! watch caches of the server and its controllers follow. **Guarantee:** when a pool is handed out, every key is as it was right after the
//! start (but for [`restless`] ones), and discovery serves what it served then; a server that cannot be brought there is ended and a new one
//! takes its place, so that what is wrong with it fails no other trial. **Caveat:** nothing of a trial may go on writing afterwards, and a
//! finalizer is not honoured; resourceVersions go on from where they were.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use super::server::ApiServer;
use crate::harness::eventually;

/// Rounds of cleaning; controllers that were busy may write once more after the first. The last two find nothing: a request of whoever was killed
/// may still have been on its way at the first look.
const RESET_ROUNDS: usize = 20;

/// How long discovery may take to forget a CRD; it takes a fraction of a second, and a new server takes a few.
const DISCOVERY_LIMIT: Duration = Duration::from_secs(30);

static POOL: Mutex<Vec<Pooled>> = Mutex::new(Vec::new());

/// A server and what it was like when it was new.
struct Pooled {
    server: ApiServer,
    /// What every key was.
    values: BTreeMap<String, String>,
    /// At which revision a key was last seen to be what it was.
    revisions: BTreeMap<String, String>,
    discovery: BTreeSet<String>,
    used: bool,
}

/// Servers that belong to one trial until this is dropped. They are as new.
pub struct Servers {
    pool: MutexGuard<'static, Vec<Pooled>>,
}

impl Servers {
    /// The server with that index; there are at least as many as were asked for.
    pub fn get(&self, index: usize) -> &ApiServer {
        &self.pool[index].server
    }
}

/// One WDS, one ITS and some WECs, which belong to one trial until this is dropped.
pub struct Fleet {
    servers: Servers,
    wecs: usize,
}

impl Fleet {
    /// Where desired objects and policies are.
    pub fn wds(&self) -> &ApiServer {
        self.servers.get(0)
    }

    /// Where the inventory and the mailboxes are.
    pub fn its(&self) -> &ApiServer {
        self.servers.get(1)
    }

    /// The workload clusters, as many as were asked for.
    pub fn wecs(&self) -> impl Iterator<Item = &ApiServer> {
        (0..self.wecs).map(|index| self.servers.get(index + 2))
    }
}

/// Takes a fleet out of the pool, waiting until no other trial has it, and resets what was used since. A trial takes one only: it would
/// wait for itself.
pub fn fleet(wecs: usize) -> Result<Fleet> {
    Ok(Fleet { servers: servers(wecs + 2)?, wecs })
}

/// Takes some servers out of the pool; the same as [`fleet`], without roles.
pub fn servers(count: usize) -> Result<Servers> {
    // A trial that panicked holding the pool leaves servers that a reset repairs.
    let mut pool = POOL.lock().unwrap_or_else(PoisonError::into_inner);
    while pool.len() < count {
        // One after the other: several at once take longer each, and as long together, where there are few cores.
        let pooled = start(pool.len())?;
        pool.push(pooled);
    }
    for (index, pooled) in pool.iter_mut().enumerate().take(count) {
        if pooled.used
            && let Err(error) = pooled.reset()
        {
            println!("{} could not be reset and is replaced: {error:#}", pooled.server.name());
            *pooled = start(index)?;
        }
        pooled.used = true;
    }
    Ok(Servers { pool })
}

/// Ends all servers of the pool.
pub fn stop() {
    POOL.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

fn start(index: usize) -> Result<Pooled> {
    let name = match index {
        0 => "wds".to_owned(),
        1 => "its".to_owned(),
        more => format!("wec{}", more - 1),
    };
    let server = ApiServer::start(&name)?;
    let (etcd, prefix) = (server.etcd(), server.etcd_prefix());
    // In this order: what changes in between has a later revision, and is compared again.
    let revisions = etcd.revisions(prefix)?;
    let values = etcd.values(prefix)?;
    let discovery = discovery(&server)?;
    Ok(Pooled { server, values, revisions, discovery, used: false })
}

impl Pooled {
    fn reset(&mut self) -> Result<()> {
        let (mut left, mut clean) = (Vec::new(), false);
        for _ in 0..RESET_ROUNDS {
            let (added, changed) = self.differences()?;
            let clean_before = std::mem::replace(&mut clean, added.is_empty() && changed.is_empty());
            if clean && clean_before {
                return Ok(());
            }
            if clean {
                continue;
            }
            let delete: Vec<&str> = added.iter().map(String::as_str).collect();
            let put: Vec<(&str, &str)> =
                changed.iter().map(|key| (key.as_str(), self.values[key].as_str())).collect();
            self.server.etcd().write(&delete, &put)?;
            let mut served = BTreeSet::new();
            eventually("discovery serves what it served when new", DISCOVERY_LIMIT, || {
                served = discovery(&self.server)?;
                Ok((served == self.discovery).then_some(()))
            })
            .with_context(|| {
                let differing: Vec<&String> = served.symmetric_difference(&self.discovery).collect();
                format!("it differs in {differing:?}")
            })?;
            left = [added, changed].concat();
        }
        bail!("these keys came back {RESET_ROUNDS} times: {}", left.join(", "));
    }

    /// Keys that were not there when the server was new, and keys that were and are not what they were.
    fn differences(&mut self) -> Result<(Vec<String>, Vec<String>)> {
        let (etcd, prefix) = (self.server.etcd(), self.server.etcd_prefix());
        let now = etcd.revisions(prefix)?;
        let counts = |key: &str| !restless(&key[prefix.len()..]);
        let added =
            now.keys().filter(|key| !self.values.contains_key(*key) && counts(key)).cloned().collect();
        let mut changed = Vec::new();
        for (key, value) in self.values.iter().filter(|(key, _)| counts(key)) {
            let revision = now.get(key);
            if revision.is_some() && revision == self.revisions.get(key) {
                continue;
            }
            match (revision, etcd.values(key)?.get(key)) {
                (Some(revision), Some(seen)) if seen == value => {
                    self.revisions.insert(key.clone(), revision.clone());
                }
                _ => changed.push(key.clone()),
            }
        }
        Ok((added, changed))
    }
}

/// Keys that the server itself writes now and then, and that no trial sees.
fn restless(key: &str) -> bool {
    [
        "/masterleases/",
        "/leases/kube-system/apiserver-",
        "/configmaps/kube-system/extension-apiserver-authentication",
    ]
    .iter()
    .any(|prefix| key.starts_with(prefix))
}

/// `group/version/resource` of everything that is served.
fn discovery(server: &ApiServer) -> Result<BTreeSet<String>> {
    let mut served = BTreeSet::new();
    for path in ["/api", "/apis"] {
        let list = server.target().get_as(path, crate::conformance::AGGREGATED_DISCOVERY)?.expect(200)?;
        for group in list["items"].as_array().context("discovery is a list")? {
            for version in group["versions"].as_array().context("a group has versions")? {
                for resource in version["resources"].as_array().into_iter().flatten() {
                    served.insert(format!(
                        "{}/{}/{}",
                        group["metadata"]["name"].as_str().unwrap_or_default(),
                        version["version"].as_str().unwrap_or_default(),
                        resource["resource"].as_str().unwrap_or_default()
                    ));
                }
            }
        }
    }
    Ok(served)
}
