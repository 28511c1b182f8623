//! The decision on a request: who, from where, how often, may it
