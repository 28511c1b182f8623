//! The settings that both programs read: flags, environment, file
