//! Which branches a remote has, read from the bytes of its answer. A poll asks this often, and libgit2 would read every ref of the repository, with names it
//! takes for UTF-8; so polling is our own: protocol 2 where the server speaks it, the old advertisement otherwise.

use std::collections::BTreeMap;
use std::io::{self, Read};

use crate::CommitId;

/// What a remote has.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RemoteBranches {
    /// The branch its HEAD names, which an empty repository may lack.
    pub default: Option<String>,
    /// Tips by branch.
    pub tips: BTreeMap<String, CommitId>,
}

/// Why an answer cannot be read.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ListingError {
    /// The connection.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The other side reports an error in the protocol's own way.
    #[error("{0}")]
    Said(String),
    /// The bytes are not what the protocol says.
    #[error("{0}")]
    Odd(&'static str),
}

/// One packet of the protocol.
#[derive(Debug, PartialEq, Eq)]
enum Packet {
    /// `0000`.
    Flush,
    /// Its content without a final line feed.
    Line(Vec<u8>),
}

const LONGEST_PACKET: usize = 65_520;

/// Reads one packet.
fn packet(from: &mut dyn Read) -> Result<Packet, ListingError> {
    let mut digits = [0; 4];
    from.read_exact(&mut digits)?;
    let length = std::str::from_utf8(&digits).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
    match length {
        Some(0) => Ok(Packet::Flush),
        Some(length) if (4..=LONGEST_PACKET).contains(&length) => {
            let mut content = vec![0; length - 4];
            from.read_exact(&mut content)?;
            if content.last() == Some(&b'\n') {
                content.pop();
            }
            match content.strip_prefix(b"ERR ") {
                Some(said) => Err(ListingError::Said(String::from_utf8_lossy(said).into_owned())),
                None => Ok(Packet::Line(content)),
            }
        }
        _ => Err(ListingError::Odd("a packet has no length")),
    }
}

/// What the other side says first.
pub(crate) enum Greeting {
    /// It speaks protocol 2 and waits for a command.
    Commands,
    /// It does not, and has listed everything already.
    Listed(RemoteBranches),
}

/// Reads the beginning of a conversation up to its first flush.
pub(crate) fn greeting(from: &mut dyn Read) -> Result<Greeting, ListingError> {
    let mut first = packet(from)?;
    if matches!(&first, Packet::Line(line) if line.starts_with(b"# service=")) {
        // Smart HTTP names the service first, and a flush ends that.
        if packet(from)? != Packet::Flush {
            return Err(ListingError::Odd("the name of the service is not followed by a flush"));
        }
        first = packet(from)?;
    }
    if first == Packet::Line(b"version 2".to_vec()) {
        let mut sha1 = true;
        while let Packet::Line(capability) = packet(from)? {
            sha1 &= !capability.starts_with(b"object-format=") || capability == b"object-format=sha1";
        }
        return if sha1 { Ok(Greeting::Commands) } else { Err(OTHER_FORMAT) };
    }
    old_listing(first, from).map(Greeting::Listed)
}

const OTHER_FORMAT: ListingError =
    ListingError::Odd("its object ids are not SHA-1; such repositories are not supported");

/// The advertisement of protocol 0: `id name`, the capabilities behind a NUL in the first line.
fn old_listing(first: Packet, from: &mut dyn Read) -> Result<RemoteBranches, ListingError> {
    let mut listing = Listing::default();
    let mut packet_here = first;
    while let Packet::Line(line) = packet_here {
        let mut parts = line.splitn(2, |byte| *byte == 0);
        let reference = parts.next().unwrap_or_default();
        for capability in parts.next().unwrap_or_default().split(|byte| *byte == b' ') {
            if capability.starts_with(b"object-format=") && capability != b"object-format=sha1" {
                return Err(OTHER_FORMAT);
            }
            if let Some(target) = capability.strip_prefix(b"symref=HEAD:") {
                listing.head_names(target);
            }
        }
        listing.reference(reference)?;
        packet_here = packet(from)?;
    }
    Ok(listing.branches())
}

/// The command of protocol 2 that lists HEAD and the branches, and nothing else.
pub(crate) fn command() -> Vec<u8> {
    let line = |text: &str| format!("{:04x}{text}", text.len() + 4);
    let arguments = ["symrefs\n", "unborn\n", "ref-prefix HEAD\n", "ref-prefix refs/heads/\n"];
    let arguments: String = arguments.map(line).concat();
    let (command, format) = (line("command=ls-refs\n"), line("object-format=sha1"));
    format!("{command}{format}0001{arguments}0000").into_bytes()
}

/// The answer to [`command`].
pub(crate) fn answer(from: &mut dyn Read) -> Result<RemoteBranches, ListingError> {
    let mut listing = Listing::default();
    while let Packet::Line(line) = packet(from)? {
        let mut words = line.split(|byte| *byte == b' ');
        let (id, name) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        if name == b"HEAD" {
            words.filter_map(|word| word.strip_prefix(b"symref-target:")).for_each(|t| listing.head_names(t));
        }
        if id != b"unborn" {
            listing.reference(&[id, name].join(&b' '))?;
        }
    }
    Ok(listing.branches())
}

#[derive(Default)]
struct Listing {
    head: Option<CommitId>,
    branches: RemoteBranches,
}

impl Listing {
    fn head_names(&mut self, target: &[u8]) {
        self.branches.default = branch(target);
    }

    /// `id name`. A name that is not UTF-8 cannot be written as the branch of a source, so nothing asks for it.
    fn reference(&mut self, line: &[u8]) -> Result<(), ListingError> {
        let mut words = line.splitn(2, |byte| *byte == b' ');
        let id = words.next().and_then(|hex| CommitId::parse(std::str::from_utf8(hex).ok()?));
        let id =
            id.ok_or(ListingError::Odd("a line of the list of branches does not begin with an object id"))?;
        let name = words.next().unwrap_or_default();
        if name == b"HEAD" {
            self.head = Some(id);
        } else if let Some(branch) = branch(name) {
            self.branches.tips.insert(branch, id);
        }
        Ok(())
    }

    /// Servers that do not say which branch HEAD names are believed where only one branch stands where HEAD does.
    fn branches(mut self) -> RemoteBranches {
        if self.branches.default.is_none() {
            let mut there = self.branches.tips.iter().filter(|(_, tip)| Some(**tip) == self.head);
            self.branches.default = match (there.next(), there.next()) {
                (Some((name, _)), None) => Some(name.clone()),
                _ => None,
            };
        }
        self.branches
    }
}

fn branch(name: &[u8]) -> Option<String> {
    String::from_utf8(name.strip_prefix(b"refs/heads/")?.to_vec()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0f4c3d2b1a0f4c3d2b1a0f4c3d2b1a0f4c3d2b1a";
    const B: &str = "1111111111111111111111111111111111111111";

    fn packets(lines: &[&[u8]]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for line in lines {
            if *line == b"0000" {
                bytes.extend_from_slice(line);
            } else {
                bytes.extend_from_slice(format!("{:04x}", line.len() + 4).as_bytes());
                bytes.extend_from_slice(line);
            }
        }
        bytes
    }

    fn listed(lines: &[&[u8]]) -> Result<RemoteBranches, ListingError> {
        match greeting(&mut packets(lines).as_slice())? {
            Greeting::Listed(branches) => Ok(branches),
            Greeting::Commands => Err(ListingError::Odd("commands")),
        }
    }

    #[test]
    fn the_old_advertisement_is_read() {
        let first = format!("{A} HEAD\0multi_ack symref=HEAD:refs/heads/main agent=git/2");
        let (main, other, tag) = (
            format!("{A} refs/heads/main\n"),
            format!("{B} refs/heads/a/b\n"),
            format!("{B} refs/tags/v1\n"),
        );
        let branches = listed(&[
            b"# service=git-upload-pack\n",
            b"0000",
            first.as_bytes(),
            main.as_bytes(),
            other.as_bytes(),
            tag.as_bytes(),
            b"0000",
        ])
        .unwrap();
        assert_eq!(branches.default.as_deref(), Some("main"));
        assert_eq!(branches.tips.keys().collect::<Vec<_>>(), ["a/b", "main"]);
        assert_eq!(branches.tips["main"].to_string(), A);
    }

    #[test]
    fn an_empty_repository_has_no_branches() {
        let zero = format!("{} capabilities^{{}}\0agent=git/2\n", "0".repeat(40));
        assert_eq!(listed(&[zero.as_bytes(), b"0000"]).unwrap(), RemoteBranches::default());
        assert_eq!(listed(&[b"0000"]).unwrap(), RemoteBranches::default());
        let unborn = packets(&[b"unborn HEAD symref-target:refs/heads/trunk\n", b"0000"]);
        let branches = answer(&mut unborn.as_slice()).unwrap();
        assert_eq!((branches.default.as_deref(), branches.tips.len()), (Some("trunk"), 0));
    }

    #[test]
    fn protocol_2_is_read() {
        let greeted = packets(&[
            b"version 2\n",
            b"agent=git/2\n",
            b"ls-refs=unborn\n",
            b"object-format=sha1\n",
            b"0000",
        ]);
        assert!(matches!(greeting(&mut greeted.as_slice()).unwrap(), Greeting::Commands));
        let head = format!("{A} HEAD symref-target:refs/heads/main\n");
        let main = format!("{A} refs/heads/main\n");
        let branches = answer(&mut packets(&[head.as_bytes(), main.as_bytes(), b"0000"]).as_slice()).unwrap();
        assert_eq!((branches.default.as_deref(), branches.tips.len()), (Some("main"), 1));
        assert!(command().ends_with(b"001bref-prefix refs/heads/\n0000"));
    }

    #[test]
    fn a_head_without_a_name_is_the_one_branch_that_stands_there() {
        let detached = format!("{A} HEAD\0agent=git/2");
        let (main, other, twin) =
            (format!("{A} refs/heads/main"), format!("{B} refs/heads/other"), format!("{A} refs/heads/twin"));
        let one = listed(&[detached.as_bytes(), main.as_bytes(), other.as_bytes(), b"0000"]).unwrap();
        assert_eq!(one.default.as_deref(), Some("main"));
        let two = listed(&[detached.as_bytes(), main.as_bytes(), twin.as_bytes(), b"0000"]).unwrap();
        assert_eq!(two.default, None);
    }

    #[test]
    fn odd_bytes_are_errors_and_odd_names_are_skipped() {
        let latin = [A.as_bytes(), b" refs/heads/caf\xe9"].concat();
        let branches = listed(&[&latin, b"0000"]).unwrap();
        assert!(branches.tips.is_empty());
        for bytes in [
            &b"<!DOCTYPE html>"[..],
            b"",
            b"0003",
            b"ffffx",
            b"zzzz",
            b"0008abcd",
            b"0010ERR go away\n",
            b"002dsha256 is not here, is it, my friend? no\0",
        ] {
            assert!(greeting(&mut &*bytes).is_err(), "{}", String::from_utf8_lossy(bytes));
        }
        let other = packets(&[b"version 2", b"object-format=sha256", b"0000"]);
        assert!(greeting(&mut other.as_slice()).is_err());
    }
}
