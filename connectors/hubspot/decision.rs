//! Which quote of a deal counts: accepted before signed before published.

use super::wire::Object;

/// How much a quote binds; more is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It went out, and its deal is won.
    Published,
    /// The buyer signed.
    Signed,
    /// The buyer accepted.
    Accepted,
}

/// The quote that counts, and whether another one might.
#[derive(Debug)]
pub(super) struct Decision<'a> {
    pub quote: Option<&'a Object>,
    /// Two quotes qualify: a person must say which one is meant.
    pub conflict: bool,
}

/// Decides which of a deal's quotes counts.
///
/// Two that bind the buyer are a conflict, and so are two that merely went out when none binds. One that binds beats
/// any that merely went out.
pub(super) fn decide<'a>(quotes: impl IntoIterator<Item = &'a Object>, deal_won: DealWon) -> Decision<'a> {
    let mut qualified: Vec<(Standing, &Object)> =
        quotes.into_iter().filter_map(|quote| Some((standing(quote, deal_won)?, quote))).collect();
    qualified.sort_by_key(|(standing, quote)| (*standing, quote.updated_at));
    let binding = qualified.iter().filter(|(standing, _)| *standing > Standing::Published).count();
    let conflict = binding > 1 || (binding == 0 && qualified.len() > 1);
    Decision { quote: qualified.last().map(|(_, quote)| *quote), conflict }
}

/// Whether the quotes' deal is in a won stage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DealWon {
    Yes,
    No,
}

fn standing(quote: &Object, deal_won: DealWon) -> Option<Standing> {
    let is = |name: &str, value: &str| quote.value(name).is_some_and(|have| have.eq_ignore_ascii_case(value));
    let count = |name: &str| quote.value(name).and_then(|text| text.parse::<u32>().ok());
    if is("hs_status", "VOID") || is("hs_quote_status", "VOID") {
        return None;
    }
    if is("hs_status", "ACCEPTED") || is("hs_quote_status", "ACCEPTED") {
        return Some(Standing::Accepted);
    }
    let (required, completed) = (count("hs_esign_num_signers_required"), count("hs_esign_num_signers_completed"));
    let all_signed = required.is_some_and(|required| required > 0) && completed >= required;
    if is("hs_quote_esign_status", "SIGNED")
        || is("hs_manually_signed", "true")
        || (is("hs_esign_enabled", "true") && all_signed)
    {
        return Some(Standing::Signed);
    }
    // `APPROVED` publishes a quote of the old kind; on one of the new kind it is the internal approval only.
    let approved = is("hs_status", "APPROVAL_NOT_NEEDED") || is("hs_status", "APPROVED");
    let published = is("hs_quote_status", "PUBLISHED") || (approved && !is("hs_template_type", "CPQ_QUOTE"));
    (published && deal_won == DealWon::Yes).then_some(Standing::Published)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// `quotes`: one per `|`, properties as `name=value`, or by a short word.
    fn check(quotes: &str, deal_won: DealWon, expected: Option<usize>, conflict: bool) {
        let parsed: Vec<Object> = quotes
            .split('|')
            .enumerate()
            .filter(|(_, text)| !text.trim().is_empty())
            .map(|(at, text)| {
                let properties: serde_json::Map<_, _> = text
                    .split_whitespace()
                    .filter_map(|pair| pair.split_once('='))
                    .map(|(name, value)| (format!("hs_{name}"), json!(value)))
                    .collect();
                let updated = format!("2026-11-2{at}T00:00:00Z");
                serde_json::from_value(json!({"id": at.to_string(), "properties": properties, "updatedAt": updated}))
                    .unwrap()
            })
            .collect();
        let decision = decide(&parsed, deal_won);
        let chosen = decision.quote.map(|quote| quote.id.clone());
        assert_eq!((chosen, decision.conflict), (expected.map(|at| at.to_string()), conflict), "{quotes}");
    }

    #[test]
    fn an_accepted_quote_counts_before_a_signed_one_before_a_published_one() {
        use DealWon::{No, Yes};
        check("", Yes, None, false);
        check("status=ACCEPTED", No, Some(0), false);
        check("quote_status=ACCEPTED status=APPROVED", No, Some(0), false);
        check("quote_esign_status=SIGNED quote_status=EXPIRED", No, Some(0), false);
        check("manually_signed=true", No, Some(0), false);
        check("esign_enabled=true esign_num_signers_required=2 esign_num_signers_completed=2", No, Some(0), false);
        check("esign_enabled=true esign_num_signers_required=2 esign_num_signers_completed=1", Yes, None, false);
        check("esign_enabled=true esign_num_signers_required=0 esign_num_signers_completed=0", Yes, None, false);
        check("esign_num_signers_required=1 esign_num_signers_completed=1", No, None, false);
        check("quote_status=ACCEPTED status=VOID", Yes, None, false);
        check("status=DRAFT | status=REJECTED | status=PENDING_APPROVAL", Yes, None, false);
    }

    #[test]
    fn a_published_quote_counts_only_when_its_deal_is_won() {
        use DealWon::{No, Yes};
        check("status=APPROVAL_NOT_NEEDED", Yes, Some(0), false);
        check("status=APPROVAL_NOT_NEEDED", No, None, false);
        check("status=APPROVED", Yes, Some(0), false);
        check("status=APPROVED template_type=CPQ_QUOTE", Yes, None, false);
        check("status=APPROVED template_type=CPQ_QUOTE quote_status=PUBLISHED", Yes, Some(0), false);
    }

    #[test]
    fn two_quotes_that_qualify_are_a_conflict_unless_one_alone_binds() {
        use DealWon::{No, Yes};
        check("status=ACCEPTED | status=ACCEPTED", No, Some(1), true);
        check("status=ACCEPTED | quote_esign_status=SIGNED", No, Some(0), true);
        check("quote_esign_status=SIGNED | status=APPROVAL_NOT_NEEDED", Yes, Some(0), false);
        check("status=APPROVAL_NOT_NEEDED | status=APPROVAL_NOT_NEEDED", Yes, Some(1), true);
        check("status=APPROVAL_NOT_NEEDED | status=DRAFT", Yes, Some(0), false);
    }
}
