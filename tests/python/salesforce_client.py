"""simple-salesforce, unchanged, against the emulator.

    python salesforce_client.py BASE_URL CLIENT_SECRET

Needs `pip install simple-salesforce`. Prints one line per story; the exit code is 1 when one of them fails.
"""

import datetime
import json
import sys
import time
import urllib.request

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import (
    SalesforceAuthenticationFailed,
    SalesforceMalformedRequest,
    SalesforceMoreThanOneRecord,
    SalesforceResourceNotFound,
)

BASE, SECRET = sys.argv[1].rstrip("/"), sys.argv[2]
CLIENT = "salesforce-demo-client"


class ToTheEmulator(HTTPAdapter):
    """The client insists on https and on a host of its own: both become the emulator's."""

    def send(self, request, **options):
        path = request.url.split("://", 1)[1].split("/", 1)[1]
        # The client puts the path of the instance's address in front of paths that bear it already, or not at all.
        prefix = BASE.split("://", 1)[1].split("/", 1)[1] + "/"
        request.url = BASE + "/" + (path[len(prefix):] if path.startswith(prefix) else path)
        return super().send(request, **options)


def session():
    own = requests.Session()
    own.trust_env = False
    own.mount("https://", ToTheEmulator())
    return own


def connect(secret=SECRET):
    return Salesforce(consumer_key=CLIENT, consumer_secret=secret, domain="acme.my", session=session(), version="66.0")


def control(command, **arguments):
    """What no API call can do."""
    request = urllib.request.Request(
        f"{BASE}/_control/{command}",
        data=json.dumps(arguments).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


sf = connect()


def refused(error, call, words):
    try:
        call()
    except error as told:
        assert words in str(told), told
        return told
    raise AssertionError(f"expected {error.__name__}: {words}")


def a_wrong_secret_is_refused():
    refused(SalesforceAuthenticationFailed, lambda: connect("wrong"), "invalid client credentials")


def an_account_is_created_read_changed_and_deleted():
    made = sf.Account.create({"Name": "Acme GmbH", "Phone": "1"})
    assert made["success"] and len(made["id"]) == 18, made
    assert sf.Account.update(made["id"], {"Name": "Acme SE", "Phone": None}) == 204
    got = sf.Account.get(made["id"])
    assert (got["Name"], got["Phone"], got["attributes"]["type"]) == ("Acme SE", None, "Account")
    assert sf.Account.delete(made["id"]) == 204
    refused(SalesforceResourceNotFound, lambda: sf.Account.delete(made["id"]), "ENTITY_IS_DELETED")
    gone = sf.query_all(f"SELECT Id, IsDeleted FROM Account WHERE Id = '{made['id']}'", include_deleted=True)
    assert [row["IsDeleted"] for row in gone["records"]] == [True], gone


def wrong_values_are_refused_in_salesforce_s_words():
    refused(SalesforceMalformedRequest, lambda: sf.Account.create({"Phone": "1"}), "REQUIRED_FIELD_MISSING")
    refused(SalesforceMalformedRequest, lambda: sf.Account.create({"Name": "A", "No__c": "1"}), "INVALID_FIELD")
    refused(SalesforceMalformedRequest, lambda: sf.query("SELECT FROM Account"), "MALFORMED_QUERY")
    refused(SalesforceMalformedRequest, lambda: sf.query("SELECT Nope FROM Account"), "INVALID_FIELD")


def an_external_id_makes_upserts_idempotent():
    fields = ["Account.Hub_External_Id__c string 255 externalid unique", "Account.Old_Id__c string 20 externalid"]
    control("deploy", fields=fields)
    assert sf.Account.upsert("Hub_External_Id__c/C-9", {"Name": "Nine"}) == 201
    assert sf.Account.upsert("Hub_External_Id__c/C-9", {"Name": "Nine AG"}) == 200
    assert sf.Account.get_by_custom_id("Hub_External_Id__c", "C-9")["Name"] == "Nine AG"
    for name in ("One", "Two"):
        sf.Account.create({"Name": name, "Old_Id__c": "7"})
    refused(SalesforceMoreThanOneRecord, lambda: sf.Account.upsert("Old_Id__c/7", {"Name": "Both"}), "")


def a_query_goes_on_from_page_to_page():
    control("settings", page=2)
    try:
        for at in range(5):
            sf.Contact.create({"LastName": f"Page {at}"})
        found = sf.query_all("SELECT LastName FROM Contact WHERE LastName LIKE 'Page %' ORDER BY LastName DESC")
        assert [row["LastName"][-1] for row in found["records"]] == ["4", "3", "2", "1", "0"], found
        assert found["totalSize"] == 5
        assert sf.query("SELECT COUNT() FROM Contact WHERE LastName LIKE 'Page %'")["totalSize"] == 5
    finally:
        control("settings", page=2000)


def parents_and_children_come_with_their_rows():
    account = sf.Account.create({"Name": "Parent"})["id"]
    sf.Contact.create({"LastName": "Child", "AccountId": account})
    query = f"SELECT Name, (SELECT LastName, Account.Name FROM Contacts) FROM Account WHERE Id = '{account}'"
    row = sf.query(query)["records"][0]
    child = row["Contacts"]["records"][0]
    assert (row["Contacts"]["totalSize"], child["Account"]["Name"]) == (1, "Parent"), row


def an_object_describes_its_fields():
    fields = {field["name"]: field for field in sf.Opportunity.describe()["fields"]}
    assert fields["Amount"]["type"] == "currency" and not fields["IsWon"]["updateable"]
    assert fields["AccountId"]["referenceTo"] == ["Account"]
    assert "Opportunity" in [known["name"] for known in sf.describe()["sobjects"]]


def what_changed_and_what_was_deleted_is_listed():
    end = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    # The emulator's clock is the machine's.
    start = end - datetime.timedelta(days=3)
    made = sf.Account.create({"Name": "Updated"})["id"]
    assert made in sf.Account.updated(start, end)["ids"]
    sf.Account.delete(made)
    assert made in [row["id"] for row in sf.Account.deleted(start, end)["deletedRecords"]]


def a_session_that_ended_is_renewed_by_the_client():
    old = sf.session_id
    control("revoke")
    assert sf.query("SELECT COUNT() FROM Organization")["totalSize"] == 1
    assert sf.session_id != old


def rows_are_loaded_and_queried_in_bulk():
    rows = [{"Hub_External_Id__c": f"B-{at}", "Name": f"Bulk {at}"} for at in range(3)]
    rows.append({"Hub_External_Id__c": "B-bad", "Name": "n" * 256})
    done = sf.bulk2.Account.upsert(records=rows, external_id_field="Hub_External_Id__c")
    assert (done[0]["numberRecordsProcessed"], done[0]["numberRecordsFailed"]) == (4, 1), done
    failed = sf.bulk2.Account.get_failed_records(done[0]["job_id"])
    assert "STRING_TOO_LONG" in failed, failed
    pages = list(sf.bulk2.Account.query("SELECT Id, Name FROM Account WHERE Name LIKE 'Bulk %'", max_records=2))
    assert sum(page.count("Bulk ") for page in pages) == 3 and len(pages) == 2, pages


STORIES = [
    a_wrong_secret_is_refused,
    an_account_is_created_read_changed_and_deleted,
    wrong_values_are_refused_in_salesforce_s_words,
    an_external_id_makes_upserts_idempotent,
    a_query_goes_on_from_page_to_page,
    parents_and_children_come_with_their_rows,
    an_object_describes_its_fields,
    what_changed_and_what_was_deleted_is_listed,
    a_session_that_ended_is_renewed_by_the_client,
    rows_are_loaded_and_queried_in_bulk,
]

failed = 0
for story in STORIES:
    began = time.monotonic()
    try:
        story()
        print(f"ok    {story.__name__} ({time.monotonic() - began:.2f} s)")
    except Exception as error:  # noqa: BLE001
        failed += 1
        print(f"FAIL  {story.__name__}: {type(error).__name__}: {error}")
sys.exit(1 if failed else 0)
