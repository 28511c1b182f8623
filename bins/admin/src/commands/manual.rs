//! `torvus-admin completions` and `man`: made from the command line itself.

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::Man;

use crate::cli::Cli;
use crate::failure::Failure;
use crate::output;

const NAME: &str = "torvus-admin";

/// The generator for bash writes a name with a hyphen in two ways, and then
/// completes nothing behind the first word
/// (<https://github.com/clap-rs/clap/issues/6421>).
pub(super) fn completions(shell: Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    if shell == Shell::Bash {
        let mended =
            String::from_utf8_lossy(&script).replace("torvus__subcmd__admin", "torvus__admin");
        return output::bytes(mended.as_bytes());
    }
    output::bytes(&script)
}

/// The manual: one page on standard output, or one a command in a folder.
pub(super) fn man(folder: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = folder else {
        return output::bytes(&whole()?);
    };
    let failed = |error| Failure::failed(format!("{}: {error}", folder.display()));
    std::fs::create_dir_all(folder).map_err(failed)?;
    clap_mangen::generate_to(Cli::command(), folder).map_err(failed)
}

/// The page of the program, with a part for each command that does something.
/// What all of them take stands once, in the program's own part.
fn whole() -> std::io::Result<Vec<u8>> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    let mut page = Vec::new();
    Man::new(root.clone()).render(&mut page)?;
    for command in leaves(&root) {
        let own = command.clone().mut_args(|arg| {
            let hide = arg.is_global_set() || arg.get_id() == "help";
            arg.hide(hide)
        });
        let name = own.get_bin_name().unwrap_or_default().to_uppercase();
        page.extend(format!(".SH \"{name}\"\n").bytes());
        let man = Man::new(own);
        let mut part = Vec::new();
        man.render_description_section(&mut part)?;
        man.render_synopsis_section(&mut part)?;
        man.render_options_section(&mut part)?;
        man.render_extra_section(&mut part)?;
        page.extend(below(&String::from_utf8_lossy(&part)).bytes());
    }
    Ok(page)
}

/// The sections of a command, below its own heading. What each begins with
/// defines a quote, which the page has done.
fn below(part: &str) -> String {
    let lines = part
        .lines()
        .filter(|line| !line.contains(" .ds Aq ") && !line.starts_with(".el "));
    let lines = lines.map(|line| match line {
        ".SH EXTRA" => ".SS NOTES\n".to_owned(),
        other => format!("{}\n", other.replacen(".SH ", ".SS ", 1)),
    });
    lines.collect()
}

fn leaves(command: &Command) -> Vec<&Command> {
    let below: Vec<&Command> = command.get_subcommands().collect();
    match below.is_empty() {
        true => vec![command],
        false => below.into_iter().flat_map(leaves).collect(),
    }
}
