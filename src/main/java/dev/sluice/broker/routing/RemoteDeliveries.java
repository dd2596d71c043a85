package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Relay;
import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.packet.Message;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Predicate;

/** Gives messages to other gateways, for clients that PostgreSQL does not keep them for. Any thread may use it, and nobody waits. */
public final class RemoteDeliveries {
    private final Relay relay;
    private final FleetRouter router;
    private final Predicate<Gateway> lives;
    private final RemoteMeters meters;

    RemoteDeliveries(Relay relay, FleetRouter router, Predicate<Gateway> lives, RemoteMeters meters) {
        this.relay = relay;
        this.router = router;
        this.lives = lives;
        this.meters = meters;
    }

    /** Whether a message may have to go to other gateways; of one that is retained, that is not known before it is committed. */
    public boolean isOwed(Publication publication) {
        if (publication.stamp() > 0) return !relay.isAlone();
        return publication.hasRemote();
    }

    /**
     * Gives it to all other gateways that are owed it. A message that is retained is given once it is committed: who subscribes meanwhile
     * and does not find it yet is known by then.
     *
     * @param publisher client id, for No Local; null if no client has published it
     * @param then told once whether Kafka has it for all of them, on any thread, possibly before this returns
     */
    public void send(Publication publication, String publisher, Consumer<Boolean> then) {
        var message = publication.message();
        var remote = publication.stamp() > 0 && !relay.isAlone()
                ? router.again(message.topicName(), publication.remote())
                : publication.remote();
        var answers = new Answers(then);
        for (int i = 0; i < remote.size(); i++) {
            var match = remote.get(i);
            if (!match.isFor(message)) continue;
            answers.missing.incrementAndGet();
            send(match, message, publisher, answers);
        }
        answers.accept(true);
    }

    /** A message of QoS 0 is lost to other gateways, as too many wait for one that is retained. */
    public void drop() {
        meters.failed();
    }

    /**
     * Gives a message that a member of a Shared Subscription has left, or cannot take, to members elsewhere. It goes on no further.
     *
     * @param then as in {@link #send}, but false if a gateway is gone: what waited for Kafka nobody reads any more, and yet another member may
     *     have it
     */
    void passOn(Publication another, Consumer<Boolean> then) {
        var answers = new Answers(then);
        for (var match : another.remote()) {
            answers.missing.incrementAndGet();
            send(match, another.message(), null, has -> answers.accept(has && lives.test(match.gateway())));
        }
        answers.accept(true);
    }

    private void send(RemoteMatch match, Message message, String publisher, Consumer<Boolean> then) {
        meters.sent(message.qos());
        relay.send(match.gateway(), new Live(message, publisher, match.isForOwn(message), match.chosen()), has -> {
            if (!has) meters.failed();
            then.accept(has);
        });
    }

    /** Waits for the answers about one message. */
    private static final class Answers implements Consumer<Boolean> {
        private final AtomicInteger missing = new AtomicInteger(1);
        private final Consumer<Boolean> then;
        private volatile boolean failed;

        Answers(Consumer<Boolean> then) {
            this.then = then;
        }

        @Override
        public void accept(Boolean has) {
            if (!has) failed = true;
            if (missing.decrementAndGet() == 0) then.accept(!failed);
        }
    }
}
