//! Runs other programs to their end.

use std::{
    ffi::OsStr,
    fmt::Write as _,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, ExitStatus, Output, exit},
};

use anyhow::{Context, Result, bail};

/// Exit code of a shell command that was ended by Ctrl+C.
const INTERRUPTED: i32 = 130;
const SIGINT: i32 = 2;

/// A command in the folder `dir`.
pub(crate) fn command<I>(program: impl AsRef<OsStr>, arguments: I, dir: &Path) -> Command
where
    I: IntoIterator,
    I::Item: AsRef<OsStr>,
{
    let mut command = Command::new(program);
    command.args(arguments).current_dir(dir);
    command
}

/// Runs the command with its output on the screen; an exit code other than 0 is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let line = display(command);
    println!("$ {line}");
    let status = command
        .status()
        .with_context(|| format!("start `{line}`"))?;
    stop_if_interrupted(status);
    if !status.success() {
        bail!("`{line}` ended with {status}");
    }
    Ok(())
}

/// Runs the command and returns what it printed; an exit code other than 0 is an error.
pub(crate) fn read(command: &mut Command) -> Result<String> {
    let line = display(command);
    let output = output(command)?;
    if !output.status.success() {
        bail!(
            "`{line}` ended with {}: {}",
            output.status,
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    String::from_utf8(output.stdout).with_context(|| format!("read the output of `{line}`"))
}

/// Runs the command and returns everything it said, whatever its exit code.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    let output = command
        .output()
        .with_context(|| format!("start `{}`", display(command)))?;
    stop_if_interrupted(output.status);
    Ok(output)
}

/// True if a program of this name is in the PATH.
pub(crate) fn is_in_path(program: &str) -> bool {
    std::env::var_os("PATH").is_some_and(|path| {
        std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
    })
}

/// The command as a person would type it.
pub(crate) fn display(command: &Command) -> String {
    let mut line = command.get_program().to_string_lossy().into_owned();
    for argument in command.get_args() {
        let argument = argument.to_string_lossy();
        let plain = !argument.is_empty()
            && argument
                .chars()
                .all(|c| c.is_alphanumeric() || "-_=./,:@+%^".contains(c));
        // writing to a String cannot fail
        let _ = if plain {
            write!(line, " {argument}")
        } else {
            write!(line, " '{argument}'")
        };
    }
    line
}

/// Ctrl+C reaches the child as well; when it ended the child, the person wants everything to end.
fn stop_if_interrupted(status: ExitStatus) {
    if status.signal() == Some(SIGINT) || status.code() == Some(INTERRUPTED) {
        exit(INTERRUPTED);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let command = command(
            "relevo",
            ["--profile", "/tmp/a b", "relevo:i#x"],
            Path::new("."),
        );
        assert_eq!(
            display(&command),
            "relevo --profile '/tmp/a b' 'relevo:i#x'"
        );
    }

    #[test]
    fn a_failed_command_tells_what_it_said() {
        let error = read(Command::new("sh").args(["-c", "echo no >&2; exit 3"])).unwrap_err();
        assert!(error.to_string().ends_with("exit status: 3: no"), "{error}");
    }
}
