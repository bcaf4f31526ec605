//! What a repository elsewhere is shown. An ssh URL uses the user's own ssh, with its configuration, agent and known hosts; an https URL gets a user name and a token,
//! which are kept in memory only: nothing of them is written to the data directory, and they are shown to this URL and to no other.

use std::path::PathBuf;

use anyhow::{bail, ensure};
use git::{Scheme, Withheld};
use hub::settings::{OwnLogin, Token};

use super::place::Repo;

/// The environment variable that holds a token.
const TOKEN_VARIABLE: &str = "GITSTELLAR_TOKEN";

/// Arguments about logging in.
#[derive(clap::Args, Clone, Debug)]
pub(super) struct LoginArgs {
    /// User name for an https URL; the token is that of the environment variable GITSTELLAR_TOKEN, or of --token-file
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// File that holds the token or password for an https URL; it is read again each time
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// How a login is given here.
pub(super) fn advice(repo: &Repo) -> Option<&'static str> {
    match repo {
        Repo::Remote(url) if url.scheme() == Scheme::Https => Some(
            "start again with --username and a token (GITSTELLAR_TOKEN, or --token-file), and with SSL_CERT_FILE where its authority is your own",
        ),
        Repo::Remote(_) => Some(
            "make your own ssh log in there without a question: its key in an agent, its host in known_hosts",
        ),
        Repo::Local(_) => None,
    }
}

/// The login for a repository, if one was given.
pub(super) fn login(args: &LoginArgs, repo: &Repo) -> anyhow::Result<Option<OwnLogin>> {
    let variable = std::env::var(TOKEN_VARIABLE).ok().filter(|token| !token.is_empty());
    let given = args.username.is_some() || args.token_file.is_some();
    let url = match repo {
        Repo::Remote(url) if url.scheme() == Scheme::Https => url,
        Repo::Remote(_) => {
            ensure!(
                !given,
                "--username and --token-file are for https URLs; an ssh URL uses your own ssh and its agent"
            );
            return Ok(None);
        }
        Repo::Local(_) => {
            ensure!(!given, "--username and --token-file are for https URLs; a directory needs no login");
            return Ok(None);
        }
    };
    let token = match (&args.token_file, variable) {
        (Some(file), _) => Token::File(std::path::absolute(file)?),
        (None, Some(token)) => Token::Given(Withheld::new(token.trim_end_matches(['\r', '\n']))),
        (None, None) if args.username.is_some() => {
            bail!(
                "--username needs a token: set the environment variable {TOKEN_VARIABLE}, or give --token-file"
            )
        }
        (None, None) => return Ok(None),
    };
    // Forges that take tokens do not look at the name; those that do were given one.
    let user = args.username.clone().unwrap_or_else(|| "git".to_owned());
    Ok(Some(OwnLogin { url: url.clone(), user, token }))
}
