package dev.sluice.broker;

import dev.sluice.store.StoreUnavailable;
import java.util.function.Consumer;
import org.jboss.logging.Logger;

/** Reads from PostgreSQL for connections, each time on a virtual thread of its own. Stateless: any thread may use it. */
final class StoreThreads {
    private static final Logger LOG = Logger.getLogger(StoreThreads.class);

    private StoreThreads() {}

    /**
     * Runs a read.
     *
     * @param away runs on the same thread if PostgreSQL does not answer
     * @param failed is given any other failure, on the same thread
     */
    static void read(String clientId, Runnable reading, Runnable away, Consumer<Throwable> failed) {
        Thread.ofVirtual().name("sluice-read").start(() -> {
            try {
                reading.run();
            } catch (StoreUnavailable unavailable) {
                LOG.debugf("client %s waits: %s", clientId, unavailable.getMessage());
                away.run();
            } catch (Throwable bug) { // an Error, too: else the connection would wait for this read for ever
                failed.accept(bug);
            }
        });
    }
}
