package dev.sluice.session;

import dev.sluice.codec.InputBounds;
import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ReasonCode;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What the client publishes, from PUBLISH to PUBACK or PUBCOMP: admission, order of answers, QoS 2 packet identifiers.
 * Confined to the connection's event loop.
 */
final class Inbound {
    private final boolean v5;
    private final Limits limits;
    private final Grant grant;
    /** True if QoS 2 identifiers outlive the connection, so that a PUBCOMP waits for the journal. */
    private final boolean durable;

    private final TopicAliases aliases;
    private final InboundWindow atLeastOnce = new InboundWindow();
    private final InboundExchanges exactlyOnce = new InboundExchanges();
    /** Answered with PUBREC, waiting for PUBREL. */
    private Set<Integer> received = Set.of();
    /** Identifiers of an earlier connection, which the Receive Maximum of this one does not count (section 4.9). */
    private Set<Integer> resumed = Set.of();
    /** PUBREL has come, the journal has yet to forget the identifier. */
    private Set<Integer> releasing = Set.of();

    Inbound(boolean v5, boolean durable, Limits limits, Grant grant, List<Integer> received) {
        this.v5 = v5;
        this.limits = limits;
        this.grant = grant;
        this.durable = durable;
        this.aliases =
                new TopicAliases(limits.topicAliasMaximum(), limits.input().topicAliasBytes());
        if (received.isEmpty()) return;
        this.received = new HashSet<>(received);
        this.resumed = new HashSet<>(received);
    }

    /** Returns whether an MQTT 3 client, which has no Receive Maximum, should be read on. */
    boolean hasRoom() {
        return atLeastOnce.size() + exactlyOnce.size() < limits.receiveMaximum();
    }

    /** Returns whether a PUBLISH waits for its answer from Kafka or from the journal. */
    boolean isWaiting() {
        return atLeastOnce.size() + exactlyOnce.size() + releasing.size() > 0;
    }

    void publish(Packet.Publish sent, Consumer<Effect> out) {
        var publish = aliases.resolve(sent);
        switch (publish.qos()) {
            case AT_MOST_ONCE -> {
                if (excess(publish, out) != null) return;
                if (!hasClaimedFormat(publish))
                    throw new MqttFault(ReasonCode.PAYLOAD_FORMAT_INVALID, PayloadFormat.NOT_TEXT);
                out.accept(new Effect.Forward(publish));
            }
            case AT_LEAST_ONCE -> {
                if (atLeastOnce.contains(publish.packetId())) return; // its answer is still under way
                admitAtLeastOnce(publish, out);
            }
            case EXACTLY_ONCE -> {
                var packetId = publish.packetId();
                if (received.contains(packetId)) out.accept(new Effect.Send(new Packet.PubRec(packetId)));
                else if (!exactlyOnce.contains(packetId) && !releasing.contains(packetId))
                    admitExactlyOnce(publish, out); // [MQTT-4.3.3-10]
            }
        }
    }

    private void admitAtLeastOnce(Packet.Publish publish, Consumer<Effect> out) {
        requireQuota();
        var packetId = publish.packetId();
        atLeastOnce.admit(packetId);
        var excess = excess(publish, out);
        if (excess != null) settleAtLeastOnce(packetId, excess.reason(), excess.why(), out);
        else if (hasClaimedFormat(publish)) out.accept(new Effect.Forward(publish));
        else settleAtLeastOnce(packetId, ReasonCode.PAYLOAD_FORMAT_INVALID, PayloadFormat.NOT_TEXT, out);
    }

    private void admitExactlyOnce(Packet.Publish publish, Consumer<Effect> out) {
        requireQuota();
        exactlyOnce.admit(publish);
        var excess = excess(publish, out);
        if (excess != null) {
            refuseExactlyOnce(publish.packetId(), excess.reason(), excess.why(), out);
        } else if (hasClaimedFormat(publish)) {
            out.accept(new Effect.Forward(publish));
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

    private void requireQuota() {
        var exchanges = exactlyOnce.size() + received.size() + releasing.size() - resumed.size();
        var unanswered = atLeastOnce.size() + exchanges;
        // [MQTT-3.3.4-7]
        if (v5 && unanswered >= limits.receiveMaximum())
            throw new MqttFault(
                    ReasonCode.RECEIVE_MAXIMUM_EXCEEDED,
                    "more than " + limits.receiveMaximum() + " PUBLISHes sent without waiting for an answer");
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
    }

    void accepted(int packetId, ReasonCode outcome, Consumer<Effect> out) {
        exactlyOnce.accepted(packetId, outcome, answeringExactlyOnce(out));
    }

    private void settleAtLeastOnce(int packetId, ReasonCode outcome, String why, Consumer<Effect> out) {
        atLeastOnce.settle(packetId, outcome, why, (id, result, sentence) -> {
            requireAnswerable(result, sentence);
            out.accept(new Effect.Send(new Packet.PubAck(id, result, reasonString(sentence))));
        });
    }

    private InboundWindow.Answer answeringExactlyOnce(Consumer<Effect> out) {
        return (id, result, sentence) -> {
            requireAnswerable(result, sentence);
            // With an error the exchange ends here and the identifier is free again [MQTT-4.3.3-9].
            if (!result.isError()) received = with(received, id);
            out.accept(new Effect.Send(new Packet.PubRec(id, result, reasonString(sentence))));
        };
    }

    /** MQTT 3 acknowledgements cannot say no, and a yes would be a lie: the connection is closed instead. */
    private void requireAnswerable(ReasonCode outcome, String why) {
        if (!v5 && outcome.isError()) throw new MqttFault(outcome, why);
    }

    void release(Packet.PubRel release, Consumer<Effect> out) {
        var packetId = release.packetId();
        if (releasing.contains(packetId)) return; // its PUBCOMP is under way
        if (exactlyOnce.contains(packetId))
            throw new MqttFault(ReasonCode.PROTOCOL_ERROR, "PUBREL " + packetId + " came before its PUBREC");
        if (!received.contains(packetId)) {
            // After a lost PUBCOMP the client repeats the PUBREL of an exchange that is over [MQTT-4.3.3-11].
            var reason = v5 ? ReasonCode.PACKET_IDENTIFIER_NOT_FOUND : ReasonCode.SUCCESS;
            out.accept(new Effect.Send(new Packet.PubComp(packetId, reason, Properties.NONE)));
            return;
        }
        received.remove(packetId);
        if (durable) {
            releasing = with(releasing, packetId);
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
        if (!resumed.isEmpty()) resumed.remove(packetId);
        out.accept(new Effect.Send(new Packet.PubComp(packetId)));
    }

    private Properties reasonString(String why) {
        return why == null || !v5 ? Properties.NONE : grant.reasonString(why);
    }

    private static Set<Integer> with(Set<Integer> ids, int packetId) {
        var grown = ids instanceof HashSet ? ids : new HashSet<Integer>();
        grown.add(packetId);
        return grown;
    }
}
