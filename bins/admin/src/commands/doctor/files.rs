//! What lies on the disk, and who may read it.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::statvfs;
use torvus_settings::PepperSource;

use super::finding::Finding;
use crate::context::Context;

/// Below this the next burst of requests may find no room.
const ROOM_LEAST: u64 = 64 << 20;
/// Below this, or [`SHARE_LEAST`], somebody should look before it is urgent.
const ROOM_WANTED: u64 = 1 << 30;
/// Per cent of the disk.
const SHARE_LEAST: u64 = 5;

pub(super) fn look(context: &Context) -> Vec<Finding> {
    let folder = &context.settings.data_dir;
    let mut findings = vec![
        data_dir(folder),
        pepper_file(context),
        audit_key(&folder.join("audit-key")),
        journal_files(&context.settings.journal()),
    ];
    findings.extend(sqlite_file(context).map(|file| database_file(&file)));
    findings.extend(disk(folder));
    findings
}

/// The file of the database, where it is one.
pub(super) fn sqlite_file(context: &Context) -> Option<PathBuf> {
    let file = context.settings.database_url().strip_prefix("sqlite:");
    file.map(PathBuf::from)
}

fn mode(path: &Path) -> Option<u32> {
    std::fs::metadata(path)
        .ok()
        .map(|data| data.permissions().mode() & 0o777)
}

fn data_dir(path: &Path) -> Finding {
    let shown = path.display();
    match mode(path) {
        None => Finding::warning(
            "data folder",
            format!("{shown} is not there"),
            "the first start makes it",
        ),
        Some(mode) if mode & 0o077 != 0 => Finding::fault(
            "data folder",
            format!("{shown} can be entered by others (mode {mode:03o})"),
            "chmod 700 it",
        ),
        Some(_) => Finding::ok("data folder", shown),
    }
}

fn pepper_file(context: &Context) -> Finding {
    let path = match &context.settings.pepper {
        PepperSource::Given { origin, .. } => {
            return Finding::ok("pepper file", format!("not used: {origin} is set"));
        }
        PepperSource::File(path) | PepperSource::DataDir(path) => path,
    };
    let shown = path.display();
    match mode(path) {
        None => Finding::warning(
            "pepper file",
            format!("{shown} is not there"),
            "see the check `pepper`",
        ),
        Some(mode) if mode & 0o027 != 0 => Finding::fault(
            "pepper file",
            format!("{shown} can be read by others (mode {mode:03o})"),
            "chmod 600 it; if others may have read it, change it: pepper add, later pepper retire",
        ),
        Some(_) => Finding::ok("pepper file", shown),
    }
}

/// The key that checkpoints are signed with. Nobody but its owner has a use for it.
fn audit_key(path: &Path) -> Finding {
    let shown = path.display();
    match mode(path) {
        None => Finding::ok("audit key", "none yet: the first checkpoint makes it"),
        Some(mode) if mode & 0o077 != 0 => Finding::fault(
            "audit key",
            format!("{shown} can be read by others (mode {mode:03o})"),
            "chmod 600 it; if others may have read it, what was signed since proves nothing \
             against them: compare with a checkpoint that was kept elsewhere before",
        ),
        Some(_) => Finding::ok("audit key", shown),
    }
}

/// What was recorded and is not in the tables yet: paths, addresses, user agents.
fn journal_files(folder: &Path) -> Finding {
    const CHECK: &str = "journal files";
    let inside = match std::fs::read_dir(folder) {
        Ok(inside) => inside,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Finding::ok(CHECK, "none yet");
        }
        Err(error) => {
            let detail = format!("{}: {error}", folder.display());
            return Finding::fault(CHECK, detail, "see who owns the folder");
        }
    };
    // One that is gone by now was indexed.
    let files = inside.filter_map(|entry| Some(entry.ok()?.path()));
    let open = std::iter::once(folder.to_owned())
        .chain(files)
        .filter_map(|path| Some((mode(&path).filter(|mode| mode & 0o077 != 0)?, path)));
    let mut open: Vec<_> = open.collect();
    open.sort_by(|a, b| a.1.cmp(&b.1));
    match open.first() {
        None => Finding::ok(CHECK, folder.display()),
        Some((mode, path)) => {
            let more = match open.len() - 1 {
                0 => String::new(),
                more => format!(", and so can {more} more"),
            };
            Finding::fault(
                CHECK,
                format!(
                    "{} can be read by others (mode {mode:03o}){more}",
                    path.display()
                ),
                "chmod 700 the folder `journal`, and 600 what is in it",
            )
        }
    }
}

/// The file of SQLite, and what it keeps beside it.
fn database_file(file: &Path) -> Finding {
    let beside = |ending: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let open = [file.to_owned(), beside("-wal"), beside("-shm")]
        .into_iter()
        .find_map(|path| Some((mode(&path).filter(|mode| mode & 0o077 != 0)?, path)));
    match open {
        _ if !file.exists() => Finding::warning(
            "database file",
            format!("{} is not there", file.display()),
            "see the check `database`",
        ),
        Some((mode, path)) => Finding::fault(
            "database file",
            format!("{} can be read by others (mode {mode:03o})", path.display()),
            "chmod 600 it, and the files beside it that begin with its name",
        ),
        None => Finding::ok("database file", file.display()),
    }
}

/// The room on the disk of the data folder; nothing where the folder is not there.
fn disk(folder: &Path) -> Option<Finding> {
    let disk = statvfs(folder).ok()?;
    let free = disk.f_bavail.saturating_mul(disk.f_frsize);
    let whole = disk.f_blocks.saturating_mul(disk.f_frsize);
    let share = (u128::from(free) * 100)
        .checked_div(u128::from(whole))
        .unwrap_or(100);
    let detail = format!("{} MiB are free, {share} %", free >> 20);
    let advice = "make room, or move the data folder: where no record can be kept, requests are \
                  answered 503; audit prune and --journal-max bound what is kept here";
    Some(if free < ROOM_LEAST {
        Finding::fault("disk", detail, advice)
    } else if free < ROOM_WANTED || share < u128::from(SHARE_LEAST) {
        Finding::warning("disk", detail, advice)
    } else {
        Finding::ok("disk", detail)
    })
}
