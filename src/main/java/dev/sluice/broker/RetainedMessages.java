package dev.sluice.broker;

import dev.sluice.clock.ThrottledLog;
import dev.sluice.session.QueueMemory;
import dev.sluice.store.delivery.RetainedReader;
import dev.sluice.store.delivery.RetainedTopics;
import dev.sluice.topic.NameIndex;
import dev.sluice.topic.TopicFilter;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;

/**
 * What all {@link RetainedTransfer transfers} of retained messages share. Any thread may use it.
 *
 * @param memory the bytes that wait in memory for all clients together
 * @param alone whether there has been no other gateway, of whose retained messages this one has not heard
 */
record RetainedMessages(RetainedTopics topics, RetainedReader reader, QueueMemory memory, BooleanSupplier alone) {
    private static final ThrottledLog LOG = new ThrottledLog(Logger.getLogger(RetainedMessages.class));

    /** Names that an event loop looks at before it leaves the search to another thread. */
    private static final int STEPS = 64;

    /** Whether all topics are known that have a retained message. */
    boolean knowsAll() {
        return alone.getAsBoolean() && topics.isLoaded();
    }

    /** Whether a topic that the filter matches may have a retained message: false is certain. */
    boolean mayMatch(TopicFilter filter) {
        if (!knowsAll()) return true;
        var found = topics.find(filter, NameIndex.Place.START, 1, STEPS);
        return !found.names().isEmpty() || !found.isEnd();
    }

    void late(String clientId) {
        LOG.warn("client " + clientId
                + " waits for retained messages: PostgreSQL does not answer within sluice.store.read-timeout; it is"
                + " asked again every second");
    }
}
