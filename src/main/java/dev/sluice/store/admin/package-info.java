/**
 * Tokens of administrators in PostgreSQL, and the account of what the admin API has refused.
 *
 * <p><b>Owns</b> the table {@code admin_token}. Everything blocks, so it is called on virtual threads; rows stay inside, records go out.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.store.admin.AdminTokenStore}.
 */
package dev.sluice.store.admin;
