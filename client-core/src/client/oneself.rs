//! What somebody beside the client asks of the engine without keeping it alive.

use tokio::sync::{mpsc, oneshot};

use crate::{
    client::{Client, Input},
    model::Me,
};

/// Asks the engine about oneself. Whoever takes notices answers [`crate::Event::MeChanged`] with it.
#[derive(Clone)]
pub struct Oneself(mpsc::WeakSender<Input>);

impl Client {
    /// See [`Oneself`].
    #[must_use]
    pub fn oneself(&self) -> Oneself {
        Oneself(self.inputs.downgrade())
    }
}

impl Oneself {
    /// Oneself; `None` where the engine has stopped.
    ///
    /// The engine may wait until notices are taken: who takes them must go on doing so meanwhile.
    pub async fn ask(&self) -> Option<Me> {
        let (sender, receiver) = oneshot::channel();
        let command = Input::Command(Box::new(move |engine| {
            // whoever asked may be gone
            drop(sender.send(engine.me()));
        }));
        self.0.upgrade()?.send(command).await.ok()?;
        receiver.await.ok()
    }
}
