//! What becomes of folded text (`>`) on its way through go-yaml.
//!
//! kustomize prints every object in the styles it was written in and reads it back before it becomes JSON. go-yaml's writer of folded text looks for what
//! follows a line break at the beginning of the text instead of behind the break, and so writes one break too many before lines that are indented
//! more: an empty line that the reader then finds there.

use super::emit::may_be_block;

/// The text as it comes back.
pub(super) fn read_back(text: &str) -> String {
    let begins = text.trim_start_matches('\n');
    if !text.contains('\n') || begins.is_empty() || begins.starts_with([' ', '\t']) || !may_be_block(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 8);
    for (at, line) in lines(text) {
        out.push_str(line);
        let indented = line.starts_with([' ', '\t']);
        let (shown, rest) = (!line.starts_with('\n'), &text[at + line.len()..]);
        let next = rest.trim_start_matches('\n');
        let one_more = next.starts_with([' ', '\t']) || (next.is_empty() && rest.starts_with('\n'));
        if line.ends_with('\n') && shown && !indented && one_more {
            out.push('\n');
        }
    }
    out
}

/// Every line with its break, and where it begins.
fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.split_inclusive('\n').scan(0, |at, line| {
        let begin = *at;
        *at += line.len();
        Some((begin, line))
    })
}

#[cfg(test)]
mod tests {
    use super::read_back;

    #[test]
    fn lines_that_are_indented_more_gain_an_empty_line_before_them() {
        for (text, expected) in [
            ("sum(\n  rate(x[5m])\n) > 0\n", "sum(\n\n  rate(x[5m])\n) > 0\n"),
            ("a\n  b\n  c\nd\n", "a\n\n  b\n  c\nd\n"),
            ("a\n\n  b\n", "a\n\n\n  b\n"),
            ("a\nb\n\nc\n", "a\nb\n\nc\n"),
            ("a\n b\nc\n\n", "a\n\n b\nc\n\n\n"),
            ("\n  a\n b\n", "\n  a\n b\n"),
            ("a  \n  b\n", "a  \n  b\n"),
            ("\u{1f600}\n  b\n", "\u{1f600}\n  b\n"),
        ] {
            assert_eq!(read_back(text), expected, "{text:?}");
        }
    }
}
