//! The gate over keys in memory.

#[cfg(test)]
mod cache;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod material;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod store;
