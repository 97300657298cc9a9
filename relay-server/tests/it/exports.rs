//! What an operator hands out to a person who asks what the relay knows.

use protocol::SetBlock;
use relay_server::Relay;
use serde_json::Value;

use crate::relay::TestRelay;

fn export(relay: &TestRelay, account: &str) -> anyhow::Result<Value> {
    let text = Relay::open_with(relay.dir.path(), relay.config.clone())?.export(account)?;
    Ok(serde_json::from_str(&text)?)
}

fn count(export: &Value, list: &str) -> usize {
    export[list].as_array().expect("a list").len()
}

#[tokio::test]
async fn an_export_shows_a_person_all_that_the_relay_holds_of_it_and_of_others_sizes_and_times() {
    let relay = TestRelay::start().await;
    let mut pair = relay.pair().await;
    let (ana, bo) = (pair.ana.account.to_hex(), pair.bo.account.to_hex());
    pair.bo_client
        .append(pair.append(&[b"sealed by bo"]))
        .await
        .expect("appends");
    let block = SetBlock {
        account: pair.ana.account,
        blocked: true,
    };
    pair.bo_client.request(block).await;
    let export_of_bo = export(&relay, &bo).expect("exports");
    assert_eq!(export_of_bo["account"], bo.as_str());
    for (list, rows) in [
        ("manifests", 1),
        ("devices", 1),
        ("conversations", 1),
        ("memberships", 1),
        ("sent", 3),
        ("inbox", 0),
        ("blocks", 1),
        ("links", 0),
        ("claims", 1),
    ] {
        assert_eq!(count(&export_of_bo, list), rows, "{list}: {export_of_bo:#}");
    }
    assert_eq!(export_of_bo["conversations"][0]["peer"], ana.as_str());
    assert_eq!(export_of_bo["blocks"][0]["account"], ana.as_str());
    assert_eq!(export_of_bo["sent"][2]["size"], 12);
    let text = export_of_bo.to_string();
    let sealed = data_encoding::HEXLOWER.encode(b"sealed by bo");
    assert!(!text.contains(&sealed), "nor what is sealed for others");

    let export_of_ana = export(&relay, &ana).expect("exports");
    assert_eq!(count(&export_of_ana, "inbox"), 1);
    assert_eq!(count(&export_of_ana, "links"), 1);
    assert_eq!(
        count(&export_of_ana, "blocks"),
        0,
        "those of others are theirs"
    );
    assert!(export(&relay, "nobody").is_err());
}
