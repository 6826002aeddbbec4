//! How amounts of a price list are rounded, and how one list is calculated from another.

use types::{Money, MoneyError, PriceListId};

/// Rounds to the nearest amount with an ending, half up: by steps of 10.00 with the ending 9.99, 1237.40 is 1239.99.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rounding {
    /// In minor units; above 0.
    pub(crate) step: i64,
    /// In minor units; below the step.
    pub(crate) ending: i64,
}

/// A list whose prices are those of another one times a percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Derivation {
    pub(crate) base: PriceListId,
    pub(crate) percent: Percent,
}

/// A percentage in hundredths: 92.5 % is 9250.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Percent(i32);

impl Rounding {
    /// The amount, rounded. What costs nothing goes on costing nothing.
    pub(crate) fn apply(self, money: Money) -> Money {
        if money.is_zero() {
            return money;
        }
        let (step, ending) = (i128::from(self.step.max(1)), i128::from(self.ending));
        let above = i128::from(money.minor()) - ending;
        let steps = (above * 2 + step).div_euclid(step * 2).max(0);
        // Beyond all money there is no nearer amount.
        i64::try_from(steps * step + ending).map_or(money, |minor| Money::new(money.currency(), minor))
    }
}

impl Percent {
    /// 1000 %.
    const HUNDREDTHS_MAX: i32 = 100_000;

    pub(crate) fn of_hundredths(hundredths: i32) -> Option<Self> {
        (1..=Self::HUNDREDTHS_MAX).contains(&hundredths).then_some(Self(hundredths))
    }

    /// Reads a decimal such as "92.5"; at most two digits after the point.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(whole) || !digits(fraction) || whole.len() > 4 || fraction.len() > 2 {
            return None;
        }
        let hundredths: i32 = format!("{fraction:0<2}").parse().ok()?;
        Self::of_hundredths(whole.parse::<i32>().ok()?.checked_mul(100)?.checked_add(hundredths)?)
    }

    pub(crate) fn hundredths(self) -> i32 {
        self.0
    }

    /// So many percent of an amount, rounded half up.
    pub(crate) fn of(self, money: Money) -> Result<Money, MoneyError> {
        money.scaled(i64::from(self.0), 10_000)
    }

    /// The shortest decimal.
    pub(crate) fn text(self) -> String {
        match (self.0 / 100, self.0 % 100) {
            (whole, 0) => whole.to_string(),
            (whole, fraction) => format!("{whole}.{fraction:02}").trim_end_matches('0').to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rubles(minor: i64) -> Money {
        Money::new("RUB".parse().expect("a currency"), minor)
    }

    #[test]
    fn amounts_go_to_the_nearest_ending() {
        for (step, ending, amount, expected) in [
            (1000, 999, 123_740, 123_999),
            (1000, 999, 123_499, 123_999),
            (1000, 999, 123_498, 122_999),
            (100, 0, 1_049, 1_000),
            (100, 0, 1_050, 1_100),
            (100, 99, 10, 99),
            (100, 99, 0, 0),
            (5, 0, 2, 0),
            (5, 0, 3, 5),
            (1, 0, 1234, 1234),
            (1000, 999, i64::MAX, i64::MAX),
        ] {
            assert_eq!(Rounding { step, ending }.apply(rubles(amount)).minor(), expected, "{amount}");
        }
    }

    #[test]
    fn percentages_are_read_and_written() {
        for (text, hundredths, written) in
            [("110", 11_000, "110"), ("92.5", 9_250, "92.5"), ("0.01", 1, "0.01"), ("1000", 100_000, "1000")]
        {
            let percent = Percent::parse(text).expect(text);
            assert_eq!((percent.hundredths(), percent.text().as_str()), (hundredths, written));
        }
        for text in ["", "0", "0.00", "-5", "1000.01", "1.234", "1,5", "1.", ".5", "5%", "99999999999"] {
            assert_eq!(Percent::parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn rounding_ends_right_is_near_and_is_done_once(
            step in 1_i64..1_000_000, ending in 0_i64..1_000_000, amount in 1_i64..1_000_000_000_000
        ) {
            let rounding = Rounding { step, ending: ending % step };
            let rounded = rounding.apply(rubles(amount));
            prop_assert_eq!((rounded.minor() - rounding.ending) % step, 0);
            prop_assert!(rounded.minor() >= 0);
            let far = (rounded.minor() - amount).abs() * 2;
            prop_assert!(far <= step || rounded.minor() == rounding.ending, "{amount} became {}", rounded.minor());
            prop_assert!(rounded.is_zero() || rounding.apply(rounded) == rounded);
        }
    }
}
