//! HubSpot's CRM: companies, contacts, products, and deals with their quotes.

mod emulator;
