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
//! | [`elsewhere`] | sources that are not on this machine: logging in, polling, pushing, and what servers do wrong |
//! | [`limits`] | sources that may not write or place everything |
//! | [`status`] | what comes back |
//! | [`bad_input`] | files, repositories and branches that are not as they should be |
//! | [`quiet`] | what a poll costs that finds nothing new |
//! | [`program`] | the program itself |
//! | [`processes`] | `gitstellar hub` and `gitstellar agent` as processes of their own |
//! | [`first_hour`] | what goes wrong with `gitstellar up` |
//! | [`crashes`] | kills at random moments |
//! | [`versions`] | objects of another version than the WDS prefers |
//! | [`trouble`] | hands, foreign objects, drift, bad input, crashes |

mod autoscaling;
mod bad_input;
mod crashes;
mod elsewhere;
mod first_hour;
mod first_sync;
mod limits;
mod placement;
mod processes;
pub mod program;
mod quiet;
mod recorder;
mod spaces;
mod stage;
mod status;
mod trouble;
mod versions;

use libtest_mimic::Trial;

use crate::harness::{Outcome, trial};
use spaces::Backend;
use stage::Stage;

/// Every story on every backend.
pub fn trials() -> Vec<Trial> {
    let stories: Vec<(&str, Story)> = [
        autoscaling::stories(),
        bad_input::stories(),
        elsewhere::stories(),
        first_sync::stories(),
        limits::stories(),
        placement::stories(),
        quiet::stories(),
        status::stories(),
        trouble::stories(),
        versions::stories(),
    ]
    .concat();
    let mut trials = first_hour::trials();
    trials.extend(processes::trials());
    trials.push(trial(
        "scenarios::up_killed_at_random_moments_ends_as_if_nothing_had_happened",
        crashes::killed_program,
    ));
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
