//! Semantic versions, read leniently, and the ranges of Masterminds' library that `semverCompare` and Chart.yaml use.

use std::any::Any as StdAny;
use std::cmp::Ordering;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use super::Param::Text as AText;
use super::{Function, fixed, text};
use crate::helm::fault::Fault;
use crate::helm::value::{Host, UintKind, Value};

pub(super) const TABLE: &[Function] = &[
    fixed("semver", &[AText], |_, arguments| {
        Version::parse(&text(arguments, 0).as_str()).map(Value::host).ok_or_else(invalid)
    }),
    fixed("semverCompare", &[AText, AText], |_, arguments| {
        let range =
            Range::parse(&text(arguments, 0).as_str()).ok_or_else(|| Fault::wrong("improper constraint"))?;
        let version = Version::parse(&text(arguments, 1).as_str()).ok_or_else(invalid)?;
        Ok(Value::Bool(range.holds(&version)))
    }),
];

fn invalid() -> Fault {
    Fault::wrong("invalid semantic version")
}

/// Longer ones are refused upstream.
const LONGEST_VERSION: usize = 256;
const LONGEST_RANGE: usize = 512;
const MOST_ALTERNATIVES: usize = 32;

/// A semantic version. Missing parts are 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Version {
    major: u64,
    minor: u64,
    patch: u64,
    pre: String,
    metadata: String,
    original: String,
}

/// `v1`, `1.2`, `1.2.3-rc.1+build`.
static VERSION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let label = r"([0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)";
    Regex::new(&format!(r"^v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-{label})?(?:\+{label})?$")).ok()
});

impl Version {
    /// Reads a version. None: it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let parts = VERSION.as_ref().filter(|_| text.len() <= LONGEST_VERSION)?.captures(text)?;
        let number = |at: usize| parts.get(at).map_or(Some(0), |part| part.as_str().parse().ok());
        let label = |at: usize| parts.get(at).map_or("", |part| part.as_str());
        let leading_zero = |part: &str| part.len() > 1 && part.starts_with('0') && is_number(part);
        if label(4).split('.').any(leading_zero) {
            return None;
        }
        Some(Version {
            major: number(1)?,
            minor: number(2)?,
            patch: number(3)?,
            pre: label(4).to_owned(),
            metadata: label(5).to_owned(),
            original: text.to_owned(),
        })
    }

    /// By the rules of semantic versions; metadata does not count.
    pub(crate) fn compare(&self, other: &Version) -> Ordering {
        let numbers = |version: &Version| (version.major, version.minor, version.patch);
        numbers(self).cmp(&numbers(other)).then_with(|| match (self.pre.is_empty(), other.pre.is_empty()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Greater,
            (false, true) => Ordering::Less,
            (false, false) => compare_labels(&self.pre, &other.pre),
        })
    }

    fn next(&self, major: u64, minor: u64, patch: u64) -> Value {
        let mut next = Version {
            major,
            minor,
            patch,
            pre: String::new(),
            metadata: String::new(),
            original: String::new(),
        };
        let prefix = if self.original.starts_with('v') { "v" } else { "" };
        next.original = format!("{prefix}{}", next.display());
        Value::host(next)
    }
}

fn is_number(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit())
}

fn compare_labels(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.split('.'), b.split('.'));
    loop {
        let order = match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match (a.parse::<u64>(), b.parse::<u64>()) {
                (Ok(a), Ok(b)) => a.cmp(&b),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => a.cmp(b),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

impl Host for Version {
    fn type_name(&self) -> &'static str {
        "*semver.Version"
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, Fault>> {
        let number = |number: u64| Value::Uint(UintKind::Uint64, number);
        let other = match arguments {
            [Value::Host(object)] => object.as_any().downcast_ref::<Version>(),
            _ => None,
        };
        let result = match (name, other) {
            ("Major", None) => number(self.major),
            ("Minor", None) => number(self.minor),
            ("Patch", None) => number(self.patch),
            ("Prerelease", None) => Value::text(self.pre.as_str()),
            ("Metadata", None) => Value::text(self.metadata.as_str()),
            ("Original", None) => Value::text(self.original.as_str()),
            ("String", None) => Value::text(self.display()),
            ("IncMajor", None) => self.next(self.major.wrapping_add(1), 0, 0),
            ("IncMinor", None) => self.next(self.major, self.minor.wrapping_add(1), 0),
            // A prerelease comes before the very patch level it is of.
            ("IncPatch", None) if self.pre.is_empty() => {
                self.next(self.major, self.minor, self.patch.wrapping_add(1))
            }
            ("IncPatch", None) => self.next(self.major, self.minor, self.patch),
            ("Compare", Some(other)) => Value::int(self.compare(other) as i64),
            ("Equal", Some(other)) => Value::Bool(self.compare(other).is_eq()),
            ("LessThan", Some(other)) => Value::Bool(self.compare(other).is_lt()),
            ("LessThanEqual", Some(other)) => Value::Bool(self.compare(other).is_le()),
            ("GreaterThan", Some(other)) => Value::Bool(self.compare(other).is_gt()),
            ("GreaterThanEqual", Some(other)) => Value::Bool(self.compare(other).is_ge()),
            (
                "Compare" | "Equal" | "LessThan" | "LessThanEqual" | "GreaterThan" | "GreaterThanEqual",
                None,
            ) => {
                return Some(Err(Fault::wrong(format!("{name} takes one version"))));
            }
            _ => return None,
        };
        let takes_none = other.is_none() && !arguments.is_empty();
        Some(if takes_none {
            Err(Fault::wrong(format!("wrong number of args for {name}: want 0")))
        } else {
            Ok(result)
        })
    }

    fn display(&self) -> String {
        let label =
            |mark: &str, label: &str| if label.is_empty() { String::new() } else { format!("{mark}{label}") };
        let (pre, metadata) = (label("-", &self.pre), label("+", &self.metadata));
        format!("{}.{}.{}{pre}{metadata}", self.major, self.minor, self.patch)
    }

    fn parts(&self) -> Option<Vec<(&'static str, Value)>> {
        let number = |number: u64| Value::Uint(UintKind::Uint64, number);
        Some(vec![
            ("major", number(self.major)),
            ("minor", number(self.minor)),
            ("patch", number(self.patch)),
            ("pre", Value::text(self.pre.as_str())),
            ("metadata", Value::text(self.metadata.as_str())),
            ("original", Value::text(self.original.as_str())),
        ])
    }

    fn deep_copied(&self) -> Option<Value> {
        let nothing = String::new;
        Some(Value::host(Version {
            major: 0,
            minor: 0,
            patch: 0,
            pre: nothing(),
            metadata: nothing(),
            original: nothing(),
        }))
    }

    fn as_any(&self) -> &dyn StdAny {
        self
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    /// Equal, or `~` where a part is missing.
    Matches,
    Not,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    Tilde,
    Caret,
}

/// The first part that is missing or a placeholder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Major,
    Minor,
    Patch,
}

#[derive(Debug)]
struct Condition {
    operator: Operator,
    version: Version,
    open: Open,
}

/// Conditions such as `>=1.2 <2 || ^3`: one group of them has to hold.
#[derive(Debug)]
pub(crate) struct Range {
    groups: Vec<Vec<Condition>>,
}

const OPERATOR: &str = r"(=|!=|>=|=>|<=|=<|>|<|~>|~|\^|)";
const PART: &str = r"[0-9xX*|]+";

fn version_pattern() -> String {
    let label = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*";
    format!(r"v?({PART})(?:\.({PART}))?(?:\.({PART}))?(-{label})?(\+{label})?")
}

fn plain_version_pattern() -> String {
    version_pattern().replace('(', "(?:").replace("(?:?:", "(?:")
}

/// `1.2 - 1.4.5`
static HYPHEN: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let version = plain_version_pattern();
    Regex::new(&format!(r"\s*({version})\s+-\s+({version})\s*")).ok()
});
static CONDITION: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(&format!(r"{OPERATOR}\s*{}", version_pattern())).ok());
static GROUP: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let one = format!(r"(?:=|!=|>=|=>|<=|=<|>|<|~>|~|\^|)\s*{}", plain_version_pattern());
    Regex::new(&format!(r"^\s*{one}\s*(?:(?:\s+|,\s*){one}\s*)*$")).ok()
});

impl Range {
    /// Reads a range. None: it is none.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if text.len() > LONGEST_RANGE {
            return None;
        }
        let spelled = HYPHEN.as_ref()?.replace_all(text, ">= $1, <= $2 ");
        let groups: Vec<&str> = spelled.split("||").collect();
        if groups.len() > MOST_ALTERNATIVES {
            return None;
        }
        let read = |group: &&str| {
            if !GROUP.as_ref()?.is_match(group) {
                return None;
            }
            CONDITION.as_ref()?.captures_iter(group).map(|parts| Condition::read(&parts)).collect()
        };
        Some(Range { groups: groups.iter().map(read).collect::<Option<_>>()? })
    }

    /// Whether a version is in the range. A prerelease is only where a condition of the group names one.
    pub(crate) fn holds(&self, version: &Version) -> bool {
        self.groups.iter().any(|group| {
            let with_prereleases = group.iter().any(|condition| !condition.version.pre.is_empty());
            (version.pre.is_empty() || with_prereleases)
                && group.iter().all(|condition| condition.holds(version))
        })
    }
}

impl Condition {
    fn read(parts: &Captures<'_>) -> Option<Self> {
        let part = |at: usize| {
            parts.get(at).map(|part| part.as_str()).filter(|part| !matches!(*part, "x" | "X" | "*"))
        };
        let operator = match parts.get(1)?.as_str() {
            "!=" => Operator::Not,
            ">" => Operator::Greater,
            "<" => Operator::Less,
            ">=" | "=>" => Operator::GreaterOrEqual,
            "<=" | "=<" => Operator::LessOrEqual,
            "~" | "~>" => Operator::Tilde,
            "^" => Operator::Caret,
            _ => Operator::Matches,
        };
        let label = |at: usize| parts.get(at).map_or("", |part| part.as_str());
        let (open, numbers) = match (part(2), part(3), part(4)) {
            (None, ..) => (Open::Major, "0.0.0".to_owned()),
            (Some(major), None, _) => (Open::Minor, format!("{major}.0.0")),
            (Some(major), Some(minor), None) => (Open::Patch, format!("{major}.{minor}.0")),
            (Some(major), Some(minor), Some(patch)) => (Open::Nothing, format!("{major}.{minor}.{patch}")),
        };
        // Where a part is open only the prerelease of the rest counts.
        let metadata = if open == Open::Nothing { label(6) } else { "" };
        let version = Version::parse(&format!("{numbers}{}{metadata}", label(5)))?;
        Some(Condition { operator, version, open })
    }

    fn holds(&self, version: &Version) -> bool {
        let order = version.compare(&self.version);
        let (own, open) = (&self.version, self.open);
        match self.operator {
            Operator::Less => order.is_lt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::Greater => match open {
                Open::Nothing => order.is_gt(),
                _ if version.major != own.major => version.major > own.major,
                Open::Minor => false,
                Open::Patch => version.minor > own.minor,
                Open::Major => order.is_gt(),
            },
            Operator::LessOrEqual => match open {
                Open::Nothing => order.is_le(),
                _ if version.major > own.major => false,
                Open::Minor => true,
                _ => !(version.major == own.major && version.minor > own.minor),
            },
            Operator::Not => self.differs(version),
            Operator::Matches if open == Open::Nothing => order.is_eq(),
            Operator::Matches | Operator::Tilde => {
                let anything = (own.major, own.minor, own.patch) == (0, 0, 0)
                    && !matches!(open, Open::Minor | Open::Patch);
                order.is_ge()
                    && (anything
                        || (version.major == own.major
                            && (version.minor == own.minor || open == Open::Minor)))
            }
            Operator::Caret => order.is_ge() && self.in_caret(version),
        }
    }

    fn differs(&self, version: &Version) -> bool {
        let own = &self.version;
        if self.open == Open::Nothing {
            return version.compare(own).is_ne();
        }
        if version.major != own.major {
            return true;
        }
        if version.minor != own.minor && self.open != Open::Minor {
            return true;
        }
        match self.open {
            Open::Minor => false,
            Open::Patch => {
                (!version.pre.is_empty() || !own.pre.is_empty())
                    && compare_pre(&version.pre, &own.pre).is_ne()
            }
            _ => version.patch != own.patch || version.compare(own).is_ne(),
        }
    }

    fn in_caret(&self, version: &Version) -> bool {
        let own = &self.version;
        if own.major > 0 || self.open == Open::Minor {
            return version.major == own.major;
        }
        if version.major > 0 {
            return false;
        }
        if own.minor > 0 || self.open == Open::Patch {
            return version.minor == own.minor;
        }
        version.minor == 0 && version.patch == own.patch
    }
}

fn compare_pre(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => compare_labels(a, b),
    }
}
