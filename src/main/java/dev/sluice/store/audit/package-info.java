/**
 * The account of who changed what. Triggers write it.
 *
 * <p><b>Threads.</b> Calls block, on virtual threads.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.store.audit.AuditLog}.
 */
package dev.sluice.store.audit;
