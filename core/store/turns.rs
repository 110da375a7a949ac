//! Turns: when the timetable last ran each flow, so that a restart knows what it missed.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::typed::{TURNS, key};
use super::{Facts, Store};
use crate::Result;
use crate::model::FlowName;

/// A flow's place in the timetable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// The flow.
    pub flow: FlowName,
    /// When the timetable first saw the flow: what fell due before it was not missed.
    pub since: Timestamp,
    /// When its last turn began that came to an end.
    pub began: Option<Timestamp>,
    /// When that turn ended.
    pub ended: Option<Timestamp>,
    /// Turns in a row that ended with an error.
    pub failures: u32,
}

impl Store {
    /// A flow's place in the timetable.
    pub fn turn(&self, flow: &FlowName) -> Result<Option<Turn>> {
        self.read(&key(TURNS, &[flow.as_str()]))
    }
}

impl Facts {
    /// A flow's place in the timetable as it is now.
    pub fn turn(&mut self, turn: &Turn) {
        self.put(key(TURNS, &[turn.flow.as_str()]), turn);
    }
}
