//! A delivery is verified on its raw bytes, and answered once what it names is on disk.

use std::collections::BTreeSet;

use tracing::warn;

use super::inbox::Taken;
use super::{Answer, LARGEST_DELIVERY, Server, Tally, locked};
use crate::connector::{Delivery, Hint};
use crate::model::SystemName;
use crate::store::Hinted;
use crate::system::System;
use crate::{Error, ErrorKind};

/// Seconds until a sender may try again when something must be mended first.
const SOON: u64 = 30;

/// Seconds until a sender may try again when the inbox is full.
const ONCE_THERE_IS_ROOM: u64 = 60;

impl Server {
    /// Receives a webhook of `system`, as it came; when it was received is the clock's to say.
    ///
    /// Answered with 200, what it names is on disk and will be looked at: read from the system, never believed. All
    /// else keeps nothing, and says by its status whether the sender should come again:
    /// 400 a body that the connector does not understand, 401 a wrong signature, 404 a system that takes part in no
    /// flow or a sender that is told nothing, 405 not posted, 413 larger than [`LARGEST_DELIVERY`], 501 a connector without webhooks, 503 a full inbox,
    /// a store that cannot write, or a secret that is not set.
    pub fn receive(&self, system: &str, delivery: &Delivery<'_>) -> Answer {
        let name = SystemName::from(system);
        let Ok(system) = self.engine.systems.get(&name) else {
            return Answer::new(404, format!("no flow has a system `{name}`"));
        };
        let answer = self.answered(&name, system, delivery);
        self.note(&name, &answer);
        answer
    }

    /// Answers a delivery that is too large to be read at all.
    pub(super) fn refuse_large(&self, system: &str) -> Answer {
        let (name, answer) = (SystemName::from(system), too_large());
        if self.engine.systems.get(&name).is_ok() {
            self.note(&name, &answer);
        }
        answer
    }

    fn answered(&self, name: &SystemName, system: &System, delivery: &Delivery<'_>) -> Answer {
        if delivery.method != "POST" {
            return Answer::new(405, "webhooks are posted");
        }
        if delivery.body.len() > LARGEST_DELIVERY {
            return too_large();
        }
        let received = self.engine.clock.now();
        match system.decode_webhook(&Delivery { received, ..*delivery }) {
            Ok(hints) => {
                let answer = self.take(name, hints, received);
                let receipt = system.webhook_receipt().filter(|_| answer.is_accepted());
                Answer { receipt, ..answer }
            }
            Err(error) => refused(&error),
        }
    }

    fn take(&self, name: &SystemName, hints: Vec<Hint>, received: jiff::Timestamp) -> Answer {
        let named = hints.into_iter().map(|Hint { resource, id }| Hinted { system: name.clone(), resource, id });
        let told: BTreeSet<Hinted> =
            named.filter(|hinted| self.told.contains_key(&(name.clone(), hinted.resource.clone()))).collect();
        let taken = self.inbox.take(&told, received);
        match taken {
            Ok(Taken::Stored { coalesced }) => {
                if coalesced < told.len() {
                    self.notice(None);
                }
                let mut tallies = locked(&self.tallies);
                let tally = tallies.entry(name.clone()).or_default();
                tally.named += told.len() as u64;
                tally.coalesced += coalesced as u64;
                Answer::new(200, format!("{} to look at", told.len()))
            }
            Ok(Taken::Full) => Answer::later(ONCE_THERE_IS_ROOM, "the inbox is full"),
            Err(error) => {
                self.notice(Some(&error));
                Answer::later(SOON, "the hub cannot store it now")
            }
        }
    }

    /// Counts an answer; what was refused is logged less often the more there is of it, so that a flood of forgeries
    /// does not fill the log.
    fn note(&self, name: &SystemName, answer: &Answer) {
        let mut tallies = locked(&self.tallies);
        let Tally { accepted, denied, malformed, too_large, unknown, unavailable, .. } =
            tallies.entry(name.clone()).or_default();
        let count = match answer.status {
            200..300 => accepted,
            401 => denied,
            404 if answer.kept.is_some() => denied,
            400 | 405 => malformed,
            413 => too_large,
            404 | 501 => unknown,
            _ => unavailable,
        };
        *count += 1;
        if !answer.is_accepted() && count.is_power_of_two() {
            let why = answer.kept.as_ref().unwrap_or(&answer.message);
            warn!(system = %name, status = answer.status, times = *count, "a delivery was refused: {why}");
        }
    }
}

fn too_large() -> Answer {
    Answer::new(413, format!("a delivery is at most {LARGEST_DELIVERY} bytes"))
}

fn refused(error: &Error) -> Answer {
    match error.kind() {
        ErrorKind::Denied => Answer::new(401, error.message()),
        ErrorKind::Unsupported => Answer::new(501, error.message()),
        ErrorKind::Config => Answer::later(SOON, error.message()),
        ErrorKind::NotFound => Answer::nothing_here(error.message()),
        ErrorKind::Rejected => Answer::new(400, error.message()),
        _ => Answer::later(SOON, "the delivery cannot be verified now"),
    }
}
