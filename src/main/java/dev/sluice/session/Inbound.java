package dev.sluice.session;

import dev.sluice.codec.InputBounds;
import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicName;
import java.util.SortedMap;
import java.util.function.Consumer;
import java.util.function.LongSupplier;

/**
 * What the client publishes, from PUBLISH to PUBACK or PUBCOMP: admission, order of answers, QoS 2 packet identifiers. A PUBLISH that
 * may not go on is held, and all that follow it, so that everything else of the client is read on.
 * Confined to the connection's event loop.
 */
final class Inbound {
    /** Held PUBLISHes that go on in one turn of the event loop. */
    private static final int TURN = 256;

    private final boolean v5;
    private final Limits limits;
    private final Grant grant;
    private final LongSupplier clock;
    private final Holding holding;
    /** True if QoS 2 identifiers outlive the connection, so that a PUBCOMP waits for the journal. */
    private final boolean durable;

    private final TopicAliases aliases;
    private final HeldPublishes held;
    private final InboundWindow atLeastOnce = new InboundWindow();
    private final InboundExchanges exactlyOnce = new InboundExchanges();
    /** Answered with PUBREC, waiting for PUBREL. */
    private final PacketIds received = new PacketIds();
    /** Those of earlier connections, which the Receive Maximum of this one does not count (section 4.9). */
    private final EarlierPublishes resumed;
    /** PUBREL has come, the journal has yet to forget the identifier. */
    private final PacketIds releasing = new PacketIds();
    /** The client is gone and awaits no answer. */
    private boolean finishing;

    /** @param clock milliseconds since 1970 */
    Inbound(
            boolean v5,
            boolean durable,
            Limits limits,
            Grant grant,
            SortedMap<Integer, String> received,
            Holding holding,
            LongSupplier clock) {
        this.v5 = v5;
        this.limits = limits;
        this.grant = grant;
        this.durable = durable;
        this.holding = holding;
        this.clock = clock;
        this.held = new HeldPublishes(holding);
        this.aliases =
                new TopicAliases(limits.topicAliasMaximum(), limits.input().topicAliasBytes());
        received.keySet().forEach(this.received::add);
        this.resumed = new EarlierPublishes(received);
    }

    /** Returns whether the client may be read on: a PUBLISH that would follow could still be held. */
    boolean wantsMore() {
        return !held.isFull();
    }

    /** Returns whether a PUBLISH waits for its answer from Kafka or from the journal. */
    boolean isWaiting() {
        return inFlight() + releasing.size() > 0;
    }

    /** Returns whether a PUBLISH was read and has not gone on yet. */
    boolean isHolding() {
        return !held.isEmpty();
    }

    /** Returns whether a PUBLISH that is held could go on. */
    boolean canResume() {
        return !held.isEmpty() && isAdmissible(held.first().publish());
    }

    /** Returns whether a PUBLISH is held because there is no room for it. */
    boolean lacksRoom() {
        return !held.isEmpty() && !mayPublish(held.first().publish());
    }

    /** Returns whether the client has been sent a PUBREC on this connection that it has not answered. */
    boolean awaitsRelease() {
        return received.size() > resumed.size();
    }

    private int inFlight() {
        return atLeastOnce.size() + exactlyOnce.size();
    }

    void publish(Packet.Publish sent, Consumer<Effect> out) {
        var publish = aliases.resolve(sent);
        var receivedAt = clock.getAsLong();
        if (held.isEmpty() && isAdmissible(publish)) {
            admit(publish, receivedAt, out);
        } else {
            requireRoomFor(publish, out);
            held.add(publish, receivedAt);
            if (publish.topicName().equals(TopicName.RENEWAL)) out.accept(new Effect.Renew(publish));
            requireRoom();
        }
    }

    /** A large one is read by then, so that it cannot wait in the socket: the client sends it again on its next connection. */
    private void requireRoomFor(Packet.Publish publish, Consumer<Effect> out) {
        if (held.hasRoomFor(publish)) return;
        out.accept(new Effect.Exceeded("bytes-held"));
        out.accept(new Effect.Abandon(1));
        throw new MqttFault(
                ReasonCode.SERVER_BUSY,
                "too much is held back for all clients together, and this PUBLISH is larger than "
                        + HeldPublishes.RESERVE + " bytes (sluice.uplink.bytes-held)");
    }

    /** Lets those go on that were held and need not be any longer, in their order. */
    void resume(Consumer<Effect> out) {
        for (int i = 0; i < TURN && canResume(); i++) {
            var next = held.poll();
            admit(next.publish(), next.receivedAt(), out);
        }
    }

    private boolean isAdmissible(Packet.Publish publish) {
        var packetId = publish.packetId();
        return switch (publish.qos()) {
            case AT_MOST_ONCE -> mayPublish(publish);
            case AT_LEAST_ONCE -> hasQuota() && mayPublish(publish) || atLeastOnce.contains(packetId);
            case EXACTLY_ONCE -> {
                if (isRepeat(publish)) yield true;
                // Its identifier is that of an exchange which is not over: what this one is shows when it is.
                if (exactlyOnce.contains(packetId) || releasing.contains(packetId)) yield false;
                yield hasQuota() && mayPublish(publish);
            }
        };
    }

    private boolean mayPublish(Packet.Publish publish) {
        return holding.mayPublish().test(publish);
    }

    private void admit(Packet.Publish publish, long receivedAt, Consumer<Effect> out) {
        switch (publish.qos()) {
            case AT_MOST_ONCE -> {
                if (excess(publish, out) != null) return;
                if (hasClaimedFormat(publish)) out.accept(new Effect.Forward(publish, receivedAt));
                else if (!finishing) throw new MqttFault(ReasonCode.PAYLOAD_FORMAT_INVALID, PayloadFormat.NOT_TEXT);
            }
            case AT_LEAST_ONCE -> {
                if (atLeastOnce.contains(publish.packetId())) return; // its answer is still under way
                admitAtLeastOnce(publish, receivedAt, out);
            }
            case EXACTLY_ONCE -> { // [MQTT-4.3.3-10]
                if (isRepeat(publish)) send(new Packet.PubRec(publish.packetId()), out);
                else admitExactlyOnce(publish, receivedAt, out);
            }
        }
    }

    private void admitAtLeastOnce(Packet.Publish publish, long receivedAt, Consumer<Effect> out) {
        var packetId = publish.packetId();
        atLeastOnce.admit(packetId);
        var excess = excess(publish, out);
        if (excess != null) settleAtLeastOnce(packetId, excess.reason(), excess.why(), out);
        else if (hasClaimedFormat(publish)) out.accept(new Effect.Forward(publish, receivedAt));
        else settleAtLeastOnce(packetId, ReasonCode.PAYLOAD_FORMAT_INVALID, PayloadFormat.NOT_TEXT, out);
    }

    /** Returns whether a QoS 2 PUBLISH was answered with PUBREC before. */
    private boolean isRepeat(Packet.Publish publish) {
        return received.contains(publish.packetId()) && !resumed.isReplacedBy(publish);
    }

    private void admitExactlyOnce(Packet.Publish publish, long receivedAt, Consumer<Effect> out) {
        if (received.remove(publish.packetId())) resumed.remove(publish.packetId());
        exactlyOnce.admit(publish, receivedAt);
        var excess = excess(publish, out);
        if (excess != null) {
            refuseExactlyOnce(publish.packetId(), excess.reason(), excess.why(), out);
        } else if (hasClaimedFormat(publish)) {
            out.accept(new Effect.Forward(publish, receivedAt));
        } else {
            var reason = ReasonCode.PAYLOAD_FORMAT_INVALID;
            refuseExactlyOnce(publish.packetId(), reason, PayloadFormat.NOT_TEXT, out);
        }
    }

    private void refuseExactlyOnce(int packetId, ReasonCode reason, String why, Consumer<Effect> out) {
        exactlyOnce.forwarded(packetId, reason, why, null, out, answeringExactlyOnce(out));
    }

    private record Excess(ReasonCode reason, String why) {}

    /** Why a message is refused for good because a bound is exceeded, which is counted; null if none is. */
    private Excess excess(Packet.Publish publish, Consumer<Effect> out) {
        var properties = publish.properties().excess();
        if (properties != null) {
            out.accept(new Effect.Exceeded(properties.bound()));
            return new Excess(ReasonCode.QUOTA_EXCEEDED, properties.why());
        }
        var levels = limits.input().topicLevels();
        if (!publish.topicName().hasMoreLevelsThan(levels)) return null;
        out.accept(new Effect.Exceeded(InputBounds.TOPIC_LEVELS));
        var why = InputBounds.sentence(InputBounds.TOPIC_LEVELS, "the topic has more than " + levels + " levels");
        return new Excess(ReasonCode.TOPIC_NAME_INVALID, why);
    }

    /** An MQTT 3 client has no Receive Maximum and cannot heed it: only what waits for the gateway counts, and PUBRELs up to a bound of their own. */
    private boolean hasQuota() {
        if (v5) return unanswered() < limits.receiveMaximum();
        return inFlight() < limits.receiveMaximum() && unreleased() < limits.unreleasedMaximum();
    }

    private int unanswered() {
        return atLeastOnce.size() + exactlyOnce.size() + unreleased();
    }

    private int unreleased() {
        return received.size() + releasing.size() - resumed.size();
    }

    /**
     * Nothing more can be read, so that a client which has sent more than it may would wait for ever: its own PUBRELs are among what is not
     * read.
     */
    void requireRoom() {
        if (!held.isFull()) return;
        if (v5 && unanswered() + held.toBeAnswered() > limits.receiveMaximum()) // [MQTT-3.3.4-7]
        throw new MqttFault(
                    ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
                    "more than " + limits.receiveMaximum()
                            + " PUBLISHes sent without waiting for an answer (sluice.mqtt.receive-maximum),"
                            + " and more of them than can be held back");
        if (!v5 && !isWaiting() && unreleased() >= limits.unreleasedMaximum())
            throw new MqttFault(
                    ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
                    limits.unreleasedMaximum() + " PUBLISHes wait for a PUBREL (sluice.mqtt.unreleased-maximum)");
    }

    private boolean hasClaimedFormat(Packet.Publish publish) {
        return !limits.payloadFormatCheck() || PayloadFormat.holds(publish.properties(), publish.payload());
    }

    void forwarded(Event.Forwarded done, Consumer<Effect> out) {
        switch (done.qos()) {
            case AT_MOST_ONCE -> throw new IllegalStateException("a QoS 0 PUBLISH has no answer");
            case AT_LEAST_ONCE -> settleAtLeastOnce(done.packetId(), done.outcome(), done.why(), out);
            case EXACTLY_ONCE ->
                exactlyOnce.forwarded(
                        done.packetId(), done.outcome(), done.why(), done.messageId(), out, answeringExactlyOnce(out));
        }
        resume(out);
    }

    void accepted(int packetId, ReasonCode outcome, Consumer<Effect> out) {
        exactlyOnce.accepted(packetId, outcome, answeringExactlyOnce(out));
        resume(out);
    }

    private void settleAtLeastOnce(int packetId, ReasonCode outcome, String why, Consumer<Effect> out) {
        atLeastOnce.settle(packetId, outcome, why, (id, result, sentence) -> {
            requireAnswerable(result, sentence);
            send(new Packet.PubAck(id, result, reasonString(sentence)), out);
        });
    }

    private InboundWindow.Answer answeringExactlyOnce(Consumer<Effect> out) {
        return (id, result, sentence) -> {
            requireAnswerable(result, sentence);
            // With an error the exchange ends here and the identifier is free again [MQTT-4.3.3-9].
            if (!result.isError() && !finishing) received.add(id);
            send(new Packet.PubRec(id, result, reasonString(sentence)), out);
        };
    }

    /** MQTT 3 acknowledgements cannot say no, and a yes would be a lie: the connection is closed instead. */
    private void requireAnswerable(ReasonCode outcome, String why) {
        if (!v5 && outcome.isError() && !finishing) throw new MqttFault(outcome, why);
    }

    private void send(Packet answer, Consumer<Effect> out) {
        if (!finishing) out.accept(new Effect.Send(answer));
    }

    void release(Packet.PubRel release, Consumer<Effect> out) {
        var packetId = release.packetId();
        if (releasing.contains(packetId)) return; // its PUBCOMP is under way
        if (exactlyOnce.contains(packetId))
            throw new MqttFault(ReasonCode.PROTOCOL_ERROR, "PUBREL " + packetId + " came before its PUBREC");
        if (!received.remove(packetId)) {
            // After a lost PUBCOMP the client repeats the PUBREL of an exchange that is over [MQTT-4.3.3-11].
            var reason = v5 ? ReasonCode.PACKET_IDENTIFIER_NOT_FOUND : ReasonCode.SUCCESS;
            send(new Packet.PubComp(packetId, reason, Properties.NONE), out);
            return;
        }
        if (durable) {
            releasing.add(packetId);
            out.accept(new Effect.Forget(packetId));
        } else {
            complete(packetId, out);
        }
    }

    void forgotten(int packetId, Consumer<Effect> out) {
        releasing.remove(packetId);
        complete(packetId, out);
    }

    private void complete(int packetId, Consumer<Effect> out) {
        resumed.remove(packetId);
        send(new Packet.PubComp(packetId), out);
        resume(out);
    }

    /** The client has said DISCONNECT: what it has published goes on, and awaits no answer. */
    void finish() {
        finishing = true;
    }

    /** What is held is given up. */
    void abandon(Consumer<Effect> out) {
        if (!held.isEmpty()) out.accept(new Effect.Abandon(held.discard()));
    }

    int discard() {
        return held.discard();
    }

    private Properties reasonString(String why) {
        return why == null || !v5 ? Properties.NONE : grant.reasonString(why);
    }
}
