/**
 * The account of who changed what. Triggers write it, except what has no row: requests that were refused, sessions that were ended.
 *
 * <p><b>Threads.</b> Calls block, on virtual threads.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.store.audit.AuditLog}.
 */
package dev.sluice.store.audit;
