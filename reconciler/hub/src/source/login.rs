//! What a remote is shown: from the Secret that a source names, or from whoever started the hub.
//!
//! A Secret is read live each time a remote is spoken to, so a rotated one counts at once and nothing of it is kept. Names of its keys are Flux's. No message of this
//! module holds a value; names of keys it may hold.

use std::collections::BTreeMap;

use apimachinery::{Name, Object};
use base64::Engine as _;
use git::{Credentials, HttpsLogin, Remote, Scheme, SshLogin, Url, Withheld};
use plan::names::SYSTEM_NAMESPACE;
use serde_json::Value;

use super::observe::{Location, SourceSpec, problem};
use crate::board::SourceProblem;
use crate::settings::{OwnLogin, Token};
use crate::world::{World, resources, system_namespace};

/// Annotation of a Secret: the URLs it may be shown to, each with everything below it, between commas.
pub const URL_ANNOTATION: &str = "gitstellar.io/git-url";

/// The remote of a source with its credentials; `None` where the repository is on this machine.
pub(crate) async fn remote(world: &World, spec: &SourceSpec) -> Result<Option<Remote>, SourceProblem> {
    let url = match spec.location.clone()? {
        Location::Local(_) => return Ok(None),
        Location::Remote(url) => url,
    };
    let credentials = match &spec.secret {
        Some(name) => from_secret(world, &url, name).await?,
        None => match world.settings.own_login.as_ref().filter(|login| login.url == url) {
            Some(login) => own(login)?,
            None => Credentials::default(),
        },
    };
    Ok(Some(Remote { url, credentials, limits: world.settings.remote_limits() }))
}

async fn from_secret(world: &World, url: &Url, name: &Name) -> Result<Credentials, SourceProblem> {
    let found = world.wds.connection.get(&resources::secrets(), Some(&system_namespace()), name).await;
    let secret = found.map_err(|error| {
        // The server's words about a Secret may quote it.
        problem(
            "SecretUnreadable",
            format!("Secret {SYSTEM_NAMESPACE}/{name} cannot be read: {}", error.redacted().message),
        )
    })?;
    let secret = secret.ok_or_else(|| {
        problem(
            "SecretMissing",
            format!(
                "Secret {SYSTEM_NAMESPACE}/{name} is not there; create it with: {}",
                creation(url.scheme(), name)
            ),
        )
    })?;
    bound(&secret, url)?;
    let data =
        values(&secret).map_err(|key| invalid(name, &format!("its key {key} does not hold UTF-8 text")))?;
    credentials(url.scheme(), name, &data)
}

/// A Secret that names URLs is for those: whoever may write a GitSource could otherwise send it anywhere.
fn bound(secret: &Object, url: &Url) -> Result<(), SourceProblem> {
    let Some(allowed) = secret.header().annotation(URL_ANNOTATION) else { return Ok(()) };
    if allowed.split(',').any(|prefix| url.is_below(prefix.trim())) {
        return Ok(());
    }
    Err(problem(
        "SecretNotForUrl",
        format!(
            "Secret {SYSTEM_NAMESPACE}/{} may not be shown to {url}: its annotation {URL_ANNOTATION} names other URLs",
            secret.header().name
        ),
    ))
}

type Values = BTreeMap<String, Withheld>;

/// The values of a Secret as text; the key of one that is none.
fn values(secret: &Object) -> Result<Values, String> {
    let value = secret.to_value();
    let entries = value.get("data").and_then(Value::as_object).into_iter().flatten();
    let decode = |(key, value): (&String, &Value)| {
        let bytes = base64::engine::general_purpose::STANDARD.decode(value.as_str()?).ok()?;
        Some((key.clone(), Withheld::new(String::from_utf8(bytes).ok()?)))
    };
    entries.map(|entry| decode(entry).ok_or_else(|| entry.0.clone())).collect()
}

fn invalid(name: &Name, detail: &str) -> SourceProblem {
    problem("SecretInvalid", format!("Secret {SYSTEM_NAMESPACE}/{name}: {detail}"))
}

/// The command that creates a Secret of the right shape.
fn creation(scheme: Scheme, name: &Name) -> String {
    let values = match scheme {
        Scheme::Https => "--from-literal=username=USER --from-literal=password=TOKEN",
        Scheme::Ssh => "--from-file=identity=PRIVATE_KEY_FILE --from-file=known_hosts=KNOWN_HOSTS_FILE",
    };
    format!("kubectl --namespace {SYSTEM_NAMESPACE} create secret generic {name} {values}")
}

/// Reads what a Secret holds, for one way of speaking.
fn credentials(scheme: Scheme, name: &Name, data: &Values) -> Result<Credentials, SourceProblem> {
    match scheme {
        Scheme::Https => https(name, data),
        Scheme::Ssh => ssh(name, data),
    }
}

fn https(name: &Name, data: &Values) -> Result<Credentials, SourceProblem> {
    let text =
        |key: &str| data.get(key).map(|value| value.reveal().trim_end_matches(['\r', '\n']).to_owned());
    let authorities = text("ca.crt").or_else(|| text("caFile"));
    if data.contains_key("tls.crt") || data.contains_key("tls.key") {
        return Err(invalid(
            name,
            "client certificates (tls.crt, tls.key) are not supported; use username and password, or bearerToken",
        ));
    }
    let login = match (text("bearerToken"), text("username"), text("password")) {
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) => {
            return Err(invalid(
                name,
                "it holds bearerToken and username or password; only one of them can be shown",
            ));
        }
        (Some(token), None, None) => Some(HttpsLogin::Bearer(Withheld::new(token))),
        (None, Some(user), Some(password)) => {
            Some(HttpsLogin::Basic { user, password: Withheld::new(password) })
        }
        (None, Some(_), None) => return Err(lacks(Scheme::Https, name, data, "password")),
        (None, None, Some(_)) => return Err(lacks(Scheme::Https, name, data, "username")),
        (None, None, None) if authorities.is_some() => None,
        (None, None, None) => {
            return Err(lacks(Scheme::Https, name, data, "username, password or bearerToken"));
        }
    };
    Ok(Credentials { https: login, authorities, ssh: None })
}

fn ssh(name: &Name, data: &Values) -> Result<Credentials, SourceProblem> {
    let identity = data.get("identity").ok_or_else(|| lacks(Scheme::Ssh, name, data, "identity"))?;
    let known_hosts = data.get("known_hosts").ok_or_else(|| {
        let mut lacking = lacks(Scheme::Ssh, name, data, "known_hosts");
        lacking.message.push_str(
            "; ssh-keyscan HOST prints what it holds, to be compared with what the host's owner publishes",
        );
        lacking
    })?;
    if data.contains_key("password") || is_encrypted(identity.reveal()) {
        return Err(invalid(
            name,
            "a private key with a passphrase cannot be used: nobody is there to type it; make a key without one for this purpose (ssh-keygen -t ed25519 -N '')",
        ));
    }
    let known_hosts = format!("{}\n", known_hosts.reveal().trim_end());
    Ok(Credentials {
        ssh: Some(SshLogin { identity: identity.clone(), known_hosts }),
        ..Credentials::default()
    })
}

fn lacks(scheme: Scheme, name: &Name, data: &Values, key: &str) -> SourceProblem {
    let keys: Vec<&str> = data.keys().map(String::as_str).collect();
    let has = if keys.is_empty() { "nothing".to_owned() } else { keys.join(", ") };
    let way = match scheme {
        Scheme::Https => "an https",
        Scheme::Ssh => "an ssh",
    };
    invalid(
        name,
        &format!("it lacks {key} for {way} URL (it has {has}); delete it, then: {}", creation(scheme, name)),
    )
}

/// Whether a private key needs a passphrase: PEM says so in its text, OpenSSH's own format names a cipher in its first bytes.
fn is_encrypted(key: &str) -> bool {
    const MAGIC: &[u8] = b"openssh-key-v1\0";
    if key.contains("ENCRYPTED") {
        return true;
    }
    let body: String =
        key.lines().filter(|line| !line.starts_with("-----")).flat_map(|line| line.trim().chars()).collect();
    let Ok(bytes) = base64::engine::general_purpose::STANDARD.decode(body) else { return false };
    // After the magic stands the cipher's name, with its length before it.
    bytes.strip_prefix(MAGIC).is_some_and(|rest| !rest.starts_with(b"\0\0\0\x04none"))
}

fn own(login: &OwnLogin) -> Result<Credentials, SourceProblem> {
    let password = match &login.token {
        Token::Given(token) => token.clone(),
        Token::File(file) => {
            let read = std::fs::read_to_string(file).map_err(|error| {
                problem(
                    "TokenUnreadable",
                    format!("the token file {} cannot be read: {error}", file.display()),
                )
            })?;
            Withheld::new(read.trim_end_matches(['\r', '\n']))
        }
    };
    let https = Some(HttpsLogin::Basic { user: login.user.clone(), password });
    Ok(Credentials { https, ..Credentials::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const CANARY: &str = "canary-5up3r-s3cret";
    const KEY: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW\n-----END OPENSSH PRIVATE KEY-----\n";
    const LOCKED: &str = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABCB\n-----END OPENSSH PRIVATE KEY-----\n";

    fn read(scheme: Scheme, data: &[(&str, &str)]) -> Result<Credentials, SourceProblem> {
        let data = data.iter().map(|(key, value)| ((*key).to_owned(), Withheld::new(*value))).collect();
        credentials(scheme, &"git".into(), &data)
    }

    #[test]
    fn keys_are_named_as_flux_users_expect() {
        let basic =
            read(Scheme::Https, &[("username", "ann\n"), ("password", "pw\n"), ("ca.crt", "CA")]).unwrap();
        let login = HttpsLogin::Basic { user: "ann".to_owned(), password: Withheld::new("pw") };
        assert_eq!((basic.https, basic.authorities.as_deref()), (Some(login), Some("CA")));
        let bearer = read(Scheme::Https, &[("bearerToken", "t")]).unwrap();
        assert_eq!(bearer.https, Some(HttpsLogin::Bearer(Withheld::new("t"))));
        assert_eq!(read(Scheme::Https, &[("caFile", "CA")]).unwrap().authorities.as_deref(), Some("CA"));
        let ssh =
            read(Scheme::Ssh, &[("identity", KEY), ("identity.pub", "x"), ("known_hosts", "h k")]).unwrap();
        assert_eq!(ssh.ssh.unwrap().known_hosts, "h k\n");
    }

    fn check_refused(scheme: Scheme, data: &[(&str, &str)], words: &[&str]) {
        let refused = read(scheme, data).unwrap_err();
        assert_eq!(refused.reason, "SecretInvalid");
        for word in words {
            assert!(refused.message.contains(word), "{word}: {}", refused.message);
        }
        assert!(!format!("{refused:?}").contains(CANARY), "{refused:?}");
    }

    #[test]
    fn what_a_secret_lacks_is_said_with_the_command_that_makes_it() {
        let command = "kubectl --namespace gitstellar-system create secret generic git";
        check_refused(Scheme::Https, &[], &["it has nothing", command, "--from-literal=password"]);
        check_refused(
            Scheme::Https,
            &[("username", CANARY)],
            &["lacks password", "it has username", command],
        );
        check_refused(Scheme::Https, &[("password", CANARY)], &["lacks username", command]);
        check_refused(Scheme::Https, &[("identity", CANARY)], &["for an https URL", "it has identity"]);
        check_refused(Scheme::Https, &[("bearerToken", CANARY), ("password", CANARY)], &["only one of them"]);
        check_refused(Scheme::Https, &[("tls.crt", CANARY)], &["client certificates"]);
        check_refused(
            Scheme::Ssh,
            &[("username", "a"), ("password", CANARY)],
            &["lacks identity", "--from-file=identity"],
        );
        check_refused(Scheme::Ssh, &[("identity", KEY)], &["lacks known_hosts", "ssh-keyscan"]);
    }

    #[test]
    fn a_key_with_a_passphrase_is_refused() {
        check_refused(
            Scheme::Ssh,
            &[("identity", LOCKED), ("known_hosts", "h")],
            &["passphrase", "ssh-keygen"],
        );
        let password = [("identity", KEY), ("known_hosts", "h"), ("password", CANARY)];
        check_refused(Scheme::Ssh, &password, &["passphrase"]);
        let pem = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n";
        check_refused(Scheme::Ssh, &[("identity", pem), ("known_hosts", "h")], &["passphrase"]);
    }

    #[test]
    fn atk_13_a_secret_that_names_urls_is_shown_to_no_other() {
        let secret = |prefixes: &str| {
            let value = serde_json::json!({
                "apiVersion": "v1", "kind": "Secret",
                "metadata": { "name": "git", "namespace": SYSTEM_NAMESPACE, "annotations": { URL_ANNOTATION: prefixes } },
                "data": { "password": base64::engine::general_purpose::STANDARD.encode(CANARY) },
            });
            Object::from_value(&value).unwrap()
        };
        let url = Url::parse("https://git.example.com/team/fleet.git").unwrap();
        for (prefixes, fits) in [
            ("https://git.example.com/team", true),
            ("https://other.example.com, https://git.example.com", true),
            ("https://git.example.co", false),
            ("https://git.example.com/tea", false),
            ("", false),
        ] {
            let outcome = bound(&secret(prefixes), &url);
            assert_eq!(outcome.is_ok(), fits, "{prefixes:?}");
            assert!(!format!("{outcome:?}").contains(CANARY));
        }
    }
}
