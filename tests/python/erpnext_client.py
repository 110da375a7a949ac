"""The PyPI package frappe-client, unchanged, against the emulator of ERPNext.

    python erpnext_client.py BASE_URL KEY:SECRET

Needs `pip install frappe-client`. Prints one line per story; the exit code is 1 when one of them fails.
"""

import base64
import hashlib
import hmac
import json
import sys
import time
import urllib.request

from frappeclient.frappeclient import FrappeClient, FrappeException

BASE, TOKEN = sys.argv[1].rstrip("/"), sys.argv[2]
KEY, SECRET = TOKEN.split(":", 1)
client = FrappeClient(BASE, api_key=KEY, api_secret=SECRET)


def control(command, **arguments):
    """What no API call can do."""
    request = urllib.request.Request(
        f"{BASE}/_control/{command}",
        data=json.dumps(arguments).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def unique(name):
    return f"{name} {time.time_ns()}"


def refused(call, words):
    try:
        call()
    except FrappeException as error:
        assert words in str(error), error
        return
    raise AssertionError(f"expected a refusal with {words}")


def customer(**values):
    return client.insert({"doctype": "Customer", "customer_name": unique("Client"), **values})


def order(of, **values):
    return client.insert({
        "doctype": "Sales Order", "customer": of["name"], "delivery_date": "2099-01-01",
        "items": [
            {"item_code": "0012", "qty": 3, "rate": 850},
            {"item_code": "0031", "qty": 1, "rate": 1200.5},
            {"item_code": "0032", "qty": 7, "rate": 189.99},
        ],
        "taxes": [{"charge_type": "On Net Total", "account_head": "TVA collectee 20% - AV", "description": "TVA", "rate": 20}],
        "apply_discount_on": "Net Total", "additional_discount_percentage": 5, **values,
    })


def a_customer_is_inserted_read_updated_and_deleted():
    made = customer(website="https://one.example")
    got = client.get_doc("Customer", made["name"])
    assert got["website"] == "https://one.example" and got["docstatus"] == 0 and "tax_id" not in got
    got["website"] = "https://two.example"
    changed = client.update(got)
    assert changed["website"] == "https://two.example" and changed["modified"] > made["modified"]
    got["website"] = "https://three.example"
    refused(lambda: client.update(got), "TimestampMismatchError")
    client.delete("Customer", made["name"])
    assert client.get_doc("Customer", made["name"]) is None


def lists_filter_order_and_page():
    name = unique("Page")
    for at in range(5):
        client.insert({"doctype": "Customer", "customer_name": f"{name} {at}"})
    rows = client.get_list(
        "Customer", fields=["name", "tax_id"], filters=[["customer_name", "like", f"{name}%"]],
        limit_start=1, limit_page_length=2, order_by="name desc",
    )
    assert [row["name"] for row in rows] == [f"{name} 3", f"{name} 2"], rows
    assert rows[0]["tax_id"] is None
    assert client.get_value("Customer", "name", {"customer_name": f"{name} 4"}) == {"name": f"{name} 4"}
    assert client.get_value("Customer", "name", {"customer_name": "nobody"}) == {}
    assert client.get_api("frappe.client.get_count", {"doctype": "Customer", "filters": json.dumps([["name", "like", f"{name}%"]])}) == 5


def wrong_documents_are_refused_by_their_class():
    refused(lambda: client.insert({"doctype": "Customer"}), "MandatoryError")
    refused(lambda: customer(customer_group="No such group"), "LinkValidationError")
    refused(lambda: customer(customer_type="Nobody"), "ValidationError")
    refused(lambda: client.insert({"doctype": "Item", "item_code": "0012", "item_group": "Products", "stock_uom": "Nos"}), "DuplicateEntryError")
    refused(lambda: client.get_list("Customer", fields=["no_such"]), "DataError")
    refused(lambda: client.get_list("No Such Type"), "ImportError")


def a_unique_custom_field_keeps_a_second_document_out():
    if not client.get_list("Custom Field", filters=[["name", "=", "Customer-hub_external_id"]]):
        client.insert({
            "doctype": "Custom Field", "dt": "Customer", "fieldname": "hub_external_id", "label": "Hub External ID",
            "fieldtype": "Data", "unique": 1,
        })
    key = unique("key")
    made = customer(hub_external_id=key)
    refused(lambda: customer(hub_external_id=key), "UniqueValidationError")
    rows = client.get_list("Customer", fields=["name"], filters=[["hub_external_id", "=", key]])
    assert [row["name"] for row in rows] == [made["name"]]


def a_twin_without_a_key_is_made_in_silence():
    name = unique("Twin")
    made = [client.insert({"doctype": "Customer", "customer_name": name})["name"] for _ in range(2)]
    assert made == [name, f"{name} - 1"], made


def totals_are_the_recorded_ones():
    made = order(customer())
    assert (made["total"], made["discount_amount"], made["net_total"]) == (5080.43, 254.02, 4826.41), made
    assert (made["total_taxes_and_charges"], made["grand_total"]) == (965.28, 5791.69), made
    assert [row["net_amount"] for row in made["items"]] == [2422.5, 1140.48, 1263.43]


def a_sale_goes_from_order_to_payment():
    made = order(customer())
    assert made["status"] == "Draft"
    client.update({"doctype": "Sales Order", "name": made["name"], "docstatus": 1})
    assert client.get_doc("Sales Order", made["name"])["status"] == "To Deliver and Bill"
    refused(lambda: client.update({"doctype": "Sales Order", "name": made["name"], "apply_discount_on": "Grand Total"}), "UpdateAfterSubmitError")
    mapper = "erpnext.selling.doctype.sales_order.sales_order.make_sales_invoice"
    invoice = client.insert(client.get_api(mapper, {"source_name": made["name"]}))
    assert invoice["items"][0]["sales_order"] == made["name"] and invoice["grand_total"] == 5791.69
    client.update({"doctype": "Sales Invoice", "name": invoice["name"], "docstatus": 1})
    mapper = "erpnext.accounts.doctype.payment_entry.payment_entry.get_payment_entry"
    payment = client.get_api(mapper, {"dt": "Sales Invoice", "dn": invoice["name"]})
    refused(lambda: client.insert(payment), "ValidationError")
    payment["reference_no"] = "VIR-1"
    payment["paid_amount"] = payment["received_amount"] = payment["references"][0]["allocated_amount"] = 2000
    paid = client.insert(payment)
    client.update({"doctype": "Payment Entry", "name": paid["name"], "docstatus": 1})
    got = client.get_doc("Sales Invoice", invoice["name"])
    assert (got["status"], got["outstanding_amount"], got["paid_amount"]) == ("Partly Paid", 3791.69, 0.0), got
    refused(lambda: client.cancel("Sales Order", made["name"]), "LinkExistsError")
    client.cancel("Payment Entry", paid["name"])
    assert client.get_doc("Sales Invoice", invoice["name"])["status"] == "Unpaid"
    client.cancel("Sales Invoice", invoice["name"])
    got = client.get_doc("Sales Invoice", invoice["name"])
    assert (got["docstatus"], got["status"]) == (2, "Cancelled")


def a_deleted_document_leaves_a_trace():
    made = customer()
    client.delete("Customer", made["name"])
    rows = client.get_list("Deleted Document", fields=["deleted_doctype", "restored"], filters=[["deleted_name", "=", made["name"]]])
    assert rows == [{"deleted_doctype": "Customer", "restored": 0}], rows


def a_renamed_document_is_found_under_its_new_name():
    made = customer()
    new = unique("Renamed")
    assert client.rename_doc("Customer", made["name"], new) == new
    assert client.get_doc("Customer", made["name"]) is None
    assert client.get_doc("Customer", new)["customer_name"] == new


def values_are_set_and_updated_in_bulk():
    one, other = customer(), customer()
    assert client.set_value("Customer", one["name"], "website", "https://set.example")["website"] == "https://set.example"
    answer = client.bulk_update([
        {"doctype": "Customer", "docname": one["name"], "website": "https://bulk.example"},
        {"doctype": "Customer", "docname": "Nobody at all", "website": "https://bulk.example"},
        {"doctype": "Customer", "docname": other["name"], "website": "https://bulk.example"},
    ])
    assert len(answer["failed_docs"]) == 1, answer
    assert client.get_doc("Customer", other["name"])["website"] == "https://bulk.example"


def a_webhook_is_signed_over_its_bytes():
    client.insert({
        "doctype": "Webhook", "name": unique("hook"), "webhook_doctype": "Customer", "webhook_docevent": "on_update",
        "request_url": "https://hub.example.com/hooks/erp", "request_structure": "JSON", "enable_security": 1,
        "webhook_secret": "whsec", "webhook_json": '{"doctype": "Customer", "name": {{ doc.name | tojson }}}',
    })
    control("deliveries")
    made = customer()
    (delivery,) = control("deliveries")["deliveries"]
    assert json.loads(delivery["body"]) == {"doctype": "Customer", "name": made["name"]}, delivery
    wanted = base64.b64encode(hmac.new(b"whsec", delivery["body"].encode(), hashlib.sha256).digest()).decode()
    assert delivery["headers"]["X-Frappe-Webhook-Signature"] == wanted
    assert "Content-Type" not in delivery["headers"]


def a_wrong_token_is_refused():
    stranger = FrappeClient(BASE, api_key=KEY, api_secret="wrong")
    refused(lambda: stranger.get_list("Customer"), "AuthenticationError")


STORIES = [
    a_customer_is_inserted_read_updated_and_deleted,
    lists_filter_order_and_page,
    wrong_documents_are_refused_by_their_class,
    a_unique_custom_field_keeps_a_second_document_out,
    a_twin_without_a_key_is_made_in_silence,
    totals_are_the_recorded_ones,
    a_sale_goes_from_order_to_payment,
    a_deleted_document_leaves_a_trace,
    a_renamed_document_is_found_under_its_new_name,
    values_are_set_and_updated_in_bulk,
    a_webhook_is_signed_over_its_bytes,
    a_wrong_token_is_refused,
]


def main():
    failed = 0
    for story in STORIES:
        name = story.__name__.replace("_", " ")
        try:
            story()
            print("ok  ", name)
        except Exception as error:
            failed += 1
            print("FAIL", name, "-", type(error).__name__, error)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
