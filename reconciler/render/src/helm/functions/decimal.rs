//! Decimal arithmetic for `addf` and its kin, as shopspring's decimals do it.

/// A number of digits and a power of ten: `digits * 10^exponent`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Decimal {
    digits: i128,
    exponent: i32,
    /// The number as a float, for where the digits do not fit.
    float: f64,
    exact: bool,
}

/// What to calculate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Sub,
    Mul,
    Div,
}

/// Digits behind the point that a division gives.
const DIVISION_PLACES: i32 = 16;

impl Decimal {
    /// The shortest decimal that stands for the float. None: it is infinite or no number.
    pub(super) fn from_float(float: f64) -> Option<Self> {
        if !float.is_finite() {
            return None;
        }
        let text = format!("{float:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let places = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let digits = mantissa.replace('.', "").parse().ok()?;
        let exponent = exponent.parse::<i32>().ok()? - i32::try_from(places).ok()?;
        Some(Decimal { digits, exponent, float, exact: true })
    }

    /// The nearest float.
    pub(super) fn to_float(self) -> f64 {
        let text = format!("{}e{}", self.digits, self.exponent);
        if self.exact { text.parse().unwrap_or(self.float) } else { self.float }
    }

    /// The result; none for a division by zero.
    pub(super) fn apply(self, operation: Operation, other: Decimal) -> Option<Decimal> {
        if operation == Operation::Div && other.float == 0.0 {
            return None;
        }
        let float = match operation {
            Operation::Add => self.float + other.float,
            Operation::Sub => self.float - other.float,
            Operation::Mul => self.float * other.float,
            Operation::Div => self.float / other.float,
        };
        let exact = if self.exact && other.exact { self.exactly(operation, other) } else { None };
        Some(match exact {
            Some((digits, exponent)) => Decimal { digits, exponent, float, exact: true },
            // Only for numbers whose sizes have nothing to do with each other.
            None => Decimal { digits: 0, exponent: 0, float, exact: false },
        })
    }

    fn exactly(self, operation: Operation, other: Decimal) -> Option<(i128, i32)> {
        match operation {
            Operation::Add | Operation::Sub => {
                let exponent = self.exponent.min(other.exponent);
                let (a, b) = (self.at(exponent)?, other.at(exponent)?);
                let sum = if operation == Operation::Add { a.checked_add(b) } else { a.checked_sub(b) };
                Some((sum?, exponent))
            }
            Operation::Mul => {
                let exponent = self.exponent.checked_add(other.exponent)?;
                Some(shortened(self.digits.checked_mul(other.digits)?, exponent))
            }
            Operation::Div => {
                // self / other with 16 places, halves away from zero.
                let shift = self.exponent - other.exponent + DIVISION_PLACES;
                let (mut a, mut b) = (self.digits, other.digits);
                if shift >= 0 {
                    a = a.checked_mul(power(shift)?)?;
                } else {
                    b = b.checked_mul(power(-shift)?)?;
                }
                let (quotient, rest) = (a / b, a % b);
                let up = rest.checked_abs()?.checked_mul(2)? >= b.checked_abs()?;
                let sign = if (a < 0) == (b < 0) { 1 } else { -1 };
                Some(shortened(if up { quotient + sign } else { quotient }, -DIVISION_PLACES))
            }
        }
    }

    /// The digits for a smaller exponent.
    fn at(self, exponent: i32) -> Option<i128> {
        self.digits.checked_mul(power(self.exponent - exponent)?)
    }
}

/// Whether a number is another one some whole number of times, in decimals. None: they are too far apart to tell.
pub(crate) fn is_multiple(number: f64, of: f64) -> Option<bool> {
    let (number, of) = (Decimal::from_float(number)?, Decimal::from_float(of)?);
    let exponent = number.exponent.min(of.exponent);
    Some(number.at(exponent)?.checked_rem(of.at(exponent)?)? == 0)
}

fn power(exponent: i32) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}

/// Without zeros at the end, so that the next operation has room.
fn shortened(mut digits: i128, mut exponent: i32) -> (i128, i32) {
    while digits != 0 && digits % 10 == 0 {
        digits /= 10;
        exponent += 1;
    }
    (digits, exponent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_add_up_where_floats_do_not() {
        fn check(a: f64, operation: Operation, b: f64, expected: f64) {
            let result =
                Decimal::from_float(a).unwrap().apply(operation, Decimal::from_float(b).unwrap()).unwrap();
            assert_eq!(result.to_float(), expected, "{a} {operation:?} {b}");
        }
        check(0.1, Operation::Add, 0.2, 0.3);
        check(1.1, Operation::Sub, 1.0, 0.1);
        check(1.1, Operation::Mul, 1.1, 1.21);
        check(2.0, Operation::Div, 3.0, 0.666_666_666_666_666_7);
        check(10.0, Operation::Div, 4.0, 2.5);
        check(1e300, Operation::Add, 1.0, 1e300);
        assert!(
            Decimal::from_float(1.0)
                .unwrap()
                .apply(Operation::Div, Decimal::from_float(0.0).unwrap())
                .is_none()
        );
    }

    #[test]
    fn multiples_are_told_in_decimals() {
        for (number, of, expected) in [
            (0.3, 0.1, Some(true)),
            (19.99, 0.01, Some(true)),
            (-4.5, 1.5, Some(true)),
            (0.35, 0.1, Some(false)),
            (7.0, 2.0, Some(false)),
            (1e20, 1e-3, Some(true)),
            (1e300, 0.1, None),
            (1.0, 0.0, None),
        ] {
            assert_eq!(is_multiple(number, of), expected, "{number} of {of}");
        }
    }
}
