/**
 * What the platform asks of the gateway: readiness checks, and the drain that comes before it stops.
 *
 * <p><b>Owns</b> whether the gateway drains, and no other state: the checks ask Kafka's, PostgreSQL's and the routes' own types.
 *
 * <p><b>Threads.</b> Health checks run on threads of Quarkus; the drain runs on the thread that shuts down, or on one of its own where an administrator asks for it.
 *
 * <p><b>Start reading</b> at {@code Drain}, whose place at the stop is in {@link dev.sluice.config.StartOrder}.
 */
package dev.sluice.ops;
