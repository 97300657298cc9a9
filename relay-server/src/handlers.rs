//! What a session may ask for: one file per noun. Handlers take a session that has proved who it is.
//!
//! Appends are answered by `delivery` once they are durable, so that a session may have several under way; everything
//! else is carried out one after the other.

mod accounts;
mod blocks;
mod conversations;
mod entries;
mod key_packages;
mod links;
mod presence;
mod signals;

use std::sync::Arc;

use protocol::{ErrorCode, Frame, Refusal};

use crate::{
    node::Node,
    session::{Activity, Session},
};

/// The outcome of a request that is answered at once.
type Answer = Result<Frame, Refusal>;

/// Carries out one frame. An error closes the connection.
pub(crate) async fn dispatch(
    node: &Arc<Node>,
    session: &Arc<Session>,
    id: u32,
    frame: Frame,
) -> Result<(), ErrorCode> {
    let answer = match frame {
        Frame::Ack(ack) => {
            entries::acknowledge(node, session, &ack);
            return Ok(());
        }
        Frame::Signal(signal) => {
            signals::signal(node, session, signal);
            return Ok(());
        }
        // everything else is a request, and a reply would name nothing
        _ if id == 0 => return Err(ErrorCode::BadFrame),
        Frame::Append(append) => {
            entries::append(node, session, id, append);
            return Ok(());
        }
        // these look for a repeat before they look at the rate
        Frame::Commit(commit) => conversations::commit(node, session, commit).await,
        Frame::CreateConversation(create) => conversations::create(node, session, create).await,
        Frame::ClaimKeyPackages(claim) => key_packages::claim(node, session, &claim).await,
        frame => match session.spend(Activity::Request) {
            Ok(()) => request(node, session, frame).await?,
            Err(refusal) => Err(refusal),
        },
    };
    session.send(id, &answer.unwrap_or_else(Frame::from));
    Ok(())
}

async fn request(
    node: &Arc<Node>,
    session: &Arc<Session>,
    frame: Frame,
) -> Result<Answer, ErrorCode> {
    Ok(match frame {
        Frame::PublishKeyPackages(publish) => key_packages::publish(node, session, publish).await,
        Frame::Fetch(fetch) => entries::fetch(node, session, &fetch).await,
        Frame::NewLink(link) => links::new_link(node, session, &link).await,
        Frame::Announce(announce) => presence::announce(node, session, &announce),
        Frame::FetchGroup(fetch) => conversations::fetch_group(node, session, &fetch).await,
        Frame::DeclineRequest(decline) => conversations::decline(node, session, &decline).await,
        Frame::SetBlock(set) => blocks::set(node, session, &set).await,
        Frame::ListBlocks(_) => blocks::list(node, session).await,
        Frame::SetHandle(set) => accounts::set_handle(node, session, set).await,
        Frame::FindAccount(find) => accounts::find(node, session, find).await,
        Frame::EndLink(link) => links::end_link(node, session, &link).await,
        Frame::PublishManifest(publish) => accounts::publish_manifest(node, session, publish).await,
        Frame::FetchManifest(fetch) => accounts::fetch_manifest(node, session, &fetch).await,
        Frame::StoreRecord(store) => accounts::store_record(node, session, store).await,
        Frame::ListConversations(list) => accounts::list_conversations(node, session, &list).await,
        // answered before they come here, or of the handshake, or only ever sent by a relay
        Frame::Append(_)
        | Frame::Commit(_)
        | Frame::CreateConversation(_)
        | Frame::ClaimKeyPackages(_)
        | Frame::Ack(_)
        | Frame::Signal(_)
        | Frame::Hello(_)
        | Frame::Challenge(_)
        | Frame::Prove(_)
        | Frame::Register(_)
        | Frame::Ready(_)
        | Frame::Done(_)
        | Frame::Refusal(_)
        | Frame::Appended(_)
        | Frame::Committed(_)
        | Frame::KeyPackageCount(_)
        | Frame::Claimed(_)
        | Frame::Page(_)
        | Frame::Entries(_)
        | Frame::Delivered(_)
        | Frame::Presence(_)
        | Frame::SignalPush(_)
        | Frame::Bye(_)
        | Frame::Recover(_)
        | Frame::Recovered(_)
        | Frame::Enroll(_)
        | Frame::Blocks(_)
        | Frame::Found(_)
        | Frame::GroupState(_)
        | Frame::AccountManifest(_)
        | Frame::Conversations(_) => return Err(ErrorCode::BadFrame),
    })
}
