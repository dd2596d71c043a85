package dev.sluice.broker;

import dev.sluice.broker.routing.Interest;
import dev.sluice.broker.routing.Match;
import dev.sluice.broker.routing.Publication;
import dev.sluice.packet.Message;
import dev.sluice.store.delivery.RetainedReader;
import dev.sluice.topic.TopicFilter;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;

/** Sends retained messages to clients that subscribe. Called on event loops; PostgreSQL is read on virtual threads. */
final class RetainedMessages {
    /** How many are sent before the client has to have room again. */
    private static final int CHUNK = 64;

    private static final Duration RETRY = Duration.ofSeconds(1);

    private final Broker broker;
    private final RetainedReader reader;

    RetainedMessages(Broker broker, RetainedReader reader) {
        this.broker = broker;
        this.reader = reader;
    }

    /**
     * Sends what is retained under these filters, with the QoS and identifiers of the client's subscriptions to them.
     *
     * @param through runs on the connection's event loop when all are sent
     */
    void send(List<TopicFilter> filters, Connection connection, Runnable through) {
        var subscriber = broker.router().find(connection.clientId());
        if (subscriber == null || connection.isClosed()) {
            through.run();
            return;
        }
        var sendings = filters.stream()
                .map(subscriber.interests()::get)
                .filter(Objects::nonNull)
                .map(interest -> new Sending(interest, connection))
                .toList();
        read(sendings, connection, through);
    }

    private void read(List<Sending> sendings, Connection connection, Runnable through) {
        Runnable again = () -> connection.loop().after(RETRY, () -> read(sendings, connection, through));
        broker.read(connection, again, () -> {
            for (var sending : sendings) if (!sending.isThrough()) sending.run();
            connection.loop().execute(through);
        });
    }

    /** The retained messages of one subscription on their way to the client; confined to the thread that reads them. */
    private final class Sending {
        private final Interest interest;
        private final Connection connection;
        private int sent;
        /** How many were sent when PostgreSQL went away: they come first again. */
        private int skipped;

        private boolean through;

        Sending(Interest interest, Connection connection) {
            this.interest = interest;
            this.connection = connection;
        }

        boolean isThrough() {
            return through;
        }

        /** Goes on where it was interrupted: the order is always the same. */
        void run() {
            skipped = 0;
            broker.sysTopics().matching(interest.filter(), this::send);
            reader.matching(interest.filter(), this::send);
            through = true;
        }

        private void send(Message message) {
            if (connection.isClosed() || skipped++ < sent) return;
            var publication = Publication.of(message, List.of(Match.retained(interest)));
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
