package dev.sluice.broker;

import dev.sluice.access.Method;
import dev.sluice.packet.Packet;
import dev.sluice.packet.QoS;
import dev.sluice.packet.ReasonCode;
import dev.sluice.session.Event;
import dev.sluice.topic.TopicName;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * Takes the tokens that a client publishes to {@link TopicName#RENEWAL}, so that its connection goes on when the one that let it in expires;
 * the client is answered when its token was judged. Confined to the connection's event loop.
 */
final class TokenRenewals {
    /** There is no record that a repeat would have to carry. */
    private static final String NO_RECORD = "";

    private final Proof proof;
    private final Runnable renewed;
    private final Consumer<Event> session;
    private final IntConsumer forNobody;

    /**
     * @param renewed runs when the client has a newer identity
     * @param session is told what has become of a message, and reads on
     * @param forNobody takes the packet identifiers of QoS 2 messages that nobody gets
     */
    TokenRenewals(Proof proof, Runnable renewed, Consumer<Event> session, IntConsumer forNobody) {
        this.proof = proof;
        this.renewed = renewed;
        this.session = session;
        this.forNobody = forNobody;
    }

    /** Whether a message is a token; to a client that came without one, the topic is one of the server's own like any other. */
    boolean concern(Packet.Publish publish) {
        return publish.topicName().equals(TopicName.RENEWAL) && proof.identity().method() == Method.TOKEN;
    }

    /** Has a message judged if it is a token; nobody else gets it. */
    boolean take(Packet.Publish publish) {
        if (!concern(publish)) return false;
        proof.renew(publish.payload(), outcome -> judged(publish, outcome));
        return true;
    }

    private void judged(Packet.Publish publish, Event outcome) {
        switch (outcome) {
            case Event.Authenticated _ -> {
                renewed.run();
                answer(publish, ReasonCode.SUCCESS, null);
            }
            case Event.Denied(var reason, var why) -> answer(publish, ofPublish(reason), "the token: " + why);
            default -> session.accept(outcome);
        }
    }

    /** The one of the reasons for which a PUBLISH may be refused. */
    private static ReasonCode ofPublish(ReasonCode reason) {
        return switch (reason) {
            case SERVER_BUSY, SERVER_UNAVAILABLE, CONNECTION_RATE_EXCEEDED -> ReasonCode.IMPLEMENTATION_SPECIFIC_ERROR;
            default -> ReasonCode.NOT_AUTHORIZED;
        };
    }

    private void answer(Packet.Publish publish, ReasonCode outcome, String why) {
        if (publish.qos() == QoS.AT_MOST_ONCE) return;
        if (publish.qos() == QoS.EXACTLY_ONCE && !outcome.isError()) forNobody.accept(publish.packetId());
        session.accept(new Event.Forwarded(publish.packetId(), publish.qos(), outcome, why, NO_RECORD));
    }
}
