package dev.sluice.session;

import java.util.function.BooleanSupplier;

/**
 * What a session may hold back of what its client publishes, while that may not go on. Immutable.
 *
 * @param mayPublish whether Kafka and PostgreSQL have room for one more PUBLISH now
 * @param memory the bytes that all sessions together hold back
 * @param most bytes that one session holds back; the PUBLISH with which it is there is the last one that is read
 */
public record Holding(BooleanSupplier mayPublish, QueueMemory memory, long most) {}
