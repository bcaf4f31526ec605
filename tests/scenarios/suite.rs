//! Stories: a repository, clusters, and what a person does and sees. Each runs on real API servers and on embedded spaces.
//!
//! | module | knows |
//! |---|---|
//! | [`spaces`] | the API servers, real or embedded |
//! | [`stage`] | a repository, a hub and agents that can be killed and started again |
//! | [`recorder`] | every event of some kinds, in order |
//! | [`first_sync`] | the way of a commit |
//! | [`placement`] | policies, labels, overlaps |
//! | [`autoscaling`] | autoscalers in the clusters |
//! | [`status`] | what comes back |
//! | [`bad_input`] | files, repositories and branches that are not as they should be |
//! | [`crashes`] | kills at random moments |
//! | [`trouble`] | hands, foreign objects, drift, bad input, crashes |

mod autoscaling;
mod bad_input;
mod crashes;
mod first_sync;
mod placement;
mod recorder;
mod spaces;
mod stage;
mod status;
mod trouble;

use libtest_mimic::Trial;

use crate::harness::{Outcome, trial};
use spaces::Backend;
use stage::Stage;

/// Every story on every backend.
pub fn trials() -> Vec<Trial> {
    let stories: Vec<(&str, Story)> = [
        autoscaling::stories(),
        bad_input::stories(),
        first_sync::stories(),
        placement::stories(),
        status::stories(),
        trouble::stories(),
    ]
    .concat();
    let mut trials = Vec::new();
    for backend in [Backend::Real, Backend::Embedded] {
        let name = |story: &str| format!("scenarios::{story}::{}", backend.name());
        for (story, play) in &stories {
            let play = *play;
            trials.push(trial(name(story), move || stage::perform(backend, play)));
        }
        trials.push(trial(name(crashes::STORY), move || crashes::killed_at_random_moments(backend)));
    }
    trials
}

/// A story gets a stage with three clusters and nothing on it.
type Story = fn(&mut Stage) -> Outcome;
