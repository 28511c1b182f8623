//! The folder that holds what must not be lost.

use std::os::unix::fs::DirBuilderExt;

use crate::{Settings, SettingsError};

impl Settings {
    /// Makes the data folder (0700) where it is not there. Other files may
    /// lie in it.
    ///
    /// # Errors
    /// [`SettingsError`] where it can't be made, or is no folder.
    pub fn prepare_data_dir(&self) -> Result<(), SettingsError> {
        let shown = self.data_dir.display();
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.data_dir)
            .map_err(|error| {
                SettingsError::new(format!("data folder {shown}: can't be made: {error}"))
            })
    }
}
