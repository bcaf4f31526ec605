//! A helm binary, run for units that say `engine: cli`. Without one configured, such units are refused.
//!
//! It gets what was read from the commit and nothing else: a directory of its own that goes afterwards, an environment that holds only
//! where that directory is, no input, a time and a size. Its arguments are a vector; no shell is involved. The binary itself is trusted:
//! the operator of the hub chose it. It has no reason to use the network, but nothing here takes the network from it.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use render::{HelmProgram, ProgramError, ProgramRequest};

/// A helm binary and what it may use up.
#[derive(Clone, Debug)]
pub struct HelmBinary {
    /// Where it is.
    pub path: PathBuf,
    /// How long one chart may take.
    pub timeout: Duration,
    /// How much it may print, in bytes.
    pub output_bytes: usize,
}

impl HelmBinary {
    /// A binary with the usual limits.
    pub fn new(path: PathBuf) -> Self {
        Self { path, timeout: Duration::from_secs(60), output_bytes: 64 << 20 }
    }

    fn command(&self, directory: &Path, request: &ProgramRequest) -> Command {
        let mut command = Command::new(&self.path);
        command.arg("template").arg(&request.release_name).arg(directory.join(CHART));
        command.arg("--namespace").arg(&request.namespace).arg("--values").arg(directory.join(VALUES));
        if let Some(version) = &request.kube_version {
            command.arg("--kube-version").arg(version);
        }
        for version in &request.api_versions {
            command.arg("--api-versions").arg(version);
        }
        for (wanted, flag) in [
            (request.include_crds, "--include-crds"),
            (request.skip_hooks, "--no-hooks"),
            (request.skip_tests, "--skip-tests"),
            (request.skip_schema_validation, "--skip-schema-validation"),
        ] {
            if wanted {
                command.arg(flag);
            }
        }
        command.current_dir(directory).env_clear().env("HOME", directory);
        for name in ["HELM_CONFIG_HOME", "HELM_CACHE_HOME", "HELM_DATA_HOME", "TMPDIR"] {
            command.env(name, directory);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }
}

/// The chart's directory.
const CHART: &str = "chart";
/// The file of its values.
const VALUES: &str = "values.yaml";
/// How much of its complaints is read.
const COMPLAINT_BYTES: usize = 64 << 10;

impl HelmProgram for HelmBinary {
    fn template(&self, request: &ProgramRequest) -> Result<String, ProgramError> {
        let directory = tempfile::tempdir().map_err(ProgramError::Run)?;
        write(directory.path(), request).map_err(ProgramError::Run)?;
        let child = self.command(directory.path(), request).spawn().map_err(ProgramError::Run)?;
        let (printed, complaint, success) = self.watch(child)?;
        if printed.len() > self.output_bytes {
            return Err(ProgramError::TooMuch { bytes: self.output_bytes });
        }
        if !success {
            let complaint = String::from_utf8_lossy(&complaint);
            let first_line = complaint.lines().next().unwrap_or("it said nothing").to_owned();
            return Err(ProgramError::Failed { first_line });
        }
        Ok(String::from_utf8_lossy(&printed).into_owned())
    }
}

impl HelmBinary {
    /// Reads what the child prints until it ends, prints too much, or its time is over; then it is no more.
    fn watch(&self, mut child: Child) -> Result<(Vec<u8>, Vec<u8>, bool), ProgramError> {
        let (send, receive) = mpsc::channel();
        let readers = [
            (
                0,
                child.stdout.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>),
                self.output_bytes + 1,
            ),
            (1, child.stderr.take().map(|pipe| Box::new(pipe) as Box<dyn Read + Send>), COMPLAINT_BYTES),
        ];
        for (which, pipe, most) in readers {
            let send = send.clone();
            thread::spawn(move || {
                let mut bytes = Vec::new();
                let read = pipe.map_or(Ok(0), |pipe| pipe.take(most as u64).read_to_end(&mut bytes));
                // The receiver may have given up already.
                let _ = send.send((which, read.map(|_| bytes)));
            });
        }
        let read = self.collect(&receive);
        if read.is_err() {
            let _ = child.kill();
        }
        let status = child.wait().map_err(ProgramError::Run)?;
        let [printed, complaint] = read?;
        Ok((printed, complaint, status.success()))
    }

    fn collect(
        &self,
        receive: &mpsc::Receiver<(usize, io::Result<Vec<u8>>)>,
    ) -> Result<[Vec<u8>; 2], ProgramError> {
        let deadline = Instant::now() + self.timeout;
        let mut read = [Vec::new(), Vec::new()];
        for _ in 0..2 {
            match receive.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok((0, Ok(bytes))) if bytes.len() > self.output_bytes => {
                    return Err(ProgramError::TooMuch { bytes: self.output_bytes });
                }
                Ok((which, bytes)) => read[which] = bytes.map_err(ProgramError::Run)?,
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    return Err(ProgramError::TooSlow { seconds: self.timeout.as_secs() });
                }
            }
        }
        Ok(read)
    }
}

fn write(directory: &Path, request: &ProgramRequest) -> io::Result<()> {
    fs::write(directory.join(VALUES), &request.values)?;
    let chart = directory.join(CHART);
    fs::create_dir(&chart)?;
    for (name, bytes) in &request.files {
        // Names come from a tree or from an unpacked archive, which both refuse what leads out; this is the second look.
        let plain = |part: &str| !matches!(part, "" | "." | "..");
        if !name.split('/').all(plain) {
            return Err(io::Error::other(format!("the chart's file '{name}' has no plain name")));
        }
        let path = chart.join(name);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above)?;
        }
        fs::write(path, bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::sync::Arc;

    use super::*;

    /// A stand-in that shows what it is given.
    fn binary(script: &str) -> (tempfile::TempDir, HelmBinary) {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("helm");
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        (directory, HelmBinary { output_bytes: 1000, ..HelmBinary::new(path) })
    }

    fn request() -> ProgramRequest {
        ProgramRequest {
            files: vec![("templates/a.yaml".to_owned(), Arc::from(&b"the template"[..]))],
            release_name: "web".to_owned(),
            namespace: "shop".to_owned(),
            values: "a: 1\n".to_owned(),
            kube_version: Some("1.34".to_owned()),
            api_versions: vec!["x/v1".to_owned()],
            include_crds: true,
            skip_hooks: false,
            skip_tests: true,
            skip_schema_validation: false,
        }
    }

    fn run(script: &str) -> Result<String, String> {
        let (_kept, binary) = binary(script);
        binary.template(&request()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_program_gets_the_chart_the_values_and_an_argument_vector() {
        let said = run(
            r#"echo "$1 $2 ${3##*/} $4 $5 $6 ${7##*/} $8 $9"; shift 9; echo "$@"; cat "chart/templates/a.yaml" values.yaml"#,
        );
        assert_eq!(
            said.unwrap(),
            "template web chart --namespace shop --values values.yaml --kube-version 1.34\n\
             --api-versions x/v1 --include-crds --skip-tests\nthe templatea: 1\n"
        );
    }

    #[test]
    fn its_environment_holds_nothing_of_ours() {
        let said = run("/usr/bin/env | /usr/bin/cut -d= -f1 | /usr/bin/sort").unwrap();
        let names: Vec<&str> =
            said.lines().filter(|name| !matches!(*name, "PWD" | "_" | "OLDPWD" | "SHLVL")).collect();
        assert_eq!(names, ["HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME", "HOME", "TMPDIR"]);
    }

    #[test]
    fn only_the_first_line_of_a_complaint_is_told() {
        let said = run("echo 'Error: no' >&2; echo 'the password is hunter2' >&2; exit 1").unwrap_err();
        assert_eq!(said, "the helm binary failed: Error: no");
    }

    #[test]
    fn a_program_that_does_not_end_or_prints_without_end_is_ended() {
        let (_kept, binary) = binary("exec /bin/sleep 600");
        let slow = HelmBinary { timeout: Duration::from_millis(50), ..binary };
        assert!(matches!(slow.template(&request()), Err(ProgramError::TooSlow { .. })));
        assert!(run("while :; do echo 0123456789; done").unwrap_err().contains("more than 1000 bytes"));
    }

    #[test]
    fn a_program_that_is_not_there_or_a_file_that_leads_out_is_an_error() {
        let absent = HelmBinary::new(PathBuf::from("/nowhere/helm"));
        assert!(matches!(absent.template(&request()), Err(ProgramError::Run(_))));
        let (_kept, binary) = binary("true");
        let files = vec![("../x".to_owned(), Arc::from(&b""[..]))];
        let outcome = binary.template(&ProgramRequest { files, ..request() });
        assert!(matches!(outcome, Err(ProgramError::Run(_))));
    }
}
