//! Compiles the window's configuration and its rights into the binary.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // the list of what the page may call; capabilities/main.json grants it
    let manifest = tauri_build::AppManifest::new().commands(&["call", "subscribe"]);
    tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest))
        .map_err(|error| format!("{error:#}"))?;
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux") {
        // WebKit's libraries ask for `sqlite3_*`: without this they would be given our SQLCipher
        println!("cargo:rustc-link-arg=-Wl,--exclude-libs,ALL");
    }
    Ok(())
}
