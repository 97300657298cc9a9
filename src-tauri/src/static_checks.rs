//! What the shipped configuration allows the page, compared with what it needs.

use serde_json::{Value, json};

fn read(file: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn the_page_may_call_two_commands_and_nothing_of_tauri() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("capabilities");
    assert_eq!(std::fs::read_dir(folder).unwrap().count(), 1);
    let capability = read("capabilities/main.json");
    assert_eq!(capability["windows"], json!(["main"]));
    assert_eq!(
        capability["permissions"],
        json!(["allow-call", "allow-subscribe"])
    );
    for widening in ["remote", "webviews", "local", "platforms"] {
        assert_eq!(capability.get(widening), None);
    }
    assert_eq!(
        read("tauri.conf.json")["app"]["security"]["capabilities"],
        json!(["main"])
    );
}

#[test]
fn the_page_loads_nothing_from_elsewhere_and_runs_no_inline_code() {
    let configuration = read("tauri.conf.json");
    let security = &configuration["app"]["security"];
    let expected = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; \
         connect-src ipc: http://ipc.localhost; frame-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'";
    assert_eq!(security["csp"], expected);
    assert_eq!(security["freezePrototype"], true);
    for loosening in [
        "devCsp",
        "dangerousDisableAssetCspModification",
        "assetProtocol",
        "pattern",
    ] {
        assert_eq!(security.get(loosening), None);
    }
    assert_eq!(configuration["app"].get("withGlobalTauri"), None);
    // windows are made in code, each with the folder of its profile
    assert_eq!(configuration["app"]["windows"], json!([]));
}
