// jsforce, unchanged, against the emulator.
//
//     node salesforce_client.mjs BASE_URL CLIENT_SECRET
//
// Needs `npm install jsforce`. Prints one line per story; the exit code is 1 when one of them fails.

import assert from "node:assert/strict";
import http from "node:http";
import { createRequire } from "node:module";

// The package stands in the folder that the caller is in.
const jsforce = createRequire(`${process.cwd()}/`)("jsforce");
const EMULATOR = new URL(process.argv[2].replace(/\/$/, ""));
const SECRET = process.argv[3];
const CLIENT = "salesforce-demo-client";

// Some calls of the client drop the path of the org's address, which a real org does not have: it is put back here.
const door = http.createServer((request, response) => {
  const inside = request.url.startsWith(`${EMULATOR.pathname}/`);
  const path = inside ? request.url : EMULATOR.pathname + request.url;
  const { method, headers } = request;
  const onward = http.request({ host: EMULATOR.hostname, port: EMULATOR.port, path, method, headers }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  request.pipe(onward);
});
await new Promise((ready) => door.listen(0, "127.0.0.1", ready));
const BASE = `http://127.0.0.1:${door.address().port}${EMULATOR.pathname}`;

/** What no API call can do. */
async function control(command, body = {}) {
  const answer = await fetch(`${BASE}/_control/${command}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  return answer.json();
}

async function connect(secret = SECRET) {
  const oauth2 = { loginUrl: BASE, clientId: CLIENT, clientSecret: secret, redirectUri: "http://localhost/cb" };
  const connection = new jsforce.Connection({ version: "66.0", loginUrl: BASE, oauth2 });
  await connection.authorize({ grant_type: "client_credentials" });
  return connection;
}

let sf;

const stories = {
  async a_wrong_secret_is_refused() {
    await assert.rejects(connect("wrong"), /invalid client credentials/);
  },

  async an_account_is_created_read_changed_and_deleted() {
    const made = await sf.sobject("Account").create({ Name: "Acme GmbH" });
    assert.ok(made.success && made.id.length === 18);
    await sf.sobject("Account").update({ Id: made.id, Name: "Acme SE" });
    assert.equal((await sf.sobject("Account").retrieve(made.id)).Name, "Acme SE");
    await sf.sobject("Account").destroy(made.id);
    await assert.rejects(sf.sobject("Account").retrieve(made.id), /ENTITY_IS_DELETED|entity is deleted/);
  },

  async an_external_id_makes_upserts_idempotent() {
    await control("deploy", {
      fields: ["Account.Hub_External_Id__c string 255 externalid unique", "Account.Old_Id__c string 20 externalid"],
    });
    const upsert = (rows) => sf.sobject("Account").upsert(rows, "Hub_External_Id__c");
    const first = await upsert({ Hub_External_Id__c: "J-1", Name: "One" });
    const again = await upsert({ Hub_External_Id__c: "J-1", Name: "One AG" });
    assert.ok(first.success && again.success && first.created !== false && again.created === false);
    const many = await upsert([
      { Hub_External_Id__c: "J-1", Name: "One AG" },
      { Hub_External_Id__c: "J-2", Name: "Two" },
    ]);
    assert.deepEqual(many.map((row) => row.created), [false, true]);
    await sf.sobject("Account").create([{ Name: "A", Old_Id__c: "9" }, { Name: "B", Old_Id__c: "9" }]);
    await assert.rejects(
      sf.sobject("Account").upsert({ Old_Id__c: "9", Name: "Both" }, "Old_Id__c"),
      (error) => error.name === "MULTIPLE_CHOICES" || error.errorCode === "MULTIPLE_CHOICES",
    );
  },

  async a_collection_has_an_outcome_for_each_row() {
    const rows = await sf.sobject("Account").create([{ Name: "Good" }, { Phone: "1" }]);
    assert.deepEqual(rows.map((row) => row.success), [true, false]);
    assert.equal(rows[1].errors[0].errorCode ?? rows[1].errors[0].statusCode, "REQUIRED_FIELD_MISSING");
  },

  async a_query_goes_on_from_page_to_page() {
    await control("settings", { page: 2 });
    await sf.sobject("Contact").create([1, 2, 3, 4, 5].map((at) => ({ LastName: `Node ${at}` })));
    const found = await sf.query("SELECT LastName FROM Contact WHERE LastName LIKE 'Node %'", { autoFetch: true });
    assert.equal(found.records.length, 5);
    await control("settings", { page: 2000 });
  },

  async a_session_that_ended_is_renewed_by_a_refresh_token() {
    const oauth2 = { loginUrl: BASE, clientId: CLIENT, clientSecret: SECRET, redirectUri: "http://localhost/cb" };
    const { accessToken } = await connect();
    const refreshToken = "5Aep861-salesforce-demo-refresh";
    const old = new jsforce.Connection({ version: "66.0", instanceUrl: BASE, accessToken, refreshToken, oauth2 });
    await control("revoke");
    assert.equal((await old.query("SELECT COUNT() FROM Organization")).totalSize, 1);
    sf = await connect();
  },

  async a_code_with_a_verifier_becomes_a_session() {
    const oauth2 = new jsforce.OAuth2({
      loginUrl: BASE, clientId: CLIENT, clientSecret: SECRET, redirectUri: "http://localhost/cb", useVerifier: true,
    });
    const answer = await fetch(oauth2.getAuthorizationUrl({ scope: "api refresh_token" }), { redirect: "manual" });
    const code = new URL(answer.headers.get("location")).searchParams.get("code");
    const connection = new jsforce.Connection({ version: "66.0", oauth2 });
    await connection.authorize(code);
    assert.ok(connection.accessToken.startsWith("00D") && connection.refreshToken);
  },

  async rows_are_loaded_and_queried_in_bulk() {
    const rows = ["1", "2", "3"].map((key) => ({ Hub_External_Id__c: `K-${key}`, Name: `Load ${key}` }));
    const done = await sf.bulk2.loadAndWaitForResults({
      object: "Account", operation: "upsert", externalIdFieldName: "Hub_External_Id__c", input: rows,
      pollTimeout: 20000, pollInterval: 100,
    });
    assert.equal(done.successfulResults.length, 3);
    const stream = await sf.bulk2.query("SELECT Id, Name FROM Account WHERE Name LIKE 'Load %'", { pollInterval: 100 });
    assert.equal((await stream.toArray()).length, 3);
  },

  async an_object_describes_its_fields_and_limits_are_told() {
    const described = await sf.sobject("Opportunity").describe();
    assert.ok(described.fields.some((field) => field.name === "StageName" && field.picklistValues.length > 5));
    assert.ok(sf.limitInfo.apiUsage.limit > 0);
  },
};

sf = await connect();
let failed = 0;
for (const [name, story] of Object.entries(stories)) {
  try {
    await story();
    console.log(`ok    ${name}`);
  } catch (error) {
    failed += 1;
    console.log(`FAIL  ${name}: ${error.stack ?? error}`);
  }
}
process.exit(failed ? 1 : 0);
