/**
 * Routes in PostgreSQL: the set that lies over the configuration file's, its version, its history, and the notice that it has changed.
 *
 * <p><b>Threads.</b> Calls block, on virtual threads; {@link dev.sluice.store.route.RouteListener} owns the thread that waits for notices.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.store.route.RouteStore#change}.
 */
package dev.sluice.store.route;
