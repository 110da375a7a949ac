//! A host keeps emulators side by side, counts their calls and plays their faults.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::faults::{Mischief, Strike};
use super::journal::{self, Entry, Event, Journal};
use super::{EmulatedTime, Emulator, Fault, Faults};
use crate::clock::{Clock, Timestamp};
use crate::http::{Request, Response};
use crate::{Error, ErrorKind, Result};

/// Emulators that live in the same time, each under a name of its own.
pub struct Host {
    seats: Vec<Seat>,
    time: EmulatedTime,
    journal: Option<Journal>,
}

/// One emulated system.
pub(super) struct Seat {
    name: String,
    vendor: &'static str,
    base_path: &'static str,
    key: String,
    emulator: Mutex<Box<dyn Emulator>>,
    mischief: Mutex<Mischief>,
    calls: Mutex<BTreeMap<String, u64>>,
}

/// What became of a call.
#[derive(Debug)]
pub(super) enum Fate {
    Answered(Response),
    DroppedBefore,
    DroppedAfter,
}

impl Host {
    /// Hosts `emulators`. Each bears its vendor's name; a second of the same vendor is `<vendor>-2`.
    pub fn new(emulators: Vec<Box<dyn Emulator>>, time: EmulatedTime) -> Self {
        let mut seats: Vec<Seat> = Vec::new();
        for emulator in emulators {
            let vendor = emulator.vendor();
            let same = seats.iter().filter(|seat| seat.vendor == vendor).count();
            let name = if same == 0 { vendor.to_owned() } else { format!("{vendor}-{}", same + 1) };
            let mischief = Mutex::new(Mischief::seeded(seats.len() as u64));
            let (base_path, key) = (emulator.base_path(), emulator.key());
            let emulator = Mutex::new(emulator);
            seats.push(Seat { name, vendor, base_path, key, emulator, mischief, calls: Mutex::default() });
        }
        Self { seats, time, journal: None }
    }

    /// Keeps the systems in a file: what it holds happens again, at its own time, and what happens from now on is added.
    ///
    /// Gives how many events it held. The systems must be new, and time does not go back behind the last event.
    ///
    /// # Errors
    /// `Config` when the file cannot be opened, holds something else, or names a system that is not hosted.
    pub fn keep_in(&mut self, file: &Path) -> Result<usize> {
        let (journal, entries) = Journal::open(file)?;
        let held = entries.len();
        let last = entries.last().map(|entry| entry.at);
        for entry in entries {
            self.again(entry)?;
        }
        if let Some(behind) = last.and_then(|last| last.duration_since(self.time.now()).try_into().ok()) {
            self.time.advance(behind);
        }
        self.journal = Some(journal);
        Ok(held)
    }

    /// Lets an event happen as it did; how it is answered was seen then.
    fn again(&self, Entry { at, system, event }: Entry) -> Result<()> {
        let mut emulator = locked(&self.seat(&system)?.emulator);
        match event {
            Event::Control { command, arguments } if command == "seed" => emulator.seed(&arguments, at)?,
            Event::Control { command, arguments } => {
                emulator.control(&command, &arguments, at)?;
            }
            Event::Call { method, path, query, headers, body } => {
                if let Some(request) = journal::request(&method, path, query, headers, body) {
                    emulator.handle(&request, at);
                }
            }
        }
        Ok(())
    }

    /// Adds an event to the journal, where there is one.
    pub(super) fn note(&self, seat: &Seat, at: Timestamp, event: impl FnOnce() -> Option<Event>) -> Result<()> {
        let Some(journal) = &self.journal else { return Ok(()) };
        match event() {
            Some(event) => journal.add(&Entry { at, system: seat.name.clone(), event }),
            None => Ok(()),
        }
    }

    /// The time that the emulators live in.
    pub fn time(&self) -> &EmulatedTime {
        &self.time
    }

    /// The names of the emulated systems, in the order they were given.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.seats.iter().map(|seat| seat.name.as_str())
    }

    /// The key that an emulated system accepts.
    ///
    /// # Errors
    /// `Config` when there is no system of that name; so for every method that takes a name.
    pub fn key(&self, name: &str) -> Result<&str> {
        Ok(&self.seat(name)?.key)
    }

    /// Gives a system other faults; counts begin anew.
    pub fn set_faults(&self, name: &str, faults: Faults) -> Result<()> {
        locked(&self.seat(name)?.mischief).set(faults);
        Ok(())
    }

    /// Adds one fault, as the command line names it, to those of its system.
    pub fn add_fault(&self, fault: &Fault) -> Result<()> {
        let mut mischief = locked(&self.seat(&fault.system)?.mischief);
        let mut faults = mischief.faults().clone();
        fault.add_to(&mut faults)?;
        mischief.set(faults);
        Ok(())
    }

    /// Seeds the dice of a system's faults; without it, the seed is the system's place in the list.
    pub fn seed_faults(&self, name: &str, seed: u64) -> Result<()> {
        locked(&self.seat(name)?.mischief).reseed(seed);
        Ok(())
    }

    /// How often each route was called, such as `GET /orders/{id}`; refused and dropped calls count.
    pub fn calls(&self, name: &str) -> Result<BTreeMap<String, u64>> {
        Ok(locked(&self.seat(name)?.calls).clone())
    }

    /// Answers one call as the emulated system would, faults included. `request.path` begins with its base path.
    pub(super) async fn answer(&self, seat: &Seat, request: &Request) -> Fate {
        *locked(&seat.calls).entry(seat.route(request)).or_default() += 1;
        let latency = locked(&seat.mischief).faults().latency;
        if !latency.is_zero() {
            self.time.sleep(latency).await;
        }
        let before = locked(&seat.mischief).before(request);
        match before {
            Strike::None => {}
            Strike::Refuse(status) => return Fate::Answered(locked(&seat.emulator).refusal(status)),
            Strike::Drop => return Fate::DroppedBefore,
        }
        let response = self.handled(seat, request);
        let after = locked(&seat.mischief).after(request);
        match after {
            Strike::None => Fate::Answered(response),
            Strike::Refuse(status) => Fate::Answered(locked(&seat.emulator).refusal(status)),
            Strike::Drop => Fate::DroppedAfter,
        }
    }

    /// The emulator's answer. The journal is written while nobody else can change the system, so its order is true.
    fn handled(&self, seat: &Seat, request: &Request) -> Response {
        let mut emulator = locked(&seat.emulator);
        let now = self.time.now();
        let response = emulator.handle(request, now);
        // What was refused for its number changed nothing, and would be let through when reads no longer count.
        if response.status != 429
            && let Err(error) = self.note(seat, now, || Event::of_call(request))
        {
            tracing::error!(%error, "the emulated system goes on, and is kept no longer");
        }
        response
    }

    pub(super) fn seats(&self) -> &[Seat] {
        &self.seats
    }

    pub(super) fn seat(&self, name: &str) -> Result<&Seat> {
        self.seats.iter().find(|seat| seat.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.names().collect();
            let message = format!("there is no emulated system `{name}`; there are {}", names.join(", "));
            Error::new(ErrorKind::Config, message)
        })
    }
}

impl Seat {
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn vendor(&self) -> &'static str {
        self.vendor
    }

    pub(super) fn base_path(&self) -> &'static str {
        self.base_path
    }

    pub(super) fn key(&self) -> &str {
        &self.key
    }

    pub(super) fn emulator(&self) -> MutexGuard<'_, Box<dyn Emulator>> {
        locked(&self.emulator)
    }

    pub(super) fn mischief(&self) -> MutexGuard<'_, Mischief> {
        locked(&self.mischief)
    }

    pub(super) fn forget_calls(&self) {
        locked(&self.calls).clear();
    }

    /// The method and path of a call below the base path, ids taken out.
    fn route(&self, request: &Request) -> String {
        let path = request.path.strip_prefix(self.base_path).unwrap_or(&request.path);
        let parts: Vec<&str> = path.split('/').map(|part| if is_id(part) { "{id}" } else { part }).collect();
        format!("{} {}", request.method, parts.join("/"))
    }
}

/// Whether a part of a path looks like an id: it holds a digit and is no version of an API (`v3`, `2026-03`).
fn is_id(part: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let version = part.strip_prefix('v').is_some_and(digits)
        || part
            .split_once('-')
            .is_some_and(|(year, month)| digits(year) && digits(month) && (year.len(), month.len()) == (4, 2));
    !version && part.bytes().any(|byte| byte.is_ascii_digit())
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Host").field("systems", &self.names().collect::<Vec<_>>()).finish_non_exhaustive()
    }
}
