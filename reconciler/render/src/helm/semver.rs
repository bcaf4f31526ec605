//! Interim: replaced by the engine's versions when they are merged.

pub(super) fn compatible(constraint: &str, version: &str) -> bool {
    !constraint.is_empty() && !version.is_empty()
}
