//! Which permission a route needs, from one table
