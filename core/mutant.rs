//! Bugs on purpose, to prove that the simulation would see them. The shipped program is built without them.

/// A bug on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mutant {
    /// The outbox is synced after the call instead of before it.
    LateOutbox,
    /// Nothing is looked for before a create, nor before a create is repeated.
    SkippedLookup,
    /// The cursor is stored before what its page holds is safe.
    EarlyCursor,
    /// What was seen before, such as the hub's own write, is decided again.
    UncheckedEcho,
    /// `>` for `>=`: what shares its second with the last record of a page is skipped.
    StrictCursor,
    /// Values count as agreed before the write is known to be done.
    EarlyAgreement,
    /// The money gate lets ten cents pass.
    LaxGate,
    /// Nobody owns a field: whoever changed it last is right.
    IgnoredOwner,
}

impl Mutant {
    /// All of them, by the names of the command line.
    pub const ALL: [(&'static str, Self); 8] = [
        ("late-outbox", Self::LateOutbox),
        ("skipped-lookup", Self::SkippedLookup),
        ("early-cursor", Self::EarlyCursor),
        ("unchecked-echo", Self::UncheckedEcho),
        ("strict-cursor", Self::StrictCursor),
        ("early-agreement", Self::EarlyAgreement),
        ("lax-gate", Self::LaxGate),
        ("ignored-owner", Self::IgnoredOwner),
    ];
}

/// Whether this bug is switched on in this thread; never without the feature `mutants`.
#[cfg(not(feature = "mutants"))]
pub fn lives(_: Mutant) -> bool {
    false
}

#[cfg(feature = "mutants")]
pub use switch::{lives, wake};

#[cfg(feature = "mutants")]
mod switch {
    use std::cell::Cell;

    use super::Mutant;

    thread_local! {
        static AWAKE: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Whether this bug is switched on in this thread.
    pub fn lives(mutant: Mutant) -> bool {
        AWAKE.get() == Some(mutant)
    }

    /// Switches one bug on in this thread, or all off.
    pub fn wake(mutant: Option<Mutant>) {
        AWAKE.set(mutant);
    }
}
