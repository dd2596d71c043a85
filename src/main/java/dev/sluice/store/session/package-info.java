/**
 * Sessions in PostgreSQL: opening one, which raises its epoch (the number that fences out earlier connections of the same client), expiry,
 * stored subscriptions, and wills that are due.
 *
 * <p><b>Threads.</b> Calls block, on virtual threads; {@link dev.sluice.store.session.SessionExpiry} owns the thread of the sweep.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.store.session.SessionStore#open}.
 */
package dev.sluice.store.session;
