package dev.sluice.broker;

import dev.sluice.broker.routing.Recipient;
import dev.sluice.store.SessionsEnded.EndedSession;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;

/** Owns the set of open connections, and knows which of them holds which client's session. Any thread may use it. */
final class ConnectionRegistry<C extends Recipient> {
    private final Function<C, CompletableFuture<Long>> takeOver;
    private final Set<C> open = ConcurrentHashMap.newKeySet();
    private final Map<String, C> online = new ConcurrentHashMap<>();
    /** Those of them whom nobody has taken since they came. */
    private final Set<C> arrived = ConcurrentHashMap.newKeySet();
    /** The last connection of each client that has said DISCONNECT with something under way. */
    private final Map<String, C> finishing = new ConcurrentHashMap<>();

    /** @param takeOver ends a connection whose client another one has taken, and answers as {@link #takeOver} does */
    ConnectionRegistry(Function<C, CompletableFuture<Long>> takeOver) {
        this.takeOver = takeOver;
    }

    void add(C connection) {
        open.add(connection);
    }

    void remove(C connection) {
        open.remove(connection);
        if (connection.clientId() != null) offline(connection);
    }

    /**
     * A later connection has opened the client's session: ends the one that held it here [MQTT-3.1.4-3].
     *
     * @return completed once it has ended, with the highest place of its queue that it has sent; with 0 if there was none
     */
    CompletableFuture<Long> takeOver(String clientId, long epoch) {
        var older = online.get(clientId);
        return older == null || older.epoch() >= epoch ? CompletableFuture.completedFuture(0L) : takeOver.apply(older);
    }

    /** The epoch of the connection that holds the client's session here, 0 if none does. */
    long epoch(String clientId) {
        var connection = online.get(clientId);
        return connection == null ? 0 : connection.epoch();
    }

    /** The connection that holds the client's session here, null if none does. */
    C holder(String clientId) {
        return online.get(clientId);
    }

    /** The connection that holds this session here, null if none does. */
    C find(String clientId, long sessionId) {
        var connection = online.get(clientId);
        return connection == null || connection.sessionId() != sessionId ? null : connection;
    }

    /** Gives the client to the connection of the later epoch, and ends the other one [MQTT-3.1.4-3]. */
    void online(C connection) {
        online.merge(connection.clientId(), connection, (one, other) -> {
            var newer = one.epoch() > other.epoch() ? one : other;
            var older = newer == one ? other : one;
            if (newer != older) takeOver.apply(older);
            return newer;
        });
        arrived.add(connection);
    }

    /** Nobody holds the client, unless another connection does. */
    void offline(C connection) {
        online.remove(connection.clientId(), connection);
        arrived.remove(connection);
    }

    /** The client has said DISCONNECT, and what it has published is still under way. */
    void finishing(C connection) {
        finishing.put(connection.clientId(), connection);
        offline(connection);
    }

    /**
     * The last of the client before it that has not finished is the last one again.
     *
     * @param before the one of the client before another one; null for none
     */
    void finished(C connection, UnaryOperator<C> before, Predicate<C> isFinishing) {
        var gone = connection;
        do {
            var left = gone;
            var again = before.apply(left);
            finishing.computeIfPresent(left.clientId(), (_, last) -> last == left ? again : last);
            gone = again; // it may have finished before it was put back
        } while (gone != null && !isFinishing.test(gone));
    }

    /** The client's last connection that has said DISCONNECT with something under way; null if there is none. */
    C finishing(String clientId) {
        return finishing.get(clientId);
    }

    /** Every connection that has a socket, or something under way. */
    Collection<C> all() {
        return open;
    }

    /** The sessions of clients that are online, as far as they are when they are looked at. */
    Iterator<EndedSession> online() {
        return online.values().stream().map(ConnectionRegistry::session).iterator();
    }

    /** Some of the sessions whose connections have come online since they were last taken. */
    List<EndedSession> takeArrived(int most) {
        return arrived.stream().limit(most).toList().stream()
                .filter(arrived::remove)
                .map(ConnectionRegistry::session)
                .toList();
    }

    private static EndedSession session(Recipient connection) {
        return new EndedSession(connection.clientId(), connection.sessionId());
    }

    int onlineCount() {
        return online.size();
    }
}
