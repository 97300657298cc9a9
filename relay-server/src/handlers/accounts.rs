//! What an account says of itself: its manifest, its recovery record, its handle. And how others find it.

use std::sync::Arc;

use protocol::{
    AccountId, AccountManifest, Conversations, Done, ErrorCode, FetchManifest, FindAccount, Found,
    Frame, ListConversations, PublishManifest, Refusal, SetHandle, Signature, StoreRecord,
    identity,
};

use super::Answer;
use crate::{
    manifests::{self, Follows},
    node::Node,
    session::Session,
    store::{NewRecord, call},
};

pub(super) async fn publish_manifest(
    node: &Arc<Node>,
    session: &Session,
    publish: PublishManifest,
) -> Answer {
    let identity = session.identity;
    let bytes = publish.manifest.0;
    let opened = manifests::open(node, bytes.clone()).await?;
    // a device that wants out leaves it to another one: it could not be told
    if opened.revoked.contains(&identity.device) {
        return Err(Refusal::new(ErrorCode::BadIdentity));
    }
    let manifest = (&opened, bytes);
    manifests::adopt(node, identity.account, manifest, Follows::Directly).await?;
    Ok(Frame::from(Done {}))
}

pub(super) async fn fetch_manifest(
    node: &Node,
    session: &Session,
    fetch: &FetchManifest,
) -> Answer {
    let manifest = node
        .store
        .manifest_for(session.identity, fetch.account)
        .await?;
    let manifest = manifest.ok_or(Refusal::new(ErrorCode::NotFound))?.into();
    Ok(Frame::from(AccountManifest { manifest }))
}

pub(super) async fn store_record(node: &Node, session: &Session, store: StoreRecord) -> Answer {
    if let Some(signature) = &store.signature {
        let message = identity::record_message(
            node.relay_id,
            session.identity.account,
            &store.record,
            &store.bytes.0,
        );
        signed_by_account(node, session.identity.account, &message, signature).await?;
    }
    let request = NewRecord {
        caller: session.identity,
        record: store.record.stored_hash(),
        signed: store.signature.is_some(),
        bytes: store.bytes.0,
    };
    call(|done| node.store.store_record(request, done)).await?;
    crate::KillPoint::RecordedBeforeAnswer.reach();
    Ok(Frame::from(Done {}))
}

/// Checks a signature by an account's root key, which its manifest names.
async fn signed_by_account(
    node: &Node,
    account: AccountId,
    message: &[u8],
    signature: &Signature,
) -> Result<(), Refusal> {
    let refused = || Refusal::new(ErrorCode::BadIdentity);
    let held = node.store.manifest(account).await?.ok_or_else(refused)?;
    let manifest = manifests::open(node, held.into()).await?;
    identity::verify(&manifest.root_key, message, signature).map_err(|_| refused())
}

pub(super) async fn set_handle(node: &Node, session: &Session, set: SetHandle) -> Answer {
    // that a handle is taken tells as much as a look-up
    node.limits.lookup(session.identity.account)?;
    call(|done| node.store.set_handle(session.identity, set.handle, done)).await?;
    Ok(Frame::from(Done {}))
}

pub(super) async fn find(node: &Node, session: &Session, find: FindAccount) -> Answer {
    node.limits.lookup(session.identity.account)?;
    let account = node.store.find(session.identity, find.handle).await?;
    let account = account.ok_or(Refusal::new(ErrorCode::NotFound))?;
    Ok(Frame::from(Found { account }))
}

pub(super) async fn list_conversations(
    node: &Node,
    session: &Session,
    list: &ListConversations,
) -> Answer {
    let account = session.identity.account_row;
    let (conversations, more) = node.store.conversations(account, list.after).await?;
    Ok(Frame::from(Conversations {
        conversations,
        more,
    }))
}
