//! Exact quantities of resources: `500m`, `1.5Gi`, `100e-3`.
//!
//! A quantity is a whole number times a power of ten, held exactly. What has more than nine decimals is rounded away from zero to the ninth, as upstream does.
//! Source of grammar and canonical form: `k8s.io/apimachinery/pkg/api/resource`, with which the tests compare.

use std::cmp::Ordering;
use std::fmt;

use serde_json::Value;

use crate::goprint;

/// How a quantity is printed: the family of its suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `k`, `M`, `m`, or none.
    DecimalSi,
    /// `Ki`, `Mi`.
    BinarySi,
    /// `e3`.
    DecimalExponent,
}

/// Why a text is no quantity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuantityError {
    /// Not a number with a suffix.
    #[error("quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    Format,
    /// The number has no digits, or is too large to be held exactly (38 digits).
    #[error("unable to parse numeric part of quantity")]
    Numeric,
    /// No such suffix.
    #[error("unable to parse quantity's suffix")]
    Suffix,
}

/// A quantity. Compared by value: `1` equals `1000m`. Displays canonically, as an API server returns it.
#[derive(Clone, Debug)]
pub struct Quantity {
    mantissa: i128,
    /// The power of ten.
    scale: i32,
    format: Format,
    /// The text as it was written, where upstream keeps it: a quirk that lets `1.500` and `+1Ki` through.
    kept: Option<Box<str>>,
}

/// No finer than this is held: nano.
const FINEST: i32 = -9;
/// Binary quantities are capped here, as upstream.
const BINARY_MAX: i128 = i64::MAX as i128;
const BINARY_SUFFIXES: [(&str, u32); 6] =
    [("Ki", 10), ("Mi", 20), ("Gi", 30), ("Ti", 40), ("Pi", 50), ("Ei", 60)];
const DECIMAL_SUFFIXES: [(&str, i32); 10] =
    [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

impl Quantity {
    /// Reads a quantity.
    ///
    /// # Errors
    /// When the text is none.
    pub fn parse(text: &str) -> Result<Self, QuantityError> {
        if text.is_empty() {
            return Err(QuantityError::Format);
        }
        let parts = Parts::split(text)?;
        let suffix = Suffix::parse(parts.suffix).ok_or(QuantityError::Suffix)?;
        let mut quantity = parts.value(&suffix)?;
        if parts.keeps_text(&suffix, &quantity) {
            quantity.kept = Some(text.into());
        }
        Ok(quantity)
    }

    /// Reads a quantity from JSON: a string or a number, surrounding white space ignored. `None` for other JSON types.
    ///
    /// # Errors
    /// As [`Quantity::parse`].
    pub fn from_json(value: &Value) -> Option<Result<Self, QuantityError>> {
        match value {
            Value::String(text) => Some(Self::parse(text.trim())),
            Value::Number(_) => Some(Self::parse(&goprint::json(value))),
            _ => None,
        }
    }

    /// The family of the suffix it was written with.
    pub fn format(&self) -> Format {
        self.format
    }

    /// Whether the value is zero.
    pub fn is_zero(&self) -> bool {
        self.mantissa == 0
    }

    /// Whether the value is below zero.
    pub fn is_negative(&self) -> bool {
        self.mantissa < 0
    }

    /// The sum, printed like `self`, or like `other` where `self` is zero; `None` when it cannot be held exactly.
    pub fn checked_add(&self, other: &Self) -> Option<Self> {
        let scale = if self.is_zero() { other.scale } else { self.scale.min(other.scale) };
        let aligned = |q: &Self| match q.mantissa {
            0 => Some(0),
            mantissa => mantissa.checked_mul(power_of_ten(q.scale.checked_sub(scale)?)?),
        };
        let scale = if other.is_zero() { self.scale } else { scale };
        let aligned_other = if other.is_zero() { 0 } else { aligned(other)? };
        let aligned_self = match self.mantissa {
            0 => 0,
            mantissa => mantissa.checked_mul(power_of_ten(self.scale.checked_sub(scale)?)?)?,
        };
        let format = if self.is_zero() { other.format } else { self.format };
        Some(Self { mantissa: aligned_self.checked_add(aligned_other)?, scale, format, kept: None })
    }

    /// The value in units of 10^`scale`, rounded away from zero; `None` when it does not fit.
    pub fn scaled(&self, scale: i32) -> Option<i128> {
        let by = self.scale.checked_sub(scale)?;
        if by >= 0 || self.mantissa == 0 {
            return if self.mantissa == 0 { Some(0) } else { self.mantissa.checked_mul(power_of_ten(by)?) };
        }
        match power_of_ten(by.checked_neg()?) {
            Some(divisor) => Some(divide_away_from_zero(self.mantissa, divisor)),
            None => Some(self.mantissa.signum()),
        }
    }

    /// The value rounded away from zero to a multiple of 10^`scale`; `None` when it is one already.
    pub fn rounded_up(&self, scale: i32) -> Option<Self> {
        if self.stripped().1 >= scale || self.is_zero() {
            return None;
        }
        Some(Self { mantissa: self.scaled(scale)?, scale, format: self.format, kept: None })
    }

    /// The value rounded to the nearest double, for gauges and sorting, never for decisions.
    pub fn to_f64(&self) -> f64 {
        format!("{}e{}", self.mantissa, self.scale).parse().unwrap_or(f64::NAN)
    }

    /// The form that an API server returns.
    pub fn canonical(&self) -> String {
        self.kept.as_deref().map_or_else(|| self.print(), ToOwned::to_owned)
    }

    fn print(&self) -> String {
        if self.is_zero() {
            return "0".to_owned();
        }
        match self.format {
            Format::BinarySi => self.print_binary().unwrap_or_else(|| self.print_decimal(Format::DecimalSi)),
            format => self.print_decimal(format),
        }
    }

    /// `None` for what is small or has a fraction, and is printed as a decimal.
    fn print_binary(&self) -> Option<String> {
        let mut whole = self.scaled(0)?;
        let exact = Self { mantissa: whole, scale: 0, format: self.format, kept: None } == *self;
        if !exact || whole.abs() < 1024 {
            return None;
        }
        let mut suffix = "";
        for (larger, _) in BINARY_SUFFIXES {
            if whole % 1024 != 0 || whole.abs() < 1024 {
                break;
            }
            whole /= 1024;
            suffix = larger;
        }
        Some(format!("{whole}{suffix}"))
    }

    fn print_decimal(&self, format: Format) -> String {
        let (mut mantissa, mut exponent) = self.stripped();
        // The exponent is a multiple of three. At most two zeros are put back, which were stripped or fit beside 38 digits less often than anybody writes them.
        while exponent % 3 != 0 {
            let Some(more) = mantissa.checked_mul(10) else { break };
            mantissa = more;
            exponent -= 1;
        }
        if format == Format::DecimalSi
            && let Some((suffix, _)) = DECIMAL_SUFFIXES.iter().find(|(_, power)| *power == exponent)
        {
            return format!("{mantissa}{suffix}");
        }
        // Upstream prints 1000E without a suffix, as 1: not copied.
        match exponent {
            0 => mantissa.to_string(),
            _ => format!("{mantissa}e{exponent}"),
        }
    }

    /// Without zeros at the end.
    fn stripped(&self) -> (i128, i32) {
        let (mut mantissa, mut exponent) = (self.mantissa, self.scale);
        while mantissa != 0 && mantissa % 10 == 0 {
            mantissa /= 10;
            exponent = exponent.saturating_add(1);
        }
        (mantissa, exponent)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.canonical())
    }
}

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Quantity {}

impl PartialOrd for Quantity {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Quantity {
    /// By value, exactly, whatever the exponents.
    fn cmp(&self, other: &Self) -> Ordering {
        let signs = self.mantissa.signum().cmp(&other.mantissa.signum());
        if signs != Ordering::Equal || self.mantissa == 0 {
            return signs;
        }
        let size = size_order(self, other);
        if self.mantissa < 0 { size.reverse() } else { size }
    }
}

/// The order of the absolute values: by the place of the first digit, then by the digits.
fn size_order(a: &Quantity, b: &Quantity) -> Ordering {
    let digits = |q: &Quantity| {
        let (mantissa, exponent) = q.stripped();
        let digits = mantissa.unsigned_abs().to_string();
        let place = i64::from(exponent) + i64::try_from(digits.len()).unwrap_or(i64::MAX);
        (place, digits)
    };
    // Digits without zeros at the end compare like fractions.
    digits(a).cmp(&digits(b))
}

/// A text, split: sign, digits without leading zeros, decimals, suffix.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    decimals: &'a str,
    suffix: &'a str,
    /// Nothing but zeros, no suffix.
    is_bare_zero: bool,
    has_digits: bool,
}

enum Suffix {
    Binary(u32),
    Decimal(i32),
    Exponent(i32),
}

impl<'a> Parts<'a> {
    fn split(text: &'a str) -> Result<Self, QuantityError> {
        let negative = text.starts_with('-');
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let number = unsigned.trim_start_matches('0');
        let (whole, rest) = split_digits(number);
        let (decimals, suffix) = rest.strip_prefix('.').map_or(("", rest), split_digits);
        let letters = suffix.trim_start_matches(|c| "eEinumkKMGTP".contains(c));
        let exponent = letters.strip_prefix(['+', '-']).unwrap_or(letters);
        if !exponent.bytes().all(|b| b.is_ascii_digit()) {
            return Err(QuantityError::Format);
        }
        Ok(Self {
            negative,
            whole,
            decimals,
            suffix,
            is_bare_zero: number.is_empty(),
            has_digits: unsigned.starts_with(|c: char| c.is_ascii_digit()) || !decimals.is_empty(),
        })
    }

    fn value(&self, suffix: &Suffix) -> Result<Quantity, QuantityError> {
        let (format, factor, power) = match suffix {
            Suffix::Binary(bits) => (Format::BinarySi, 1_i128 << bits, 0),
            Suffix::Decimal(power) => (Format::DecimalSi, 1, *power),
            Suffix::Exponent(power) => (Format::DecimalExponent, 1, *power),
        };
        // A quirk of upstream: `Mi` is zero, `Pi` is an error.
        if !self.has_digits && matches!(suffix, Suffix::Binary(50..)) {
            return Err(QuantityError::Numeric);
        }
        let places = i32::try_from(self.decimals.len()).map_err(|_| QuantityError::Numeric)?;
        let scale = power.checked_sub(places).ok_or(QuantityError::Numeric)?;
        let digits = format!("{}{}", self.whole, self.decimals);
        let (mut mantissa, scale) = rounded(digits.trim_start_matches('0'), scale, factor)?;
        let mut format = format;
        if format == Format::BinarySi {
            let unit = Quantity { mantissa: 1, scale: 0, format, kept: None };
            let size = Quantity { mantissa, scale, format, kept: None };
            let largest = Quantity { mantissa: BINARY_MAX, ..unit.clone() };
            if size > largest {
                mantissa = BINARY_MAX;
                let sign = if self.negative { -1 } else { 1 };
                return Ok(Quantity { mantissa: sign * mantissa, ..largest });
            }
            if mantissa != 0 && size < unit && self.goes_the_long_way(suffix) {
                format = Format::DecimalSi;
            }
        }
        let sign = if self.negative { -1 } else { 1 };
        let is_zero = mantissa == 0;
        let scale = if is_zero { 0 } else { scale };
        Ok(Quantity { mantissa: sign * mantissa, scale, format, kept: None })
    }

    /// Upstream's fast path takes binary numbers without decimals only.
    fn goes_the_long_way(&self, suffix: &Suffix) -> bool {
        !self.decimals.is_empty() && matches!(suffix, Suffix::Binary(_))
    }

    /// Whether upstream's fast path keeps the text: it takes it for canonical when the exponent is a multiple of three and the digits do not end with three zeros.
    fn keeps_text(&self, suffix: &Suffix, value: &Quantity) -> bool {
        if self.is_bare_zero || value.is_zero() {
            return false;
        }
        let length = self.whole.len().max(1) + self.decimals.len();
        match suffix {
            Suffix::Binary(bits) => {
                let precision = 15_i64 - as_i64(self.whole.len().max(1)) - i64::from(*bits * 3 / 10) - 1;
                let number: i64 = self.whole.parse().unwrap_or_default();
                self.decimals.is_empty() && precision >= 0 && number & 7 != 0
            }
            Suffix::Decimal(power) | Suffix::Exponent(power) => {
                let scale = i64::from(*power) - as_i64(self.decimals.len());
                let digits = format!("{}{}", self.whole, self.decimals);
                let starts_with_zero = self.whole.is_empty();
                length <= 18
                    && scale >= i64::from(FINEST)
                    && scale % 3 == 0
                    && !starts_with_zero
                    && !digits.ends_with("000")
            }
        }
    }
}

fn as_i64(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}

impl Suffix {
    fn parse(text: &str) -> Option<Self> {
        if let Some((_, power)) = DECIMAL_SUFFIXES.iter().find(|(suffix, _)| *suffix == text) {
            return Some(Self::Decimal(*power));
        }
        if let Some((_, bits)) = BINARY_SUFFIXES.iter().find(|(suffix, _)| *suffix == text) {
            return Some(Self::Binary(*bits));
        }
        text.strip_prefix(['e', 'E'])?.parse().ok().map(Self::Exponent)
    }
}

fn split_digits(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// Digits times 10^scale times a factor, rounded up where it is finer than nano.
fn rounded(digits: &str, scale: i32, factor: i128) -> Result<(i128, i32), QuantityError> {
    let excess = usize::try_from(i64::from(FINEST).saturating_sub(i64::from(scale))).unwrap_or(0);
    if digits.is_empty() {
        return Ok((0, 0));
    }
    // A fraction of bytes is first multiplied, then rounded.
    if excess == 0 || factor > 1 {
        let exact = digits.parse::<i128>().ok().and_then(|number| number.checked_mul(factor));
        if let Some(number) = exact {
            return Ok(round_to_nano(number, scale));
        }
    }
    let kept = digits.get(..digits.len().saturating_sub(excess)).unwrap_or_default();
    let dropped = digits.get(kept.len()..).unwrap_or_default();
    let number: i128 = if kept.is_empty() { 0 } else { kept.parse().map_err(|_| QuantityError::Numeric)? };
    let up = i128::from(dropped.bytes().any(|b| b != b'0'));
    let number = number.checked_add(up).and_then(|n| n.checked_mul(factor)).ok_or(QuantityError::Numeric)?;
    Ok((number, scale.max(FINEST)))
}

fn round_to_nano(number: i128, scale: i32) -> (i128, i32) {
    match power_of_ten(FINEST.saturating_sub(scale)) {
        _ if scale >= FINEST => (number, scale),
        Some(divisor) => (divide_away_from_zero(number, divisor), FINEST),
        None => (number.signum(), FINEST),
    }
}

fn divide_away_from_zero(number: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (number / divisor, number % divisor);
    quotient + rest.signum()
}

fn power_of_ten(power: i32) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(power).ok()?)
}

#[cfg(test)]
mod tests;
