//! Where people sit: what they know, the ERP as they saw it last, and deeds in the very middle of a run of the hub.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use passerelle_core::Result;
use passerelle_core::emulator::Host;

use super::books::Books;
use super::chance::Chance;
use super::people::People;
use super::world::World;

/// People of both companies, whom the story calls between two runs and the wire between two requests.
#[derive(Debug)]
pub struct Office {
    host: Arc<Host>,
    desk: Mutex<Desk>,
}

#[derive(Debug)]
struct Desk {
    world: World,
    books: Books,
    dice: Chance,
}

impl Office {
    /// An office that knows nothing yet.
    pub fn new(host: Arc<Host>, dice: Chance) -> Self {
        Self { host, desk: Mutex::new(Desk { world: World::default(), books: Books::default(), dice }) }
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at what people know, or changes it.
    pub fn with<T>(&self, look: impl FnOnce(&mut World) -> T) -> T {
        look(&mut self.desk().world)
    }

    /// Reads the ERP's books anew.
    ///
    /// # Errors
    /// What the ERP answers.
    pub async fn read_books(&self) -> Result<()> {
        let books = Books::read(&self.host).await?;
        self.desk().books = books;
        Ok(())
    }

    /// Lets people act.
    ///
    /// # Errors
    /// What a system's screens refuse and should not.
    pub fn act<T>(&self, deed: impl FnOnce(&mut People<'_>) -> Result<T>) -> Result<T> {
        let mut desk = self.desk();
        let Desk { world, books, dice } = &mut *desk;
        deed(&mut People { host: &self.host, books, world, dice })
    }
}
