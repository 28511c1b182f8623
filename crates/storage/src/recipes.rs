//! How other systems made the digests of the keys that came from them.

use diesel::prelude::*;
use torvus_domain::Timestamp;
use torvus_key_core::{Hashed, PepperVersion, Recipe, RecipeId, SealedSecret};

use crate::columns::{micros, number, read};
use crate::schema::import_recipes::{self, dsl};
use crate::{Conn, StorageError};

const TABLE: &str = "import_recipes";
const SHA256: &str = "sha256";
const HMAC_SHA256: &str = "hmac-sha256";

/// How many there may be: each one is tried for every text that is no key of
/// ours.
pub const RECIPES_MAX: usize = 16;

/// A recipe whose secret, where it has one, is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedRecipe {
    /// Its number.
    pub id: RecipeId,
    /// Which part of a key is hashed.
    pub hashed: Hashed,
    /// The secret of the HMAC, and the version of the pepper that opens it;
    /// `None` where it is plain SHA-256.
    pub sealed: Option<(PepperVersion, SealedSecret)>,
}

#[derive(Queryable, Insertable)]
#[diesel(table_name = import_recipes, treat_none_as_default_value = false)]
struct Row {
    id: i64,
    algorithm: String,
    part: String,
    sealed: Option<Vec<u8>>,
    pepper_version: Option<i64>,
    created_at: i64,
}

impl Row {
    fn read(self) -> Result<SealedRecipe, StorageError> {
        let none = |what| StorageError::corrupt(TABLE, what);
        let sealed = match (self.algorithm.as_str(), self.sealed, self.pepper_version) {
            (SHA256, None, None) => None,
            (HMAC_SHA256, Some(bytes), Some(version)) => {
                let version = PepperVersion::new(number(TABLE, version)?);
                let version = version.ok_or_else(|| none("a version of 0"))?;
                Some((version, SealedSecret::from_bytes(bytes)))
            }
            _ => return Err(none("the algorithm and the secret don't belong together")),
        };
        Ok(SealedRecipe {
            id: RecipeId::new(number(TABLE, self.id)?).ok_or_else(|| none("a number of 0"))?,
            hashed: read(TABLE, &self.part)?,
            sealed,
        })
    }
}

impl SealedRecipe {
    /// Opens it with what the ring has: `None` where it lacks the pepper.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] where the pepper is there and does not open it.
    pub fn open(self, ring: &torvus_key_core::PepperRing) -> Result<Option<Recipe>, StorageError> {
        let secret = match &self.sealed {
            None => None,
            Some((version, sealed)) => {
                let Some(pepper) = ring.get(*version) else {
                    return Ok(None);
                };
                let opened = sealed.open(self.id, pepper);
                Some(opened.map_err(|error| StorageError::corrupt(TABLE, error))?)
            }
        };
        Ok(Some(Recipe::new(self.id, self.hashed, secret)))
    }
}

/// All of them, the oldest first.
///
/// # Errors
///
/// Those of the database.
pub fn all(c: &mut Conn) -> Result<Vec<SealedRecipe>, StorageError> {
    let rows: Vec<Row> = dsl::import_recipes
        .select(import_recipes::all_columns)
        .order(dsl::id)
        .load(&mut c.0)?;
    rows.into_iter().map(Row::read).collect()
}

/// Adds one.
///
/// # Errors
///
/// [`StorageError::Duplicate`] where its number is taken.
pub fn insert(c: &mut Conn, recipe: &SealedRecipe, at: Timestamp) -> Result<(), StorageError> {
    let sealed = recipe.sealed.as_ref();
    diesel::insert_into(dsl::import_recipes)
        .values(Row {
            id: recipe.id.get().into(),
            algorithm: sealed.map_or(SHA256, |_| HMAC_SHA256).to_owned(),
            part: recipe.hashed.to_string(),
            sealed: sealed.map(|(_, secret)| secret.as_bytes().to_vec()),
            pepper_version: sealed.map(|(version, _)| version.get().into()),
            created_at: micros(at),
        })
        .execute(&mut c.0)?;
    Ok(())
}

/// Puts another encryption of the same secret in the place of the one there is.
///
/// # Errors
///
/// Those of the database.
pub fn reseal(
    c: &mut Conn,
    id: RecipeId,
    version: PepperVersion,
    sealed: &SealedSecret,
) -> Result<(), StorageError> {
    diesel::update(dsl::import_recipes.find(i64::from(id.get())))
        .set((
            dsl::sealed.eq(Some(sealed.as_bytes())),
            dsl::pepper_version.eq(Some(i64::from(version.get()))),
        ))
        .execute(&mut c.0)?;
    Ok(())
}
