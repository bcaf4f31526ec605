//! Restarts and crashes.

use std::path::Path;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{DeleteParams, ListParams, PostParams};
use kube::{Api, ResourceExt as _};
use serde_json::json;
use space::{OpenError, Options, Server};

use super::{inside, outside};

async fn open(directory: &Path) -> Server {
    let server = Server::open(Options::in_directory(directory)).await.unwrap();
    server.create_space("wds1").await.unwrap();
    server
}

fn map(name: &str) -> ConfigMap {
    serde_json::from_value(json!({ "metadata": { "name": name }, "data": { "k": "v" } })).unwrap()
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(outside(&first).await);
    let kept = maps.create(&PostParams::default(), &map("kept")).await.unwrap();
    let gone = maps.create(&PostParams::default(), &map("gone")).await.unwrap();
    maps.delete("gone", &DeleteParams::default()).await.unwrap();
    let (url, token, ca) = (first.url("wds1"), first.admin_token().to_owned(), first.ca_pem().to_owned());
    let objects = first.space("wds1").unwrap().counts();
    first.shutdown().await;

    let second = open(directory.path()).await;
    assert_eq!((second.url("wds1"), second.admin_token(), second.ca_pem()), (url, &*token, &*ca));
    assert_eq!(second.spaces(), ["wds1"]);
    assert_eq!(second.space("wds1").unwrap().counts(), objects, "a restart writes nothing");
    let maps: Api<ConfigMap> = Api::default_namespaced(outside(&second).await);
    assert_eq!(maps.get("kept").await.unwrap(), kept);
    assert!(maps.get_opt("gone").await.unwrap().is_none());
    let version = |map: &ConfigMap| map.resource_version().unwrap().parse::<u64>().unwrap();
    let later = maps.create(&PostParams::default(), &map("later")).await.unwrap();
    assert!(
        version(&later) > version(&gone) + 1,
        "versions are never given out twice, not even that of a deletion"
    );
    second.shutdown().await;
}

#[tokio::test]
async fn an_acknowledged_write_survives_a_crash() {
    let (directory, image) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let server = open(directory.path()).await;
    let maps: Api<ConfigMap> = Api::default_namespaced(inside(&server));
    for index in 0..20 {
        maps.create(&PostParams::default(), &map(&format!("m{index}"))).await.unwrap();
        if index % 7 == 0 {
            // What a disk holds after kill -9 at this moment.
            std::fs::copy(directory.path().join("objects.redb"), image.path().join("objects.redb")).unwrap();
            let crashed = open(image.path()).await;
            let maps: Api<ConfigMap> = Api::default_namespaced(inside(&crashed));
            let names: Vec<String> = maps
                .list(&ListParams::default())
                .await
                .unwrap()
                .iter()
                .map(kube::ResourceExt::name_any)
                .collect();
            for acknowledged in 0..=index {
                assert!(names.contains(&format!("m{acknowledged}")), "m{acknowledged} of {index} is lost");
            }
            crashed.shutdown().await;
        }
    }
}

#[tokio::test]
async fn a_directory_has_one_server_and_is_private() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path().join("data");
    let first = open(&directory).await;
    let second = Server::open(Options::in_directory(&directory)).await.unwrap_err();
    assert!(matches!(second, OpenError::InUse { .. }), "{second}");
    #[cfg(unix)]
    for entry in std::fs::read_dir(&directory).unwrap() {
        use std::os::unix::fs::PermissionsExt as _;
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
    first.shutdown().await;
    open(&directory).await.shutdown().await;
}

#[tokio::test]
async fn a_wrong_address_or_a_taken_port_is_a_clear_error() {
    let remote = Options { listen: "0.0.0.0:0".parse().unwrap(), ..Options::in_memory() };
    let error = Server::open(remote).await.unwrap_err();
    assert!(error.to_string().contains("not a loopback address"), "{error}");
    let first = Server::open(Options::in_memory()).await.unwrap();
    let same = Options { listen: first.address(), ..Options::in_memory() };
    let error = Server::open(same).await.unwrap_err();
    assert!(matches!(error, OpenError::PortTaken { .. }), "{error}");
}
