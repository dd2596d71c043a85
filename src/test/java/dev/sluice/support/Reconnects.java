package dev.sluice.support;

import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How a client comes back: when it was connected, how long it waits before it tries again, and what the gateway said that refused or ended
 * a connection. Any thread.
 */
public final class Reconnects {
    private static final Duration FIRST_PAUSE = Duration.ofMillis(100);
    private static final int MOST_DOUBLINGS = 10;
    /** The WebSocket close status that goes with a take-over. */
    private static final String TAKEN_OVER = ClientSocket.closedWith(1008);

    private final List<Long> connectedAt = new ArrayList<>();
    private final List<String> told = new ArrayList<>();
    private Duration longestPause = FIRST_PAUSE;
    private int attempts;
    /** Whether a connection has ended before its CONNACK since the last take-over. */
    private boolean hasLeftUnanswered;

    Reconnects() {}

    /** Waits at random, and longer and longer while it gets no connection, up to this; until it is told so, always the same short time. */
    public synchronized void backOff(Duration longest) {
        longestPause = longest;
    }

    /** Before the next attempt. */
    synchronized Duration pause() {
        attempts = Math.min(attempts + 1, MOST_DOUBLINGS);
        var most = Math.min(FIRST_PAUSE.toNanos() << attempts, longestPause.toNanos());
        return Duration.ofNanos(ThreadLocalRandom.current().nextLong(FIRST_PAUSE.toNanos(), most + 1));
    }

    /** What comes after CONNECT. */
    Packet answer(ClientSocket socket) throws IOException {
        try {
            return socket.read();
        } catch (ClientSocket.Closed said) {
            throw said;
        } catch (IOException unanswered) {
            leftUnanswered();
            throw unanswered;
        }
    }

    private synchronized void leftUnanswered() {
        hasLeftUnanswered = true;
    }

    synchronized void connected() {
        attempts = 0;
        connectedAt.add(System.nanoTime());
    }

    /** By CONNACK. */
    synchronized void refused(ReasonCode reason) {
        told.add("CONNACK " + reason);
    }

    /**
     * By DISCONNECT. Returns whether that is the client's own doing: sockets have no order among each other, so a CONNECT that was left alone
     * may be read after the one of this connection, and takes over from it.
     */
    synchronized boolean dismissed(ReasonCode reason) {
        if (hasLeftUnanswered && reason == ReasonCode.SESSION_TAKEN_OVER) return true;
        told.add("DISCONNECT " + reason);
        return false;
    }

    /** The connection has ended, or has not come about; said or unsaid. */
    synchronized void ended(Exception how) {
        if (!(how instanceof ClientSocket.Closed said)) return;
        if (hasLeftUnanswered && said.getMessage().equals(TAKEN_OVER)) hasLeftUnanswered = false;
        else told.add(said.getMessage());
    }

    /** Connections that it has had. */
    public synchronized int count() {
        return connectedAt.size();
    }

    /** The readings of {@link System#nanoTime()} when it got its connections, the first one included. */
    public synchronized List<Long> connectedAt() {
        return List.copyOf(connectedAt);
    }

    /** CONNACKs and statuses of HTTP that refused it; DISCONNECTs and WebSocket close statuses that ended its connections. */
    public synchronized List<String> told() {
        return List.copyOf(told);
    }
}
