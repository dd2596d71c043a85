package dev.sluice.broker;

import dev.sluice.broker.routing.LiveSubscription;
import dev.sluice.broker.routing.Match;
import dev.sluice.broker.routing.Publication;
import dev.sluice.broker.routing.Router;
import dev.sluice.packet.Message;
import dev.sluice.store.delivery.RetainedReader;
import dev.sluice.topic.TopicFilter;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;

/** Sends retained messages to clients that subscribe. Called on event loops; PostgreSQL is read on virtual threads. */
final class RetainedMessages {
    /** Messages that are sent before the client must have room again. */
    private static final int CHUNK = 64;

    private static final Duration RETRY = Duration.ofSeconds(1);

    private final Router router;
    private final SysTopics sysTopics;
    private final RetainedReader reader;

    RetainedMessages(Router router, SysTopics sysTopics, RetainedReader reader) {
        this.router = router;
        this.sysTopics = sysTopics;
        this.reader = reader;
    }

    /**
     * Sends the messages retained under these filters, with the QoS and the identifiers of the client's subscriptions.
     *
     * @param through runs on the connection's event loop when all are sent
     */
    void send(List<TopicFilter> filters, Connection connection, Runnable through) {
        var subscriber = router.find(connection.clientId());
        if (subscriber == null || connection.isClosed()) {
            through.run();
            return;
        }
        var sendings = filters.stream()
                .map(subscriber.subscriptions()::get)
                .filter(Objects::nonNull)
                .map(subscription -> new Sending(subscription, connection))
                .toList();
        read(sendings, connection, through);
    }

    private void read(List<Sending> sendings, Connection connection, Runnable through) {
        Runnable again = () -> connection.loop().after(RETRY, () -> read(sendings, connection, through));
        Runnable reading = () -> {
            for (var sending : sendings) if (!sending.isThrough()) sending.run();
            connection.loop().execute(through);
        };
        StoreThreads.read(connection.clientId(), reading, again, connection::unreadable);
    }

    /** The retained messages of one subscription on their way to the client; confined to the thread that reads them. */
    private final class Sending {
        private final LiveSubscription subscription;
        private final Connection connection;
        private int sent;
        /** Messages passed over: those that were sent before PostgreSQL went away come first again. */
        private int skipped;

        private boolean through;

        Sending(LiveSubscription subscription, Connection connection) {
            this.subscription = subscription;
            this.connection = connection;
        }

        boolean isThrough() {
            return through;
        }

        /** Goes on where it was interrupted: the order is always the same. */
        void run() {
            skipped = 0;
            sysTopics.matching(subscription.filter(), this::send);
            reader.matching(subscription.filter(), this::send);
            through = true;
        }

        private void send(Message message) {
            if (connection.isClosed() || skipped++ < sent) return;
            var publication = Publication.of(message, List.of(Match.retained(subscription)));
            connection.loop().execute(() -> connection.give(publication));
            if (++sent % CHUNK == 0) awaitRoom();
        }

        private void awaitRoom() {
            var room = new CountDownLatch(1);
            connection.loop().execute(() -> connection.whenReady(room::countDown));
            try {
                room.await();
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
            }
        }
    }
}
