//! What `observedGeneration` means in the WDS.
//!
//! The WDS and each cluster count generations independently. A status copied as it is lets tools that compare the two (`kubectl rollout status`, Argo CD)
//! wait for ever, or pass before the change has even arrived; KubeStellar copies it as it is.

use serde_json::Value;

use super::Returned;

const FIELD: &str = "observedGeneration";

/// The status with `observedGeneration`, also inside conditions, as it must stand in the WDS: the WDS object's own generation where the cluster has seen
/// through the content that is asked for now, else one less.
///
/// An agent that does not say the cluster's generation is trusted as soon as it has applied the content asked for now: to wait for ever would be worse.
pub fn translate_generation(status: &Value, returned: &Returned, wds_generation: i64) -> Value {
    let mut status = status.clone();
    let translate = |holder: &mut Value| {
        let Some(observed) = holder.get(FIELD).and_then(Value::as_i64) else { return };
        let seen = returned.current && returned.generation.is_none_or(|generation| observed >= generation);
        let translated = if seen { wds_generation } else { (wds_generation - 1).max(0) };
        if let Some(object) = holder.as_object_mut() {
            object.insert(FIELD.to_owned(), translated.into());
        }
    };
    translate(&mut status);
    if let Some(Value::Array(conditions)) = status.get_mut("conditions") {
        conditions.iter_mut().for_each(translate);
    }
    status
}
