//! What a typed client does all day.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client, ResourceExt as _};
use serde_json::json;

use super::{inside, outside, server};

async fn creates_reads_changes_and_deletes(client: Client) {
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    let map = serde_json::from_value(json!({
        "metadata": { "name": "a", "labels": { "l": "1" } }, "data": { "k": "v" },
    }));
    let made = maps.create(&PostParams::default(), &map.unwrap()).await.unwrap();
    assert_eq!((made.name_any(), made.namespace()), ("a".to_owned(), Some("default".to_owned())));
    assert!(made.uid().is_some() && made.creation_timestamp().is_some());

    let mut read = maps.get("a").await.unwrap();
    assert_eq!(read, made);
    read.data.get_or_insert_default().insert("k2".into(), "v2".into());
    let put = maps.replace("a", &PostParams::default(), &read).await.unwrap();
    assert_ne!(put.resource_version(), made.resource_version());
    let stale = maps.replace("a", &PostParams::default(), &made).await.unwrap_err();
    assert!(matches!(stale, kube::Error::Api(status) if status.is_conflict()));

    let patch = Patch::Merge(json!({ "data": { "k": null } }));
    let patched = maps.patch("a", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.data.unwrap().len(), 1);

    let listed = maps.list(&ListParams::default().labels("l=1")).await.unwrap();
    assert_eq!(listed.items.len(), 1);
    let metadata = maps.list_metadata(&ListParams::default().labels("l=1")).await.unwrap();
    assert_eq!(metadata.items[0].name_any(), "a");

    maps.delete("a", &DeleteParams::default()).await.unwrap();
    assert!(maps.get_opt("a").await.unwrap().is_none());
}

#[tokio::test]
async fn a_client_in_the_process_does_its_work() {
    let server = server().await;
    creates_reads_changes_and_deletes(inside(&server)).await;
    let counts = server.counters("wds1").unwrap();
    assert_eq!(counts.writes(), 4, "{counts:?}");
    server.shutdown().await;
}

#[tokio::test]
async fn a_client_over_tls_does_its_work() {
    let server = server().await;
    creates_reads_changes_and_deletes(outside(&server).await).await;
    server.shutdown().await;
}

#[tokio::test]
async fn server_side_apply_tells_conflicts_and_keeps_what_others_own() {
    let server = server().await;
    let deployments: Api<Deployment> = Api::default_namespaced(inside(&server));
    let declared = |replicas: i32| {
        Patch::Apply(json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web" },
            "spec": {
                "replicas": replicas, "selector": { "matchLabels": { "app": "web" } },
                "template": {
                    "metadata": { "labels": { "app": "web" } },
                    "spec": { "containers": [{ "name": "web", "image": "nginx" }] },
                },
            },
        }))
    };
    let first = PatchParams::apply("first");
    let made = deployments.patch("web", &first, &declared(1)).await.unwrap();
    let again = deployments.patch("web", &first, &declared(1)).await.unwrap();
    assert_eq!(made.resource_version(), again.resource_version(), "the same again is no write");
    let refused = deployments.patch("web", &PatchParams::apply("second"), &declared(2)).await.unwrap_err();
    let kube::Error::Api(status) = refused else { panic!("{refused}") };
    assert_eq!(status.message, "Apply failed with 1 conflict: conflict with \"first\": .spec.replicas");
    let forced = deployments.patch("web", &PatchParams::apply("second").force(), &declared(2)).await.unwrap();
    assert_eq!(forced.metadata.generation, Some(2));
}

#[tokio::test]
async fn other_identities_may_what_roles_grant() {
    let server = server().await;
    let stranger = space::Identity::new("stranger", &[]);
    let client = Client::new(server.service("wds1", stranger).unwrap(), "default");
    let namespaces: Api<Namespace> = Api::all(client);
    let refused = namespaces.list(&ListParams::default()).await.unwrap_err();
    let kube::Error::Api(status) = refused else { panic!("{refused}") };
    assert_eq!(
        status.message,
        "namespaces is forbidden: User \"stranger\" cannot list resource \"namespaces\" in API group \"\" at the cluster scope"
    );
}
