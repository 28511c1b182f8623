//! `torvus-admin key import`.

mod lines;
mod report;
mod systems;

use std::collections::HashMap;
use std::fs::File;
use std::path::Path;

use clap::ValueEnum as _;
use torvus_key_core::{Hashed, HashingSecret, PepperRing, RecipeId};
use torvus_keyring::import::{self as keyring, ForeignKey, Import, Taken};
use torvus_storage::Store;
use zeroize::Zeroizing;

use self::lines::{Line, Lines};
use self::report::Report;
use self::systems::{Defaults, Described, NoKey};
use crate::cli::import::{Encoding, Format, KeyImport, System};
use crate::context::{Context, id, value};
use crate::failure::Failure;
use crate::progress::Progress;

/// Keys of one transaction: a server that writes too waits no longer than that.
const BATCH: usize = 1_000;

pub(super) fn run(context: &Context, args: &KeyImport) -> Result<(), Failure> {
    let account = id("account", &args.account)?;
    let secret = args
        .hmac_secret_file
        .as_deref()
        .map(|path| read_secret(path, args.hmac_secret_encoding))
        .transpose()?;
    let defaults = Defaults {
        system: args.from,
        environment: args
            .environment
            .as_deref()
            .map(|text| value("--environment", text))
            .transpose()?,
        permissions: args
            .permissions
            .as_deref()
            .map(|text| value("--permissions", text))
            .transpose()?,
        part: args.hashed,
        prefix: args.prefix.clone(),
        keyed: secret.is_some(),
    };
    told_once(&defaults)?;
    let lines = open(args)?;
    known_columns(args.from, lines.columns())?;
    let store = context.store()?;
    let ring = context.peppers(&store)?;
    let work = Work {
        context,
        store: &store,
        ring: &ring,
        secret,
        recipes: HashMap::new(),
        report: Report::new(args.dry_run, context.json),
        import: Import {
            ring: &ring,
            plans: &context.settings.plans,
            account,
            dry_run: args.dry_run,
        },
    };
    work.all(lines, &defaults)?.print(context)
}

fn open(args: &KeyImport) -> Result<Lines, Failure> {
    let stdin = args.file.as_os_str() == "-";
    let ending = args.file.extension().and_then(|ending| ending.to_str());
    let format = match (args.format, ending) {
        (Some(format), _) => format,
        (None, Some("csv")) => Format::Csv,
        (None, Some("jsonl" | "ndjson")) => Format::Jsonl,
        (None, _) => {
            return Err(Failure::usage(
                "--format csv or jsonl is needed: the file's name does not end with either",
            ));
        }
    };
    if stdin {
        return Lines::of(Box::new(std::io::stdin()), format);
    }
    let shown = args.file.display();
    let file = File::open(&args.file)
        .map_err(|error| Failure::invalid(format!("{shown}: can't be read: {error}")))?;
    Lines::of(Box::new(file), format)
}

/// What no line of other systems tells has to be told here.
fn told_once(defaults: &Defaults) -> Result<(), Failure> {
    let needed = match defaults.system {
        System::Torvus => return Ok(()),
        _ if defaults.environment.is_none() => "--environment live or test",
        _ if defaults.permissions.is_none() => "--permissions LIST",
        _ => return Ok(()),
    };
    let system = defaults.system.to_possible_value();
    let system = system.as_ref().map_or("", |value| value.get_name());
    Err(Failure::usage(format!(
        "--from {system} needs {needed}: the lines never say it"
    )))
}

/// A column that is mistyped must not be one that every line lacks. It is named
/// by its number: where the header is missing, the first line may be a hash.
fn known_columns(system: System, columns: &[String]) -> Result<(), Failure> {
    let unknown = |name: &&String| !systems::OWN.contains(&name.as_str());
    match columns.iter().position(|name| unknown(&name)) {
        Some(column) if system == System::Torvus => Err(Failure::invalid(format!(
            "the header: column {} has the name of no field (there are: {})",
            column + 1,
            systems::OWN.join(", ")
        ))),
        _ => Ok(()),
    }
}

fn read_secret(path: &Path, encoding: Encoding) -> Result<HashingSecret, Failure> {
    let wrong = |what: &dyn std::fmt::Display| {
        Failure::invalid(format!("--hmac-secret-file {}: {what}", path.display()))
    };
    let bytes = Zeroizing::new(std::fs::read(path).map_err(|error| wrong(&error))?);
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let secret = match encoding {
        Encoding::Text => Some(bytes.to_vec()),
        Encoding::Hex => std::str::from_utf8(bytes).ok().and_then(from_hex),
        Encoding::Base64 => {
            use base64::Engine as _;
            let engine = base64::engine::general_purpose::STANDARD_PAD_INDIFFERENT;
            engine.decode(bytes).ok()
        }
    };
    let secret = secret.ok_or_else(|| wrong(&"the secret is not encoded like that"))?;
    let length = HashingSecret::BYTES_MAX;
    HashingSecret::new(Zeroizing::new(secret))
        .ok_or_else(|| wrong(&format!("a secret has 1 to {length} bytes")))
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.bytes().map(|digit| char::from(digit).to_digit(16));
    let digits: Vec<u32> = digits.collect::<Option<_>>()?;
    let pair = |pair: &[u32]| match pair {
        [high, low] => u8::try_from(high * 16 + low).ok(),
        _ => None,
    };
    digits.chunks(2).map(pair).collect()
}

/// An import that is under way.
struct Work<'a> {
    context: &'a Context,
    store: &'a Store,
    ring: &'a PepperRing,
    secret: Option<HashingSecret>,
    recipes: HashMap<(bool, Hashed), Result<RecipeId, String>>,
    /// When a recipe was written that servers may not know yet.
    report: Report,
    import: Import<'a>,
}

impl Work<'_> {
    fn all(mut self, mut lines: Lines, defaults: &Defaults) -> Result<Report, Failure> {
        let done = if self.import.dry_run {
            "looked at"
        } else {
            "imported"
        };
        let mut progress = Progress::start(done);
        let mut batch = Vec::with_capacity(BATCH);
        let mut result = Ok(());
        loop {
            let line = match lines.next_line() {
                Ok(line) => line,
                Err(error) => {
                    result = Err(error);
                    None
                }
            };
            let end = line.is_none();
            if let Some(line) = line {
                progress.advance();
                let number = line.number;
                if let Some(key) = self.read(line, defaults)? {
                    batch.push((number, key));
                }
            }
            if batch.len() >= BATCH || (end && !batch.is_empty()) {
                self.take(&mut batch)?;
            }
            if end {
                break;
            }
        }
        progress.end();
        result.map_err(|error| self.after(error))?;
        Ok(self.report)
    }

    /// A key, unless the line is none; then the report says why.
    fn read(&mut self, line: Line, defaults: &Defaults) -> Result<Option<ForeignKey>, Failure> {
        let number = line.number;
        let fields = match line.fields {
            Ok(fields) => fields,
            Err(reason) => {
                self.report.refused_lines(number, line.count, reason);
                return Ok(None);
            }
        };
        let external_id = systems::external_id(defaults.system, &fields);
        let described = match systems::describe(&fields, defaults) {
            Ok(described) => described,
            Err(NoKey::Skipped(why)) => {
                self.report.skipped(number, external_id, why);
                return Ok(None);
            }
            Err(NoKey::Refused(why)) => {
                self.report.refused(number, external_id, why);
                return Ok(None);
            }
        };
        match self.recipe(&described)? {
            Ok(recipe) => Ok(Some(key(described, recipe, external_id))),
            Err(why) => {
                self.report.refused(number, external_id, why);
                Ok(None)
            }
        }
    }

    fn recipe(&mut self, described: &Described) -> Result<Result<RecipeId, String>, Failure> {
        let kind = (described.keyed, described.hashed.clone());
        if let Some(known) = self.recipes.get(&kind) {
            return Ok(known.clone());
        }
        let secret = self.secret.as_ref().filter(|_| described.keyed);
        let make = !self.import.dry_run;
        let now = self.context.now();
        let found = keyring::recipe(self.store, self.ring, &kind.1, secret, make, now);
        let found = match found {
            Ok(recipe) => Ok(recipe),
            Err(torvus_keyring::KeyringError::Refused(why)) => Err(why),
            Err(error) => return Err(self.after(error.into())),
        };
        self.recipes.insert(kind, found.clone());
        Ok(found)
    }

    fn take(&mut self, batch: &mut Vec<(u64, ForeignKey)>) -> Result<(), Failure> {
        let (numbers, keys): (Vec<u64>, Vec<ForeignKey>) = batch.drain(..).unzip();
        let (actor, now) = (self.context.actor(), self.context.now());
        let taken = self.import.take(self.store, &keys, &actor, now);
        let taken = taken.map_err(|error| self.after(error.into()))?;
        for ((number, key), taken) in numbers.into_iter().zip(keys).zip(taken) {
            let id = key.external_id;
            match taken {
                // Without a write the database can't tell of other batches.
                Taken::New(_) if self.import.dry_run && !self.report.first(&key.digest) => {
                    self.report.known();
                }
                Taken::New(new) => self.report.imported(number, id, new),
                Taken::Known => self.report.known(),
                Taken::Expired => self.report.skipped(number, id, "it has expired"),
                Taken::Refused(why) => self.report.refused(number, id, why),
            }
        }
        Ok(())
    }

    /// A failure on the way, with what was done before it.
    fn after(&self, failure: Failure) -> Failure {
        let done = self.report.taken();
        if self.import.dry_run || done == 0 {
            return failure;
        }
        let message = format!(
            "{} ({done} keys were imported before; run it again: they are left as they are)",
            failure.message
        );
        Failure { message, ..failure }
    }
}

fn key(described: Described, recipe: RecipeId, external_id: Option<String>) -> ForeignKey {
    ForeignKey {
        recipe,
        digest: described.digest,
        name: described.name,
        environment: described.environment,
        permissions: described.permissions,
        expires_at: described.expires_at,
        allowed_ips: described.allowed_ips,
        limit: described.limit,
        limit_at_most: described.limit_at_most,
        hint: described.hint,
        external_id,
    }
}
