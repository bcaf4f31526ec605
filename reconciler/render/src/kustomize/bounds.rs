//! Limits on what steps may make of an object: a few short lines of JSON patch or replacement can double it again and again.

use crate::yaml::{Node, Value};

/// Levels of nesting. The loader admits 120, steps may add some.
const MAX_DEPTH: usize = 200;
/// Values in one object.
const MAX_NODES: usize = 1_000_000;
/// Bytes of one text that a step puts together.
const MAX_TEXT: usize = 4 << 20;
/// Steps of one path.
pub(super) const MAX_PATH: usize = 200;

/// How the message of a step ends that exceeds a limit.
const OVER: &str = "; that is more than a render makes of one object";

/// Whether a step failed because it exceeds a limit.
pub(super) fn is_over(message: &str) -> bool {
    message.ends_with(OVER)
}

/// What exceeds a limit, as the message of a step.
pub(super) fn over(what: &str) -> String {
    format!("{what}{OVER}")
}

/// Refuses an object that grew too large or too deep. It walks without recursion: depth is what it is there to limit.
pub(super) fn check(node: &Node) -> Result<(), String> {
    let mut left = vec![(node, 1)];
    let mut count = 0;
    while let Some((node, depth)) = left.pop() {
        count += 1;
        if depth > MAX_DEPTH {
            return Err(over(&format!("the object would be nested deeper than {MAX_DEPTH} levels")));
        }
        if count > MAX_NODES {
            return Err(over(&format!("the object would hold more than {MAX_NODES} values")));
        }
        match &node.value {
            Value::Seq(items) => left.extend(items.iter().map(|item| (item, depth + 1))),
            Value::Map(map) => left.extend(map.iter().map(|(_, item)| (item, depth + 1))),
            _ => {}
        }
    }
    Ok(())
}

/// Refuses a text that grew too long.
pub(super) fn check_text(text: &str) -> Result<(), String> {
    if text.len() <= MAX_TEXT {
        return Ok(());
    }
    Err(over(&format!("the text would be longer than {MAX_TEXT} bytes")))
}
