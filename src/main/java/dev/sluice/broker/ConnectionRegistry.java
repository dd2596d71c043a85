package dev.sluice.broker;

import dev.sluice.broker.routing.Recipient;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;

/** Owns the set of open connections, and knows which of them holds which client's session. Any thread may use it. */
final class ConnectionRegistry<C extends Recipient> {
    private final Consumer<C> takenOver;
    private final Set<C> open = ConcurrentHashMap.newKeySet();
    private final Map<String, C> online = new ConcurrentHashMap<>();
    /** The last connection of each client that has said DISCONNECT with something under way. */
    private final Map<String, C> finishing = new ConcurrentHashMap<>();

    /** @param takenOver gets a connection whose client another one has taken */
    ConnectionRegistry(Consumer<C> takenOver) {
        this.takenOver = takenOver;
    }

    void add(C connection) {
        open.add(connection);
    }

    void remove(C connection) {
        open.remove(connection);
        if (connection.clientId() != null) offline(connection);
    }

    /** Gives the client to the connection of the later epoch, and ends the other one [MQTT-3.1.4-3]. */
    void online(C connection) {
        online.merge(connection.clientId(), connection, (one, other) -> {
            var newer = one.epoch() > other.epoch() ? one : other;
            var older = newer == one ? other : one;
            if (newer != older) takenOver.accept(older);
            return newer;
        });
    }

    /** Nobody holds the client, unless another connection does. */
    void offline(C connection) {
        online.remove(connection.clientId(), connection);
    }

    /** The client has said DISCONNECT, and what it has published is still under way. */
    void finishing(C connection) {
        finishing.put(connection.clientId(), connection);
        offline(connection);
    }

    void finished(C connection) {
        finishing.remove(connection.clientId(), connection);
    }

    /** The client's last connection that has said DISCONNECT with something under way; null if there is none. */
    C finishing(String clientId) {
        return finishing.get(clientId);
    }

    /** Every connection that has a socket, or something under way. */
    Collection<C> all() {
        return open;
    }

    int onlineCount() {
        return online.size();
    }
}
