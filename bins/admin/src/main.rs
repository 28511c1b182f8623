//! `torvus-admin`: the operator's command line.

mod cli;
mod commands;
mod context;
mod failure;
mod output;
mod progress;
mod search;
mod view;

use std::process::ExitCode;

use clap::error::ErrorKind;
use torvus_settings::usage_line;

fn main() -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    let cli = match cli::Cli::read() {
        Ok(cli) => cli,
        // Help and version are no errors: clap prints them to standard output.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            error.exit()
        }
        Err(error) => return output::fail(&failure::Failure::usage(usage_line(&error)), json),
    };
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::fail(&failure, json),
    }
}
