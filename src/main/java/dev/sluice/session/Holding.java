package dev.sluice.session;

import dev.sluice.packet.Packet;
import java.util.function.Predicate;

/**
 * What a session may hold back of what its client publishes, while that may not go on. Immutable.
 *
 * @param mayPublish whether Kafka and PostgreSQL have room for this PUBLISH now
 * @param memory the bytes that all sessions together hold back
 * @param most bytes that one session holds back; the PUBLISH with which it is there is the last one that is read
 */
public record Holding(Predicate<Packet.Publish> mayPublish, QueueMemory memory, long most) {}
