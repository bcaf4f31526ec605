//! Too large, too late, not there.

use http_body_util::{BodyExt as _, Full};
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};
use tower::ServiceExt as _;

use super::{inside, server};

async fn status(server: &space::Server, request: http::Request<Full<bytes::Bytes>>) -> (u16, Value) {
    let response = server.admin_service("wds1").unwrap().oneshot(request).await.unwrap();
    let code = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (code, serde_json::from_slice(&body).unwrap())
}

fn post(path: &str, body: Vec<u8>) -> http::Request<Full<bytes::Bytes>> {
    let request = http::Request::post(path).header("content-type", "application/json");
    request.body(Full::new(body.into())).unwrap()
}

#[tokio::test]
async fn what_is_too_large_is_refused_with_413() {
    let server = server().await;
    let path = "/api/v1/namespaces/default/configmaps";
    let (code, body) = status(&server, post(path, vec![b' '; 4 << 20])).await;
    assert_eq!((code, &body["message"]), (413, &json!("Request entity too large: limit is 3145728")));
    let annotated = json!({ "metadata": { "name": "a" }, "data": { "k": "x".repeat(2 << 20) } });
    let (code, body) = status(&server, post(path, annotated.to_string().into_bytes())).await;
    assert_eq!(code, 422, "{body}");
}

#[tokio::test]
async fn a_generated_name_that_is_taken_is_generated_anew() {
    let server = server().await;
    let maps: Api<ConfigMap> = Api::default_namespaced(inside(&server));
    let map = serde_json::from_value(json!({ "metadata": { "generateName": "g-" } })).unwrap();
    let writes = (0..50).map(|_| {
        let (maps, map): (Api<ConfigMap>, ConfigMap) = (maps.clone(), Clone::clone(&map));
        async move { maps.create(&PostParams::default(), &map).await.unwrap().metadata.name.unwrap() }
    });
    let mut names = futures::future::join_all(writes).await;
    names.sort();
    names.dedup();
    assert_eq!(names.len(), 50);
}

#[tokio::test]
async fn a_space_that_is_not_there_is_not_found() {
    let server = server().await;
    assert!(server.space("none").is_err());
    assert!(server.create_space("Not_Valid").await.is_err());
    let error = server.admin_service("none").unwrap_err();
    assert_eq!(error.to_string(), "there is no space \"none\"; create it first");
}
