//! The connector against its stand-in, in process and in virtual time.
