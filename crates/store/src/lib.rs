//! Where objects are kept: the store port and its adapters.
