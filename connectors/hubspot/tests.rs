//! The connector against its emulator, in one process and in virtual time.
