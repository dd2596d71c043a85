/**
 * How secrets are kept so that nobody can read them: schemes of hashing, and their text. Computes, and knows nothing of who asks.
 *
 * <p><b>Threads.</b> Any; a check of a slow scheme takes tens of milliseconds of a core.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.access.secret.Recipe}.
 */
package dev.sluice.access.secret;
