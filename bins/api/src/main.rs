//! `torvus-api`: an API behind keys.

mod app;
mod bootstrap;
mod cli;
mod failure;
mod health;
mod logging;
mod process;
mod serve;
mod store;
mod v1;

use std::io::Write;
use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match serve::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Where standard error is closed there is nobody left to tell.
            let _told = writeln!(std::io::stderr(), "torvus-api: {failure}");
            failure.exit_code()
        }
    }
}
