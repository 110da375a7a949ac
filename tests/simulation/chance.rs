//! Chance of one concern of a seed: dice of its own, so that one more call of the hub changes no person's deed.

use passerelle_core::dice::Dice;

/// The concerns that throw dice of their own.
#[derive(Clone, Copy, Debug)]
pub enum Concern {
    /// Who and what there is.
    World,
    /// What people do.
    People,
    /// What the hub is asked to do.
    Hub,
    /// What goes wrong.
    Faults,
    /// What differs from the usual config and mappings.
    Rules,
}

/// Dice of one concern.
#[derive(Clone, Debug)]
pub struct Chance(Dice);

impl Chance {
    /// The dice of a concern of a seed.
    pub fn of(seed: u64, concern: Concern) -> Self {
        Self(Dice::seeded(seed.wrapping_mul(8).wrapping_add(concern as u64 + 1)))
    }

    /// A number from `from` up to and with `to`.
    pub fn between(&mut self, from: u64, to: u64) -> u64 {
        from + self.0.below(to.saturating_sub(from) + 1)
    }

    /// Whether something of this probability happens.
    pub fn falls(&mut self, share: f64) -> bool {
        self.0.falls_within(share)
    }

    /// A number of [0, 1).
    pub fn share(&mut self) -> f64 {
        self.0.fraction()
    }

    /// One of some, in bounds; 0 where there is none.
    pub fn place(&mut self, of: usize) -> usize {
        self.0.below(of as u64) as usize
    }

    /// One of some.
    pub fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        let at = self.place(of.len());
        of.get(at)
    }

    /// One of some texts.
    pub fn word(&mut self, of: &[&'static str]) -> &'static str {
        self.pick(of).copied().unwrap_or_default()
    }
}
