//! Named courses of events, each from a new cluster to an end that can be compared.
