//! `5s`, `10m`, `1h30m`, `250ms`.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// [`Duration::PATTERN`], for rules that must not read what is no duration.
macro_rules! duration_pattern {
    () => {
        "^([0-9]{1,6}h)?([0-9]{1,6}m)?([0-9]{1,6}s)?([0-9]{1,6}ms)?$"
    };
}
pub(crate) use duration_pattern;

/// A span of time in whole milliseconds, never negative and at most [`Duration::MAX`].
///
/// Written as Kubernetes writes durations, with the units `h`, `m`, `s` and `ms`: `5s`, `10m`, `1h30m`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration {
    millis: i64,
}

impl Duration {
    /// Longest span that can be written: 400 days. Nothing the operator waits for may take longer.
    pub const MAX: Self = Self {
        millis: 400 * 24 * 3_600_000,
    };
    /// No time at all.
    pub const ZERO: Self = Self { millis: 0 };
    /// What the CRD schema asks of the written form; [`FromStr`] asks the same and bounds the sum.
    pub const PATTERN: &'static str = duration_pattern!();

    /// A span of whole seconds, cut off at [`Duration::MAX`].
    pub const fn from_secs(seconds: u32) -> Self {
        let millis = seconds as i64 * 1_000;
        if millis > Self::MAX.millis {
            Self::MAX
        } else {
            Self { millis }
        }
    }

    /// A span of whole milliseconds, or `None` outside of 0 to [`Duration::MAX`].
    pub const fn from_millis(millis: i64) -> Option<Self> {
        if millis < 0 || millis > Self::MAX.millis {
            None
        } else {
            Some(Self { millis })
        }
    }

    /// The span in milliseconds.
    pub const fn as_millis(self) -> i64 {
        self.millis
    }
}

/// Why a text is no [`Duration`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no duration: write whole numbers with h, m, s or ms, such as 5s, 10m or 1h30m, at most {max}", max = Duration::MAX)]
pub struct ParseDurationError {
    text: String,
}

impl FromStr for Duration {
    type Err = ParseDurationError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseDurationError {
            text: text.chars().take(64).collect(),
        })
    }
}

fn parse(text: &str) -> Option<Duration> {
    if text.is_empty() {
        return None;
    }
    let mut rest = text;
    let mut millis: i64 = 0;
    let mut last_unit = i64::MAX;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 || digits > 6 {
            return None;
        }
        let number: i64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match rest.get(..letters)? {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return None,
        };
        rest = rest.get(letters..)?;
        // Largest unit first, each once: one way to write, and nothing that could overflow.
        if unit >= last_unit {
            return None;
        }
        last_unit = unit;
        millis = millis.checked_add(number.checked_mul(unit)?)?;
    }
    Duration::from_millis(millis)
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.millis == 0 {
            return f.write_str("0s");
        }
        let mut rest = self.millis;
        for (unit, name) in [(3_600_000, "h"), (60_000, "m"), (1_000, "s"), (1, "ms")] {
            let count = rest / unit;
            if count > 0 {
                write!(f, "{count}{name}")?;
                rest -= count * unit;
            }
        }
        Ok(())
    }
}

impl Serialize for Duration {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Duration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Duration {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = json_schema!({ "type": "string", "pattern": Self::PATTERN, "minLength": 2, "maxLength": 32 });
        crate::rules::duration(&mut schema);
        schema
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_usual_forms() {
        for (text, millis) in [
            ("0s", 0),
            ("250ms", 250),
            ("5s", 5_000),
            ("10m", 600_000),
            ("48h", 172_800_000),
            ("1h30m", 5_400_000),
        ] {
            let read: Duration = text.parse().unwrap();
            assert_eq!(read.as_millis(), millis, "{text}");
            assert_eq!(read.to_string(), text);
        }
    }

    #[test]
    fn writes_the_shortest_form() {
        assert_eq!("90m".parse::<Duration>().unwrap().to_string(), "1h30m");
        assert_eq!("1000ms".parse::<Duration>().unwrap().to_string(), "1s");
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "5",
            "s",
            "-5s",
            "5 s",
            "1.5h",
            "5d",
            "5S",
            "9601h",
            "9999999999h",
            "5s5",
            "5s5m",
            "1m1m",
            "µs",
            "5µs",
        ] {
            let error = text.parse::<Duration>().unwrap_err();
            assert!(
                error.to_string().contains("such as 5s, 10m or 1h30m"),
                "{text}: {error}"
            );
        }
    }
}
