//! Git's smart HTTP over our own client.

use std::io::{self, Read, Write};
use std::time::Duration;

use base64::Engine as _;
use git2::transport::{Service, SmartSubtransport, SmartSubtransportStream};
use ureq::tls::{RootCerts, TlsConfig};

use super::git_error;
use crate::Credentials;

/// How long a remote may take for one answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(120);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);

pub(super) struct Http {
    agent: ureq::Agent,
    authorization: Option<String>,
}

impl Http {
    pub(super) fn new(credentials: Credentials) -> Self {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let config = ureq::Agent::config_builder()
            .tls_config(tls)
            .https_only(true)
            // A redirect would take the credentials to another origin, so none is followed.
            .max_redirects(0)
            .max_redirects_will_error(true)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(ANSWER_TIMEOUT))
            .user_agent("git/2.0 (gitstellar)")
            .build();
        let authorization = credentials.basic.map(|(user, password)| {
            format!(
                "Basic {}",
                base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"))
            )
        });
        Self { agent: config.into(), authorization }
    }
}

impl SmartSubtransport for Http {
    fn action(&self, url: &str, action: Service) -> Result<Box<dyn SmartSubtransportStream>, git2::Error> {
        let (method, path, service) = match action {
            Service::UploadPackLs => ("GET", "info/refs?service=git-upload-pack", "upload-pack"),
            Service::UploadPack => ("POST", "git-upload-pack", "upload-pack"),
            Service::ReceivePackLs => ("GET", "info/refs?service=git-receive-pack", "receive-pack"),
            Service::ReceivePack => ("POST", "git-receive-pack", "receive-pack"),
        };
        Ok(Box::new(Exchange {
            agent: self.agent.clone(),
            authorization: self.authorization.clone(),
            method,
            url: format!("{}/{path}", url.trim_end_matches('/')),
            service,
            request: Vec::new(),
            answer: None,
        }))
    }

    fn close(&self) -> Result<(), git2::Error> {
        Ok(())
    }
}

/// One request: what libgit2 writes is collected, the first read sends it.
struct Exchange {
    agent: ureq::Agent,
    authorization: Option<String>,
    method: &'static str,
    url: String,
    service: &'static str,
    request: Vec<u8>,
    answer: Option<Box<dyn Read + Send>>,
}

impl Exchange {
    fn send(&mut self) -> Result<Box<dyn Read + Send>, ureq::Error> {
        let answer = if self.method == "GET" {
            let mut request = self.agent.get(&self.url);
            if let Some(authorization) = &self.authorization {
                request = request.header("authorization", authorization);
            }
            request.call()?
        } else {
            let service = self.service;
            let mut request = self
                .agent
                .post(&self.url)
                .header("content-type", format!("application/x-git-{service}-request"))
                .header("accept", format!("application/x-git-{service}-result"));
            if let Some(authorization) = &self.authorization {
                request = request.header("authorization", authorization);
            }
            request.send(&self.request)?
        };
        Ok(Box::new(answer.into_body().into_reader()))
    }
}

impl Read for Exchange {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.answer.is_none() {
            let answer = self.send().map_err(|error| {
                let hint = match &error {
                    ureq::Error::StatusCode(401 | 403) => " (credentials missing or refused)",
                    ureq::Error::StatusCode(404) => " (no such repository, or no right to see it)",
                    _ => "",
                };
                io::Error::other(git_error(format!("{error}{hint}")))
            })?;
            self.answer = Some(answer);
        }
        self.answer.as_mut().map_or(Ok(0), |answer| answer.read(buffer))
    }
}

impl Write for Exchange {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.request.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
