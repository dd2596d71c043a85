/**
 * Routes: which messages go to which Kafka topic, with which key, headers and partition.
 *
 * <p><b>Owns</b> the set of routes that is in force ({@link dev.sluice.uplink.route.RoutesInForce}), and keeps it equal to that in PostgreSQL
 * ({@link dev.sluice.uplink.route.LiveRoutes}). A set is immutable, and replaced as a whole.
 *
 * <p><b>Threads.</b> Any thread may read routes; changes block, on virtual threads.
 *
 * <p><b>Start reading</b> at {@link dev.sluice.uplink.route.Routes#resolve} for what a message meets, and at
 * {@link dev.sluice.uplink.route.RouteSpec} for a new key.
 */
package dev.sluice.uplink.route;
