//! `.helmignore`: like `.gitignore`, but with Go's path matching, and the first rule that fits decides.

use crate::object::Origin;
use crate::tree::RepoPath;

use super::ChartError;

/// The name of the file; only the topmost chart's is read.
pub(super) const FILE_NAME: &str = ".helmignore";

/// The rules of one file.
#[derive(Debug, Default)]
pub(super) struct Rules {
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    pattern: String,
    negated: bool,
    directories_only: bool,
    /// Without a slash a rule is about the last component alone.
    whole_path: bool,
}

impl Rules {
    /// Reads the file; `text` is empty where there is none. Hidden files of `templates/` are always left out.
    pub(super) fn parse(file: &RepoPath, text: &str) -> Result<Self, ChartError> {
        let mut rules = Rules::default();
        for (at, line) in text.lines().enumerate() {
            let line_number = u32::try_from(at + 1).unwrap_or(u32::MAX);
            rules.add(line).map_err(|message| ChartError::file(&Origin::new(file, line_number), message))?;
        }
        rules.add("templates/.?*").map_err(|message| ChartError::file(&Origin::new(file, 0), message))?;
        Ok(rules)
    }

    fn add(&mut self, line: &str) -> Result<(), String> {
        let text = line.trim();
        if text.is_empty() || text.starts_with('#') {
            return Ok(());
        }
        if text.contains("**") {
            return Err("double-star (**) is not supported; name the directories".to_owned());
        }
        if path_match(text, "abc").is_none() {
            return Err("is no pattern; close its brackets".to_owned());
        }
        let (text, negated) = text.strip_prefix('!').map_or((text, false), |rest| (rest, true));
        let (text, directories_only) = text.strip_suffix('/').map_or((text, false), |rest| (rest, true));
        let whole_path = text.contains('/');
        let pattern = text.strip_prefix('/').unwrap_or(text).to_owned();
        self.rules.push(Rule { pattern, negated, directories_only, whole_path });
        Ok(())
    }

    /// Whether the file or directory at this path of the chart is left out.
    ///
    /// A quirk kept for compatibility: a negated rule leaves out everything that it does not name.
    pub(super) fn leave_out(&self, path: &str, is_directory: bool) -> bool {
        for rule in &self.rules {
            let wrong_kind = rule.directories_only && !is_directory;
            match (rule.negated, wrong_kind) {
                (true, true) => return true,
                (false, true) => {}
                (negated, false) if rule.fits(path) != negated => return true,
                _ => {}
            }
        }
        false
    }
}

impl Rule {
    fn fits(&self, path: &str) -> bool {
        let name = if self.whole_path { path } else { path.rsplit('/').next().unwrap_or(path) };
        path_match(&self.pattern, name).unwrap_or(false)
    }
}

/// Go's `path/filepath.Match`: `*` and `?` stop at a slash, `[^a-z]` is a class, a backslash takes the next character as it is.
/// None stands for a pattern that is none.
fn path_match(pattern: &str, name: &str) -> Option<bool> {
    let pattern: Vec<char> = pattern.chars().collect();
    let name: Vec<char> = name.chars().collect();
    well_formed(&pattern)?;
    Some(fits(&pattern, &name))
}

/// Where the class that begins at `from` (after its bracket) ends, when it is one.
fn class_end(pattern: &[char], from: usize) -> Option<usize> {
    let mut at = from + usize::from(pattern.get(from) == Some(&'^'));
    let first = at;
    loop {
        if pattern.get(at) == Some(&']') && at > first {
            return Some(at);
        }
        at = class_character(pattern, at)?.1;
        if pattern.get(at) == Some(&'-') {
            at = class_character(pattern, at + 1)?.1;
        }
    }
}

/// One character of a class, and where the next one begins.
fn class_character(pattern: &[char], at: usize) -> Option<(char, usize)> {
    match pattern.get(at)? {
        '-' | ']' => None,
        '\\' => pattern.get(at + 1).map(|c| (*c, at + 2)).filter(|(_, next)| *next < pattern.len()),
        c => (at + 1 < pattern.len()).then_some((*c, at + 1)),
    }
}

fn well_formed(pattern: &[char]) -> Option<()> {
    let mut at = 0;
    while let Some(c) = pattern.get(at) {
        at = match c {
            '[' => class_end(pattern, at + 1)? + 1,
            '\\' => {
                pattern.get(at + 1)?;
                at + 2
            }
            _ => at + 1,
        };
    }
    Some(())
}

/// Iterative matching with one place to go back to, so that no pattern costs more than pattern times name.
fn fits(pattern: &[char], name: &[char]) -> bool {
    let (mut p, mut n) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            back = Some((p + 1, n));
            p += 1;
            continue;
        }
        match (pattern.get(p), name.get(n)) {
            (None, None) => return true,
            (Some(_), Some(c)) => {
                if let Some(next) = one(pattern, p, *c) {
                    (p, n) = (next, n + 1);
                    continue;
                }
            }
            _ => {}
        }
        // The star before takes one character more, but no slash.
        match back {
            Some((after, from)) if name.get(from).is_some_and(|c| *c != '/') => {
                back = Some((after, from + 1));
                (p, n) = (after, from + 1);
            }
            _ => return false,
        }
    }
}

/// Where the pattern goes on when its element at `p` fits the character.
fn one(pattern: &[char], p: usize, c: char) -> Option<usize> {
    match pattern.get(p)? {
        '?' => (c != '/').then_some(p + 1),
        '[' => {
            let end = class_end(pattern, p + 1)?;
            let negated = pattern.get(p + 1) == Some(&'^');
            let mut at = p + 1 + usize::from(negated);
            let mut inside = false;
            while at < end {
                let (low, next) = class_character(pattern, at)?;
                let (high, next) = match pattern.get(next) {
                    Some('-') => class_character(pattern, next + 1)?,
                    _ => (low, next),
                };
                inside |= (low..=high).contains(&c);
                at = next;
            }
            (inside != negated).then_some(end + 1)
        }
        '\\' => (pattern.get(p + 1) == Some(&c)).then_some(p + 2),
        literal => (*literal == c).then_some(p + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn left_out(rules: &str, path: &str, is_directory: bool) -> bool {
        let file = RepoPath::parse(FILE_NAME).unwrap();
        Rules::parse(&file, rules).unwrap().leave_out(path, is_directory)
    }

    #[test]
    fn patterns_match_as_go_matches_paths() {
        fn check(pattern: &str, name: &str, expected: Option<bool>) {
            assert_eq!(path_match(pattern, name), expected, "{pattern} {name}");
        }
        check("abc", "abc", Some(true));
        check("*", "abc", Some(true));
        check("*c", "abc", Some(true));
        check("a*/b", "abc/b", Some(true));
        check("a*/b", "a/c/b", Some(false));
        check("a*b*c*d*e*/f", "axbxcxdxexxx/f", Some(true));
        check("a*b?c*x", "abxbbxdbxebxczzx", Some(true));
        check("ab[^e-g]", "abc", Some(true));
        check("[\\]a]", "]", Some(true));
        check("[\\-x]", "-", Some(true));
        check("a\\*b", "a*b", Some(true));
        check("a?b", "a/b", Some(false));
        check("[a-ζ]*", "α", Some(true));
        check("[]a]", "]", None);
        check("[-]", "-", None);
        check("[x-]", "x", None);
        check("[a-b-c]", "a", None);
        check("[", "a", None);
        check("[^bc", "a", None);
        check("a\\", "a", None);
        check("*x", "xxx", Some(true));
    }

    #[test]
    fn the_first_rule_that_fits_decides() {
        assert!(left_out("*.txt", "cargo/a.txt", false));
        assert!(left_out("cargo/*.txt", "cargo/a.txt", false));
        assert!(!left_out("cargo/*.txt", "mast/a.txt", false));
        assert!(left_out("/a.txt", "a.txt", false));
        assert!(!left_out("/a.txt", "cargo/a.txt", false));
        assert!(left_out("cargo/", "cargo", true));
        assert!(!left_out("cargo/", "cargo", false));
        assert!(left_out("", "templates/.swp", false));
        assert!(!left_out("# templates\n\n", "templates/a.yaml", false));
    }

    #[test]
    fn a_negated_rule_leaves_out_everything_else() {
        assert!(left_out("!*.yaml", "README.md", false));
        assert!(!left_out("!*.yaml", "a.yaml", false));
        assert!(left_out("!docs/", "a.yaml", false));
    }

    #[test]
    fn a_pattern_that_is_none_is_refused_with_its_line() {
        let refused =
            |text: &str| Rules::parse(&RepoPath::parse("x/.helmignore").unwrap(), text).unwrap_err();
        assert!(refused("a\nb/**/c").to_string().starts_with("x/.helmignore:2: double-star"));
        assert!(refused("[z-").to_string().starts_with("x/.helmignore:1: is no pattern"));
    }
}
