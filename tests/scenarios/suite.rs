//! Stories: a repository, clusters, and what a person does and sees. Each runs on real API servers and on embedded spaces.
//!
//! | module | knows |
//! |---|---|
//! | [`stage`] | spaces of either kind, a repository, a hub and agents that can be killed and started again |
//! | [`first_sync`] | the way of a commit |
//! | [`placement`] | policies, labels, overlaps |
//! | [`trouble`] | hands, foreign objects, drift, bad input, crashes |

mod first_sync;
mod placement;
mod stage;
mod trouble;

use libtest_mimic::Trial;

use crate::harness::{Outcome, trial};
use stage::{Backend, Stage};

/// Every story on every backend.
pub fn trials() -> Vec<Trial> {
    let stories: Vec<(&str, Story)> =
        [first_sync::stories(), placement::stories(), trouble::stories()].into_iter().flatten().collect();
    let backends = [Backend::Real, Backend::Embedded];
    stories
        .into_iter()
        .flat_map(|(name, story)| {
            backends.map(|backend| {
                trial(format!("scenarios::{name}::{}", backend.name()), move || {
                    stage::perform(backend, story)
                })
            })
        })
        .collect()
}

/// A story gets a stage with three clusters and nothing on it.
type Story = fn(&mut Stage) -> Outcome;
