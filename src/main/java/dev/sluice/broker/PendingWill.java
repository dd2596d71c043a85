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
 * One will under way: to subscribers and to its topic's retained message first, which waits for PostgreSQL alone, then to other gateways, and
 * to Kafka. Confined to the {@link WillPublisher}'s thread.
 */
final class PendingWill {
    /** What is waited for. */
    enum Stage {
        /** PostgreSQL, for subscribers here and for all who are away. */
        TELLING,
        /** Kafka, for clients of other gateways. */
        TELLING_OTHERS,
        /** Kafka, for the record. */
        FORWARDING
    }

    private static final Logger LOG = Logger.getLogger(PendingWill.class);

    private final WillPublisher publisher;
    private final DueWill due;
    /** That of this gateway which has claimed it; once others have declared it dead, the will is theirs. */
    private final long run;
    /** Null before a record is made of it. */
    private ClientUplink client;
    /** What other gateways are owed of it, through Kafka. */
    private Publication sent = Publication.NOBODYS;

    /** Whether this run of the gateway has told its own clients before. */
    private final boolean toldHere;

    private Stage stage;
    /** Whether there is a route for it. */
    private boolean routed = true;

    private JournalWrite unsubmitted;
    private boolean told;
    private boolean everywhere;
    private boolean over;

    PendingWill(WillPublisher publisher, DueWill due, boolean toldHere) {
        this.publisher = publisher;
        this.due = due;
        this.run = publisher.journal().run();
        this.toldHere = toldHere;
        this.told = due.delivered();
        this.everywhere = due.everywhere();
        this.stage = everywhere ? Stage.FORWARDING : told ? Stage.TELLING_OTHERS : Stage.TELLING;
    }

    DueWill due() {
        return due;
    }

    /** Whether subscribers that this gateway knows have it, or are not to get it. */
    boolean isTold() {
        return told;
    }

    /** Whether clients of all gateways have it, or are not to get it. */
    boolean isToldEverywhere() {
        return everywhere;
    }

    Stage stage() {
        return stage;
    }

    void start() {
        var prospect = prospect();
        var isForSubscribers = prospect instanceof Prospect.Forwarded || prospect instanceof Prospect.Unmatched;
        if (told) {
            everywhere |= !isForSubscribers;
            tellAgain();
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
                .stamped(publication.stamp())
                .since(run);
        retry();
    }

    private void kept(Publication publication, JournalWrite.Outcome outcome) {
        if (isOthers(outcome)) return;
        if (outcome != JournalWrite.Outcome.COMMITTED) {
            refused("PostgreSQL does not keep it");
            return;
        }
        publication.committed();
        var newcomers = publisher.router().newcomers(publication, due.clientId());
        if (newcomers.hasCopies()) keep(newcomers, () -> give(publication));
        else give(publication);
    }

    private void give(Publication publication) {
        publisher.deliveries().send(publication, this::keep, this::told);
    }

    /** What a member of a Shared Subscription could not take, or who has subscribed meanwhile is owed. */
    private void keep(Publication publication, Runnable then) {
        unsubmitted = JournalWrite.Accept.unfenced(
                        due.clientId(),
                        publication.message(),
                        publication.copies(),
                        false,
                        outcome -> publisher.execute(() -> {
                            if (isOthers(outcome)) return;
                            if (outcome == JournalWrite.Outcome.COMMITTED) publication.committed();
                            then.run();
                        }))
                .since(run);
        retry();
    }

    /** Whether it is for other gateways to publish, as this one was taken for dead; then nothing more is done about it. */
    private boolean isOthers(JournalWrite.Outcome outcome) {
        return over || outcome == JournalWrite.Outcome.FENCED && leave();
    }

    /** The same before a next step: of another run, whatever was claimed is free. */
    private boolean isOthers() {
        return over || publisher.journal().run() != run && leave();
    }

    private boolean leave() {
        giveBack(false);
        return true;
    }

    private void told() {
        if (isOthers()) return;
        told = true;
        publisher.told(this);
        if (!publisher.remote().isOwed(sent)) toldEverywhere();
        else if (publisher.hasRoom(Stage.TELLING_OTHERS)) tellOthers();
        else giveBack(false);
    }

    /** One that waited in PostgreSQL for Kafka. If another gateway has left it there, clients of any may lack it. */
    private void tellAgain() {
        if (everywhere) {
            toldEverywhere();
        } else if (toldHere) {
            sent = publisher.router().elsewhere(message());
            tellOthers();
        } else {
            sent = publisher.router().connected(message(), due.clientId());
            publisher.deliveries().send(sent, this::keep, this::tellOthers);
        }
    }

    /** At once, whatever its record has to wait for: whoever makes that does not know whom this gateway has told. */
    private void tellOthers() {
        enter(Stage.TELLING_OTHERS);
        publisher.remote().send(sent, due.clientId(), has -> publisher.execute(() -> sent(has)));
    }

    private void sent(boolean has) {
        if (over) return;
        if (has) toldEverywhere();
        else giveBack(true);
    }

    private void toldEverywhere() {
        everywhere = true;
        if (!routed) published();
        else if (due.delivered() || publisher.mayForward()) makeRecord();
        else giveBack(false);
    }

    private void makeRecord() {
        if (isOthers()) return;
        enter(Stage.FORWARDING);
        client = publisher.open(due, this::forwarded);
        forward(publish(due.will()));
    }

    private void enter(Stage next) {
        publisher.moves(this, next);
        stage = next;
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
        if (forwarding.failedForNow()) giveBack(true);
        else if (forwarding.outcome().isError()) refused(forwarding.why());
        else published();
    }

    /** Offers again what the journal or Kafka had no room for. */
    void retry() {
        if (unsubmitted == null && isOthers()) return; // what is announced has to be settled by the journal
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

    /**
     * Kafka gets it later.
     *
     * @param isRefused whether Kafka does not take it now
     */
    private void giveBack(boolean isRefused) {
        close();
        publisher.giveBack(this, isRefused);
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
