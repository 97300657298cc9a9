//! The program around the window: what Tauri is told to do.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rfd::AsyncFileDialog;
use tauri::{
    AppHandle, Manager as _, RunEvent, Runtime, Theme, Url, WebviewUrl, WebviewWindow,
    WebviewWindowBuilder, async_runtime, utils::config::Color, webview::NewWindowResponse,
};
use tracing::warn;

use crate::{
    arguments::{self, Arguments},
    dto::{self, Settings},
    idle, ipc,
    keyring::SystemKeyring,
    paths,
    settings::SettingsFile,
    state::{Answer, Program, Shell},
};

/// Also in capabilities/main.json.
const WINDOW: &str = "main";
const SIZE: (f64, f64) = (1100.0, 720.0);
const SMALLEST: (f64, f64) = (420.0, 480.0);
/// `--color-surface` of the page, so that nothing flashes before it is drawn.
const SURFACE_LIGHT: Color = Color(0xfa, 0xf9, 0xf7, 0xff);
const SURFACE_DARK: Color = Color(0x1b, 0x19, 0x17, 0xff);
/// Closing a database takes no longer; what was accepted is on the disk anyway.
const STOPPING: Duration = Duration::from_secs(5);

/// Runs until the window is closed.
pub(crate) fn run(arguments: Arguments, folder: PathBuf) -> tauri::Result<()> {
    let Arguments { profile, link } = arguments;
    let mut builder = tauri::Builder::default();
    if profile.is_none() {
        // profiles of their own run side by side; the usual one has one window
        builder = builder.plugin(tauri_plugin_single_instance::init(
            |app, arguments, _folder| {
                let link = arguments
                    .iter()
                    .skip(1)
                    .find_map(|text| arguments::link(text));
                come_forward(app, link);
            },
        ));
    }
    let app = builder
        .invoke_handler(tauri::generate_handler![ipc::call, ipc::subscribe])
        .setup(move |app| {
            let settings = Arc::new(SettingsFile::load(&folder));
            let theme = settings.current().theme;
            let runtime = async_runtime::handle().inner().clone();
            let data = paths::webview(&folder);
            let shell = Shell::new(
                folder,
                settings,
                runtime,
                SystemKeyring,
                Desktop {
                    app: app.handle().clone(),
                    system: Arc::default(),
                },
            );
            if let Some(link) = link {
                shell.bridge().open_link(link);
            }
            app.manage(shell);
            open_window(app.handle(), theme, data)?;
            Ok(())
        })
        .build(tauri::generate_context!())?;
    app.run(|app, event| match event {
        RunEvent::Exit => {
            let shell = app.state::<Shell>();
            let stopped = async_runtime::block_on(async {
                tokio::time::timeout(STOPPING, shell.stop()).await
            });
            if stopped.is_err() {
                warn!("the account did not stop in time");
            }
        }
        #[cfg(target_os = "macos")]
        RunEvent::Opened { urls } => come_forward(
            app,
            urls.iter().find_map(|url| arguments::link(url.as_str())),
        ),
        _ => {}
    });
    Ok(())
}

/// The program, as the account sees it.
struct Desktop<R: Runtime> {
    app: AppHandle<R>,
    system: Arc<idle::System>,
}

impl<R: Runtime> Program for Desktop<R> {
    fn settings_changed(&self, settings: Settings) {
        dress(&self.app, settings);
    }

    fn restart(&self) {
        self.app.request_restart();
    }

    fn pick_folder(&self) -> Answer<Option<PathBuf>> {
        let dialog = AsyncFileDialog::new();
        // a desktop portal has its own idea of whose dialog it is
        #[cfg(any(windows, target_os = "macos"))]
        let dialog = match self.app.get_webview_window(WINDOW) {
            Some(window) => dialog.set_parent(&window),
            None => dialog,
        };
        let folder = dialog.pick_folder();
        Box::pin(async move { folder.await.map(|folder| folder.path().to_owned()) })
    }

    fn idle_time(&self) -> Answer<Option<Duration>> {
        let system = Arc::clone(&self.system);
        Box::pin(async move { system.idle_time().await })
    }

    fn open_folder(&self, folder: &Path) -> io::Result<()> {
        open::that_detached(folder)
    }
}

fn open_window<R: Runtime>(
    app: &AppHandle<R>,
    theme: dto::Theme,
    data: Option<PathBuf>,
) -> tauri::Result<()> {
    let builder = WebviewWindowBuilder::new(app, WINDOW, WebviewUrl::default())
        .title("Relevo")
        .inner_size(SIZE.0, SIZE.1)
        .min_inner_size(SMALLEST.0, SMALLEST.1)
        .theme(fixed_theme(theme))
        .visible(false)
        // the page takes pictures that are dropped on it
        .disable_drag_drop_handler()
        .on_navigation(is_own_page)
        .on_new_window(|_, _| NewWindowResponse::Deny);
    // without a folder there is still a window, which says what is wrong with the profile
    let window = match data {
        Some(data) => builder.data_directory(data),
        None => builder.incognito(true),
    }
    .build()?;
    paint(&window);
    window.show()
}

/// The page is the only one that this window ever shows.
fn is_own_page(url: &Url) -> bool {
    let development = tauri::is_dev() && url.host_str() == Some("127.0.0.1");
    development
        || match url.scheme() {
            "tauri" => url.host_str() == Some("localhost"),
            // how Windows writes it
            "http" | "https" => url.host_str() == Some("tauri.localhost"),
            _ => false,
        }
}

/// The settings changed: the frame of the window follows.
fn dress<R: Runtime>(app: &AppHandle<R>, settings: Settings) {
    if let Some(window) = app.get_webview_window(WINDOW) {
        if let Err(error) = window.set_theme(fixed_theme(settings.theme)) {
            warn!(%error, "the window keeps its theme");
        }
        paint(&window);
    }
}

/// Colours what is behind the page like the page.
fn paint<R: Runtime>(window: &WebviewWindow<R>) {
    let color = match window.theme() {
        Ok(Theme::Dark) => SURFACE_DARK,
        _ => SURFACE_LIGHT,
    };
    if let Err(error) = window.set_background_color(Some(color)) {
        warn!(%error, "the window keeps its colour");
    }
}

const fn fixed_theme(theme: dto::Theme) -> Option<Theme> {
    match theme {
        dto::Theme::System => None,
        dto::Theme::Light => Some(Theme::Light),
        dto::Theme::Dark => Some(Theme::Dark),
    }
}

/// The person started the program again, or clicked a link.
fn come_forward<R: Runtime>(app: &AppHandle<R>, link: Option<String>) {
    if let (Some(link), Some(shell)) = (link, app.try_state::<Shell>()) {
        shell.bridge().open_link(link);
    }
    if let Some(window) = app.get_webview_window(WINDOW) {
        let shown = window
            .unminimize()
            .and_then(|()| window.show())
            .and_then(|()| window.set_focus());
        if let Err(error) = shown {
            warn!(%error, "the window stays where it is");
        }
    }
}
