package dev.sluice.broker;

import dev.sluice.access.limit.Limit;
import dev.sluice.access.limit.Scope;
import dev.sluice.packet.Packet;
import dev.sluice.packet.ReasonCode;
import dev.sluice.topic.TopicName;

/** Says whether a client may publish a message, before anybody gets it. Confined to the connection's event loop. */
final class PublishCheck {
    private static final Refusal SERVERS_OWN = new Refusal(ReasonCode.NOT_AUTHORIZED, TopicName.SERVERS_OWN);
    private static final Refusal NOT_ALLOWED = new Refusal(ReasonCode.NOT_AUTHORIZED, ClientRights.NOT_PUBLISHED);
    static final String NO_ROOM =
            "as many messages are retained as may be, or their topics have as many bytes as they may";
    private static final Refusal FULL = new Refusal(ReasonCode.QUOTA_EXCEEDED, NO_ROOM);

    private static final Refusal SHARE_IS_FULL =
            new Refusal(ReasonCode.QUOTA_EXCEEDED, Limiter.sentence(Limit.RETAINED, Scope.IDENTITY));

    private final ConnectionParts parts;
    private final Proof proof;
    private final ClientRights rights;

    /** @param rights null if everything is allowed */
    PublishCheck(ConnectionParts parts, Proof proof, ClientRights rights) {
        this.parts = parts;
        this.proof = proof;
        this.rights = rights;
    }

    /** Why a message is refused for good. */
    record Refusal(ReasonCode reason, String why) {}

    /** Null if it is not refused. */
    Refusal refusal(Packet.Publish publish) {
        if (publish.topicName().isServers()) return SERVERS_OWN;
        if (rights != null && !rights.mayPublish(publish)) return NOT_ALLOWED;
        if (!publish.retain() || publish.payload().length == 0) return null;
        if (!parts.retainedTopics().hasRoomFor(publish.topicName())) {
            parts.meters().retainedRefused();
            return FULL;
        }
        return isWithinShare(publish.topicName()) ? null : SHARE_IS_FULL;
    }

    private boolean isWithinShare(TopicName topicName) {
        var limits = proof.clientLimits();
        return limits == null || parts.retainedTopics().contains(topicName) || limits.retains();
    }
}
