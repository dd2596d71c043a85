package dev.sluice.broker;

import dev.sluice.config.MqttConfig;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import dev.sluice.session.Phase;
import dev.sluice.session.Session;
import java.time.Duration;

/**
 * How long one connection has waited for its client, for Kafka and for PostgreSQL, and when it has to be pinged. Confined to the
 * connection's event loop; times are the JVM's nanoseconds.
 */
final class Watch {
    private final MqttConfig config;
    private final Duration deadline;
    private final long openedAt = System.nanoTime();
    private long lastPing = openedAt;
    /** When Kafka or the journal last settled something, or was last not waited for. */
    private long lastProgress = openedAt;

    /** @param deadline longest time without an answer of Kafka or the journal */
    Watch(MqttConfig config, Duration deadline) {
        this.config = config;
        this.deadline = deadline;
    }

    /** Kafka or the journal has answered something, or is not waited for. */
    void progressed(long now) {
        lastProgress = now;
    }

    /** Why the connection has to end now, null if it need not. */
    Event.Ended late(long now, Session session, Inlet inlet) {
        var connectTimeout = config.connectTimeout().toNanos();
        if (session.phase() instanceof Phase.AwaitingConnect && now - openedAt > connectTimeout)
            return new Event.Ended(ReasonCode.PROTOCOL_ERROR, "no CONNECT in time");
        if (now - lastProgress > deadline.toNanos())
            return new Event.Ended(ReasonCode.SERVER_BUSY, "Kafka or PostgreSQL did not answer in time");
        if (isSilent(now, session, inlet))
            return new Event.Ended(ReasonCode.KEEP_ALIVE_TIMEOUT, "nothing received for one and a half keep alives");
        return null;
    }

    private static boolean isSilent(long now, Session session, Inlet inlet) {
        if (inlet.isPaused() || !(session.phase() instanceof Phase.Online)) return false;
        var keepAlive = session.grant().keepAlive(); // [MQTT-3.1.2-22]
        return keepAlive > 0 && now - inlet.lastRead() > keepAlive * 1_500_000_000L;
    }

    /** Whether it is time for a ping, which then counts as sent. */
    boolean wantsPing(long now) {
        var interval = config.pingInterval().toNanos();
        if (interval == 0 || now - lastPing < interval) return false;
        lastPing = now;
        return true;
    }
}
