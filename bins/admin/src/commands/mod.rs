//! One file a noun.

mod account;
mod audit;
mod doctor;
mod key;
mod leak;
mod manual;
mod migrate;
mod pepper;

use crate::cli::{Cli, Command};
use crate::context::Context;
use crate::failure::Failure;

/// Does what the command line says.
pub(crate) fn run(cli: Cli) -> Result<(), Failure> {
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    // The manual needs no settings, and can't be kept from anybody by wrong ones.
    let context = || Context::new(&cli.settings, cli.json, cli.yes);
    match cli.command {
        Command::Migrate(command) => migrate::run(&context()?, &command),
        Command::Account(command) => account::run(&context()?, command),
        Command::Key(command) => key::run(&context()?, command),
        Command::Audit(command) => audit::run(&context()?, &command),
        Command::Leak(command) => leak::run(&context()?, &command),
        Command::Pepper(command) => pepper::run(&context()?, &command),
        Command::Doctor => doctor::run(&context()?),
        Command::Completions { shell } => manual::completions(shell),
        Command::Man { dir } => manual::man(dir.as_deref()),
    }
}
