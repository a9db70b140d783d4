//! Notifications that are to be delivered, and what became of those that were. They are written together with the entries
//! that cause them.

use std::sync::PoisonError;

use rusqlite::{Connection, Row, params};

use super::{Journal, JournalError, json, parse};
use crate::model::deployment::DeploymentId;
use crate::model::notification::{Delivery, DeliveryStatus, Notification, Progress};
use crate::model::timestamp::Timestamp;

/// The outbox's table. `place` is the order in which a receiver is told.
pub(super) const TABLE: &str = "
    CREATE TABLE IF NOT EXISTS outbox (
      place INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, deployment TEXT NOT NULL,
      receiver TEXT NOT NULL, at INTEGER NOT NULL, pending INTEGER NOT NULL, body TEXT NOT NULL, progress TEXT NOT NULL);
    CREATE INDEX IF NOT EXISTS outbox_pending ON outbox (receiver, place) WHERE pending = 1;
    CREATE INDEX IF NOT EXISTS outbox_deployment ON outbox (deployment, place);";

/// Puts a notification behind the others of its receiver. One that is there already is the same.
pub(super) fn enqueue(
    connection: &Connection,
    notification: &Notification,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached(
            "INSERT OR IGNORE INTO outbox (id, deployment, receiver, at, pending, body, progress)
             VALUES (?, ?, ?, ?, 1, ?, ?)",
        )?
        .execute(params![
            notification.message.id,
            notification.deployment_id.as_str(),
            notification.receiver,
            notification.at.0,
            json(notification)?,
            json(&Progress::new(notification.at))?
        ])?;
    Ok(())
}

/// Notes how far the delivery of a notification has come. One that is no longer kept stays forgotten.
pub(super) fn note(
    connection: &Connection,
    id: &str,
    progress: &Progress,
) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("UPDATE outbox SET pending = ?, progress = ? WHERE id = ?")?
        .execute(params![
            progress.status == DeliveryStatus::Pending,
            json(progress)?,
            id
        ])?;
    Ok(())
}

/// Forgets the notifications about a deployment.
pub(super) fn prune(connection: &Connection, id: &DeploymentId) -> Result<(), rusqlite::Error> {
    connection
        .prepare_cached("DELETE FROM outbox WHERE deployment = ?")?
        .execute([id.as_str()])?;
    Ok(())
}

impl Journal {
    /// The receivers for whom something is pending.
    ///
    /// # Errors
    /// If they can't be read.
    pub fn awaited_receivers(&self) -> Result<Vec<String>, JournalError> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut query =
            reader.prepare_cached("SELECT DISTINCT receiver FROM outbox WHERE pending = 1")?;
        let rows = query.query_map([], |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What a receiver is to be told next.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn next_delivery(&self, receiver: &str) -> Result<Option<Delivery>, JournalError> {
        let found = self.outbox(
            "SELECT body, progress FROM outbox WHERE pending = 1 AND receiver = ? ORDER BY place LIMIT 1",
            params![receiver],
        )?;
        Ok(found.into_iter().next())
    }

    /// When the newest event happened of which somebody is still to be told.
    ///
    /// # Errors
    /// If it can't be read.
    pub fn newest_pending(&self) -> Result<Option<Timestamp>, JournalError> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut query = reader.prepare_cached("SELECT MAX(at) FROM outbox WHERE pending = 1")?;
        let at: Option<i64> = query.query_row([], |row| row.get(0))?;
        Ok(at.map(Timestamp))
    }

    /// The newest notifications, of one deployment or of all, newest first.
    ///
    /// # Errors
    /// If they can't be read.
    pub fn deliveries(
        &self,
        deployment: Option<&DeploymentId>,
        limit: u32,
    ) -> Result<Vec<Delivery>, JournalError> {
        match deployment {
            Some(id) => self.outbox(
                "SELECT body, progress FROM outbox WHERE deployment = ? ORDER BY place DESC LIMIT ?",
                params![id.as_str(), limit],
            ),
            None => self.outbox(
                "SELECT body, progress FROM outbox ORDER BY place DESC LIMIT ?",
                params![limit],
            ),
        }
    }

    fn outbox(
        &self,
        query: &str,
        values: impl rusqlite::Params,
    ) -> Result<Vec<Delivery>, JournalError> {
        let reader = self.reader.lock().unwrap_or_else(PoisonError::into_inner);
        let mut query = reader.prepare_cached(query)?;
        let columns = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        let rows = query.query_map(values, columns)?;
        rows.map(|row| {
            let (body, progress) = row?;
            Ok(Delivery {
                notification: parse("outbox", 0, &body)?,
                progress: parse("outbox", 0, &progress)?,
            })
        })
        .collect()
    }
}
