//! Floating point numbers as text: Go's `strconv.FormatFloat`, for numbers that are not negative.

/// The text of a number. A precision of none is the shortest text that reads back as the number.
pub(crate) fn format(number: f64, verb: char, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return "Inf".to_owned();
    }
    match verb {
        'f' => match precision {
            None => format!("{number}"),
            Some(precision) => {
                let (exact, zeros) = exactly(precision);
                format!("{number:.exact$}{zeros}")
            }
        },
        'e' | 'E' => {
            let text = match precision {
                None => format!("{number:e}"),
                Some(precision) => {
                    let (exact, zeros) = exactly(precision);
                    let text = format!("{number:.exact$e}");
                    text.replacen('e', &format!("{zeros}e"), 1)
                }
            };
            with_go_exponent(&text, verb)
        }
        'x' | 'X' => hexadecimal(number, precision, verb == 'X'),
        'b' => binary(number),
        _ => general(number, verb, precision),
    }
}

/// No float has more digits than this behind its point; what is asked for beyond are zeros.
const MOST_DIGITS: usize = 1100;

fn exactly(precision: usize) -> (usize, String) {
    (precision.min(MOST_DIGITS), "0".repeat(precision.saturating_sub(MOST_DIGITS)))
}

fn with_go_exponent(text: &str, e: char) -> String {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}{e}{sign}{:02}", exponent.abs())
}

/// `%g`: with an exponent where it is small or not below the precision.
fn general(number: f64, verb: char, precision: Option<usize>) -> String {
    let scientific = match precision {
        None => format!("{number:e}"),
        Some(precision) => format!("{number:.*e}", precision.clamp(1, MOST_DIGITS) - 1),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let mantissa =
        if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).count() as i64;
    let point = exponent + 1;
    let limit = match precision {
        None => 6,
        Some(precision) => {
            let precision = precision.max(1) as i64;
            if precision > digits && digits >= point { digits } else { precision }
        }
    };
    if exponent < -4 || exponent >= limit {
        let e = if verb == 'G' { 'E' } else { 'e' };
        return with_go_exponent(&format!("{mantissa}e{exponent}"), e);
    }
    // The digits are rounded already, so the shortest text of what they say is the text.
    let rounded: f64 = format!("{mantissa}e{exponent}").parse().unwrap_or(number);
    format!("{rounded}")
}

/// Mantissa and exponent to the base of two: `number = mantissa * 2^exponent`.
fn parts(number: f64) -> (u64, i32) {
    let bits = number.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    match i32::try_from((bits >> 52) & 0x7ff).unwrap_or(0) {
        0 => (fraction, -1074),
        biased => (fraction | 1 << 52, biased - 1075),
    }
}

fn binary(number: f64) -> String {
    let (mantissa, exponent) = parts(number);
    format!("{mantissa}p{exponent:+}")
}

/// `0x1.8p+01`: the shortest, or so many digits behind the point, halves to the even one.
fn hexadecimal(number: f64, precision: Option<usize>, upper: bool) -> String {
    let (mut mantissa, mut exponent) = parts(number);
    if mantissa == 0 {
        exponent = 0;
    } else {
        while mantissa < 1 << 52 {
            mantissa <<= 1;
            exponent -= 1;
        }
        exponent += 52;
    }
    if let Some(digits @ 0..13) = precision {
        let dropped = 52 - 4 * digits;
        let (kept, rest, half) =
            (mantissa >> dropped, mantissa & ((1 << dropped) - 1), 1_u64 << (dropped - 1));
        let up = rest > half || (rest == half && kept % 2 == 1);
        mantissa = (kept + u64::from(up)) << dropped;
        if mantissa >= 1 << 53 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let fraction = format!("{:013x}", mantissa & ((1 << 52) - 1));
    let fraction = match precision {
        None => fraction.trim_end_matches('0').to_owned(),
        Some(digits) if digits <= fraction.len() => fraction[..digits].to_owned(),
        Some(digits) => format!("{fraction}{}", "0".repeat(digits - fraction.len())),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    let text = format!("0x{}{point}{fraction}p{sign}{:02}", mantissa >> 52, exponent.abs());
    if upper { text.to_uppercase() } else { text }
}

/// The flag `#`: a decimal point always, for `%g` also the zeros that the precision asks for.
pub(super) fn with_point(text: &str, verb: char, precision: Option<usize>) -> String {
    let split = text.find(['e', 'E', 'p', 'P']).unwrap_or(text.len());
    let (number, tail) = text.split_at(split);
    let mut out = number.to_owned();
    let mut missing = match verb {
        'g' | 'G' => {
            let significant =
                number.trim_start_matches(['0', '.']).bytes().filter(u8::is_ascii_digit).count();
            precision.unwrap_or(6).saturating_sub(significant)
        }
        // Go counts the `x`, too.
        'x' => precision.unwrap_or(6).saturating_sub(number.bytes().skip(1).filter(|c| *c != b'.').count()),
        _ => 0,
    };
    if !out.contains('.') {
        if out == "0" {
            missing = missing.saturating_sub(1);
        }
        out.push('.');
    }
    out.push_str(&"0".repeat(missing));
    out + tail
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_print_as_in_go() {
        fn check(number: f64, verb: char, precision: Option<usize>, expected: &str) {
            assert_eq!(format(number, verb, precision), expected, "{number} {verb} {precision:?}");
        }
        check(10_000_000.0, 'g', None, "1e+07");
        check(123_456.0, 'g', None, "123456");
        check(1_234_567.0, 'g', None, "1.234567e+06");
        check(0.0001, 'g', None, "0.0001");
        check(0.00001, 'g', None, "1e-05");
        check(100.0, 'g', Some(2), "1e+02");
        check(100.0, 'g', Some(3), "100");
        check(1234.5678, 'g', Some(6), "1234.57");
        check(0.0, 'g', None, "0");
        check(2.5, 'f', Some(0), "2");
        check(1.0, 'f', Some(2), "1.00");
        check(1234.5, 'e', Some(2), "1.23e+03");
        check(1e21, 'f', None, "1000000000000000000000");
        check(255.0, 'x', None, "0x1.fep+07");
        check(1.5, 'X', Some(0), "0X1P+01");
        check(0.0, 'x', Some(2), "0x0.00p+00");
        check(1.999_999, 'x', Some(1), "0x1.0p+01");
        check(1.0, 'x', Some(15), "0x1.000000000000000p+00");
        check(1.0, 'b', None, "4503599627370496p-52");
        assert_eq!(with_point("1", 'g', None), "1.00000");
        assert_eq!(with_point("1e+07", 'g', None), "1.00000e+07");
        assert_eq!(with_point("0x1.8p+00", 'x', None), "0x1.8000p+00");
        assert_eq!(with_point("3", 'f', Some(0)), "3.");
    }
}
