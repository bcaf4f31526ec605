//! go-yaml's order of keys.

use std::cmp::Ordering;

/// Compares rune by rune; at the first difference two letters compare by code point, a letter sorts after a non-letter, and
/// runs of digits compare as numbers (`f2` before `f10`).
pub(super) fn natural_order(a: &str, b: &str) -> Ordering {
    if let (Some(x), Some(y)) = (a.as_bytes().first(), b.as_bytes().first())
        && x != y
        && x.is_ascii_alphabetic()
        && y.is_ascii_alphabetic()
    {
        return x.cmp(y);
    }
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = left.iter().zip(&right).position(|(x, y)| x != y) else {
        return left.len().cmp(&right.len());
    };
    let (x, y) = (left[at], right[at]);
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => x.cmp(&y),
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => numbers(&left, &right, at).then_with(|| x.cmp(&y)),
    }
}

/// Compares the digit runs that start at position `at`.
fn numbers(left: &[char], right: &[char], at: usize) -> Ordering {
    // Behind a non-zero digit zeros count as digits of the number, elsewhere they are leading zeros.
    let inside = (left[at] == '0' || right[at] == '0')
        && left[..at].iter().rev().take_while(|c| c.is_numeric()).any(|c| *c != '0');
    let run = |text: &[char]| {
        text[at..].iter().take_while(|c| c.is_numeric()).fold((i64::from(inside), at), |(value, end), c| {
            let digit = i64::from(*c as u32) - i64::from('0' as u32);
            (value.wrapping_mul(10).wrapping_add(digit), end + 1)
        })
    };
    run(left).cmp(&run(right))
}
