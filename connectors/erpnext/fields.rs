//! Fields that every ERPNext 15 has, for writing mappings from.

use passerelle_core::connector::{Choice, FieldSchema};

use super::parties::ADDRESS;
use super::table::Table;

/// The known fields of a resource, without custom fields.
pub(super) fn known(table: &Table) -> Vec<FieldSchema> {
    let mut fields = match table.name {
        "customers" => customers(),
        "contacts" => contacts(),
        "items" => items(),
        "quotations" => trade(&["quotation_to", "party_name", "valid_till"]),
        _ => orders(),
    };
    fields.extend(read_only(&["name", "creation", "docstatus"], "string"));
    fields
}

fn writable(names: &[&str]) -> impl Iterator<Item = FieldSchema> {
    names.iter().map(|name| FieldSchema::new(*name, "string")).collect::<Vec<_>>().into_iter()
}

fn read_only(names: &[&str], kind: &'static str) -> impl Iterator<Item = FieldSchema> {
    names.iter().map(move |name| FieldSchema::new(*name, kind).read_only()).collect::<Vec<_>>().into_iter()
}

fn required(name: &str) -> FieldSchema {
    FieldSchema { required: true, ..FieldSchema::new(name, "string") }
}

fn one_of(name: &str, values: &[&str]) -> FieldSchema {
    let choice = |value: &&str| Choice { value: (*value).to_owned(), label: (*value).to_owned() };
    FieldSchema { options: values.iter().map(choice).collect(), ..FieldSchema::new(name, "string") }
}

fn check(name: &str) -> FieldSchema {
    one_of(name, &["0", "1"])
}

fn customers() -> Vec<FieldSchema> {
    let mut fields =
        vec![required("customer_name"), one_of("customer_type", &["Company", "Individual", "Partnership"])];
    fields.extend(writable(&[
        "customer_group",
        "territory",
        "tax_id",
        "website",
        "language",
        "default_currency",
        "payment_terms",
        "customer_details",
    ]));
    fields.push(check("disabled"));
    fields.push(FieldSchema::new("address", "object"));
    fields.extend(ADDRESS.iter().map(|field| FieldSchema::new(format!("address.{field}"), "string")));
    fields.push(FieldSchema::new("contact", "object").read_only());
    fields.extend(read_only(
        &["email_id", "mobile_no", "customer_primary_contact", "customer_primary_address"],
        "string",
    ));
    fields
}

fn contacts() -> Vec<FieldSchema> {
    let mut fields = vec![required("first_name")];
    fields.extend(writable(&[
        "last_name",
        "middle_name",
        "salutation",
        "designation",
        "department",
        "company_name",
        "email_id",
        "phone",
        "mobile_no",
        "customer",
    ]));
    fields.extend([check("is_primary_contact"), check("is_billing_contact"), check("unsubscribed")]);
    fields.extend(read_only(&["full_name"], "string"));
    fields
}

fn items() -> Vec<FieldSchema> {
    let mut fields = vec![FieldSchema { unique: true, ..required("item_code") }];
    fields.extend([required("item_group"), required("stock_uom")]);
    fields.extend(writable(&["item_name", "description", "brand", "price_list_rate"]));
    fields.extend([check("is_stock_item"), check("is_sales_item"), check("disabled")]);
    fields
}

fn trade(own: &[&'static str]) -> Vec<FieldSchema> {
    let mut fields: Vec<FieldSchema> = writable(own).collect();
    fields.push(FieldSchema::new("transaction_date", "date"));
    fields.extend(writable(&[
        "company",
        "currency",
        "conversion_rate",
        "selling_price_list",
        "taxes_and_charges",
        "customer_address",
        "contact_person",
        "order_type",
        "title",
        "terms",
        "po_no",
        "items[].item_code",
        "items[].description",
        "items[].qty",
        "items[].unit_price",
        "items[].discount_percentage",
        "items[].vat_rate",
        "items[].delivery_date",
    ]));
    fields.push(FieldSchema::new("items", "array"));
    fields.extend(read_only(
        &[
            "status",
            "total",
            "net_total",
            "total_taxes_and_charges",
            "grand_total",
            "rounded_total",
            "discount_amount",
            "items[].name",
            "items[].item_name",
            "items[].uom",
            "items[].rate",
            "items[].amount",
            "items[].net_amount",
            "items[].item_tax_template",
        ],
        "string",
    ));
    fields.push(FieldSchema::new("taxes", "array").read_only());
    fields
}

fn orders() -> Vec<FieldSchema> {
    let mut fields = vec![required("customer")];
    fields.extend(trade(&[]));
    fields.push(FieldSchema::new("delivery_date", "date"));
    fields.extend(read_only(
        &[
            "per_billed",
            "billing_status",
            "per_delivered",
            "delivery_status",
            "advance_paid",
            "invoice_numbers",
            "invoiced",
            "paid",
            "balance_due",
        ],
        "string",
    ));
    let words = ["none", "draft", "unpaid", "partly_paid", "paid", "overdue", "credited"];
    fields.push(FieldSchema { writable: false, ..one_of("invoice_status", &words) });
    fields.extend(read_only(&["due_date", "last_payment_date"], "date"));
    fields.extend(read_only(&["invoices", "payments"], "array"));
    fields
}
