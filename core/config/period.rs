//! Periods, written `30s`, `5m`, `1h` or `1d`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A time between runs; at least a second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Period {
    count: u64,
    unit: char,
}

impl Period {
    /// As a duration.
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.count.saturating_mul(seconds(self.unit).unwrap_or(1)))
    }
}

fn seconds(unit: char) -> Option<u64> {
    match unit {
        's' => Some(1),
        'm' => Some(60),
        'h' => Some(3600),
        'd' => Some(86_400),
        _ => None,
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a period; write a number and s, m, h or d, such as \"5m\"");
        let unit = text.chars().last().filter(|unit| seconds(*unit).is_some()).ok_or_else(wrong)?;
        let count = text[..text.len() - 1].parse().ok().filter(|count| *count > 0).ok_or_else(wrong)?;
        Ok(Self { count, unit })
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.count, self.unit)
    }
}

impl TryFrom<String> for Period {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Period> for String {
    fn from(period: Period) -> Self {
        period.to_string()
    }
}

impl JsonSchema for Period {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Period".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "period", "pattern": "^[1-9][0-9]*[smhd]$" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_are_read_and_what_is_none_is_refused() {
        for (text, expected) in [("30s", 30), ("5m", 300), ("1h", 3600), ("2d", 172_800)] {
            let period: Period = text.parse().unwrap();
            assert_eq!((period.duration().as_secs(), period.to_string().as_str()), (expected, text));
        }
        for text in ["", "5", "m", "0m", "-1m", "5 m", "5min", "1.5h", "5é"] {
            assert!(text.parse::<Period>().unwrap_err().contains("is not a period"), "{text}");
        }
    }
}
