//! Between the model's values and what stands in a column.

use std::fmt::Display;
use std::str::FromStr;

use torvus_domain::Timestamp;

use crate::StorageError;

/// An instant as microseconds since 1970.
pub(crate) fn micros(at: Timestamp) -> i64 {
    at.timestamp_micros()
}

/// Microseconds since 1970 as an instant.
pub(crate) fn instant(table: &'static str, micros: i64) -> Result<Timestamp, StorageError> {
    Timestamp::from_timestamp_micros(micros)
        .ok_or_else(|| StorageError::corrupt(table, format!("`{micros}` is no instant")))
}

/// As [`instant`], where there may be none.
pub(crate) fn instant_opt(
    table: &'static str,
    micros: Option<i64>,
) -> Result<Option<Timestamp>, StorageError> {
    micros.map(|micros| instant(table, micros)).transpose()
}

/// Reads a column's text.
pub(crate) fn read<T>(table: &'static str, text: &str) -> Result<T, StorageError>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse()
        .map_err(|error: T::Err| StorageError::corrupt(table, error))
}

/// Narrows a number.
pub(crate) fn number<T: TryFrom<i64>>(table: &'static str, number: i64) -> Result<T, StorageError> {
    T::try_from(number)
        .map_err(|_| StorageError::corrupt(table, format!("`{number}` is out of range")))
}

/// Bytes of a fixed number.
pub(crate) fn bytes<const N: usize>(
    table: &'static str,
    bytes: &[u8],
) -> Result<[u8; N], StorageError> {
    bytes
        .try_into()
        .map_err(|_| StorageError::corrupt(table, format!("{N} bytes were expected")))
}
