//! Statements whose text never changes: SQLite parses them once.

use std::any::Any;
use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::{QueryResult, RunQueryDsl};

/// A statement that is the only one with this `Name`, so its text is known by
/// it. diesel by itself takes an insert that updates what is there for one
/// whose text may be another each time, and has it parsed anew: that took a third
/// of all of indexing.
pub(crate) struct Fixed<Name, T>(T, PhantomData<Name>);

impl<Name, T> Fixed<Name, T> {
    /// `Name` is of this statement alone.
    pub(crate) const fn new(statement: T) -> Self {
        Self(statement, PhantomData)
    }
}

impl<Name: Any, T> QueryId for Fixed<Name, T> {
    type QueryId = Name;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<DB: Backend, Name, T: QueryFragment<DB>> QueryFragment<DB> for Fixed<Name, T> {
    fn walk_ast<'b>(&'b self, pass: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        self.0.walk_ast(pass)
    }

    fn is_safe_to_cache_prepared(&self, _backend: &DB) -> QueryResult<bool> {
        Ok(true)
    }
}

impl<Conn, Name, T> RunQueryDsl<Conn> for Fixed<Name, T> {}
