//! `torvus-admin`: the operator's command line.

mod cli;
mod commands;
mod context;
mod failure;
mod output;
mod view;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let json = std::env::args_os().any(|argument| argument == "--json");
    let cli = match cli::Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are no errors: clap prints them to standard output.
        Err(error) if !error.use_stderr() || !json => error.exit(),
        Err(error) => return output::fail(&failure::Failure::usage(&error), true),
    };
    match commands::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => output::fail(&failure, json),
    }
}
