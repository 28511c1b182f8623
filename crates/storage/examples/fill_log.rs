//! Fills the audit log of a database with requests of one key, for the bench of the log: the address of
//! the database, and how many records.

use std::error::Error;

use chrono::TimeDelta;
use torvus_audit::AuditRecord;
use torvus_domain::{AccountId, Category, KeyId, Outcome, RequestId, Timestamp};
use torvus_key_core::Environment;
use torvus_storage::{Store, StoreUrl, audit};

const BATCH: usize = 5_000;
/// Requests of a month, whatever their number.
const MONTH: TimeDelta = TimeDelta::days(29);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [url, key, end, count] = arguments.as_slice() else {
        return Err("fill_log URL KEY END COUNT".into());
    };
    let store = Store::open(&StoreUrl::parse(url)?)?;
    let key: KeyId = key.parse()?;
    let (end, count): (Timestamp, usize) = (end.parse()?, count.parse()?);
    let step = MONTH / i32::try_from(count)?;
    let account = AccountId::new(end);
    let record = |number: usize| {
        let at = end - step * i32::try_from(count - number).unwrap_or(i32::MAX);
        let mut record = AuditRecord::new(at, Category::ApiActivity, Outcome::Ok);
        record.request_id = Some(RequestId::new(at));
        record.account_id = Some(account);
        record.key_id = Some(key);
        record.key_name = Some("bench".to_owned());
        record.environment = Some(Environment::Live);
        record.method = Some("GET".to_owned());
        record.path = Some(format!("/v1/vaults/vault_{number:026}"));
        record.route = Some("/v1/vaults/:id".to_owned());
        record.status = Some(if number.is_multiple_of(50) { 404 } else { 200 });
        record.ip = Some([203, 0, 113, u8::try_from(number % 20).unwrap_or(0)].into());
        record.user_agent = Some("bench/1.0".to_owned());
        record.duration_us = Some(420);
        record.billable = true;
        record
    };
    for start in (0..count).step_by(BATCH) {
        let records: Vec<_> = (start..count.min(start + BATCH)).map(record).collect();
        store.write(|c| audit::append(c, &records))?;
    }
    Ok(())
}
