//! Addresses and ports of Services.

use std::collections::BTreeSet;

use k8s_openapi::api::core::v1::Service;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::{Value, json};

use super::{inside, server};

fn service(name: &str, spec: &Value) -> Service {
    let mut spec = spec.clone();
    if spec.get("ports").is_none() {
        spec["ports"] = json!([{ "port": 80 }]);
    }
    serde_json::from_value(json!({ "metadata": { "name": name }, "spec": spec })).unwrap()
}

fn address(service: &Service) -> String {
    service.spec.clone().unwrap().cluster_ip.unwrap_or_default()
}

#[tokio::test]
async fn no_two_services_get_the_same_address() {
    let server = server().await;
    let services: Api<Service> = Api::default_namespaced(inside(&server));
    let writes = (0..60).map(|index| {
        let services = services.clone();
        let service = service(&format!("s{index}"), &json!({ "type": "NodePort" }));
        async move { services.create(&PostParams::default(), &service).await.unwrap() }
    });
    let made = futures::future::join_all(writes).await;
    let addresses: BTreeSet<String> = made.iter().map(address).collect();
    assert_eq!(addresses.len(), 60);
    let port = |service: &Service| service.spec.clone().unwrap().ports.unwrap()[0].node_port.unwrap();
    let ports: BTreeSet<i32> = made.iter().map(port).collect();
    assert_eq!(ports.len(), 60);
    assert!(ports.iter().all(|port| (30000..=32767).contains(port)));
}

#[tokio::test]
async fn an_address_stays_is_given_back_and_cannot_be_had_twice() {
    let server = server().await;
    let services: Api<Service> = Api::default_namespaced(inside(&server));
    let first = services.create(&PostParams::default(), &service("first", &json!({}))).await.unwrap();
    let wanted = json!({ "clusterIP": address(&first) });
    let refused = services.create(&PostParams::default(), &service("second", &wanted)).await.unwrap_err();
    let kube::Error::Api(status) = refused else { panic!("{refused}") };
    assert!(status.message.ends_with("provided IP is already allocated"), "{}", status.message);

    let mut update = service("first", &json!({ "ports": [{ "port": 81 }] }));
    update.metadata.resource_version = first.resource_version();
    let updated = services.replace("first", &PostParams::default(), &update).await.unwrap();
    assert_eq!(address(&updated), address(&first), "an update that leaves the address out keeps it");

    services.delete("first", &DeleteParams::default()).await.unwrap();
    let second = services.create(&PostParams::default(), &service("second", &wanted)).await.unwrap();
    assert_eq!(address(&second), address(&first));
    let headless =
        services.create(&PostParams::default(), &service("h", &json!({ "clusterIP": "None" }))).await;
    assert_eq!(address(&headless.unwrap()), "None");
}

#[tokio::test]
async fn a_change_of_type_allocates_and_drops_ports() {
    let server = server().await;
    let services: Api<Service> = Api::default_namespaced(inside(&server));
    services.create(&PostParams::default(), &service("s", &json!({}))).await.unwrap();
    let to = |kind: &str| Patch::Merge(json!({ "spec": { "type": kind } }));
    let port = |service: &Service| service.spec.clone().unwrap().ports.unwrap()[0].node_port;
    let node = services.patch("s", &PatchParams::default(), &to("NodePort")).await.unwrap();
    assert!(port(&node).is_some());
    let inner = services.patch("s", &PatchParams::default(), &to("ClusterIP")).await.unwrap();
    assert_eq!(port(&inner), None);
}
