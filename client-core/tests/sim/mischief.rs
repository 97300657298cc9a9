//! What no network does, and a client must come through: pushes that are lost within a connection, or come twice.

use client_core::seams::NetworkEvent;
use protocol::{EntryKind, Frame, decode_frame, encode_frame};

use crate::{account::Account, schedule::PushFault};

/// What becomes of something that arrives.
pub(crate) enum Befallen {
    Arrives(NetworkEvent),
    Twice(NetworkEvent),
    Lost,
}

/// Lets happen to a push what is planned for the account.
pub(crate) fn befall(account: &mut Account, event: NetworkEvent) -> Befallen {
    let Some((fault, left)) = account.mischief.filter(|(_, left)| *left > 0) else {
        return Befallen::Arrives(event);
    };
    let NetworkEvent::Received(connection, bytes) = &event else {
        return Befallen::Arrives(event);
    };
    let Ok((id, Frame::Entries(mut push))) = decode_frame(bytes) else {
        return Befallen::Arrives(event);
    };
    let befallen = match fault {
        PushFault::Lost => Befallen::Lost,
        PushFault::Twice => Befallen::Twice(event),
        PushFault::Swapped => {
            // the positions stay, so that nothing looks amiss but what is in them
            let sealed = |kind: EntryKind| kind == EntryKind::Application;
            let swapped = (1..push.entries.len()).find(|index| {
                let (one, other) = (&push.entries[index - 1], &push.entries[*index]);
                sealed(one.kind) && sealed(other.kind) && one.sender == other.sender
            });
            let Some(index) = swapped else {
                return Befallen::Arrives(event);
            };
            push.entries.swap(index - 1, index);
            let (one, other) = (push.entries[index - 1].seq, push.entries[index].seq);
            (push.entries[index - 1].seq, push.entries[index].seq) = (other, one);
            let bytes = encode_frame(id, &push.into()).into();
            Befallen::Arrives(NetworkEvent::Received(*connection, bytes))
        }
    };
    account.mischief = Some((fault, left - 1));
    befallen
}
