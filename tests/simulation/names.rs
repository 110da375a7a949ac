//! Invented names and numbers: accents, ligatures, and now and then a sign that an old database refuses.

use super::chance::Chance;

const KINDS: [&str; 8] = ["Menuiserie", "Garage", "Ébénisterie", "Café", "Lycée", "Œuvre &", "Société", "Brasserie"];
const PEOPLE: [&str; 10] =
    ["Béraud", "Noël", "Étoile", "d’Arvor", "Lefèvre", "Çelik", "Ångström", "Müller", "Dubois", "Ñandú"];
const THINGS: [&str; 8] =
    ["Étau d’établi", "Servante", "Panneau perforé", "Établi", "Montage", "Éclairage", "Câble", "Guide « 5S »"];
const TOWNS: [&str; 5] = ["Lille", "Saint-Étienne", "Thiers", "Besançon", "Nîmes"];

/// A customer's name; `place` makes it one of its kind.
pub fn customer(dice: &mut Chance, place: usize) -> String {
    format!("{} {} {place}", dice.word(&KINDS), dice.word(&PEOPLE))
}

/// A product's name.
pub fn product(dice: &mut Chance, place: usize) -> String {
    format!("{} {}", dice.word(&THINGS), 100 + place * 5)
}

/// A town.
pub fn town(dice: &mut Chance) -> &'static str {
    dice.word(&TOWNS)
}

/// A French phone number in one of its spellings.
pub fn phone(dice: &mut Chance) -> String {
    let number = dice.between(10_000_000, 99_999_999).to_string();
    match dice.between(0, 2) {
        0 => format!("+333{number}"),
        1 => format!("03{number}"),
        _ => {
            let spaced: Vec<&str> = [0, 2, 4, 6].iter().filter_map(|at| number.get(*at..at + 2)).collect();
            format!("03 {}", spaced.join(" "))
        }
    }
}

/// A SIREN with the right check digit.
pub fn siren(place: usize) -> String {
    let front = format!("{:08}", 40_000_000 + place * 7);
    let digits = front.bytes().map(|byte| u32::from(byte - b'0'));
    // From the right, the check digit not counted: the first, third ... are doubled.
    let sum: u32 = digits
        .rev()
        .enumerate()
        .map(|(at, digit)| if at % 2 == 0 { (digit * 2) / 10 + (digit * 2) % 10 } else { digit })
        .sum();
    format!("{front}{}", (10 - sum % 10) % 10)
}

/// The French VAT number of a SIREN.
pub fn vat_number(siren: &str) -> String {
    let number: u64 = siren.parse().unwrap_or_default();
    format!("FR{:02}{siren}", (12 + 3 * (number % 97)) % 97)
}
