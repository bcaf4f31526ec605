//! One conversation with a remote, over https and over ssh alike.

use std::collections::BTreeMap;

use anyhow::{Context as _, ensure};
use git::{CommitId, GitError, NewCommit, Remote, RemoteFailure, Repository, Swap};
use libtest_mimic::Trial;

use super::origin::Origin;
use super::{Https, Sshd, Way, failure, holds_no_secret};
use crate::harness::{Outcome, same, trial};

/// A story gets a directory of repositories, and a way to reach them.
type Story = fn(&Scene) -> Outcome;

/// Starts a server for the repositories of a directory.
type Open = fn(&std::path::Path) -> anyhow::Result<Way>;

struct Scene {
    directory: tempfile::TempDir,
    way: Way,
}

const STORIES: [(&str, Story); 11] = [
    ("a_branch_is_polled_fetched_and_pushed", round_trip),
    ("a_push_that_comes_second_is_lost_and_nothing_moves", second),
    ("a_branch_that_moves_while_a_push_is_under_way_is_a_lost_race", overtaken),
    ("a_hook_that_declines_a_push_is_quoted", declined),
    ("a_repository_that_is_not_there_is_missing", missing_repository),
    ("a_branch_that_is_not_there_is_missing_and_an_old_copy_is_no_answer", missing_branch),
    ("an_empty_repository_has_no_branches_and_takes_a_first_push", empty),
    ("a_rewritten_branch_is_fetched_whatever_its_history", rewritten),
    ("atk_16_a_tag_of_the_same_name_is_never_taken_for_the_branch", tag),
    ("a_branch_name_that_is_not_utf_8_stops_nobody", odd_name),
    ("a_large_commit_goes_both_ways", large),
];

pub(super) fn trials() -> Vec<Trial> {
    let ways: [(&str, Open); 2] = [
        ("https", |root| {
            let server = Https::serve(root)?;
            server.want_basic("ann", super::CANARY);
            Ok(Way::Https(server))
        }),
        ("ssh", |root| Ok(Way::Ssh(Sshd::serve(root)?))),
    ];
    let named = STORIES.into_iter().flat_map(|(name, story)| {
        ways.map(|(way, open)| {
            trial(format!("remotes::{name}::{way}"), move || {
                let directory = tempfile::tempdir()?;
                let way = open(directory.path())?;
                story(&Scene { directory, way })
            })
        })
    });
    named.collect()
}

impl Scene {
    fn origin(&self) -> anyhow::Result<(Origin, String, Remote)> {
        let (origin, commit) = Origin::new(self.directory.path(), "fleet.git")?;
        Ok((origin, commit, self.way.remote("fleet.git")?))
    }

    fn mirror(&self) -> anyhow::Result<Repository> {
        Ok(Repository::open_or_create_bare(&self.directory.path().join("mirror"))?)
    }
}

/// A commit as the report writes it.
fn commit(mirror: &Repository, parent: Option<CommitId>, text: &[u8]) -> anyhow::Result<CommitId> {
    let new = NewCommit {
        files: BTreeMap::from([("README.md".to_owned(), text.to_vec())]),
        parent,
        message: "Status\n".to_owned(),
        author: ("gitstellar".to_owned(), "gitstellar@localhost".to_owned()),
        time_s: 1,
    };
    mirror.commit_files(&new)?.context("something changed")
}

const STATUS: &str = "gitstellar/status";

fn round_trip(scene: &Scene) -> Outcome {
    let (origin, first, remote) = scene.origin()?;
    let mirror = scene.mirror()?;
    let branches = remote.branches()?;
    same("the default branch", branches.default.as_deref(), Some("main"))?;
    same("the tip", branches.tips["main"].to_string(), first)?;
    same("what is fetched", remote.fetch(&mirror, "main")?, branches.tips["main"])?;
    std::fs::write(origin.work_tree().join("a.yaml"), "a: 1\n")?;
    let second = origin.publish("main", "second")?;
    same("the new tip", remote.branches()?.tips["main"].to_string(), second.clone())?;
    let tip = remote.fetch(&mirror, "main")?;
    same("what is fetched", tip.to_string(), second)?;
    same("its files", mirror.files_of(tip)?.len(), 1)?;

    let status = commit(&mirror, None, b"one")?;
    same("a first push", remote.push(&mirror, STATUS, None, status)?, Swap::Moved)?;
    same("where it stands", origin.tip(STATUS)?, status.to_string())?;
    let next = commit(&mirror, Some(status), b"two")?;
    same("a second push", remote.push(&mirror, STATUS, Some(status), next)?, Swap::Moved)?;
    same("where it stands", origin.tip(STATUS)?, next.to_string())?;
    same("both branches", remote.branches()?.tips.len(), 2)
}

fn second(scene: &Scene) -> Outcome {
    let (origin, _, remote) = scene.origin()?;
    let mirror = scene.mirror()?;
    let base = commit(&mirror, None, b"base")?;
    remote.push(&mirror, STATUS, None, base)?;
    let (ours, theirs) = (commit(&mirror, Some(base), b"ours")?, commit(&mirror, Some(base), b"theirs")?);
    same("theirs", remote.push(&mirror, STATUS, Some(base), theirs)?, Swap::Moved)?;
    let lost = Swap::Lost { found: Some(theirs) };
    same("ours comes second", remote.push(&mirror, STATUS, Some(base), ours)?, lost)?;
    same(
        "a first push of a branch that is there",
        remote.push(&mirror, STATUS, None, commit(&mirror, None, b"x")?)?,
        lost,
    )?;
    // Somebody moved the branch back. A plain push would be a fast-forward, and bury that.
    origin.git(&["update-ref", &format!("refs/heads/{STATUS}"), &base.to_string()])?;
    let on_top = commit(&mirror, Some(theirs), b"on top")?;
    let lost = Swap::Lost { found: Some(base) };
    same("a push onto what is gone", remote.push(&mirror, STATUS, Some(theirs), on_top)?, lost)?;
    same("the branch", origin.tip(STATUS)?, base.to_string())?;
    origin.git(&["update-ref", "-d", &format!("refs/heads/{STATUS}")])?;
    let lost = Swap::Lost { found: None };
    same("a push onto a branch that is gone", remote.push(&mirror, STATUS, Some(theirs), on_top)?, lost)
}

fn overtaken(scene: &Scene) -> Outcome {
    let (origin, first, remote) = scene.origin()?;
    let mirror = scene.mirror()?;
    let base = commit(&mirror, None, b"base")?;
    remote.push(&mirror, STATUS, None, base)?;
    // The hook runs between the server's promise of where the branch is and its move: somebody else is faster there.
    origin.hook(
        "pre-receive",
        &format!(
            "cd '{}' && env -u GIT_QUARANTINE_PATH -u GIT_OBJECT_DIRECTORY -u GIT_ALTERNATE_OBJECT_DIRECTORIES git update-ref refs/heads/{STATUS} {first}",
            origin.path().display()
        ),
    )?;
    let ours = commit(&mirror, Some(base), b"ours")?;
    let lost = Swap::Lost { found: CommitId::parse(&first) };
    same("the push", remote.push(&mirror, STATUS, Some(base), ours)?, lost)?;
    same("the branch", origin.tip(STATUS)?, first)
}

fn declined(scene: &Scene) -> Outcome {
    let (origin, _, remote) = scene.origin()?;
    origin.hook("pre-receive", "echo \"policy: no robots here, $(printf '\\033')[31mat all\" >&2; exit 1")?;
    let mirror = scene.mirror()?;
    let status = commit(&mirror, None, b"one")?;
    let error = remote.push(&mirror, STATUS, None, status).unwrap_err();
    let GitError::PushRefused { name, message, .. } = &error else { anyhow::bail!("{error:?}") };
    same("the ref", name.as_str(), "refs/heads/gitstellar/status")?;
    ensure!(message.contains("hook declined"), "git's words: {message}");
    ensure!(message.contains("policy: no robots here"), "the hook's words: {message}");
    ensure!(!message.contains('\u{1b}'), "no colours: {message:?}");
    holds_no_secret(&error)?;
    ensure!(origin.tip(STATUS).is_err(), "nothing was pushed");
    // Reading goes on.
    same("branches", remote.branches()?.tips.len(), 1)
}

fn missing_repository(scene: &Scene) -> Outcome {
    scene.origin()?;
    let remote = scene.way.remote("elsewhere.git")?;
    same("asked", failure(remote.branches())?, RemoteFailure::Missing)?;
    let mirror = scene.mirror()?;
    same("fetched from", failure(remote.fetch(&mirror, "main"))?, RemoteFailure::Missing)?;
    let status = commit(&mirror, None, b"one")?;
    same("pushed to", failure(remote.push(&mirror, STATUS, None, status))?, RemoteFailure::Missing)
}

fn missing_branch(scene: &Scene) -> Outcome {
    let (origin, _, remote) = scene.origin()?;
    let mirror = scene.mirror()?;
    let error = remote.fetch(&mirror, "other").unwrap_err();
    ensure!(matches!(error, GitError::NoSuchRef { .. }), "{error:?}");
    origin.publish("other", "other")?;
    remote.fetch(&mirror, "other")?;
    origin.git(&["update-ref", "-d", "refs/heads/other"])?;
    let error = remote.fetch(&mirror, "other").unwrap_err();
    ensure!(matches!(error, GitError::NoSuchRef { .. }), "a copy of what is gone is no answer: {error:?}");
    // The name of the gone branch becomes a directory of names there, and stands in nobody's way here.
    let below = origin.publish("other/one", "below")?;
    same("a branch below it", remote.fetch(&mirror, "other/one")?.to_string(), below)
}

fn empty(scene: &Scene) -> Outcome {
    let origin = Origin::empty(scene.directory.path(), "empty.git")?;
    let remote = scene.way.remote("empty.git")?;
    let branches = remote.branches()?;
    ensure!(branches.tips.is_empty(), "{branches:?}");
    let mirror = scene.mirror()?;
    ensure!(
        matches!(remote.fetch(&mirror, "main"), Err(GitError::NoSuchRef { .. })),
        "there is nothing to fetch"
    );
    let status = commit(&mirror, None, b"one")?;
    same("a first push", remote.push(&mirror, STATUS, None, status)?, Swap::Moved)?;
    same("where it stands", origin.tip(STATUS)?, status.to_string())
}

fn rewritten(scene: &Scene) -> Outcome {
    let (origin, first, remote) = scene.origin()?;
    let mirror = scene.mirror()?;
    let before = remote.fetch(&mirror, "main")?;
    same("before", before.to_string(), first)?;
    origin.author(&["commit", "--quiet", "--amend", "--allow-empty", "--message", "rewritten"])?;
    let after = origin.publish("main", "on top")?;
    let tip = remote.fetch(&mirror, "main")?;
    same("after", tip.to_string(), after)?;
    ensure!(!mirror.is_ancestor(before, tip)?, "history was rewritten");
    same("what was in force is still here", mirror.files_of(before)?.len(), 0)
}

fn tag(scene: &Scene) -> Outcome {
    let (origin, first, remote) = scene.origin()?;
    let other = origin.publish("other", "other")?;
    origin.git(&["tag", "main", &other])?;
    let mirror = scene.mirror()?;
    same("the branch, not the tag", remote.fetch(&mirror, "main")?.to_string(), first)?;
    same("nothing but the branch came", origin.git(&["for-each-ref"])?.lines().count(), 3)?;
    let refs = super::origin::git(mirror.path(), &["for-each-ref", "--format=%(refname)"])?;
    ensure!(refs.lines().all(|name| name.starts_with("refs/mirror/")), "{refs}");
    same("refs of the mirror", refs.lines().count(), 1)
}

fn odd_name(scene: &Scene) -> Outcome {
    use std::os::unix::ffi::OsStrExt as _;
    let (origin, first, remote) = scene.origin()?;
    let packed = [format!("{first} refs/heads/").as_bytes(), b"caf\xe9\n"].concat();
    std::fs::write(origin.path().join("packed-refs"), packed)?;
    let listed = std::process::Command::new("git").arg("for-each-ref").current_dir(origin.path()).output()?;
    ensure!(
        listed.stdout.windows(4).any(|w| w == b"caf\xe9"),
        "{:?}",
        std::ffi::OsStr::from_bytes(&listed.stdout)
    );
    same("the others", remote.branches()?.tips.len(), 1)?;
    let mirror = scene.mirror()?;
    same("a fetch", remote.fetch(&mirror, "main")?.to_string(), first)?;
    let status = commit(&mirror, None, b"one")?;
    same("a push", remote.push(&mirror, STATUS, None, status)?, Swap::Moved)
}

fn large(scene: &Scene) -> Outcome {
    let (origin, _, remote) = scene.origin()?;
    // Too much for any pipe or socket buffer, and nothing that compresses.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    })
    .take(3_000_000)
    .collect();
    std::fs::write(origin.work_tree().join("noise"), &noise)?;
    let tip = origin.publish("main", "noise")?;
    let mirror = scene.mirror()?;
    let fetched = remote.fetch(&mirror, "main")?;
    same("the fetched commit", fetched.to_string(), tip)?;
    ensure!(mirror.files_of(fetched)?["noise"] == noise, "every byte arrived");
    let status = commit(&mirror, None, &noise)?;
    same("the push", remote.push(&mirror, STATUS, None, status)?, Swap::Moved)?;
    same("its size there", origin.git(&["cat-file", "-s", &format!("{STATUS}:README.md")])?.trim(), "3000000")
}
