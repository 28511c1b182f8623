//! The actix adapter: a request becomes facts, a refusal becomes an answer
