//! Performs steps, one after the other, and notes what was stored, so that the next look is not older than one's own write.

use apimachinery::Object;
use runtime::{ApiError, DeleteOptions, Reason, Removal, Target};
use serde_json::{Value, json};

use crate::kind::Kind;
use crate::live::text;
use crate::step::{Actor, Step};
use crate::world::World;

impl World {
    /// Performs steps up to the first that fails. What is gone is not missed: a watch will tell.
    pub(crate) async fn act(&self, actor: Actor, steps: Vec<Step>) -> Result<(), ApiError> {
        for step in steps {
            self.perform(actor, step).await?;
        }
        Ok(())
    }

    async fn perform(&self, actor: Actor, step: Step) -> Result<(), ApiError> {
        match step {
            Step::Create(object) => self.create(actor, &object).await,
            Step::Patch { of, patch } => self.patch(actor, &of, patch).await,
            Step::Status { of, status } => self.status(actor, &of, status).await,
            Step::Delete { of, now } => self.delete(&of, now).await,
            Step::Bind { pod, node } => self.bind(actor, &pod, &node).await,
            Step::Scale { of, replicas } => self.scale(actor, &of, replicas).await,
            Step::Tell(event) => {
                self.events.tell(actor, event);
                Ok(())
            }
        }
    }

    async fn create(&self, actor: Actor, value: &Value) -> Result<(), ApiError> {
        let object =
            Object::from_value(value).map_err(|error| self.refused(value, 422, &error.to_string()))?;
        let Some(kind) = Kind::of(&object) else { return Ok(()) };
        let _counted = if kind == Kind::Pod { self.within_quota(value).await? } else { None };
        let stored = self.cluster.create(kind.resource(), &object, actor.manager).await;
        match stored {
            Ok(stored) => self.note(stored),
            Err(error) => {
                // Somebody else's object of that name, or one's own that the mirror does not have yet.
                if error.reason == Reason::AlreadyExists {
                    self.refresh(&object).await;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Refuses a pod that is one too many for its namespace; otherwise nobody else creates one there while the guard lives.
    async fn within_quota(&self, pod: &Value) -> Result<Option<tokio::sync::MutexGuard<'_, ()>>, ApiError> {
        let namespace = text(pod, "/metadata/namespace");
        let Some(limit) = self.faults().quota(namespace) else { return Ok(None) };
        let guard = self.quota.lock().await;
        let used = self.select(Kind::Pod, namespace, |_| true);
        let used = used.iter().filter(|pod| !crate::pod::is_over(pod)).count();
        if i64::try_from(used).unwrap_or(i64::MAX) < limit {
            return Ok(Some(guard));
        }
        let message =
            format!("exceeded quota: sim, requested: pods=1, used: pods={used}, limited: pods={limit}");
        Err(self.refused(pod, 403, &message))
    }

    fn refused(&self, object: &Value, code: u16, why: &str) -> ApiError {
        let (kind, name) = (text(object, "/kind"), text(object, "/metadata/name"));
        ApiError {
            what: format!("create {kind} {name}"),
            server: self.cluster.name().to_owned(),
            reason: if code == 403 { Reason::Forbidden } else { Reason::Invalid },
            code,
            message: format!("{}s \"{name}\" is forbidden: {why}", kind.to_lowercase()),
            faults: Vec::new(),
            retry_after: None,
        }
    }

    async fn patch(&self, actor: Actor, of: &Object, mut patch: Value) -> Result<(), ApiError> {
        let Some(kind) = Kind::of(of) else { return Ok(()) };
        patch["metadata"]["resourceVersion"] = json!(of.header().resource_version);
        let stored = self.cluster.merge(target(kind, of, ""), &patch, actor.manager).await;
        self.settle(of, stored).await
    }

    async fn status(&self, actor: Actor, of: &Object, status: Value) -> Result<(), ApiError> {
        let Some(kind) = Kind::of(of) else { return Ok(()) };
        let mut value = of.to_value();
        value["status"] = status;
        let Ok(object) = Object::from_value(&value) else { return Ok(()) };
        let stored = self.cluster.replace_status(kind.resource(), &object, actor.manager).await;
        self.settle(of, stored).await
    }

    async fn delete(&self, of: &Object, now: bool) -> Result<(), ApiError> {
        let Some(kind) = Kind::of(of) else { return Ok(()) };
        let uid = of.header().uid.as_deref().map(str::to_owned);
        let options = DeleteOptions { uid, ..DeleteOptions::default() };
        let removal = self.cluster.delete_within(target(kind, of, ""), &options, now.then_some(0)).await;
        match removal {
            Ok(Removal::Ending(stored)) if !now => self.note(*stored),
            Ok(_) => {}
            // Another object of that name.
            Err(error) if error.reason == Reason::Conflict => {
                self.refresh(of).await;
                return Err(error);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    async fn bind(&self, actor: Actor, pod: &Object, node: &str) -> Result<(), ApiError> {
        let header = pod.header();
        let binding = json!({
            "apiVersion": "v1", "kind": "Binding",
            "metadata": { "name": header.name.as_str(), "namespace": header.namespace.as_ref().map(apimachinery::Namespace::as_str), "uid": header.uid },
            "target": { "apiVersion": "v1", "kind": "Node", "name": node }
        });
        match self.cluster.post(target(Kind::Pod, pod, "binding"), &binding, actor.manager).await {
            Err(error) if error.is_not_found() => Ok(()),
            // It has a node already, and the mirror does not know yet.
            Err(error) if error.reason == Reason::Conflict => {
                self.refresh(pod).await;
                Ok(())
            }
            other => other,
        }
    }

    async fn scale(&self, actor: Actor, of: &Object, replicas: i64) -> Result<(), ApiError> {
        let Some(kind) = Kind::of(of) else { return Ok(()) };
        let patch = json!({ "spec": { "replicas": replicas } });
        match self.cluster.merge(target(kind, of, "scale"), &patch, actor.manager).await {
            Err(error) if error.is_not_found() => Ok(()),
            other => other.map(|_| ()),
        }
    }

    /// Notes what a write stored. After a conflict the mirror gets the object as it is, so that the next pass decides on it.
    async fn settle(&self, of: &Object, stored: Result<Object, ApiError>) -> Result<(), ApiError> {
        match stored {
            Ok(stored) => self.note(stored),
            Err(error) if error.is_not_found() => {}
            Err(error) => {
                if error.reason == Reason::Conflict {
                    self.refresh(of).await;
                }
                return Err(error);
            }
        }
        Ok(())
    }

    /// Reads an object itself into the mirror. That it cannot be read is no matter: the watch catches up.
    async fn refresh(&self, object: &Object) {
        let (Some(kind), header) = (Kind::of(object), object.header()) else { return };
        let found = self.cluster.get(kind.resource(), header.namespace.as_ref(), &header.name).await;
        if let Ok(Some(found)) = found {
            self.note(found);
        }
    }

    fn note(&self, stored: Object) {
        if let Some(kind) = Kind::of(&stored) {
            self.mirror.note(&kind.resource().group_resource(), stored);
        }
    }
}

fn target<'a>(kind: Kind, of: &'a Object, subresource: &'a str) -> Target<'a> {
    let header = of.header();
    Target {
        resource: kind.resource(),
        namespace: header.namespace.as_ref(),
        name: &header.name,
        subresource,
    }
}
