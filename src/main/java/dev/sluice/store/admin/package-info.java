/**
 * Tokens of administrators in PostgreSQL.
 *
 * <p><b>Owns</b> the table {@code admin_token}. Everything blocks, so it is called on virtual threads; rows stay inside, records go out.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.store.admin.AdminTokenStore}.
 */
package dev.sluice.store.admin;
