//! What a text allows: libyaml's analysis of a scalar.

/// How a text may be written.
pub(super) struct Analysis {
    pub(super) multiline: bool,
    pub(super) plain_allowed: bool,
    pub(super) single_allowed: bool,
    pub(super) block_allowed: bool,
}

/// What was seen on the way through the text.
#[derive(Default)]
struct Seen {
    indicators: bool,
    special: bool,
    tab: bool,
    leading: bool,
    trailing: bool,
    trailing_space: bool,
    break_space: bool,
    space_break: bool,
    breaks: bool,
}

pub(super) fn is_break(c: char) -> bool {
    matches!(c, '\r' | '\n' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// go-yaml's idea of printable: no tab, no BOM, nothing above U+FFFF.
pub(super) fn is_printable(c: char) -> bool {
    match c {
        '\n' | ' '..='~' => true,
        '\u{feff}' | '\u{fffe}' | '\u{ffff}' => false,
        '\u{a0}'..='\u{ffff}' => true,
        _ => false,
    }
}

pub(super) fn escape(c: char) -> String {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            return match c as u32 {
                code @ 0..=0xff => format!("\\x{code:02X}"),
                code @ 0x100..=0xffff => format!("\\u{code:04X}"),
                code => format!("\\U{code:08X}"),
            };
        }
    };
    format!("\\{short}")
}

/// `tabs_in_blocks`: whether block text may hold what is not printable only for being a tab.
pub(super) fn analyse(text: &str, tabs_in_blocks: bool) -> Analysis {
    if text.is_empty() {
        return Analysis {
            multiline: false,
            plain_allowed: true,
            single_allowed: true,
            block_allowed: false,
        };
    }
    let seen = look(text);
    let spoiled = seen.space_break || seen.special || seen.tab;
    Analysis {
        multiline: seen.breaks,
        plain_allowed: !(seen.leading
            || seen.trailing
            || seen.break_space
            || spoiled
            || seen.breaks
            || seen.indicators),
        single_allowed: !(seen.break_space || spoiled),
        block_allowed: !(seen.trailing_space
            || seen.space_break
            || seen.special
            || (seen.tab && !tabs_in_blocks)),
    }
}

fn look(text: &str) -> Seen {
    let mut seen = Seen { indicators: text.starts_with("---") || text.starts_with("..."), ..Seen::default() };
    let (mut after_blank, mut after_space, mut after_break, mut first) = (true, false, false, true);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let last = rest.peek().is_none();
        let before_blank = rest.peek().is_none_or(|next| *next == ' ' || *next == '\t' || is_break(*next));
        seen.indicators |= match c {
            '#' if first => true,
            ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => first,
            '?' | '-' => first && before_blank,
            ':' => before_blank,
            '#' => after_blank,
            _ => false,
        };
        seen.tab |= c == '\t';
        seen.special |= !is_printable(c) && c != '\t';
        if c == ' ' {
            seen.leading |= first;
            seen.trailing |= last;
            seen.trailing_space |= last;
            seen.break_space |= after_break;
            (after_space, after_break) = (true, false);
        } else if is_break(c) {
            seen.breaks = true;
            seen.leading |= first;
            seen.trailing |= last;
            seen.space_break |= after_space;
            (after_space, after_break) = (false, true);
        } else {
            (after_space, after_break) = (false, false);
        }
        after_blank = c == ' ' || c == '\t' || is_break(c);
        first = false;
    }
    seen
}
