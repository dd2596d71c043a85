/**
 * PostgreSQL itself: whether it answers, calls that end in bounded time, transactions, and what a failure means. The rooms below it hold
 * what is kept there.
 *
 * <p><b>Threads.</b> Calls block, on virtual threads. How many requests run at a time is bounded, by purpose
 * ({@link dev.sluice.store.StoreRequests}); the journal's lanes have connections of their own.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.store.StoreCalls}; then {@code store.journal} for writes, {@code store.session} and
 * {@code store.delivery} for reads and sweeps.
 */
package dev.sluice.store;
