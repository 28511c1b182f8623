//! What a row becomes that is written once more: expressions over the column and
//! its new value, for either database.

/// The lesser of what is there and what comes.
macro_rules! earlier {
    ($column:expr) => {
        diesel::dsl::case_when(
            diesel::upsert::excluded($column).lt($column),
            diesel::upsert::excluded($column),
        )
        .otherwise($column)
    };
}
pub(crate) use earlier;

/// The greater of what is there and what comes.
macro_rules! later {
    ($column:expr) => {
        diesel::dsl::case_when(
            diesel::upsert::excluded($column).gt($column),
            diesel::upsert::excluded($column),
        )
        .otherwise($column)
    };
}
pub(crate) use later;
