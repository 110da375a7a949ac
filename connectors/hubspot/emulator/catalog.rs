//! The properties that every account has, and those that the sample account's people added.

use super::kind::Kind;
use super::property::Property;

/// Name, type with marks (`!` read only, `*` unique, `+` added by the account's people), options.
type Row = (&'static str, &'static str, &'static [&'static str]);

const COMPANIES: &[Row] = &[
    ("name", "string", &[]),
    ("domain", "string", &[]),
    ("website", "string", &[]),
    ("phone", "string", &[]),
    ("address", "string", &[]),
    ("address2", "string", &[]),
    ("city", "string", &[]),
    ("state", "string", &[]),
    ("zip", "string", &[]),
    ("country", "string", &[]),
    ("description", "string", &[]),
    ("annualrevenue", "number", &[]),
    ("numberofemployees", "number", &[]),
    ("lifecyclestage", "enumeration", LIFECYCLE),
    ("hubspot_owner_id", "string", &[]),
    ("email", "string+", &[]),
    ("vat_number", "string+", &[]),
    ("siren", "string+", &[]),
];
const CONTACTS: &[Row] = &[
    ("email", "string*", &[]),
    ("firstname", "string", &[]),
    ("lastname", "string", &[]),
    ("phone", "string", &[]),
    ("mobilephone", "string", &[]),
    ("jobtitle", "string", &[]),
    ("company", "string", &[]),
    ("website", "string", &[]),
    ("address", "string", &[]),
    ("city", "string", &[]),
    ("state", "string", &[]),
    ("zip", "string", &[]),
    ("country", "string", &[]),
    ("lifecyclestage", "enumeration", LIFECYCLE),
    ("hs_additional_emails", "string", &[]),
    ("hubspot_owner_id", "string", &[]),
];
const DEALS: &[Row] = &[
    ("dealname", "string", &[]),
    ("pipeline", "enumeration", &[]),
    ("dealstage", "enumeration", &[]),
    ("amount", "number", &[]),
    ("amount_in_home_currency", "number!", &[]),
    ("deal_currency_code", "enumeration", &[]),
    ("closedate", "datetime", &[]),
    ("dealtype", "enumeration", &["newbusiness", "existingbusiness"]),
    ("description", "string", &[]),
    ("hubspot_owner_id", "string", &[]),
    ("hs_is_closed", "bool!", &[]),
    ("hs_is_closed_won", "bool!", &[]),
    ("hs_deal_stage_probability", "number!", &[]),
    ("customer_reference", "string+", &[]),
];
const PRODUCTS: &[Row] = &[
    ("name", "string", &[]),
    ("description", "string", &[]),
    ("price", "number", &[]),
    ("hs_sku", "string", &[]),
    ("hs_cost_of_goods_sold", "number", &[]),
    ("hs_price_eur", "number", &[]),
    ("hs_product_type", "enumeration", &["inventory", "non_inventory", "service"]),
    ("hs_url", "string", &[]),
    ("recurringbillingfrequency", "enumeration", FREQUENCY),
    ("hubspot_owner_id", "string", &[]),
    ("vat_rate", "number+", &[]),
];
const LINE_ITEMS: &[Row] = &[
    ("name", "string", &[]),
    ("description", "string", &[]),
    ("quantity", "number", &[]),
    ("price", "number", &[]),
    ("amount", "number!", &[]),
    ("discount", "number", &[]),
    ("hs_discount_percentage", "number", &[]),
    ("hs_total_discount", "number!", &[]),
    ("hs_product_id", "string", &[]),
    ("hs_product_type", "enumeration", &["inventory", "non_inventory", "service"]),
    ("hs_sku", "string", &[]),
    ("hs_line_item_currency_code", "string", &[]),
    ("hs_tax_rate_group_id", "string", &[]),
    ("hs_position_on_quote", "number", &[]),
    ("hs_cost_of_goods_sold", "number", &[]),
    ("recurringbillingfrequency", "enumeration", FREQUENCY),
    ("hs_recurring_billing_period", "string", &[]),
    ("hs_recurring_billing_start_date", "date", &[]),
    ("vat_rate", "number+", &[]),
];
const QUOTES: &[Row] = &[
    ("hs_title", "string", &[]),
    ("hs_expiration_date", "date", &[]),
    ("hs_template_type", "enumeration", &["CPQ_QUOTE", "QUOTE", "CUSTOMIZABLE_QUOTE_TEMPLATE"]),
    ("hs_status", "enumeration", QUOTE_STATUS),
    ("hs_quote_status", "enumeration!", &["DRAFT", "PUBLISHED", "EXPIRED", "ACCEPTED", "VOID"]),
    ("hs_quote_esign_status", "enumeration!", &["PENDING_SIGNATURE", "SIGNED"]),
    ("hs_esign_enabled", "bool", &[]),
    ("hs_esign_num_signers_required", "number!", &[]),
    ("hs_esign_num_signers_completed", "number!", &[]),
    ("hs_manually_signed", "bool!", &[]),
    ("hs_payment_enabled", "bool", &[]),
    ("hs_payment_status", "enumeration!", &["PENDING", "PAID"]),
    ("hs_payment_date", "datetime!", &[]),
    ("hs_quote_amount", "number!", &[]),
    ("hs_currency", "enumeration", &[]),
    ("hs_quote_number", "string!", &[]),
    ("hs_quote_link", "string!", &[]),
    ("hs_pdf_download_link", "string!", &[]),
    ("hs_public_url_key", "string!", &[]),
    ("hs_sender_firstname", "string", &[]),
    ("hs_sender_lastname", "string", &[]),
    ("hs_sender_email", "string", &[]),
    ("hs_sender_company_name", "string", &[]),
    ("hubspot_owner_id", "string!", &[]),
];
const INVOICES: &[Row] = &[
    ("hs_currency", "enumeration", &[]),
    ("hs_invoice_status", "enumeration", &["draft", "open", "paid", "voided"]),
    ("hs_due_date", "date", &[]),
    ("hs_invoice_date", "date", &[]),
    ("hs_amount_billed", "number!", &[]),
    ("hs_balance_due", "number!", &[]),
    ("hs_number", "string!", &[]),
];
const PAYMENTS: &[Row] = &[
    ("hs_initial_amount", "number", &[]),
    ("hs_initiated_date", "datetime", &[]),
    ("hs_latest_status", "enumeration", &["succeeded", "refunded"]),
    ("hs_customer_email", "string", &[]),
];
const LIFECYCLE: &[&str] = &[
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
    "evangelist",
    "other",
];
const FREQUENCY: &[&str] = &["monthly", "quarterly", "per_six_months", "annually", "per_two_years", "per_three_years"];
const QUOTE_STATUS: &[&str] =
    &["DRAFT", "APPROVAL_NOT_NEEDED", "PENDING_APPROVAL", "APPROVED", "REJECTED", "ACCEPTED", "VOID"];

/// The properties of a new account.
pub(super) fn of(kind: Kind) -> Vec<Property> {
    let rows = match kind {
        Kind::Contacts => CONTACTS,
        Kind::Companies => COMPANIES,
        Kind::Deals => DEALS,
        Kind::Products => PRODUCTS,
        Kind::LineItems => LINE_ITEMS,
        Kind::Quotes => QUOTES,
        Kind::Invoices => INVOICES,
        Kind::Payments => PAYMENTS,
    };
    let own: [Row; 4] = [
        ("hs_object_id", "number!", &[]),
        (kind.created_property(), "datetime!", &[]),
        (kind.modified_property(), "datetime!", &[]),
        ("hs_merged_object_ids", "string!", &[]),
    ];
    own.iter().chain(rows).map(|row| property(kind, row)).collect()
}

fn property(kind: Kind, (name, marked, options): &Row) -> Property {
    let value_type = marked.trim_end_matches(['!', '*', '+']);
    Property {
        name: (*name).to_owned(),
        label: label(name),
        kind: value_type.to_owned(),
        field: match value_type {
            "bool" => "booleancheckbox",
            "date" | "datetime" => "date",
            "enumeration" => "select",
            "number" => "number",
            _ => "text",
        }
        .to_owned(),
        group: format!("{}information", kind.singular()),
        options: options.iter().map(|value| ((*value).to_owned(), label(value))).collect(),
        unique: marked.contains('*'),
        read_only: marked.contains('!'),
        hubspot_defined: !marked.contains('+'),
        archived: false,
    }
}

fn label(name: &str) -> String {
    let words = name.trim_start_matches("hs_").replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
