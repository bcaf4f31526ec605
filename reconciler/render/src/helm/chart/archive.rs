//! A packed chart: a gzipped tar, unpacked into memory.
//!
//! Nothing of an archive ever touches a file system, so modes and owners mean nothing. What Helm would read past (links,
//! devices, names that lead out of the chart) is refused here: an honest `helm package` writes none of it (ATK-20).

use std::io::Read;
use std::sync::Arc;

use flate2::read::MultiGzDecoder;
use tar::EntryType;

use super::budget::{Budget, OverBudget};
use super::{ChartFile, without_bom};
use crate::error::Trouble;
use crate::tree::RepoPath;

/// What begins a gzip stream.
const GZIP_MAGIC: [u8; 3] = [0x1f, 0x8b, 0x08];

/// Why an archive could not be unpacked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    /// The first bytes are not those of a gzip stream.
    #[error("is no gzipped archive; pack the chart with `helm package`, or commit it as a directory")]
    NotGzip,
    /// The stream ends early, or is not what it claims to be.
    #[error("cannot be unpacked: {0}; pack the chart again")]
    Broken(String),
    /// Something that is neither a file nor a directory.
    #[error("the entry '{name}' is {what}; a chart holds files and directories only")]
    Kind {
        /// The entry.
        name: String,
        /// What it is.
        what: &'static str,
    },
    /// A name that leads out of the chart.
    #[error("the entry '{name}' {what}; every entry lies below the chart's one directory")]
    Name {
        /// The entry.
        name: String,
        /// What is wrong with it.
        what: &'static str,
    },
    /// More than a chart may hold.
    #[error(transparent)]
    TooMuch(#[from] OverBudget),
    /// Nothing in it.
    #[error("holds no files; pack the chart again")]
    Empty,
}

impl ArchiveError {
    pub(crate) fn trouble(&self) -> Trouble {
        match self {
            ArchiveError::Kind { .. } | ArchiveError::Name { .. } => Trouble::Refused,
            ArchiveError::TooMuch(_) => Trouble::OverLimit,
            _ => Trouble::Failed,
        }
    }
}

/// The files of the archive, their first directory stripped, in the order of the archive. `origin` is the archive's own file.
pub(super) fn unpack(
    bytes: &[u8],
    origin: &RepoPath,
    budget: &mut Budget,
) -> Result<Vec<ChartFile>, ArchiveError> {
    if !bytes.starts_with(&GZIP_MAGIC) {
        return Err(ArchiveError::NotGzip);
    }
    let counted = budget.inflation(bytes.len() as u64).reader(MultiGzDecoder::new(bytes));
    let mut archive = tar::Archive::new(counted);
    let broken = |error: std::io::Error| match error.downcast::<OverBudget>() {
        Ok(over) => ArchiveError::TooMuch(over),
        Err(error) => ArchiveError::Broken(error.to_string()),
    };
    let mut files: Vec<ChartFile> = Vec::new();
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let shown = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if !holds_bytes(entry.header().entry_type(), &shown)? {
            continue;
        }
        let name = inner_name(&entry.path_bytes(), &shown)?;
        budget.take(entry.size())?;
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).map_err(broken)?;
        let bytes = Arc::from(without_bom(&bytes));
        // Of two entries with one name the later one counts, as where Helm unpacks to a map.
        files.retain(|file| file.name != name);
        let top = shown.split(['/', '\\']).next().unwrap_or_default();
        let packed = Some(format!("{top}/{name}"));
        files.push(ChartFile { name, bytes, origin: origin.clone(), packed });
    }
    if files.is_empty() { Err(ArchiveError::Empty) } else { Ok(files) }
}

/// Whether the entry is a file; directories and headers are passed over, everything else is refused.
fn holds_bytes(kind: EntryType, name: &str) -> Result<bool, ArchiveError> {
    let what = match kind {
        EntryType::Regular | EntryType::Continuous => return Ok(true),
        EntryType::Directory | EntryType::XGlobalHeader | EntryType::XHeader => return Ok(false),
        EntryType::Link => "a hard link",
        EntryType::Symlink => "a symlink",
        EntryType::Char | EntryType::Block => "a device",
        EntryType::Fifo => "a pipe",
        EntryType::GNUSparse => "a sparse file",
        _ => "of an unknown kind",
    };
    Err(ArchiveError::Kind { name: name.to_owned(), what })
}

/// The path below the chart's directory. Archives made on Windows separate with backslashes.
fn inner_name(raw: &[u8], shown: &str) -> Result<String, ArchiveError> {
    let fail = |what: &'static str| ArchiveError::Name { name: shown.to_owned(), what };
    let Ok(raw) = std::str::from_utf8(raw) else { return Err(fail("has a name that is not UTF-8")) };
    let name = raw.replace('\\', "/");
    if name.starts_with('/') || has_drive(&name) {
        return Err(fail("has an absolute name"));
    }
    if name.split('/').any(|part| part == "..") {
        return Err(fail("leads out of the chart"));
    }
    if name.contains('\0') {
        return Err(fail("has a NUL byte in its name"));
    }
    let below = name.split_once('/').map_or("", |(_, below)| below);
    if below.starts_with('/') && below.len() > 1 {
        // Two slashes further on are one, to Helm, too.
        return Err(fail("has two slashes behind the chart's directory"));
    }
    let below: Vec<&str> = below.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    let name = below.join("/");
    if name.is_empty() {
        return Err(fail("lies outside of the chart's directory"));
    }
    if has_drive(&name) { Err(fail("has an absolute name")) } else { Ok(name) }
}

fn has_drive(name: &str) -> bool {
    matches!(name.as_bytes(), [letter, b':', b'/', ..] if letter.is_ascii_alphabetic())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::super::budget::ChartLimits;
    use super::*;

    /// Packs entries as they are given, with no regard for what is right.
    fn packed(entries: &[(&[u8], EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, kind, bytes) in entries {
            let mut header = tar::Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name);
            header.set_entry_type(*kind);
            header.set_mode(0);
            header.set_size(bytes.len() as u64);
            header.set_cksum();
            builder.append(&header, *bytes).unwrap();
        }
        gzipped(&builder.into_inner().unwrap())
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn outcome(bytes: &[u8], limits: ChartLimits) -> Result<Vec<String>, String> {
        let origin = RepoPath::parse("charts/x.tgz").unwrap();
        unpack(bytes, &origin, &mut Budget::new(limits))
            .map(|files| files.into_iter().map(|file| file.name).collect())
            .map_err(|error| error.to_string())
    }

    fn refusal(name: &[u8], kind: EntryType) -> String {
        let entries: &[(&[u8], EntryType, &[u8])] =
            &[(b"web/Chart.yaml", EntryType::Regular, b"x"), (name, kind, b"")];
        outcome(&packed(entries), ChartLimits::default()).unwrap_err()
    }

    #[test]
    fn files_lose_the_directory_of_the_chart_and_headers_are_passed_over() {
        let names = outcome(
            &packed(&[
                (b"pax_global_header", EntryType::XGlobalHeader, b""),
                (b"web/", EntryType::Directory, b""),
                (b"web/Chart.yaml", EntryType::Regular, b"x"),
                (b"web\\templates\\a.yaml", EntryType::Regular, b"x"),
                (b"web/./charts//b/Chart.yaml", EntryType::Regular, b"x"),
            ]),
            ChartLimits::default(),
        );
        assert_eq!(names.unwrap(), ["Chart.yaml", "templates/a.yaml", "charts/b/Chart.yaml"]);
    }

    #[test]
    fn atk_20_an_archive_with_links_devices_or_names_that_lead_out_is_refused() {
        for (name, kind, said) in [
            (&b"web/a"[..], EntryType::Symlink, "a symlink"),
            (b"web/a", EntryType::Link, "a hard link"),
            (b"web/a", EntryType::Char, "a device"),
            (b"web/a", EntryType::Block, "a device"),
            (b"web/a", EntryType::Fifo, "a pipe"),
            (b"web/../../etc/passwd", EntryType::Regular, "leads out of the chart"),
            (b"web/..", EntryType::Regular, "leads out of the chart"),
            (b"web\\..\\..\\x", EntryType::Regular, "leads out of the chart"),
            (b"/etc/passwd", EntryType::Regular, "an absolute name"),
            (b"c:/x/y", EntryType::Regular, "an absolute name"),
            (b"web/c:/y", EntryType::Regular, "an absolute name"),
            (b"web//a", EntryType::Regular, "two slashes"),
            (b"web\\\\a", EntryType::Regular, "two slashes"),
            (b"Chart.yaml", EntryType::Regular, "outside of the chart's directory"),
            (b"web/\xff", EntryType::Regular, "not UTF-8"),
        ] {
            let message = refusal(name, kind);
            assert!(message.contains(said), "{said}: {message}");
        }
    }

    #[test]
    fn atk_20_a_directory_without_any_rights_does_no_harm() {
        let names = outcome(
            &packed(&[
                (b"web/templates/", EntryType::Directory, b""),
                (b"web/Chart.yaml", EntryType::Regular, b"x"),
            ]),
            ChartLimits::default(),
        );
        assert_eq!(names.unwrap(), ["Chart.yaml"]);
    }

    #[test]
    fn atk_20_a_bomb_is_refused_before_it_is_in_memory() {
        let bomb = packed(&[(b"web/zeros", EntryType::Regular, &vec![0; 8 << 20])]);
        assert!(bomb.len() < 64 << 10);
        let message = outcome(&bomb, ChartLimits::default()).unwrap_err();
        assert!(message.contains("times its own size"), "{message}");
        let small = ChartLimits { bytes: 1 << 20, ..ChartLimits::default() };
        let noise: Vec<u8> =
            (0_u32..2 << 18).flat_map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()).collect();
        let large = packed(&[(b"web/noise", EntryType::Regular, &noise)]);
        let message = outcome(&large, small).unwrap_err();
        assert!(message.contains("more than 1048576 bytes"), "{message}");
        let many: Vec<(&[u8], EntryType, &[u8])> =
            (0..4).map(|_| (&b"web/x"[..], EntryType::Regular, &b"x"[..])).collect();
        let few = ChartLimits { files: 3, ..ChartLimits::default() };
        assert!(outcome(&packed(&many), few).unwrap_err().contains("more than 3 files"));
    }

    #[test]
    fn what_is_no_archive_is_said_to_be_none() {
        let check = |bytes: &[u8], said: &str| {
            let message = outcome(bytes, ChartLimits::default()).unwrap_err();
            assert!(message.contains(said), "{said}: {message}");
        };
        check(b"apiVersion: v1\n", "is no gzipped archive");
        check(&gzipped(&[]), "holds no files");
        check(&gzipped(&[7; 1024]), "cannot be unpacked");
        let whole = packed(&[(b"web/a", EntryType::Regular, b"x")]);
        check(&whole[..whole.len() / 2], "cannot be unpacked");
    }
}
