//! What only one way of speaking can refuse, and servers that misbehave.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use git::{
    Credentials, HttpsLogin, Limits, NewCommit, Remote, RemoteFailure, Repository, SshLogin, Url, Withheld,
};
use libtest_mimic::Trial;

use super::https::Behaviour;
use super::origin::Origin;
use super::{CANARY, Https, LIMITS, Right, Sshd, failure, holds_no_secret, https_remote, ssh_remote};
use crate::harness::{Outcome, same, trial};

type HttpsStory = fn(&Path, &Https) -> Outcome;
type SshStory = fn(&Path, &Sshd) -> Outcome;

const HTTPS: [(&str, HttpsStory); 12] = [
    ("a_password_or_token_is_asked_for_and_judged", login),
    ("a_login_may_read_and_not_write", read_only),
    ("atk_10_a_redirect_is_told_and_never_followed", redirect),
    ("an_unknown_authority_is_refused_and_a_given_one_accepted", authority),
    ("a_server_that_takes_a_request_and_says_nothing_is_given_up", says_nothing),
    ("a_server_that_stops_in_the_middle_leaves_no_ref_behind", stalls),
    ("a_page_for_people_is_no_git_server", page),
    ("a_busy_server_says_when_to_come_again", busy),
    ("what_a_forge_says_about_a_refusal_is_quoted_without_secrets", quoted),
    ("atk_12_addresses_near_this_machine_are_not_connected_to", near),
    ("a_poll_asks_for_branches_only", poll),
    ("atk_09_a_login_with_line_breaks_is_not_sent", line_breaks),
];

const SSH: [(&str, SshStory); 5] = [
    ("a_key_that_nobody_knows_is_refused", stranger),
    ("a_key_may_read_and_not_write", read_only_key),
    ("atk_11_an_unknown_or_changed_host_key_is_refused", host_key),
    ("a_server_that_logs_one_in_and_says_nothing_is_given_up", hangs),
    ("what_is_no_key_is_told", no_key),
];

pub(super) fn trials() -> Vec<Trial> {
    let https = HTTPS.into_iter().map(|(name, story)| {
        trial(format!("remotes::{name}::https"), move || {
            let directory = tempfile::tempdir()?;
            story(directory.path(), &Https::serve(directory.path())?)
        })
    });
    let ssh = SSH.into_iter().map(|(name, story)| {
        trial(format!("remotes::{name}::ssh"), move || {
            let directory = tempfile::tempdir()?;
            story(directory.path(), &Sshd::serve(directory.path())?)
        })
    });
    https.chain(ssh).collect()
}

/// A mirror with a commit to push.
fn draft(root: &Path) -> anyhow::Result<(Repository, git::CommitId)> {
    let mirror = Repository::open_or_create_bare(&root.join("mirror"))?;
    let new = NewCommit {
        files: BTreeMap::from([("README.md".to_owned(), b"hello".to_vec())]),
        parent: None,
        message: "Status\n".to_owned(),
        author: ("gitstellar".to_owned(), "gitstellar@localhost".to_owned()),
        time_s: 1,
    };
    let commit = mirror.commit_files(&new)?.context("a commit")?;
    Ok((mirror, commit))
}

/// Runs a call that must end by itself, about when its patience does.
fn in_time<T>(call: impl FnOnce() -> T) -> anyhow::Result<T> {
    let started = Instant::now();
    let outcome = call();
    let took = started.elapsed();
    ensure!(took < Duration::from_secs(30), "it took {} s", took.as_secs());
    Ok(outcome)
}

fn impatient(remote: &mut Remote) {
    remote.limits.silence = Duration::from_secs(1);
}

fn login(root: &Path, server: &Https) -> Outcome {
    let (_, tip) = Origin::new(root, "fleet.git")?;
    server.want_basic("ann", CANARY);
    let remote = https_remote(server, "fleet.git", CANARY)?;
    same("the right password", remote.branches()?.tips["main"].to_string(), tip)?;
    let wrong = https_remote(server, "fleet.git", &format!("{CANARY}-wrong"))?;
    let error = wrong.branches().unwrap_err();
    holds_no_secret(&error)?;
    ensure!(matches!(failure::<()>(Err(error))?, RemoteFailure::LoginRefused { .. }), "a wrong password");
    let mut nobody = remote.clone();
    nobody.credentials.https = None;
    same("no login", failure(nobody.branches())?, RemoteFailure::LoginWanted)?;
    let (mirror, commit) = draft(root)?;
    ensure!(matches!(failure(wrong.fetch(&mirror, "main"))?, RemoteFailure::LoginRefused { .. }), "fetch");
    ensure!(
        matches!(failure(wrong.push(&mirror, "s", None, commit))?, RemoteFailure::LoginRefused { .. }),
        "push"
    );
    server.want_bearer(CANARY);
    let mut bearer = remote.clone();
    bearer.credentials.https = Some(HttpsLogin::Bearer(Withheld::new(CANARY)));
    same("a token", bearer.branches()?.tips.len(), 1)?;
    ensure!(
        matches!(failure(remote.branches())?, RemoteFailure::LoginRefused { .. }),
        "a password for a token"
    );
    ensure!(!format!("{remote:?} {bearer:?}").contains(CANARY), "Debug tells a secret");
    Ok(())
}

fn read_only(root: &Path, server: &Https) -> Outcome {
    let (origin, _) = Origin::new(root, "fleet.git")?;
    origin.git(&["config", "http.receivepack", "false"])?;
    let remote = https_remote(server, "fleet.git", CANARY)?;
    let (mirror, commit) = draft(root)?;
    remote.fetch(&mirror, "main")?;
    let refused = failure(remote.push(&mirror, "s", None, commit))?;
    ensure!(matches!(refused, RemoteFailure::Forbidden { .. }), "{refused:?}");
    Ok(())
}

fn redirect(root: &Path, server: &Https) -> Outcome {
    Origin::new(root, "fleet.git")?;
    let other = Https::serve(root)?;
    let remote = https_remote(server, "fleet.git", CANARY)?;
    let (mirror, commit) = draft(root)?;
    let plain = format!("http://{}/fleet.git", other.address());
    for (location, told) in [
        (format!("{}/info/refs?service=git-upload-pack", other.url("fleet.git")), other.url("fleet.git")),
        (format!("https://ann:{CANARY}@{}/fleet.git/info/refs", other.address()), other.url("fleet.git")),
        (format!("{plain}/info/refs"), plain.clone()),
        ("/login".to_owned(), "/login of the same host".to_owned()),
    ] {
        server.behave(Behaviour::Redirect(location));
        let wanted = RemoteFailure::Redirected { to: told };
        same("asked", failure(remote.branches())?, wanted.clone())?;
        same("fetched from", failure(remote.fetch(&mirror, "main"))?, wanted.clone())?;
        let error = remote.push(&mirror, "s", None, commit).unwrap_err();
        holds_no_secret(&error)?;
        same("pushed to", failure::<()>(Err(error))?, wanted)?;
    }
    same("what the other place has seen", other.seen().len(), 0)
}

fn authority(root: &Path, server: &Https) -> Outcome {
    Origin::new(root, "fleet.git")?;
    let known = https_remote(server, "fleet.git", CANARY)?;
    same("a given authority", known.branches()?.tips.len(), 1)?;
    let seen = server.seen().len();
    let other = Https::serve(root)?;
    for authorities in [None, Some(other.authority().to_owned())] {
        let mut remote = known.clone();
        remote.credentials.authorities = authorities;
        let refused = failure(remote.branches())?;
        ensure!(refused.to_string().contains("no authority that is trusted"), "{refused}");
    }
    let named = Https::serve_as(root, "git.example.com")?;
    let refused = failure(https_remote(&named, "fleet.git", CANARY)?.branches())?;
    ensure!(refused.to_string().contains("another host"), "{refused}");
    let mut garbled = known;
    garbled.credentials.authorities = Some("no certificate".to_owned());
    same("no PEM", failure(garbled.branches())?, RemoteFailure::BadAuthorities)?;
    same("what was sent without trust", server.seen().len() + named.seen().len(), seen)
}

fn says_nothing(root: &Path, server: &Https) -> Outcome {
    Origin::new(root, "fleet.git")?;
    server.behave(Behaviour::SayNothing);
    let mut remote = https_remote(server, "fleet.git", CANARY)?;
    impatient(&mut remote);
    let silent = RemoteFailure::Silent { patience: Duration::from_secs(1) };
    same("asked", in_time(|| failure(remote.branches()))??, silent.clone())?;
    let (mirror, commit) = draft(root)?;
    same("fetched from", in_time(|| failure(remote.fetch(&mirror, "main")))??, silent.clone())?;
    same("pushed to", in_time(|| failure(remote.push(&mirror, "s", None, commit)))??, silent)
}

fn stalls(root: &Path, server: &Https) -> Outcome {
    let (origin, first) = Origin::new(root, "fleet.git")?;
    let (mirror, _) = draft(root)?;
    let mut remote = https_remote(server, "fleet.git", CANARY)?;
    impatient(&mut remote);
    let before = remote.fetch(&mirror, "main")?;
    same("before", before.to_string(), first)?;
    std::fs::write(origin.work_tree().join("noise"), "x\n".repeat(100_000))?;
    let second = origin.publish("main", "more")?;
    for bytes in [0, 10, 100, 300] {
        server.behave(Behaviour::StallAfter(bytes));
        let silent = in_time(|| failure(remote.fetch(&mirror, "main")))??;
        ensure!(matches!(silent, RemoteFailure::Silent { .. }), "after {bytes} bytes: {silent:?}");
        let arrived = CommitOf(&mirror, &second).is_there();
        ensure!(!arrived, "after {bytes} bytes nothing has arrived");
    }
    server.behave(Behaviour::Serve);
    same("afterwards", remote.fetch(&mirror, "main")?.to_string(), second)
}

/// A commit that a repository may have.
struct CommitOf<'a>(&'a Repository, &'a str);

impl CommitOf<'_> {
    fn is_there(&self) -> bool {
        self.0.resolve(self.1).is_ok()
    }
}

fn page(root: &Path, server: &Https) -> Outcome {
    Origin::new(root, "fleet.git")?;
    server.behave(Behaviour::Page);
    let remote = https_remote(server, "fleet.git", CANARY)?;
    let odd = failure(remote.branches())?;
    ensure!(matches!(&odd, RemoteFailure::NotGit { detail } if detail.contains("text/html")), "{odd:?}");
    let (mirror, _) = draft(root)?;
    ensure!(matches!(failure(remote.fetch(&mirror, "main"))?, RemoteFailure::NotGit { .. }), "fetch");
    Ok(())
}

fn busy(root: &Path, server: &Https) -> Outcome {
    Origin::new(root, "fleet.git")?;
    server.behave(Behaviour::Busy(90));
    let remote = https_remote(server, "fleet.git", CANARY)?;
    let wanted = RemoteFailure::Status { status: 503, retry_after: Some(Duration::from_secs(90)) };
    same("asked", failure(remote.branches())?, wanted)
}

fn quoted(root: &Path, server: &Https) -> Outcome {
    Origin::new(root, "fleet.git")?;
    server.behave(Behaviour::Refuse(
        403,
        format!("Tokens like {CANARY}\r\n\u{1b}[1mmust be authorised for SSO.\n"),
    ));
    let remote = https_remote(server, "fleet.git", CANARY)?;
    let error = remote.branches().unwrap_err();
    holds_no_secret(&error)?;
    let RemoteFailure::Forbidden { said } = failure::<()>(Err(error))? else {
        anyhow::bail!("403 is a matter of rights")
    };
    same("its words", said.as_str(), "Tokens like (withheld) [1mmust be authorised for SSO.")
}

fn near(root: &Path, server: &Https) -> Outcome {
    Origin::new(root, "fleet.git")?;
    let port = server.address().port();
    let limits = Limits { loopback: false, ..LIMITS };
    for host in
        ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0"]
    {
        let url = Url::parse(&format!("https://{host}:{port}/fleet.git"))?;
        let remote =
            Remote { url, credentials: https_remote(server, "fleet.git", CANARY)?.credentials, limits };
        let refused = failure(remote.branches())?;
        ensure!(matches!(refused, RemoteFailure::Address { .. }), "{host}: {refused:?}");
    }
    for host in ["169.254.169.254", "[fe80::1]", "[::ffff:169.254.169.254]"] {
        let url = Url::parse(&format!("https://{host}/latest"))?;
        let remote = Remote { url, credentials: Credentials::default(), limits: LIMITS };
        let refused = failure(remote.branches())?;
        ensure!(matches!(refused, RemoteFailure::Address { .. }), "{host}: {refused:?}");
    }
    same("what was sent", server.seen().len(), 0)
}

fn poll(root: &Path, server: &Https) -> Outcome {
    let (origin, _) = Origin::new(root, "fleet.git")?;
    for tag in 0..50 {
        origin.git(&["tag", &format!("v{tag}"), "main"])?;
    }
    https_remote(server, "fleet.git", CANARY)?.branches()?;
    let seen = server.seen();
    let requests: Vec<&str> = seen.iter().map(|request| request.method.as_str()).collect();
    same("requests", requests, vec!["GET", "POST"])?;
    ensure!(seen.iter().all(|request| request.protocol.as_deref() == Some("version=2")), "{seen:?}");
    ensure!(seen.iter().all(|request| request.authorization.is_some()), "{seen:?}");
    same("the path", seen[1].path.as_str(), "/fleet.git/git-upload-pack")
}

fn line_breaks(root: &Path, server: &Https) -> Outcome {
    Origin::new(root, "fleet.git")?;
    let mut remote = https_remote(server, "fleet.git", CANARY)?;
    for login in [
        HttpsLogin::Bearer(Withheld::new(format!("{CANARY}\r\nX-Evil: 1"))),
        HttpsLogin::Basic { user: "a\nb".to_owned(), password: Withheld::new(CANARY) },
        HttpsLogin::Basic { user: "a:b".to_owned(), password: Withheld::new(CANARY) },
    ] {
        remote.credentials.https = Some(login);
        let error = remote.branches().unwrap_err();
        holds_no_secret(&error)?;
        ensure!(matches!(failure::<()>(Err(error))?, RemoteFailure::Here { .. }), "it is refused here");
    }
    same("what was sent", server.seen().len(), 0)
}

fn stranger(root: &Path, server: &Sshd) -> Outcome {
    Origin::new(root, "fleet.git")?;
    let remote = ssh_remote(server, "fleet.git", server.stranger()?)?;
    let refused = failure(remote.branches())?;
    ensure!(matches!(refused, RemoteFailure::LoginRefused { .. }), "{refused:?}");
    let (mirror, commit) = draft(root)?;
    ensure!(matches!(failure(remote.fetch(&mirror, "main"))?, RemoteFailure::LoginRefused { .. }), "fetch");
    ensure!(
        matches!(failure(remote.push(&mirror, "s", None, commit))?, RemoteFailure::LoginRefused { .. }),
        "push"
    );
    Ok(())
}

fn read_only_key(root: &Path, server: &Sshd) -> Outcome {
    Origin::new(root, "fleet.git")?;
    let remote = ssh_remote(server, "fleet.git", server.identity(Right::Read)?)?;
    let (mirror, commit) = draft(root)?;
    remote.fetch(&mirror, "main")?;
    let refused = failure(remote.push(&mirror, "s", None, commit))?;
    let RemoteFailure::Forbidden { said } = refused else { anyhow::bail!("{refused:?}") };
    ensure!(said.contains("read only"), "{said}");
    Ok(())
}

fn host_key(root: &Path, server: &Sshd) -> Outcome {
    Origin::new(root, "fleet.git")?;
    let with = |known_hosts: String| {
        let identity = Withheld::new(server.identity(Right::Write)?);
        let mut remote = ssh_remote(server, "fleet.git", String::new())?;
        remote.credentials.ssh = Some(SshLogin { identity, known_hosts });
        failure(remote.branches())
    };
    same("nothing known", with(String::new())?, RemoteFailure::HostKeyUnknown)?;
    let other = server.known_hosts()?.replace("[127.0.0.1]", "[127.0.0.2]");
    same("another host known", with(other)?, RemoteFailure::HostKeyUnknown)?;
    same("another key known", with(server.changed_known_hosts()?)?, RemoteFailure::HostKeyChanged)
}

fn hangs(root: &Path, server: &Sshd) -> Outcome {
    Origin::new(root, "fleet.git")?;
    let mut remote = ssh_remote(server, "fleet.git", server.identity(Right::Hang)?)?;
    // Long enough to log in on a busy machine.
    remote.limits.silence = Duration::from_secs(3);
    let silent = RemoteFailure::Silent { patience: Duration::from_secs(3) };
    same("asked", in_time(|| failure(remote.branches()))??, silent.clone())?;
    let (mirror, _) = draft(root)?;
    same("fetched from", in_time(|| failure(remote.fetch(&mirror, "main")))??, silent)?;
    // A listener that never says who it is.
    let mute = std::net::TcpListener::bind("127.0.0.1:0")?;
    remote.url = Url::parse(&format!("ssh://git@127.0.0.1:{}/a", mute.local_addr()?.port()))?;
    let silent = in_time(|| failure(remote.branches()))??;
    ensure!(matches!(silent, RemoteFailure::Silent { .. } | RemoteFailure::Unreachable { .. }), "{silent:?}");
    Ok(())
}

fn no_key(root: &Path, server: &Sshd) -> Outcome {
    Origin::new(root, "fleet.git")?;
    let remote = ssh_remote(server, "fleet.git", CANARY.to_owned())?;
    let error = remote.branches().unwrap_err();
    holds_no_secret(&error)?;
    let refused = failure::<()>(Err(error))?;
    ensure!(matches!(refused, RemoteFailure::BadIdentity { .. }), "{refused:?}");
    Ok(())
}
