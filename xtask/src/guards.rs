//! Checks that the tests which the documents name as guards exist.

use std::fs;

use anyhow::{Context, Result, bail};

use crate::paths::Paths;

/// Documents that name tests as `file::test`.
const DOCUMENTS: &[&str] = &[
    "SECURITY.md",
    "ARCHITECTURE.md",
    "protocol/PROTOCOL.md",
    "docs/hostile-doubles.md",
    "docs/what-the-relay-sees.md",
];

/// What documents may shorten, in this order.
const SHORT: &[(&str, &str)] = &[
    ("lying/", "client-core/tests/it/lying/"),
    ("it/", "client-core/tests/it/"),
    ("crypto/", "client-core/tests/crypto/"),
    ("relay/", "relay-server/tests/it/"),
];

/// The document in which each line of a table with this last heading has a guard.
const GUARDED: (&str, &str) = ("SECURITY.md", "Guard");

/// What a line says that has none.
const NOT_YET: &str = "not guarded yet";

/// An error that lists every test that is not there, and every line without one.
pub(crate) fn check(paths: &Paths) -> Result<()> {
    let mut faults = Vec::new();
    let mut found = 0;
    for document in DOCUMENTS {
        let text = read(paths, document)?;
        for (number, line) in (1..).zip(text.lines()) {
            for (file, test) in named(line) {
                found += 1;
                let source = fs::read_to_string(paths.root().join(whole(file))).unwrap_or_default();
                if !has_test(&source, file, test) {
                    faults.push(format!("{document}:{number} names {file}::{test}"));
                }
            }
        }
        if *document == GUARDED.0 {
            for number in unguarded(&text) {
                faults.push(format!("{document}:{number} has no guard"));
            }
        }
    }
    if !faults.is_empty() {
        bail!("no such tests:\n  {}", faults.join("\n  "));
    }
    println!("{found} tests are named, and all are there");
    Ok(())
}

fn read(paths: &Paths, document: &str) -> Result<String> {
    fs::read_to_string(paths.root().join(document)).with_context(|| format!("read {document}"))
}

/// The tests that a line names: between backticks, a path to a source file, two colons, and the name.
fn named(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted = line.split('`').skip(1).step_by(2);
    quoted
        .filter_map(|text| text.split_once("::"))
        .filter(|(file, _)| file.contains('/') && is_source(file))
}

/// A path as it is from the root.
fn whole(file: &str) -> String {
    let long = SHORT
        .iter()
        .find_map(|(short, long)| file.strip_prefix(short).map(|rest| format!("{long}{rest}")));
    long.unwrap_or_else(|| file.to_owned())
}

fn is_source(file: &str) -> bool {
    [".rs", ".ts", ".mjs"]
        .iter()
        .any(|ending| file.ends_with(ending))
}

/// A function under a test attribute, or in the others a test or journey of this title.
fn has_test(source: &str, file: &str, name: &str) -> bool {
    if !file.ends_with(".rs") {
        return source.contains(&format!("\"{name}\""));
    }
    let head = format!("fn {name}(");
    let Some(place) = source.find(&head) else {
        return false;
    };
    let before = source.get(..place).unwrap_or_default();
    // the attributes stand between the function and the end of what comes before it
    let attributes = before.rsplit(['}', ';', '{']).next().unwrap_or_default();
    attributes.contains("test]") || attributes.contains("test(")
}

/// The numbers of the lines of guarded tables that name neither a test nor say that there is none.
fn unguarded(text: &str) -> Vec<usize> {
    let mut within = false;
    let mut numbers = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let mut cells = line.split('|').rev().skip(1);
        let last = cells.next().unwrap_or_default().trim();
        if !line.starts_with('|') {
            within = false;
        } else if last == GUARDED.1 {
            within = true;
        } else if within
            && last.chars().any(|letter| letter != '-')
            && named(last).next().is_none()
            && !last.contains(NOT_YET)
        {
            numbers.push(number);
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_name_tests_that_exist() {
        check(&Paths::find().unwrap()).unwrap();
    }

    #[test]
    fn tests_are_found_in_a_line() {
        let line =
            "| it holds | `a/b.rs::it_holds`, `ui/c.test.ts::it does`, `Type::name`, `d.rs` |";
        let found: Vec<_> = named(line).collect();
        assert_eq!(found, [("a/b.rs", "it_holds"), ("ui/c.test.ts", "it does")]);
    }

    #[test]
    fn short_paths_are_made_whole() {
        assert_eq!(whole("it/a.rs"), "client-core/tests/it/a.rs");
        assert_eq!(whole("ui/e2e/a.mjs"), "ui/e2e/a.mjs");
    }

    #[test]
    fn a_function_is_a_test_only_under_its_attribute() {
        let source =
            "fn helps() {}\n\n#[tokio::test(flavor = \"multi_thread\")]\nasync fn holds() {}\n";
        assert!(has_test(source, "a.rs", "holds"));
        assert!(!has_test(source, "a.rs", "helps"));
        assert!(!has_test(source, "a.rs", "hold"));
        assert!(has_test("it(\"does\", () => {})", "a.ts", "does"));
        assert!(!has_test("it(\"does not\", () => {})", "a.ts", "does"));
    }

    #[test]
    fn a_line_needs_a_guard_or_the_words_that_there_is_none() {
        let text = "| # | Guard |\n|---|---|\n| a | `a/b.rs::c` |\n| b | not guarded yet |\n| c | soon |\n\n| d | soon |\n";
        assert_eq!(unguarded(text), [5]);
    }
}
