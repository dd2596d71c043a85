package dev.sluice.broker;

import dev.sluice.config.MqttConfig;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import dev.sluice.session.Grant;
import dev.sluice.session.Phase;
import java.time.Duration;

/**
 * Measures how long one connection has waited for its client, for Kafka, for PostgreSQL and for the proof of who the client is, and decides when to ping and when to end it. Confined to the
 * connection's event loop; times are the JVM's nanoseconds.
 */
final class ConnectionDeadlines {
    static final String NO_ANSWER = "Kafka or PostgreSQL did not answer in time";

    private final MqttConfig config;
    private final Duration deadline;
    private final Proof proof;
    /** Since when its CONNECT is awaited, without the time in which the gateway could not have read it. */
    private long awaitedSince;

    private long excused;
    /** When the connection is as old as it may become. */
    private long oldAt;

    private long lastPing = System.nanoTime();
    /** When Kafka or the journal last settled something, or was last not waited for. */
    private long lastProgress = lastPing;
    /** When the client last took some of the bytes that wait for it, or none waited. */
    private long lastTaken = lastPing;

    /**
     * How far the gateway has read a client.
     *
     * @param isPaused whether the gateway does not read it now
     * @param lastPacket when its last whole packet came
     * @param incomplete for how long the packet that it is sending has not been whole, nanoseconds; 0 if none is under way
     */
    record Reading(boolean isPaused, long lastPacket, long incomplete) {}

    /**
     * @param deadline longest time without an answer of Kafka or the journal
     * @param proof knows how long the proof of who the client is may take, and how long it is good
     * @param acceptedAt since when its CONNECT is awaited
     * @param late as {@link #excuse} has it
     * @param lifetime how old the connection may become, nanoseconds
     */
    ConnectionDeadlines(MqttConfig config, Duration deadline, Proof proof, long acceptedAt, long late, long lifetime) {
        this.excused = late;
        this.config = config;
        this.deadline = deadline;
        this.proof = proof;
        this.awaitedSince = acceptedAt;
        this.oldAt = lastPing + lifetime;
    }

    /** The gateway has not read any client for so many nanoseconds in all: in a storm of connects, the CONNECT may be there, unread. */
    void excuse(long late) {
        awaitedSince += late - excused;
        excused = late;
    }

    /** Whether Kafka or the journal has been waited for, for too long. */
    boolean isOverdue(long now) {
        return now - lastProgress > deadline.toNanos();
    }

    /** Kafka or the journal has answered something, or is not waited for. */
    void progressed(long now) {
        lastProgress = now;
    }

    /**
     * The reason to end the connection now, null if there is none.
     *
     * @param grant what its CONNECT was granted; used while it is online
     * @param reading how far the gateway has read it
     * @param moved whether the client has taken anything since this was asked last, or has nothing to take
     */
    Event late(long now, Phase phase, Grant grant, Reading reading, boolean moved) {
        var connectTimeout = config.connectTimeout().toNanos();
        if (phase instanceof Phase.AwaitingConnect && now - awaitedSince > connectTimeout)
            return new Event.Ended(ReasonCode.PROTOCOL_ERROR, "no CONNECT in time");
        if (isOverdue(now)) return new Event.Ended(ReasonCode.SERVER_BUSY, NO_ANSWER);
        if (!reading.isPaused() && phase instanceof Phase.Online && isSilent(now, grant, reading.lastPacket()))
            return new Event.Ended(ReasonCode.KEEP_ALIVE_TIMEOUT, "no packet received for one and a half keep alives");
        var packetTimeout = config.packetTimeout().toNanos();
        if (packetTimeout > 0 && reading.incomplete() > packetTimeout)
            return new Event.Ended(
                    ReasonCode.KEEP_ALIVE_TIMEOUT, "a packet was not whole in " + config.packetTimeout());
        if (moved) lastTaken = now;
        if (isStuck(now))
            return new Event.Ended(
                    ReasonCode.KEEP_ALIVE_TIMEOUT, "nothing taken of what waits for it in " + config.sendTimeout());
        return proof.late(now, connectTimeout);
    }

    /** Whether the connection of a client that is online is as old as it may become; true once. */
    boolean takeOld(long now, Phase phase) {
        if (now - oldAt < 0 || !(phase instanceof Phase.Online)) return false;
        oldAt = now + Departures.FOR_EVER;
        return true;
    }

    /** Whether the client reads nothing. It may be dead: while bytes wait for it, the gateway does not read from it, so keep-alive cannot tell. */
    private boolean isStuck(long now) {
        var limit = config.sendTimeout().toNanos();
        return limit > 0 && now - lastTaken > limit;
    }

    private static boolean isSilent(long now, Grant grant, long lastPacket) {
        var keepAlive = grant.keepAlive(); // [MQTT-3.1.2-22]
        return keepAlive > 0 && now - lastPacket > keepAlive * 1_500_000_000L;
    }

    /**
     * Whether it is time for a ping, which then counts as sent. A client that keeps itself alive more often needs none, and there are
     * clients that cannot answer one.
     */
    boolean takePing(long now, Phase phase, Grant grant, long lastPacket) {
        var interval = config.pingInterval().toNanos();
        if (interval == 0 || now - lastPing < interval || now - lastPacket < interval) return false;
        if (!(phase instanceof Phase.Online)) return false;
        var keepAlive = grant.keepAlive() * 1_000_000_000L;
        if (keepAlive > 0 && keepAlive <= interval) return false;
        lastPing = now;
        return true;
    }
}
