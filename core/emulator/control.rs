//! The control path: what a test or a person does to an emulated system that no API call can.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::host::Seat;
use super::journal::Event;
use super::{Faults, Host};
use crate::clock::Clock;
use crate::{Error, ErrorKind, Result};

/// A century; a larger step is a slip.
const LONGEST_STEP: f64 = 100.0 * 366.0 * 86_400.0;

impl Host {
    /// Runs a command on a system, as `POST /<system>/_control/<command>` does.
    ///
    /// The kit's own commands, the same for every vendor:
    /// - `now`: the virtual time;
    /// - `advance {"seconds": n}` or `{"days": n}`: moves it forward, for all systems of this host;
    /// - `faults {"429": "1/10", "drop-after": 0.01, "latency": "200ms", "times": 3, "on": "POST /orders", "seed": 7}`:
    ///   replaces the faults (see [`Fault::parse`](super::Fault::parse) for the values);
    /// - `reset_faults`: takes them away;
    /// - `calls`: how often each route was called; `reset_calls`: counts from nothing;
    /// - `seed {..}`: fills the system with a sample of the vendor's shape.
    ///
    /// Every other command is the emulator's.
    ///
    /// # Errors
    /// `Config` for wrong arguments or no such system, else the emulator's.
    pub fn control(&self, name: &str, command: &str, arguments: &Value) -> Result<Value> {
        let seat = self.seat(name)?;
        match command {
            "now" => Ok(self.told_time()),
            "advance" => {
                self.time().advance(step(arguments)?);
                Ok(self.told_time())
            }
            "faults" => set_faults(seat, arguments),
            "reset_faults" => {
                seat.mischief().set(Faults::default());
                Ok(json!({}))
            }
            "calls" => Ok(json!(self.calls(name)?)),
            "reset_calls" => {
                seat.forget_calls();
                Ok(json!({}))
            }
            _ => self.told(seat, command, arguments),
        }
    }

    /// A command that changes the emulated system, and is kept.
    fn told(&self, seat: &Seat, command: &str, arguments: &Value) -> Result<Value> {
        let mut emulator = seat.emulator();
        let now = self.time().now();
        let result = match command {
            "seed" => emulator.seed(arguments, now).map(|()| json!({}))?,
            _ => emulator.control(command, arguments, now)?,
        };
        let event = || Event::Control { command: command.to_owned(), arguments: arguments.clone() };
        self.note(seat, now, || Some(event()))?;
        Ok(result)
    }

    fn told_time(&self) -> Value {
        json!({ "now": self.time().now().to_string() })
    }
}

fn step(arguments: &Value) -> Result<Duration> {
    let number = |name: &str| arguments.get(name).and_then(Value::as_f64);
    let seconds = number("seconds").or_else(|| number("days").map(|days| days * 86_400.0));
    match seconds {
        Some(seconds) if (0.0..=LONGEST_STEP).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err(Error::new(
            ErrorKind::Config,
            "`advance` takes {\"seconds\": n} or {\"days\": n}, forward, at most 100 years",
        )),
    }
}

fn set_faults(seat: &Seat, arguments: &Value) -> Result<Value> {
    let nothing = Map::new();
    let arguments = match arguments {
        Value::Object(arguments) => arguments,
        Value::Null => &nothing,
        _ => return Err(Error::new(ErrorKind::Config, "`faults` takes an object, such as {\"429\": \"1/10\"}")),
    };
    let mut faults = Faults::default();
    for (name, value) in arguments.iter().filter(|(name, _)| *name != "seed") {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        faults.set(name, &value)?;
    }
    if let Some(seed) = arguments.get("seed").and_then(Value::as_u64) {
        seat.mischief().reseed(seed);
    }
    let told = format!("{faults:?}");
    seat.mischief().set(faults);
    Ok(json!({ "faults": told }))
}
