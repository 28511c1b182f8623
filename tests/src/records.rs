//! Many records at once, as the indexer would put them there one by one.

use chrono::TimeDelta;
use torvus_audit::AuditRecord;
use torvus_domain::{Category, ChainId, KeyId, Outcome, RequestId};
use torvus_key_core::Environment;
use torvus_storage::{Store, StoreUrl, audit};

use crate::TestApp;

const BATCH: usize = 5_000;

impl TestApp {
    /// Puts records into the log, as a chain of their own: in their order, at whatever time.
    pub fn write_records(&self, records: &[AuditRecord]) {
        let chain = ChainId::new(chrono::Utc::now());
        let store = Store::open(&StoreUrl::parse(&self.database_url()).unwrap()).unwrap();
        for batch in records.chunks(BATCH) {
            store
                .write(|c| audit::append_to(c, chain, batch.iter().cloned()))
                .unwrap();
        }
    }

    /// Requests with a key, a second apart up to now; each thousandth was to nowhere.
    pub fn many_records(&self, account: &str, key: &str, count: usize) {
        let now = chrono::Utc::now();
        let record = |number: usize| {
            let at = now - TimeDelta::seconds(i64::try_from(count - number).unwrap());
            let mut record = AuditRecord::new(at, Category::ApiActivity, Outcome::Ok);
            record.request_id = Some(RequestId::new(at));
            record.account_id = Some(account.parse().unwrap());
            record.key_id = Some(key.parse::<KeyId>().unwrap());
            record.key_name = Some("one of many".to_owned());
            record.environment = Some(Environment::Test);
            record.method = Some("GET".to_owned());
            record.path = Some("/v1/vaults".to_owned());
            record.route = Some("/v1/vaults".to_owned());
            record.status = Some(200);
            record.ip = Some([203, 0, 113, 5].into());
            record.duration_us = Some(420);
            if number.is_multiple_of(1_000) {
                record.status = Some(404);
                record.outcome = Outcome::NotFound;
                record.ip = Some([203, 0, 113, 9].into());
            }
            record
        };
        let records: Vec<_> = (0..count).map(record).collect();
        self.write_records(&records);
    }
}
