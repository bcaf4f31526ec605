//! `gitstellar hub` and `gitstellar agent` as processes of their own, on servers that are there already.

use anyhow::ensure;
use libtest_mimic::Trial;

use super::first_sync::{CART, shop};
use super::program::Program;
use super::spaces::Backend;
use super::stage::{Stage, perform};
use crate::harness::{Outcome, trial};

pub fn trials() -> Vec<Trial> {
    let one_by_one = |backend: Backend| {
        trial(
            format!("scenarios::a_hub_and_agents_that_are_killed_one_by_one_resume::{}", backend.name()),
            move || perform(backend, one_by_one),
        )
    };
    vec![
        one_by_one(Backend::Real),
        one_by_one(Backend::Embedded),
        trial("scenarios::a_hub_and_agents_work_between_real_and_embedded_servers", mixed),
    ]
}

const SOURCE: &str = "apiVersion: gitstellar.io/v1alpha1\nkind: GitSource\nmetadata: { name: main }\nspec:\n  ref: main\n  url: ";

/// Where the spaces are that a hub and its agents connect.
struct Wiring<'s> {
    wds: &'s Stage,
    its: &'s Stage,
}

impl Wiring<'_> {
    fn hub(&self) -> anyhow::Result<Program> {
        let mirrors = self.wds.directory().join("mirrors").display().to_string();
        let (wds, its) = (self.wds.kubeconfig(), self.its.kubeconfig());
        let arguments = [
            ["hub", "--allow-local-sources", "--mirrors", &mirrors],
            ["--wds-kubeconfig", &wds, "--wds-context", "wds1"],
            ["--its-kubeconfig", &its, "--its-context", "its1"],
        ];
        Program::start(&self.wds.directory().join("hub.log"), &arguments.concat())
    }

    fn agent(&self, cluster: &str, wec: &Stage) -> anyhow::Result<Program> {
        let (its, wec) = (self.its.kubeconfig(), wec.kubeconfig());
        let arguments = [
            ["agent", "--cluster", cluster],
            ["--its-context", "its1", "--its-kubeconfig"],
            [&its, "--context", cluster],
        ];
        let log = self.wds.directory().join(format!("{cluster}.log"));
        Program::start(&log, &[&arguments.concat()[..], &["--kubeconfig", &wec]].concat())
    }

    /// What a person does once the hub runs: clusters join, and kubectl creates the source.
    fn begin(&self, hub: &mut Program) -> Outcome {
        hub.until_it_says(&["gitsources.gitstellar.io", "manifestworks.work.open-cluster-management.io"], 0)?;
        self.its.register()?;
        let source = self.wds.directory().join("source.yaml");
        std::fs::write(&source, format!("{SOURCE}{}\n", self.wds.repository().display()))?;
        self.wds.kubectl("wds1", &["apply", "--filename", &source.display().to_string()])?;
        Ok(())
    }
}

fn one_by_one(stage: &mut Stage) -> Outcome {
    shop(stage, 1)?;
    stage.commit("The shop")?;
    let stage = &*stage;
    let wiring = Wiring { wds: stage, its: stage };
    let mut hub = wiring.hub()?;
    wiring.begin(&mut hub)?;
    let (mut first, mut second) = (wiring.agent("cluster1", stage)?, wiring.agent("cluster2", stage)?);
    let has = |replicas: u32| {
        for cluster in ["cluster1", "cluster2"] {
            stage.until(cluster, CART, &format!("has {replicas} replicas"), |cart| {
                cart["spec"]["replicas"] == replicas
            })?;
        }
        anyhow::Ok(())
    };
    has(1)?;
    let watches = ["cluster1", "cluster2"].map(|cluster| stage.watch(cluster, CART));
    // Each is killed, misses a commit, and comes back.
    for round in 0..3 {
        let replicas = 2 + round;
        shop(stage, replicas)?;
        match round {
            0 => {
                drop(hub);
                stage.commit("Nobody is there to see it")?;
                hub = wiring.hub()?;
            }
            1 => {
                drop(first);
                let commit = stage.commit("It waits in a mailbox")?;
                stage.until_settled(&commit)?;
                first = wiring.agent("cluster1", stage)?;
            }
            _ => {
                drop((hub, second));
                stage.commit("Half of us is gone")?;
                second = wiring.agent("cluster2", stage)?;
                hub = wiring.hub()?;
            }
        }
        has(replicas)?;
    }
    for process in [&mut hub, &mut first, &mut second] {
        process.still_runs()?;
    }
    watches.into_iter().try_for_each(|watch| watch.stayed())
}

/// The WDS and one cluster are real, the ITS and the other cluster are embedded.
fn mixed() -> Outcome {
    perform(Backend::Real, |real| {
        perform(Backend::Embedded, |embedded| {
            shop(real, 1)?;
            real.commit("The shop")?;
            let wiring = Wiring { wds: real, its: embedded };
            let mut hub = wiring.hub()?;
            wiring.begin(&mut hub)?;
            let _agents = [wiring.agent("cluster1", real)?, wiring.agent("cluster2", embedded)?];
            let places = [(&*real, "cluster1"), (&*embedded, "cluster2")];
            for replicas in 1..=2 {
                shop(real, replicas)?;
                real.commit("So many")?;
                for (stage, cluster) in places {
                    stage.until(cluster, CART, "is as committed", |cart| {
                        cart["spec"]["replicas"] == replicas
                    })?;
                }
            }
            for (stage, cluster) in [(&*real, "cluster2"), (&*embedded, "cluster1")] {
                ensure!(stage.get(cluster, CART)?.is_none(), "no agent serves {cluster} there");
            }
            Ok(())
        })
    })
}
