//! What the command line asks for.

use std::{ffi::OsString, path::PathBuf};

/// What `--help` prints.
pub(crate) const HELP: &str = "\
Usage: relevo [--profile DIR] [LINK]

  LINK              a relevo: link to open; nothing happens before a click
  --profile DIR     keep the account in DIR, beside other running Relevos
  --print-bindings  print the TypeScript types of the page and exit
";

/// Longer than any link that is valid: what is cut here is refused later.
const LONGEST_LINK: usize = 1024;

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Run(Arguments),
    PrintBindings,
    PrintHelp,
}

/// How to run the app.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Arguments {
    /// The folder of the account, where it is not the usual one.
    pub(crate) profile: Option<PathBuf>,
    /// A link that somebody clicked.
    pub(crate) link: Option<String>,
}

impl Request {
    /// Reads the arguments after the program's name. An error is a sentence for the person.
    pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Self, String> {
        let mut run = Arguments::default();
        let mut arguments = arguments.into_iter();
        while let Some(argument) = arguments.next() {
            let text = argument.to_string_lossy();
            match text.as_ref() {
                "--print-bindings" => return Ok(Self::PrintBindings),
                "--help" | "-h" => return Ok(Self::PrintHelp),
                "--profile" => {
                    let folder = arguments.next().ok_or("--profile needs a folder")?;
                    run.profile = Some(folder.into());
                }
                text => match link(text) {
                    Some(link) => run.link = Some(link),
                    // Finder adds a serial number when it starts a program
                    None if text.starts_with("-psn_") => {}
                    None => return Err(format!("{text:?} is not understood")),
                },
            }
        }
        if run
            .profile
            .as_ref()
            .is_some_and(|folder| folder.as_os_str().is_empty())
        {
            return Err("--profile needs a folder".to_owned());
        }
        Ok(Self::Run(run))
    }
}

/// A text that wants to be opened as a link. It is not checked here: the page says what is wrong with it.
pub(crate) fn link(text: &str) -> Option<String> {
    let is_link = text
        .get(..7)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("relevo:"));
    is_link.then(|| text.chars().take(LONGEST_LINK).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Request, String> {
        Request::parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn nothing_asked_runs_the_usual_profile() {
        assert_eq!(parse(&[]), Ok(Request::Run(Arguments::default())));
    }

    #[test]
    fn profile_and_link_are_read_in_any_order() {
        let expected = Arguments {
            profile: Some("/tmp/a".into()),
            link: Some("relevo:i#abc".to_owned()),
        };
        assert_eq!(
            parse(&["--profile", "/tmp/a", "relevo:i#abc"]),
            Ok(Request::Run(expected))
        );
        let expected = Arguments {
            profile: Some("b".into()),
            link: Some("RELEVO:c#x".to_owned()),
        };
        assert_eq!(
            parse(&["RELEVO:c#x", "--profile", "b"]),
            Ok(Request::Run(expected))
        );
    }

    #[test]
    fn other_words_and_a_missing_folder_are_refused() {
        for arguments in [
            &["--profile"][..],
            &["--profile", ""],
            &["--surprise"],
            &["https://example.org"],
            &["relev"],
            &["ñandú:i"],
        ] {
            assert!(parse(arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn printing_wins() {
        assert_eq!(
            parse(&["--profile", "x", "--print-bindings"]),
            Ok(Request::PrintBindings)
        );
        assert_eq!(parse(&["-h"]), Ok(Request::PrintHelp));
    }

    #[test]
    fn an_endless_link_is_cut() {
        let text = format!("relevo:{}", "é".repeat(5_000));
        assert_eq!(
            link(&text).map(|link| link.chars().count()),
            Some(LONGEST_LINK)
        );
    }
}
