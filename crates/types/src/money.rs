//! Sums of money: whole minor units of one currency, always checked.

use std::fmt::{self, Write as _};
use std::str::FromStr;

/// Characters of the longest amount: sign, nineteen digits, point.
const AMOUNT_LENGTH_MAX: usize = 21;

/// An ISO 4217 currency with a minor unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Currency(iso_currency::Currency);

/// An amount in one currency, in minor units: 10.40 RUB is 1040.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Money {
    currency: Currency,
    minor: i64,
}

/// Why a sum is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Not a currency of ISO 4217 that money is counted in.
    #[error("{0:?} is not a currency code of ISO 4217")]
    UnknownCurrency(String),
    /// Not a plain decimal number.
    #[error("an amount is a plain decimal number such as \"1040.00\"")]
    NotDecimal,
    /// More digits after the point than the currency has.
    #[error("{currency} has {digits} digits after the point")]
    TooFine {
        /// The currency.
        currency: Currency,
        /// Its digits.
        digits: u32,
    },
    /// Two currencies in one sum.
    #[error("{left} and {right} cannot be added")]
    CurrencyMismatch {
        /// The one.
        left: Currency,
        /// The other.
        right: Currency,
    },
    /// Beyond what 64 bits hold.
    #[error("the amount is too large")]
    TooLarge,
}

impl Currency {
    /// The three letters.
    pub fn code(self) -> &'static str {
        self.0.code()
    }

    /// How many digits the minor unit has after the point: 2 for RUB, 0 for JPY, 3 for KWD.
    pub fn digits(self) -> u32 {
        self.0.exponent().map_or(0, u32::from)
    }
}

impl FromStr for Currency {
    type Err = MoneyError;

    fn from_str(code: &str) -> Result<Self, MoneyError> {
        iso_currency::Currency::from_code(code)
            .filter(|currency| currency.exponent().is_some())
            .map(Self)
            .ok_or_else(|| MoneyError::UnknownCurrency(code.chars().take(8).collect()))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Money {
    /// `minor` units of `currency`.
    pub const fn new(currency: Currency, minor: i64) -> Self {
        Self { currency, minor }
    }

    /// Nothing, in `currency`.
    pub const fn zero(currency: Currency) -> Self {
        Self::new(currency, 0)
    }

    /// Reads a decimal such as `-1040.5`; finer than the currency, or not a number, is refused.
    pub fn parse(amount: &str, currency: Currency) -> Result<Self, MoneyError> {
        let (negative, digits) = match amount.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, amount),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let dangling_point = digits.ends_with('.');
        let plain = !whole.is_empty()
            && !dangling_point
            && (whole.bytes().chain(fraction.bytes())).all(|b| b.is_ascii_digit());
        if !plain {
            return Err(MoneyError::NotDecimal);
        }
        let wanted = currency.digits() as usize;
        let (kept, finer) = fraction.split_at(fraction.len().min(wanted));
        if finer.bytes().any(|digit| digit != b'0') {
            return Err(MoneyError::TooFine { currency, digits: currency.digits() });
        }
        let minor = whole
            .bytes()
            .chain(kept.bytes())
            .chain(std::iter::repeat_n(b'0', wanted - kept.len()))
            .try_fold(0_i64, |sum, digit| sum.checked_mul(10)?.checked_add(i64::from(digit - b'0')))
            .ok_or(MoneyError::TooLarge)?;
        Ok(Self::new(currency, if negative { -minor } else { minor }))
    }

    /// The currency.
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// The amount in minor units.
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// Whether it is less than nothing.
    pub const fn is_negative(self) -> bool {
        self.minor < 0
    }

    /// Whether it is nothing.
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// The amount as a decimal with all the currency's digits: `1040.00`.
    pub fn amount(self) -> String {
        let digits = self.currency.digits() as usize;
        let mut text = String::with_capacity(AMOUNT_LENGTH_MAX);
        if self.minor < 0 {
            text.push('-');
        }
        // Written to a string, which does not fail.
        let _ = write!(text, "{:0width$}", self.minor.unsigned_abs(), width = digits + 1);
        if digits > 0 {
            text.insert(text.len() - digits, '.');
        }
        text
    }

    /// The sum of two amounts of one currency.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.minor
            .checked_add(other.minor)
            .map(|minor| Self::new(self.currency, minor))
            .ok_or(MoneyError::TooLarge)
    }

    /// The difference of two amounts of one currency.
    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.same_currency(other)?;
        self.minor
            .checked_sub(other.minor)
            .map(|minor| Self::new(self.currency, minor))
            .ok_or(MoneyError::TooLarge)
    }

    /// The amount × `numerator` / `denominator`, rounded half away from zero. The denominator must be positive.
    pub fn scaled(self, numerator: i64, denominator: i64) -> Result<Self, MoneyError> {
        debug_assert!(denominator > 0, "the denominator is a price quantity or 100 percent");
        let product = i128::from(self.minor) * i128::from(numerator);
        let denominator = i128::from(denominator.max(1));
        let rounded = (product.abs() * 2 + denominator) / (denominator * 2);
        let minor = i64::try_from(rounded * product.signum()).map_err(|_| MoneyError::TooLarge)?;
        Ok(Self::new(self.currency, minor))
    }

    /// The sum of many amounts; `currency` is that of an empty sum.
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::checked_add)
    }

    /// Splits the amount in proportion to `weights`, losing nothing: every part is rounded down and the remainder goes to
    /// the largest weight. All weights zero: everything goes to the first part.
    pub fn allocate(self, weights: &[i64]) -> Result<Vec<Self>, MoneyError> {
        if weights.is_empty() || weights.iter().any(|weight| *weight < 0) {
            return Err(MoneyError::NotDecimal);
        }
        let total: i128 = weights.iter().map(|weight| i128::from(*weight)).sum();
        let share = |weight: i64| match total {
            0 => 0,
            _ => (i128::from(self.minor) * i128::from(weight) / total) as i64,
        };
        let mut parts: Vec<i64> = weights.iter().map(|weight| share(*weight)).collect();
        let remainder = self.minor - parts.iter().sum::<i64>();
        let largest = (0..weights.len()).rev().max_by_key(|at| weights[*at]).unwrap_or(0);
        parts[largest] += remainder;
        Ok(parts.into_iter().map(|minor| Self::new(self.currency, minor)).collect())
    }

    fn same_currency(self, other: Self) -> Result<(), MoneyError> {
        if self.currency == other.currency {
            return Ok(());
        }
        Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency })
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.amount(), self.currency)
    }
}
