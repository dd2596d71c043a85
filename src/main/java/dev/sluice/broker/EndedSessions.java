package dev.sluice.broker;

import dev.sluice.broker.routing.Recipient;
import dev.sluice.broker.routing.Router;
import dev.sluice.session.Event;
import dev.sluice.store.SessionsEnded.EndedSession;
import java.util.function.BiConsumer;

/**
 * Has the connections that hold sessions that are over end, and the {@link Router} forget those. Any thread may use it.
 *
 * @param tell gives a connection its end
 */
record EndedSessions<C extends Recipient>(Router router, ConnectionRegistry<C> registry, BiConsumer<C, Event> tell) {
    void end(EndedSession session, Event end) {
        var connection = registry.find(session.clientId(), session.id());
        if (connection != null) tell.accept(connection, end);
        router.forget(session.clientId(), session.id());
    }
}
