//! Fields that every Dolibarr 22 has, for writing mappings from.

use passerelle_core::connector::{Choice, FieldSchema};

/// The known fields of a resource, without extrafields.
pub(super) fn known(resource: &str) -> Vec<FieldSchema> {
    match resource {
        "thirdparties" => thirdparties(),
        "contacts" => contacts(),
        "products" => products(),
        _ => orders(),
    }
}

fn writable(names: &[&str]) -> impl Iterator<Item = FieldSchema> {
    names.iter().map(|name| FieldSchema::new(*name, "string")).collect::<Vec<_>>().into_iter()
}

fn read_only(names: &[&str], kind: &'static str) -> impl Iterator<Item = FieldSchema> {
    names.iter().map(move |name| FieldSchema::new(*name, kind).read_only()).collect::<Vec<_>>().into_iter()
}

fn required(name: &str, kind: &str) -> FieldSchema {
    FieldSchema { required: true, ..FieldSchema::new(name, kind) }
}

fn one_of(name: &str, values: &[(&str, &str)]) -> FieldSchema {
    let choice = |(value, label): &(&str, &str)| Choice { value: (*value).to_owned(), label: (*label).to_owned() };
    FieldSchema { options: values.iter().map(choice).collect(), ..FieldSchema::new(name, "string") }
}

fn thirdparties() -> Vec<FieldSchema> {
    let mut fields = vec![required("name", "string")];
    fields.extend(writable(&[
        "name_alias",
        "email",
        "phone",
        "fax",
        "url",
        "address",
        "zip",
        "town",
        "country_code",
        "country_id",
        "state_id",
        "tva_intra",
        "idprof1",
        "idprof2",
        "idprof3",
        "idprof4",
        "tva_assuj",
        "ref_ext",
        "code_client",
        "cond_reglement_id",
        "mode_reglement_id",
        "note_public",
        "note_private",
        "default_lang",
    ]));
    fields.push(one_of("client", &[("0", "neither"), ("1", "customer"), ("2", "prospect"), ("3", "both")]));
    fields.push(one_of("fournisseur", &[("0", "no supplier"), ("1", "supplier")]));
    fields.push(one_of("status", &[("1", "open"), ("0", "closed")]));
    fields.extend(read_only(&["id", "date_creation", "date_modification"], "string"));
    fields
}

fn contacts() -> Vec<FieldSchema> {
    let mut fields = vec![required("lastname", "string")];
    fields.extend(writable(&[
        "firstname",
        "civility_code",
        "poste",
        "email",
        "phone_pro",
        "phone_perso",
        "phone_mobile",
        "socid",
        "address",
        "zip",
        "town",
        "country_code",
        "country_id",
        "ref_ext",
        "note_public",
        "note_private",
        "birthday",
    ]));
    fields.extend(read_only(&["id", "statut", "date_creation", "date_modification"], "string"));
    fields
}

fn products() -> Vec<FieldSchema> {
    let mut fields = vec![FieldSchema { unique: true, ..required("ref", "string") }, required("label", "string")];
    fields.extend(writable(&[
        "description",
        "price",
        "price_ttc",
        "tva_tx",
        "barcode",
        "ref_ext",
        "url",
        "customcode",
        "weight",
        "accountancy_code_sell",
        "note_public",
        "note_private",
    ]));
    fields.push(one_of("type", &[("0", "good"), ("1", "service")]));
    fields.push(one_of("price_base_type", &[("HT", "without VAT"), ("TTC", "with VAT")]));
    fields.push(one_of("status", &[("1", "on sale"), ("0", "not on sale")]));
    fields.push(one_of("status_buy", &[("1", "for purchase"), ("0", "not for purchase")]));
    fields.extend(read_only(&["id", "date_creation", "date_modification"], "string"));
    fields
}

fn orders() -> Vec<FieldSchema> {
    let mut fields = vec![required("socid", "string"), FieldSchema::new("date", "date")];
    fields.extend(writable(&[
        "ref_client",
        "ref_ext",
        "note_public",
        "note_private",
        "multicurrency_code",
        "cond_reglement_id",
        "mode_reglement_id",
        "delivery_date",
        "lines[].fk_product",
        "lines[].desc",
        "lines[].qty",
        "lines[].subprice",
        "lines[].remise_percent",
        "lines[].tva_tx",
    ]));
    fields.push(FieldSchema::new("lines", "array"));
    fields.push(one_of("lines[].product_type", &[("0", "good"), ("1", "service")]));
    fields.extend(read_only(
        &[
            "id",
            "ref",
            "statut",
            "billed",
            "multicurrency_tx",
            "total_ht",
            "total_tva",
            "total_ttc",
            "lines[].id",
            "lines[].product_ref",
            "lines[].product_label",
            "lines[].rang",
            "lines[].total_ht",
            "lines[].total_tva",
            "lines[].total_ttc",
            "invoice_numbers",
            "invoiced",
            "paid",
            "balance_due",
            "date_creation",
            "date_modification",
        ],
        "string",
    ));
    let words = ["none", "draft", "unpaid", "partly_paid", "paid", "overdue", "credited"].map(|word| (word, word));
    fields.push(one_of("invoice_status", &words).read_only());
    fields.extend(read_only(&["due_date", "last_payment_date"], "date"));
    fields.extend(read_only(&["invoices", "payments"], "array"));
    fields
}
