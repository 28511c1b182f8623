//! `torvus-api`: an API behind keys.

mod app;
mod bootstrap;
mod cli;
mod failure;
mod health;
mod http;
mod indexer;
mod leaks;
mod lease;
mod logging;
mod material;
mod openapi;
mod process;
mod reload;
mod serve;
mod store;
mod telemetry;
mod v1;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;
use clap::error::ErrorKind;
use torvus_settings::usage_line;

fn main() -> ExitCode {
    let ended = match cli::Cli::try_parse() {
        Ok(cli) => serve::run(cli),
        // Help and version are no errors: clap prints them to standard output.
        Err(error) if !error.use_stderr() => error.exit(),
        Err(error) if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            error.exit()
        }
        Err(error) => Err(failure::Failure::usage(usage_line(&error))),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where standard error is closed there is nobody left to tell.
            let _told = writeln!(std::io::stderr(), "torvus-api: {failure}");
            failure.exit_code()
        }
    }
}
