//! What a wake-up of the hub costs: counts of what its controllers look at, never times.
//!
//! A fleet of 1,000 objects in 20 units on 50 clusters, without agents: what an agent reports is written here in its place.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use apimachinery::{GroupResource, Name, Namespace, Object, SystemClock};
use hub::world::resources;
use hub::{Settings, World};
use libtest_mimic::Trial;
use runtime::{Connection, Manager, Shutdown, Target};
use serde_json::{Value, json};

use crate::harness::{Outcome, block_on, eventually, spawn, trial};

const UNITS: usize = 20;
const OBJECTS: usize = 50;
const CLUSTERS: usize = 50;

const LIMIT: Duration = Duration::from_secs(300);

pub fn trials() -> Vec<Trial> {
    vec![trial("effort::a_wake_up_costs_what_has_changed", changes)]
}

fn changes() -> Outcome {
    let fleet = Fleet::start()?;
    let placed = UNITS * OBJECTS * CLUSTERS;
    println!("{placed} pairs: {}", fleet.looked());
    fleet.quiet()?;
    let mut told = Vec::new();
    let mut tell = |what: &str, looked: Looked| told.push(format!("{what}: {looked}"));
    tell("a report of one work", fleet.during(|| fleet.report(1))?);
    tell("the content of one object", fleet.during(|| fleet.change_object())?);
    println!("{}", told.join("\n"));
    Ok(())
}

/// What was looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Looked {
    binding: u64,
    transport: u64,
    mailboxes: u64,
    status: u64,
}

impl std::fmt::Display for Looked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { binding, transport, mailboxes, status } = self;
        write!(f, "binding {binding}, transport {transport} in {mailboxes} mailboxes, status {status}")
    }
}

struct Fleet {
    wds: Connection,
    its: Connection,
    world: Arc<World>,
    shutdown: Shutdown,
    repository: tempfile::TempDir,
    _server: space::Server,
}

impl Drop for Fleet {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Fleet {
    fn start() -> anyhow::Result<Self> {
        let repository = tempfile::tempdir()?;
        write_repository(repository.path())?;
        let (server, wds, its) = block_on(spaces())?;
        let shutdown = Shutdown::new();
        let mut settings = Settings::new("wds1", repository.path().join("mirrors"));
        settings.allow_local_sources = true;
        let clock = Arc::new(SystemClock::default());
        let world = block_on(async {
            Arc::new(World::new(wds.clone(), its.clone(), settings, clock, shutdown.clone()))
        });
        let fleet = Self { wds, its, world, shutdown, repository, _server: server };
        fleet.register()?;
        let running = Arc::clone(&fleet.world);
        let _task = spawn(async move {
            if let Err(error) = hub::run(running).await {
                tracing::error!(error = %runtime::drive::chain(&error), "the hub ended");
            }
        });
        eventually("everything is in the mailboxes", LIMIT, || {
            eprintln!(
                "{} manifests; {}; {:?}",
                fleet.manifests()?,
                fleet.looked(),
                fleet
                    .world
                    .board
                    .sources()
                    .values()
                    .map(|b| (b.settled.clone(), b.problem.clone(), b.applying.clone(), b.failures.len()))
                    .collect::<Vec<_>>()
            );
            Ok((fleet.manifests()? == UNITS * OBJECTS * CLUSTERS).then_some(()))
        })?;
        Ok(fleet)
    }

    fn register(&self) -> Outcome {
        block_on(hub::install::install_crds(&self.wds, api::crds::Role::Wds))?;
        block_on(hub::install::install_crds(&self.its, api::crds::Role::Its))?;
        for cluster in 0..CLUSTERS {
            let cluster = json!({
                "apiVersion": "cluster.open-cluster-management.io/v1", "kind": "ManagedCluster",
                "metadata": { "name": format!("cluster{cluster:02}"), "labels": { "tier": "production" } },
                "spec": { "hubAcceptsClient": true },
            });
            self.apply(&self.its, &resources::managed_clusters(), &cluster)?;
        }
        let source = json!({
            "apiVersion": "gitstellar.io/v1alpha1", "kind": "GitSource", "metadata": { "name": "main" },
            "spec": { "url": self.repository.path().to_string_lossy(), "ref": "main" },
        });
        self.apply(&self.wds, &resources::git_sources(), &source)
    }

    fn apply(&self, to: &Connection, resource: &runtime::Resource, object: &Value) -> Outcome {
        let manager = Manager { name: "person", force: true };
        block_on(to.apply(resource, &Object::from_value(object)?, manager))?;
        Ok(())
    }

    fn works(&self) -> anyhow::Result<Vec<Object>> {
        Ok(block_on(self.its.list(&resources::manifest_works(), None, None))?)
    }

    fn manifests(&self) -> anyhow::Result<usize> {
        let count = |work: &Object| {
            work.to_value().pointer("/spec/workload/manifests").and_then(Value::as_array).map_or(0, Vec::len)
        };
        Ok(self.works()?.iter().map(count).sum())
    }

    fn looked(&self) -> Looked {
        let effort = &self.world.effort;
        Looked {
            binding: effort.binding.get(),
            transport: effort.transport.get(),
            mailboxes: effort.mailboxes.get(),
            status: effort.status.get(),
        }
    }

    /// Waits until the controllers look at nothing for a while.
    fn quiet(&self) -> Outcome {
        let mut last = (self.looked(), 0);
        eventually("the controllers rest", LIMIT, || {
            let now = self.looked();
            last = (now, if now == last.0 { last.1 + 1 } else { 0 });
            Ok((last.1 == 20).then_some(()))
        })
    }

    /// What is looked at until all is quiet again.
    fn during(&self, change: impl FnOnce() -> Outcome) -> anyhow::Result<Looked> {
        let before = self.looked();
        change()?;
        self.quiet()?;
        let after = self.looked();
        ensure!(after != before, "nobody noticed");
        Ok(Looked {
            binding: after.binding - before.binding,
            transport: after.transport - before.transport,
            mailboxes: after.mailboxes - before.mailboxes,
            status: after.status - before.status,
        })
    }

    /// What an agent says when it has applied a work.
    fn report(&self, index: usize) -> Outcome {
        let work = self.works()?.into_iter().nth(index).context("there are works")?;
        let header = work.header();
        let now = "2026-01-01T00:00:00Z";
        let condition = json!({
            "type": "Applied", "status": "True", "reason": "AppliedManifestComplete", "message": "",
            "lastTransitionTime": now, "observedGeneration": header.generation,
        });
        let manifests =
            work.to_value()["spec"]["workload"]["manifests"].as_array().cloned().unwrap_or_default();
        let manifests: Vec<Value> = manifests
            .iter()
            .enumerate()
            .map(|(ordinal, manifest)| {
                json!({
                    "resourceMeta": {
                        "ordinal": ordinal, "group": "", "version": "v1", "kind": manifest["kind"], "resource": "configmaps",
                        "name": manifest["metadata"]["name"], "namespace": manifest["metadata"]["namespace"],
                    },
                    "conditions": [condition],
                })
            })
            .collect();
        let status =
            json!({ "status": { "conditions": [condition], "resourceStatus": { "manifests": manifests } } });
        let resource = resources::manifest_works();
        let target = Target {
            resource: &resource,
            namespace: header.namespace.as_ref(),
            name: &header.name,
            subresource: "status",
        };
        block_on(self.its.merge(target, &status, "agent"))?;
        Ok(())
    }

    /// One line of one file.
    fn change_object(&self) -> Outcome {
        std::fs::write(self.repository.path().join("apps/unit03/map07.yaml"), config_map(3, 7, "changed"))?;
        git(self.repository.path(), &["commit", "--quiet", "--all", "--message", "One line"])?;
        let new = |work: &Object| String::from_utf8_lossy(work.bytes()).contains("changed");
        eventually("the change is in every mailbox", LIMIT, || {
            Ok((self.works()?.iter().filter(|work| new(work)).count() == CLUSTERS).then_some(()))
        })
    }
}

async fn spaces() -> anyhow::Result<(space::Server, Connection, Connection)> {
    let server = space::Server::open(space::Options::in_memory()).await?;
    for name in ["wds1", "its1"] {
        server.create_space(name).await?;
    }
    let connection = |name| anyhow::Ok(Connection::over(name, server.admin_service(name)?));
    let (wds, its) = (connection("wds1")?, connection("its1")?);
    Ok((server, wds, its))
}

fn config_map(unit: usize, number: usize, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{ name: unit{unit:02}-map{number:02}, namespace: default }}\ndata: {{ key: {value} }}\n"
    )
}

fn write_repository(root: &Path) -> Outcome {
    for unit in 0..UNITS {
        let directory = root.join(format!("apps/unit{unit:02}"));
        std::fs::create_dir_all(&directory)?;
        for number in 0..OBJECTS {
            std::fs::write(
                directory.join(format!("map{number:02}.yaml")),
                config_map(unit, number, "value"),
            )?;
        }
        let policy = format!(
            "apiVersion: control.kubestellar.io/v1alpha1
kind: BindingPolicy
metadata: {{ name: unit{unit:02} }}
spec:
  clusterSelectors: [{{ matchLabels: {{ tier: production }} }}]
  downsync: [{{ objectSelectors: [{{ matchLabels: {{ gitstellar.io/unit: unit{unit:02} }} }}] }}]
"
        );
        std::fs::create_dir_all(root.join("policies"))?;
        std::fs::write(root.join(format!("policies/unit{unit:02}.yaml")), policy)?;
    }
    git(root, &["init", "--quiet", "--initial-branch=main", "."])?;
    git(root, &["add", "--all"])?;
    git(root, &["commit", "--quiet", "--message", "Everything"])
}

fn git(directory: &Path, arguments: &[&str]) -> Outcome {
    let status = Command::new("git")
        .args(arguments)
        .current_dir(directory)
        .envs([
            ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ("GIT_CONFIG_SYSTEM", "/dev/null"),
            ("HOME", "/nonexistent"),
        ])
        .envs([("GIT_AUTHOR_NAME", "A. Person"), ("GIT_AUTHOR_EMAIL", "a@example.com")])
        .envs([("GIT_COMMITTER_NAME", "A. Person"), ("GIT_COMMITTER_EMAIL", "a@example.com")])
        .status()?;
    ensure!(status.success(), "git {arguments:?}: {status}");
    Ok(())
}
