/**
 * Credentials in PostgreSQL: who may connect with a user name and a secret. Operators' requests go through Hibernate; what clients wait
 * for, and what is many rows at once, does not.
 *
 * <p><b>Threads.</b> Calls block, on virtual threads. {@link dev.sluice.store.route.RouteListener} tells of changes.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.store.credential.CredentialReader#find}.
 */
package dev.sluice.store.credential;
