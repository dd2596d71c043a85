package dev.sluice.broker;

import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import java.util.Collection;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** Owns the set of open connections, and knows which of them holds which client's session. Any thread may use it. */
final class ConnectionRegistry {
    private final Set<Connection> open = ConcurrentHashMap.newKeySet();
    private final Map<String, Connection> online = new ConcurrentHashMap<>();
    /** The last connection of each client that has said DISCONNECT with something under way. */
    private final Map<String, Connection> finishing = new ConcurrentHashMap<>();

    void add(Connection connection) {
        open.add(connection);
    }

    void remove(Connection connection) {
        open.remove(connection);
        if (connection.clientId() != null) offline(connection);
    }

    /** Gives the client to the connection of the later epoch, and ends the other one [MQTT-3.1.4-3]. */
    void online(Connection connection) {
        online.merge(connection.clientId(), connection, (one, other) -> {
            var newer = one.epoch() > other.epoch() ? one : other;
            var older = newer == one ? other : one;
            if (newer != older)
                older.tell(new Event.Ended(
                        ReasonCode.SESSION_TAKEN_OVER, "another connection uses this client identifier"));
            return newer;
        });
    }

    /** Nobody holds the client, unless another connection does. */
    void offline(Connection connection) {
        online.remove(connection.clientId(), connection);
    }

    /** The client has said DISCONNECT, and what it has published is still under way. */
    void finishing(Connection connection) {
        finishing.put(connection.clientId(), connection);
        offline(connection);
    }

    void finished(Connection connection) {
        finishing.remove(connection.clientId(), connection);
    }

    /** The client's last connection that has said DISCONNECT with something under way; null if there is none. */
    Connection finishing(String clientId) {
        return finishing.get(clientId);
    }

    /** Every socket, whether its session is open or not. */
    Collection<Connection> all() {
        return open;
    }

    int onlineCount() {
        return online.size();
    }
}
