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
    /** Null before a record is made of it. */
    private ClientUplink client;
    /** What other gateways are owed of it, through Kafka. */
    private Publication sent = Publication.NOBODYS;

    private boolean forwarding;
    /** Whether there is a route for it. */
    private boolean routed = true;

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
        return forwarding;
    }

    void start() {
        var prospect = prospect();
        var isForSubscribers = prospect instanceof Prospect.Forwarded || prospect instanceof Prospect.Unmatched;
        if (told) {
            if (isForSubscribers) sent = publisher.elsewhere(message());
            forward();
        } else if (prospect instanceof Prospect.Refused(var _, var why)) {
            refused(why);
        } else if (isForSubscribers) {
            routed = prospect instanceof Prospect.Forwarded;
            tell();
        } else {
            told();
        }
    }

    private Message message() {
        return Message.of(due.will(), System.currentTimeMillis());
    }

    private Prospect prospect() {
        return publisher
                .check()
                .prospect(due.will(), RequesterJson.read(due.clientId(), due.requester()), due.username());
    }

    /** Whoever is subscribed now gets it. */
    private void tell() {
        var publication = publisher.publication(message(), due.clientId());
        sent = publication;
        if (!publication.isKept()) {
            give(publication);
            return;
        }
        unsubmitted = JournalWrite.Accept.ofWill(
                        due.clientId(),
                        due.id(),
                        publication.message(),
                        publication.copies(),
                        outcome -> publisher.execute(() -> kept(publication, outcome)))
                .stamped(publication.stamp());
        retry();
    }

    private void kept(Publication publication, JournalWrite.Outcome outcome) {
        if (outcome != JournalWrite.Outcome.COMMITTED) {
            refused("PostgreSQL does not keep it");
            return;
        }
        publication.committed();
        give(publication);
    }

    private void give(Publication publication) {
        publisher.deliveries().send(publication, this::keep, this::told);
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

    private void told() {
        told = true;
        publisher.told(this);
        if (!routed && !publisher.remote().isOwed(sent)) published();
        else if (publisher.mayForward()) forward();
        else giveBack();
    }

    /** Through Kafka: to other gateways first, as nobody would send it there again once it is published. */
    private void forward() {
        forwarding = true;
        publisher.forwarding(this);
        if (publisher.remote().isOwed(sent))
            publisher.remote().send(sent, due.clientId(), has -> publisher.execute(() -> sent(has)));
        else makeRecord();
    }

    private void sent(boolean has) {
        if (over) return;
        if (has) makeRecord();
        else giveBack();
    }

    private void makeRecord() {
        if (routed) {
            client = publisher.open(due, this::forwarded);
            forward(publish(due.will()));
        } else {
            published();
        }
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
