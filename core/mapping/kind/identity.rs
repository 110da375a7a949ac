//! What people and companies are known by: e-mail, telephone, VAT number, SIREN.

/// Lower case, one `@`, no blanks.
pub(in crate::mapping) fn email(text: &str) -> Result<String, String> {
    let text = text.trim().to_lowercase();
    let fits =
        text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && !host.is_empty() && !host.contains('@'));
    if fits && !text.contains(char::is_whitespace) { Ok(text) } else { Err("is not an e-mail address".into()) }
}

/// `+33320123456`: with country code where it is known, else digits; a text that says more stays as it is.
///
/// Ten digits that start with 0 are French. `0049..` is `+49..`, `+33 (0)3..` is `+333..`.
pub(in crate::mapping) fn phone(text: &str) -> String {
    let text = text.trim();
    let without_zero = if text.starts_with('+') { text.replace("(0)", "") } else { text.to_owned() };
    let bare: String =
        without_zero.chars().filter(|c| !c.is_whitespace() && !".-/()\u{2011}\u{2013}".contains(*c)).collect();
    let digits = bare.strip_prefix('+').unwrap_or(&bare);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    match (bare.starts_with('+'), digits.strip_prefix("00"), digits.strip_prefix('0')) {
        (true, ..) => bare,
        (false, Some(abroad), _) if !abroad.is_empty() && !abroad.starts_with('0') => format!("+{abroad}"),
        (false, None, Some(national)) if national.len() == 9 => format!("+33{national}"),
        _ => digits.to_owned(),
    }
}

/// `alpha.example/shop`: without `http://`, which systems add and take away, the host in lower case, no slash at its end.
pub(in crate::mapping) fn url(text: &str) -> String {
    let mut rest = text.trim();
    while let Some(bare) = rest.get(..7).filter(|start| start.eq_ignore_ascii_case("http://")).and(rest.get(7..)) {
        rest = bare;
    }
    let secure = rest.get(..8).is_some_and(|start| start.eq_ignore_ascii_case("https://"));
    let from = if secure { 8 } else { 0 };
    let host = rest.get(from..).unwrap_or_default();
    let end = from + host.find(['/', '?', '#', ' ']).unwrap_or(host.len());
    let (host, path) = rest.split_at_checked(end).unwrap_or((rest, ""));
    format!("{}{}", host.to_ascii_lowercase(), if path == "/" { "" } else { path })
}

/// Upper case without blanks, dots or dashes; a French one must have the right key.
pub(in crate::mapping) fn vat_number(text: &str) -> Result<String, String> {
    let number: String = text.chars().filter(|c| !c.is_whitespace() && !".-".contains(*c)).collect();
    let number = number.to_uppercase();
    let bytes = number.as_bytes();
    let fits = (4..=15).contains(&bytes.len())
        && bytes.iter().take(2).all(u8::is_ascii_uppercase)
        && bytes.iter().filter(|b| b.is_ascii_digit()).count() >= 2
        && bytes.iter().skip(2).all(|b| b.is_ascii_digit() || b.is_ascii_uppercase() || b"+*".contains(b));
    if !fits {
        return Err("is not a VAT number with its two country letters".into());
    }
    match number.strip_prefix("FR") {
        Some(rest) if !french_key_fits(rest) => Err("is not a valid French VAT number: its key does not fit".into()),
        _ => Ok(number),
    }
}

/// Two characters of key, nine digits. Keys with a letter follow a rule that is not public: only the shape is checked.
fn french_key_fits(rest: &str) -> bool {
    let (Some(key), Some(number)) = (rest.get(..2), rest.get(2..)) else { return false };
    if number.len() != 9 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    match (key.parse::<u64>(), number.parse::<u64>()) {
        (Ok(key), Ok(number)) => key == (12 + 3 * (number % 97)) % 97,
        _ => key.bytes().all(|b| b.is_ascii_alphanumeric()) && !key.contains(['O', 'I']),
    }
}

/// Nine digits that pass the Luhn check.
pub(in crate::mapping) fn siren(text: &str) -> Result<String, String> {
    let digits: String = text.chars().filter(|c| !c.is_whitespace() && !".-".contains(*c)).collect();
    if digits.len() != 9 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err("is not a SIREN of nine digits".into());
    }
    if luhn(&digits) { Ok(digits) } else { Err("is not a valid SIREN: its check digit does not fit".into()) }
}

fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .chars()
        .rev()
        .filter_map(|c| c.to_digit(10))
        .enumerate()
        .map(|(place, digit)| if place % 2 == 0 { digit } else { (2 * digit) / 10 + (2 * digit) % 10 })
        .sum();
    sum.is_multiple_of(10)
}

/// How people spell a VAT number or SIREN beside its normal form, for looking it up.
pub(in crate::mapping) fn spellings(kind: &super::Kind, value: &serde_json::Value) -> Vec<String> {
    let text = value.as_str().unwrap_or_default();
    let spaced = |digits: &str| -> Option<String> {
        Some(format!("{} {} {}", digits.get(..3)?, digits.get(3..6)?, digits.get(6..)?))
    };
    let found = match kind {
        super::Kind::Siren => vec![spaced(text)],
        super::Kind::VatNumber => {
            let french = text.strip_prefix("FR").and_then(|rest| Some((rest.get(..2)?, rest.get(2..)?)));
            let with = |(key, siren): (&str, &str)| {
                vec![Some(format!("FR {key} {siren}")), spaced(siren).map(|siren| format!("FR {key} {siren}"))]
            };
            french.map(with).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    found.into_iter().flatten().collect()
}
