//! Each check of a commit has one that it refuses.

use openmls::prelude::{Extensions, LeafNodeIndex};
use protocol::{Commit, ConversationId, CreateConversation, ErrorCode, Opaque, RelayId};

use crate::{
    client::package,
    people::{Group, Person, client_id, direct, draw},
    relay::{Pair, TestRelay},
};

async fn refused(pair: &mut Pair, commit: Commit, case: &str) {
    let refusal = pair.bo_client.commit(commit).await.expect_err(case);
    assert_eq!(refusal.code, ErrorCode::InvalidCommit, "{case}");
}

#[tokio::test]
async fn a_commit_that_does_not_hold_is_refused_and_the_group_goes_on() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let built = pair.bo_group.build(pair.bo.device(), &[], &[]);
    let good = pair.bo_group.request(&built);

    let mut garbled = good.commit.0.to_vec();
    let middle = garbled.len() / 2;
    garbled[middle] ^= 1;
    refused(
        &mut pair,
        Commit {
            commit: garbled.into(),
            ..good.clone()
        },
        "a tampered commit",
    )
    .await;
    refused(
        &mut pair,
        Commit {
            commit: vec![1, 2, 3].into(),
            ..good.clone()
        },
        "no commit at all",
    )
    .await;
    let welcome = protocol::Welcome {
        device: pair.ana.device().id,
        bytes: vec![1].into(),
    };
    refused(
        &mut pair,
        Commit {
            welcomes: vec![welcome],
            ..good.clone()
        },
        "a welcome for nobody",
    )
    .await;
    refused(
        &mut pair,
        Commit {
            group_info: Opaque::default(),
            ..good.clone()
        },
        "no group info",
    )
    .await;

    // of the other member, and signed by it
    let ana_built = pair.ana_group.build(pair.ana.device(), &[], &[]);
    let of_ana = Commit {
        commit: ana_built.commit.clone(),
        group_info: ana_built.group_info.clone(),
        ..good.clone()
    };
    refused(&mut pair, of_ana, "a commit of another device").await;
    let mixed = Commit {
        group_info: ana_built.group_info,
        ..good.clone()
    };
    refused(&mut pair, mixed, "group info of another commit").await;

    pair.bo_client
        .commit(good)
        .await
        .expect("the good one still holds");
}

#[tokio::test]
async fn only_registered_devices_of_the_two_may_come_in_each_with_its_own_welcome() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let (third, _third_client) = relay.person().await;
    let unregistered = Person::new(relay.id, 1);
    let foreign = Person::new(RelayId::new([9; 32]), 1);
    for (case, person) in [
        ("a third account", &third),
        ("an unregistered device", &unregistered),
        ("of another relay", &foreign),
    ] {
        let built = pair
            .bo_group
            .build(pair.bo.device(), &[package(person.device())], &[]);
        let request = pair.bo_group.request(&built);
        refused(&mut pair, request, case).await;
        pair.bo_group.clear(pair.bo.device());
    }
}

#[tokio::test]
async fn welcomes_must_match_the_devices_that_are_added() {
    let relay = TestRelay::start().await;
    let ana = Person::new(relay.id, 3);
    let mut ana_client = relay.register(&ana, relay.invite(1)).await;
    let (bo, mut bo_client) = relay.person().await;
    let token = ana_client.contact_link(5).await;
    let packages: Vec<_> = ana.devices.iter().map(package).collect();
    let (_, good) = direct(bo.device(), ana.account, Some(token), &packages);

    let mut missing = good.clone();
    missing.welcomes.pop();
    let mut twice = good.clone();
    twice.welcomes[2] = twice.welcomes[1].clone();
    let mut swapped = good.clone();
    swapped.welcomes[0].device = good.welcomes[1].device;
    swapped.welcomes[1].device = good.welcomes[0].device;
    for (case, request) in [("missing", missing), ("twice", twice), ("swapped", swapped)] {
        assert_eq!(
            bo_client.create(request).await.expect_err(case).code,
            ErrorCode::InvalidCommit,
            "{case}"
        );
    }

    // one welcome with everybody's secrets
    let conversation = ConversationId::new(draw());
    let (mut group, founding) = Group::found(bo.device(), conversation);
    let built = group.build(bo.device(), &packages, &[]);
    let whole = built.whole_welcome.clone().expect("a welcome");
    let welcomes = ana
        .devices
        .iter()
        .map(|device| protocol::Welcome {
            device: device.id,
            bytes: whole.clone(),
        })
        .collect();
    let unsplit = CreateConversation {
        conversation,
        founding,
        client_id: client_id(),
        commit: built.commit,
        welcomes,
        group_info: built.group_info,
        ..good.clone()
    };
    assert_eq!(
        bo_client.create(unsplit).await.expect_err("unsplit").code,
        ErrorCode::InvalidCommit
    );
    bo_client.create(good).await.expect("the good one holds");
}

#[tokio::test]
async fn a_founding_must_be_of_this_conversation_this_device_and_our_profile() {
    let relay = TestRelay::start().await;
    let (ana, mut ana_client) = relay.person().await;
    let (bo, mut bo_client) = relay.person().await;
    let (cy, _cy_client) = relay.person().await;
    let token = ana_client.contact_link(5).await;
    let packages = [package(ana.device())];
    let (_, good) = direct(bo.device(), ana.account, Some(token), &packages);
    let (_, of_cy) = direct(cy.device(), ana.account, Some(token), &packages);
    let bare = ConversationId::new(draw());
    let (mut group, founding) = Group::found_with(bo.device(), bare, 0, Extensions::empty());
    let built = group.build(bo.device(), &packages, &[]);
    let without_requirements = CreateConversation {
        conversation: bare,
        founding,
        commit: built.commit,
        welcomes: built.welcomes,
        group_info: built.group_info,
        client_id: client_id(),
        ..good.clone()
    };
    let alone = ConversationId::new(draw());
    let (mut group, founding) = Group::found(bo.device(), alone);
    let built = group.build(bo.device(), &[], &[]);
    let without_peer = CreateConversation {
        conversation: alone,
        founding,
        commit: built.commit,
        welcomes: Vec::new(),
        group_info: built.group_info,
        client_id: client_id(),
        ..good.clone()
    };
    let cases = [
        (
            "another conversation",
            CreateConversation {
                conversation: ConversationId::new(draw()),
                ..good.clone()
            },
        ),
        ("another device", of_cy),
        (
            "another founding",
            CreateConversation {
                founding: vec![0; 40].into(),
                ..good.clone()
            },
        ),
        ("no requirements", without_requirements),
        ("nobody else in it", without_peer),
    ];
    for (case, request) in cases {
        assert_eq!(
            bo_client.create(request).await.expect_err(case).code,
            ErrorCode::InvalidCommit,
            "{case}"
        );
    }
    bo_client.create(good).await.expect("the good one holds");
}

#[tokio::test]
async fn nobody_throws_the_other_out_of_a_direct_conversation() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let built = pair
        .bo_group
        .build(pair.bo.device(), &[], &[pair.ana.device().id]);
    let request = pair.bo_group.request(&built);
    refused(&mut pair, request, "removes the other").await;
    assert_eq!(pair.bo_group.mls.own_leaf_index(), LeafNodeIndex::new(0));
}

#[tokio::test]
async fn members_follow_each_others_commits() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let stream = pair.stream();
    let built = pair.bo_group.build(pair.bo.device(), &[], &[]);
    pair.bo_client
        .commit(pair.bo_group.request(&built))
        .await
        .expect("commits");
    pair.bo_group.merge(pair.bo.device());
    let entry = pair.ana_client.entries(stream, 1).await.remove(0);
    assert_eq!((entry.kind, entry.epoch), (protocol::EntryKind::Commit, 1));
    pair.ana_group.process(pair.ana.device(), &entry.bytes);
    let built = pair.ana_group.build(pair.ana.device(), &[], &[]);
    pair.ana_client
        .commit(pair.ana_group.request(&built))
        .await
        .expect("commits on top");
}
