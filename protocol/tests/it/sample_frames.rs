//! Every frame, always the same.

use protocol::{
    AccountId, AccountManifest, Ack, Announce, Append, Appended, Blocks, Bye, Challenge,
    ClaimKeyPackages, Claimed, ClaimedKeyPackage, Commit, Committed, ConversationOf, Conversations,
    CreateConversation, DeclineRequest, Delivered, Digest, Done, EndLink, Entries, Entry,
    EntryKind, ErrorCode, Fetch, FetchGroup, FetchManifest, FindAccount, Found, Frame, GroupState,
    KeyPackageCount, ListBlocks, ListConversations, NewEntry, NewLink, News, Page, Presence,
    PublishKeyPackages, PublishManifest, Ready, Recover, Recovered, Refusal, Register, SetBlock,
    SetHandle, Signal, SignalPush, StoreRecord, StreamId, Welcome, identity::sign,
};

use crate::samples::{
    TIME, account, challenge, client_id, conversation, device, dsk, enroll, first_manifest, handle,
    hello, limits, opaque, prove, receipt, record, register, root_key, second_manifest, secret,
    sign_challenge, signed_record,
};

fn entry(kind: EntryKind) -> Entry {
    Entry {
        seq: 42,
        sender: device(1),
        kind,
        incarnation: 0,
        epoch: 7,
        time: TIME,
        client_id: client_id(1),
        conversation: None,
        bytes: opaque(b"sealed"),
        start: None,
    }
}

fn welcome_entry() -> Entry {
    let welcome = entry(EntryKind::Welcome);
    Entry {
        seq: 3,
        conversation: Some(conversation()),
        bytes: opaque(b"welcome"),
        start: Some(40),
        ..welcome
    }
}

/// Every frame with every field, in the order of their numbers.
pub fn frames() -> Vec<(u32, Frame)> {
    let conversation = conversation();
    let commit = opaque(b"commit");
    let group_info = opaque(b"group info");
    let welcomes = vec![Welcome {
        device: device(2),
        bytes: opaque(b"welcome"),
    }];
    let stream = StreamId::Conversation(conversation);
    vec![
        (0, hello().into()),
        (0, challenge().into()),
        (0, prove().into()),
        (0, register().into()),
        (
            0,
            Ready {
                limits: limits(),
                time: TIME,
                news: vec![
                    News {
                        stream: StreamId::Inbox,
                        last: 3,
                        base: 0,
                    },
                    News {
                        stream,
                        last: 1 << 32,
                        base: 12,
                    },
                ],
                key_packages: 99,
                receipt: Some(receipt()),
                sent: 1_000,
                manifest: 2,
            }
            .into(),
        ),
        (0, Recover { record: record() }.into()),
        (
            0,
            Recovered {
                account: account(),
                manifest: first_manifest().sign(&dsk()).into(),
                bytes: opaque(b"recovery record"),
            }
            .into(),
        ),
        (0, enroll().into()),
        (
            1,
            Append {
                conversation,
                incarnation: 0,
                epoch: 7,
                entries: vec![
                    NewEntry {
                        client_id: client_id(1),
                        bytes: opaque(b"sealed"),
                    },
                    NewEntry {
                        client_id: client_id(2),
                        bytes: opaque(b"sealed too"),
                    },
                ],
            }
            .into(),
        ),
        (
            2,
            Commit {
                conversation,
                incarnation: 0,
                epoch: 7,
                client_id: client_id(3),
                commit: commit.clone(),
                welcomes: welcomes.clone(),
                group_info: group_info.clone(),
            }
            .into(),
        ),
        (
            3,
            CreateConversation {
                conversation,
                peer: AccountId::new([0xbb; 16]),
                token: Some(secret().token()),
                founding: opaque(b"founding"),
                client_id: client_id(4),
                commit,
                welcomes,
                group_info: group_info.clone(),
                incarnation: Some(1),
            }
            .into(),
        ),
        (
            4,
            PublishKeyPackages {
                packages: vec![opaque(b"key package"), opaque(b"another")],
                last_resort: Some(opaque(b"last resort")),
                replace: true,
            }
            .into(),
        ),
        (
            5,
            ClaimKeyPackages {
                account: account(),
                client_id: client_id(5),
            }
            .into(),
        ),
        (
            6,
            Fetch {
                stream,
                from: 40,
                limit: 64,
            }
            .into(),
        ),
        (
            7,
            NewLink {
                token: secret().token(),
                invite: true,
                uses: 5,
                expires: TIME + 604_800_000,
            }
            .into(),
        ),
        (8, Announce { announce: false }.into()),
        (9, DeclineRequest { conversation }.into()),
        (
            10,
            SetBlock {
                account: AccountId::new([0xbb; 16]),
                blocked: true,
            }
            .into(),
        ),
        (11, ListBlocks {}.into()),
        (
            12,
            SetHandle {
                handle: Some(handle()),
            }
            .into(),
        ),
        (13, FindAccount { handle: handle() }.into()),
        (
            14,
            EndLink {
                token: secret().token(),
            }
            .into(),
        ),
        (15, FetchGroup { conversation }.into()),
        (
            16,
            PublishManifest {
                manifest: second_manifest().sign(&dsk()).into(),
            }
            .into(),
        ),
        (17, FetchManifest { account: account() }.into()),
        (
            18,
            StoreRecord {
                record: record(),
                bytes: opaque(b"recovery record"),
                signature: Some(sign(&root_key(), &signed_record())),
            }
            .into(),
        ),
        (
            19,
            ListConversations {
                after: Some(conversation),
            }
            .into(),
        ),
        (0, Ack { stream, seq: 42 }.into()),
        (
            0,
            Signal {
                conversation,
                bytes: opaque(b"signal"),
                keep: true,
            }
            .into(),
        ),
        (8, Done {}.into()),
        (
            2,
            Refusal {
                code: ErrorCode::StaleEpoch,
                retry_after: Some(1_500),
                incarnation: Some(0),
                epoch: Some(8),
                seq: Some(43),
                winner: Some(Digest::of(&[b"the commit that won"])),
                conversation: Some(conversation),
            }
            .into(),
        ),
        (
            1,
            Appended {
                seqs: vec![42, 43],
                times: vec![TIME, TIME],
            }
            .into(),
        ),
        (
            2,
            Committed {
                seq: 44,
                time: TIME,
            }
            .into(),
        ),
        (4, KeyPackageCount { count: 100 }.into()),
        (
            5,
            Claimed {
                manifest: first_manifest().sign(&dsk()).into(),
                packages: vec![ClaimedKeyPackage {
                    device: device(1),
                    bytes: opaque(b"key package"),
                }],
            }
            .into(),
        ),
        (
            6,
            Page {
                entries: vec![entry(EntryKind::Commit)],
                last: 42,
                base: 12,
                kept: 12,
            }
            .into(),
        ),
        (
            11,
            Blocks {
                accounts: vec![AccountId::new([0xbb; 16])],
            }
            .into(),
        ),
        (13, Found { account: account() }.into()),
        (
            15,
            GroupState {
                incarnation: 0,
                epoch: 8,
                seq: 44,
                group_info,
                tree: opaque(b"ratchet tree"),
            }
            .into(),
        ),
        (
            17,
            AccountManifest {
                manifest: second_manifest().sign(&dsk()).into(),
            }
            .into(),
        ),
        (
            19,
            Conversations {
                conversations: vec![ConversationOf {
                    conversation,
                    peer: AccountId::new([0xbb; 16]),
                    requested: false,
                }],
                more: true,
            }
            .into(),
        ),
        (
            0,
            Entries {
                stream: StreamId::Inbox,
                entries: vec![welcome_entry()],
            }
            .into(),
        ),
        (
            0,
            Delivered {
                conversation,
                seq: 42,
            }
            .into(),
        ),
        (
            0,
            Presence {
                account: account(),
                connected: false,
                last_seen: Some(TIME),
            }
            .into(),
        ),
        (
            0,
            SignalPush {
                conversation,
                sender: device(1),
                bytes: opaque(b"signal"),
                keep: true,
            }
            .into(),
        ),
        (
            0,
            Bye {
                code: ErrorCode::Unavailable,
                retry_after: Some(5_000),
            }
            .into(),
        ),
    ]
}

/// A creation without a link, of a conversation that never was.
fn first_creation() -> CreateConversation {
    CreateConversation {
        conversation: conversation(),
        peer: AccountId::new([0xbb; 16]),
        token: None,
        founding: opaque(b"founding"),
        client_id: client_id(4),
        commit: opaque(b"commit"),
        welcomes: Vec::new(),
        group_info: opaque(b"group info"),
        incarnation: None,
    }
}

/// The frames that have optional fields or lists, with as little as they may have.
pub fn least_frames() -> Vec<(u32, Frame)> {
    let stream = StreamId::Conversation(conversation());
    let ready = Ready {
        limits: limits(),
        time: TIME,
        news: Vec::new(),
        key_packages: 0,
        receipt: None,
        sent: 0,
        manifest: 1,
    };
    let pushed = Entries {
        stream,
        entries: vec![entry(EntryKind::Application)],
    };
    let absent = Presence {
        account: account(),
        connected: true,
        last_seen: None,
    };
    vec![
        (
            0,
            sign_challenge(Challenge {
                tls_key: None,
                ..challenge()
            })
            .into(),
        ),
        (
            0,
            Register {
                receipt: None,
                ..register()
            }
            .into(),
        ),
        (0, ready.into()),
        (3, first_creation().into()),
        (
            u32::MAX,
            PublishKeyPackages {
                packages: Vec::new(),
                last_resort: None,
                replace: false,
            }
            .into(),
        ),
        (
            6,
            Fetch {
                stream: StreamId::Inbox,
                from: 1,
                limit: 1,
            }
            .into(),
        ),
        (
            0,
            Ack {
                stream: StreamId::Inbox,
                seq: 3,
            }
            .into(),
        ),
        (
            0,
            Signal {
                conversation: conversation(),
                bytes: opaque(b"signal"),
                keep: false,
            }
            .into(),
        ),
        (12, SetHandle { handle: None }.into()),
        (
            18,
            StoreRecord {
                record: record(),
                bytes: opaque(b"recovery record"),
                signature: None,
            }
            .into(),
        ),
        (19, ListConversations { after: None }.into()),
        (
            11,
            Blocks {
                accounts: Vec::new(),
            }
            .into(),
        ),
        (
            19,
            Conversations {
                conversations: Vec::new(),
                more: false,
            }
            .into(),
        ),
        (7, Refusal::new(ErrorCode::Quota).into()),
        (
            6,
            Page {
                entries: Vec::new(),
                last: 0,
                base: 0,
                kept: 0,
            }
            .into(),
        ),
        (0, pushed.into()),
        (0, absent.into()),
        (
            0,
            SignalPush {
                conversation: conversation(),
                sender: device(1),
                bytes: opaque(b"signal"),
                keep: false,
            }
            .into(),
        ),
        (
            0,
            Bye {
                code: ErrorCode::Replaced,
                retry_after: None,
            }
            .into(),
        ),
    ]
}
