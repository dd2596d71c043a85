package dev.sluice.broker.routing;

import dev.sluice.cluster.Gateway;
import dev.sluice.cluster.Gateways;
import dev.sluice.cluster.Relay;
import dev.sluice.cluster.RelayMessage.Interest;
import dev.sluice.cluster.RelayMessage.Live;
import dev.sluice.cluster.RelayMessage.Members;
import dev.sluice.cluster.RelayMessage.Readiness;
import dev.sluice.packet.Message;
import dev.sluice.store.journal.Journal;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.function.Consumer;
import java.util.function.Predicate;

/**
 * What this gateway and the others tell each other of connected clients and give each other for them; made once, before the relay starts.
 * Each part may be used from any thread.
 *
 * @param relay carries that
 * @param interest what this gateway wants for its own clients
 * @param readiness which of its members of Shared Subscriptions have too much to do
 * @param router who gets a message, here and elsewhere
 * @param deliveries gives messages to other gateways
 * @param keeping has PostgreSQL keep messages for members of Shared Subscriptions whom nobody waits for
 * @param commands the ways of commands, here and to other gateways
 * @param offers commands of other gateways
 */
public record RemoteRouting(
        Relay relay,
        OwnInterest interest,
        OwnReadiness readiness,
        FleetRouter router,
        RemoteDeliveries deliveries,
        UnfencedKeeping keeping,
        TrackedDelivery.Ways commands,
        OffersOfOthers offers) {
    /** Whether there is no other gateway. */
    public boolean isAlone() {
        return relay.isAlone();
    }

    /** Whether it is known what clients of other gateways want; while it is not, nobody is to be served. */
    public boolean isCurrent() {
        return relay.isReady() && relay.isCurrent();
    }

    /** Begins to look after what is under way, once it is known who is subscribed. */
    public void start() {
        offers.start();
        readiness.start();
    }

    public void stop() {
        offers.stop();
        readiness.stop();
        keeping.stop();
    }

    public static RemoteRouting join(
            Gateways gateways,
            Relay relay,
            Router router,
            Deliveries deliveries,
            Journal journal,
            MeterRegistry registered) {
        Executor executor = task -> Thread.ofVirtual().name("sluice-interest").start(task);
        var interest = router.interest();
        interest.announceTo(relay, executor);
        Predicate<Gateway> lives = gateway -> gateways.others().contains(gateway);
        var remote = new RemoteInterest(lives, executor);
        var members = new RemoteMembers(router, lives);
        var meters = new RemoteMeters(remote, registered);
        var everywhere = new FleetRouter(relay, router, remote);
        var others = new RemoteDeliveries(relay, everywhere, lives, meters);
        var keeping = new UnfencedKeeping(journal, meters::dropped);
        var arrivals = new RemoteArrivals(router, deliveries, keeping, meters);
        relay.on(Interest.class, remote::changed);
        relay.on(Members.class, members::changed);
        relay.on(Readiness.class, members::ready);
        relay.on(Live.class, arrivals::take);
        relay.readMailboxWhile(deliveries::haveRoomForOthers);
        relay.onForgotten(remote::forget);
        relay.onForgotten(members::forget);
        relay.onRestated(remote::restated);
        relay.onRestated(members::restated);
        relay.whole(interest::whole);
        var readiness = new OwnReadiness(relay, interest);
        relay.whole(readiness::whole);
        deliveries.otherGateways(others::passOn);
        var commands = new TrackedDelivery.Ways(
                everywhere, journal, deliveries, new NotAcknowledging(), new OffersToOthers(relay, gateways));
        var offers = new OffersOfOthers(relay, router, commands);
        return new RemoteRouting(relay, interest, readiness, everywhere, others, keeping, commands, offers);
    }

    /**
     * Makes the delivery of a message that no client has published, to be {@link TrackedDelivery#start started}.
     *
     * @param reached subscribers that an earlier attempt has reached: they get nothing more
     * @param answer is told once what has become of all copies, on any thread
     */
    public TrackedDelivery track(
            Message message, Set<SubscriberKey> reached, Consumer<TrackedDelivery.Outcome> answer) {
        return TrackedDelivery.toAll(commands, message, reached, answer);
    }
}
