//! The formats of strings that a CRD's schema may declare and an API server checks; all others are ignored.
//!
//! Source: `supportedVersionedFormats` of apiextensions-apiserver and kube-openapi's `strfmt`. Dashes in a format's name do not count.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use base64::Engine as _;
use regex::Regex;

use crate::time;

type Check = fn(&str) -> bool;

const FORMATS: [(&str, Check); 26] = [
    ("bsonobjectid", |t| t.len() == 24 && t.bytes().all(|b| b.is_ascii_hexdigit())),
    ("uri", is_uri),
    ("email", is_email),
    ("hostname", is_hostname),
    ("ipv4", |t| parse_ipv4(t).is_some()),
    ("ipv6", |t| t.parse::<Ipv6Addr>().is_ok()),
    ("cidr", is_cidr),
    ("mac", is_mac),
    ("uuid", |t| is_uuid(t, None)),
    ("uuid3", |t| is_uuid(t, Some('3'))),
    ("uuid4", |t| is_uuid(t, Some('4'))),
    ("uuid5", |t| is_uuid(t, Some('5'))),
    ("isbn", |t| is_isbn10(t) || is_isbn13(t)),
    ("isbn10", is_isbn10),
    ("isbn13", is_isbn13),
    ("creditcard", is_credit_card),
    ("ssn", is_ssn),
    ("hexcolor", is_hex_color),
    ("rgbcolor", is_rgb_color),
    ("byte", |t| base64::engine::general_purpose::STANDARD.decode(t).is_ok() && !t.is_empty()),
    ("password", |_| true),
    ("date", |t| time::is_date(t)),
    ("duration", |t| time::is_duration(t)),
    ("datetime", |t| time::is_date_time(t)),
    ("k8sshortname", |t| t.len() <= 63 && is_label(t)),
    ("k8slongname", |t| t.len() <= 253 && t.split('.').all(is_label)),
];

fn find(format: &str) -> Option<Check> {
    let normal = format.replace('-', "");
    FORMATS.iter().find(|(name, _)| *name == normal).map(|(_, check)| *check)
}

/// Whether values of that format are checked. The formats of numbers are known, too, but say nothing that the type does not.
pub(super) fn is_known(format: &str) -> bool {
    find(format).is_some()
}

/// Whether the text is of the format, or the format is not known.
pub(super) fn accepts(format: &str, text: &str) -> bool {
    find(format).is_none_or(|check| check(text))
}

/// Four decimal numbers; leading zeros are let through, as Kubernetes does for old manifests.
fn parse_ipv4(text: &str) -> Option<Ipv4Addr> {
    let mut octets = [0; 4];
    let mut parts = text.split('.');
    for octet in &mut octets {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 6 || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        *octet = part.parse::<u32>().ok().and_then(|n| u8::try_from(n).ok())?;
    }
    parts.next().is_none().then_some(Ipv4Addr::from(octets))
}

fn is_cidr(text: &str) -> bool {
    let Some((address, prefix)) = text.split_once('/') else { return false };
    let address = parse_ipv4(address).map(IpAddr::V4).or_else(|| address.parse().ok());
    let longest = match address {
        Some(IpAddr::V4(_)) => 32,
        Some(IpAddr::V6(_)) => 128,
        None => return false,
    };
    prefix.bytes().all(|b| b.is_ascii_digit()) && prefix.parse::<u32>().is_ok_and(|n| n <= longest)
}

/// `net/url.ParseRequestURI`: an absolute URI or an absolute path.
fn is_uri(text: &str) -> bool {
    if text.is_empty() || text.bytes().any(|b| b < b' ' || b == 0x7f) {
        return false;
    }
    if text.starts_with('/') {
        return true;
    }
    let Some((scheme, rest)) = text.split_once(':') else { return false };
    let mut letters = scheme.chars();
    let proper = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let authority = rest.strip_prefix("//").map(|rest| rest.split('/').next().unwrap_or_default());
    proper && authority.is_none_or(|host| !host.contains([' ', '<', '>', '"']))
}

/// `net/mail.ParseAddress`, without comments and groups: an address, or a name and an address in angle brackets.
fn is_email(text: &str) -> bool {
    let address = match text.trim().strip_suffix('>').and_then(|t| t.rsplit_once('<')) {
        Some((_, address)) => address,
        None => text.trim(),
    };
    let Some((local, domain)) = address.rsplit_once('@') else { return false };
    let atom = |text: &str| {
        !text.is_empty()
            && text.split('.').all(|part| {
                !part.is_empty()
                    && part
                        .chars()
                        .all(|c| c.is_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || !c.is_ascii())
            })
    };
    let quoted = local.len() > 2 && local.starts_with('"') && local.ends_with('"');
    (atom(local) || quoted) && atom(domain)
}

/// RFC 1034 names with the relaxations of RFC 1123, letters of any script, a top-level domain of two letters or more.
fn is_hostname(text: &str) -> bool {
    static NAME: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            r"^([a-zA-Z0-9\p{S}\p{L}]((-?[a-zA-Z0-9\p{S}\p{L}]{0,62})?)|([a-zA-Z0-9\p{S}\p{L}](([a-zA-Z0-9\p{S}\p{L}-]{0,61}[a-zA-Z0-9\p{S}\p{L}])?)(\.)){1,}([a-zA-Z\p{L}]){2,63})$",
        )
        .ok()
    });
    text.len() <= 255
        && text.split('.').all(|label| label.len() <= 63)
        && NAME.as_ref().is_some_and(|name| name.is_match(text))
}

fn is_mac(text: &str) -> bool {
    let groups = |separator: char, digits: usize, counts: &[usize]| {
        let parts: Vec<&str> = text.split(separator).collect();
        counts.contains(&parts.len())
            && parts.iter().all(|part| part.len() == digits && part.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    groups(':', 2, &[6, 8, 20]) || groups('-', 2, &[6, 8, 20]) || groups('.', 4, &[3, 4, 10])
}

/// 8-4-4-4-12 hexadecimal digits; the dashes may be absent.
fn is_uuid(text: &str, version: Option<char>) -> bool {
    let mut digits = String::new();
    let mut rest = text;
    for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
        if index > 0 {
            rest = rest.strip_prefix('-').unwrap_or(rest);
        }
        let Some((group, tail)) = rest.split_at_checked(length) else { return false };
        digits.push_str(group);
        rest = tail;
    }
    let digit = |index: usize| digits.chars().nth(index).map(|c| c.to_ascii_lowercase());
    let variant = || digit(16).is_some_and(|c| matches!(c, '8' | '9' | 'a' | 'b'));
    rest.is_empty()
        && digits.bytes().all(|b| b.is_ascii_hexdigit())
        && version.is_none_or(|v| digit(12) == Some(v) && (v == '3' || variant()))
}

fn isbn_digits(text: &str) -> Vec<u32> {
    text.chars()
        .filter(|c| !matches!(c, '-' | ' '))
        .map(|c| if c == 'X' { 10 } else { c.to_digit(10).unwrap_or(99) })
        .collect()
}

fn is_isbn10(text: &str) -> bool {
    let digits = isbn_digits(text);
    let proper = digits.len() == 10
        && digits.iter().take(9).all(|d| *d < 10)
        && digits.last().is_some_and(|d| *d <= 10);
    proper && digits.iter().zip(1..).map(|(digit, place)| digit * place).sum::<u32>() % 11 == 0
}

fn is_isbn13(text: &str) -> bool {
    let digits = isbn_digits(text);
    let proper = digits.len() == 13 && digits.iter().all(|d| *d < 10);
    proper
        && digits.iter().zip([1, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum::<u32>()
            % 10
            == 0
}

/// Digits with the check sum of Luhn; other characters between them do not count.
fn is_credit_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) => double / 10 + double % 10,
        })
        .sum();
    (13..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}

fn is_ssn(text: &str) -> bool {
    let digits: String = text.chars().filter(|c| !matches!(c, '-' | ' ')).collect();
    let separators = text.len().saturating_sub(digits.len());
    digits.len() == 9 && digits.bytes().all(|b| b.is_ascii_digit()) && separators <= 2
}

fn is_hex_color(text: &str) -> bool {
    let digits = text.strip_prefix('#').unwrap_or(text);
    matches!(digits.len(), 3 | 6) && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

fn is_rgb_color(text: &str) -> bool {
    let Some(inner) = text.strip_prefix("rgb(").and_then(|t| t.strip_suffix(')')) else { return false };
    let parts: Vec<&str> = inner.split(',').map(str::trim).collect();
    parts.len() == 3 && parts.iter().all(|part| part.parse::<u8>().is_ok())
}

/// Lowercase letters, digits and dashes, no dash at either end.
fn is_label(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    !text.is_empty()
        && text.bytes().all(|b| plain(b) || b == b'-')
        && !text.starts_with('-')
        && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(format: &str, good: &[&str], bad: &[&str]) {
        assert!(is_known(format), "{format}");
        for text in good {
            assert!(accepts(format, text), "{format} should accept {text}");
        }
        for text in bad {
            assert!(!accepts(format, text), "{format} should refuse {text}");
        }
    }

    #[test]
    fn formats_accept_what_upstream_accepts() {
        check("date-time", &["2026-11-20T11:13:11Z", "2026-11-20t11:13:11.5+01:00"], &["2026-11-20", "x"]);
        check("date", &["2026-02-28"], &["2026-02-30", "26-1-1"]);
        check("duration", &["1h30m", "22 ns", "3 days"], &["soon"]);
        check("ipv4", &["10.0.0.1"], &["::1", "10.0.0.256", "10.0.0"]);
        check("ipv6", &["::1", "fe80::1"], &["10.0.0.1"]);
        check("cidr", &["10.0.0.0/8", "fd00::/8"], &["10.0.0.0", "10.0.0.0/33"]);
        check("mac", &["00:00:5e:00:53:01", "0000.5e00.5301"], &["00:00"]);
        check("uri", &["https://example.com/a?b", "/path", "mailto:x@y"], &["example.com", ""]);
        check("email", &["a.b@example.com", "N <n@example.com>"], &["a@", "a"]);
        check("hostname", &["example.com", "a"], &["-a.com", "a_b.com"]);
        check("uuid", &["8b4e0a3c-1f2d-4c5b-9a6e-0123456789ab"], &["8b4e"]);
        check("uuid4", &["8b4e0a3c-1f2d-4c5b-9a6e-0123456789ab"], &["8b4e0a3c-1f2d-3c5b-9a6e-0123456789ab"]);
        check("byte", &["YWJj"], &["YWJ", "%%"]);
        check("isbn", &["0321751043", "978-0321751041"], &["0321751044"]);
        check("creditcard", &["4111 1111 1111 1111"], &["4111 1111 1111 1112"]);
        check("hexcolor", &["#FFF", "00ff00"], &["#FFFF"]);
        check("rgbcolor", &["rgb(1, 2,255)"], &["rgb(1,2,256)"]);
        check("k8s-short-name", &["a-b"], &["A", "-a", "a.b"]);
        check("k8s-long-name", &["a.b-c"], &["a..b"]);
    }

    #[test]
    fn other_formats_are_ignored() {
        assert!(!is_known("int32"));
        assert!(accepts("anything", "x"));
    }
}
