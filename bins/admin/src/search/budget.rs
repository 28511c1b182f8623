//! How much may be unpacked.

use std::cell::Cell;
use std::io::{Error, Read, Result};

/// What one file may give when it is unpacked, archives in it included.
const UNPACKED_MAX: u64 = 4 << 30;
/// What a member costs beside what is in it: even empty ones can be too many.
const MEMBER: u64 = 1_024;

/// What of one file may still be unpacked.
pub(super) struct Budget(Cell<u64>);

impl Budget {
    pub(super) fn new() -> Self {
        Self(Cell::new(UNPACKED_MAX))
    }

    /// One member more. False where that was too much.
    pub(super) fn member(&self) -> bool {
        self.spend(MEMBER).is_ok()
    }

    fn spend(&self, bytes: u64) -> Result<()> {
        let left = self.0.get().saturating_sub(bytes);
        self.0.set(left);
        if left == 0 {
            let gib = UNPACKED_MAX >> 30;
            return Err(Error::other(format!(
                "more than {gib} GiB when unpacked: the rest is not read"
            )));
        }
        Ok(())
    }

    /// What is unpacked by this reader, within the budget.
    pub(super) fn of<R: Read>(&self, inner: R) -> Unpacked<'_, R> {
        Unpacked {
            inner,
            budget: self,
        }
    }
}

/// A reader that unpacks, within a budget.
pub(super) struct Unpacked<'a, R> {
    inner: R,
    budget: &'a Budget,
}

impl<R: Read> Read for Unpacked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let read = self.inner.read(buffer)?;
        self.budget.spend(read as u64)?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_spent_is_gone_and_too_much_is_an_error() {
        let budget = Budget(Cell::new(5_000));
        let mut unpacked = budget.of(std::io::repeat(1));
        let mut buffer = [0; 2_000];
        assert_eq!(unpacked.read(&mut buffer).unwrap(), 2_000);
        assert!(budget.member());
        let error = unpacked.read(&mut buffer).unwrap_err();
        assert!(error.to_string().contains("4 GiB"), "{error}");
        assert!(!budget.member());
    }
}
