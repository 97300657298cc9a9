//! The person's name, in the database and beside the ways in.

use crate::{
    dto::{AppError, Me},
    state::{Shell, blocking},
};

impl Shell {
    /// Changes the person's name. An account that loses its database comes back with it.
    pub(crate) async fn set_name(&self, name: String) -> Result<Me, AppError> {
        let account = self.account()?;
        account.client.set_name(name).await?;
        let me = account.client.me().await?;
        let _changing = self.profile.lock().await;
        blocking(move || account.keeper.keep_identity()).await?;
        Ok(me.into())
    }
}
