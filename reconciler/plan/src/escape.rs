//! Text from repositories and inventories, made harmless. A review is posted by a bot that people trust, and terminals and build logs obey what they are shown:
//! nothing in such a text may notify people, link, load an image, hide text, begin a line or end the block that it stands in.

/// Breaks words apart for a forge without showing.
const GAP: char = '\u{200b}';

/// For running text in Markdown.
pub fn prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in visible(text).chars() {
        match c {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '|' | '~' | '!' | '$' => {
                out.push('\\');
                out.push(c);
            }
            '&' => out.push_str("&amp;"),
            // Mentions (`@team`) and references (`#1`) come alive even behind a backslash.
            '@' | '#' => out.extend([c, GAP]),
            c => out.push(c),
        }
    }
    unlink(&out)
}

/// For a message: what stands between backticks is a code span, the rest running text. Both are harmless, so it does not matter whose the backticks are.
pub fn message(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return prose(text);
    }
    let escaped = parts.iter().enumerate().map(|(i, part)| match (i % 2, part.is_empty()) {
        (0, _) => prose(part),
        (_, true) => prose("``"),
        _ => code(part),
    });
    escaped.collect()
}

/// For a code span inside a table or a sentence.
pub fn code(text: &str) -> String {
    span(&visible(text).replace('|', "\\|"))
}

/// For a code span outside of tables: there a backslash before a bar would show.
pub fn code_outside_tables(text: &str) -> String {
    span(&visible(text))
}

fn span(text: &str) -> String {
    let mut inner = text.replace('@', &format!("@{GAP}"));
    let longest = inner.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    if inner.starts_with('`') || inner.ends_with('`') || inner.is_empty() {
        inner = format!(" {inner} ");
    }
    let ticks = "`".repeat(longest + 1);
    format!("{ticks}{inner}{ticks}")
}

/// A fenced block whose fence no line of it can close.
pub fn fenced(language: &str, lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| visible(line)).collect();
    let longest = lines.iter().flat_map(|line| line.split(|c| c != '`')).map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

/// For an HTML comment: nothing that could end it.
pub fn comment(text: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '/' | ':' | '-');
    text.chars().filter(plain).collect::<String>().replace("--", "-")
}

/// Without control characters and without characters that reorder or hide text; each is shown as its code.
pub fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        let hidden = matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        if c == '\n' || c == '\t' {
            out.push(' ');
        } else if c.is_control() || hidden {
            out.extend(c.escape_unicode());
        } else {
            out.push(c);
        }
    }
    out
}

/// Forges turn bare addresses into links.
fn unlink(text: &str) -> String {
    text.replace("://", &format!(":{GAP}//")).replace("www.", &format!("www{GAP}."))
}

#[cfg(test)]
mod tests {
    use super::{code, comment, fenced, message, prose, visible};

    #[test]
    fn prose_cannot_mention_link_or_format() {
        let text = prose("@team see #12, **x** <img src=a> [a](https://evil) ![b](c) www.evil `q` a|b");
        for live in ["@team", "#12", "**", "<img", "](", "://", "www.", " `q"] {
            let live_backslashed = text.contains(live) && !live.starts_with(['*', '<', ']']);
            assert!(!live_backslashed, "{live} in {text}");
        }
        assert!(text.contains("\\*\\*x\\*\\*") && text.contains("\\<img"), "{text}");
        assert_eq!(prose("plain text, shop/web"), "plain text, shop/web");
    }

    #[test]
    fn code_spans_and_fences_cannot_be_closed_from_inside() {
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
        assert_eq!(code("a|b"), "`a\\|b`");
        assert_eq!(fenced("diff", &["+```".to_owned()]), "````diff\n+```\n````\n");
        assert_eq!(fenced("diff", &["+a\n```".to_owned()]), "````diff\n+a ```\n````\n");
    }

    #[test]
    fn code_of_a_message_stays_code_and_its_rest_prose() {
        assert_eq!(message("write `a|b@c` for *x*"), "write `a\\|b@\u{200b}c` for \\*x\\*");
        assert_eq!(message("one ` alone <b>"), "one \\` alone \\<b\\>");
        assert_eq!(message("``x"), "\\`\\`x");
    }

    #[test]
    fn comments_cannot_be_ended_and_hidden_characters_show() {
        assert_eq!(comment("abc --> <b>"), "abc-b");
        assert_eq!(visible("a\u{202e}b\u{1b}[31m"), "a\\u{202e}b\\u{1b}[31m");
    }
}
