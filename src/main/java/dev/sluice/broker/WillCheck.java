package dev.sluice.broker;

import dev.sluice.access.rule.Requester;
import dev.sluice.access.rule.RulesInForce;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import dev.sluice.packet.Will;
import dev.sluice.session.Event;
import dev.sluice.topic.TopicName;
import dev.sluice.uplink.Prospect;
import dev.sluice.uplink.Uplink;
import java.util.Optional;

/** Says whether a will could be published, before its client is let in and again when it is due. Immutable; any thread may ask. */
final class WillCheck {
    private final Uplink uplink;
    private final RulesInForce rules;

    WillCheck(Uplink uplink, RulesInForce rules) {
        this.uplink = uplink;
        this.rules = rules;
    }

    /**
     * @param requester who the client was when it connected
     * @param username the authenticated one, null without
     */
    Prospect prospect(Will will, Requester requester, String username) {
        if (will.topicName().isServers())
            return new Prospect.Refused(ReasonCode.TOPIC_NAME_INVALID, TopicName.SERVERS_OWN);
        var now = rules.rules();
        if (now != null && !now.of(requester).publish(will.topicName()).allows(will.qos(), will.retain()))
            return new Prospect.Refused(ReasonCode.NOT_AUTHORIZED, ClientRights.NOT_PUBLISHED);
        var excess = will.properties().excess(); // of a time with wider bounds
        if (excess != null) return new Prospect.Refused(ReasonCode.QUOTA_EXCEEDED, excess.why());
        return uplink.prospect(will.topicName(), requester.clientId(), username, will.payload());
    }

    /**
     * Why a CONNECT with this will is refused: what could be published neither to subscribers nor to Kafka would be lost without a word.
     * Empty if it could be published as the routes are now, or without a will.
     */
    Optional<Event> refusal(Packet.Connect connect, Requester requester) {
        if (connect.will() == null) return Optional.empty();
        var username = requester.isAnonymous() ? null : requester.username();
        return switch (prospect(connect.will(), requester, username)) {
            case Prospect.Forwarded _, Prospect.Unmatched _, Prospect.UnmatchedDeadLetter _ -> Optional.empty();
            case Prospect.DeadLettered(var reason, var why) -> Optional.of(refused(reason, why, connect.version()));
            case Prospect.Refused(var reason, var why) -> Optional.of(refused(reason, why, connect.version()));
        };
    }

    /** The codes of MQTT 3 know nothing of wills: of them, "not authorized" is the one that clients do not try again for. */
    private static Event refused(ReasonCode reason, String why, ProtocolVersion version) {
        return new Event.OpenFailed(version.isV5() ? reason : ReasonCode.NOT_AUTHORIZED, "Will: " + why);
    }
}
