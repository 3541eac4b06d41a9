//! `40%`.

use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A whole percentage from 0 to 100, written with its sign: `40%`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u8);

impl Percent {
    /// What the CRD schema asks of the written form; [`FromStr`] asks the same.
    pub const PATTERN: &'static str = "^(100|[1-9]?[0-9])%$";

    /// A percentage, or `None` above 100.
    pub const fn new(value: u8) -> Option<Self> {
        if value > 100 { None } else { Some(Self(value)) }
    }

    /// The number before the sign.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// That part of `whole`, rounded down.
    pub const fn floor_of(self, whole: u32) -> u32 {
        // At most `whole`, so the cast back loses nothing.
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a part is never greater than its whole"
        )]
        let part = (whole as u64 * self.0 as u64 / 100) as u32;
        part
    }
}

/// Why a text is no [`Percent`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no percentage: write a whole number from 0 to 100 and the sign, such as 40%")]
pub struct ParsePercentError {
    text: String,
}

impl FromStr for Percent {
    type Err = ParsePercentError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let refused = || ParsePercentError {
            text: text.chars().take(64).collect(),
        };
        let number = text.strip_suffix('%').ok_or_else(refused)?;
        let plain = number.bytes().all(|b| b.is_ascii_digit())
            && (number.len() == 1 || !number.starts_with('0'));
        if !plain {
            return Err(refused());
        }
        number.parse().ok().and_then(Self::new).ok_or_else(refused)
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", self.0)
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

impl JsonSchema for Percent {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": Self::PATTERN, "maxLength": 4 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for text in ["0%", "7%", "40%", "100%"] {
            assert_eq!(text.parse::<Percent>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn refuses_everything_else() {
        for text in ["", "%", "40", "101%", "040%", "-1%", "4.5%", "40 %", "+4%"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }

    #[test]
    fn takes_a_part_rounded_down() {
        let part = "40%".parse::<Percent>().unwrap();
        assert_eq!(
            [
                part.floor_of(0),
                part.floor_of(2),
                part.floor_of(5),
                part.floor_of(u32::MAX)
            ],
            [0, 0, 2, 1_717_986_918]
        );
    }
}
