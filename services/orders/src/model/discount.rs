//! What takes something off a price, and how it is spread over lines: exact to the minor unit.

use std::fmt;
use std::str::FromStr;

use types::{Money, MoneyError};

use crate::model::adjustment::Adjustment;
use crate::model::order_line::OrderLine;
use crate::model::placement::{PriceRefusal, Priced};

/// A hundred percent, in hundredths of a percent.
const WHOLE: i64 = 10_000;

/// Above 0 and at most 100 percent, in hundredths: at most two digits after the point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percent(i64);

/// Not such a percentage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a decimal above 0 and at most 100 with at most two digits after the point, such as \"12.5\"")]
pub struct PercentError;

/// What is taken off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// A share of the price.
    Percent(Percent),
    /// A sum, but never more than the price.
    Amount(Money),
}

/// A reduction and why it is granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Discount {
    /// How much.
    pub reduction: Reduction,
    /// Shown to people.
    pub reason: String,
    /// The promo code, or the shop's own code of the reason; empty for none.
    pub code: String,
}

/// All discounts of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discounts {
    /// On single lines, by their position.
    pub of_lines: Vec<(i32, Discount)>,
    /// On the goods as a whole, one after the other.
    pub of_goods: Vec<Discount>,
}

impl Percent {
    /// Of so many hundredths of a percent.
    pub fn of_hundredths(hundredths: i64) -> Result<Self, PercentError> {
        if (1..=WHOLE).contains(&hundredths) { Ok(Self(hundredths)) } else { Err(PercentError) }
    }

    /// In hundredths of a percent.
    pub const fn hundredths(self) -> i64 {
        self.0
    }
}

impl FromStr for Percent {
    type Err = PercentError;

    fn from_str(text: &str) -> Result<Self, PercentError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |part: &str, length_max: usize| {
            (1..=length_max).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
        };
        if !digits(whole, 3) || !digits(fraction, 2) {
            return Err(PercentError);
        }
        let number = |text: &str| text.parse::<i64>().map_err(|_| PercentError);
        let hundredths = number(fraction)? * if fraction.len() == 1 { 10 } else { 1 };
        Self::of_hundredths(number(whole)? * 100 + hundredths)
    }
}

/// As people write it: no digits after the point that say nothing.
impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, hundredths) = (self.0 / 100, self.0 % 100);
        match (hundredths, hundredths % 10) {
            (0, _) => write!(f, "{whole}"),
            (_, 0) => write!(f, "{whole}.{}", hundredths / 10),
            _ => write!(f, "{whole}.{hundredths:02}"),
        }
    }
}

impl Reduction {
    /// What it takes off `price`; never more than that.
    pub fn of(self, price: Money) -> Result<Money, MoneyError> {
        match self {
            Self::Percent(percent) => price.scaled(percent.hundredths(), WHOLE),
            Self::Amount(amount) if amount.currency() != price.currency() => {
                Err(MoneyError::CurrencyMismatch { left: amount.currency(), right: price.currency() })
            }
            Self::Amount(amount) => Ok(Money::new(price.currency(), amount.minor().min(price.minor()))),
        }
    }
}

impl Discounts {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.of_lines.is_empty() && self.of_goods.is_empty()
    }
}

impl Priced {
    /// Takes the discounts off: first those of lines, then those of the goods as a whole, each from what the former left.
    pub fn discounted(mut self, discounts: &Discounts) -> Result<Self, PriceRefusal> {
        for (position, discount) in &discounts.of_lines {
            if let Some(line) = self.lines.iter_mut().find(|line| line.position == *position) {
                let taken = discount.reduction.of(line.total)?;
                take_off(line, discount, taken)?;
            }
        }
        for discount in &discounts.of_goods {
            take_off_goods(&mut self.lines, discount)?;
        }
        self.goods_total = Money::sum(self.goods_total.currency(), self.lines.iter().map(|line| line.total))?;
        Ok(self)
    }
}

fn take_off_goods(lines: &mut [OrderLine], discount: &Discount) -> Result<(), MoneyError> {
    let Some(currency) = lines.first().map(|line| line.total.currency()) else { return Ok(()) };
    let goods = Money::sum(currency, lines.iter().map(|line| line.total))?;
    let taken = discount.reduction.of(goods)?;
    let totals: Vec<i64> = lines.iter().map(|line| line.total.minor()).collect();
    for (line, share) in lines.iter_mut().zip(spread(taken.minor(), &totals)) {
        take_off(line, discount, Money::new(currency, share))?;
    }
    Ok(())
}

fn take_off(line: &mut OrderLine, discount: &Discount, taken: Money) -> Result<(), MoneyError> {
    if taken.is_zero() {
        return Ok(());
    }
    line.total = line.total.checked_sub(taken)?;
    line.adjustments.push(Adjustment {
        reason: discount.reason.clone(),
        code: discount.code.clone(),
        amount: Money::new(taken.currency(), -taken.minor()),
    });
    Ok(())
}

/// Spreads `taken` over lines in proportion to their totals: every share is rounded half up, and what that leaves over
/// or lacks is the largest line's, or, where a share would leave its line, the next largest's. 0 ≤ share ≤ total, and
/// Σ shares = `taken`, which is at most Σ totals.
pub fn spread(taken: i64, totals: &[i64]) -> Vec<i64> {
    let sum: i128 = totals.iter().map(|total| i128::from(*total)).sum();
    if sum <= 0 || taken <= 0 {
        return vec![0; totals.len()];
    }
    let share = |total: i64| {
        let share = (i128::from(taken) * i128::from(total) * 2 + sum) / (sum * 2);
        i64::try_from(share).unwrap_or(total).min(total)
    };
    let mut shares: Vec<i64> = totals.iter().map(|total| share(*total)).collect();
    let mut remainder = taken - shares.iter().sum::<i64>();
    let mut largest_first: Vec<usize> = (0..totals.len()).collect();
    largest_first.sort_by_key(|at| std::cmp::Reverse(totals[*at]));
    for at in largest_first {
        let moved = remainder.clamp(-shares[at], totals[at] - shares[at]);
        shares[at] += moved;
        remainder -= moved;
    }
    shares
}
