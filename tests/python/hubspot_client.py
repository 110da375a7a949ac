"""HubSpot's own Python client, unchanged, against the emulator.

    python hubspot_client.py BASE_URL TOKEN

Needs `pip install hubspot-api-client`. Prints one line per story; the exit code is 1 when one of them fails.
"""

import json
import sys
import time
import urllib.request

from hubspot import HubSpot
from hubspot.crm import companies, contacts, deals, properties
from hubspot.crm.associations import v4 as associations
from hubspot.crm.companies.exceptions import ApiException as CompanyError
from hubspot.crm.contacts.exceptions import ApiException as ContactError
from hubspot.utils.signature import Signature

BASE, TOKEN = sys.argv[1].rstrip("/"), sys.argv[2]
client = HubSpot(access_token=TOKEN, host=BASE)


def control(command, **arguments):
    """What no API call can do."""
    request = urllib.request.Request(
        f"{BASE}/_control/{command}",
        data=json.dumps(arguments).encode(),
        headers={"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def company(**values):
    body = companies.SimplePublicObjectInputForCreate(properties=values, associations=[])
    return client.crm.companies.basic_api.create(body)


def refused(call, status, words=""):
    try:
        call()
    except Exception as error:
        assert error.status == status, error
        assert words in error.body, error.body
        return error
    raise AssertionError(f"expected {status}")


def a_company_is_created_read_changed_and_archived():
    made = company(name="Acme GmbH", domain="acme.example")
    assert int(made.id) > 2**31
    got = client.crm.companies.basic_api.get_by_id(made.id, properties=["name", "domain", "website", "no_such"])
    assert got.properties["name"] == "Acme GmbH" and got.properties["website"] is None
    assert "no_such" not in got.properties
    change = companies.SimplePublicObjectInput(properties={"name": "Acme SE", "domain": ""})
    client.crm.companies.basic_api.update(made.id, change)
    got = client.crm.companies.basic_api.get_by_id(made.id, properties=["name", "domain"])
    assert got.properties["name"] == "Acme SE" and got.properties["domain"] is None
    assert got.updated_at >= got.created_at
    client.crm.companies.basic_api.archive(made.id)
    refused(lambda: client.crm.companies.basic_api.get_by_id(made.id), 404)
    assert client.crm.companies.basic_api.get_by_id(made.id, archived=True).archived


def wrong_values_are_refused_in_hubspot_s_words():
    refused(lambda: company(no_such="x"), 400, "PROPERTY_DOESNT_EXIST")
    refused(lambda: company(annualrevenue="5,333"), 400, "VALIDATION_ERROR")
    refused(lambda: company(lifecyclestage="nonsense"), 400, "INVALID_OPTION")
    refused(lambda: client.crm.companies.basic_api.get_by_id("1"), 404)


def a_unique_property_makes_upserts_idempotent():
    core = client.crm.properties.core_api
    try:
        group = properties.PropertyGroupCreate(name="passerelle", label="Passerelle", display_order=-1)
        client.crm.properties.groups_api.create("companies", group)
        core.create(
            "companies",
            properties.PropertyCreate(
                name="hub_external_id", label="Id", type="string", field_type="text",
                group_name="passerelle", has_unique_value=True, form_field=False,
            ),
        )
    except properties.ApiException as error:
        assert error.status == 409, error
    assert core.get_by_name("companies", "hub_external_id").has_unique_value

    def upsert(*keys):
        inputs = [
            companies.SimplePublicObjectBatchInputUpsert(
                id_property="hub_external_id", id=key, object_write_trace_id=f"t-{key}",
                properties={"hub_external_id": key, "name": f"Company {key}"},
            )
            for key in keys
        ]
        body = companies.BatchInputSimplePublicObjectBatchInputUpsert(inputs=inputs)
        return {result.properties["hub_external_id"]: result for result in client.crm.companies.batch_api.upsert(body).results}

    first, again = upsert("C-1", "C-2", "C-3"), upsert("C-2", "C-3", "C-4")
    assert first["C-2"].id == again["C-2"].id
    assert [again[key].new for key in ("C-2", "C-3", "C-4")] == [False, False, True]
    got = client.crm.companies.basic_api.get_by_id("C-4", id_property="hub_external_id", properties=["name"])
    assert got.properties["name"] == "Company C-4"
    refused(lambda: client.crm.companies.basic_api.get_by_id("C-9", id_property="hub_external_id"), 404)
    refused(lambda: company(hub_external_id="C-1"), 400, "CONFLICTING_UNIQUE_VALUE")


def a_batch_read_of_missing_ids_is_partial():
    made = company(name="Here")
    body = companies.BatchReadInputSimplePublicObjectId(
        inputs=[companies.SimplePublicObjectId(id=made.id), companies.SimplePublicObjectId(id="1")],
        properties=["name"], properties_with_history=[],
    )
    answer = client.crm.companies.batch_api.read_with_http_info(body)
    assert answer[1] == 207, answer[1]
    assert answer[0].num_errors == 1 and [result.id for result in answer[0].results] == [made.id]


def one_bad_input_fails_a_create_unless_every_input_has_a_trace():
    def batch(**trace):
        inputs = [
            companies.SimplePublicObjectBatchInputForCreate(properties=values, associations=[], **one)
            for values, one in (({"name": "Good"}, trace), ({"no_such": "x"}, {name: value + "2" for name, value in trace.items()}))
        ]
        body = companies.BatchInputSimplePublicObjectBatchInputForCreate(inputs=inputs)
        return client.crm.companies.batch_api.create_with_http_info(body)

    refused(batch, 400)
    answer = batch(object_write_trace_id="t")
    assert answer[1] == 207 and len(answer[0].results) == 1
    assert answer[0].errors[0].context["objectWriteTraceId"] == ["t2"]


def an_email_address_is_unique_and_names_its_holder():
    values = {"email": f"ann{time.time_ns()}@example.com"}
    body = contacts.SimplePublicObjectInputForCreate(properties=values, associations=[])
    made = client.crm.contacts.basic_api.create(body)
    refused(lambda: client.crm.contacts.basic_api.create(body), 409, f"Existing ID: {made.id}")


def search_lags_filters_sorts_and_stops_at_ten_thousand():
    name = f"Needle {time.time_ns()}"
    made = company(name=name)
    filters = [companies.Filter(property_name="name", operator="EQ", value=name)]

    def found(after="0"):
        body = companies.PublicObjectSearchRequest(
            filter_groups=[companies.FilterGroup(filters=filters)], sorts=["hs_object_id"],
            properties=["name"], limit=10, after=after,
        )
        return client.crm.companies.search_api.do_search(body)

    control("settings", search_lag_seconds=3600)
    assert found().total == 0
    control("settings", search_lag_seconds=0)
    company(name=name)
    answer = found()
    assert answer.total == 2 and [result.id for result in answer.results][0] == made.id
    refused(lambda: found("10000"), 400)


def associations_have_directions_types_and_defaults():
    one, other = company(name="One"), company(name="Other")
    body = deals.SimplePublicObjectInputForCreate(
        properties={"dealname": "Shop", "pipeline": "default", "dealstage": "closedwon"},
        associations=[
            deals.PublicAssociationsForObject(
                to=deals.PublicObjectId(id=one.id),
                types=[deals.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=5)],
            )
        ],
    )
    deal = client.crm.deals.basic_api.create(body)
    client.crm.associations.v4.basic_api.create_default("deals", deal.id, "companies", other.id)
    read = associations.BatchInputPublicFetchAssociationsBatchRequest(
        inputs=[associations.PublicFetchAssociationsBatchRequest(id=deal.id)]
    )

    def types():
        answer = client.crm.associations.v4.batch_api.get_page("deals", "companies", read)
        return {end.to_object_id: {one.type_id for one in end.association_types} for end in answer.results[0].to}

    assert types() == {one.id: {5, 341}, other.id: {341}}, types()
    primary = [associations.AssociationSpec(association_category="HUBSPOT_DEFINED", association_type_id=5)]
    client.crm.associations.v4.basic_api.create("deals", deal.id, "companies", other.id, primary)
    assert types() == {one.id: {341}, other.id: {5, 341}}, types()
    shown = client.crm.deals.basic_api.get_by_id(deal.id, associations=["companies"])
    kinds = {(end.id, end.type) for end in shown.associations["companies"].results}
    assert (other.id, "deal_to_company") in kinds and (one.id, "deal_to_company_unlabeled") in kinds
    got = client.crm.deals.basic_api.get_by_id(deal.id, properties=["hs_is_closed_won"])
    assert got.properties["hs_is_closed_won"] == "true"
    client.crm.associations.v4.basic_api.archive("deals", deal.id, "companies", one.id)
    assert list(types()) == [other.id]


def a_merge_gives_a_new_id_that_the_old_ones_resolve_to():
    one, other = company(name="Keep"), company(name="Lose", city="Lille")
    body = companies.PublicMergeInput(primary_object_id=one.id, object_id_to_merge=other.id)
    merged = client.crm.companies.basic_api.merge(body)
    assert merged.id not in (one.id, other.id)
    for old in (one.id, other.id):
        got = client.crm.companies.basic_api.get_by_id(old, properties=["name", "city", "hs_merged_object_ids"])
        assert got.id == merged.id and got.properties["name"] == "Keep" and got.properties["city"] == "Lille"
    assert set(got.properties["hs_merged_object_ids"].split(";")) == {one.id, other.id}


def pipelines_owners_and_pages_can_be_read():
    stages = client.crm.pipelines.pipelines_api.get_by_id("deals", "default").stages
    won = [stage.id for stage in stages if stage.metadata["isClosed"] == "true" and float(stage.metadata["probability"]) == 1]
    assert won == ["closedwon"]
    assert client.crm.owners.owners_api.get_page(limit=100).results[0].email
    for at in range(3):
        company(name=f"Page {at}")
    first = client.crm.companies.basic_api.get_page(limit=2)
    second = client.crm.companies.basic_api.get_page(limit=2, after=first.paging.next.after)
    assert int(second.results[0].id) > int(first.results[-1].id)


def a_webhook_carries_signatures_that_hubspot_s_library_accepts():
    from hubspot.webhooks import SubscriptionCreateRequest

    app = HubSpot(api_key="developer-key", host=BASE)
    request = SubscriptionCreateRequest(event_type="company.propertyChange", property_name="name", active=True)
    app.webhooks.subscriptions_api.create(1160452, request)
    secret, target = "7d1b6f0e-0000-4000-8000-00000000c0de", "https://hub.example.com/hooks/hubspot"
    control("settings", secret=secret, target=target)
    control("deliveries")
    made = company(name="Before")
    change = companies.SimplePublicObjectInput(properties={"name": "After"})
    client.crm.companies.basic_api.update(made.id, change)
    (delivery,) = control("deliveries")["deliveries"]
    (event,) = json.loads(delivery["body"])
    assert str(event["objectId"]) == made.id and event["propertyValue"] == "After"
    headers = delivery["headers"]
    for version, signature in (("v1", "X-HubSpot-Signature"), ("v3", "X-HubSpot-Signature-v3")):
        assert Signature.is_valid(
            signature=headers[signature], client_secret=secret, request_body=delivery["body"], http_uri=target,
            signature_version=version, timestamp=headers["X-HubSpot-Request-Timestamp"],
        ), version


def a_wrong_token_is_refused():
    stranger = HubSpot(access_token="pat-wrong", host=BASE)
    refused(lambda: stranger.crm.companies.basic_api.get_page(), 401)


STORIES = [
    a_company_is_created_read_changed_and_archived,
    wrong_values_are_refused_in_hubspot_s_words,
    a_unique_property_makes_upserts_idempotent,
    a_batch_read_of_missing_ids_is_partial,
    one_bad_input_fails_a_create_unless_every_input_has_a_trace,
    an_email_address_is_unique_and_names_its_holder,
    search_lags_filters_sorts_and_stops_at_ten_thousand,
    associations_have_directions_types_and_defaults,
    a_merge_gives_a_new_id_that_the_old_ones_resolve_to,
    pipelines_owners_and_pages_can_be_read,
    a_webhook_carries_signatures_that_hubspot_s_library_accepts,
    a_wrong_token_is_refused,
]


def main():
    control("settings", ten_seconds=None, searches_per_second=None)
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
