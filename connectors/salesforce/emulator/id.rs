//! Record ids: 15 characters that know their case, and 18 that do not need it.

/// Digits of the running part.
const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Characters of the check.
const CHECK: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ012345";

/// The id of the `number`th record under a key prefix.
pub(super) fn make(prefix: &str, mut number: u64) -> String {
    let mut tail = [b'0'; 9];
    for place in tail.iter_mut().rev() {
        *place = DIGITS.get((number % 62) as usize).copied().unwrap_or(b'0');
        number /= 62;
    }
    let short = format!("{prefix}5g0{}", String::from_utf8_lossy(&tail));
    long(&short).unwrap_or(short)
}

/// The id with 18 characters; `None` for what is no id.
pub(super) fn long(id: &str) -> Option<String> {
    let is_id = matches!(id.len(), 15 | 18) && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let short = id.get(..15).filter(|_| is_id)?;
    let check = short.as_bytes().chunks(5).map(|block| {
        let upper = block.iter().enumerate().filter(|(_, byte)| byte.is_ascii_uppercase());
        let bits = upper.fold(0_usize, |bits, (at, _)| bits | 1 << at);
        char::from(CHECK.get(bits).copied().unwrap_or(b'A'))
    });
    let made = format!("{short}{}", check.collect::<String>());
    // 18 characters name the record in any case; what does not check is taken apart by its own case.
    if id.len() == 18 && !made.eq_ignore_ascii_case(id) {
        return recased(id);
    }
    Some(made)
}

/// The id whose 15 characters have the case that its check says.
fn recased(id: &str) -> Option<String> {
    let check = id.get(15..)?.to_ascii_uppercase();
    let mut made = String::with_capacity(18);
    for (block, sign) in id.as_bytes().get(..15)?.chunks(5).zip(check.bytes()) {
        let bits = CHECK.iter().position(|known| *known == sign)?;
        for (at, byte) in block.iter().enumerate() {
            let upper = bits >> at & 1 == 1;
            made.push(char::from(if upper { byte.to_ascii_uppercase() } else { byte.to_ascii_lowercase() }));
        }
    }
    made.push_str(&check);
    Some(made)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifteen_characters_become_eighteen_by_the_case_of_each_block() {
        assert_eq!(long("001D000000IqhSL").as_deref(), Some("001D000000IqhSLIAZ"));
        assert_eq!(long("001D000000IqhSLIAZ").as_deref(), Some("001D000000IqhSLIAZ"));
        assert_eq!(long("001d000000iqhsliaz").as_deref(), Some("001D000000IqhSLIAZ"));
        assert_eq!(long("not an id"), None);
        assert_eq!(make("001", 1).len(), 18);
    }
}
