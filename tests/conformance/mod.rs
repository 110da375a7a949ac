//! What a connector promises, as one suite: every resource, every promise that its capabilities claim.

mod claims;
mod faults;
mod feeds;
pub mod fixtures;
mod reads;
mod stage;
mod writes;

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;

use passerelle_core::connector::{Effect, Feed};

use fixtures::Fixture;
pub use stage::Stage;

/// What came of one promise.
pub type Kept = Result<(), Broken>;

/// Why a promise is broken, in words.
#[derive(Debug)]
pub struct Broken(String);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<passerelle_core::Error> for Broken {
    fn from(error: passerelle_core::Error) -> Self {
        Self(format!("an error where none should be: {error:?}"))
    }
}

impl From<String> for Broken {
    fn from(why: String) -> Self {
        Self(why)
    }
}

/// Breaks the promise unless `holds`.
fn ensure(holds: bool, why: impl FnOnce() -> String) -> Kept {
    if holds { Ok(()) } else { Err(Broken(why())) }
}

type Keeping<'a> = Pin<Box<dyn Future<Output = Kept> + 'a>>;

/// One promise.
pub struct Promise {
    /// The promise as a sentence.
    pub says: &'static str,
    /// Whether a resource claims it.
    claimed: fn(&Stage) -> bool,
    keep: for<'a> fn(&'a Stage) -> Keeping<'a>,
}

fn always(_: &Stage) -> bool {
    true
}

fn has_feed(stage: &Stage) -> bool {
    stage.can().feed != Feed::None
}

fn creates(stage: &Stage) -> bool {
    stage.can().create != Effect::None
}

fn finds_key(stage: &Stage) -> bool {
    matches!(stage.can().create, Effect::Keyed | Effect::Searchable)
}

fn is_keyed(stage: &Stage) -> bool {
    stage.can().create == Effect::Keyed
}

fn updates(stage: &Stage) -> bool {
    stage.can().update
}

fn is_batch(stage: &Stage) -> bool {
    creates(stage) && updates(stage) && stage.kit.refused.is_some()
}

fn over_network(stage: &Stage) -> bool {
    stage.world.network().is_some()
}

fn creates_over_network(stage: &Stage) -> bool {
    over_network(stage) && finds_key(stage)
}

fn updates_over_network(stage: &Stage) -> bool {
    over_network(stage) && updates(stage)
}

fn has_stranger(stage: &Stage) -> bool {
    stage.world.stranger().is_some()
}

/// Every promise, in the order of a record's life.
pub const PROMISES: &[Promise] = &[
    Promise { says: "check says who answers", claimed: always, keep: |s| Box::pin(reads::check_answers(s)) },
    Promise {
        says: "the plugin and the connector claim the same",
        claimed: always,
        keep: |s| Box::pin(claims::are_the_same(s)),
    },
    Promise {
        says: "describe tells every field that a record bears",
        claimed: always,
        keep: |s| Box::pin(reads::describe_tells(s)),
    },
    Promise {
        says: "preparing tells first, creates once, and then lacks nothing",
        claimed: creates,
        keep: |s| Box::pin(claims::preparing_ends(s)),
    },
    Promise {
        says: "what preparing made can be taken away, once",
        claimed: creates,
        keep: |s| Box::pin(claims::taking_away_ends(s)),
    },
    Promise {
        says: "a feed from the beginning reads everything",
        claimed: has_feed,
        keep: |s| Box::pin(feeds::reads_everything(s)),
    },
    Promise { says: "a feed goes on where it was read to", claimed: has_feed, keep: |s| Box::pin(feeds::goes_on(s)) },
    Promise {
        says: "a first read misses nothing that happens between its pages",
        claimed: has_feed,
        keep: |s| Box::pin(feeds::misses_nothing_at_first(s)),
    },
    Promise {
        says: "a later read misses nothing, though many changes share an instant",
        claimed: has_feed,
        keep: |s| Box::pin(feeds::misses_nothing_later(s)),
    },
    Promise {
        says: "a change that shows late is told by a later read",
        claimed: has_feed,
        keep: |s| Box::pin(feeds::tells_what_shows_late(s)),
    },
    Promise {
        says: "a page that failed is read again whole",
        claimed: |s| has_feed(s) && over_network(s),
        keep: |s| Box::pin(feeds::fails_without_loss(s)),
    },
    Promise {
        says: "reading gives what exists and leaves out what does not",
        claimed: always,
        keep: |s| Box::pin(reads::leaves_out(s)),
    },
    Promise {
        says: "a field finds its records and no others",
        claimed: always,
        keep: |s| Box::pin(reads::finds_by_field(s)),
    },
    Promise {
        says: "what was created is found by its key at once",
        claimed: finds_key,
        keep: |s| Box::pin(writes::created_is_found(s)),
    },
    Promise {
        says: "a second create with the same key makes no second record",
        claimed: is_keyed,
        keep: |s| Box::pin(writes::no_second_record(s)),
    },
    Promise {
        says: "an update changes the named fields alone, and null clears",
        claimed: updates,
        keep: |s| Box::pin(writes::changes_named_fields(s)),
    },
    Promise {
        says: "an update of what moved meanwhile is stale",
        claimed: |s| updates(s) && s.kit.versioned,
        keep: |s| Box::pin(writes::refuses_what_moved(s)),
    },
    Promise {
        says: "outcomes stand in the order of writes, and a bad row spoils no other",
        claimed: is_batch,
        keep: |s| Box::pin(writes::bad_row_stands_alone(s)),
    },
    Promise {
        says: "archiving puts a record away",
        claimed: |s| s.can().archive && creates(s),
        keep: |s| Box::pin(writes::archives(s)),
    },
    Promise {
        says: "what is not claimed is unsupported and changes nothing",
        claimed: always,
        keep: |s| Box::pin(claims::else_unsupported(s)),
    },
    Promise {
        says: "a forged delivery hints at nothing",
        claimed: always,
        keep: |s| Box::pin(claims::forged_is_refused(s)),
    },
    Promise {
        says: "a wrong key is denied and not repeated in words",
        claimed: has_stranger,
        keep: |s| Box::pin(faults::denies_strangers(s)),
    },
    Promise {
        says: "a system that is down is unavailable, and nothing was written",
        claimed: over_network,
        keep: |s| Box::pin(faults::is_unavailable(s)),
    },
    Promise {
        says: "a quota is waited for, and in the end told",
        claimed: over_network,
        keep: |s| Box::pin(faults::waits_for_quota(s)),
    },
    Promise {
        says: "an answer lost at any call of a create makes no second record",
        claimed: creates_over_network,
        keep: |s| Box::pin(faults::loses_one_answer(s)),
    },
    Promise {
        says: "a create whose answers are all lost is never told as done or refused",
        claimed: creates_over_network,
        keep: |s| Box::pin(faults::loses_every_answer(s)),
    },
    Promise {
        says: "an update whose answer was lost can be made again",
        claimed: updates_over_network,
        keep: |s| Box::pin(faults::loses_an_update(s)),
    },
];

/// What became of every promise of one resource: `None` where it is not claimed.
pub type Verdicts = Vec<(&'static str, Option<Kept>)>;

/// Holds one resource of a fixture to every promise, each in a world of its own.
///
/// # Errors
/// When a world cannot be made.
pub async fn hold(fixture: &Fixture, resource: &str) -> Result<Verdicts, Broken> {
    let mut verdicts = Verdicts::new();
    for promise in PROMISES {
        let stage = Stage::set(fixture, resource).await?;
        let kept = if (promise.claimed)(&stage) { Some((promise.keep)(&stage).await) } else { None };
        verdicts.push((promise.says, kept));
    }
    Ok(verdicts)
}

/// The broken promises, by their sentence.
pub fn broken(verdicts: &Verdicts) -> BTreeMap<&'static str, String> {
    let told = verdicts.iter().filter_map(|(says, kept)| Some((*says, kept.as_ref()?.as_ref().err()?.to_string())));
    told.collect()
}
