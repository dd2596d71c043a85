package dev.sluice.broker;

import dev.sluice.access.rule.RequesterJson;
import dev.sluice.broker.routing.Publication;
import dev.sluice.packet.Message;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Will;
import dev.sluice.store.journal.JournalWrite;
import dev.sluice.store.session.Wills.DueWill;
import dev.sluice.uplink.ClientUplink;
import dev.sluice.uplink.Forwarding;
import dev.sluice.uplink.Prospect;
import org.jboss.logging.Logger;

/**
 * One will under way: to subscribers and to its topic's retained message first, which waits for PostgreSQL alone, then to Kafka. Confined to
 * the {@link WillPublisher}'s thread.
 */
final class PendingWill {
    private static final Logger LOG = Logger.getLogger(PendingWill.class);

    private final WillPublisher publisher;
    private final DueWill due;
    /** Null before it goes to Kafka. */
    private ClientUplink client;

    private JournalWrite unsubmitted;
    private boolean told;
    private boolean over;

    PendingWill(WillPublisher publisher, DueWill due) {
        this.publisher = publisher;
        this.due = due;
        this.told = due.delivered();
    }

    DueWill due() {
        return due;
    }

    /** Whether subscribers have it, or are not to get it. */
    boolean isTold() {
        return told;
    }

    boolean isForwarding() {
        return client != null;
    }

    void start() {
        if (told) {
            forward();
            return;
        }
        switch (prospect()) {
            case Prospect.Forwarded _ -> tell(true);
            case Prospect.Unmatched _ -> tell(false);
            case Prospect.DeadLettered _, Prospect.UnmatchedDeadLetter _ -> told(true);
            case Prospect.Refused(var _, var why) -> refused(why);
        }
    }

    private Prospect prospect() {
        return publisher
                .check()
                .prospect(due.will(), RequesterJson.read(due.clientId(), due.requester()), due.username());
    }

    /** Whoever is subscribed now gets it. */
    private void tell(boolean thenForward) {
        var message = Message.of(due.will(), System.currentTimeMillis());
        var publication = publisher.publication(message, due.clientId());
        if (!publication.isKept()) {
            give(publication, thenForward);
            return;
        }
        unsubmitted = JournalWrite.Accept.ofWill(
                        due.clientId(),
                        due.id(),
                        publication.message(),
                        publication.copies(),
                        outcome -> publisher.execute(() -> kept(publication, outcome, thenForward)))
                .stamped(publication.stamp());
        retry();
    }

    private void kept(Publication publication, JournalWrite.Outcome outcome, boolean thenForward) {
        if (outcome != JournalWrite.Outcome.COMMITTED) {
            refused("PostgreSQL does not keep it");
            return;
        }
        publication.committed();
        give(publication, thenForward);
    }

    private void give(Publication publication, boolean thenForward) {
        publisher.deliveries().send(publication, this::keep, () -> told(thenForward));
    }

    /** What a member of a Shared Subscription could not take. */
    private void keep(Publication publication, Runnable then) {
        unsubmitted = JournalWrite.Accept.unfenced(
                due.clientId(),
                publication.message(),
                publication.copies(),
                false,
                outcome -> publisher.execute(() -> {
                    if (outcome == JournalWrite.Outcome.COMMITTED) publication.committed();
                    then.run();
                }));
        retry();
    }

    private void told(boolean thenForward) {
        told = true;
        publisher.told(this);
        if (!thenForward) published();
        else if (publisher.mayForward()) forward();
        else giveBack();
    }

    private void forward() {
        client = publisher.open(this, this::forwarded);
        forward(publish(due.will()));
    }

    private void forward(Packet.Publish publish) {
        if (over || !client.check(publish, () -> forward(publish))) return;
        switch (client.forward(publish, System.currentTimeMillis(), null)) {
            case ClientUplink.Admission.UnderWay _, ClientUplink.Admission.DeadLettered _ -> {}
            // At QoS 0 Kafka may do without it while it is behind; and a route that took it may be gone.
            case ClientUplink.Admission.Unmatched _, ClientUplink.Admission.Shed _ -> published();
            case ClientUplink.Admission.Refused(var _, var why) -> refused(why);
        }
    }

    private void forwarded(Forwarding forwarding) {
        if (over) return;
        if (forwarding.failedForNow()) giveBack();
        else if (forwarding.outcome().isError()) refused(forwarding.why());
        else published();
    }

    /** Offers again what the journal or Kafka had no room for. */
    void retry() {
        if (client != null) client.retry();
        if (unsubmitted != null && publisher.journal().submit(unsubmitted)) unsubmitted = null;
    }

    private void published() {
        publisher.meters().willPublished();
        done();
    }

    private void refused(String why) {
        LOG.warnf("the will of client %s is refused: %s", due.clientId(), why);
        publisher.meters().willRefused();
        done();
    }

    private void done() {
        close();
        publisher.done(this);
    }

    /** Kafka gets it later. */
    private void giveBack() {
        close();
        publisher.giveBack(this);
    }

    void close() {
        over = true;
        if (client != null) client.close();
    }

    private static Packet.Publish publish(Will will) {
        return new Packet.Publish(
                false, will.qos(), will.retain(), will.topicName(), 0, will.properties(), will.payload());
    }
}
