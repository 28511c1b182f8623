#![doc = include_str!("../README.md")]

mod args;
mod data_dir;
mod error;
mod file;
mod layers;
mod pepper;
mod pepper_file;
mod settings;

pub use args::{SettingsArgs, usage_line};
pub use error::SettingsError;
pub use layers::environment;
pub use pepper::PepperSource;
pub use pepper_file::write_new_pepper_file;
pub use settings::{AuditDurability, Settings};
