//! The limiter, as those who use it see it.

#[cfg(test)]
mod answers;
#[cfg(test)]
mod bound;
#[cfg(test)]
mod changes;
#[cfg(test)]
mod kit;
