//! The objects of a fresh org, as tables.

use indexmap::IndexMap;

use super::field::Field;

/// An object: its prefix and its fields, by name in lower case.
#[derive(Clone, Debug)]
pub(super) struct Object {
    pub name: String,
    pub prefix: String,
    pub fields: IndexMap<String, Field>,
    /// Children: relationship name, object, field.
    pub children: Vec<(String, String, String)>,
}

/// What every object has.
const SYSTEM: &str = "Id id readonly; IsDeleted boolean readonly; CreatedDate datetime readonly; \
    CreatedById reference to=User readonly; LastModifiedDate datetime readonly; \
    LastModifiedById reference to=User readonly; SystemModstamp datetime readonly";

/// Object, prefix, fields.
const OBJECTS: &[(&str, &str, &str)] = &[
    (
        "Organization",
        "00D",
        "Name string 80 readonly; InstanceName string 5 readonly; IsSandbox boolean readonly; \
        NamespacePrefix string 15 readonly; TrialExpirationDate datetime readonly; \
        OrganizationType picklist readonly; DefaultLocaleSidKey picklist readonly",
    ),
    (
        "User",
        "005",
        "Username string 80 required; Name string 121 readonly; LastName string 80 required; \
        Email email 128; IsActive boolean",
    ),
    (
        "Account",
        "001",
        "Name string 255 required; Type picklist values=Prospect|Customer|Partner|Other; \
        ParentId reference to=Account; MasterRecordId reference to=Account readonly; BillingStreet textarea 255; \
        BillingCity string 40; BillingState string 80; BillingPostalCode string 20; BillingCountry string 80; \
        Phone phone 40; Fax phone 40; AccountNumber string 40; Website url 255; Industry picklist; \
        AnnualRevenue currency 18,0; NumberOfEmployees int 8,0; Description textarea 32000; \
        OwnerId reference to=User",
    ),
    (
        "Contact",
        "003",
        "LastName string 80 required; FirstName string 40; Salutation picklist; \
        Name string 121 readonly; AccountId reference to=Account; MasterRecordId reference to=Contact readonly; \
        Email email 80; Phone phone 40; MobilePhone phone 40; Title string 128; Department string 80; \
        MailingStreet textarea 255; MailingCity string 40; MailingPostalCode string 20; MailingCountry string 80; \
        Description textarea 32000; OwnerId reference to=User",
    ),
    (
        "Product2",
        "01t",
        "Name string 255 required; ProductCode string 255; Description textarea 4000; \
        IsActive boolean; Family picklist; QuantityUnitOfMeasure picklist; StockKeepingUnit string 180",
    ),
    (
        "Pricebook2",
        "01s",
        "Name string 255 required; IsActive boolean; IsStandard boolean readonly; \
        Description textarea 255",
    ),
    (
        "PricebookEntry",
        "01u",
        "Name string 255 readonly; ProductCode string 255 readonly; \
        Pricebook2Id reference to=Pricebook2 required createonly; \
        Product2Id reference to=Product2 required createonly; UnitPrice currency 18,5 required; IsActive boolean; \
        UseStandardPrice boolean",
    ),
    (
        "OpportunityStage",
        "01J",
        "MasterLabel string 255 readonly; ApiName string 255 readonly; \
        IsActive boolean readonly; IsClosed boolean readonly; IsWon boolean readonly; \
        DefaultProbability percent 3,0 readonly; SortOrder int 9,0 readonly",
    ),
    (
        "Opportunity",
        "006",
        "Name string 120 required; AccountId reference to=Account; StageName picklist required; \
        CloseDate date required; Amount currency 18,2; Probability percent 3,0; Type picklist; \
        Description textarea 32000; NextStep string 255; LeadSource picklist; IsClosed boolean readonly; \
        IsWon boolean readonly; HasOpportunityLineItem boolean readonly; Pricebook2Id reference to=Pricebook2; \
        ContactId reference to=Contact createonly; SyncedQuoteId reference to=Quote; OwnerId reference to=User",
    ),
    (
        "OpportunityLineItem",
        "00k",
        "OpportunityId reference to=Opportunity required createonly; \
        PricebookEntryId reference to=PricebookEntry createonly; Product2Id reference to=Product2 createonly; \
        ProductCode string 255 readonly; Name string 376 readonly; Quantity double 12,4 required; \
        UnitPrice currency 18,5; ListPrice currency 18,5 readonly; TotalPrice currency 18,2; \
        Subtotal currency 18,2 readonly; Discount percent 5,2; Description string 255; ServiceDate date; \
        SortOrder int 9,0",
    ),
    (
        "Quote",
        "0Q0",
        "Name string 255 required; OpportunityId reference to=Opportunity required createonly; \
        AccountId reference to=Account readonly; ContactId reference to=Contact; \
        Pricebook2Id reference to=Pricebook2; QuoteNumber string 30 readonly; IsSyncing boolean readonly; \
        Status picklist values=Draft|Needs+Review|In+Review|Approved|Rejected|Presented|Accepted|Denied; \
        ExpirationDate date; Description textarea 32000; TotalPrice currency 18,2 readonly; \
        Subtotal currency 18,2 readonly; GrandTotal currency 18,2 readonly; Tax currency 18,2; \
        LineItemCount int 9,0 readonly",
    ),
    (
        "QuoteLineItem",
        "0QL",
        "QuoteId reference to=Quote required createonly; \
        PricebookEntryId reference to=PricebookEntry createonly; Product2Id reference to=Product2 createonly; \
        LineNumber string 30 readonly; Quantity double 12,4 required; UnitPrice currency 18,5 required; \
        ListPrice currency 18,5 readonly; TotalPrice currency 18,2 readonly; Subtotal currency 18,2 readonly; \
        Discount percent 5,2; Description string 255; ServiceDate date; SortOrder int 9,0",
    ),
];

/// The relationship names that are not the plural of the child.
const CHILDREN: &[(&str, &str, &str, &str)] = &[
    ("Account", "Contacts", "Contact", "AccountId"),
    ("Account", "Opportunities", "Opportunity", "AccountId"),
    ("Account", "ChildAccounts", "Account", "ParentId"),
    ("Product2", "PricebookEntries", "PricebookEntry", "Product2Id"),
    ("Pricebook2", "PricebookEntries", "PricebookEntry", "Pricebook2Id"),
    ("Opportunity", "OpportunityLineItems", "OpportunityLineItem", "OpportunityId"),
    ("Opportunity", "Quotes", "Quote", "OpportunityId"),
    ("Quote", "QuoteLineItems", "QuoteLineItem", "QuoteId"),
];

/// The objects of an org without any customisation.
pub(super) fn objects() -> IndexMap<String, Object> {
    OBJECTS.iter().map(|(name, prefix, fields)| (name.to_lowercase(), object(name, prefix, fields))).collect()
}

/// An object with the system's fields and its own.
pub(super) fn object(name: &str, prefix: &str, fields: &str) -> Object {
    let parsed = SYSTEM.split(';').chain(fields.split(';')).filter_map(Field::parse);
    let children = CHILDREN.iter().filter(|(parent, ..)| *parent == name);
    Object {
        name: name.to_owned(),
        prefix: prefix.to_owned(),
        fields: parsed.map(|field| (field.name.to_lowercase(), field)).collect(),
        children: children
            .map(|(_, relation, child, field)| ((*relation).to_owned(), (*child).to_owned(), (*field).to_owned()))
            .collect(),
    }
}

impl Object {
    /// A field, in any case.
    pub(super) fn field(&self, name: &str) -> Option<&Field> {
        self.fields.get(&name.to_lowercase())
    }

    /// The field that a relationship such as `Account` or `Invoice__r` goes by.
    pub(super) fn relation(&self, name: &str) -> Option<&Field> {
        self.fields
            .values()
            .find(|field| field.refers.as_ref().is_some_and(|(_, relation)| relation.eq_ignore_ascii_case(name)))
    }
}
