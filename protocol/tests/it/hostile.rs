//! Bytes from a hostile network: nothing panics, and what is accepted has one encoding.

use proptest::{collection::vec, prelude::any, proptest, sample::Index};
use protocol::encode_frame;

use crate::{fuzz_targets, strategies::frame};

proptest! {
    #[test]
    fn garbage_never_panics(bytes in vec(any::<u8>(), 0..600)) {
        fuzz_targets::frame(&bytes);
        fuzz_targets::strict(&bytes);
        fuzz_targets::identity(&bytes);
        fuzz_targets::link(&bytes);
    }

    #[test]
    fn a_frame_with_any_bit_changed_never_panics((id, frame) in frame(), bit in any::<Index>()) {
        let mut bytes = encode_frame(id, &frame);
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        fuzz_targets::frame(&bytes);
    }

    #[test]
    fn a_frame_that_was_cut_off_is_refused((id, frame) in frame(), len in any::<Index>()) {
        let bytes = encode_frame(id, &frame);
        let len = len.index(bytes.len());
        assert!(protocol::decode_frame(&bytes[..len]).is_err());
    }

    #[test]
    fn bytes_after_a_frame_are_refused((id, frame) in frame(), more in vec(any::<u8>(), 1..9)) {
        let bytes = [encode_frame(id, &frame), more].concat();
        assert_eq!(protocol::decode_frame(&bytes), Err(protocol::DecodeError::TrailingBytes));
    }

    #[test]
    fn bytes_put_into_a_frame_never_panic((id, frame) in frame(), at in any::<Index>(), more in vec(any::<u8>(), 1..9)) {
        let mut bytes = encode_frame(id, &frame);
        let at = at.index(bytes.len());
        bytes.splice(at..at, more);
        fuzz_targets::frame(&bytes);
    }
}
