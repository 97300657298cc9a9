//! Arbitrary values of the wire, within its bounds.

use proptest::{
    collection::vec,
    option::of,
    prelude::{Just, Strategy, any},
    prop_oneof,
    strategy::BoxedStrategy,
};
use protocol::{
    AccountId, AccountManifest, Ack, Address, Announce, Append, Appended, Blocks, Bye, Challenge,
    ClaimKeyPackages, Claimed, ClaimedKeyPackage, ClientId, Commit, Committed, ConversationId,
    ConversationOf, Conversations, CreateConversation, DeclineRequest, Delivered, DeviceId, Digest,
    Done, EndLink, Enroll, Entries, Entry, EntryKind, ErrorCode, Fetch, FetchGroup, FetchManifest,
    FindAccount, Found, Frame, GroupState, Hello, Key, KeyPackageCount, Limits, Link, LinkKind,
    LinkSecret, ListBlocks, ListConversations, NewEntry, NewLink, News, Nonce, Opaque, Page,
    Presence, Prove, PublishKeyPackages, PublishManifest, Ready, Receipt, Recover, Recovered,
    Refusal, Register, RelayId, SetBlock, SetHandle, Signal, SignalPush, Signature,
    StoreGeneration, StoreRecord, StreamId, Token, Welcome,
};

macro_rules! ids {
    ($($function:ident $id:ident,)+) => {
        $(fn $function() -> impl Strategy<Value = $id> {
            any::<[u8; $id::LEN]>().prop_map($id::new)
        })+
    };
}

ids! {
    account AccountId,
    device DeviceId,
    conversation ConversationId,
    client_id ClientId,
    relay RelayId,
    generation StoreGeneration,
    key Key,
    nonce Nonce,
    digest Digest,
    token Token,
}

fn signature() -> impl Strategy<Value = Signature> {
    any::<[[u8; 32]; 2]>().prop_map(|halves| Signature::from_slice(halves.as_flattened()).unwrap())
}

fn opaque(len: impl Into<proptest::collection::SizeRange>) -> impl Strategy<Value = Opaque> {
    vec(any::<u8>(), len).prop_map(Opaque::from)
}

/// Numbers of every encoded length, each as likely.
fn number() -> impl Strategy<Value = u64> {
    (any::<u64>(), 0_u32..64).prop_map(|(number, shift)| number >> shift)
}

fn stream() -> impl Strategy<Value = StreamId> {
    prop_oneof![
        Just(StreamId::Inbox),
        conversation().prop_map(StreamId::Conversation)
    ]
}

fn error() -> impl Strategy<Value = ErrorCode> {
    any::<u16>().prop_map(|number| ErrorCode::from_number(number % 40))
}

fn limits() -> impl Strategy<Value = Limits> {
    (any::<[u32; 4]>(), any::<[u16; 4]>()).prop_map(|(wide, narrow)| Limits {
        frame: wide[0],
        entry: wide[1],
        batch: narrow[0],
        window_entries: wide[2],
        window_bytes: wide[3],
        ping: narrow[1],
        retention: narrow[2],
        key_packages: narrow[3],
    })
}

fn new_entry() -> impl Strategy<Value = NewEntry> {
    (client_id(), opaque(1..80)).prop_map(|(client_id, bytes)| NewEntry { client_id, bytes })
}

fn welcome() -> impl Strategy<Value = Welcome> {
    (device(), opaque(0..80)).prop_map(|(device, bytes)| Welcome { device, bytes })
}

fn news() -> impl Strategy<Value = News> {
    (stream(), number(), number()).prop_map(|(stream, last, base)| News { stream, last, base })
}

fn receipt() -> impl Strategy<Value = Receipt> {
    (account(), number(), signature()).prop_map(|(account, time, signature)| Receipt {
        account,
        time,
        signature,
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let place = (number(), any::<u32>(), number(), number());
    (
        place,
        device(),
        any::<u8>(),
        client_id(),
        (of(conversation()), of(number())),
        opaque(0..80),
    )
        .prop_map(
            |((seq, incarnation, epoch, time), sender, kind, client_id, welcome, bytes)| {
                let (conversation, start) = welcome;
                Entry {
                    seq,
                    sender,
                    kind: EntryKind::from_number(kind % 8),
                    incarnation,
                    epoch,
                    time,
                    client_id,
                    conversation,
                    bytes,
                    start,
                }
            },
        )
}

fn frame_of(
    strategy: impl Strategy<Value = impl Into<Frame> + 'static> + 'static,
) -> BoxedStrategy<Frame> {
    strategy.prop_map(Into::into).boxed()
}

fn handshake() -> Vec<BoxedStrategy<Frame>> {
    vec![
        frame_of((vec(any::<u16>(), 1..=8), nonce(), "[ -~]{0,64}").prop_map(
            |(versions, nonce, client)| Hello {
                versions,
                nonce,
                client,
            },
        )),
        frame_of(
            (
                any::<u16>(),
                nonce(),
                generation(),
                key(),
                of(digest()),
                signature(),
            )
                .prop_map(
                    |(version, nonce, store_generation, identity_key, tls_key, signature)| {
                        Challenge {
                            version,
                            nonce,
                            store_generation,
                            identity_key,
                            tls_key,
                            signature,
                        }
                    },
                ),
        ),
        frame_of((account(), device(), signature(), any::<bool>()).prop_map(
            |(account, device, signature, announce)| Prove {
                account,
                device,
                signature,
                announce,
            },
        )),
        frame_of(
            (
                token(),
                opaque(0..200),
                device(),
                signature(),
                any::<bool>(),
                of(receipt()),
            )
                .prop_map(|(token, manifest, device, signature, announce, receipt)| {
                    Register {
                        token,
                        manifest,
                        device,
                        signature,
                        announce,
                        receipt,
                    }
                }),
        ),
        frame_of(token().prop_map(|record| Recover { record })),
        frame_of((account(), opaque(0..200), opaque(0..80)).prop_map(
            |(account, manifest, bytes)| Recovered {
                account,
                manifest,
                bytes,
            },
        )),
        frame_of(
            (
                account(),
                opaque(0..200),
                device(),
                signature(),
                any::<bool>(),
            )
                .prop_map(|(account, manifest, device, signature, announce)| Enroll {
                    account,
                    manifest,
                    device,
                    signature,
                    announce,
                }),
        ),
        frame_of(
            (
                limits(),
                number(),
                vec(news(), 0..5),
                any::<u16>(),
                of(receipt()),
                (number(), number()),
            )
                .prop_map(
                    |(limits, time, news, key_packages, receipt, (sent, manifest))| Ready {
                        limits,
                        time,
                        news,
                        key_packages,
                        receipt,
                        sent,
                        manifest,
                    },
                ),
        ),
    ]
}

fn requests() -> Vec<BoxedStrategy<Frame>> {
    let mls = || (opaque(0..80), vec(welcome(), 0..5), opaque(0..80));
    vec![
        frame_of(
            (
                conversation(),
                any::<u32>(),
                number(),
                vec(new_entry(), 1..5),
            )
                .prop_map(|(conversation, incarnation, epoch, entries)| Append {
                    conversation,
                    incarnation,
                    epoch,
                    entries,
                }),
        ),
        frame_of(
            (conversation(), any::<u32>(), number(), client_id(), mls()).prop_map(
                |(conversation, incarnation, epoch, client_id, (commit, welcomes, group_info))| {
                    Commit {
                        conversation,
                        incarnation,
                        epoch,
                        client_id,
                        commit,
                        welcomes,
                        group_info,
                    }
                },
            ),
        ),
        frame_of(
            (
                conversation(),
                account(),
                of(token()),
                opaque(0..80),
                client_id(),
                mls(),
                of(any::<u32>()),
            )
                .prop_map(|fields| {
                    let (conversation, peer, token, founding, client_id, mls, incarnation) = fields;
                    let (commit, welcomes, group_info) = mls;
                    CreateConversation {
                        conversation,
                        peer,
                        token,
                        founding,
                        client_id,
                        commit,
                        welcomes,
                        group_info,
                        incarnation,
                    }
                }),
        ),
        frame_of(
            (vec(opaque(0..80), 0..=20), of(opaque(0..80)), any::<bool>()).prop_map(
                |(packages, last_resort, replace)| PublishKeyPackages {
                    packages,
                    last_resort,
                    replace,
                },
            ),
        ),
        frame_of(
            (account(), client_id())
                .prop_map(|(account, client_id)| ClaimKeyPackages { account, client_id }),
        ),
        frame_of(
            (stream(), number(), any::<u16>()).prop_map(|(stream, from, limit)| Fetch {
                stream,
                from,
                limit,
            }),
        ),
        frame_of((token(), any::<bool>(), any::<u16>(), number()).prop_map(
            |(token, invite, uses, expires)| NewLink {
                token,
                invite,
                uses,
                expires,
            },
        )),
        frame_of(any::<bool>().prop_map(|announce| Announce { announce })),
        frame_of((stream(), number()).prop_map(|(stream, seq)| Ack { stream, seq })),
        frame_of((conversation(), opaque(0..80), any::<bool>()).prop_map(
            |(conversation, bytes, keep)| Signal {
                conversation,
                bytes,
                keep,
            },
        )),
    ]
}

fn account_requests() -> Vec<BoxedStrategy<Frame>> {
    let handle = || "[a-z0-9._-]{2,32}";
    vec![
        frame_of(conversation().prop_map(|conversation| DeclineRequest { conversation })),
        frame_of(
            (account(), any::<bool>()).prop_map(|(account, blocked)| SetBlock { account, blocked }),
        ),
        frame_of(Just(ListBlocks {})),
        frame_of(of(handle()).prop_map(|handle| SetHandle { handle })),
        frame_of(handle().prop_map(|handle| FindAccount { handle })),
        frame_of(token().prop_map(|token| EndLink { token })),
        frame_of(conversation().prop_map(|conversation| FetchGroup { conversation })),
        frame_of(opaque(0..200).prop_map(|manifest| PublishManifest { manifest })),
        frame_of(account().prop_map(|account| FetchManifest { account })),
        frame_of((token(), opaque(1..80), of(signature())).prop_map(
            |(record, bytes, signature)| StoreRecord {
                record,
                bytes,
                signature,
            },
        )),
        frame_of(of(conversation()).prop_map(|after| ListConversations { after })),
    ]
}

fn account_replies() -> Vec<BoxedStrategy<Frame>> {
    let of_account =
        (conversation(), account(), any::<bool>()).prop_map(|(conversation, peer, requested)| {
            ConversationOf {
                conversation,
                peer,
                requested,
            }
        });
    vec![
        frame_of(vec(account(), 0..5).prop_map(|accounts| Blocks { accounts })),
        frame_of(account().prop_map(|account| Found { account })),
        frame_of(
            (
                any::<u32>(),
                number(),
                number(),
                opaque(0..80),
                opaque(0..80),
            )
                .prop_map(|(incarnation, epoch, seq, group_info, tree)| GroupState {
                    incarnation,
                    epoch,
                    seq,
                    group_info,
                    tree,
                }),
        ),
        frame_of(opaque(0..200).prop_map(|manifest| AccountManifest { manifest })),
        frame_of(
            (vec(of_account, 0..5), any::<bool>()).prop_map(|(conversations, more)| {
                Conversations {
                    conversations,
                    more,
                }
            }),
        ),
    ]
}

fn replies() -> Vec<BoxedStrategy<Frame>> {
    let claimed =
        (device(), opaque(0..80)).prop_map(|(device, bytes)| ClaimedKeyPackage { device, bytes });
    let details = (of(number()), of(any::<u32>()), of(number()), of(number()));
    vec![
        frame_of(Just(Done {})),
        frame_of(
            (error(), details, of(digest()), of(conversation())).prop_map(
                |(code, (retry_after, incarnation, epoch, seq), winner, conversation)| Refusal {
                    code,
                    retry_after,
                    incarnation,
                    epoch,
                    seq,
                    winner,
                    conversation,
                },
            ),
        ),
        frame_of(vec((number(), number()), 0..=64).prop_map(|pairs| {
            let (seqs, times) = pairs.into_iter().unzip();
            Appended { seqs, times }
        })),
        frame_of((number(), number()).prop_map(|(seq, time)| Committed { seq, time })),
        frame_of(any::<u16>().prop_map(|count| KeyPackageCount { count })),
        frame_of(
            (opaque(0..200), vec(claimed, 0..5))
                .prop_map(|(manifest, packages)| Claimed { manifest, packages }),
        ),
        frame_of((vec(entry(), 0..5), number(), number(), number()).prop_map(
            |(entries, last, base, kept)| Page {
                entries,
                last,
                base,
                kept,
            },
        )),
    ]
}

fn pushes() -> Vec<BoxedStrategy<Frame>> {
    vec![
        frame_of(
            (stream(), vec(entry(), 0..5))
                .prop_map(|(stream, entries)| Entries { stream, entries }),
        ),
        frame_of(
            (conversation(), number())
                .prop_map(|(conversation, seq)| Delivered { conversation, seq }),
        ),
        frame_of((account(), any::<bool>(), of(number())).prop_map(
            |(account, connected, last_seen)| Presence {
                account,
                connected,
                last_seen,
            },
        )),
        frame_of(
            (conversation(), device(), opaque(0..80), any::<bool>()).prop_map(
                |(conversation, sender, bytes, keep)| SignalPush {
                    conversation,
                    sender,
                    bytes,
                    keep,
                },
            ),
        ),
        frame_of((error(), of(number())).prop_map(|(code, retry_after)| Bye { code, retry_after })),
    ]
}

/// Any frame with any id.
pub fn frame() -> impl Strategy<Value = (u32, Frame)> {
    let kinds = [
        handshake(),
        requests(),
        account_requests(),
        replies(),
        account_replies(),
        pushes(),
    ]
    .concat();
    (any::<u32>(), proptest::strategy::Union::new(kinds))
}

/// Any address in its one spelling.
pub fn address() -> impl Strategy<Value = Address> {
    let host = prop_oneof![
        "[a-z][a-z0-9]{0,8}(\\.[a-z][a-z0-9-]{0,6}[a-z]){0,2}",
        any::<[u8; 4]>().prop_map(|bytes| std::net::Ipv4Addr::from(bytes).to_string()),
        any::<u128>().prop_map(|bits| format!("[{}]", std::net::Ipv6Addr::from(bits))),
    ];
    (host, of(1_u16..)).prop_map(|(host, port)| {
        let port = port.map(|port| format!(":{port}")).unwrap_or_default();
        format!("{host}{port}").parse().unwrap()
    })
}

/// Any link that is short enough.
pub fn link() -> impl Strategy<Value = Link> {
    let secret = any::<[u8; 16]>().prop_map(LinkSecret::new);
    (
        any::<bool>(),
        vec(address(), 1..=2),
        relay(),
        secret,
        of(account()),
    )
        .prop_filter_map(
            "a contact card names its issuer",
            |(invite, addresses, relay, secret, issuer)| {
                let kind = if invite {
                    LinkKind::Invite
                } else {
                    LinkKind::Contact
                };
                let link = Link {
                    kind,
                    addresses,
                    relay,
                    secret,
                    issuer,
                };
                let short = link.to_https().len() <= protocol::bounds::LINK;
                (short && (invite || link.issuer.is_some())).then_some(link)
            },
        )
}
