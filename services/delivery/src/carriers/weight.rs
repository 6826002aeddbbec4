//! What carriers weighed, as they tell it. What cannot be read is not guessed.

use serde_json::Value;

/// Heavier is a mistake and no parcel.
const GRAMS_MAX: i32 = 1_000_000;

/// A weight that nobody can read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Unreadable;

/// A whole number of grams; `None` when none is told.
pub fn grams(carrier: &'static str, tracking_number: &str, told: &Value) -> Option<i32> {
    let read = match told {
        Value::Null => Ok(0),
        told => told.as_i64().and_then(|grams| i32::try_from(grams).ok()).ok_or(Unreadable),
    };
    weighed(carrier, tracking_number, read)
}

/// A decimal of kilograms, to the gram; `None` when none is told.
pub fn kilograms(carrier: &'static str, tracking_number: &str, told: &str) -> Option<i32> {
    weighed(carrier, tracking_number, decimal(told.trim()))
}

fn weighed(carrier: &'static str, tracking_number: &str, read: Result<i32, Unreadable>) -> Option<i32> {
    match read {
        Ok(0) => None,
        Ok(grams) if (1..=GRAMS_MAX).contains(&grams) => Some(grams),
        Ok(_) | Err(Unreadable) => {
            tracing::warn!(carrier, tracking_number, "a carrier's weight cannot be read");
            None
        }
    }
}

/// Grams of `"1.25"` kilograms; nothing is rounded.
fn decimal(text: &str) -> Result<i32, Unreadable> {
    if text.is_empty() {
        return Ok(0);
    }
    let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let grams = rest.trim_end_matches('0');
    if !digits(whole) || !digits(rest) || grams.len() > 3 {
        return Err(Unreadable);
    }
    format!("{whole}{grams:0<3}").parse().map_err(|_| Unreadable)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn kilograms_are_read_to_the_gram() {
        let read =
            ["1.25", "0.50", "2", "0.5", "1000.000", "007.0010 "].map(|told| kilograms("c", "1", told));
        assert_eq!(read, [Some(1250), Some(500), Some(2000), Some(500), Some(1_000_000), Some(7001)]);
    }

    #[test]
    fn what_is_not_told_or_cannot_be_read_is_no_weight() {
        for told in [
            "",
            "0",
            "0.00",
            "1,25",
            "1.2 кг",
            "-1",
            "+1",
            "1.",
            ".5",
            "1.2345",
            "1e3",
            "1000.001",
            "99999999999",
        ] {
            assert_eq!(kilograms("c", "1", told), None, "{told}");
        }
        for told in [json!(null), json!(0), json!(-5), json!(1.5), json!("1320"), json!(1_000_001), json!([])]
        {
            assert_eq!(grams("c", "1", &told), None, "{told}");
        }
        assert_eq!(grams("c", "1", &json!(1320)), Some(1320));
    }
}
