/**
 * User names with secrets: the methods of authentication that ask PostgreSQL for credentials, and what bounds them.
 *
 * <p><b>Owns</b> the threads that hash, the verified passwords, and who has failed how often.
 *
 * <p><b>Threads.</b> Virtual threads call, and wait for a hashing thread where there is something to hash.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.access.credential.PasswordAuthentication}.
 */
package dev.sluice.access.credential;
