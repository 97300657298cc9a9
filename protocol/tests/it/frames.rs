//! Properties of all frames: what one side writes, the other reads, and there is one way to write it.

use proptest::{
    collection::vec, prelude::any, prop_assert, prop_assert_eq, proptest, sample::Index,
};
use protocol::{
    Append, DecodeError, Entries, ErrorCode, FRAME_NAMES, Frame, NewEntry, Opaque, Refusal, Signal,
    StreamId, bounds, check_deterministic, decode_frame, encode_frame,
};

use crate::{
    sample_frames::frames,
    samples::{client_id, conversation},
    strategies::frame,
    tree::{Form, Node},
};

proptest! {
    #[test]
    fn a_frame_decodes_to_what_was_encoded((id, frame) in frame()) {
        let bytes = encode_frame(id, &frame);
        prop_assert_eq!(check_deterministic(&bytes), Ok(()));
        prop_assert_eq!(&encode_frame(id, &frame), &bytes);
        prop_assert_eq!(decode_frame(&bytes), Ok((id, frame)));
    }

    #[test]
    fn another_form_of_any_item_is_refused((id, frame) in frame(), item in any::<Index>(), form in any::<bool>()) {
        let bytes = encode_frame(id, &frame);
        let tree = Node::read(&bytes);
        prop_assert_eq!(&tree.write(), &bytes);
        let form = if form { Form::Longer } else { Form::Indefinite };
        let other = tree.write_with(item.index(tree.count()), form);
        if other != bytes {
            prop_assert_eq!(decode_frame(&other), Err(DecodeError::NotDeterministic));
        }
    }

    #[test]
    fn keys_out_of_order_are_refused((id, frame) in frame(), map in any::<Index>(), key in any::<Index>()) {
        let mut tree = Node::read(&encode_frame(id, &frame));
        let count = tree.count_maps();
        let fields = tree.map(map.index(count)).unwrap();
        if fields.len() > 1 {
            let key = key.index(fields.len() - 1);
            fields.swap(key, key + 1);
            prop_assert_eq!(decode_frame(&tree.write()), Err(DecodeError::NotDeterministic));
        }
    }

    #[test]
    fn repeated_keys_are_refused((id, frame) in frame(), map in any::<Index>(), key in any::<Index>()) {
        let mut tree = Node::read(&encode_frame(id, &frame));
        let count = tree.count_maps();
        let fields = tree.map(map.index(count)).unwrap();
        if !fields.is_empty() {
            let key = key.index(fields.len());
            let field = fields[key].clone();
            fields.insert(key, field);
            prop_assert_eq!(decode_frame(&tree.write()), Err(DecodeError::NotDeterministic));
        }
    }

    #[test]
    fn fields_that_are_not_known_are_ignored((id, frame) in frame(), map in any::<Index>(), key in 100_u64.., value in vec(any::<u8>(), 0..9)) {
        let bytes = encode_frame(id, &frame);
        let mut tree = Node::read(&bytes);
        let count = tree.count_maps();
        let key = Node::Plain(0, key >> 1);
        tree.map(map.index(count)).unwrap().push((key, Node::Array(vec![Node::Bytes(2, value)])));
        let longer = tree.write();
        prop_assert!(longer.len() > bytes.len());
        prop_assert_eq!(decode_frame(&longer), Ok((id, frame)));
    }

    #[test]
    fn a_missing_field_is_refused_or_optional((id, frame) in frame(), map in any::<Index>(), key in any::<Index>()) {
        let mut tree = Node::read(&encode_frame(id, &frame));
        let count = tree.count_maps();
        let fields = tree.map(map.index(count)).unwrap();
        if !fields.is_empty() {
            fields.remove(key.index(fields.len()));
            let less = tree.write();
            match decode_frame(&less) {
                Ok((id, frame)) => prop_assert_eq!(encode_frame(id, &frame), less),
                Err(error) => prop_assert_eq!(error, DecodeError::WrongShape),
            }
        }
    }

    #[test]
    fn null_stands_for_the_inbox_and_for_nothing_else((id, frame) in frame(), map in any::<Index>(), key in any::<Index>()) {
        let mut tree = Node::read(&encode_frame(id, &frame));
        let count = tree.count_maps();
        let fields = tree.map(map.index(count)).unwrap();
        if !fields.is_empty() {
            let key = key.index(fields.len());
            fields[key].1 = Node::Plain(7, 22);
            let nulled = tree.write();
            match decode_frame(&nulled) {
                Ok((id, frame)) => prop_assert_eq!(encode_frame(id, &frame), nulled),
                Err(error) => prop_assert_eq!(error, DecodeError::WrongShape),
            }
        }
    }

    #[test]
    fn unknown_types_are_reported_with_their_id(id in any::<u32>(), frame_type in any::<u16>()) {
        if FRAME_NAMES.iter().all(|(number, _)| *number != frame_type) {
            let frame = Node::Array(vec![
                Node::Plain(0, frame_type.into()),
                Node::Plain(0, id.into()),
                Node::Map(vec![(Node::Plain(0, 0), Node::Bytes(3, b"new".to_vec()))]),
            ]);
            prop_assert_eq!(decode_frame(&frame.write()), Err(DecodeError::UnknownType { frame_type, id }));
        }
    }

    #[test]
    fn error_codes_keep_their_number(number in any::<u16>()) {
        prop_assert_eq!(ErrorCode::from_number(number).number(), number);
    }
}

#[test]
fn numbers_and_names_of_frames_are_unique() {
    for (position, (number, name)) in FRAME_NAMES.iter().enumerate() {
        let rest = &FRAME_NAMES[position + 1..];
        assert!(
            rest.iter()
                .all(|(other, label)| other > number && label != name),
            "{name}"
        );
    }
}

#[test]
fn numbers_of_error_codes_are_unique() {
    for (position, code) in ErrorCode::ALL.iter().enumerate() {
        let rest = &ErrorCode::ALL[position + 1..];
        assert!(
            rest.iter().all(|other| other.number() > code.number()),
            "{code:?}"
        );
        assert_eq!(ErrorCode::from_number(code.number()), *code);
    }
}

fn append(entries: Vec<NewEntry>) -> Frame {
    Append {
        conversation: conversation(),
        incarnation: 0,
        epoch: 0,
        entries,
    }
    .into()
}

fn new_entry(len: usize) -> NewEntry {
    NewEntry {
        client_id: client_id(1),
        bytes: vec![0; len].into(),
    }
}

#[test]
fn a_frame_over_64_kib_is_refused_unread() {
    let entries = vec![
        new_entry(bounds::ENTRY),
        new_entry(bounds::FRAME - bounds::ENTRY),
    ];
    let bytes = encode_frame(1, &append(entries));
    assert!(bytes.len() > bounds::FRAME);
    assert_eq!(decode_frame(&bytes), Err(DecodeError::TooLarge));
    assert_eq!(
        decode_frame(&[0xff; bounds::FRAME + 1]),
        Err(DecodeError::TooLarge)
    );
}

#[test]
fn the_largest_entry_fits_the_frames_that_carry_it() {
    let appended = encode_frame(u32::MAX, &append(vec![new_entry(bounds::ENTRY)]));
    assert!(decode_frame(&appended).is_ok());
    let pushed = frames().into_iter().find_map(|(_, frame)| match frame {
        Frame::Entries(push) => Some(push),
        _ => None,
    });
    let mut entry = pushed.unwrap().entries.remove(0);
    entry.bytes = Opaque::from(vec![0; bounds::ENTRY]);
    (entry.seq, entry.epoch, entry.time, entry.incarnation) =
        (u64::MAX, u64::MAX, u64::MAX, u32::MAX);
    let stream = StreamId::Conversation(conversation());
    let push = Entries {
        stream,
        entries: vec![entry.clone()],
    }
    .into();
    assert!(decode_frame(&encode_frame(u32::MAX, &push)).is_ok());
    entry.bytes = Opaque::from(vec![0; bounds::ENTRY + 1]);
    let push = Entries {
        stream,
        entries: vec![entry],
    }
    .into();
    assert_eq!(
        decode_frame(&encode_frame(0, &push)),
        Err(DecodeError::WrongShape)
    );
}

#[test]
fn counts_and_sizes_beyond_their_bounds_are_refused() {
    for entries in [
        Vec::new(),
        vec![new_entry(0)],
        vec![new_entry(bounds::ENTRY + 1)],
        vec![new_entry(1); bounds::BATCH + 1],
    ] {
        let bytes = encode_frame(1, &append(entries));
        assert_eq!(decode_frame(&bytes), Err(DecodeError::WrongShape));
    }
    for (_, mut frame) in frames() {
        let over = match &mut frame {
            Frame::Hello(hello) => {
                hello.versions = vec![1; bounds::VERSIONS + 1];
                true
            }
            Frame::Register(register) => {
                register.manifest = vec![0; bounds::MANIFEST + 1].into();
                true
            }
            Frame::Ready(ready) => {
                ready.news = vec![ready.news[0].clone(); bounds::NEWS + 1];
                true
            }
            Frame::Commit(commit) => {
                commit.welcomes[0].bytes = vec![0; bounds::ENTRY + 1].into();
                true
            }
            Frame::CreateConversation(create) => {
                create.welcomes = vec![create.welcomes[0].clone(); bounds::WELCOMES + 1];
                true
            }
            Frame::PublishKeyPackages(publish) => {
                publish.packages = vec![Opaque::default(); bounds::KEY_PACKAGES + 1];
                true
            }
            Frame::Claimed(claimed) => {
                claimed.packages[0].bytes = vec![0; bounds::KEY_PACKAGE + 1].into();
                true
            }
            Frame::Appended(appended) => {
                appended.times.pop();
                true
            }
            Frame::Signal(Signal { bytes, keep, .. }) => {
                assert!(*keep, "the smaller bound is that of what is kept");
                *bytes = vec![0; bounds::KEPT_SIGNAL + 1].into();
                true
            }
            Frame::SignalPush(signal) => {
                signal.keep = false;
                signal.bytes = vec![0; bounds::SIGNAL + 1].into();
                true
            }
            Frame::Enroll(enroll) => {
                enroll.manifest = vec![0; bounds::MANIFEST + 1].into();
                true
            }
            Frame::Recovered(recovered) => {
                recovered.bytes = vec![0; bounds::RECORD + 1].into();
                true
            }
            Frame::PublishManifest(publish) => {
                publish.manifest = vec![0; bounds::MANIFEST + 1].into();
                true
            }
            Frame::AccountManifest(account) => {
                account.manifest = vec![0; bounds::MANIFEST + 1].into();
                true
            }
            Frame::StoreRecord(store) => {
                store.bytes = Opaque::default();
                true
            }
            Frame::SetHandle(set) => {
                set.handle = Some("Ana".to_owned());
                true
            }
            Frame::FindAccount(find) => {
                find.handle = "a".to_owned();
                true
            }
            Frame::Blocks(blocks) => {
                blocks.accounts = vec![blocks.accounts[0]; bounds::BLOCKS + 1];
                true
            }
            Frame::Conversations(conversations) => {
                let one = conversations.conversations[0].clone();
                conversations.conversations = vec![one; bounds::CONVERSATIONS + 1];
                true
            }
            _ => false,
        };
        if over {
            let bytes = encode_frame(1, &frame);
            assert_eq!(
                decode_frame(&bytes),
                Err(DecodeError::WrongShape),
                "{}",
                frame.name()
            );
        }
    }
}

#[test]
fn an_array_that_claims_more_than_it_may_is_refused_before_memory_is_taken() {
    // publish_key_packages with 60,000 empty packages, which would be 32 bytes each in memory
    let mut bytes = vec![0x83, 0x13, 0x01, 0xa2, 0x00, 0x99, 0xea, 0x60];
    bytes.extend_from_slice(&[0x40; 60_000]);
    bytes.extend_from_slice(&[0x02, 0xf4]);
    assert_eq!(decode_frame(&bytes), Err(DecodeError::WrongShape));
}

#[test]
fn a_client_name_that_could_forge_a_log_line_is_refused() {
    for client in ["relevo\n", "rel\u{1b}[2Jevo", "relevö"] {
        let hello = protocol::Hello {
            client: client.to_owned(),
            ..crate::samples::hello()
        };
        let bytes = encode_frame(0, &hello.into());
        assert_eq!(
            decode_frame(&bytes),
            Err(DecodeError::WrongShape),
            "{client:?}"
        );
    }
}

#[test]
fn an_unknown_error_code_is_kept_and_final() {
    let refusal = Refusal::new(ErrorCode::Unknown(999));
    let bytes = encode_frame(1, &refusal.clone().into());
    assert_eq!(decode_frame(&bytes), Ok((1, refusal.into())));
    assert!(!ErrorCode::Unknown(999).retryable());
}

#[test]
fn a_flag_that_is_left_out_where_it_is_false_has_one_form() {
    let frame = Signal {
        conversation: conversation(),
        bytes: Opaque::default(),
        keep: true,
    };
    let bytes = encode_frame(0, &frame.into());
    assert!(decode_frame(&bytes).is_ok());
    let mut tree = Node::read(&bytes);
    let flag = tree.map(0).unwrap().last_mut().unwrap();
    flag.1 = Node::Plain(7, 20);
    assert_eq!(decode_frame(&tree.write()), Err(DecodeError::WrongShape));
}
