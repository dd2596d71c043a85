package dev.sluice.broker;

import dev.sluice.config.MqttConfig;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import dev.sluice.session.Grant;
import dev.sluice.session.Phase;
import java.time.Duration;

/**
 * Measures how long one connection has waited for its client, for Kafka and for PostgreSQL, and decides when to ping and when to end it. Confined to the
 * connection's event loop; times are the JVM's nanoseconds.
 */
final class ConnectionDeadlines {
    /** How long a client may take to see that its connection was closed. */
    private static final Duration CLOSING = Duration.ofSeconds(10);

    private final MqttConfig config;
    private final Duration deadline;
    private final long openedAt = System.nanoTime();
    private long lastPing = openedAt;
    /** When Kafka or the journal last settled something, or was last not waited for. */
    private long lastProgress = openedAt;
    /** When the client last took some of the bytes that wait for it, or none waited. */
    private long lastTaken = openedAt;

    private long closedAt;

    /** @param deadline longest time without an answer of Kafka or the journal */
    ConnectionDeadlines(MqttConfig config, Duration deadline) {
        this.config = config;
        this.deadline = deadline;
    }

    /** Kafka or the journal has answered something, or is not waited for. */
    void progressed(long now) {
        lastProgress = now;
    }

    /**
     * The reason to end the connection now, null if there is none.
     *
     * @param grant what its CONNECT was granted; used while it is online
     * @param lastRead when something was read last, or reading began again
     * @param paused whether its socket is not read
     * @param moved whether the client has taken anything since this was asked last, or has nothing to take
     */
    Event.Ended late(long now, Phase phase, Grant grant, long lastRead, boolean paused, boolean moved) {
        var connectTimeout = config.connectTimeout().toNanos();
        if (phase instanceof Phase.AwaitingConnect && now - openedAt > connectTimeout)
            return new Event.Ended(ReasonCode.PROTOCOL_ERROR, "no CONNECT in time");
        if (now - lastProgress > deadline.toNanos())
            return new Event.Ended(ReasonCode.SERVER_BUSY, "Kafka or PostgreSQL did not answer in time");
        if (!paused && phase instanceof Phase.Online && isSilent(now, grant, lastRead))
            return new Event.Ended(ReasonCode.KEEP_ALIVE_TIMEOUT, "nothing received for one and a half keep alives");
        if (moved) lastTaken = now;
        if (isStuck(now))
            return new Event.Ended(
                    ReasonCode.KEEP_ALIVE_TIMEOUT, "nothing taken of what waits for it in " + config.sendTimeout());
        return null;
    }

    /** Whether the client reads nothing. It may be dead: while bytes wait for it, the gateway does not read from it, so keep-alive cannot tell. */
    private boolean isStuck(long now) {
        var limit = config.sendTimeout().toNanos();
        return limit > 0 && now - lastTaken > limit;
    }

    void closed() {
        closedAt = System.nanoTime();
    }

    /** Whether a connection that was {@link #closed} still has its socket, because its peer does not answer. */
    boolean lingers(long now) {
        return now - closedAt > CLOSING.toNanos();
    }

    private static boolean isSilent(long now, Grant grant, long lastRead) {
        var keepAlive = grant.keepAlive(); // [MQTT-3.1.2-22]
        return keepAlive > 0 && now - lastRead > keepAlive * 1_500_000_000L;
    }

    /** Whether it is time for a ping, which then counts as sent. */
    boolean takePing(long now) {
        var interval = config.pingInterval().toNanos();
        if (interval == 0 || now - lastPing < interval) return false;
        lastPing = now;
        return true;
    }
}
