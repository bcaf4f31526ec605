//! Every kind without a rule of its own, by the conditions it reports: kstatus' reading, with what its reasons say.

use super::{Condition, Health, HealthState, Seen};

/// Healthy unless a condition says otherwise: an object without conditions is healthy once it is applied.
pub(super) fn health(seen: &Seen<'_>) -> Health {
    let verdicts = [
        any_true(seen, &["Stalled", "Failed", "Degraded"], HealthState::Degraded),
        any_true(seen, &["Reconciling", "Progressing"], HealthState::Progressing)
            .filter(|_| !is_available(seen)),
    ];
    if let Some(verdict) = verdicts.into_iter().flatten().next() {
        return verdict;
    }
    // kstatus knows only Ready; Available says the same for APIServices, operators and OCM's kinds.
    let gate = ["Ready", "Available"].into_iter().find_map(|kind| seen.condition(kind));
    match gate {
        Some(condition) if condition.fails() => not_ready(condition),
        Some(condition) if !condition.holds() => condition.verdict(HealthState::Progressing),
        _ => Health::healthy(),
    }
}

/// Operators of long-lived things keep `Progressing` True while all is well.
fn is_available(seen: &Seen<'_>) -> bool {
    seen.is_true("Available").is_some() || seen.is_true("Ready").is_some()
}

fn any_true(seen: &Seen<'_>, kinds: &[&str], state: HealthState) -> Option<Health> {
    kinds.iter().find_map(|kind| seen.is_true(kind)).map(|condition| condition.verdict(state))
}

/// kstatus calls every such object "in progress"; Argo CD's rules per kind mostly call it degraded. The reason decides.
fn not_ready(condition: Condition<'_>) -> Health {
    const BAD: &[&str] =
        &["fail", "error", "invalid", "denied", "forbidden", "backoff", "notfound", "unauthorized"];
    let reason = condition.text("reason").to_lowercase();
    let bad = BAD.iter().any(|word| reason.contains(word));
    condition.verdict(if bad { HealthState::Degraded } else { HealthState::Progressing })
}
