//! Chance that a seed decides: the same seed, the same story.

/// A xorshift64* generator; not for secrets.
#[derive(Clone, Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice that fall the same way for the same seed.
    pub fn seeded(seed: u64) -> Self {
        let mixed = (seed ^ 0x9E37_79B9_7F4A_7C15).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        // Zero is the one state that xorshift cannot leave.
        Self((mixed ^ (mixed >> 31)).max(1))
    }

    /// Whether an event of this probability happens now.
    pub fn falls_within(&mut self, share: f64) -> bool {
        self.fraction() < share
    }

    /// A number of [0, `end`); 0 where `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        (self.fraction() * end as f64) as u64
    }

    /// A number of [0, 1).
    pub fn fraction(&mut self) -> f64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 11;
        (bits as f64) / ((1_u64 << 53) as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_falls_the_same_way_and_about_as_often_as_asked() {
        let falls = |seed| {
            let mut dice = Dice::seeded(seed);
            (0..10_000).map(|_| dice.falls_within(0.1)).collect::<Vec<_>>()
        };
        assert_eq!(falls(7), falls(7));
        assert_ne!(falls(7), falls(8));
        let hits = falls(7).into_iter().filter(|hit| *hit).count();
        assert!((900..1100).contains(&hits), "{hits} of 10000 at 0.1");
    }

    #[test]
    fn every_number_below_the_end_falls_and_no_other() {
        let mut dice = Dice::seeded(3);
        let fallen: std::collections::BTreeSet<u64> = (0..1000).map(|_| dice.below(6)).collect();
        assert_eq!(fallen.into_iter().collect::<Vec<_>>(), [0, 1, 2, 3, 4, 5]);
        assert_eq!(dice.below(0), 0);
    }

    #[test]
    fn certain_and_impossible_are_exact() {
        let mut dice = Dice::seeded(0);
        assert!((0..1000).all(|_| dice.falls_within(1.0)));
        assert!((0..1000).all(|_| !dice.falls_within(0.0)));
    }
}
