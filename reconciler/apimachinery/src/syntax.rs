//! Which texts may be names, label keys and label values, with the reasons an API server gives.
//!
//! Each function returns the reasons why a text is refused; none means it is fine.
//! Source: `k8s.io/apimachinery/pkg/api/validate/content` and `pkg/util/validation`. Lengths are in bytes.

const LABEL_KEY_PATTERN: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const DNS_LABEL_PATTERN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const NAME_PART: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";

/// A label or annotation key: a name of at most 63 bytes, with an optional DNS subdomain and `/` in front.
pub fn label_key(text: &str) -> Vec<String> {
    let parts: Vec<&str> = text.split('/').collect();
    let (mut errors, name) = match parts.as_slice() {
        [name] => (Vec::new(), *name),
        [prefix, name] => (key_prefix(prefix), *name),
        _ => {
            let reason = pattern_reason(NAME_PART, LABEL_KEY_PATTERN, &["MyName", "my.name", "123-abc"]);
            return vec![format!(
                "a valid label key {reason} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')"
            )];
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".to_owned());
    } else if name.len() > 63 {
        errors.push(format!("name part {}", length_reason(63)));
    }
    if !is_label_text(name) {
        let reason = pattern_reason(NAME_PART, LABEL_KEY_PATTERN, &["MyName", "my.name", "123-abc"]);
        errors.push(format!("name part {reason}"));
    }
    errors
}

fn key_prefix(prefix: &str) -> Vec<String> {
    if prefix.is_empty() {
        return vec!["prefix part must be non-empty".to_owned()];
    }
    dns_subdomain(prefix).into_iter().map(|reason| format!("prefix part {reason}")).collect()
}

/// A label value: empty, or at most 63 bytes of letters, digits, `-`, `_`, `.`, with a letter or digit at both ends.
pub fn label_value(text: &str) -> Vec<String> {
    const MESSAGE: &str = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    let mut errors = Vec::new();
    if text.len() > 63 {
        errors.push(length_reason(63));
    }
    if !text.is_empty() && !is_label_text(text) {
        let pattern = format!("({LABEL_KEY_PATTERN})?");
        errors.push(pattern_reason(MESSAGE, &pattern, &["MyValue", "my_value", "12345"]));
    }
    errors
}

/// Most names: dot-separated labels of lowercase letters, digits and `-`, 253 bytes at most (RFC 1123).
pub fn dns_subdomain(text: &str) -> Vec<String> {
    const MESSAGE: &str = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
    let mut errors = Vec::new();
    if text.len() > 253 {
        errors.push(length_reason(253));
    }
    if !text.split('.').all(is_dns_label) {
        let pattern = format!("{DNS_LABEL_PATTERN}(\\.{DNS_LABEL_PATTERN})*");
        errors.push(pattern_reason(MESSAGE, &pattern, &["example.com"]));
    }
    errors
}

/// Names of namespaces and of parts of host names: lowercase letters, digits and `-`, 63 bytes at most (RFC 1123).
pub fn dns_label(text: &str) -> Vec<String> {
    const MESSAGE: &str = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
    let mut errors = Vec::new();
    if text.len() > 63 {
        errors.push(length_reason(63));
    }
    if !is_dns_label(text) {
        errors.push(match text.split('.').all(is_dns_label) {
            true => "must not contain dots".to_owned(),
            false => pattern_reason(MESSAGE, DNS_LABEL_PATTERN, &["my-name", "123-abc"]),
        });
    }
    errors
}

/// Names of Services, and lowercase kinds and plurals: as a DNS label, but beginning with a letter (RFC 1035).
pub fn dns_1035_label(text: &str) -> Vec<String> {
    const MESSAGE: &str = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
    let mut errors = Vec::new();
    if text.len() > 63 {
        errors.push(length_reason(63));
    }
    if !is_dns_label(text) || !text.starts_with(|c: char| c.is_ascii_lowercase()) {
        errors.push(pattern_reason(MESSAGE, "[a-z]([-a-z0-9]*[a-z0-9])?", &["my-name", "abc-123"]));
    }
    errors
}

/// The loosest names, of RBAC objects and custom resources' parts of paths: no `/`, no `%`, not `.` or `..`.
pub fn path_segment(text: &str) -> Vec<String> {
    if matches!(text, "." | "..") {
        return vec![format!("may not be '{text}'")];
    }
    ["/", "%"]
        .into_iter()
        .filter(|odd| text.contains(odd))
        .map(|odd| format!("may not contain '{odd}'"))
        .collect()
}

fn is_label_text(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let end = |b: Option<u8>| b.is_some_and(|b| b.is_ascii_alphanumeric());
    text.bytes().all(inner) && end(text.bytes().next()) && end(text.bytes().last())
}

fn is_dns_label(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    let end = |b: Option<u8>| b.is_some_and(plain);
    text.bytes().all(|b| plain(b) || b == b'-') && end(text.bytes().next()) && end(text.bytes().last())
}

fn length_reason(max: usize) -> String {
    format!("must be no more than {max} bytes")
}

fn pattern_reason(message: &str, pattern: &str, examples: &[&str]) -> String {
    let quoted: Vec<String> = examples.iter().map(|example| format!("'{example}', ")).collect();
    format!("{message} (e.g. {}regex used for validation is '{pattern}')", quoted.join(" or "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(rule: fn(&str) -> Vec<String>, good: &[&str], bad: &[&str]) {
        for text in good {
            assert_eq!(rule(text), Vec::<String>::new(), "{text}");
        }
        for text in bad {
            assert_ne!(rule(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn keys_values_and_names_follow_their_rules() {
        let long = "a".repeat(64);
        check(
            label_key,
            &["a", "A.b_c-d", "example.com/name"],
            &["", "/a", "a/", "a/b/c", "-a", "X.com/a", &long],
        );
        check(label_value, &["", "a", "A_b.c-1"], &["-a", "a.", "a b", &long]);
        check(dns_subdomain, &["a", "a.b-c"], &["", "A", "a..b", "a_b", "-a", &"a.".repeat(130)]);
        check(dns_label, &["a", "1-b"], &["", "a.b", "A", &long]);
        check(dns_1035_label, &["a", "a-1"], &["1a", "", "a.b"]);
        check(path_segment, &["a:b", "System"], &[".", "..", "a/b", "a%b"]);
    }

    #[test]
    fn reasons_read_like_an_api_servers() {
        assert_eq!(
            label_value("a b"),
            [
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')"
            ]
        );
        assert_eq!(dns_label("a.b"), ["must not contain dots"]);
        assert_eq!(
            label_key("/"),
            [
                "prefix part must be non-empty",
                "name part must be non-empty",
                "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
            ]
        );
    }
}
