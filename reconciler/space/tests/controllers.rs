//! What a server does without being asked: owners, namespaces, definitions, tokens, events; also after it was stopped in the middle.
//!
//! Waiting is done by watches (`await_condition`), never by sleeping.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test may stop at the first thing that is wrong"
)]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use apimachinery::{Clock, SystemClock, Timestamp};
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, PolicyRule};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::api::{
    ApiResource, DeleteParams, DynamicObject, Patch, PatchParams, PostParams, PropagationPolicy,
};
use kube::runtime::wait::{Condition, await_condition};
use kube::{Api, Client, Resource, ResourceExt};
use serde_json::json;
use space::server::{Options, Server};

const SPACE: &str = "one";

async fn server(options: Options) -> (Server, Client) {
    let server = Server::open(options).await.unwrap();
    server.create_space(SPACE).await.unwrap();
    let client = client(&server);
    (server, client)
}

fn client(server: &Server) -> Client {
    Client::new(server.admin_service(SPACE).unwrap(), "default")
}

/// Waits, at most as long as a busy machine may need.
async fn until<K>(api: &Api<K>, name: &str, condition: impl Condition<K>) -> Option<K>
where
    K: Resource + Clone + std::fmt::Debug + Send + serde::de::DeserializeOwned + 'static,
{
    let waiting = await_condition(api.clone(), name, condition);
    tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("it takes too long").unwrap()
}

fn gone<K>() -> impl Condition<K> {
    |object: Option<&K>| object.is_none()
}

fn config_map(name: &str, owners: &[OwnerReference]) -> ConfigMap {
    let mut map = ConfigMap::default();
    map.metadata.name = Some(name.into());
    map.metadata.owner_references = (!owners.is_empty()).then(|| owners.to_vec());
    map
}

/// A reference that blocks.
fn owned_by<K: Resource<DynamicType = ()>>(owner: &K) -> OwnerReference {
    OwnerReference { block_owner_deletion: Some(true), ..owner.owner_ref(&()).unwrap() }
}

async fn create<K>(api: &Api<K>, object: K) -> K
where
    K: Clone + std::fmt::Debug + serde::Serialize + serde::de::DeserializeOwned,
{
    api.create(&PostParams::default(), &object).await.unwrap()
}

async fn release(api: &Api<ConfigMap>, name: &str) {
    let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    api.patch(name, &PatchParams::default(), &patch).await.unwrap();
}

/// A chain a <- b <- c.
async fn chain(api: &Api<ConfigMap>) {
    let a = create(api, config_map("a", &[])).await;
    let b = create(api, config_map("b", &[owned_by(&a)])).await;
    create(api, config_map("c", &[owned_by(&b)])).await;
}

#[tokio::test]
async fn a_chain_of_dependents_goes_link_by_link() {
    let (server, client) = server(Options::in_memory()).await;
    let api = Api::<ConfigMap>::default_namespaced(client);
    chain(&api).await;
    api.delete("a", &DeleteParams::background()).await.unwrap();
    until(&api, "c", gone()).await;
    assert!(api.get_opt("b").await.unwrap().is_none());
    server.shutdown().await;
}

#[tokio::test]
async fn in_the_foreground_the_last_link_goes_first() {
    let (server, client) = server(Options::in_memory()).await;
    let api = Api::<ConfigMap>::default_namespaced(client);
    chain(&api).await;
    let hold = Patch::Merge(json!({"metadata": {"finalizers": ["example.com/hold"]}}));
    api.patch("c", &PatchParams::default(), &hold).await.unwrap();
    api.delete("a", &DeleteParams::foreground()).await.unwrap();
    until(&api, "c", |c: Option<&ConfigMap>| c.is_some_and(|c| c.metadata.deletion_timestamp.is_some()))
        .await;
    // Both wait for what is below them.
    for name in ["a", "b"] {
        let waiting = api.get(name).await.unwrap();
        assert_eq!(waiting.finalizers(), ["foregroundDeletion"], "{name}");
    }
    release(&api, "c").await;
    until(&api, "a", gone()).await;
    server.shutdown().await;
}

#[tokio::test]
async fn orphans_lose_their_reference_and_stay() {
    let (server, client) = server(Options::in_memory()).await;
    let api = Api::<ConfigMap>::default_namespaced(client);
    chain(&api).await;
    let orphaning =
        DeleteParams { propagation_policy: Some(PropagationPolicy::Orphan), ..DeleteParams::default() };
    api.delete("a", &orphaning).await.unwrap();
    until(&api, "a", gone()).await;
    assert!(api.get("b").await.unwrap().owner_references().is_empty());
    assert_eq!(api.get("c").await.unwrap().owner_references().len(), 1);
    server.shutdown().await;
}

#[tokio::test]
async fn only_a_certain_absence_takes_a_dependent() {
    let (server, client) = server(Options::in_memory()).await;
    let api = Api::<ConfigMap>::default_namespaced(client.clone());
    let namespace = Api::<Namespace>::all(client).get("default").await.unwrap();
    let unknown = OwnerReference {
        api_version: "nobody.example/v1".into(),
        kind: "Widget".into(),
        name: "w".into(),
        uid: "1".into(),
        ..OwnerReference::default()
    };
    let other_uid = OwnerReference { uid: "another".into(), ..owned_by(&namespace) };
    create(&api, config_map("of-unknown-kind", &[unknown])).await;
    create(&api, config_map("of-cluster-scope", &[owned_by(&namespace)])).await;
    create(&api, config_map("of-both", &[owned_by(&namespace), other_uid.clone()])).await;
    create(&api, config_map("of-another", &[other_uid])).await;
    until(&api, "of-another", gone()).await;
    until(&api, "of-both", |map: Option<&ConfigMap>| {
        map.is_some_and(|map| map.owner_references().len() == 1)
    })
    .await;
    assert!(api.get_opt("of-unknown-kind").await.unwrap().is_some());
    assert!(api.get_opt("of-cluster-scope").await.unwrap().is_some());
    server.shutdown().await;
}

#[tokio::test]
async fn a_namespace_that_was_terminating_goes_on_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let options = || Options::in_directory(directory.path());
    let (first, before) = server(options()).await;
    let namespaces = Api::<Namespace>::all(before.clone());
    let mut namespace = Namespace::default();
    namespace.metadata.name = Some("shop".into());
    create(&namespaces, namespace).await;
    let mut held = config_map("held", &[]);
    held.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    create(&Api::<ConfigMap>::namespaced(before, "shop"), held).await;
    namespaces.delete("shop", &DeleteParams::default()).await.unwrap();
    let tells = |namespace: Option<&Namespace>| {
        let conditions = namespace.and_then(|n| n.status.as_ref()?.conditions.clone()).unwrap_or_default();
        conditions.iter().any(|c| {
            c.type_ == "NamespaceFinalizersRemaining"
                && c.message.as_deref()
                    == Some("Some content in the namespace has finalizers remaining: example.com/hold in 1 resource instances")
        })
    };
    until(&namespaces, "shop", tells).await;
    first.shutdown().await;

    let (second, after) = server(options()).await;
    let namespaces = Api::<Namespace>::all(after.clone());
    assert!(namespaces.get_opt("shop").await.unwrap().is_some());
    release(&Api::<ConfigMap>::namespaced(after, "shop"), "held").await;
    until(&namespaces, "shop", gone()).await;
    second.shutdown().await;
}

fn widgets() -> CustomResourceDefinition {
    serde_json::from_value(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.example.com"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}}],
        },
    }))
    .unwrap()
}

#[tokio::test]
async fn a_definition_goes_after_its_objects_also_over_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let options = || Options::in_directory(directory.path());
    let (first, before) = server(options()).await;
    let kind = ApiResource {
        group: "example.com".into(),
        version: "v1".into(),
        api_version: "example.com/v1".into(),
        kind: "Widget".into(),
        plural: "widgets".into(),
    };
    let definitions = Api::<CustomResourceDefinition>::all(before.clone());
    create(&definitions, widgets()).await;
    // It is served at once.
    let mut widget = DynamicObject::new("one", &kind);
    widget.metadata.finalizers = Some(vec!["example.com/hold".into()]);
    create(&Api::default_namespaced_with(before, &kind), widget).await;
    definitions.delete("widgets.example.com", &DeleteParams::default()).await.unwrap();
    let in_progress = |definition: Option<&CustomResourceDefinition>| {
        let conditions = definition.and_then(|d| d.status.as_ref()?.conditions.clone()).unwrap_or_default();
        conditions.iter().any(|c| c.reason.as_deref() == Some("InstanceDeletionInProgress"))
    };
    until(&definitions, "widgets.example.com", in_progress).await;
    first.shutdown().await;

    let (second, after) = server(options()).await;
    let api = Api::<DynamicObject>::default_namespaced_with(after.clone(), &kind);
    let late = api.create(&PostParams::default(), &DynamicObject::new("late", &kind)).await.unwrap_err();
    assert!(
        matches!(late, kube::Error::Api(status) if status.code == 405),
        "nothing new of a kind that goes"
    );
    let patch = Patch::Merge(json!({"metadata": {"finalizers": null}}));
    api.patch("one", &PatchParams::default(), &patch).await.unwrap();
    until(&Api::<CustomResourceDefinition>::all(after), "widgets.example.com", gone()).await;
    second.shutdown().await;
}

#[tokio::test]
async fn each_namespace_has_its_furniture_and_gets_it_back() {
    let (server, client) = server(Options::in_memory()).await;
    let maps = Api::<ConfigMap>::namespaced(client.clone(), "default");
    let is_right = |map: Option<&ConfigMap>| {
        let text = map.and_then(|map| map.data.as_ref()?.get("ca.crt").cloned());
        text.is_some_and(|text| text.starts_with("-----BEGIN CERTIFICATE-----"))
    };
    let patch = Patch::Merge(json!({"data": {"ca.crt": "another"}}));
    maps.patch("kube-root-ca.crt", &PatchParams::default(), &patch).await.unwrap();
    until(&maps, "kube-root-ca.crt", is_right).await;
    maps.delete("kube-root-ca.crt", &DeleteParams::default()).await.unwrap();
    until(&maps, "kube-root-ca.crt", is_right).await;
    let accounts = Api::<ServiceAccount>::namespaced(client, "default");
    accounts.delete("default", &DeleteParams::default()).await.unwrap();
    until(&accounts, "default", |account: Option<&ServiceAccount>| account.is_some()).await;
    server.shutdown().await;
}

#[tokio::test]
async fn a_secret_that_asks_gets_a_token_that_outlives_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let options = || Options::in_directory(directory.path());
    let (first, client) = server(options()).await;
    let secrets = Api::<Secret>::default_namespaced(client);
    let mut secret =
        Secret { type_: Some("kubernetes.io/service-account-token".into()), ..Secret::default() };
    secret.metadata.name = Some("token".into());
    secret.metadata.annotations =
        Some(BTreeMap::from([("kubernetes.io/service-account.name".into(), "default".into())]));
    create(&secrets, secret).await;
    let has_token = |secret: Option<&Secret>| {
        secret.is_some_and(|s| s.data.as_ref().is_some_and(|d| d.contains_key("token")))
    };
    let filled = until(&secrets, "token", has_token).await.unwrap();
    let token = String::from_utf8(filled.data.unwrap()["token"].0.clone()).unwrap();
    assert_eq!(filled.metadata.annotations.unwrap()["kubernetes.io/service-account.name"], "default");
    first.shutdown().await;

    let (second, client) = server(options()).await;
    let review = json!({
        "apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview", "spec": {"token": token},
    });
    let request = http::Request::post("/apis/authentication.k8s.io/v1/tokenreviews")
        .header("content-type", "application/json")
        .body(review.to_string().into_bytes())
        .unwrap();
    let answer: serde_json::Value = client.request(request).await.unwrap();
    assert_eq!(answer["status"]["authenticated"], true, "{answer}");
    assert_eq!(answer["status"]["user"]["username"], "system:serviceaccount:default:default");
    second.shutdown().await;
}

#[tokio::test]
async fn aggregated_roles_follow_the_roles_that_they_select() {
    let (server, client) = server(Options::in_memory()).await;
    let roles = Api::<ClusterRole>::all(client);
    let mut role = ClusterRole {
        rules: Some(vec![PolicyRule {
            api_groups: Some(vec!["example.com".into()]),
            resources: Some(vec!["widgets".into()]),
            verbs: vec!["get".into()],
            ..PolicyRule::default()
        }]),
        ..ClusterRole::default()
    };
    role.metadata.name = Some("widgets-view".into());
    role.metadata.labels =
        Some(BTreeMap::from([("rbac.authorization.k8s.io/aggregate-to-view".into(), "true".into())]));
    create(&roles, role).await;
    let has = |role: Option<&ClusterRole>| {
        let rules = role.and_then(|role| role.rules.clone()).unwrap_or_default();
        rules.iter().any(|rule| rule.resources.as_ref().is_some_and(|all| all.contains(&"widgets".into())))
    };
    // What view gains, edit and admin gain from it.
    until(&roles, "admin", has).await;
    roles.delete("widgets-view", &DeleteParams::default()).await.unwrap();
    until(&roles, "admin", move |role: Option<&ClusterRole>| !has(role)).await;
    server.shutdown().await;
}

/// The machine's clock, set forward by so many seconds.
#[derive(Debug, Default)]
struct Ahead {
    clock: SystemClock,
    seconds: AtomicI64,
}

impl Clock for Ahead {
    fn now(&self) -> Timestamp {
        let ahead = jiff::SignedDuration::from_secs(self.seconds.load(Ordering::SeqCst));
        self.clock.now().checked_add(ahead).unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
}

#[tokio::test]
async fn events_go_an_hour_after_they_were_seen() {
    let clock = Arc::new(Ahead::default());
    let options = Options { clock: Arc::clone(&clock) as Arc<dyn Clock>, ..Options::in_memory() };
    let (server, client) = server(options).await;
    let events = Api::<Event>::default_namespaced(client);
    let event = |name: &str| {
        let mut event = Event::default();
        event.metadata.name = Some(name.into());
        event.metadata.namespace = Some("default".into());
        event.involved_object.namespace = Some("default".into());
        event
    };
    create(&events, event("old")).await;
    clock.seconds.store(3590, Ordering::SeqCst);
    create(&events, event("new")).await;
    clock.seconds.store(3601, Ordering::SeqCst);
    // Another event lets the calendar be read again; time itself would do so as well.
    create(&events, event("wake")).await;
    until(&events, "old", gone()).await;
    assert!(events.get_opt("new").await.unwrap().is_some());
    server.shutdown().await;
}
