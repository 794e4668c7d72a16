//! `holdfast sql`: a shell in sqlcmd's habits. Batches end with GO; results are aligned tables; `:help` lists the commands.
//!
//! Module map: [`shell`] batches and commands, [`show`] answers on paper, [`variables`] `$(name)`, [`complete`] the Tab key,
//! [`connection`] logging in.
//!
//! Exit codes: 0; 1 when a statement failed under -b or `:on error exit`, or what `:exit(query)` says; 2 when there is no
//! connection.

mod complete;
mod connection;
mod shell;
mod show;
mod variables;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, anyhow};

use connection::Target;
use shell::Shell;
use show::{Layout, Show};
use variables::Variables;

#[derive(clap::Args)]
#[command(disable_help_flag = true)]
pub struct Args {
    /// Server: host, or host,port
    #[arg(short = 'S', long, default_value = "127.0.0.1,1433")]
    server: String,
    #[arg(short = 'U', long, default_value = "sa")]
    user: String,
    /// Password; else SQLCMDPASSWORD, HOLDFAST_SA_PASSWORD or MSSQL_SA_PASSWORD
    #[arg(short = 'P', long)]
    password: Option<String>,
    #[arg(short = 'd', long, default_value = "")]
    database: String,
    /// Run this and exit
    #[arg(short = 'Q', long)]
    query: Option<String>,
    /// Run this, then go on asking
    #[arg(short = 'q', long, conflicts_with = "query")]
    start: Option<String>,
    /// Run these scripts and exit
    #[arg(short = 'i', long, num_args = 1.., value_delimiter = ',')]
    input: Vec<PathBuf>,
    /// Write everything to this file
    #[arg(short = 'o', long)]
    output: Option<PathBuf>,
    /// Stop at the first error, with exit code 1
    #[arg(short = 'b')]
    stop_on_error: bool,
    /// Errors (and with 1 all messages) go to standard error
    #[arg(short = 'r', value_name = "0|1", num_args = 0..=1, default_missing_value = "0")]
    redirect: Option<u8>,
    /// Rows between two headings; -1: no heading at all
    #[arg(short = 'h', value_name = "ROWS", allow_hyphen_values = true, default_value_t = 0)]
    headings: i64,
    /// Separator between columns
    #[arg(short = 's', default_value = " ")]
    separator: String,
    /// Leave out the blanks at the end of columns
    #[arg(short = 'W')]
    trim: bool,
    /// Columns of the screen: longer lines are broken
    #[arg(short = 'w', value_name = "COLUMNS")]
    width: Option<usize>,
    /// Show what is run
    #[arg(short = 'e')]
    echo: bool,
    /// Scripting variables, name=value
    #[arg(short = 'v', value_name = "NAME=VALUE", num_args = 1..)]
    variables: Vec<String>,
    /// $(name) is text
    #[arg(short = 'x')]
    no_variables: bool,
    /// Tell how long each batch took
    #[arg(long)]
    timing: bool,
    /// This help
    #[arg(long, short = '?', action = clap::ArgAction::Help)]
    help: Option<bool>,
}

pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let from_environment = || {
        ["SQLCMDPASSWORD", "HOLDFAST_SA_PASSWORD", "MSSQL_SA_PASSWORD"]
            .iter()
            .find_map(|name| std::env::var(name).ok())
    };
    let mut variables = Variables::default();
    variables.disabled = args.no_variables;
    for (name, value) in [
        ("SQLCMDSERVER", args.server.as_str()),
        ("SQLCMDUSER", args.user.as_str()),
        ("SQLCMDDBNAME", args.database.as_str()),
    ] {
        variables.set(name, value);
    }
    for assignment in &args.variables {
        variables.assign(assignment).map_err(|e| anyhow!(e))?;
    }
    let layout = Layout {
        separator: args.separator,
        trim: args.trim,
        headings: args.headings,
        width: args.width,
        errors_apart: args.redirect.is_some(),
        messages_apart: args.redirect == Some(1),
    };
    let mut show = Show::new(layout);
    if let Some(path) = &args.output {
        show.write_to(path).with_context(|| path.display().to_string())?;
    }
    let target = Target {
        address: address(&args.server),
        user: args.user,
        password: args.password.or_else(from_environment).unwrap_or_default(),
        database: args.database,
    };
    let connection = connection::open(&target, &mut |t| show.quiet(t))?;
    let mut shell = Shell::new(connection, show, variables);
    shell.stop_on_error = args.stop_on_error;
    shell.timing = args.timing;
    shell.echo = args.echo;
    if let Some(query) = &args.query {
        shell.script(query)?;
    } else if !args.input.is_empty() {
        for path in &args.input {
            let text = std::fs::read(path).with_context(|| path.display().to_string())?;
            if shell.script(&shell::decoded(path, &text))? {
                break;
            }
        }
    } else {
        let ended = match &args.start {
            Some(query) => shell.script(query)?,
            None => false,
        };
        if !ended {
            shell.interactive()?;
        }
    }
    Ok(shell.exit_code())
}

/// `host`, `host,port`, `tcp:host,port` as sqlcmd writes them; also `host:port`.
fn address(server: &str) -> String {
    let server = server.strip_prefix("tcp:").unwrap_or(server);
    match server.split_once(',') {
        Some((host, port)) => format!("{}:{}", host.trim(), port.trim()),
        None if server.contains(':') => server.to_owned(),
        None => format!("{server}:1433"),
    }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn servers_are_written_as_sqlcmd_writes_them() {
        assert_eq!(address("h"), "h:1433");
        assert_eq!(address("tcp:h,99"), "h:99");
        assert_eq!(address("h:5"), "h:5");
    }
}
