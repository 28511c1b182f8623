//! Requests per hour, counted so that a limit holds
