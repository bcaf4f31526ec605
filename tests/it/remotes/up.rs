//! `gitstellar up URL`, as a person starts it.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use anyhow::ensure;
use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use libtest_mimic::Trial;

use super::origin::Origin;
use super::{CANARY, Https, Right, Sshd};
use crate::harness::{Outcome, same, trial, write_file};
use crate::kube::leash::Leashed;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        trial("remotes::up_follows_an_https_url_and_tells_nobody_the_token", https),
        trial("remotes::up_follows_an_ssh_url_with_the_agent_and_configuration_of_its_user", ssh),
        trial("remotes::up_says_that_a_status_push_is_refused_and_syncs_all_the_same", refused_push),
        trial("remotes::up_goes_through_the_proxy_of_the_environment", proxy),
        trial("remotes::up_says_what_is_wrong_with_a_url_and_what_to_do", wrong),
    ]
}

/// A cluster, and a policy that places every unit on it.
pub(super) const FLEET: [(&str, &str); 2] = [
    (
        "clusters/cluster1.yaml",
        "apiVersion: cluster.open-cluster-management.io/v1\nkind: ManagedCluster\nmetadata: { name: cluster1, labels: { tier: production } }\n",
    ),
    (
        "policies/production.yaml",
        "apiVersion: control.kubestellar.io/v1alpha1\nkind: BindingPolicy\nmetadata: { name: production }\nspec:\n  clusterSelectors: [{ matchLabels: { tier: production } }]\n  downsync: [{ objectSelectors: [{ matchExpressions: [{ key: gitstellar.io/unit, operator: Exists }] }] }]\n",
    ),
];

const SETTINGS: (&str, &str) = (
    "apps/web/settings.yaml",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: settings, namespace: default }\ndata: { colour: blue }\n",
);

/// A repository with something to sync, and a home without anything of this machine's user.
struct Scene {
    directory: tempfile::TempDir,
    origin: Origin,
}

impl Scene {
    fn set() -> anyhow::Result<Self> {
        let directory = tempfile::tempdir()?;
        let origin = Origin::empty(directory.path(), "fleet.git")?;
        for (path, text) in FLEET.into_iter().chain([SETTINGS]) {
            write_file(&origin.work_tree().join(path), text)?;
        }
        origin.publish("main", "Settings")?;
        std::fs::create_dir_all(directory.path().join("home"))?;
        Ok(Self { directory, origin })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn https(&self) -> anyhow::Result<Https> {
        let server = Https::serve(self.directory.path())?;
        server.want_basic("ann", CANARY);
        std::fs::write(self.path("authority.pem"), server.authority())?;
        Ok(server)
    }

    /// `up`, until it is synced or has had enough time.
    fn up(&self, url: &str, limit: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gitstellar"));
        command
            .args(["up", url, "--until-synced", "--timeout", limit])
            .env_clear()
            .envs(std::env::var_os("PATH").map(|path| ("PATH", path)))
            .env("HOME", self.path("home"))
            .env("XDG_DATA_HOME", self.path("data"))
            .env("SSL_CERT_FILE", self.path("authority.pem"))
            .current_dir(self.directory.path());
        command
    }
}

fn text(output: &Output) -> String {
    format!("{}\n{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// Every file below a directory, with its bytes.
fn every_file(directory: &Path, look: &mut dyn FnMut(&Path, &[u8]) -> Outcome) -> Outcome {
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            every_file(&path, look)?;
        } else {
            look(&path, &std::fs::read(&path)?)?;
        }
    }
    Ok(())
}

fn https() -> Outcome {
    let scene = Scene::set()?;
    let server = scene.https()?;
    let url = server.url("fleet.git");
    // What git itself would read, and what would lead it elsewhere.
    let configuration =
        format!("[url \"https://127.0.0.1:1/\"]\n\tinsteadOf = https://{}/\n", server.address());
    std::fs::write(scene.path("home/.gitconfig"), configuration)?;
    let mut up = scene.up(&url, "120s");
    up.args(["--username", "ann", "--interval", "10m"])
        .env("GITSTELLAR_TOKEN", CANARY)
        .env("RUST_LOG", "trace");
    let output = up.output()?;
    let told = text(&output);
    ensure!(output.status.success(), "{}", &told[told.len().saturating_sub(4_000)..]);
    ensure!(told.contains("Everything is in sync"), "{}", &told[told.len().saturating_sub(4_000)..]);
    ensure!(told.contains(&format!("Repository  {url} (its default branch)")), "it says what it follows");
    ensure!(
        scene.origin.git(&["show", "gitstellar/status:README.md"])?.contains("web"),
        "the status is pushed"
    );
    let secrets = [CANARY.to_owned(), BASE64.encode(CANARY), BASE64.encode(format!("ann:{CANARY}"))];
    ensure!(told.lines().count() > 500, "it logged everything there is to log");
    for secret in &secrets {
        if let Some(line) = told.lines().find(|line| line.contains(secret.as_str())) {
            anyhow::bail!("the token is logged: {line}");
        }
    }
    let mut files = 0;
    every_file(&scene.path("data"), &mut |path, bytes| {
        files += 1;
        let found =
            secrets.iter().any(|secret| bytes.windows(secret.len()).any(|part| part == secret.as_bytes()));
        ensure!(!found, "{} holds the token", path.display());
        Ok(())
    })?;
    ensure!(files > 3, "there is a data directory");
    // Once more, with the token in a file. The data directory is that of the URL, so nothing is written anew.
    let tip = scene.origin.tip("gitstellar/status")?;
    std::fs::write(scene.path("token"), format!("{CANARY}\n"))?;
    let token_file = scene.path("token");
    let output =
        scene.up(&url, "120s").args(["--username", "ann", "--token-file"]).arg(&token_file).output()?;
    ensure!(output.status.success(), "{}", text(&output));
    same("the status branch", scene.origin.tip("gitstellar/status")?, tip)
}

fn ssh() -> Outcome {
    let scene = Scene::set()?;
    let server = Sshd::serve(scene.directory.path())?;
    // A user's own ssh: the key is in an agent, the host is known.
    std::fs::write(scene.path("known_hosts"), server.known_hosts()?)?;
    std::fs::write(
        scene.path("ssh_config"),
        format!("Host *\n  UserKnownHostsFile {}\n", scene.path("known_hosts").display()),
    )?;
    std::fs::create_dir_all(scene.path("bin"))?;
    let wrapper =
        format!("#!/bin/sh\nexec /usr/bin/ssh -F '{}' \"$@\"\n", scene.path("ssh_config").display());
    std::fs::write(scene.path("bin/ssh"), wrapper)?;
    std::fs::set_permissions(scene.path("bin/ssh"), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let socket = scene.path("agent");
    let arguments = ["-D", "-a"].map(str::to_owned).into_iter().chain([socket.display().to_string()]);
    let mut agent = Leashed::start(
        Path::new("/usr/bin/ssh-agent"),
        &arguments.collect::<Vec<_>>(),
        &scene.path("agent.log"),
    )?;
    crate::harness::eventually("the agent listens", std::time::Duration::from_secs(20), || {
        agent.still_runs()?;
        Ok(socket.exists().then_some(()))
    })?;
    let key = scene.path("key");
    std::fs::write(&key, server.identity(Right::Write)?)?;
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    let added = Command::new("ssh-add").arg(&key).env("SSH_AUTH_SOCK", &socket).output()?;
    ensure!(added.status.success(), "{}", text(&added));
    std::fs::remove_file(&key)?;
    let path = format!("{}:{}", scene.path("bin").display(), std::env::var("PATH")?);
    let url = server.url("fleet.git");
    let up = |limit: &str| {
        let mut up = scene.up(&url, limit);
        up.env("PATH", &path).env("SSH_AUTH_SOCK", &socket);
        up
    };
    let output = up("120s").output()?;
    ensure!(output.status.success(), "{}", text(&output));
    ensure!(
        scene.origin.git(&["show", "gitstellar/status:README.md"])?.contains("web"),
        "the status is pushed"
    );
    // A host that is no longer known is not asked.
    std::fs::write(scene.path("known_hosts"), "")?;
    let output = up("5s").output()?;
    ensure!(!output.status.success(), "it is not synced");
    ensure!(text(&output).contains("! source main: cannot ask ssh://"), "{}", text(&output));
    ensure!(
        text(&output).contains("its ssh host key is unknown") && text(&output).contains("known_hosts"),
        "{}",
        text(&output)
    );
    // A login for https makes no sense here.
    let output = up("5s").args(["--username", "ann"]).output()?;
    ensure!(text(&output).contains("an ssh URL uses your own ssh and its agent"), "{}", text(&output));
    Ok(())
}

fn refused_push() -> Outcome {
    let scene = Scene::set()?;
    let server = scene.https()?;
    scene.origin.hook("pre-receive", "echo 'policy: no robots here' >&2; exit 1")?;
    let url = server.url("fleet.git");
    let up = |limit: &str| {
        let mut up = scene.up(&url, limit);
        up.args(["--username", "ann"]).env("GITSTELLAR_TOKEN", CANARY);
        up
    };
    let output = up("30s").output()?;
    let told = text(&output);
    ensure!(!output.status.success(), "the status is not in git: {told}");
    ensure!(told.contains("! status commit: ") && told.contains("policy: no robots here"), "{told}");
    ensure!(told.contains("1 of 1 placements ready"), "everything else went on: {told}");
    let output = up("120s").arg("--no-status").output()?;
    ensure!(output.status.success(), "{}", text(&output));
    ensure!(scene.origin.tip("gitstellar/status").is_err(), "there is no status");
    Ok(())
}

/// A proxy that tunnels; it counts what it was asked for.
fn tunnel() -> anyhow::Result<(std::net::SocketAddr, Arc<Mutex<Vec<String>>>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let (address, asked): (_, Arc<Mutex<Vec<String>>>) = (listener.local_addr()?, Arc::default());
    let noted = Arc::clone(&asked);
    std::thread::spawn(move || {
        for client in listener.incoming().filter_map(Result::ok) {
            let noted = Arc::clone(&noted);
            std::thread::spawn(move || relay(&client, &noted));
        }
    });
    Ok((address, asked))
}

fn relay(mut client: &TcpStream, noted: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut head = BufReader::new(client.try_clone()?).lines();
    let first = head.next().transpose()?.unwrap_or_default();
    while head.next().transpose()?.is_some_and(|line| !line.is_empty()) {}
    let target = first.split_whitespace().nth(1).unwrap_or_default().to_owned();
    let server = TcpStream::connect(&target)?;
    noted.lock().unwrap().push(first);
    client.write_all(b"HTTP/1.1 200 OK\r\n\r\n")?;
    let (mut up_from, mut up_to) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || std::io::copy(&mut up_from, &mut up_to));
    std::io::copy(&mut &server, &mut client).map(drop)
}

fn proxy() -> Outcome {
    let scene = Scene::set()?;
    let server = scene.https()?;
    let (proxy, asked) = tunnel()?;
    let mut up = scene.up(&server.url("fleet.git"), "120s");
    up.args(["--username", "ann"])
        .env("GITSTELLAR_TOKEN", CANARY)
        .env("HTTPS_PROXY", format!("http://{proxy}"));
    let output = up.output()?;
    ensure!(output.status.success(), "{}", text(&output));
    let asked = asked.lock().unwrap().clone();
    ensure!(!asked.is_empty() && asked.iter().all(|line| line.starts_with("CONNECT ")), "{asked:?}");
    same("connections past the proxy", server.connections(), asked.len())
}

fn wrong() -> Outcome {
    let scene = Scene::set()?;
    let server = scene.https()?;
    let host = server.address();
    let check = |url: &str, more: &[&str], words: &[&str]| {
        let output = scene.up(url, "3s").args(more).output()?;
        let told = text(&output);
        ensure!(!output.status.success(), "{url} {more:?}: {told}");
        ensure!(!told.contains(CANARY), "{url}: a secret is told: {told}");
        words.iter().try_for_each(|word| {
            ensure!(told.contains(word), "{url} {more:?} does not say {word:?}: {told}");
            Ok(())
        })
    };
    let url = server.url("fleet.git");
    check(
        &format!("https://ann:{CANARY}@{host}/fleet.git"),
        &[],
        &["this repository cannot be used", "no user name, password or token"],
    )?;
    check(&format!("{CANARY}@{host}:fleet.git"), &[], &["write git@HOST:PATH as ssh://git@HOST/PATH"])?;
    check("http://example.com/a", &[], &["begins with https:// or ssh://", "this one begins with http:"])?;
    check(
        &url,
        &["--username", "ann"],
        &["set the environment variable GITSTELLAR_TOKEN, or give --token-file"],
    )?;
    check(&url, &[], &["it asks for credentials, and none were given; start again with --username"])?;
    check(&url, &["--token-file", "missing"], &["the token file", "cannot be read"])?;
    check(".", &["--username", "ann"], &["a directory needs no login"])?;
    std::fs::write(scene.path("token"), CANARY)?;
    let login = ["--username", "ann", "--token-file", "token"];
    check(
        &url,
        &[&login[..], &["--ref", "release"]].concat(),
        &["has no branch release", "it has the branches main"],
    )?;
    check(&server.url("other.git"), &login, &["there is no such repository"])?;
    Origin::empty(scene.directory.path(), "empty.git")?;
    check(&server.url("empty.git"), &login, &["is empty", "push a first commit"])?;
    check(&server.url("other.git"), &["--data-dir", "somewhere"], &["it asks for credentials"])?;
    let elsewhere = ["--data-dir", "somewhere"];
    check(&url, &elsewhere, &["belongs to", "other.git", "name another with --data-dir"])?;
    std::fs::write(scene.path("authority.pem"), "")?;
    check(&url, &login, &["its certificate is not trusted", "SSL_CERT_FILE"])
}
