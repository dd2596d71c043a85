package dev.sluice.store.delivery;

import dev.sluice.codec.InputBounds;
import dev.sluice.packet.Message;
import dev.sluice.packet.Properties;
import dev.sluice.store.StoredMessage;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import jakarta.enterprise.context.ApplicationScoped;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.jboss.logging.Logger;

/**
 * Reads messages out of rows within the bounds of what clients may send. What is above them, because it was stored when they were wider, is
 * counted, and logged once; no client gets it. Any thread may use it.
 */
@ApplicationScoped
public class BoundedMessages {
    private static final Logger LOG = Logger.getLogger(BoundedMessages.class);

    private final InputBounds bounds;
    private final Counter above;
    private final AtomicBoolean said = new AtomicBoolean();

    public BoundedMessages(InputBounds bounds, MeterRegistry meters) {
        this.bounds = bounds;
        this.above = Counter.builder("sluice.store.above.bounds")
                .description("What PostgreSQL holds of a time with wider bounds, and is skipped")
                .tag("what", "message")
                .register(meters);
    }

    /** As {@link StoredMessage#read}; properties above the bounds come with their {@link Properties#excess}. */
    Message read(ResultSet row) throws SQLException {
        var message = StoredMessage.read(row, bounds);
        var mistake = mistake(message);
        if (mistake == null) return message;
        above.increment();
        if (!said.getAndSet(true))
            LOG.warnf(
                    "a message in PostgreSQL is skipped: %s; further ones are counted in sluice_store_above_bounds_total, and not logged",
                    mistake);
        return message;
    }

    /** Whether it is one that no client gets. */
    public boolean isAbove(Message message) {
        return mistake(message) != null;
    }

    private String mistake(Message message) {
        var excess = message.properties().excess();
        if (excess != null) return excess.why();
        if (!message.topicName().hasMoreLevelsThan(bounds.topicLevels())) return null;
        return InputBounds.sentence(
                InputBounds.TOPIC_LEVELS, "the topic has more than " + bounds.topicLevels() + " levels");
    }
}
