use super::*;
use crate::faults::ANNOTATION;
use crate::live::live;

/// A delay that tells steps apart.
fn pace() -> Pace {
    Pace {
        pull: Duration::from_millis(60),
        ready: Duration::from_millis(40),
        run: Duration::from_millis(200),
        ..Pace::instant()
    }
}

fn pod(fault: &str, spec: &Value) -> Live {
    let annotations = if fault.is_empty() { json!({}) } else { json!({ ANNOTATION: fault }) };
    live(
        json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "cart", "annotations": annotations }, "spec": spec }),
    )
}

fn decide(pod: &Live, problems: &Problems, elapsed_ms: u64) -> (Vec<Step>, Again) {
    let (faults, pace) = (Faults::default(), pace());
    let scene = Scene {
        pod,
        faults: &faults,
        problems,
        address: "10.244.0.2",
        host: "172.18.0.2",
        pace: &pace,
        now: "2026-11-20T11:13:11Z",
    };
    scene.decide(Duration::from_millis(elapsed_ms))
}

/// `Running cart=running ready`: phase and containers of a status.
fn summary(status: &Value) -> String {
    let mut text = status["phase"].as_str().unwrap().to_owned();
    for list in [INIT, MAIN] {
        for container in items(status, list) {
            let state = container["state"].as_object().unwrap().iter().next().unwrap();
            let word = match state.0.as_str() {
                "waiting" => state.1["reason"].as_str().unwrap().to_owned(),
                "terminated" => format!("exit {}", state.1["exitCode"]),
                running => running.to_owned(),
            };
            let ready = if container["ready"] == json!(true) { " ready" } else { "" };
            let restarts = container["restartCount"]
                .as_i64()
                .filter(|n| *n > 0)
                .map(|n| format!(" {n}x"))
                .unwrap_or_default();
            text.push_str(&format!(", {} {word}{ready}{restarts}", container["name"].as_str().unwrap()));
        }
    }
    text
}

/// All states a pod goes through, each with the time it takes to the next, up to `most`.
fn life(mut pod: Live, most: usize) -> Vec<String> {
    let mut seen = Vec::new();
    let mut elapsed = 0;
    while seen.len() < most {
        let (steps, again) = decide(&pod, &Problems::default(), elapsed);
        for step in &steps {
            if let Step::Status { status, .. } = step {
                let mut value = pod.value.clone();
                value["status"] = status.clone();
                pod = live(value);
                seen.push(format!("{elapsed}: {}", summary(status)));
            }
        }
        match again {
            Again::WhenWoken if steps.is_empty() => return seen,
            Again::WhenWoken => elapsed = 0,
            Again::After(after) => elapsed = u64::try_from(after.as_millis()).unwrap(),
        }
    }
    seen
}

fn plain() -> Value {
    json!({ "restartPolicy": "Always", "containers": [{ "name": "cart", "image": "cart:1" }] })
}

#[test]
fn a_pod_lives() {
    #[track_caller]
    fn check(fault: &str, spec: &Value, expected: &[&str]) {
        assert_eq!(life(pod(fault, spec), 6), expected);
    }
    check("", &plain(), &["0: Pending, cart ContainerCreating", "60: Running, cart running ready"]);
    let probed = json!({ "restartPolicy": "Always", "containers": [{ "name": "cart", "image": "cart:1", "readinessProbe": {} }] });
    check(
        "",
        &probed,
        &[
            "0: Pending, cart ContainerCreating",
            "60: Running, cart running",
            "40: Running, cart running ready",
        ],
    );
    check("never-ready", &plain(), &["0: Pending, cart ContainerCreating", "60: Running, cart running"]);
    check(
        "image",
        &plain(),
        &[
            "0: Pending, cart ContainerCreating",
            "60: Pending, cart ErrImagePull",
            "50: Pending, cart ImagePullBackOff",
        ],
    );
    check(
        "crash",
        &plain(),
        &[
            "0: Pending, cart ContainerCreating",
            "60: Running, cart running",
            "40: Running, cart CrashLoopBackOff",
            "50: Running, cart running 1x",
            "40: Running, cart CrashLoopBackOff 1x",
            "100: Running, cart running 2x",
        ],
    );
}

#[test]
fn what_ends_by_itself_ends() {
    #[track_caller]
    fn check(fault: &str, policy: &str, expected: &[&str]) {
        let spec = json!({ "restartPolicy": policy, "containers": [{ "name": "cart", "image": "cart:1" }] });
        assert_eq!(life(pod(fault, &spec), 4), expected);
    }
    let start = ["0: Pending, cart ContainerCreating", "60: Running, cart running ready"];
    check("", "Never", &[start[0], start[1], "200: Succeeded, cart exit 0"]);
    check("", "OnFailure", &[start[0], start[1], "200: Succeeded, cart exit 0"]);
    check("crash", "Never", &[start[0], "60: Running, cart running", "40: Failed, cart exit 1"]);
}

#[test]
fn init_containers_come_first_and_sidecars_stay() {
    let spec = json!({
        "restartPolicy": "Never",
        "initContainers": [{ "name": "migrate", "image": "m" }, { "name": "mesh", "image": "s", "restartPolicy": "Always" }],
        "containers": [{ "name": "cart", "image": "cart:1" }]
    });
    let expected = [
        "0: Pending, migrate PodInitializing, mesh PodInitializing, cart PodInitializing",
        "260: Pending, migrate exit 0 ready, mesh PodInitializing, cart PodInitializing",
        "60: Pending, migrate exit 0 ready, mesh running ready, cart PodInitializing",
        "60: Running, migrate exit 0 ready, mesh running ready, cart running ready",
        "200: Succeeded, migrate exit 0 ready, mesh exit 0 ready, cart exit 0",
    ];
    assert_eq!(life(pod("", &spec), 9), expected);
}

#[test]
fn a_pod_says_what_it_waits_for() {
    let waiting = pod("", &plain());
    let why = "MountVolume.SetUp failed for volume \"v\" : configmap \"c\" not found";
    let problems = Problems { volume: Some(why.to_owned()), ..Problems::default() };
    let (steps, again) = decide(&waiting, &problems, 0);
    let texts: Vec<String> = steps.iter().map(ToString::to_string).collect();
    assert_eq!(texts[1], format!("tell Pod shop/cart: FailedMount: {why}"));
    let Step::Status { status, .. } = &steps[0] else { panic!("{texts:?}") };
    assert_eq!((summary(status).as_str(), again), ("Pending, cart ContainerCreating", Again::WhenWoken));
    let mut value = waiting.value.clone();
    value["status"] = status.clone();
    assert!(decide(&live(value.clone()), &problems, 9999).0.is_empty());
    let config = Problems {
        containers: [("cart".to_owned(), "secret \"s\" not found".to_owned())].into(),
        volume: None,
    };
    let (steps, _) = decide(&live(value), &config, 60);
    let Step::Status { status, .. } = &steps[0] else { panic!("{steps:?}") };
    assert_eq!(summary(status), "Pending, cart CreateContainerConfigError");
}

#[test]
fn a_pod_recovers_when_nothing_is_wrong_any_more() {
    for (fault, most, expected) in [
        ("image", 3, "60: Running, cart running ready"),
        ("crash", 3, "60: Running, cart running ready 1x"),
        ("never-ready", 2, "0: Running, cart running ready"),
    ] {
        let mut value = pod(fault, &plain()).value;
        let mut elapsed = 0;
        for _ in 0..most {
            loop {
                let (steps, again) = decide(&live(value.clone()), &Problems::default(), elapsed);
                if let Some(Step::Status { status, .. }) = steps.first() {
                    value["status"] = status.clone();
                    break;
                }
                let Again::After(after) = again else { break };
                elapsed = u64::try_from(after.as_millis()).unwrap();
            }
            elapsed = 0;
        }
        value["metadata"]["annotations"] = json!({});
        assert_eq!(life(live(value), 5).first().map(String::as_str), Some(expected), "{fault}");
    }
}

#[test]
fn a_new_image_restarts_the_container() {
    let mut value = pod("", &plain()).value;
    for _ in 0..2 {
        let (steps, _) = decide(&live(value.clone()), &Problems::default(), 1000);
        if let Some(Step::Status { status, .. }) = steps.first() {
            value["status"] = status.clone();
        }
    }
    assert_eq!(summary(&value["status"]), "Running, cart running ready");
    value["spec"]["containers"][0]["image"] = json!("cart:2");
    assert_eq!(
        life(live(value), 5),
        ["0: Running, cart ContainerCreating 1x", "60: Running, cart running ready 1x"]
    );
}
