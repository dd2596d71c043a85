package dev.sluice.broker;

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

    WillCheck(Uplink uplink) {
        this.uplink = uplink;
    }

    /** @param username null without one */
    Prospect prospect(Will will, String clientId, String username) {
        if (will.topicName().isServers())
            return new Prospect.Refused(ReasonCode.TOPIC_NAME_INVALID, TopicName.SERVERS_OWN);
        var excess = will.properties().excess(); // of a time with wider bounds
        if (excess != null) return new Prospect.Refused(ReasonCode.QUOTA_EXCEEDED, excess.why());
        return uplink.prospect(will.topicName(), clientId, username, will.payload());
    }

    /**
     * Why a CONNECT with this will is refused: what could be published neither to subscribers nor to Kafka would be lost without a word.
     * Empty if it could be published as the routes are now, or without a will.
     *
     * @param username the authenticated one, null without
     */
    Optional<Event> refusal(Packet.Connect connect, String clientId, String username) {
        if (connect.will() == null) return Optional.empty();
        return switch (prospect(connect.will(), clientId, username)) {
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
