package dev.sluice.store.session;

import dev.sluice.config.StoreConfig;
import dev.sluice.packet.Will;
import dev.sluice.store.StoreCalls;
import dev.sluice.store.StoreHealth;
import dev.sluice.store.StoreUnavailable;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Timer;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.util.List;
import javax.sql.DataSource;

/** Opens sessions; blocks, so it is called on virtual threads, any number of them. */
@ApplicationScoped
public class SessionStore {
    private final StoreCalls calls;
    private final OpenBatches batches;
    private final StoreHealth health;
    private final SessionCount count;
    private final Timer opening;

    public SessionStore(DataSource dataSource, StoreConfig config, StoreHealth health, MeterRegistry meters) {
        this.calls = new StoreCalls(dataSource, health, config.openConcurrency(), config.openTimeout());
        this.health = health;
        this.count = new SessionCount(config.sessionsMaximum());
        this.batches = new OpenBatches(calls, config.openConcurrency(), config.openTimeout(), count);
        this.opening = meters.timer("sluice.session.open");
    }

    /**
     * What to open.
     *
     * @param expirySeconds 0 ends with the connection, 4294967295 never
     * @param username null without a user name
     * @param will null without a will
     */
    public record OpenRequest(
            String clientId,
            boolean cleanStart,
            int protocolLevel,
            long expirySeconds,
            String username,
            String node,
            Will will) {}

    /**
     * What was opened; a session that is not resumed holds nothing.
     *
     * @param present whether an unexpired earlier session was resumed
     * @param id the session's identity, the same until it ends
     * @param sentSeq the rows of the queue up to this place may have been sent before: they carry DUP
     * @param lastSeq the place of the last message that was put into the queue, 0 for none ever
     * @param queued whether the queue holds rows
     * @param retainedDue whether a subscription has not been given all retained messages that it is owed
     */
    public record OpenedSession(
            boolean present,
            long id,
            long epoch,
            List<ReceivedPublish> received,
            List<StoredSubscription> subscriptions,
            long sentSeq,
            long lastSeq,
            boolean queued,
            boolean retainedDue) {}

    /** A QoS 2 PUBLISH that was taken and waits for its PUBREL. */
    public record ReceivedPublish(int packetId, String messageId) {}

    /** Whether PostgreSQL answered when it was asked last. */
    public boolean isAvailable() {
        return health.available();
    }

    /**
     * Opens or resumes under a new epoch, which fences every earlier owner; concurrent opens of one client id take turns. An earlier
     * session that is not resumed ends: what it holds is gone, and its will is due. Of one that is resumed, the will is withdrawn if its
     * delay has not passed [MQTT-3.1.3-9], and due if it has none [MQTT-3.1.4-3].
     *
     * @param within returns or throws in this time: what is left of {@code sluice.store.open-timeout}
     * @throws StoreUnavailable when PostgreSQL cannot be asked now
     * @throws TooManySessions when it would be one more than {@code sluice.store.sessions-maximum}
     * @throws IllegalArgumentException when PostgreSQL refuses the row, such as for a client id longer than 2,048 bytes
     */
    public OpenedSession open(OpenRequest request, Duration within) {
        var sample = Timer.start();
        try {
            count.refresh(calls);
            return batches.open(request, within);
        } finally {
            sample.stop(opening);
        }
    }
}
