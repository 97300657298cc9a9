use std::{fs, path::Path};

use client_core::{
    export::{self, Format, Locale, Words},
    keyslots::Protection,
    model::{ConversationKey, ConversationState, MessageKind, SystemEvent},
    seams::Zone,
    store::{
        contacts, conversations, messages,
        progress::{self, Progress},
    },
};
use protocol::{AccountId, ConversationId, MessageId};

use crate::home::{DAY, Home, NOW, peer};

const KEY: ConversationKey = ConversationKey(1);

/// A conversation with somebody of this name, whose messages say this. The last one is Ana's, and waits.
fn home(name: &str, texts: &[&str]) -> Home {
    let home = Home::new(&Protection::Unprotected);
    home.database()
        .write(|write| {
            contacts::ensure(write, peer(0))?;
            contacts::set_name(write, peer(0), name)?;
            let id = ConversationId::new([1; 16]);
            conversations::insert(write, id, peer(0), ConversationState::Established, NOW)?;
            let last = texts.len();
            for (number, text) in texts.iter().enumerate() {
                let number = u8::try_from(number).unwrap();
                insert(write, number, MessageKind::Text, text, false)?;
            }
            let number = u8::try_from(last).unwrap();
            let started = MessageKind::System(SystemEvent::ConversationStarted);
            insert(write, number, started, "", false)?;
            insert(write, number + 1, MessageKind::Unreadable, "", false)?;
            insert(write, number + 2, MessageKind::Text, "mine", true)
        })
        .unwrap();
    home
}

fn insert(
    write: &client_core::store::WriteTransaction<'_>,
    number: u8,
    kind: MessageKind,
    text: &str,
    mine: bool,
) -> client_core::Result<()> {
    let new = messages::NewMessage {
        id: MessageId::new([number; 32]),
        conversation: KEY,
        seq: (!mine).then_some(u64::from(number) + 1),
        sender: if mine {
            AccountId::new([99; 16])
        } else {
            peer(0)
        },
        mine,
        kind,
        text,
        content: b"",
        time: NOW + u64::from(number) * 60_000,
        client_id: None,
    };
    messages::insert(write, &new).map(drop)
}

fn exported(home: &Home, format: Format) -> String {
    exported_in(home, format, Zone::UTC)
}

fn exported_in(home: &Home, format: Format, zone: Zone) -> String {
    let words = Words::default();
    let locale = Locale { words, zone };
    let database = home.database();
    let mut output = Vec::new();
    export::conversation(
        database.connection(),
        KEY,
        format,
        &locale,
        NOW,
        &mut output,
    )
    .unwrap();
    String::from_utf8(output).unwrap()
}

#[test]
fn the_files_are_as_they_were_agreed() {
    let home = home(
        "Luis",
        &[
            "Hello",
            "two\nlines\n\nand a paragraph",
            "    indented <b>bold</b> & *stars*",
            "שלום, مرحبا",
            "1. a list\n# a heading\n> a quote | a table",
        ],
    );
    for (format, name) in [
        (Format::Html, "conversation.html"),
        (Format::Json, "conversation.json"),
        (Format::Markdown, "conversation.md"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/golden/export")
            .join(name);
        let text = exported(&home, format);
        // the account is another each time
        let me = home.open().unwrap().engine.me().account;
        let text = text.replace(&data_encoding::HEXLOWER.encode(me.as_bytes()), "ME");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &text).unwrap();
        }
        assert_eq!(text, fs::read_to_string(&path).unwrap(), "{name}");
    }
}

#[test]
fn times_are_those_of_the_persons_clock_in_summer_and_in_winter_and_in_json_those_of_all() {
    /// One hour ahead, and two before November.
    const ZONE: Zone = Zone::new(|ms| if ms < NOW - 22 * DAY { 7200 } else { 3600 });
    let home = home("Luis", &["in November"]);
    home.database()
        .write(|write| {
            write.connection().execute(
                "UPDATE messages SET time = ?1 WHERE mine = 1",
                [i64::try_from(NOW - 100 * DAY).unwrap()],
            )?;
            Ok(())
        })
        .unwrap();
    let html = exported_in(&home, Format::Html, ZONE);
    assert!(html.contains(">2026-11-22 16:43 +01:00</time>"), "{html}");
    assert!(html.contains(">2026-08-14 17:43 +02:00</time>"), "{html}");
    // what programs read of it has no zone
    assert!(html.contains("datetime=\"2026-08-14T15:43:00Z\""), "{html}");
    let markdown = exported_in(&home, Format::Markdown, ZONE);
    assert!(
        markdown.contains("Exported on 2026-11-22 16:43 +01:00"),
        "{markdown}"
    );
    assert!(markdown.contains("2026-08-14 17:43 +02:00"), "{markdown}");
    assert_eq!(
        exported_in(&home, Format::Json, ZONE),
        exported(&home, Format::Json)
    );
    let west = Zone::new(|_| -(3 * 60 + 30) * 60);
    let markdown = exported_in(&home, Format::Markdown, west);
    assert!(markdown.contains("2026-11-22 12:13 -03:30"), "{markdown}");
}

/// The environment cannot change within a process, so the test runs itself in another.
#[cfg(unix)]
#[test]
fn the_zone_of_the_computer_knows_summer_and_winter() {
    const NAME: &str = "exports::the_zone_of_the_computer_knows_summer_and_winter";
    const RULE: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
    if std::env::var_os("TZ").is_some_and(|zone| zone == RULE) {
        let zone = Zone::of_computer();
        assert_eq!(zone.offset_at(NOW), 3600);
        assert_eq!(zone.offset_at(NOW - 100 * DAY), 7200);
        return;
    }
    let ran = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", NAME])
        .env("TZ", RULE)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout);
    assert!(ran.status.success() && said.contains("1 passed"), "{said}");
}

/// What pages have been made to run by others' text.
const HOSTILE: &[&str] = &[
    "<script>alert(1)</script>",
    "</p></article><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "\" autofocus onfocus=alert(1) x=\"",
    "`onload=alert(1)",
    "<iframe src=javascript:alert(1)>",
    "<a href=\"javascript:alert(1)\">x</a>",
    "<math><mtext></p><style><img src onerror=alert(1)>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;script&#62;alert(1)&#60;/script&#62;",
    "\u{feff}<script>alert(1)</script>",
    "<scr\0ipt>alert(1)</scr\0ipt>",
    "<\u{202e}tpircs>",
    "\u{2028}<b>\u{2029}",
    "<base href=//evil>",
    "<meta http-equiv=refresh content=0;url=//evil>",
    "<link rel=stylesheet href=//evil>",
    "<form action=//evil><button>x",
    "<object data=//evil>",
    "<template><script>alert(1)</script>",
    "<noscript><p title=\"</noscript><img src=x onerror=alert(1)>\">",
    "{{constructor.constructor('alert(1)')()}}",
    "[x](javascript:alert(1))",
    "![x](https://evil/pixel.png)",
    "<https://evil>",
    "https://evil www.evil",
    "[x]: //evil\n[x]",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "    code",
    "\tcode",
    "- [ ] list",
    "1) list",
    "text\n===",
    "text\n---",
    "| a | b |\n|---|---|\n| <b> | d |",
    "***",
    "# heading",
    "\\<script>",
    "\\\\<script>",
    "line\\\n<script>",
    "*a* _b_ ~~c~~ `d`",
    "a  \nb",
    "&copy; &#x3c;",
    "$(alert)${1}",
    "\u{1b}]0;title\u{7}",
    "\r\n<script>\r",
];

/// The tags of a page, with their attributes.
fn tags(html: &str) -> Vec<String> {
    html.split('<')
        .skip(1)
        .map(|rest| rest.split_once('>').unwrap().0.to_owned())
        .collect()
}

#[test]
fn nothing_that_others_write_becomes_a_tag_or_leaves_its_place() {
    let benign: Vec<_> = HOSTILE.iter().map(|_| "benign").collect();
    let expected = tags(&exported(&home("Luis", &benign), Format::Html));
    assert!(!expected.iter().any(|tag| tag.contains("script")));
    let html = exported(&home("Luis", HOSTILE), Format::Html);
    assert_eq!(tags(&html), expected);
    for name in HOSTILE {
        let html = exported(&home(name, &benign), Format::Html);
        assert_eq!(tags(&html), expected, "{name:?}");
        assert!(!html.contains(['\u{202e}', '\0', '\u{1b}']));
    }
}

/// A line without the marks that a backslash takes their meaning from, and without the break at its end.
fn without_escapes(line: &str) -> String {
    let mut letters = line.chars();
    let mut bare = String::new();
    while let Some(letter) = letters.next() {
        if letter == '\\' {
            let escaped = letters.next();
            assert!(
                escaped.is_none_or(|it| it.is_ascii_punctuation()),
                "{line:?}"
            );
            bare.extend(escaped.map(|_| 'x'));
        } else {
            bare.push(letter);
        }
    }
    bare
}

fn begins_entity(after: &str) -> bool {
    after.starts_with(|next: char| next == '#' || next.is_ascii_alphanumeric())
}

#[test]
fn markdown_keeps_what_has_no_meaning_in_it_as_it_was_written() {
    let plain = "See you on 2026-11-23, at 10:30 (or 11:00)!\n\nhttps://example.org/a_b?c=d&e - it's \"1.5\" of #3 + $2; a@b.org";
    let markdown = exported(&home("Ana-Luis O'Neil, Jr.", &[plain]), Format::Markdown);
    let plain = plain.replace("&e", "\\&e");
    assert!(markdown.contains(&format!("\n{plain}\n")), "{markdown}");
    assert!(
        markdown.contains("**Ana-Luis O'Neil, Jr.** · 2026-11-22 15:43 UTC\n"),
        "{markdown}"
    );
    let heading = exported(&home("C #", &[]), Format::Markdown);
    assert!(
        heading.starts_with("# Conversation with C \\#\n"),
        "{heading}"
    );
}

#[test]
fn how_far_own_messages_came_is_in_the_files() {
    let home = home("Luis", &[]);
    home.database()
        .write(|write| {
            for (number, text) in [(10, "read"), (11, "delivered"), (12, "sent")] {
                let new = messages::NewMessage {
                    id: MessageId::new([number; 32]),
                    conversation: KEY,
                    seq: Some(u64::from(number)),
                    sender: AccountId::new([99; 16]),
                    mine: true,
                    kind: MessageKind::Text,
                    text,
                    content: b"",
                    time: NOW,
                    client_id: None,
                };
                messages::insert(write, &new)?;
            }
            progress::raise(write, KEY, Progress::Delivered, 11, NOW + 60_000)?;
            progress::raise(write, KEY, Progress::Read, 10, NOW + 120_000)
        })
        .unwrap();
    let json: serde_json::Value = serde_json::from_str(&exported(&home, Format::Json)).unwrap();
    let (sent, delivered, read) = (
        "2026-11-22T15:43:00Z",
        "2026-11-22T15:44:00Z",
        "2026-11-22T15:45:00Z",
    );
    for (text, times) in [
        ("read", [Some(sent), Some(delivered), Some(read)]),
        ("delivered", [Some(sent), Some(delivered), None]),
        ("sent", [Some(sent), None, None]),
        ("mine", [None, None, None]),
    ] {
        let mut messages = json["messages"].as_array().unwrap().iter();
        let message = messages.find(|message| message["text"] == text).unwrap();
        let found = ["sent", "delivered", "read"].map(|name| message[name].as_str());
        assert_eq!(found, times, "{message}");
    }
    let html = exported(&home, Format::Html);
    for state in ["read", "delivered", "sent"] {
        let shown = format!(" · {state}</small><p dir=\"auto\">{state}</p>");
        assert!(html.contains(&shown), "{html}");
    }
}

#[test]
fn nothing_that_others_write_has_a_meaning_in_markdown() {
    let text = exported(&home("Luis", HOSTILE), Format::Markdown);
    let messages = text.split("\n---\n\n**Luis** · ").skip(1);
    let mut seen = 0;
    for message in messages {
        let (_, body) = message.split_once("\n\n").unwrap();
        let body = body.split("\n---\n").next().unwrap();
        seen += 1;
        for line in body.split('\n') {
            assert!(!line.starts_with([' ', '\t']), "{line:?}");
            let bare = without_escapes(&line.replace("&nbsp;", ""));
            // nothing within a line
            assert!(
                !bare.contains(['\r', '`', '*', '[', ']', '<', '~', '|']),
                "{line:?}"
            );
            assert!(!bare.split('&').skip(1).any(begins_entity), "{line:?}");
            assert!(!bare.starts_with('_') && !bare.ends_with('_'), "{line:?}");
            assert!(!bare.contains(" _") && !bare.contains("_ "), "{line:?}");
            // nothing at its beginning
            assert!(!bare.starts_with(['#', '-', '+', '=', '>']), "{line:?}");
            let number = bare.trim_start_matches(|letter: char| letter.is_ascii_digit());
            let numbered = number.len() < bare.len() && number.starts_with(['.', ')']);
            assert!(!numbered, "{line:?}");
        }
    }
    assert_eq!(seen, HOSTILE.len());
}

#[test]
fn json_gives_back_what_was_written() {
    let json: serde_json::Value =
        serde_json::from_str(&exported(&home("Lu\u{202e}is\n", HOSTILE), Format::Json)).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(json["peer"]["name"], "Luis");
    let texts: Vec<_> = json["messages"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|message| message["text"].as_str())
        .collect();
    let (last, others) = texts.split_last().unwrap();
    assert_eq!(others, HOSTILE);
    assert_eq!(*last, "mine");
}

#[test]
fn a_conversation_that_is_not_there_cannot_be_exported() {
    let home = home("Luis", &[]);
    let database = home.database();
    let exported = export::conversation(
        database.connection(),
        ConversationKey(7),
        Format::Html,
        &Locale {
            words: Words::default(),
            zone: Zone::UTC,
        },
        NOW,
        &mut Vec::new(),
    );
    assert_eq!(
        exported.unwrap_err().kind(),
        client_core::ErrorKind::NotFound
    );
}
