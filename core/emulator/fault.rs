//! Faults as a person writes them: `hubspot:5xx-after=0.01`.

use std::time::Duration;

use super::{Chance, Faults};
use crate::{Error, ErrorKind, Result};

/// What can be set, in the words of the command line and of the control path.
const NAMES: &str = "latency, 429, 5xx-before, 5xx-after, drop-before, drop-after, times, on";

/// One fault of one emulated system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The emulated system, such as `hubspot`.
    pub system: String,
    name: String,
    value: String,
}

impl Fault {
    /// Reads `SYSTEM:NAME=VALUE`, such as `hubspot:429=1/10`, `dolibarr:drop-after=0.01`, `hubspot:latency=200ms`.
    ///
    /// # Errors
    /// `Config` that says what would be right.
    pub fn parse(text: &str) -> Result<Self> {
        let form = || {
            Error::new(ErrorKind::Config, "a fault is written SYSTEM:NAME=VALUE, such as `hubspot:5xx-after=0.01`")
                .at("fault", text)
        };
        let (system, rest) = text.split_once(':').ok_or_else(form)?;
        let (name, value) = rest.split_once('=').ok_or_else(form)?;
        if system.trim().is_empty() {
            return Err(form());
        }
        let fault = Self { system: system.trim().into(), name: name.trim().into(), value: value.trim().into() };
        fault.add_to(&mut Faults::default())?;
        Ok(fault)
    }

    /// Adds it to others of the same system.
    ///
    /// # Errors
    /// `Config` for a name or value that is not one.
    pub fn add_to(&self, faults: &mut Faults) -> Result<()> {
        faults.set(&self.name, &self.value)
    }
}

impl Faults {
    /// Sets one by its name.
    ///
    /// # Errors
    /// `Config` for a name or value that is not one.
    pub fn set(&mut self, name: &str, value: &str) -> Result<()> {
        match name {
            "latency" => self.latency = latency(value)?,
            "429" => self.rate_limited = chance(name, value)?,
            "5xx-before" => self.error_before = chance(name, value)?,
            "5xx-after" => self.error_after = chance(name, value)?,
            "drop-before" => self.drop_before = chance(name, value)?,
            "drop-after" => self.drop_after = chance(name, value)?,
            "times" => self.times = Some(value.parse().map_err(|_| wrong(name, value, "a whole number, such as `3`"))?),
            "on" => self.on = Some(value.to_owned()),
            _ => {
                let message = format!("there is no fault `{name}`; there are {NAMES}");
                return Err(Error::new(ErrorKind::Config, message));
            }
        }
        Ok(())
    }
}

fn chance(name: &str, value: &str) -> Result<Chance> {
    let rule = "a share of the calls between 0 and 1, such as `0.01`, or each n-th call, such as `1/10`";
    if let Some(every) = value.strip_prefix("1/") {
        return match every.parse() {
            Ok(n) if n > 0 => Ok(Chance::Every(n)),
            _ => Err(wrong(name, value, rule)),
        };
    }
    match value.parse::<f64>() {
        Ok(0.0) => Ok(Chance::Never),
        Ok(share) if share > 0.0 && share <= 1.0 => Ok(Chance::Share(share)),
        _ => Err(wrong(name, value, rule)),
    }
}

fn latency(value: &str) -> Result<Duration> {
    let rule = "a time such as `200ms` or `1.5s`, at most 600 s";
    let (number, unit) = match value.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (value.strip_suffix('s').unwrap_or(value), 1.0),
    };
    match number.trim().parse::<f64>() {
        Ok(n) if (0.0..=600.0).contains(&(n * unit)) => Ok(Duration::from_secs_f64(n * unit)),
        _ => Err(wrong("latency", value, rule)),
    }
}

fn wrong(name: &str, value: &str, rule: &str) -> Error {
    Error::new(ErrorKind::Config, format!("`{name}={value}` is not a fault: the value is {rule}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(texts: &[&str]) -> Faults {
        let mut faults = Faults::default();
        for text in texts {
            Fault::parse(text).unwrap().add_to(&mut faults).unwrap();
        }
        faults
    }

    fn refusal(text: &str) -> String {
        let error = Fault::parse(text).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Config);
        error.to_string()
    }

    #[test]
    fn faults_of_one_system_add_up() {
        let set = faults(&["hubspot:429=1/10", "hubspot:5xx-after=0.01", "hubspot:latency=200ms", "hubspot:times=3"]);
        let expected = Faults {
            rate_limited: Chance::Every(10),
            error_after: Chance::Share(0.01),
            latency: Duration::from_millis(200),
            times: Some(3),
            ..Faults::default()
        };
        assert_eq!(set, expected);
    }

    #[test]
    fn a_wrong_fault_is_answered_with_what_would_be_right() {
        assert!(refusal("hubspot").contains("SYSTEM:NAME=VALUE"));
        assert!(refusal(":429=1").contains("SYSTEM:NAME=VALUE"));
        assert!(refusal("hubspot:500=0.1").contains("5xx-before, 5xx-after"));
        for text in ["hubspot:429=2", "hubspot:429=1/0", "hubspot:429=-0.1", "hubspot:429=NaN", "hubspot:429=often"] {
            assert!(refusal(text).contains("between 0 and 1"), "{text}");
        }
        for text in ["hubspot:latency=-1s", "hubspot:latency=1e9s", "hubspot:latency=slow"] {
            assert!(refusal(text).contains("200ms"), "{text}");
        }
    }
}
