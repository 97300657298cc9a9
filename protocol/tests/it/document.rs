//! `PROTOCOL.md` says what the code does: every frame, field, error code, bound and golden byte that it has to name.

use std::fs;

use protocol::{ErrorCode, FRAME_NAMES};

const DOCUMENT: &str = include_str!("../../PROTOCOL.md");
const SOURCES: [&str; 6] = [
    include_str!("../../src/messages/handshake.rs"),
    include_str!("../../src/messages/pushes.rs"),
    include_str!("../../src/messages/replies.rs"),
    include_str!("../../src/messages/requests.rs"),
    include_str!("../../src/error.rs"),
    include_str!("../../src/limits.rs"),
];

/// `StaleEpoch` as `stale_epoch`.
fn snake(name: &str) -> String {
    let mut snake = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !snake.is_empty() {
            snake.push('_');
        }
        snake.push(letter.to_ascii_lowercase());
    }
    snake
}

/// What stands between a heading and the next one of any level.
fn section(heading: &str) -> Option<&'static str> {
    let (_, rest) = DOCUMENT.split_once(&format!("\n{heading}\n"))?;
    Some(rest.split_once("\n#").map_or(rest, |(section, _)| section))
}

/// Name, and number and name of each field, of every struct that is a CBOR map.
fn structs() -> Vec<(String, Vec<(u32, String)>)> {
    let mut structs: Vec<(String, Vec<(u32, String)>)> = Vec::new();
    let mut number = None;
    for line in SOURCES
        .iter()
        .flat_map(|source| source.lines())
        .map(str::trim)
    {
        if let Some(rest) = line.strip_prefix("pub struct ") {
            structs.push((snake(rest.trim_end_matches([' ', '{', '}'])), Vec::new()));
        } else if let Some(rest) = line.strip_prefix("#[n(").or(line.strip_prefix("#[cbor(n(")) {
            number = rest
                .split_once(')')
                .and_then(|(number, _)| number.parse::<u32>().ok());
            assert!(number.is_some(), "{line}");
        } else if let Some(number) = number.take() {
            let name = line
                .strip_prefix("pub ")
                .unwrap()
                .split_once(':')
                .unwrap()
                .0;
            structs
                .last_mut()
                .unwrap()
                .1
                .push((number, name.to_owned()));
        }
    }
    structs
}

/// The first cells of the rows of the table in a section that start with a number.
fn rows(section: &str) -> Vec<(u32, String)> {
    section
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            let number = cells.next()?.parse().ok()?;
            Some((number, cells.next()?.trim_matches('`').to_owned()))
        })
        .collect()
}

#[test]
fn every_frame_has_its_section_under_its_number() {
    let numbered: Vec<_> = DOCUMENT
        .lines()
        .filter_map(|line| line.strip_prefix("### ")?.split_once(' '))
        .filter_map(|(number, name)| Some((number.parse::<u16>().ok()?, name.trim_matches('`'))))
        .collect();
    assert_eq!(numbered, FRAME_NAMES);
}

#[test]
fn every_field_of_every_frame_is_in_its_table_and_no_other() {
    let structs = structs();
    let is_known = |label: &str| structs.iter().any(|(name, _)| name == label);
    assert!(FRAME_NAMES.iter().all(|(_, label)| is_known(label)));
    for (name, fields) in structs {
        let frame = FRAME_NAMES.iter().find(|(_, label)| *label == name);
        let heading = match frame {
            Some((number, label)) => format!("### {number} `{label}`"),
            None => format!("#### `{name}`"),
        };
        let section = section(&heading).unwrap_or_else(|| panic!("no section {heading}"));
        assert_eq!(rows(section), fields, "{heading}");
    }
}

#[test]
fn every_error_code_is_in_the_table_with_its_number() {
    let section = section("## 8. Errors").unwrap();
    let written: Vec<_> = section
        .lines()
        .filter_map(|line| {
            let cells: Vec<_> = line.split('|').map(str::trim).collect();
            Some((
                cells.get(1)?.parse::<u16>().ok()?,
                cells[2].trim_matches('`'),
                cells[3],
            ))
        })
        .collect();
    let names: Vec<_> = ErrorCode::ALL
        .iter()
        .map(|code| snake(&format!("{code:?}")))
        .collect();
    let expected: Vec<_> = ErrorCode::ALL
        .iter()
        .zip(&names)
        .map(|(code, name)| {
            (
                code.number(),
                name.as_str(),
                if code.retryable() { "yes" } else { "no" },
            )
        })
        .collect();
    assert_eq!(written, expected);
}

#[test]
fn every_error_code_is_one_that_some_frame_is_answered_with() {
    let (_, frames) = DOCUMENT.split_once("## 7. Frames").unwrap();
    let frames = frames.split_once("## 8. Errors").unwrap().0;
    let others = DOCUMENT.split_once("## 5. Streams").unwrap().0;
    for code in ErrorCode::ALL {
        let name = format!("`{}`", snake(&format!("{code:?}")));
        assert!(
            frames.contains(&name) || others.contains(&name),
            "{name} is never sent"
        );
    }
}

#[test]
fn every_bound_is_in_the_table_with_its_value() {
    let bounds = SOURCES[5].lines().filter_map(|line| {
        let (name, value) = line
            .trim()
            .strip_prefix("pub const ")?
            .split_once(": usize = ")?;
        let factors = value.trim_end_matches(';').split(" * ");
        Some((
            name,
            factors
                .map(|factor| factor.parse::<usize>().unwrap())
                .product::<usize>(),
        ))
    });
    let section = section("## 9. Limits").unwrap();
    let mut count = 0;
    for (name, value) in bounds {
        count += 1;
        assert!(
            section.contains(&format!("\n| `{name}` | {value} |")),
            "{name} is {value}"
        );
    }
    assert_eq!(
        count,
        section.matches("\n| `").count(),
        "bounds that are in one place only"
    );
}

#[test]
fn every_context_string_is_in_the_document() {
    let sources = [
        include_str!("../../src/handshake.rs"),
        include_str!("../../src/identity.rs"),
        include_str!("../../src/ids.rs"),
        include_str!("../../src/link.rs"),
    ];
    let mut count = 0;
    for piece in sources
        .iter()
        .flat_map(|source| source.split("b\"relevo ").skip(1))
    {
        let context = piece.split_once('"').unwrap().0;
        assert!(
            DOCUMENT.contains(&format!("\"relevo {context}\"")),
            "{context}"
        );
        count += 1;
    }
    assert_eq!(count, 13);
}

#[test]
fn the_worked_example_is_that_of_the_golden_files() {
    let (_, example) = DOCUMENT.split_once("## 18. A worked example").unwrap();
    for name in [
        "frame-hello.hex",
        "frame-challenge.hex",
        "signed-challenge.hex",
        "signed-login.hex",
        "frame-prove.hex",
        "frame-ready-least.hex",
        "frame-append.hex",
        "frame-appended.hex",
        "link-invite.txt",
        "derived-link-token.hex",
    ] {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/");
        let golden = fs::read_to_string(format!("{path}{name}")).unwrap();
        assert!(example.contains(&format!("\n```\n{golden}```\n")), "{name}");
    }
}

#[test]
fn every_link_within_the_document_leads_somewhere() {
    for piece in DOCUMENT.split("](#").skip(1) {
        let anchor = piece.split_once(')').unwrap().0;
        let found = DOCUMENT
            .lines()
            .filter_map(|line| line.strip_prefix("## "))
            .any(|title| {
                let title: String = title
                    .chars()
                    .filter(|letter| letter.is_alphanumeric() || " -".contains(*letter))
                    .collect();
                title.to_lowercase().replace(' ', "-") == anchor
            });
        assert!(found, "{anchor}");
    }
}
